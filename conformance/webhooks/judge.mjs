// Real deliveries of the real binary, verified by npm's and PyPI's standardwebhooks, and hooks that these sign: node judge.mjs BINARY [PYTHON]
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';

const [binary, python = 'python3'] = process.argv.slice(2);
if (!binary) {
  console.error('name the vulndesk binary: node judge.mjs BINARY [PYTHON]');
  process.exit(2);
}

const HOST = '127.0.0.1';
const folder = mkdtempSync(join(tmpdir(), 'vulndesk-webhooks-'));
let failed = 0;
function check(what, holds) {
  if (!holds) failed += 1;
  console.log(`${holds ? 'ok   ' : 'FAIL '} ${what}`);
}

async function until(what, probe) {
  const end = performance.now() + 60_000;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (performance.now() > end) throw new Error(`not within 60 s: ${what}`);
    await pause(50);
  }
}

// The first request of each delivery is refused, so that a second attempt is seen too.
const arrivals = [];
const refused = new Set();
const receiver = createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    arrivals.push({ headers: request.headers, body: Buffer.concat(parts).toString() });
    const id = request.headers['webhook-id'];
    response.statusCode = refused.has(id) ? 204 : 500;
    refused.add(id);
    response.end();
  });
});
await new Promise((listening) => receiver.listen(0, HOST, listening));
const probe = createServer();
await new Promise((listening) => probe.listen(0, HOST, listening));
const port = probe.address().port;
await new Promise((closed) => probe.close(closed));

const file = (name, text) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const config = file('vulndesk.toml', `
database_url = "sqlite://${join(folder, 'vulndesk.sqlite')}"
[http]
listen = "${HOST}:${port}"
[auth]
hs256_secret_file = "${file('token.secret', 's'.repeat(40))}"
[secrets]
keys = ["${file('seal.key', '0a'.repeat(32))}"]
[outbound]
http_hosts = ["${HOST}"]
networks = ["${HOST}/32"]
ports = [${receiver.address().port}]
`);
const token = (role) =>
  execFileSync(binary, ['token', '--config', config, '--role', role, '--subject', `${role.toLowerCase()}-1`]).toString().trim();
const [admin, leader, analyst] = ['ADMIN', 'LEADER', 'ANALYST'].map(token);
const server = spawn(binary, ['serve', '--config', config], { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, RUST_LOG: 'warn' } });

async function call(who, mutation, type, input, fields) {
  const query = `mutation($input: ${type}!) { ${mutation}(input: $input) { ${fields} userErrors { message } } }`;
  const answer = await fetch(`http://${HOST}:${port}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${who}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables: { input } }),
  });
  const { data, errors } = await answer.json();
  const payload = data?.[mutation];
  if (errors || payload.userErrors.length) throw new Error(JSON.stringify(errors ?? payload.userErrors));
  return payload;
}

try {
  await until('the server answers', () => fetch(`http://${HOST}:${port}/`).then(() => true, () => false));
  const { channel } = await call(admin, 'createChannel', 'CreateChannel', {
    key: 'src', name: 'src', kind: 'SRC_PLATFORM', jurisdiction: 'CN', abroad: false, replyRequired: true,
  }, 'channel { id version }');
  const made = await call(admin, 'createWebhookEndpoint', 'CreateWebhookEndpoint', {
    name: 'portal', url: `http://${HOST}:${receiver.address().port}/hook`, messageTypes: ['report.received'],
    grant: { role: 'ANALYST', tlpCeiling: 'AMBER', abroad: false },
  }, 'secret endpoint { id version }');
  const confirmed = await call(leader, 'confirmWebhookGrant', 'ConfirmWebhookGrant', {
    endpoint: made.endpoint.id, expectedVersion: made.endpoint.version,
  }, 'endpoint { id version }');
  const receive = (number) => call(analyst, 'receiveReport', 'ReceiveReport', {
    channel: 'src', number, title: `A hole ${number} 漏洞`, text: 'Steps', tlp: 'AMBER',
  }, 'report { id }');
  await receive('1');
  await until('the first report arrives twice', () => arrivals.length >= 2);
  const rotated = await call(admin, 'rotateWebhookSecret', 'RotateWebhookSecret', {
    endpoint: made.endpoint.id, expectedVersion: confirmed.endpoint.version,
  }, 'secret endpoint { id }');
  await receive('2');
  await until('the second report arrives twice', () => arrivals.length >= 4);

  const [before, after] = [arrivals.slice(0, 2), arrivals.slice(2)];
  const changed = (delivery) => ({ ...delivery, body: delivery.body.replace('report.received', 'report.updated') });
  // What is sent, with which secret it is looked at, and whether it has to pass.
  const cases = [
    ...before.map((delivery) => ['signed by its secret', delivery, made.secret, true]),
    ...after.map((delivery) => ['signed by the old secret during the overlap', delivery, made.secret, true]),
    ...after.map((delivery) => ['signed by the new secret', delivery, rotated.secret, true]),
    ...before.map((delivery) => ['not signed by a secret that came later', delivery, rotated.secret, false]),
    ...before.map((delivery) => ['changed on the way', changed(delivery), made.secret, false]),
  ];
  const byNpm = cases.map(([, delivery, secret]) => {
    try {
      new Webhook(secret).verify(delivery.body, delivery.headers);
      return true;
    } catch {
      return false;
    }
  });
  const input = JSON.stringify(cases.map(([, { headers, body }, secret]) => ({ headers, body, secret })));
  const byPyPI = JSON.parse(execFileSync(python, [join(import.meta.dirname, 'verify.py')], { input }).toString());
  cases.forEach(([what, , , holds], place) => {
    check(`npm: ${what}`, byNpm[place] === holds);
    check(`PyPI: ${what}`, byPyPI[place] === holds);
  });
  for (const [name, pair] of [['first', before], ['second', after]]) {
    check(`the ${name} report keeps its id over its attempts`, new Set(pair.map(({ headers }) => headers['webhook-id'])).size === 1);
  }

  // The other way round: hooks that both libraries sign are let in.
  const { secret } = await call(admin, 'rotateHookSecret', 'RotateHookSecret', {
    channel: channel.id, expectedVersion: channel.version,
  }, 'secret');
  const body = (number) => JSON.stringify({ type: 'report.submitted', data: { number, title: `A hole ${number} 漏洞` } });
  const hook = async (id, timestamp, signature, text) => {
    const answer = await fetch(`http://${HOST}:${port}/hooks/src/src`, {
      method: 'POST',
      headers: { 'webhook-id': id, 'webhook-timestamp': `${timestamp}`, 'webhook-signature': signature },
      body: text,
    });
    return answer.status;
  };
  const now = new Date();
  const seconds = Math.floor(now.getTime() / 1000);
  const npm = new Webhook(secret).sign('msg_npm', now, body('npm'));
  check('npm: a hook that it signs is let in', await hook('msg_npm', seconds, npm, body('npm')) === 200);
  check('npm: not with another body', await hook('msg_npm', seconds, npm, body('other')) === 401);
  const request = JSON.stringify({ secret, id: 'msg_pypi', timestamp: seconds, body: body('PyPI') });
  const pypi = execFileSync(python, [join(import.meta.dirname, 'sign.py')], { input: request }).toString().trim();
  check('PyPI: a hook that it signs is let in', await hook('msg_pypi', seconds, pypi, body('PyPI')) === 200);
  check('PyPI: not under another id', await hook('msg_other', seconds, pypi, body('PyPI')) === 401);
} catch (error) {
  check(`the judge ran to its end: ${error.stack}`, false);
}
server.kill('SIGKILL');
receiver.close();
receiver.closeAllConnections();
rmSync(folder, { recursive: true });
process.exit(failed === 0 ? 0 : 1);
