// What open connections cost: node conformance/live-load.mjs BINARY [IDLE] [SUBSCRIBERS] [PRINCIPALS]. Prints figures and holds
// none against a bound. Both ends are on one machine and share its cores; each socket takes a file descriptor at both (`ulimit -n`).
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import WebSocket from 'ws';
import { Desk } from './desk.mjs';
import { check, judge, until } from './judge.mjs';

const [idle = 5_000, subscribers = 1_000, principals = 50] = process.argv.slice(3).map(Number);
const CHANGES = 20;
const AT_ONCE = 100;

const resident = (pid) => Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmRSS:\s+(\d+)/m)[1]) / 1024;

/** Opens a socket for `token`, with a subscription where `query` is one; `hear` gets what it is told. */
function open(url, token, query, hear = () => {}) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, 'graphql-transport-ws', { perMessageDeflate: false });
    socket.on('error', reject);
    socket.on('close', (code) => reject(new Error(`closed with ${code}`)));
    socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: { Authorization: `Bearer ${token}` } })));
    socket.on('message', (text) => {
      const message = JSON.parse(text);
      if (message.type !== 'connection_ack') return hear(message);
      if (query) socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }));
      resolve(socket);
    });
  });
}

async function all(count, make) {
  const made = [];
  for (let at = 0; at < count; at += AT_ONCE) {
    made.push(...(await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - at) }, (_, of) => make(at + of)))));
  }
  return made;
}

const subscribed = (desk, count) => until(`${count} subscriptions`, async () => {
  const metrics = await (await fetch(`${desk.url}/metrics`)).text();
  return metrics.includes(`vulndesk_live_subscriptions ${count}\n`);
}, 120);

const per = (values, share) => values[Math.min(values.length - 1, Math.floor(values.length * share))].toFixed(1);

await judge(async () => {
  const bounds = '[live]\nconnections = 20000\nconnections_per_address = 20000\nconnections_per_principal = 20000\n';
  const desk = await Desk.make(`${bounds}[http]\nconnections = 2000\n`, process.env.VULNDESK_LOAD_DATABASE);
  const server = await desk.serve({ RUST_LOG: 'warn,vulndesk=info,vulndesk::access=off' });
  const url = desk.url.replace('http', 'ws') + '/graphql';
  const admin = await desk.token('ADMIN');
  await desk.made(admin, 'createChannel', { key: 'src', name: 'SRC', kind: 'SRC_PLATFORM', jurisdiction: 'CN', abroad: false, replyRequired: true });
  const analyst = await desk.token('ANALYST');
  const tokens = await all(principals, (at) => desk.token('ANALYST', `analyst-${at + 1}`));
  const input = { channel: 'src', number: 'L-1', title: 'A hole', text: 'Steps', tlp: 'AMBER' };
  const { event } = await desk.made(analyst, 'receiveReport', input, 'event { id }');

  const before = resident(server.pid);
  const sockets = await all(idle, (at) => open(url, tokens[at % principals]));
  await pause(2_000);
  const silent = resident(server.pid);
  console.log(`${idle} idle sockets: ${(silent - before).toFixed(0)} MB (${before.toFixed(0)} before, ${silent.toFixed(0)} after)`);
  sockets.forEach((socket) => socket.removeAllListeners('close').terminate());
  await until('they are gone', async () => (await (await fetch(`${desk.url}/metrics`)).text()).includes('live_connections{transport="websocket"} 0\n'), 60);

  const query = 'subscription { eventChanged { type at event { number title status level } } }';
  for (const [what, people] of [[`${principals} principals`, principals], ['as many principals', subscribers]]) {
    const own = await all(people, (at) => (at < principals ? tokens[at] : desk.token('ANALYST', `analyst-${at + 1}`)));
    const start = resident(server.pid);
    let began = 0;
    let delays = [];
    const listening = await all(subscribers, (at) => open(url, own[at % people], query, () => delays.push(performance.now() - began)));
    await subscribed(desk, subscribers);
    const held = resident(server.pid);
    const figures = [];
    for (let change = 0; change <= CHANGES; change += 1) {
      delays = [];
      began = performance.now();
      await desk.made(analyst, 'comment', { event: event.id, body: `change ${change}` });
      await until('all are told', () => delays.length >= subscribers, 60);
      // The first one finds nothing prepared.
      if (change > 0) figures.push(...delays);
    }
    check('each was told of each change once', figures.length === subscribers * CHANGES, figures.length);
    figures.sort((a, b) => a - b);
    console.log(`${subscribers} subscribers, ${what}: from the request to each of them p50 ${per(figures, 0.5)} ms, p99 ${per(figures, 0.99)} ms, `
      + `most ${per(figures, 1)} ms; ${(held - start).toFixed(0)} MB`);
    listening.forEach((socket) => socket.removeAllListeners('close').terminate());
    await subscribed(desk, 0);
  }
});
