// What somebody may do who names where the desk sends: addresses inside in every notation, names and redirects that lead there,
// and receivers that answer without end. Each is refused or bounded.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { Desk, HOST, outbound, receiver, scored } from './desk.mjs';
import { atEnd, check, judge, until } from './judge.mjs';

// Every way to write this machine, networks inside, link-local (where clouds keep their metadata), and what is no address at all.
const INSIDE = [
  '127.0.0.1', '127.1', '127.255.255.254', '0.0.0.0', '0', '0x7f.1', '0x7f000001', '2130706433', '0177.0.0.1', '017700000001',
  '127。0。0。1', '１２７.0.0.1', '127.0.0.1.', '%31%32%37.0.0.1', '10.0.0.1', '10.1', '167772161', '172.16.0.1', '172.31.255.254', '192.168.1.1',
  '0xc0a80101', '100.64.0.1', '169.254.169.254', '2852039166', '0xa9fea9fe', '0251.0376.0251.0376', '169.254.170.2', '100.100.100.200',
  '192.0.0.192', '198.18.0.1', '224.0.0.1', '240.0.0.1', '255.255.255.255', '[::1]', '[::]', '[0:0:0:0:0:0:0:1]', '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]', '[::ffff:169.254.169.254]', '[::ffff:a9fe:a9fe]', '[::ffff:10.0.0.1]', '[::127.0.0.1]', '[::7f00:1]', '[64:ff9b::127.0.0.1]',
  '[64:ff9b::a9fe:a9fe]', '[64:ff9b:1::7f00:1]', '[2002:7f00:1::]', '[2002:a9fe:a9fe::1]', '[2001:0:7f00:1::]', '[fc00::1]', '[fd00:ec2::254]',
  '[fe80::1]', '[fec0::1]', '[ff02::1]', '[100::1]',
];
const REFUSED = [
  ...INSIDE.map((host) => `https://${host}/`),
  'http://hooks.example/', 'http://127.0.0.1/', 'https://hooks.example:22/', 'https://hooks.example:8443/', 'https://user@hooks.example/',
  'https://user:secret@hooks.example/', 'https://hooks.example@127.0.0.1/', 'https://127.0.0.1#@hooks.example/', 'https://127.0.0.1\\@hooks.example/',
  'ftp://hooks.example/', 'file:///etc/passwd', 'gopher://hooks.example/', 'data:text/plain,a', 'https://', '//hooks.example/', 'hooks.example',
  'javascript:alert(1)', 'https://[fe80::1%25eth0]/', 'https://1.2.3.4.5/', 'https://256.1.1.1/', '',
];

const GRANT = { role: 'ANALYST', tlpCeiling: 'AMBER', abroad: false };
const REDMINE = {
  name: 'tracker', preset: 'REDMINE', parameters: [{ name: 'project', value: 'vuln' }], credentials: [{ name: 'key', value: 'a-secret-key' }],
  tlpCeiling: 'AMBER', abroad: false,
};

/** What is refused when it is entered, wherever a URL is entered. */
async function entered() {
  const desk = await Desk.make();
  await desk.serve();
  const admin = await desk.token('ADMIN');
  const bank = { key: 'bank', name: 'Bank', kind: 'CUSTOMER', jurisdiction: 'CN', abroad: false, replyRequired: false };
  const { id } = await desk.made(admin, 'createChannel', bank);
  const version = async () => (await desk.node(admin, id, 'Channel', 'version')).version;
  const endpoint = (url, more = {}) => desk.attempt(admin, 'createWebhookEndpoint', {
    name: 'portal', url, messageTypes: ['*'], grant: GRANT, ...more,
  }, 'endpoint { id version }');
  const good = await endpoint('https://hooks.example/hook');
  const kept = good.thing?.endpoint;
  check('an https URL of a public name is taken', good.refused.length === 0, good.refused);
  const ways = {
    'a webhook endpoint': (url) => endpoint(url),
    'a changed endpoint': (url) => desk.attempt(admin, 'updateWebhookEndpoint', { endpoint: kept.id, expectedVersion: kept.version, url }),
    'a chat bot': (url) => endpoint(url, { preset: 'FEISHU', secret: 'a-secret' }),
    'a platform for replies': async (url) => desk.attempt(admin, 'setReplyRoute', { channel: id, expectedVersion: await version(), url }, 'secret'),
    'a ticketing system': (url) => desk.attempt(admin, 'createTracker', { ...REDMINE, baseUrl: url }),
  };
  for (const [way, enter] of Object.entries(ways)) {
    const taken = [];
    for (const url of REFUSED) {
      const { refused } = await enter(url);
      const named = refused.length === 1 && refused[0].code === 'BAD_USER_INPUT' && /^input\.(url|baseUrl)\b/.test(refused[0].message);
      if (!named) taken.push([url, refused]);
    }
    check(`${way}: ${REFUSED.length} URLs are refused, and say so`, taken.length === 0, taken);
  }
  const { webhookEndpoints, trackers } = await desk.read(admin,
    '{ webhookEndpoints(first: 100) { nodes { id url } } trackers { nodes { id } } }');
  const left = await desk.node(admin, kept.id, 'WebhookEndpoint', 'version');
  check('nothing of what was refused is there', webhookEndpoints.nodes.length === 1 && trackers.nodes.length === 0 && left.version === kept.version,
    { webhookEndpoints, trackers, left });
}

/** A server that answers each connection with `talk(socket)` once a request's head is there. */
async function talker(talk) {
  const server = createServer((socket) => {
    let talks = false;
    socket.on('error', () => {});
    socket.on('data', () => {
      if (!talks) talk(socket);
      talks = true;
    });
    atEnd(() => socket.destroy());
  });
  await new Promise((listening) => server.listen(0, HOST, listening));
  atEnd(() => new Promise((closed) => server.close(closed)));
  return server.address().port;
}

/** Writes `part` again and again until the other side is gone or `most` bytes were written. */
function pour(socket, part, most, written) {
  const on = () => {
    while (written.bytes < most && !socket.destroyed) {
      written.bytes += part.length;
      if (!socket.write(part)) {
        socket.once('drain', on);
        return;
      }
    }
    socket.end();
  };
  on();
}

const GIGABYTE = 1 << 30;
const BOUND = 64 << 20;

/** What is bounded when it is sent. */
async function sent() {
  const inside = [];
  const decoy = await receiver((request, response) => {
    inside.push(request.url);
    response.writeHead(200).end();
  });
  const plain = await receiver((request, response) => response.writeHead(204).end());
  const body = { bytes: 0 };
  const head = { bytes: 0 };
  const part = Buffer.alloc(64 << 10, 'x');
  const began = {};
  const ended = {};
  const drip = (name, first) => talker((socket) => {
    began[name] = performance.now();
    socket.write(first);
    const drops = setInterval(() => socket.write('a'), 500);
    socket.on('close', () => {
      clearInterval(drops);
      ended[name] = performance.now();
    });
  });
  const places = {
    'a body of 1 GB': await talker((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${GIGABYTE}\r\n\r\n`);
      pour(socket, part, GIGABYTE, body);
    }),
    'a head without end': await talker((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      pour(socket, Buffer.from(`X-More: ${'x'.repeat(8_000)}\r\n`.repeat(8)), GIGABYTE, head);
    }),
    'interim answers without end': await talker((socket) => {
      began.interim = performance.now();
      socket.on('close', () => { ended.interim = performance.now(); });
      // At the pace of a slow line: what is bounded is how long it lasts.
      const drops = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n'.repeat(100)), 50);
      socket.on('close', () => clearInterval(drops));
    }),
    'a dripping head': await drip('head', 'HTTP/1.1 200 OK\r\nX-Drip: '),
    'a dripping body': await drip('body', 'HTTP/1.1 500 No\r\nContent-Length: 1000\r\n\r\n'),
    'nothing at all': await talker((socket) => {
      began.silence = performance.now();
      socket.on('close', () => { ended.silence = performance.now(); });
    }),
    'no HTTP': await talker((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n')),
  };
  const targets = [`http://${HOST}:${decoy.port}/inside`, 'http://169.254.169.254/latest/meta-data/', 'https://[::1]/', 'file:///etc/passwd', '//127.0.0.2/'];
  const redirects = {};
  for (const status of [301, 302, 303, 307, 308]) {
    for (const target of targets) {
      redirects[`${status} to ${target}`] = (await receiver((request, response) => response.writeHead(status, { location: target }).end())).port;
    }
  }
  const ports = [plain.port, decoy.port, ...Object.values(places), ...Object.values(redirects)];
  const desk = await Desk.make(outbound(ports));
  const process = await desk.serve();
  const [admin, leader, analyst] = await Promise.all(['ADMIN', 'LEADER', 'ANALYST'].map((role) => desk.token(role)));
  const src = { key: 'src', name: 'src', kind: 'SRC_PLATFORM', jurisdiction: 'CN', abroad: false, replyRequired: true };
  await desk.made(admin, 'createChannel', src);
  const endpoints = {};
  const make = async (name, url) => {
    const { endpoint } = await desk.made(admin, 'createWebhookEndpoint', {
      name: name.slice(0, 60), url, messageTypes: ['report.received'], grant: GRANT,
    }, 'endpoint { id version }');
    await desk.made(leader, 'confirmWebhookGrant', { endpoint: endpoint.id, expectedVersion: endpoint.version });
    endpoints[name] = endpoint.id;
  };
  await make('plain', `http://${HOST}:${plain.port}/`);
  for (const [name, port] of Object.entries({ ...places, ...redirects })) await make(name, `http://${HOST}:${port}/`);
  const memory = async (field) => Number((await readFile(`/proc/${process.pid}/status`, 'utf8')).match(new RegExp(`^${field}:\\s+(\\d+)`, 'm'))[1]) << 10;
  const before = await memory('VmRSS');
  await desk.made(analyst, 'receiveReport', { channel: 'src', number: 'S-1', title: 'A hole', text: 'Steps', tlp: 'AMBER' });
  const attempts = async (name) => {
    const query = `query($endpoint: ID!) { webhookDeliveries(endpoint: $endpoint, first: 1) {
      nodes { state attempts { status error answer durationMs } } } }`;
    return (await desk.read(admin, query, { endpoint: endpoints[name] })).webhookDeliveries.nodes[0];
  };
  const tried = (name, seconds) => until(`${name} is tried`, async () => {
    const delivery = await attempts(name);
    return delivery?.attempts.length > 0 && delivery;
  }, seconds);

  const delivery = await tried('plain', 10);
  check('who answers as they should have theirs meanwhile', delivery.state === 'DELIVERED', delivery);
  const followed = [];
  for (const name of Object.keys(redirects)) {
    const { state, attempts: [first] } = await tried(name, 20);
    if (state !== 'PENDING' || String(first.status) !== name.slice(0, 3)) followed.push([name, state, first]);
  }
  check(`${Object.keys(redirects).length} redirects are failures`, followed.length === 0, followed);
  check('none of them is followed', inside.length === 0, inside);
  const large = await tried('a body of 1 GB', 20);
  check('of a body of 1 GB the beginning is read', body.bytes < BOUND && large.attempts[0].durationMs < 15_000, [body, large.attempts[0].durationMs]);
  check('and at most 4 kB of it are kept', Buffer.byteLength(large.attempts[0].answer ?? '') <= 4_096, large.attempts[0].answer?.length);
  const endless = await tried('a head without end', 20);
  check('a head without end is given up', head.bytes < BOUND && endless.state === 'PENDING', [head, endless]);
  const other = await tried('no HTTP', 20);
  check('what is no HTTP is a failure', other.state === 'PENDING' && other.attempts[0].error !== null, other);
  for (const [name, key] of [['a dripping head', 'head'], ['a dripping body', 'body'], ['nothing at all', 'silence'],
    ['interim answers without end', 'interim']]) {
    await tried(name, 25);
    await until(`${name}: the connection ends`, () => ended[key], 5).catch(() => {});
    const seconds = (ended[key] - began[key]) / 1_000;
    check(`${name} is given up after 15 s`, seconds > 13 && seconds < 18, seconds);
  }
  await led(desk, redirects[`307 to ${targets[0]}`]);
  check('nor do replies and tickets go where they are led', inside.length === 0, inside);
  const more = await memory('VmHWM') - before;
  check('none of it takes much memory', more < BOUND, `${more >> 20} MB`);
  await names(decoy, inside);
}

/** A reply and a ticket whose receiver leads elsewhere. */
async function led(desk, port) {
  const [admin, analyst] = await Promise.all(['ADMIN', 'ANALYST'].map((role) => desk.token(role)));
  const bank = { key: 'bank', name: 'Bank', kind: 'CUSTOMER', jurisdiction: 'CN', abroad: false, replyRequired: false };
  const channel = await desk.made(admin, 'createChannel', bank, 'id version');
  const url = `http://${HOST}:${port}/`;
  await desk.made(admin, 'setReplyRoute', { channel: channel.id, expectedVersion: channel.version, url }, 'secret');
  const tracker = await desk.made(admin, 'createTracker', { ...REDMINE, baseUrl: url });
  const product = await desk.made(admin, 'createProduct', {
    key: 'core-router', name: 'Core Router', line: 'router', ownerTeam: 'router-team', providerEntity: 'Example Networks',
    kind: 'PRODUCT', importance: '5.0', reach: '5.0', assetTier: 'GENERAL', lifecycle: 'SUPPORTED',
  });
  const { event } = await desk.made(analyst, 'receiveReport', { channel: 'bank', number: 'B-1', title: 'A hole', tlp: 'AMBER' }, 'event { id }');
  const step = async (mutation, input = {}, fields = undefined) => {
    const { version } = await desk.node(analyst, event.id, 'Event', 'version');
    return desk.made(analyst, mutation, { event: event.id, expectedVersion: version, ...input }, fields);
  };
  await step('startTriage');
  await step('giveVerdict', { verdict: 'CONFIRMED', severity: 'HIGH', rationale: 'Reproduced' });
  await desk.made(analyst, 'setAffectedProduct', { event: event.id, product: product.id, state: 'AFFECTED' });
  await step('scoreEvent', scored('5'));
  await step('assign', { function: 'R_AND_D', subject: 'engineer-1', line: 'router' });
  await step('startRemediation');
  const { remediations: [{ id: remediation }] } = await desk.node(analyst, event.id, 'Event', 'remediations { id }');
  const ticket = await desk.made(analyst, 'openTicket', { remediation, tracker: tracker.id });
  const thanks = { channel: channel.id, kind: 'THANKS', subject: 'Thanks', body: 'We thank you.' };
  const reply = await step('draftReply', thanks, 'id version');
  await desk.made(analyst, 'sendReply', { reply: reply.id, expectedVersion: reply.version, via: 'WEBHOOK', formats: ['TEXT'] });
  const [told, opened] = await until('both were tried', async () => {
    const found = [await desk.node(analyst, reply.id, 'Reply', 'state dispatches { answer }'), await desk.node(analyst, ticket.id, 'Ticket', 'state attempts note')];
    return found[0].dispatches[0].answer !== null && found[1].note !== null && found;
  }, 20);
  check('a reply that is led elsewhere is not sent', told.state !== 'SENT', told);
  check('a ticket that is led elsewhere is not linked', opened.state !== 'LINKED', opened);
}

/** Names that lead inside are found out when they are resolved. */
async function names(decoy, inside) {
  const desk = await Desk.make(outbound([decoy.port, 443], ['localhost'], []));
  await desk.serve();
  const [admin, leader, analyst] = await Promise.all(['ADMIN', 'LEADER', 'ANALYST'].map((role) => desk.token(role)));
  const src = { key: 'src', name: 'src', kind: 'SRC_PLATFORM', jurisdiction: 'CN', abroad: false, replyRequired: true };
  await desk.made(admin, 'createChannel', src);
  const urls = [`http://localhost:${decoy.port}/`, `https://localhost:${decoy.port}/`, 'https://localhost/', 'https://LOCALHOST/'];
  const ids = [];
  for (const url of urls) {
    const { endpoint } = await desk.made(admin, 'createWebhookEndpoint', {
      name: 'portal', url, messageTypes: ['report.received'], grant: GRANT,
    }, 'endpoint { id version }');
    await desk.made(leader, 'confirmWebhookGrant', { endpoint: endpoint.id, expectedVersion: endpoint.version });
    ids.push(endpoint.id);
  }
  await desk.made(analyst, 'receiveReport', { channel: 'src', number: 'S-1', title: 'A hole', text: 'Steps', tlp: 'AMBER' });
  const query = 'query($endpoint: ID!) { webhookDeliveries(endpoint: $endpoint, first: 1) { nodes { state attempts { status error } } } }';
  for (const [place, url] of urls.entries()) {
    const { state, attempts: [first] } = await until(`${url} is tried`, async () => {
      const [found] = (await desk.read(admin, query, { endpoint: ids[place] })).webhookDeliveries.nodes;
      return found?.attempts.length > 0 && found;
    }, 20);
    check(`${url.replace(decoy.port, 'PORT')} is refused when it is resolved`, state === 'PENDING' && first.status === null && /not public/.test(first.error), first);
    check('without telling where it leads', !/127\.0|::1/.test(first.error), first.error);
  }
  check('nothing inside was asked', inside.length === 0, inside);
}

await judge(async () => {
  await Promise.all([entered(), sent()]);
});
