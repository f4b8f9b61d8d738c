// A long time of ordinary work at a steady rate: node conformance/soak.mjs BINARY [SECONDS]. On PostgreSQL where
// VULNDESK_TEST_POSTGRES names a server (that takes psql), else on SQLite. Fails on any error, on memory, open files or processor
// time for a request that grow after the first quarter, and on anything that is still on its way at the end.
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import WebSocket from 'ws';
import { atEnd, check, judge, until } from './judge.mjs';
import { Load, per } from './faults/load.mjs';
import { Scene } from './faults/scene.mjs';

const run = promisify(execFile);
const SECONDS = Number(process.argv[3] ?? 3_600);
const PEOPLE = 10;
/** Milliseconds in which each of them does nothing between two requests: some 20 requests a second, which two busy cores hold. */
const THINKS = 450;
const SUBSCRIBERS = 20;
/** Records of an import, one import a minute. */
const RECORDS = 50;
/** How much more than after the first quarter: memory by this share and these MB, for what is cached of more data. */
const GROWTH = [1.2, 24];
/** And so many files and sockets. */
const MORE_FILES = 20;
/** And processor time for a request, of which more data may take some more: by this factor. How long it took depends on who else works here. */
const MORE_WORK = 2;

const resident = (pid) => Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmRSS:\s+(\d+)/m)[1]) / 1024;
/** Milliseconds of processor time that it has taken. */
const worked = (pid) => {
  const [, , , , , , , , , , , user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(user) + Number(system)) * 10;
};
const openFiles = (pid) => readdirSync(`/proc/${pid}/fd`).length;
const median = (values) => per(values, 0.5);

class Database {
  static async make() {
    const it = new Database();
    it.server = process.env.VULNDESK_TEST_POSTGRES;
    if (it.server) {
      it.name = `soak_${process.pid}`;
      await it.#psql('postgres', `CREATE DATABASE ${it.name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'`);
      atEnd(() => it.#psql('postgres', `DROP DATABASE IF EXISTS ${it.name} WITH (FORCE)`));
      it.url = `${it.server}/${it.name}`;
    }
    return it;
  }

  async #psql(database, sql) {
    return (await run('psql', ['--no-psqlrc', '-qAtc', sql, `${this.server}/${database}`])).stdout.trim();
  }

  /** Megabytes. */
  async size(desk) {
    if (this.server) return Number(await this.#psql(this.name, `SELECT pg_database_size('${this.name}')`)) / 1e6;
    const sizes = await Promise.all(['', '-wal'].map((end) => stat(`${desk.path('desk.sqlite')}${end}`).then(({ size }) => size, () => 0)));
    return sizes.reduce((sum, size) => sum + size) / 1e6;
  }
}

/** Follows what happens, on a new socket each half minute. */
class Subscriber {
  told = 0;
  wrong = [];
  #ended = false;

  constructor(url, token) {
    this.work = this.#follow(url.replace('http', 'ws'), token);
  }

  async #follow(url, token) {
    while (!this.#ended) {
      const socket = new WebSocket(`${url}/graphql`, 'graphql-transport-ws');
      const closed = new Promise((resolve) => socket.on('close', resolve));
      socket.on('error', (error) => this.wrong.push(error.message));
      socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: { Authorization: `Bearer ${token}` } })));
      socket.on('message', (text) => {
        const { type, payload } = JSON.parse(text);
        if (type === 'connection_ack') {
          socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: 'subscription { eventChanged { type at event { number title } } }' } }));
        }
        if (type === 'next') this.told += 1;
        if (type === 'error') this.wrong.push(payload);
      });
      for (let at = 0; at < 30 && !this.#ended; at += 1) await pause(1_000);
      socket.close(1000);
      const code = await closed;
      if (code !== 1000) this.wrong.push(code);
    }
  }

  end() {
    this.#ended = true;
    return this.work;
  }
}

await judge(async () => {
  const database = await Database.make();
  const scene = await Scene.make('', database.url);
  const { desk } = scene;
  const server = await desk.serve({ RUST_LOG: 'warn,vulndesk=info,vulndesk::access=off' });
  await scene.fill(PEOPLE);
  await scene.drafts(4);
  const subscribers = Array.from({ length: SUBSCRIBERS }, (_, at) => new Subscriber(desk.url, scene.people[at % PEOPLE]));
  const load = new Load(() => desk.url, scene.people, THINKS);
  const began = performance.now();
  const passed = () => (performance.now() - began) / 1000;
  const samples = [];
  const refused = [];
  let imports = 0;
  let minute = 0;
  console.log(`${database.server ? 'PostgreSQL' : 'SQLite'}, ${SECONDS} s, ${PEOPLE} people, ${SUBSCRIBERS} subscribers`);
  console.log(`${resident(server.pid).toFixed(0)} MB before anybody works`);
  console.log('  min  requests  errors  p50 ms  p99 ms  CPU ms each  webhooks  RSS MB  files  database MB');

  async function import_() {
    const rows = Array.from({ length: RECORDS }, (_, at) => `I-${imports}-${at},A hole ${imports}-${at},router,100,XSS`);
    imports += 1;
    const file = await desk.file('records.csv', `link,title,program,bounty,vuln_type\n${rows.join('\n')}\n`);
    const words = ['import', 'csv', file, '--channel', 'bounty', '--currency', 'USD'];
    for (const map of ['number=link', 'title=title', 'product=program', 'bounty=bounty', 'weakness=vuln_type']) words.push('--map', map);
    const { code, out, err } = await desk.run(...words);
    if (code !== 0 || !out.includes(`${RECORDS} received`)) refused.push({ code, out, err });
  }

  const requests = () => [...load.answers.values()].reduce((sum, count) => sum + count, 0);

  async function report() {
    const share = (part) => (load.delays.length ? per(load.delays, part).toFixed(0) : '-');
    const errors = requests() - (load.answers.get('done') ?? 0);
    const { work, requests: before } = samples.findLast(({ at }) => at <= passed() - 60) ?? samples[0];
    const each = (worked(server.pid) - work) / (requests() - before);
    const row = [(passed() / 60).toFixed(1), requests(), errors, share(0.5), share(0.99), each.toFixed(1), scene.hooks.length, resident(server.pid).toFixed(0),
      openFiles(server.pid), (await database.size(desk)).toFixed(1)];
    console.log(row.map((value, at) => String(value).padStart([5, 10, 8, 8, 8, 13, 10, 8, 7, 13][at])).join(''));
    load.delays.length = 0;
  }

  while (passed() < SECONDS) {
    if (passed() >= minute * 60) {
      minute += 1;
      await import_();
      await scene.drafts(1);
      const sent = await scene.send(scene.ids.at(-1));
      if (!sent) refused.push('a reply was not sent');
    }
    await pause(1_000);
    samples.push({ at: passed(), memory: resident(server.pid), files: openFiles(server.pid), work: worked(server.pid), requests: requests() });
    if (passed() >= Math.min(minute * 60, SECONDS)) await report();
  }
  for (const reply of scene.ids.slice(0, 4)) if (!(await scene.send(reply))) refused.push('a reply was not sent');
  await load.stop();
  await Promise.all(subscribers.map((subscriber) => subscriber.end()));

  check(`no request failed (${JSON.stringify([...load.answers])})`, load.others().length === 0, load.others());
  check(`all ${imports} imports were taken, and all replies`, refused.length === 0, refused);
  const told = subscribers.reduce((sum, one) => sum + one.told, 0);
  const wrong = subscribers.flatMap((one) => one.wrong);
  check(`subscribers were told ${told} times, and of no error`, told > 0 && wrong.length === 0, wrong.slice(0, 5));
  const quarter = (wanted) => samples.filter(({ at }) => Math.floor((at / SECONDS) * 4) === wanted);
  const inQuarter = (wanted, what) => median(quarter(wanted).map((sample) => sample[what]));
  const [warm, last] = [inQuarter(1, 'memory'), inQuarter(3, 'memory')];
  const bound = warm * GROWTH[0] + GROWTH[1];
  check(`memory: ${warm.toFixed(0)} MB in the second quarter, ${last.toFixed(0)} MB in the last, bound ${bound.toFixed(0)} MB`, last <= bound);
  const [some, more] = [inQuarter(1, 'files'), inQuarter(3, 'files')];
  check(`open files: ${some} in the second quarter, ${more} in the last`, more <= some + MORE_FILES);
  const each = (wanted) => {
    const [first, end] = [quarter(wanted)[0], quarter(wanted).at(-1)];
    return (end.work - first.work) / (end.requests - first.requests);
  };
  const [little, much] = [each(1), each(3)];
  check(`processor time for a request: ${little.toFixed(1)} ms in the second quarter, ${much.toFixed(1)} ms in the last`, much <= little * MORE_WORK);
  const again = await scene.isTold(load, 'the queues are drained');
  check('no webhook came twice', again === 0, again);
  await until('the sequencer has sealed all', async () => (await desk.run('audit', 'verify')).out.includes(' 0 faults'), 20);
  await load.isKept(desk, scene.analyst, 'at the end');
  const complaints = server.log().filter(({ level }) => level === 'ERROR');
  check('no error is logged', complaints.length === 0, complaints.slice(0, 5));
  await server.end();
  check('it ends with 0', server.code() === 0, server.code());
});
