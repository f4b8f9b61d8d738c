// A database for each size, made once and taken as it is by later runs over the same server.
import { SERVER, ask, exists } from './database.mjs';
import { multiply } from './multiply.mjs';
import { SEED, fill } from './seed.mjs';

const CREATE = `ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8' TEMPLATE`;
/** From here on tables that no measured query reads keep the seed's rows alone, so that the disk is enough. */
const LEAN_FROM = 2_000_000;
const LEAN = ['audit_entry', 'report_feature', 'report_profile', 'notice', 'message', 'delivery', 'delivery_attempt', 'reply_file'];

export const isLean = (events) => events >= LEAN_FROM;

async function seed() {
  if (await exists('growth_seed')) return;
  await ask('postgres', 'DROP DATABASE IF EXISTS growth_seeding');
  await ask('postgres', `CREATE DATABASE growth_seeding ${CREATE} template0`);
  await fill(`${SERVER}/growth_seeding`, (sql) => ask('growth_seeding', sql));
  await ask('postgres', 'ALTER DATABASE growth_seeding RENAME TO growth_seed');
}

/** The name of the database with so many events. */
export async function base(events) {
  const name = `growth_${events}`;
  await seed();
  if (!(await exists(name))) {
    const making = `${name}_making`;
    await ask('postgres', `DROP DATABASE IF EXISTS ${making}`);
    await ask('postgres', `CREATE DATABASE ${making} ${CREATE} growth_seed`);
    const begun = performance.now();
    await multiply((sql) => ask(making, sql), Math.round(events / SEED), isLean(events) ? LEAN : []);
    await ask('postgres', `ALTER DATABASE ${making} RENAME TO ${name}`);
    const size = Number(await ask('postgres', `SELECT pg_database_size('${name}')`));
    console.log(`${name}: ${(size / 1e9).toFixed(2)} GB, ${Math.round(size / events)} bytes an event, made in ${Math.round((performance.now() - begun) / 1000)} s`);
  }
  return name;
}
