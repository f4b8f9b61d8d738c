// `vulndesk worker` beside a `serve` that delivers nothing itself: it delivers webhooks and replies, and killed again and again
// it loses nothing. On SQLite, and where VULNDESK_TEST_POSTGRES names a server on PostgreSQL too, with two workers; that takes psql.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { setTimeout as pause } from 'node:timers/promises';
import { Desk, HOST, outbound, receiver } from './desk.mjs';
import { check, judge, until } from './judge.mjs';

const KILLS = 5;
const REPORTS = 20;

/** Receives webhooks and replies. What comes while it `holds` is never answered. */
class Receiver {
  holds = false;
  arrivals = [];

  async listen() {
    const { port } = await receiver((request, response, body) => {
      this.arrivals.push({ path: request.url, id: request.headers['webhook-id'], body, answered: !this.holds });
      if (!this.holds) response.writeHead(204).end();
    });
    this.port = port;
    return this;
  }

  at(path) {
    return this.arrivals.filter((arrival) => arrival.path === path);
  }
}

async function delivers(kind, database, workers) {
  const told = (what, holds, seen) => check(`${kind}: ${what}`, holds, seen);
  const platform = await new Receiver().listen();
  const desk = await Desk.make(outbound([platform.port]) + '[replies]\ncompany = "Example Networks"\n[webhooks]\nworker = false\n', database);
  const serving = await desk.serve();
  const [admin, analyst, leader] = await Promise.all(['ADMIN', 'ANALYST', 'LEADER'].map((role) => desk.token(role)));
  const bank = { key: 'bank', name: 'Bank', kind: 'CUSTOMER', jurisdiction: 'CN', abroad: false, replyRequired: false };
  const channel = await desk.made(admin, 'createChannel', bank, 'id version');
  const url = (path) => `http://${HOST}:${platform.port}${path}`;
  await desk.made(admin, 'setReplyRoute', { channel: channel.id, expectedVersion: channel.version, url: url('/replies') }, 'secret');
  const made = await desk.made(admin, 'createWebhookEndpoint', {
    name: 'portal', url: url('/hook'), messageTypes: ['report.received'],
    grant: { role: 'ANALYST', tlpCeiling: 'AMBER', abroad: false },
  }, 'endpoint { id version }');
  await desk.made(leader, 'confirmWebhookGrant', { endpoint: made.endpoint.id, expectedVersion: made.endpoint.version });
  let count = 0;
  const receive = () => {
    count += 1;
    const input = { channel: 'bank', number: `B-${count}`, title: `A hole ${count}`, text: 'Steps', tlp: 'AMBER' };
    return desk.made(analyst, 'receiveReport', input, 'id event { id version }');
  };
  const reports = new Set();
  const receiveMany = async () => {
    for (const { id } of await Promise.all(Array.from({ length: REPORTS }, receive))) reports.add(id);
  };
  const reply = async () => {
    const { event } = await receive().then((report) => (reports.add(report.id), report));
    const draft = { event: event.id, expectedVersion: event.version, channel: channel.id, kind: 'THANKS', subject: 'Thanks', body: 'We thank you.' };
    const { id, version } = await desk.made(analyst, 'draftReply', draft, 'id version');
    await desk.made(analyst, 'sendReply', { reply: id, expectedVersion: version, via: 'WEBHOOK', formats: ['TEXT'] });
    return id;
  };
  const state = async (id) => (await desk.node(analyst, id, 'Reply', 'state')).state;
  const arrived = () => new Set(platform.at('/hook').filter(({ answered }) => answered).map(({ body }) => JSON.parse(body).data.report));

  await receiveMany();
  const first = await reply();
  await pause(2_500);
  told('serve alone delivers nothing', platform.arrivals.length === 0, platform.arrivals.length);

  let running = await Promise.all(Array.from({ length: workers }, () => desk.worker()));
  const kill = () => Promise.all(running.map((process) => process.end('SIGKILL')));
  await until('the worker delivers what waits', () => arrived().size === reports.size);
  told('a worker delivers what waits for it', true);
  await until('the worker hands a reply over', async () => await state(first) === 'SENT');
  told('a worker hands replies over', platform.at('/replies').length === 1, platform.at('/replies').length);
  told('nothing is delivered twice without need', platform.at('/hook').length === reports.size, [platform.at('/hook').length, reports.size]);

  // A reply whose worker is killed while the platform has it and says nothing: nobody knows, so nobody sends it again.
  platform.holds = true;
  const cut = await reply();
  await until('the platform has the reply', () => platform.at('/replies').length === 2);
  await kill();
  const since = performance.now();
  for (let kills = 0; kills < KILLS; kills += 1) {
    // Some are killed while the receiver keeps them waiting, some while it answers.
    platform.holds = kills % 2 === 0;
    running = await Promise.all(Array.from({ length: workers }, () => desk.worker()));
    const before = platform.arrivals.length;
    await receiveMany();
    await until('some arrive', () => platform.arrivals.length > before);
    await kill();
  }
  platform.holds = false;
  running = await Promise.all(Array.from({ length: workers }, () => desk.worker()));
  await until('all have arrived', () => arrived().size === reports.size, 40).catch(() => {});
  const missing = [...reports].filter((id) => !arrived().has(id));
  told(`${reports.size} reports, ${KILLS + 1} kills of the worker: none is lost`, missing.length === 0, missing);
  const bodies = new Map();
  const changed = platform.at('/hook').filter(({ id, body }) => {
    const before = bodies.get(id);
    bodies.set(id, body);
    return before !== undefined && before !== body;
  });
  told('what comes again has the same id and says the same', changed.length === 0 && bodies.size === reports.size, [bodies.size, changed.length]);
  const waiting = 'query($endpoint: ID!) { webhookDeliveries(endpoint: $endpoint, first: 1, state: PENDING) { nodes { id } } }';
  const settled = await until('no delivery waits', async () => {
    const { webhookDeliveries } = await desk.read(admin, waiting, { endpoint: made.endpoint.id });
    return webhookDeliveries.nodes.length === 0;
  }, 20);
  told('no delivery waits any more', settled);
  await until('the reply that was cut off is settled', async () => await state(cut) !== 'SENDING', 60 - (performance.now() - since) / 1_000);
  told('a reply that was cut off is UNCERTAIN', await state(cut) === 'UNCERTAIN', await state(cut));
  told('and is not sent again', platform.at('/replies').length === 2, platform.at('/replies').length);
  await Promise.all(running.map((process) => process.end()));
  await serving.end();
  const audit = await desk.run('audit', 'verify');
  told('the audit trail holds', audit.code === 0, audit);
}

await judge(async () => {
  const runs = [delivers('SQLite', undefined, 1)];
  const server = process.env.VULNDESK_TEST_POSTGRES;
  if (server) {
    const name = `worker_${randomBytes(8).toString('hex')}`;
    await promisify(execFile)('psql', ['--quiet', '--no-psqlrc', `${server}/postgres`, '--command', `CREATE DATABASE ${name}`]);
    runs.push(delivers('PostgreSQL', `${server}/${name}`, 2));
  }
  await Promise.all(runs);
});
