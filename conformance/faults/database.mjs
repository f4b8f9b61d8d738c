// PostgreSQL goes away and comes back, and fails over to a standby, under people at work: nothing that was acknowledged is
// lost, nothing leaves twice that must not, and nobody has to restart anything.
import { connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { HOST } from '../desk.mjs';
import { atEnd, check, judge, until } from '../judge.mjs';
import { Cluster } from './cluster.mjs';
import { Load, per, request } from './load.mjs';
import { Scene, ready } from './scene.mjs';

/** What may be answered while the database is away, or the time for a request is over. */
const AWAY = ['503 UNAVAILABLE', '200 UNAVAILABLE', '503 TIMEOUT'];

/** No fault of the program is logged. */
function isCalm(server, told) {
  const faults = server.log().filter(({ fields }) => ['internal error', 'a fault of the program'].some((begins) => fields?.message?.startsWith(begins)));
  check(`${told}: the program broke nowhere`, faults.length === 0, faults.slice(0, 2));
}

async function goneAndBack() {
  const cluster = await Cluster.make();
  const scene = await Scene.make('', await cluster.create('gone'));
  const { desk } = scene;
  const server = await desk.serve();
  await scene.fill();
  await scene.drafts(12);
  const load = new Load(() => desk.url, scene.people);
  await load.more(10);

  for (const [mode, seconds] of [['fast', 2], ['immediate', 14]]) {
    const told = `PostgreSQL ends (${mode}) for ${seconds} s`;
    const sending = scene.ids.splice(0, 6);
    scene.ids.push(...sending);
    const sent = sending.map((reply) => scene.send(reply));
    await Promise.any(sent);
    await cluster.stop(mode);
    const began = performance.now();
    const refused = await until(`${told}: it is not ready`, async () => {
      const now = await ready(desk.url);
      return now.status === 503 && now;
    }, 30).catch(() => undefined);
    check(`${told}: /readyz fails and names the database`, refused?.failing.join() === 'database', refused);
    check(`${told}: /healthz does not, so that nobody restarts it`, (await fetch(`${desk.url}/healthz`)).status === 200);
    if (seconds > 10) {
      const asked = performance.now();
      const answer = await request(desk.url, scene.analyst, '{ viewer { subject } }');
      const took = performance.now() - asked;
      // Connections are waited for ten seconds, and a request may take thirty: that one is told so without it.
      check(`${told}: a request is told once connections were waited for (${(took / 1000).toFixed(1)} s)`,
        answer.code === 'UNAVAILABLE' && took < 25_000, [answer, took]);
    }
    await pause(Math.max(0, seconds * 1000 - (performance.now() - began)));
    await cluster.start();
    const back = performance.now();
    await until(`${told}: it is ready again`, async () => (await ready(desk.url)).status === 200, 60).catch(() => {});
    check(`${told}: it is ready again by itself`, (await ready(desk.url)).status === 200);
    const before = load.answers.size;
    await load.more(20).catch((error) => check(`${told}: work goes on`, false, String(error)));
    console.log(`      back to work ${((performance.now() - back) / 1000).toFixed(1)} s after PostgreSQL was; ${before} kinds of answers`);
    await Promise.all(sent);
  }
  await load.stop();
  check(`people were told to try again, and nothing else (${JSON.stringify([...load.answers])})`, load.others(...AWAY).length === 0, load.others(...AWAY));
  await scene.isTold(load, 'after both');
  await load.isKept(desk, scene.analyst, 'after both');
  // After a rest, connections that were kept idle are dead, and nobody notices.
  await cluster.stop('fast');
  await cluster.start();
  const answers = await Promise.all(Array.from({ length: 20 }, () => request(desk.url, scene.analyst, '{ viewer { subject } }')));
  const failed = answers.filter((answer) => answer.failed);
  check('a restart of PostgreSQL while nobody works costs nobody a request', failed.length === 0, failed);
  isCalm(server, 'throughout');
  await server.end();
  check('it ends in order', server.code() === 0, server.code());
}

/** A port that leads to one server, and then to another. */
class Switch {
  #sockets = new Set();

  static async make(to) {
    const it = new Switch();
    it.to = to;
    const server = createServer((socket) => {
      const onward = connect(it.to, HOST);
      for (const end of [socket, onward]) {
        it.#sockets.add(end);
        end.on('error', () => {});
        end.on('close', () => {
          it.#sockets.delete(end);
          (end === socket ? onward : socket).destroy();
        });
      }
      socket.pipe(onward).pipe(socket);
    });
    await new Promise((listening) => server.listen(0, HOST, listening));
    it.port = server.address().port;
    atEnd(() => {
      it.turn(0);
      server.close();
    });
    return it;
  }

  turn(to) {
    this.to = to;
    for (const socket of this.#sockets) socket.destroy();
  }
}

async function failsOver() {
  const told = 'a failover';
  const primary = await Cluster.make(['wal_keep_size = 16']);
  const standby = await primary.standby('standby');
  // Of the primary alone: the standby has nobody who follows it once it is promoted.
  await primary.sql("ALTER SYSTEM SET synchronous_standby_names = 'standby'");
  await primary.sql("ALTER SYSTEM SET synchronous_commit = 'remote_apply'");
  await primary.sql('SELECT pg_reload_conf()');
  await primary.create('failover');
  const way = await Switch.make(primary.port);
  const scene = await Scene.make('', primary.url('failover', way.port));
  const { desk } = scene;
  const servers = [await desk.serve()];
  const urls = [desk.url];
  servers.push(await desk.serve());
  urls.push(desk.url);
  await scene.fill();
  await scene.drafts(10);
  const following = await primary.sql('SELECT sync_state FROM pg_stat_replication');
  check(`${told}: the standby follows synchronously`, following === 'sync', following);
  let turn = 0;
  const load = new Load(() => urls[(turn += 1) % 2], scene.people);
  await load.more(30);
  const sent = scene.ids.map((reply) => scene.send(reply));
  await Promise.any(sent);

  const began = performance.now();
  await primary.stop('immediate');
  await standby.promote();
  way.turn(standby.port);
  await until(`${told}: both are ready`, async () => {
    const both = await Promise.all(urls.map(ready));
    return both.every(({ status }) => status === 200);
  }, 90).catch(() => {});
  const took = performance.now() - began;
  check(`${told}: both replicas are ready again by themselves, ${(took / 1000).toFixed(1)} s after the crash`,
    (await Promise.all(urls.map(ready))).every(({ status }) => status === 200));
  await load.more(30);
  await load.stop();
  await Promise.all(sent);
  const slowest = (per(load.delays, 1) / 1000).toFixed(1);
  check(`${told}: people were told to try again, and nothing else (${JSON.stringify([...load.answers])}, slowest ${slowest} s)`,
    load.others(...AWAY).length === 0, load.others(...AWAY));
  await scene.isTold(load, told);
  await load.isKept(desk, scene.analyst, told);
  servers.forEach((server) => isCalm(server, told));
  await Promise.all(servers.map((server) => server.end()));
}

await judge(async () => {
  await goneAndBack();
  await failsOver();
});
