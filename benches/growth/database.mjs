// The server that scripts/with-postgres started, asked through psql, and what its processes take.
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

/** Its URL, without a database. */
export const SERVER = process.env.VULNDESK_TEST_POSTGRES;
if (!SERVER) {
  console.error('scripts/with-postgres starts a server and names it in VULNDESK_TEST_POSTGRES');
  process.exit(2);
}

/** Runs SQL in a database; answers rows as lines, their columns parted by tabs. */
export function ask(database, sql) {
  return new Promise((resolve, reject) => {
    const words = ['--no-psqlrc', '-qAt', '-F', '\t', '-v', 'ON_ERROR_STOP=1', '-f', '-', `${SERVER}/${database}`];
    const child = execFile('psql', words, { maxBuffer: 256 << 20 }, (error, out, err) => (error ? reject(new Error(`${err}\n${sql.slice(0, 2_000)}`)) : resolve(out.trim())));
    child.stdin.end(sql);
  });
}

export async function exists(database) {
  return (await ask('postgres', `SELECT count(*) FROM pg_database WHERE datname = '${database}'`)) === '1';
}

const stat = (pid) => {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop().split(' ').map(Number);
  } catch {
    return undefined;
  }
};

/** Milliseconds of processor time that a process took so far. */
export const took = (pid) => {
  const fields = stat(pid);
  return fields ? (fields[11] + fields[12]) * 10 : 0;
};

let postmaster;

/** Milliseconds that the server's processes took so far, those that ended included. */
export async function databaseTook() {
  postmaster ??= Number(readFileSync(`${await ask('postgres', 'SHOW data_directory')}/postmaster.pid`, 'utf8').split('\n')[0]);
  const own = stat(postmaster);
  let sum = own[11] + own[12] + own[13] + own[14];
  for (const name of readdirSync('/proc')) {
    const fields = /^\d+$/.test(name) ? stat(name) : undefined;
    if (fields?.[1] === postmaster) sum += fields[11] + fields[12];
  }
  return sum * 10;
}
