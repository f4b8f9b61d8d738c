// How PostgreSQL answers the statements of each query: node benches/growth/plans.mjs BINARY [--renew]; scripts/bench-plans starts it.
// Fails where a table that grows is read from one end to the other, where a step reads very many rows of one, and where plans.txt,
// which somebody looked through, says otherwise.
// A plan follows from a sample of what a table holds: where another one is as good, renew the file and look at the difference.
import { readFileSync, writeFileSync } from 'node:fs';
import { check, judge } from '../../conformance/judge.mjs';
import { ask } from './database.mjs';
import { base } from './bases.mjs';
import { open } from './desks.mjs';
import { GROWN } from './multiply.mjs';
import { queries } from './queries.mjs';

const EVENTS = Number(process.env.VULNDESK_BENCH_EVENTS ?? 100_000);
const FILE = new URL('plans.txt', import.meta.url);
/** A statement is planned for its values five times; from then on one plan may serve for all values. */
const TIMES = 7;
/** What has no more rows than this fits into few pages, which are read whole. */
const SMALL = 1_000;
/** Rows that one step may read of a table that grows, those that it passed over included. */
const MANY = 5_000;

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

/** The plans that were logged of this database since the log was so long. */
async function logged(database, since) {
  const file = await ask('postgres', `SELECT pg_current_logfile('jsonlog')`);
  if (!file) throw new Error('start PostgreSQL with logging_collector=on and log_destination=jsonlog');
  const text = await ask('postgres', `SELECT pg_read_file('${file}', ${since}, 1000000000)`);
  const entries = text.split('\n').filter((entry) => entry.startsWith('{') && entry.endsWith('}')).map((entry) => JSON.parse(entry));
  return entries.filter(({ dbname, message }) => dbname === database && message.includes('plan:'))
    .map(({ message }) => JSON.parse(message.slice(message.indexOf('{'))))
    .map((entry) => ({ text: entry['Query Text'], plan: entry.Plan }));
}

const size = async () => Number(await ask('postgres', `SELECT (pg_stat_file(pg_current_logfile('jsonlog'))).size`));

await judge(async () => {
  const database = await base(EVENTS);
  await ask(database, `ALTER DATABASE ${database} SET session_preload_libraries = 'auto_explain'`);
  for (const [name, value] of Object.entries(SET)) await ask(database, `ALTER DATABASE ${database} SET auto_explain.${name} = '${value}'`);
  const begun = await size();
  const desk = await open(EVENTS);
  const rows = new Map((await ask(database, `SELECT relname, reltuples::bigint FROM pg_class WHERE relkind = 'r'`)).split('\n').map((row) => row.split('\t')));
  // What is asked for without a request, or with each, is no part of any.
  await desk.desk.read(desk.tokens.LEADER, '{ viewer { subject } }');
  const known = new Set((await logged(database, begun)).filter(({ text }) => !text.includes('json_build_array')).map(({ text }) => text));
  const lines = [];
  const whole = new Set();
  const many = new Set();
  for (const { actor, name, query, sets, isCounted } of queries(desk.names)) {
    const asking = (variables) => desk.desk.read(desk.tokens[actor], query, variables);
    for (let time = 0; time < TIMES; time += 1) await asking(sets[time % sets.length]);
    const since = await size();
    await asking(sets[0]);
    lines.push(`${actor} ${name}`);
    for (const { text, plan } of await logged(database, since)) {
      if (known.has(text)) continue;
      const way = line(plan).join(', ');
      if (way && !lines.includes(`  ${way}`, lines.lastIndexOf(`${actor} ${name}`))) lines.push(`  ${way}`);
      for (const { table, whole: isWhole, read } of isCounted ? [] : scans(plan)) {
        if (isWhole && Number(rows.get(table)) > SMALL) whole.add(`${actor} ${name}: ${table}`);
        if (read > MANY) many.add(`${actor} ${name}: ${Math.round(read)} of ${table}`);
      }
    }
  }
  await ask(database, `ALTER DATABASE ${database} RESET ALL`);
  const now = `${lines.join('\n')}\n`;
  if (process.argv[3] === '--renew') writeFileSync(FILE, now);
  const kept = readFileSync(FILE, 'utf8');
  const differ = now.split('\n').filter((entry) => !kept.includes(entry));
  check('each plan is as plans.txt has it', now === kept, differ);
  check('nothing that grows is read from one end to the other', whole.size === 0, [...whole]);
  check(`no step reads more than ${MANY} rows of what grows`, many.size === 0, [...many]);
});
