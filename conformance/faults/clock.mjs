// The machine's clock steps under a running server: ahead by days, and back by an hour. What is due happens, tokens end,
// sockets are let go, and no chain breaks. Needs Debian's faketime.
import { existsSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import WebSocket from 'ws';
import { check, judge, until } from '../judge.mjs';
import { Load, request } from './load.mjs';
import { Scene } from './scene.mjs';

const CLOCK = readdirSync('/usr/lib').map((name) => `/usr/lib/${name}/faketime/libfaketimeMT.so.1`).find(existsSync);
const DAY = 86_400;

/** Opens a subscription; answers what it is told and how it was closed. */
async function listener(url, token) {
  const heard = { told: [], closed: undefined };
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  socket.on('error', () => {});
  socket.on('close', (code) => { heard.closed = code; });
  socket.on('message', (text) => {
    const message = JSON.parse(text);
    if (message.type === 'connection_ack') {
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: 'subscription { eventChanged { type at event { number } } }' } }));
    }
    if (message.type === 'next') heard.told.push(message.payload.data.eventChanged);
  });
  await new Promise((resolve) => socket.on('open', resolve));
  socket.send(JSON.stringify({ type: 'connection_init', payload: { Authorization: `Bearer ${token}` } }));
  return heard;
}

await judge(async () => {
  if (!CLOCK) {
    console.log('skip  steps of the clock: faketime is not installed');
    check('there is nothing to judge', true);
    return;
  }
  const scene = await Scene.make();
  const { desk } = scene;
  const step = desk.path('clock');
  const stand = (seconds) => writeFile(step, `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}\n`);
  await stand(0);
  const server = await desk.serve({
    LD_PRELOAD: CLOCK, FAKETIME_TIMESTAMP_FILE: step, FAKETIME_CACHE_DURATION: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1',
  });
  await scene.fill(2);
  const short = await desk.token('ANALYST', 'analyst-9', '--hours', '1');
  const load = new Load(() => desk.url, scene.people, 20);
  await load.more(4);
  const input = { channel: 'src', number: 'C-1', title: 'A hole', text: 'Steps', tlp: 'AMBER' };
  const { event } = await desk.made(scene.analyst, 'receiveReport', input, 'event { id version }');
  const look = () => desk.node(scene.analyst, event.id, 'Event', 'version status changedAt deadlines { kind dueAt breached }');
  const living = await listener(desk.url, scene.analyst);
  const ending = await listener(desk.url, short);
  /** Numbers of the events that came one after the other, in that order. */
  const ours = [];
  const received = async (token, number) => {
    const { payload } = await request(desk.url, token, `mutation { receiveReport(input: { channel: "src", number: "${number}", title: "${number}", text: "Steps" }) {
      report { receivedAt event { id number } } userErrors { code message } } }`);
    ours.push(payload?.report.event.number);
    return payload?.report;
  };
  await received(scene.analyst, 'C-2');
  await until('both hear', () => living.told.length > 0 && ending.told.length > 0, 60).catch(() => {});
  check('before any step both subscribers hear', living.told.length > 0 && ending.told.length > 0);

  const ahead = 10 * DAY;
  await stand(ahead);
  await until('the clock is ahead', async () => new Date((await received(scene.analyst, `A-${performance.now()}`)).receivedAt) > Date.now() + (ahead - 60) * 1000, 60);
  const refused = await request(desk.url, short, '{ viewer { subject } }');
  check('ten days ahead: a token of an hour is over', refused.failed === '401 UNAUTHENTICATED', refused);
  await until('its socket is closed', () => ending.closed, 60).catch(() => {});
  check('ten days ahead: its socket is closed as forbidden', ending.closed === 4403, ending.closed);
  check('ten days ahead: the other one stays', living.closed === undefined, living.closed);
  const due = await until('clocks run out', async () => {
    const { deadlines } = await look();
    return deadlines.some(({ breached }) => breached) && deadlines;
  }, 150).catch(() => look());
  check('ten days ahead: what was due is found to be breached, by the next sweep', Array.isArray(due), due);
  const notices = await until('people are told', async () => {
    const { notices: found } = await desk.read(scene.leader, '{ notices(first: 20) { nodes { kind } } }');
    return found.nodes.length > 0 && found.nodes;
  }, 150).catch(() => []);
  check('ten days ahead: people are told of it', notices.length > 0, notices);
  await load.more(4);

  const before = await look();
  await stand(ahead - 3_600);
  await until('the clock is back', async () => new Date((await received(scene.analyst, `B-${performance.now()}`)).receivedAt) < Date.now() + (ahead - 3_000) * 1000, 60);
  await desk.made(scene.analyst, 'startTriage', { event: event.id, expectedVersion: before.version });
  const triaged = await look();
  check('an hour back: an event moves on from the version that was read', triaged.status === 'TRIAGING' && triaged.version > before.version, [before, triaged]);
  const verdict = await desk.attempt(scene.analyst, 'giveVerdict', { event: event.id, expectedVersion: triaged.version, verdict: 'OUT_OF_SCOPE', rationale: 'Not ours' });
  check('an hour back: a verdict is given', verdict.refused.length === 0, verdict.refused);
  await received(scene.analyst, 'B-last');
  const heard = () => [...new Set(living.told.map(({ event: about }) => about?.number))].filter((number) => ours.includes(number));
  await until('it is told', () => heard().length === ours.length, 60).catch(() => {});
  check('an hour back: subscribers hear of what happens, in the order in which it did', heard().join() === ours.join(), [heard(), ours]);
  await load.more(4);
  await load.stop();
  check(`throughout: nobody was refused anything (${JSON.stringify([...load.answers])})`, load.others().length === 0, load.others());
  const events = async () => (await desk.read(scene.analyst, '{ events(first: 1) { totalCount } }')).events.totalCount;
  const count = await events();
  const arrived = (what) => new Set(scene.hooks.map(what)).size;
  const eventOf = ({ body }) => JSON.parse(body).data.event;
  // What had just been queued, for at once, as the clock stepped back is due once it is that time again.
  await stand(ahead);
  await until('each webhook arrives', () => arrived(eventOf) === count, 120).catch(() => {});
  // A step ahead ends the leases of what is on its way, so that it may come again, as the same message.
  const again = scene.hooks.length - count;
  check(`throughout: a webhook for each of ${count} events arrived (${again} came again)`,
    arrived(eventOf) === count && arrived(({ id }) => id) === count && again <= 16, [scene.hooks.length, arrived(eventOf), arrived(({ id }) => id)]);
  await load.isKept(desk, scene.analyst, 'throughout');
  await server.end();
});
