// One, two and three processes behind HAProxy over one database: node benches/peers/replicas.mjs BINARY; scripts/bench-replicas
// starts PostgreSQL for it. The same page, event and move as beside the peers, in turns. Needs Debian's haproxy.
import { HOST } from '../../conformance/desk.mjs';
import { freePort } from '../../conformance/faults/cluster.mjs';
import { proxy } from '../../conformance/faults/proxy.mjs';
import { judge } from '../../conformance/judge.mjs';
import { CONNECTIONS, EVENTS, READS, ROUNDS, encoding, load, median, product, things } from './load.mjs';

const MOST = 3;

await judge(async () => {
  const ports = await Promise.all(Array.from({ length: MOST }, freePort));
  const all = await product('peers_replicas', ports.map((port) => ({ VULNDESK_LISTEN: `${HOST}:${port}` })));
  const { numbers, waiting } = await things('peers_replicas', (ROUNDS + 1) * MOST);
  const moves = Math.floor(waiting.length / (ROUNDS + 1) / MOST);
  const encoded = await encoding(all);
  const behind = [];
  for (let count = 1; count <= MOST; count += 1) {
    behind.push({ ...all, name: `${count} behind HAProxy`, url: await proxy(all.desk, ports.slice(0, count)) });
  }
  console.log(`${EVENTS} events, ${CONNECTIONS} connections, medians of ${ROUNDS} rounds in turns`);
  console.log('requests a second, microseconds of processor time of all processes and of the database');
  for (const what of ['R1', 'R2', 'W1']) {
    const measured = behind.map(() => []);
    for (let round = 0; round <= ROUNDS; round += 1) {
      for (const [index, server] of behind.entries()) {
        const ids = what === 'W1' ? waiting.splice(0, moves) : [];
        const about = { R1: [{}], R2: numbers.map((number) => ({ number })), W1: ids.map((id) => ({ event: encoded(id) })) }[what];
        const outcome = await load(server, about.map(server.ask[what]), what === 'W1' ? moves : READS);
        // The first round finds nothing prepared.
        if (round > 0) measured[index].push(outcome);
      }
    }
    behind.forEach(({ name }, index) => {
      const of = (field) => median(measured[index].map((one) => one[field])).toFixed(0);
      console.log(`${what} ${name.padEnd(20)} ${of('rate').padStart(6)} ${of('own').padStart(7)} ${of('database').padStart(7)}`);
    });
  }
});
