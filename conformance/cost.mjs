// What a hostile request costs: node conformance/cost.mjs BINARY [MILLISECONDS]. Documents that grow while they are looked at,
// answers that repeat what was sent, bodies and headers without end: each is answered with little processor time, few bytes
// and little memory. Processor time is the process's own, so that others who work here cost it nothing; unless a bound is named,
// it is one for a build that was not made to be fast.
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import WebSocket from 'ws';
import { Desk } from './desk.mjs';
import { check, judge } from './judge.mjs';

const MILLISECONDS = Number(process.argv[3] ?? 2_000);
const BYTES = 8_192;
const MEGABYTES = 20;
/** So often is each sent: the system counts processor time in hundredths of a second. */
const TIMES = 5;

const many = (count, of) => Array.from({ length: count }, (_, at) => of(at)).join(' ');
const nested = (open, inside, close, depth) => open.repeat(depth) + inside + close.repeat(depth);
/** Fragments of which each spreads the next one twice. */
const doubling = (depth) => `{ ...F0 } ${many(depth, (at) => `fragment F${at} on Query { ...F${at + 1} ...F${at + 1} }`)} fragment F${depth} on Query { __typename }`;
const post = (body) => ({ body: typeof body === 'string' ? body : JSON.stringify(body) });
const document = (query, more = {}) => post({ query, ...more });

const VECTORS = {
  'fragments that double 25 times': document(doubling(25)),
  'fragments that double 60 times': document(doubling(60)),
  'fragments that double, in a field of an object': document(
    `{ events { nodes { ...E0 } } } ${many(60, (at) => `fragment E${at} on Event { ...E${at + 1} ...E${at + 1} }`)} fragment E60 on Event { id }`),
  'fragments that double, which nothing spreads': document(`{ __typename } ${many(60, (at) => `fragment F${at} on Query { ...F${at + 1} ...F${at + 1} }`)} fragment F60 on Query { __typename }`),
  'inline fragments that double': document(`{ ${nested('... on Query { a: __typename ', '__typename', '}', 900)} }`),
  'fragments in a ring': document(`{ ...F0 } ${many(500, (at) => `fragment F${at} on Query { ...F${(at + 1) % 500} }`)}`),
  'a fragment within itself': document('{ ...F } fragment F on Query { ...F }'),
  'fragments that all spread all': document(`{ ...F0 } ${many(40, (at) => `fragment F${at} on Query { ${many(40, (to) => (to > at ? `...F${to}` : '__typename'))} }`)}`),
  'one field five thousand times': document(`{ ${many(5_000, () => 'viewer { subject }')} }`),
  // Each just within the bounds, so that it is validated and run.
  'one field as often as the bounds let it': document(`{ ${many(132, () => 'viewer { subject }')} }`),
  'one field oftener': document(`{ ${many(900, () => 'viewer { subject }')} }`),
  'one count as often as the bounds let it': document(`{ ${many(131, () => 'events(first: 1) { totalCount }')} }`),
  'one count oftener': document(`{ ${many(400, () => 'events(first: 1) { totalCount }')} }`),
  'one count of each of twenty, as often as the bounds let it': document(`{ events(first: 20) { nodes { ${many(7, () => 'comments(first: 1) { totalCount }')} } } }`),
  'one count of each of twenty, oftener': document(`{ events(first: 20) { nodes { ${many(300, () => 'comments(first: 1) { totalCount }')} } } }`),
  'one count of each of twenty, under aliases': document(`{ events(first: 20) { nodes { ${many(50, (at) => `a${at}: comments(first: 1) { totalCount }`)} } } }`),
  'one value of each of twenty, as often as the bounds let it': document(`{ events(first: 20) { nodes { ${many(990, () => 'id')} } } }`),
  'one value of each of twenty, oftener': document(`{ events(first: 20) { nodes { ${many(1_900, () => 'id')} } } }`),
  'a fragment spread as often as the bounds let it': document(`{ ${many(131, () => '...F')} } fragment F on Query { viewer { subject } }`),
  'one alias for as many things as the bounds let it': document(`{ ${many(131, (at) => `a: node(id: "${at}") { id }`)} }`),
  'one field, in fragments as many as the bounds let it': document(`{ ${many(131, (at) => `...F${at}`)} } ${many(131, (at) => `fragment F${at} on Query { viewer { subject } }`)}`),
  'fields that contradict one another': document(`{ ${many(40, (at) => `events(first: ${at + 1}) { totalCount }`)} }`),
  'unknown directives, as many as the bounds let it': document(`{ ${many(1_300, (at) => `__typename @nothing${at}`)} }`),
  'unknown arguments, as many as the bounds let it': document(`{ viewer(${many(1_250, (at) => `nothing${at}: 1`)}) { subject } }`),
  'variables that nothing uses, as many as the bounds let it': document(`query(${many(50, (at) => `$${'v'.repeat(1_000)}${at}: Int`)}) { __typename }`),
  'variables of unknown types, as many as the bounds let it': document(`query(${many(50, (at) => `$v${at}: ${'N'.repeat(1_000)}${at}`)}) { __typename }`),
  'aliases, as many as the bounds let it': document(`{ ${many(50, (at) => `a${at}: viewer { subject roles }`)} }`),
  'ids that are none, as many as the bounds let it': document('query($ids: [ID!]!) { nodes(ids: $ids) { id } }', { variables: { ids: Array.from({ length: 100 }, (_, at) => `${at}${'x'.repeat(4_000)}`) } }),
  'changes, as many as the bounds let it': document(`mutation { ${many(50, () => `comment(input: { event: "e", body: "b" }) { comment { id } }`)} }`),
  'operations, as many as the bounds let it': document(many(10, (at) => `query Q${at} { ${many(90, () => 'viewer { subject }')} }`), { operationName: 'Q0' }),
  'a variable of as many bytes as the bounds let it': document('query($id: ID!) { node(id: $id) { id } }', { variables: { id: 'a'.repeat(500_000) } }),
  'one alias for different things': document(`{ ${many(1_500, (at) => `a: node(id: "${at}") { id }`)} }`),
  'ten thousand aliases': document(`{ ${many(10_000, (at) => `a${at}: __typename`)} }`),
  'aliases of a costly list': document(`{ ${many(50, (at) => `a${at}: events(first: 100) { nodes { id reports(first: 100) { nodes { id } } } }`)} }`),
  'pages within pages': document('{ events(first: 100) { nodes { reports(first: 100) { nodes { event { reports(first: 100) { nodes { id } } } } } } } }'),
  'a document nested deeply': document(nested('{ viewer ', '__typename', '}', 10_000)),
  'a list nested deeply': document(`{ node(id: ${nested('[', '1', ']', 20_000)}) { id } }`),
  'an object nested deeply': document(`{ node(id: ${nested('{a:', '1', '}', 10_000)}) { id } }`),
  'a type nested deeply': document(`query($a: ${nested('[', 'Int', ']', 20_000)}) { __typename }`),
  'directives, thousands on one field': document(`{ __typename ${many(5_000, () => '@skip(if: false)')} }`),
  'unknown directives': document(`{ __typename ${many(3_000, (at) => `@nothing${at}`)} }`),
  'unknown fields': document(`{ ${many(1_900, (at) => `nothing${at}`)} }`),
  'unknown arguments': document(`{ viewer(${many(1_900, (at) => `nothing${at}: 1`)}) { subject } }`),
  'a name without end': document(`{ ${'n'.repeat(60_000)} }`),
  'variables that nothing uses': document(`query(${many(900, (at) => `$v${at}: Int`)}) { __typename }`),
  'variables of unknown types': document(`query(${many(900, (at) => `$v${at}: Nothing${at}`)}) { __typename }`),
  'defaults that are large': document(`query($v: [String!] = [${many(3_000, () => '"a"')}]) { __typename }`),
  'a variable that is large': document('query($id: ID!) { node(id: $id) { id } }', { variables: { id: 'a'.repeat(1_000_000) } }),
  'a variable that is nested deeply': post(`{"query":"query($id: ID!) { node(id: $id) { id } }","variables":{"id":${nested('[', '1', ']', 200_000)}}}`),
  'a variable with many keys': document('query($id: ID!) { node(id: $id) { id } }', { variables: { id: Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`k${at}`, at])) } }),
  'ids, more than a list may have': document('query($ids: [ID!]!) { nodes(ids: $ids) { id } }', { variables: { ids: Array.from({ length: 50_000 }, (_, at) => `${at}`) } }),
  'a number of many digits': document(`{ events(first: ${'9'.repeat(50_000)}) { totalCount } }`),
  'a number of a large power': document('{ events(first: 1e999999999) { totalCount } }'),
  'a cursor without end': document('query($a: String) { events(first: 1, after: $a) { nodes { id } } }', { variables: { a: 'e'.repeat(500_000) } }),
  'words to search for without end': document('query($q: String!) { search(query: $q, first: 1) { nodes { __typename } } }', { variables: { q: '漏洞 '.repeat(60_000) } }),
  'the schema within the schema': document(`{ __schema { types { ${nested('fields { type { ', 'name', '} }', 18)} } } }`),
  'the schema, many times': document(`{ ${many(20, (at) => `s${at}: __schema { types { name fields { name type { name ofType { name } } args { name } } } }`)} }`),
  'operations, hundreds': document(many(900, (at) => `query Q${at} { __typename }`), { operationName: 'Q0' }),
  'changes, a thousand': document(`mutation { ${many(1_000, (at) => `a${at}: comment(input: { event: "e", body: "b" }) { comment { id } }`)} }`),
  'comments alone': document(`{ __typename } ${'# words\n'.repeat(8_000)}`),
  'commas alone': document(`{ __typename ${','.repeat(64_000)} }`),
  'a string that does not end': document(`{ node(id: "${'\\u0061'.repeat(10_000)}) { id } }`),
  'a block string': document(`{ node(id: """${'\n  a'.repeat(15_000)}""") { id } }`),
  'braces alone': document('{'.repeat(64_000)),
  'bytes that are no text': { body: Buffer.alloc(64_000, 0xff) },
  'a body nested deeply': post(nested('[', '1', ']', 500_000)),
  'keys that repeat': post(`{${'"query":"{__typename}",'.repeat(20_000)}"query":"{__typename}"}`),
  'a batch of requests': post(Array.from({ length: 5_000 }, () => ({ query: '{ __typename }' }))),
  'a body above the bound': document(`{ __typename ${'#'.repeat(4_000_000)} }`),
  'a document known by its hash, and unknown': post({ extensions: { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(100_000) } } }),
  'extensions nested deeply': post(`{"query":"{__typename}","extensions":${nested('{"a":', '1', '}', 100_000)}}`),
  'a bomb that nobody unpacks': { body: Buffer.alloc(100_000), headers: { 'content-encoding': 'gzip' } },
  'a document in the URL': { method: 'GET', path: `/graphql?query=${encodeURIComponent(doubling(25))}` },
  'a URL without end': { method: 'GET', path: `/graphql?query=${'a'.repeat(200_000)}` },
  'a token without end': { ...document('{ __typename }'), headers: { authorization: `Bearer ${'a.'.repeat(30_000)}` } },
  'a token of dots': { ...document('{ __typename }'), headers: { authorization: `Bearer ${'.'.repeat(7_000)}` } },
  'no token, and fragments that double': { ...document(doubling(60)), headers: { authorization: '' } },
  'headers, hundreds': { ...document('{ __typename }'), headers: Object.fromEntries(Array.from({ length: 900 }, (_, at) => [`x-${at}`, 'a'])) },
  'a range of everything': { method: 'GET', path: '/', headers: { range: `bytes=${many(3_000, (at) => `${at}-,`)}` } },
};

const status = (pid, name) => Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`^${name}:\\s+(\\d+)`, 'm'))[1]) / 1024;

/** Milliseconds of processor time that a process has taken. */
function worked(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Sends a request; answers its status and how many bytes came back. One that is cut off while it sends was answered by that. */
function send(url, token, { method = 'POST', path = '/graphql', headers = {}, body }) {
  return new Promise((resolve) => {
    const sending = request(`${url}${path}`, {
      method, agent: false, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json', ...headers },
    });
    sending.on('error', (error) => resolve({ status: error.code, bytes: 0 }));
    sending.on('response', (response) => {
      let bytes = 0;
      response.on('data', (part) => { bytes += part.length; });
      response.on('error', () => {});
      response.on('close', () => resolve({ status: response.statusCode, bytes }));
    });
    sending.end(body);
  });
}

/** The same document over a WebSocket: what comes back until the operation is over or the socket is closed. */
function subscribe(url, token, query) {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    let bytes = 0;
    const end = (status) => {
      socket.terminate();
      resolve({ status, bytes });
    };
    socket.on('error', () => {});
    socket.on('close', (code) => end(code));
    socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: { Authorization: `Bearer ${token}` } })));
    socket.on('message', (text) => {
      bytes += text.length;
      const { type } = JSON.parse(text);
      if (type === 'connection_ack') socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }));
      if (type === 'error' || type === 'complete') end(type);
    });
  });
}

await judge(async () => {
  const desk = await Desk.make('[http.rates]\npoints_a_second = 0\n');
  const server = await desk.serve({ RUST_LOG: 'warn,vulndesk=info,vulndesk::access=off' });
  const token = await desk.token('ANALYST');
  const admin = await desk.token('ADMIN');
  await desk.made(admin, 'createChannel', { key: 'src', name: 'SRC', kind: 'SRC_PLATFORM', jurisdiction: 'CN', abroad: false, replyRequired: true });
  for (let at = 0; at < 20; at += 1) await desk.made(token, 'receiveReport', { channel: 'src', title: `A hole ${at}`, text: 'Steps', tlp: 'AMBER' }, 'id');
  const ways = Object.entries(VECTORS).map(([name, vector]) => [name, () => send(desk.url, token, vector)]);
  for (const name of ['fragments that double 60 times', 'one field five thousand times', 'unknown directives', 'a document nested deeply']) {
    ways.push([`${name}, over a socket`, () => subscribe(desk.url, token, JSON.parse(VECTORS[name].body).query)]);
  }
  // What is made once, as it first serves, is no vector's cost.
  for (let at = 0; at < 20; at += 1) await send(desk.url, token, document('{ events(first: 20) { nodes { id title } } __schema { queryType { name } } }'));
  for (const name of ['one field five thousand times', 'a body above the bound']) await send(desk.url, token, VECTORS[name]);
  const slowest = { cpu: 0, bytes: 0, grown: 0 };
  for (const [name, act] of ways) {
    // The peak is counted anew from here.
    writeFileSync(`/proc/${server.pid}/clear_refs`, '5');
    const before = { memory: status(server.pid, 'VmRSS'), work: worked(server.pid) };
    const answers = [];
    for (let at = 0; at < TIMES; at += 1) answers.push(await act());
    const cpu = (worked(server.pid) - before.work) / TIMES;
    const grown = Math.max(0, status(server.pid, 'VmHWM') - before.memory);
    const bytes = Math.max(...answers.map((answer) => answer.bytes));
    const statuses = [...new Set(answers.map((answer) => answer.status))];
    slowest.cpu = Math.max(slowest.cpu, cpu);
    slowest.bytes = Math.max(slowest.bytes, bytes);
    slowest.grown = Math.max(slowest.grown, grown);
    const figures = `${cpu.toFixed(0)} ms, ${bytes} bytes, ${grown.toFixed(1)} MB, ${statuses.join(' ')}`;
    check(`${name} (${figures})`, cpu <= MILLISECONDS && bytes <= BYTES && grown <= MEGABYTES && !statuses.some((one) => one >= 500 && one < 600));
  }
  console.log(`      at most ${slowest.cpu.toFixed(0)} ms, ${slowest.bytes} bytes, ${slowest.grown.toFixed(1)} MB`);
  check('it serves on', (await send(desk.url, token, document('{ viewer { subject } }'))).status === 200);
  await server.end();
  check('it ends with 0', server.code() === 0, server.code());
});
