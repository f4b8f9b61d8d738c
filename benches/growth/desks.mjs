// The product over each base, with what its queries name there.
import { until } from '../../conformance/judge.mjs';
import { Desk } from '../../conformance/desk.mjs';
import { SERVER, ask, took } from './database.mjs';
import { base } from './bases.mjs';

const SETTINGS = '[http.rates]\npoints_a_second = 0\n';
/** Variables of each kind that a query is asked with in turn. */
const SETS = 100;

const SCOPES = { ENGINEER: ['--product', 'core-router', '--product', 'home-camera'], SRC: ['--channel', 'src'] };

/** Serves the base with so many events, and waits until it is at rest. */
export async function open(events) {
  const database = await base(events);
  const desk = await Desk.make(SETTINGS, `${SERVER}/${database}`);
  const begun = performance.now();
  const server = await desk.serve({ RUST_LOG: 'warn,vulndesk=info,vulndesk::access=off' });
  const ready = performance.now() - begun;
  const tokens = {};
  for (const role of ['LEADER', 'ENGINEER', 'REPORTER', 'ADMIN', 'FINANCE', 'SRC', 'ANALYST']) {
    tokens[role] = await desk.token(role, `${role.toLowerCase()}-1`, ...(SCOPES[role] ?? []));
  }
  // What is looked for after a start grows with what there is; it is no part of a request.
  let before = -1;
  await until('it is at rest', async () => {
    const now = took(server.pid);
    const still = now - before <= 20;
    before = now;
    if (!still) await new Promise((resolve) => setTimeout(resolve, 1_000));
    return still;
  }, 600);
  console.log(`${events} events: serving after ${Math.round(ready)} ms, at rest after ${((performance.now() - begun) / 1000).toFixed(0)} s`);
  return { events, desk, server, tokens, database, names: await names(desk, tokens, database) };
}

async function names(desk, tokens, database) {
  const rows = async (sql) => (await ask(database, sql)).split('\n').filter(Boolean);
  const one = async (sql) => (await rows(sql))[0];
  const some = (what, from, where = 'true') => rows(`SELECT ${what} FROM ${from} WHERE ${where} ORDER BY random() LIMIT ${SETS}`);
  const number = await some('number', 'event', `tlp <> 'RED'`);
  const engineerNumber = await some('number', 'event e', `EXISTS (SELECT 1 FROM event_access a WHERE a.event_id = e.id
    AND a.principal IN ('subject:engineer-1', 'product:core-router', 'product:home-camera'))`);
  const channelNumber = await some('channel_number', 'report', 'channel_number IS NOT NULL');
  const [from, last] = (await one(`SELECT to_char(max(received_at) - interval '30 days', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') || ' ' ||
    to_char(max(received_at), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') FROM event`)).split(' ');
  const half = await one(`SELECT to_char(percentile_disc(0.5) WITHIN GROUP (ORDER BY received_at), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') FROM event`);
  const read = (query, variables, role = 'LEADER') => desk.read(tokens[role], query, variables);
  const page = await read('query($half: DateTime) { events(first: 1, filter: { receivedBefore: $half }) { pageInfo { endCursor } } }', { half });
  const { products } = await read('{ products(first: 100) { nodes { id key } } }');
  const { channels } = await read('{ channels(first: 100) { nodes { id key } } }');
  const { webhookEndpoints } = await read('{ webhookEndpoints(first: 1) { nodes { id } } }', {}, 'ADMIN');
  const ofKey = ({ nodes }, wanted) => nodes.find(({ key }) => key === wanted).id;
  const event = [];
  for (const of of number.slice(0, 40)) event.push((await read('query($of: String!) { event(number: $of) { id } }', { of })).event.id);
  return {
    number, engineerNumber, channelNumber, event, from, until: last, middle: page.events.pageInfo.endCursor,
    product: ofKey(products, 'core-router'), channel: ofKey(channels, 'cnvd'), endpoint: webhookEndpoints.nodes[0].id,
  };
}
