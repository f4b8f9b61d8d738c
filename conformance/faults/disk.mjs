// Disks that fill up: the SQLite file with the files beside it, files alone, and PostgreSQL's own. Whoever asks is told to try
// again later, nothing is there by half, and once there is room again nobody has to do anything. Needs root, for small disks.
import { execFile } from 'node:child_process';
import { chmod, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { atEnd, check, folder, judge, until } from '../judge.mjs';
import { Cluster } from './cluster.mjs';
import { Load, request } from './load.mjs';
import { Scene, ready } from './scene.mjs';

const run = promisify(execFile);
const READ = '{ events(first: 5) { nodes { number title } } }';

/** A disk of so many MB. */
async function disk(megabytes) {
  const parent = await folder();
  // PostgreSQL's user goes through it.
  await chmod(parent, 0o711);
  const path = join(parent, 'disk');
  await run('mkdir', [path]);
  await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=755`, 'vulndesk-judge', path]);
  atEnd(() => run('umount', ['--lazy', path]));
  return path;
}

/** Leaves no byte on the disk, nor what is given back meanwhile; answers how room is made again. */
async function fill(path) {
  const ballast = join(path, 'ballast');
  const take = async () => {
    const { bavail, bsize } = await statfs(path);
    if (bavail > 0) await writeFile(`${ballast}-${performance.now()}`, Buffer.alloc(bavail * bsize)).catch(() => {});
  };
  await take();
  let keeps = true;
  const taking = (async () => {
    while (keeps) {
      await pause(20);
      await take();
    }
  })();
  const makeRoom = async () => {
    keeps = false;
    await taking;
    await run('sh', ['-c', `rm -f '${ballast}'*`]);
  };
  // Before the disk is taken away, and what is free is another's.
  atEnd(makeRoom);
  return makeRoom;
}

async function upload(scene, report, bytes) {
  const answer = await fetch(`${scene.desk.url}/files?report=${report}&name=a.bin`, {
    method: 'POST',
    headers: { authorization: `Bearer ${scene.analyst}`, 'content-type': 'application/octet-stream' },
    body: bytes,
  });
  const { errors } = await answer.json();
  return { status: answer.status, code: errors?.[0]?.extensions?.code, retry: answer.headers.get('retry-after') };
}

const bytes = (count) => Buffer.alloc(count, performance.now() & 0xff);

async function embedded() {
  const told = 'SQLite on a full disk';
  const path = await disk(48);
  const scene = await Scene.make('[files]\nfree_bytes = 0\n', `sqlite://${join(path, 'desk.sqlite')}`);
  const { desk } = scene;
  const server = await desk.serve();
  await scene.fill();
  const input = { channel: 'src', number: 'F-1', title: 'With files', text: 'Steps', tlp: 'AMBER' };
  const report = (await desk.made(scene.analyst, 'receiveReport', input, 'id')).id;
  const load = new Load(() => desk.url, scene.people);
  await load.more(20);
  const makeRoom = await fill(path);
  await until(`${told}: somebody is told`, () => load.answers.has('200 UNAVAILABLE'), 60).catch(() => {});
  check(`${told}: changes are refused with UNAVAILABLE`, load.answers.has('200 UNAVAILABLE'), [...load.answers]);
  const read = await request(desk.url, scene.leader, READ);
  check(`${told}: it still reads`, read.payload?.nodes.length > 0, read);
  // Where others write and give back, the disk is full at one moment and not at the next.
  const refused = await until(`${told}: a file is refused`, async () => {
    const outcome = await upload(scene, report, bytes(200_000));
    return outcome.status !== 201 && outcome;
  });
  check(`${told}: a file is refused, to be sent again later`, refused.code === 'UNAVAILABLE' && refused.retry, refused);
  const done = load.done.length;
  await makeRoom();
  await load.more(20).catch((error) => check(`${told}: work goes on`, false, String(error)));
  check(`${told}: with room again, work goes on (${done} events before, ${load.done.length} now)`, load.done.length > done);
  const taken = await upload(scene, report, bytes(200_000));
  check(`${told}: and files are taken`, taken.status === 201, taken);
  await load.stop();
  check(`${told}: people were told to try again, and nothing else (${JSON.stringify([...load.answers])})`,
    load.others('200 UNAVAILABLE', '503 UNAVAILABLE').length === 0, load.others('200 UNAVAILABLE', '503 UNAVAILABLE'));
  await scene.isTold(load, told, 1);
  await load.isKept(desk, scene.analyst, told);
  const look = 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("PRAGMA integrity_check").fetchone()[0])';
  const whole = (await run('python3', ['-c', look, join(path, 'desk.sqlite')])).stdout.trim();
  check(`${told}: the file is sound`, whole === 'ok', whole);
  await server.end();
}

async function filesAlone() {
  const told = 'files on a full disk';
  const path = await disk(8);
  await chmod(path, 0o700);
  const scene = await Scene.make(`[files]\nfolder = "${path}"\nfree_bytes = 2000000\n`);
  const { desk } = scene;
  const server = await desk.serve();
  await scene.fill(2);
  const input = { channel: 'src', number: 'F-1', title: 'With files', text: 'Steps', tlp: 'AMBER' };
  const report = (await desk.made(scene.analyst, 'receiveReport', input, 'id')).id;
  check(`${told}: one fits`, (await upload(scene, report, bytes(3_000_000))).status === 201);
  const floor = await upload(scene, report, bytes(4_000_000));
  check(`${told}: above the floor of free bytes there is no room`, floor.status === 507 && floor.code === 'UNAVAILABLE', floor);
  const makeRoom = await fill(path);
  const refused = await upload(scene, report, bytes(1_000));
  check(`${told}: without a byte there is none either`, [503, 507].includes(refused.status) && refused.code === 'UNAVAILABLE', refused);
  const events = await request(desk.url, scene.analyst, READ);
  check(`${told}: all else goes on`, events.payload?.nodes.length === 1 && (await ready(desk.url)).status === 200, events);
  await makeRoom();
  check(`${told}: with room again, files are taken`, (await upload(scene, report, bytes(500_000))).status === 201);
  const { reports } = await desk.read(scene.analyst, '{ reports(first: 1) { nodes { attachments { nodes { size } } } } }');
  const sizes = reports.nodes[0].attachments.nodes.map(({ size }) => Number(size));
  check(`${told}: what is listed is what was taken`, sizes.sort().join() === '3000000,500000', sizes);
  await server.end();
}

async function postgres() {
  const told = 'PostgreSQL on a full disk';
  const path = await disk(160);
  const cluster = await Cluster.make([], path);
  const scene = await Scene.make('', await cluster.create('filled'));
  const { desk } = scene;
  const server = await desk.serve();
  await scene.fill();
  const load = new Load(() => desk.url, scene.people);
  await load.more(20);
  const makeRoom = await fill(path);
  const unavailable = () => [...load.answers.keys()].some((kind) => kind.endsWith('UNAVAILABLE'));
  await until(`${told}: somebody is told`, unavailable, 60).catch(() => {});
  check(`${told}: changes are refused with UNAVAILABLE`, unavailable(), [...load.answers]);
  await makeRoom();
  // Without room for its log PostgreSQL may have ended itself; whoever runs it starts it.
  const runs = await cluster.sql('SELECT 1').then(() => true, () => false);
  if (!runs) {
    await cluster.stop('immediate').catch(() => {});
    await cluster.start();
  }
  console.log(`      PostgreSQL ${runs ? 'went on' : 'had ended itself'}`);
  await load.more(20).catch((error) => check(`${told}: work goes on`, false, String(error)));
  await load.stop();
  check(`${told}: people were told to try again, and nothing else (${JSON.stringify([...load.answers])})`,
    load.others('200 UNAVAILABLE', '503 UNAVAILABLE', '503 TIMEOUT').length === 0, load.others('200 UNAVAILABLE', '503 UNAVAILABLE', '503 TIMEOUT'));
  await scene.isTold(load, told);
  await load.isKept(desk, scene.analyst, told);
  await server.end();
}

await judge(async () => {
  if (process.getuid() !== 0) {
    console.log('skip  full disks: root alone mounts small ones');
    check('there is nothing to judge', true);
    return;
  }
  await embedded();
  await filesAlone();
  await postgres();
});
