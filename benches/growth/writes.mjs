// What changes: one status move of an event, and imports. Both leave the bases larger than they were.
import { ask } from './database.mjs';
import { importing, table } from './seed.mjs';

const MOVES = 50;
const RECORDS = 10_000;
const MOVE = 'mutation($input: EventMove!) { startTriage(input: $input) { event { status } userErrors { code } } }';

/** Moves of events that nobody moved so far, in turns. */
export async function moves(bases, rounds, load, add) {
  const of = [];
  for (const base of bases) {
    const numbers = (await ask(base.database, `SELECT number FROM event WHERE status = 'RECEIVED' AND tlp <> 'RED' AND version = 1
      ORDER BY random() LIMIT ${MOVES * (rounds + 1)}`)).split('\n');
    const inputs = [];
    for (const number of numbers) {
      const { event } = await base.desk.read(base.tokens.LEADER, 'query($number: String!) { event(number: $number) { id version } }', { number });
      inputs.push(JSON.stringify({ query: MOVE, variables: { input: { event: event.id, expectedVersion: event.version } } }));
    }
    of.push({ inputs, waits: [], own: 0, database: 0 });
  }
  for (let round = 0; round <= rounds; round += 1) {
    for (const [place, base] of bases.entries()) {
      const outcome = await load(base, 'ANALYST', of[place].inputs.splice(0, MOVES), MOVES);
      // The first round finds nothing prepared.
      if (round > 0) add(of[place], outcome);
    }
  }
  of.forEach(({ waits }) => waits.sort((a, b) => a - b));
  return of;
}

/** The time that an import of new records takes. */
export async function imports(bases) {
  for (const { desk, events } of bases) {
    const file = await desk.file('records.csv', table(RECORDS, `again-${Date.now()}`, events, Date.now() - 30 * 86_400_000, 29));
    const begun = performance.now();
    const { out, err } = await desk.run(...importing(file, 'archive'));
    if (!out.includes(`${RECORDS} received`)) throw new Error(`${out}${err}`);
    const seconds = (performance.now() - begun) / 1_000;
    console.log(`import of ${RECORDS.toLocaleString('en')} records over ${events.toLocaleString('en')} events: ${seconds.toFixed(1)} s, ${Math.round(RECORDS / seconds)} a second`);
  }
}
