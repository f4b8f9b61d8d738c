// PostgreSQL servers of a judge's own, to be stopped, filled up and failed over.
import { execFile } from 'node:child_process';
import { chown, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HOST } from '../desk.mjs';
import { atEnd } from '../judge.mjs';

const run = promisify(execFile);
const ROOT = process.getuid() === 0;

/** Runs a program as whom PostgreSQL runs: it refuses root. */
const asPostgres = (program, ...words) => (ROOT ? run('runuser', ['-u', 'postgres', '--', program, ...words]) : run(program, words));

async function programs() {
  const versions = (await readdir('/usr/lib/postgresql')).sort((a, b) => Number(a) - Number(b));
  return join('/usr/lib/postgresql', versions.at(-1), 'bin');
}

/** A port that was free a moment ago. */
export function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, HOST, () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

export class Cluster {
  /** A server over a new data folder, below `parent` where one is named. `settings` are lines of its configuration. */
  static async make(settings = [], parent = tmpdir()) {
    const cluster = await Cluster.#at(parent);
    await cluster.#program('initdb', '-D', cluster.data, '--no-sync', '--locale=C.UTF-8', '-A', 'trust', '-U', 'postgres', '--wal-segsize=1');
    const own = ['max_connections = 200', 'max_wal_size = 32MB', 'min_wal_size = 2MB', ...settings];
    await writeFile(join(cluster.data, 'postgresql.conf'), `${own.join('\n')}\n`, { flag: 'a' });
    await cluster.start();
    return cluster;
  }

  static async #at(parent) {
    const cluster = new Cluster();
    cluster.folder = await mkdtemp(join(parent, 'vulndesk-postgres-'));
    cluster.data = join(cluster.folder, 'data');
    cluster.bin = await programs();
    cluster.port = await freePort();
    if (ROOT) {
      const { stdout } = await run('id', ['-u', 'postgres']);
      await chown(cluster.folder, Number(stdout), 0);
    }
    atEnd(async () => {
      await cluster.stop('immediate').catch(() => {});
      await rm(cluster.folder, { recursive: true, force: true });
    });
    return cluster;
  }

  /** A standby that follows this server as `name`. */
  async standby(name) {
    const standby = await Cluster.#at(tmpdir());
    const from = `host=${HOST} port=${this.port} user=postgres application_name=${name}`;
    await standby.#program('pg_basebackup', '-D', standby.data, '-d', from, '-R', '-X', 'stream', '-c', 'fast', '--no-sync');
    await standby.start();
    return standby;
  }

  #program(name, ...words) {
    return asPostgres(join(this.bin, name), ...words);
  }

  start() {
    const options = `-p ${this.port} -k ${this.folder} -c listen_addresses=${HOST}`;
    return this.#program('pg_ctl', '-D', this.data, '-w', '-l', join(this.folder, 'log'), '-o', options, 'start');
  }

  /** Ends it: `fast` cuts connections off in order, `immediate` is a crash. */
  stop(mode) {
    return this.#program('pg_ctl', '-D', this.data, '-w', '-m', mode, 'stop');
  }

  promote() {
    return this.#program('pg_ctl', '-D', this.data, '-w', 'promote');
  }

  /** The address of one of its databases, or of one at another port that leads to it. */
  url(database, port = this.port) {
    return `postgres://postgres@${HOST}:${port}/${database}`;
  }

  /** What a statement answers, a line a row. */
  async sql(statement, database = 'postgres') {
    const { stdout } = await run('psql', ['--no-psqlrc', '-qAtc', statement, this.url(database)]);
    return stdout.trim();
  }

  async create(database) {
    await this.sql(`CREATE DATABASE ${database} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'`);
    return this.url(database);
  }
}
