// What is asked of the product here, and what answers cost.
import autocannon from 'autocannon';
import { Desk } from '../../conformance/desk.mjs';
import { atEnd } from '../../conformance/judge.mjs';
import { base } from '../growth/bases.mjs';
import { SERVER, ask, databaseTook, took } from '../growth/database.mjs';

export const EVENTS = Number(process.env.VULNDESK_BENCH_EVENTS ?? 100_000);
export const ROUNDS = Number(process.env.VULNDESK_BENCH_ROUNDS ?? 3);
export const CONNECTIONS = 32;
export const READS = 3_000;
export const MOST_MOVES = 640;

export const CARD = `id number title status level affectedProducts { state product { name } } currentScore { rounded }
  assignments { function subject state } replies { kind state }`;

/** The queries, by what each is asked about. */
export const PRODUCT = {
  R1: () => ({ query: `{ events(first: 20, order: { field: LEVEL, direction: DESC }) { nodes { ${CARD} } pageInfo { endCursor } } }` }),
  R2: ({ number }) => ({ query: `query($number: String!) { event(number: $number) { ${CARD} } }`, variables: { number } }),
  W1: ({ event }) => ({
    query: 'mutation($input: EventMove!) { startTriage(input: $input) { event { version } userErrors { code } } }',
    variables: { input: { event, expectedVersion: 1 } },
  }),
};

/** A copy of the base, since events are moved. */
export async function copy(name) {
  const of = await base(EVENTS);
  await ask('postgres', `DROP DATABASE IF EXISTS ${name}; CREATE DATABASE ${name} TEMPLATE ${of}`);
  atEnd(() => ask('postgres', `DROP DATABASE ${name} WITH (FORCE)`));
  return `${SERVER}/${name}`;
}

/** The product over a copy of the base of this name, one process for each of `environments`. */
export async function product(name, environments = [{}]) {
  const desk = await Desk.make('[http.rates]\npoints_a_second = 0\n', await copy(name));
  const pids = [];
  for (const environment of environments) {
    pids.push((await desk.serve({ RUST_LOG: 'warn,vulndesk=info,vulndesk::access=off', ...environment })).pid);
  }
  return { name: 'vulndesk', desk, pids, url: desk.url, token: await desk.token('ANALYST'), ask: PRODUCT };
}

/** What can be asked about in a database: numbers of events, and ids of such as wait to be moved, for as many rounds. */
export async function things(database, rounds) {
  const rows = async (sql) => (await ask(database, sql)).split('\n');
  return {
    numbers: await rows(`SELECT number FROM event WHERE tlp <> 'RED' ORDER BY random() LIMIT 500`),
    waiting: await rows(`SELECT id FROM event WHERE status = 'RECEIVED' AND tlp <> 'RED' AND version = 1 LIMIT ${MOST_MOVES * rounds}`),
  };
}

/** How the product writes an event's id, by what it calls one. */
export async function encoding({ desk, token }) {
  const { events } = await desk.read(token, '{ events(first: 1) { nodes { id } } }');
  const kind = Buffer.from(events.nodes[0].id, 'base64url').subarray(0, 1);
  return (id) => Buffer.concat([kind, Buffer.from(id.replaceAll('-', ''), 'hex')]).toString('base64url');
}

/** Requests a second of a server, and microseconds of processor time of its processes and of the database for each. */
export async function load(server, bodies, amount) {
  const headers = { 'content-type': 'application/json', ...(server.token && { authorization: `Bearer ${server.token}` }) };
  const requests = bodies.map((body) => ({ method: 'POST', path: '/graphql', headers, body: JSON.stringify(body) }));
  // Each connection has requests of its own: no move is asked for twice.
  let clients = 0;
  const share = () => {
    const mine = requests.filter((_, index) => index % CONNECTIONS === clients % CONNECTIONS);
    clients += 1;
    return mine.length ? mine : requests;
  };
  const own = () => server.pids.reduce((sum, pid) => sum + took(pid), 0);
  const before = [own(), await databaseTook()];
  const begun = performance.now();
  const run = await autocannon({
    // It looks as often whether it is at its end, once a second by itself.
    url: server.url, connections: CONNECTIONS, amount, timeout: 60, sampleInt: 20, setupClient: (client) => client.setRequests(share()),
    verifyBody: (body) => !/"errors"|"code"|:null\}$/.test(body),
  });
  const seconds = (performance.now() - begun) / 1_000;
  if (run.non2xx + run.errors + run.mismatches) throw new Error(`${server.name}: ${JSON.stringify(bodies[0])} ${run.non2xx} ${run.errors} ${run.mismatches}`);
  return { rate: amount / seconds, own: ((own() - before[0]) * 1_000) / amount, database: (((await databaseTook()) - before[1]) * 1_000) / amount };
}

export const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
