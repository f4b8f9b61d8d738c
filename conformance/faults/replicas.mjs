// Three replicas on PostgreSQL behind HAProxy, restarted one after the other under people at work: no request fails, nothing
// is delivered twice, subscribers hear of what happens on any replica, and a denied caller is refused by all. Then how one
// process ends. Needs Debian's haproxy.
import { execFile } from 'node:child_process';
import { request as ask } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { HOST } from '../desk.mjs';
import { atEnd, check, judge, until } from '../judge.mjs';
import { Cluster, freePort } from './cluster.mjs';
import { Load, per, request } from './load.mjs';
import { proxy } from './proxy.mjs';
import { Scene, ready } from './scene.mjs';

const REPLICAS = 3;
/** Seconds in which HAProxy has seen that a replica leaves: two of its looks, on a busy machine. */
const NOTICE = 4;
/** Seconds in which one process ends what it has begun. */
const DRAIN = 8;

async function behindProxy() {
  const told = `${REPLICAS} replicas`;
  const cluster = await Cluster.make();
  const scene = await Scene.make('', await cluster.create('replicas'));
  const { desk } = scene;
  const ports = await Promise.all(Array.from({ length: REPLICAS }, freePort));
  const environment = (port) => ({ VULNDESK_LISTEN: `${HOST}:${port}`, VULNDESK_HTTP__NOTICE_SECONDS: String(NOTICE) });
  const replicas = [];
  for (const port of ports) replicas.push(await desk.serve(environment(port)));
  const urls = ports.map((port) => `http://${HOST}:${port}`);
  await scene.fill(8);
  await scene.drafts(REPLICAS * 4);
  desk.url = await proxy(desk, ports);

  const heard = [];
  const broken = [];
  const client = createClient({
    url: `${desk.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { Authorization: `Bearer ${scene.leader}` },
    retryAttempts: 50,
    retryWait: () => pause(50),
    shouldRetry: () => true,
    on: { closed: ({ code, reason }) => broken.push({ code, reason }) },
  });
  atEnd(() => client.dispose());
  client.subscribe({ query: 'subscription { eventChanged { type event { number } } }' }, {
    next: ({ data }) => heard.push(data.eventChanged.event?.number), error: (error) => broken.push(String(error)), complete() {},
  });
  const load = new Load(() => desk.url, scene.people);
  await load.more(30);
  await until('the subscriber hears', () => heard.length > 0, 60);
  const began = performance.now();
  let sending = [];
  for (let at = 0; at < REPLICAS; at += 1) {
    sending = sending.concat(scene.ids.slice(at * 4, at * 4 + 4).map((reply) => scene.send(reply)));
    const ended = performance.now();
    await replicas[at].end();
    console.log(`      replica ${at} ended in ${((performance.now() - ended) / 1000).toFixed(1)} s with ${replicas[at].code()}`);
    check(`${told}: replica ${at} ends with 0`, replicas[at].code() === 0, replicas[at].code());
    replicas[at] = await desk.serve(environment(ports[at]));
    desk.url = load.url();
    await until('HAProxy uses it again', async () => (await ready(urls[at])).status === 200, 60);
    await load.more(10);
  }
  const seconds = (performance.now() - began) / 1000;
  await load.more(10);
  await load.stop();
  await Promise.all(sending);
  check(`${told}: all were restarted in ${seconds.toFixed(0)} s under people at work, and no request failed `
    + `(${JSON.stringify([...load.answers])}, p99 ${per(load.delays, 0.99).toFixed(0)} ms)`, load.others().length === 0, load.others());
  const restarted = broken.filter(({ code }) => code === 1012);
  // More may happen than it can be told in time: then it is let go, to ask what is there.
  const missed = broken.filter(({ code, reason }) => code === 1013 && reason.includes('messages were missed'));
  check(`${told}: the subscriber was told of each restart of its own replica, and else at most to ask again (${broken.map(({ code }) => code).join(', ')})`,
    restarted.length > 0 && restarted.length + missed.length === broken.length, broken);
  const again = await scene.isTold(load, told);
  check(`${told}: no webhook came twice`, again === 0, again);
  await load.isKept(desk, scene.analyst, told);

  // Whichever replica does it, the subscriber hears of it from its own.
  for (const url of urls) {
    const { payload } = await request(url, scene.analyst, `mutation { receiveReport(input: { channel: "src", title: "At ${url}", text: "Steps" }) {
      report { event { number } } userErrors { code message } } }`);
    const number = payload?.report.event.number;
    await until('the subscriber hears', () => heard.includes(number), 60).catch(() => {});
    check(`${told}: a subscriber hears of what happens at ${url}`, heard.includes(number), [number, heard.length]);
  }

  const viewer = (url, token) => request(url, token, '{ viewer { subject } }');
  const [person] = scene.people;
  const { principals } = await desk.read(scene.admin, '{ principals(first: 100) { nodes { subject issuer } } }');
  const { issuer } = principals.nodes.find(({ subject }) => subject === 'analyst-2');
  await Promise.all(urls.map((url) => viewer(url, person)));
  await desk.made(scene.admin, 'denyPrincipal', { issuer, subject: 'analyst-2', reason: 'left the company' });
  const answers = await Promise.all(urls.map((url) => viewer(url, person)));
  check(`${told}: who is denied at one is refused by all at once`, answers.every(({ failed }) => failed === '401 UNAUTHENTICATED'), answers);
  client.dispose();
  await Promise.all(replicas.map((replica) => replica.end()));
}

/** An upload that arrives in two parts; answers how to send the second, and the status. */
function uploading(url, token, report) {
  const sending = ask(`${url}/files?report=${report}&name=slow.bin`, {
    method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream', 'content-length': 2_000 },
  });
  const answered = new Promise((resolve) => {
    sending.on('error', (error) => resolve(error.code));
    sending.on('response', (response) => resolve(response.resume().statusCode));
  });
  sending.write(Buffer.alloc(1_000, 1));
  return { finish: () => sending.end(Buffer.alloc(1_000, 2)), answered };
}

async function endsInOrder() {
  const told = 'SIGTERM';
  const scene = await Scene.make(`[http]\nnotice_seconds = ${NOTICE}\ndrain_seconds = ${DRAIN}\n[uploads]\nleast_rate = 0\n`);
  const { desk } = scene;
  const server = await desk.serve();
  await scene.fill(2);
  const input = { channel: 'src', number: 'E-1', title: 'With files', text: 'Steps', tlp: 'AMBER' };
  const report = (await desk.made(scene.analyst, 'receiveReport', input, 'id')).id;
  const whole = uploading(desk.url, scene.analyst, report);
  const never = uploading(desk.url, scene.analyst, report);
  const socket = new WebSocket(`${desk.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  const closed = new Promise((resolve) => socket.on('close', resolve));
  await new Promise((resolve) => socket.on('open', resolve));
  socket.send(JSON.stringify({ type: 'connection_init', payload: { Authorization: `Bearer ${scene.analyst}` } }));
  await new Promise((resolve) => socket.on('message', resolve));
  const stream = await fetch(`${desk.url}/graphql/stream`, {
    method: 'POST', headers: { authorization: `Bearer ${scene.analyst}`, accept: 'text/event-stream', 'content-type': 'application/json' },
    body: JSON.stringify({ query: 'subscription { eventChanged { type } }' }),
  });
  const streamed = stream.text().then(() => true, () => false);

  const began = performance.now();
  const ended = server.end();
  const leaving = await until('it is not ready', async () => {
    const now = await ready(desk.url);
    return now.status !== 200 && now;
  }, 60);
  check(`${told}: within notice_seconds it is not ready, and says why`, leaving.failing.join() === 'accepting', leaving);
  const late = await request(desk.url, scene.analyst, '{ viewer { subject } }');
  check(`${told}: and answers whoever has not noticed`, late.payload?.subject === 'analyst-1', late);
  check(`${told}: sockets are closed with 1012`, (await closed) === 1012, await closed);
  check(`${told}: event streams end`, await Promise.race([streamed, pause(60_000, false)]));
  const refused = await request(desk.url, scene.analyst, '{ viewer { subject } }');
  // A connection that was kept open may be found closed before another one is refused.
  check(`${told}: then nobody is let in`, ['ECONNREFUSED', 'ECONNRESET', 'UND_ERR_SOCKET'].includes(refused.failed), refused);
  whole.finish();
  const status = await whole.answered;
  check(`${told}: what was on its way is answered`, status === 201, status);
  await ended;
  const took = (performance.now() - began) / 1000;
  check(`${told}: what does not end is cut off after drain_seconds (${took.toFixed(1)} s in all)`, took > DRAIN && took < DRAIN + 30, took);
  check(`${told}: the exit code is 0`, server.code() === 0, server.code());
  const cut = await Promise.race([never.answered, pause(60_000)]);
  check(`${told}: who never ended its upload was cut off`, ['ECONNRESET', 'EPIPE'].includes(cut), cut);
}

await judge(async () => {
  const { stdout } = await promisify(execFile)('/usr/sbin/haproxy', ['-v']);
  console.log(`      ${stdout.split('\n')[0]}`);
  await behindProxy();
  await endsInOrder();
});
