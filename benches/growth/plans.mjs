// How PostgreSQL answers the statements of each query: node benches/growth/plans.mjs BINARY [--renew | --pages]; scripts/bench-plans starts it.
// Fails where a table that grows is read from one end to the other, where a step reads very many rows of one, and where plans.txt,
// which somebody looked through, says otherwise.
// A plan follows from a sample of what a table holds: where another one is as good, renew the file and look at the difference.
// `--pages` prints how many pages each query touches at each size instead.
import { readFileSync, writeFileSync } from 'node:fs';
import { check, judge, until } from '../../conformance/judge.mjs';
import { ask } from './database.mjs';
import { base } from './bases.mjs';
import { open } from './desks.mjs';
import { GROWN } from './multiply.mjs';
import { queries } from './queries.mjs';

const EVENTS = Number(process.env.VULNDESK_BENCH_EVENTS ?? 100_000);
const FILE = new URL('plans.txt', import.meta.url);
const SIZES = (process.env.VULNDESK_BENCH_SIZES ?? '10000,100000,1000000').split(',').map(Number);
/** A statement is planned for its values five times; from then on one plan may serve for all values. */
const TIMES = 7;
/** What has no more rows than this fits into few pages, which are read whole. */
const SMALL = 1_000;
/** Rows that one step may read of a table that grows, those that it passes over to find a page's included. */
const MANY = 10_000;

const SET = { log_min_duration: 0, log_format: 'json', log_timing: 'off', log_analyze: 'on', log_buffers: 'on' };

/** How a plan goes through its tables, as one line. */
function line(plan) {
  const kind = plan['Node Type'];
  const parts = [];
  const relation = plan['Relation Name'];
  if (kind === 'Seq Scan') parts.push(`${relation} WHOLE`);
  else if (kind === 'Bitmap Heap Scan') parts.push(`${relation} of`);
  else if (plan['Index Name']) parts.push(plan['Index Name']);
  else if (/Sort|Hash|Aggregate|Merge|Unique|Memoize/.test(kind)) parts.push(kind.toLowerCase());
  return [...parts, ...(plan.Plans ?? []).flatMap(line)];
}

/** What a plan reads of tables that grow: the table, how, and how many of its rows. */
function* scans(plan) {
  const table = plan['Relation Name'];
  const read = (plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0)) * plan['Actual Loops'];
  if (GROWN.includes(table)) yield { table, whole: plan['Node Type'] === 'Seq Scan', read };
  for (const of of plan.Plans ?? []) yield* scans(of);
}

let marks = 0;

/** The plans that were logged of this database since the log was so long. */
async function logged(database, since) {
  // Lines come through a pipe: when this one is there, all before it are.
  marks += 1;
  const mark = `mark ${process.pid} ${marks}`;
  await ask(database, `SELECT '${mark}'`);
  const text = await until('the log is written', async () => {
    const read = await ask('postgres', `SELECT pg_read_file(pg_current_logfile('jsonlog'), ${since}, 1000000000)`);
    return read.includes(mark) && read;
  });
  const entries = text.split('\n').filter((entry) => entry.startsWith('{') && entry.endsWith('}')).map((entry) => JSON.parse(entry));
  return entries.filter(({ dbname, message }) => dbname === database && message.includes('plan:') && !message.includes('mark '))
    .map(({ message }) => JSON.parse(message.slice(message.indexOf('{'))))
    .map((entry) => ({ text: entry['Query Text'], plan: entry.Plan }));
}

const size = async () => Number(await ask('postgres', `SELECT (pg_stat_file(pg_current_logfile('jsonlog'))).size`));

/** Asks all queries of a base; calls `see` with each and the statements of its last request. */
async function each(events, times, see) {
  const database = await base(events);
  await ask(database, `ALTER DATABASE ${database} SET session_preload_libraries = 'auto_explain'`);
  for (const [name, value] of Object.entries(SET)) await ask(database, `ALTER DATABASE ${database} SET auto_explain.${name} = '${value}'`);
  const begun = await size();
  const { desk, server, tokens, names } = await open(events);
  // What is asked for without a request, or with each, is no part of any.
  await desk.read(tokens.LEADER, '{ viewer { subject } }');
  const known = new Set((await logged(database, begun)).filter(({ text }) => !text.includes('json_build_array')).map(({ text }) => text));
  for (const asked of queries(names)) {
    const asking = (variables) => desk.read(tokens[asked.actor], asked.query, variables);
    for (let time = 0; time < times; time += 1) await asking(asked.sets[time % asked.sets.length]);
    const since = await size();
    await asking(asked.sets[0]);
    see(asked, (await logged(database, since)).filter(({ text }) => !known.has(text)));
  }
  await server.end();
  await ask(database, `ALTER DATABASE ${database} RESET ALL`);
  return new Map((await ask(database, `SELECT relname, reltuples::bigint FROM pg_class WHERE relkind = 'r'`)).split('\n').map((row) => row.split('\t')));
}

/** Looks at the plans among so many events. */
async function snapshot() {
  const lines = [];
  const found = [];
  const rows = await each(EVENTS, TIMES, ({ actor, name, isCounted }, statements) => {
    const ways = statements.map(({ plan }) => `  ${line(plan).join(', ')}`).filter((way) => way.trim());
    lines.push(`${actor} ${name}`, ...new Set(ways));
    if (!isCounted) statements.forEach(({ plan }) => found.push(...[...scans(plan)].map((scan) => ({ title: `${actor} ${name}`, ...scan }))));
  });
  const now = `${lines.join('\n')}\n`;
  if (process.argv[3] === '--renew') writeFileSync(FILE, now);
  const kept = readFileSync(FILE, 'utf8');
  check('each plan is as plans.txt has it', now === kept, now.split('\n').filter((entry) => !kept.includes(entry)));
  const told = (scan) => found.filter(scan).map(({ title, table, read }) => `${title}: ${read} of ${table}`);
  const whole = told(({ whole: isWhole, table }) => isWhole && Number(rows.get(table)) > SMALL);
  check('nothing that grows is read from one end to the other', whole.length === 0, whole);
  const many = told(({ read }) => read > MANY);
  check(`no step reads more than ${MANY} rows of what grows`, many.length === 0, many);
}

/** Prints how many pages of the database a request touches at each size: a measure that no neighbour on the machine changes. */
async function pages() {
  const touched = new Map();
  for (const events of SIZES) {
    await each(events, 1, ({ actor, name }, statements) => {
      const all = statements.reduce((sum, { plan }) => sum + plan['Shared Hit Blocks'] + plan['Shared Read Blocks'], 0);
      const title = `${actor} ${name}`;
      touched.set(title, [...(touched.get(title) ?? []), all]);
    });
  }
  console.log(`pages of 8 kB that a request touches among ${SIZES.join(', ')} events`);
  for (const [title, of] of touched) console.log(`${title.padEnd(36)}${of.map((count) => count.toLocaleString('en').padStart(12)).join('')}`);
  check('each was asked at each size', [...touched.values()].every((of) => of.length === SIZES.length));
}

await judge(process.argv[3] === '--pages' ? pages : snapshot);
