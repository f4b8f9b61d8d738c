// How answers grow with the data: node benches/growth/growth.mjs BINARY [QUERY]; scripts/bench-growth starts PostgreSQL for it.
// Each query is asked of each base in turns, over HTTP. It fails where a median grows by more than 20 % and a millisecond a decade,
// and processor time, which neighbours on the machine do not change, by more than 20 % as well.
import { readFileSync } from 'node:fs';
import autocannon from 'autocannon';
import { check, judge } from '../../conformance/judge.mjs';
import { databaseTook, took } from './database.mjs';
import { open } from './desks.mjs';
import { imports, moves } from './writes.mjs';
import { queries } from './queries.mjs';

const SIZES = (process.env.VULNDESK_BENCH_SIZES ?? '10000,100000,1000000').split(',').map(Number);
const ROUNDS = Number(process.env.VULNDESK_BENCH_ROUNDS ?? 3);
/** Of queries whose actor and name have this in them, all when left out. */
const ONLY = process.argv[3];
/** Milliseconds of one measurement, and the fewest requests of it. */
const ABOUT = 500;
const FEWEST = 12;
const CONNECTIONS = 2;
/** What a decade may add. */
const GROWS = 1.2;
const MILLISECONDS = 1;

const at = (values, share) => values[Math.min(values.length - 1, Math.floor(values.length * share))];

/**
 * Sends `amount` requests over the connections; answers each one's milliseconds, and those of the processor that server and
 * database took for all together.
 */
async function load(base, actor, bodies, amount) {
  const before = [took(base.server.pid), await databaseTook()];
  const headers = { authorization: `Bearer ${base.tokens[actor]}`, 'content-type': 'application/json' };
  const requests = bodies.map((body) => ({ method: 'POST', path: '/graphql', headers, body }));
  // Each connection has requests of its own: no move is asked for twice.
  let clients = 0;
  const share = () => {
    const mine = requests.filter((_, index) => index % CONNECTIONS === clients % CONNECTIONS);
    clients += 1;
    return mine.length ? mine : requests;
  };
  const waits = [];
  const run = autocannon({
    url: base.desk.url, connections: CONNECTIONS, amount, setupClient: (client) => client.setRequests(share()), verifyBody: (body) => !`${body}`.includes('"errors"'), timeout: 120,
  });
  run.on('response', (client, status, bytes, milliseconds) => waits.push(milliseconds));
  const { non2xx, errors, mismatches } = await run;
  if (non2xx + errors + mismatches) throw new Error(`${actor} ${bodies[0]}: ${non2xx} refused, ${errors} failed, ${mismatches} with errors`);
  return { waits, own: took(base.server.pid) - before[0], database: (await databaseTook()) - before[1] };
}

/** Adds what another measurement gave. */
function add(to, { waits, own, database }) {
  to.waits.push(...waits);
  to.own += own;
  to.database += database;
}

/** What a decade multiplies by, from the smallest base to the next and so on. */
const decades = (values) => values.slice(1).map((value, index) => (value / values[index]) ** (1 / Math.log10(SIZES[index + 1] / SIZES[index])));

function row(name, of, judged) {
  const medians = of.map(({ waits }) => at(waits, 0.5));
  const each = of.map(({ own, database, waits }) => (own + database) / waits.length);
  const [byWait, byTime] = [decades(medians), decades(each)];
  const grew = judged && byWait.some((factor, index) => factor > GROWS && byTime[index] > GROWS && medians[index + 1] - medians[index] > MILLISECONDS);
  const cells = of.map(({ waits, own, database }, index) =>
    `${medians[index].toFixed(1)} / ${at(waits, 0.99).toFixed(1)} ms ${(own / waits.length).toFixed(1)} + ${(database / waits.length).toFixed(1)}`.padStart(28));
  const percent = (factors) => factors.map((factor) => `${Math.round((factor - 1) * 100)} %`).join(', ');
  console.log(`${name.padEnd(36)}${cells.join('')}   ${percent(byWait)} | ${percent(byTime)}${grew ? '   GROWS' : ''}`);
  return grew;
}

await judge(async () => {
  const bases = [];
  for (const events of SIZES) bases.push(await open(events));
  const model = readFileSync('/proc/cpuinfo', 'utf8').match(/model name\s*: (.*)/)?.[1];
  console.log(`\n${model}; medians of ${ROUNDS} rounds in turns; p50 / p99, then milliseconds of processor time of server + database a request`);
  console.log(`${''.padEnd(36)}${SIZES.map((size) => size.toLocaleString('en').padStart(28)).join('')}   a decade: p50 | processor`);
  const asked = bases.map(({ names }) => queries(names));
  const grew = [];
  let counted = false;
  for (const [index, { actor, name, isCounted }] of asked[0].entries()) {
    const title = `${actor} ${name}`;
    if (ONLY && !title.includes(ONLY)) continue;
    if (isCounted && !counted) console.log('\nall there is, all of a month, counted to 10,000 at most:');
    counted = isCounted;
    const of = [];
    for (const [place, base] of bases.entries()) {
      const { query, sets } = asked[place][index];
      const bodies = sets.map((variables) => JSON.stringify({ query, variables }));
      const warm = await load(base, actor, bodies, FEWEST);
      const amount = Math.max(FEWEST, Math.min(400, Math.round(ABOUT / at(warm.waits.sort((a, b) => a - b), 0.5) * 2)));
      of.push({ bodies, amount, waits: [], own: 0, database: 0 });
    }
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [place, base] of bases.entries()) {
        add(of[place], await load(base, actor, of[place].bodies, of[place].amount));
      }
    }
    of.forEach(({ waits }) => waits.sort((a, b) => a - b));
    if (row(title, of, !isCounted)) grew.push(title);
  }
  if (!ONLY) {
    console.log('\nwrites:');
    if (row('ANALYST startTriage', await moves(bases, ROUNDS, load, add), true)) grew.push('startTriage');
    await imports(bases);
  }
  check('nothing that is no count grows by more than 20 % and a millisecond a decade', grew.length === 0, grew);
});
