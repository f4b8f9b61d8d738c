// The product beside GraphQL servers of Node.js over the same rows: node benches/peers/peers.mjs BINARY; scripts/bench-peers starts
// PostgreSQL for it. R1 is a page of the 20 gravest events with products, current score, assignments and replies, R2 one event the same way, W1 one
// status move with its audit entry and message. The peers do this alone: no tokens, no visibility, no limits, no log.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { atEnd, judge } from '../../conformance/judge.mjs';
import { ask } from '../growth/database.mjs';
import { CARD, CONNECTIONS, EVENTS, READS, ROUNDS, copy, encoding, load, median, product, things } from './load.mjs';

const NESTED = `rowId number title status level affectedProductsByEventId { nodes { state productByProductId { name } } }
  scoresByEventId { nodes { rounded } } assignmentsByEventId { nodes { function subject state } }
  repliesByEventId { nodes { kind state } }`;

/** How the others are asked. */
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

async function peer(name, script, url, queries) {
  // PostGraphile 5 wants a newer Node.js than this may be.
  const [node, file] = ['node_modules/.bin/node', script].map((path) => new URL(path, import.meta.url).pathname);
  const child = spawn(node, [file, url], {
    env: { ...process.env, NODE_ENV: 'production', GRAPHILE_ENV: 'production' }, stdio: ['ignore', 'pipe', 'ignore'],
  });
  atEnd(() => child.kill());
  const { value: port } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  return { name, pids: [child.pid], url: `http://127.0.0.1:${port}`, ask: queries };
}

await judge(async () => {
  const first = await product('peers_product');
  const shared = await copy('peers_others');
  await ask('peers_others', readFileSync(new URL('peers.sql', import.meta.url), 'utf8'));
  const servers = [first, await peer('PostGraphile 5', 'postgraphile.mjs', shared, POSTGRAPHILE), await peer('graphql-yoga, Knex', 'yoga.mjs', shared, YOGA)];
  // Two of them move the same events, each round others.
  const { numbers, waiting } = await things('peers_others', (ROUNDS + 1) * 2);
  const moves = Math.floor(waiting.length / (ROUNDS + 1) / 2);
  // The product has a database of its own, and so all of them.
  const left = servers.map((server) => (server === first ? [...waiting] : waiting));
  const encoded = await encoding(first);
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
      const resident = Number(readFileSync(`/proc/${server.pids[0]}/status`, 'utf8').match(/^VmRSS:\s+(\d+)/m)[1]) / 1024;
      const ratio = index ? `   the product: ${(of(0, 'rate') / of(index, 'rate')).toFixed(2)} of its requests, ${((of(0, 'own') + of(0, 'database')) / (of(index, 'own') + of(index, 'database'))).toFixed(2)} of its processor time` : '';
      console.log(`${what} ${server.name.padEnd(20)} ${of(index, 'rate').toFixed(0).padStart(6)} ${of(index, 'own').toFixed(0).padStart(7)} ${of(index, 'database').toFixed(0).padStart(7)} ${resident.toFixed(0).padStart(5)}${ratio}`);
    });
  }
});
