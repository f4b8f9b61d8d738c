// The product beside GraphQL servers of Node.js over the same rows: node benches/peers/peers.mjs BINARY; scripts/bench-peers starts
// PostgreSQL for it. R1 is a page of the 20 gravest events with products, current score, assignments and replies, R2 one event the same way, W1 one
// status move with its audit entry and message. The peers do this alone: no tokens, no visibility, no limits, no log.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import autocannon from 'autocannon';
import { Desk } from '../../conformance/desk.mjs';
import { atEnd, judge } from '../../conformance/judge.mjs';
import { base } from '../growth/bases.mjs';
import { SERVER, ask, databaseTook, took } from '../growth/database.mjs';

const EVENTS = Number(process.env.VULNDESK_BENCH_EVENTS ?? 100_000);
const ROUNDS = Number(process.env.VULNDESK_BENCH_ROUNDS ?? 3);
const CONNECTIONS = 32;
const READS = 3_000;
const MOST_MOVES = 640;

const CARD = `id number title status level affectedProducts { state product { name } } currentScore { rounded }
  assignments { function subject state } replies { kind state }`;
const NESTED = `rowId number title status level affectedProductsByEventId { nodes { state productByProductId { name } } }
  scoresByEventId { nodes { rounded } } assignmentsByEventId { nodes { function subject state } }
  repliesByEventId { nodes { kind state } }`;

/** How each of them is asked. */
const PRODUCT = {
  R1: () => ({ query: `{ events(first: 20, order: { field: LEVEL, direction: DESC }) { nodes { ${CARD} } pageInfo { endCursor } } }` }),
  R2: ({ number }) => ({ query: `query($number: String!) { event(number: $number) { ${CARD} } }`, variables: { number } }),
  W1: ({ event }) => ({
    query: 'mutation($input: EventMove!) { startTriage(input: $input) { event { version } userErrors { code } } }',
    variables: { input: { event, expectedVersion: 1 } },
  }),
};
const POSTGRAPHILE = {
  R1: () => ({ query: `{ allEvents(first: 20, orderBy: [LEVEL_RANK_DESC, ROW_ID_DESC]) { nodes { ${NESTED} } pageInfo { endCursor } } }` }),
  R2: ({ number }) => ({ query: `query($number: String!) { allEvents(condition: { number: $number }) { nodes { ${NESTED} } } }`, variables: { number } }),
  W1: ({ id }) => ({ query: 'mutation($id: UUID!) { peersStartTriage(input: { id: $id }) { result } }', variables: { id } }),
};
const YOGA = {
  R1: () => ({ query: `{ events(first: 20) { ${CARD} } }` }),
  R2: ({ number }) => ({ query: `query($number: String!) { event(number: $number) { ${CARD} } }`, variables: { number } }),
  W1: ({ id }) => ({ query: 'mutation($id: ID!) { startTriage(id: $id) }', variables: { id } }),
};

/** A copy of the base, since each of them moves the events that it is asked to. */
async function copy(name) {
  const of = await base(EVENTS);
  await ask('postgres', `DROP DATABASE IF EXISTS ${name}; CREATE DATABASE ${name} TEMPLATE ${of}`);
  atEnd(() => ask('postgres', `DROP DATABASE ${name} WITH (FORCE)`));
  return `${SERVER}/${name}`;
}

async function product() {
  const desk = await Desk.make('[http.rates]\npoints_a_second = 0\n', await copy('peers_product'));
  const { pid } = await desk.serve({ RUST_LOG: 'warn,vulndesk=info,vulndesk::access=off' });
  return { name: 'vulndesk', desk, pid, url: desk.url, token: await desk.token('ANALYST'), ask: PRODUCT };
}

async function peer(name, script, url, queries) {
  // PostGraphile 5 wants a newer Node.js than this may be.
  const [node, file] = ['node_modules/.bin/node', script].map((path) => new URL(path, import.meta.url).pathname);
  const child = spawn(node, [file, url], {
    env: { ...process.env, NODE_ENV: 'production', GRAPHILE_ENV: 'production' }, stdio: ['ignore', 'pipe', 'ignore'],
  });
  atEnd(() => child.kill());
  const { value: port } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  return { name, pid: child.pid, url: `http://127.0.0.1:${port}`, ask: queries };
}

async function load(server, bodies, amount) {
  const headers = { 'content-type': 'application/json', ...(server.token && { authorization: `Bearer ${server.token}` }) };
  const requests = bodies.map((body) => ({ method: 'POST', path: '/graphql', headers, body: JSON.stringify(body) }));
  // Each connection has requests of its own: no move is asked for twice.
  let clients = 0;
  const share = () => {
    const mine = requests.filter((_, index) => index % CONNECTIONS === clients % CONNECTIONS);
    clients += 1;
    return mine.length ? mine : requests;
  };
  const before = [took(server.pid), await databaseTook()];
  const begun = performance.now();
  const run = await autocannon({
    // It looks as often whether it is at its end, once a second by itself.
    url: server.url, connections: CONNECTIONS, amount, timeout: 60, sampleInt: 20, setupClient: (client) => client.setRequests(share()),
    verifyBody: (body) => !/"errors"|"code"|:null\}$/.test(body),
  });
  const seconds = (performance.now() - begun) / 1_000;
  if (run.non2xx + run.errors + run.mismatches) throw new Error(`${server.name}: ${JSON.stringify(bodies[0])} ${run.non2xx} ${run.errors} ${run.mismatches}`);
  const [own, database] = [took(server.pid) - before[0], (await databaseTook()) - before[1]];
  return { rate: amount / seconds, own: (own * 1_000) / amount, database: (database * 1_000) / amount };
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

await judge(async () => {
  const first = await product();
  const shared = await copy('peers_others');
  await ask('peers_others', readFileSync(new URL('peers.sql', import.meta.url), 'utf8'));
  const servers = [first, await peer('PostGraphile 5', 'postgraphile.mjs', shared, POSTGRAPHILE), await peer('graphql-yoga, Knex', 'yoga.mjs', shared, YOGA)];
  const numbers = (await ask('peers_others', `SELECT number FROM event WHERE tlp <> 'RED' ORDER BY random() LIMIT 500`)).split('\n');
  const waiting = (await ask('peers_others', `SELECT id FROM event WHERE status = 'RECEIVED' AND tlp <> 'RED' AND version = 1
    LIMIT ${MOST_MOVES * (ROUNDS + 1) * 2}`)).split('\n');
  // Two of them move the same events, each round others.
  const moves = Math.floor(waiting.length / (ROUNDS + 1) / 2);
  // The product has a database of its own, and so all of them.
  const left = servers.map((server) => (server === first ? [...waiting] : waiting));
  const { events } = await first.desk.read(first.token, '{ events(first: 1) { nodes { id } } }');
  const kind = Buffer.from(events.nodes[0].id, 'base64url').subarray(0, 1);
  const encoded = (id) => Buffer.concat([kind, Buffer.from(id.replaceAll('-', ''), 'hex')]).toString('base64url');
  console.log(`${EVENTS} events, ${CONNECTIONS} connections, medians of ${ROUNDS} rounds in turns`);
  console.log('requests a second, microseconds of processor time of server and database, MB resident');
  for (const what of ['R1', 'R2', 'W1']) {
    const measured = servers.map(() => []);
    for (let round = 0; round <= ROUNDS; round += 1) {
      for (const [index, server] of servers.entries()) {
        const ids = what === 'W1' ? left[index].splice(0, moves) : [];
        const bodies = { R1: () => [{}], R2: () => numbers.map((number) => ({ number })), W1: () => ids.map((id) => ({ id, event: encoded(id) })) }[what]();
        const outcome = await load(server, bodies.map(server.ask[what]), what === 'W1' ? moves : READS);
        // The first round finds nothing prepared.
        if (round > 0) measured[index].push(outcome);
      }
    }
    const of = (index, field) => median(measured[index].map((one) => one[field]));
    servers.forEach((server, index) => {
      const resident = Number(readFileSync(`/proc/${server.pid}/status`, 'utf8').match(/^VmRSS:\s+(\d+)/m)[1]) / 1024;
      const ratio = index ? `   the product: ${(of(0, 'rate') / of(index, 'rate')).toFixed(2)} of its requests, ${((of(0, 'own') + of(0, 'database')) / (of(index, 'own') + of(index, 'database'))).toFixed(2)} of its processor time` : '';
      console.log(`${what} ${server.name.padEnd(20)} ${of(index, 'rate').toFixed(0).padStart(6)} ${of(index, 'own').toFixed(0).padStart(7)} ${of(index, 'database').toFixed(0).padStart(7)} ${resident.toFixed(0).padStart(5)}${ratio}`);
    });
  }
});
