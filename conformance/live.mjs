// Being told of changes, by clients that others wrote: graphql-ws, graphql-sse, urql and Apollo; the codes that close a socket, read
// off the wire; and where VULNDESK_TEST_POSTGRES names a server, two replicas over one database.
import { execFileSync } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { ApolloClient, InMemoryCache, gql } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { Client, subscriptionExchange } from '@urql/core';
import { createClient as createSse } from 'graphql-sse';
import { createClient as createWs } from 'graphql-ws';
import WebSocket from 'ws';
import { Desk } from './desk.mjs';
import { atEnd, check, judge, until } from './judge.mjs';

const CHANGED = 'subscription($event: ID) { eventChanged(event: $event) { type event { number } } }';
const settings = '[live]\nconnections_per_address = 60\nconnections_per_principal = 12\n';

/** One conversation on the wire: what was sent, and what came of it. */
async function talk(url, steps, { protocols = ['graphql-transport-ws'], headers = {}, wait = 1500 } = {}) {
  const heard = [];
  let ended;
  const socket = new WebSocket(url, protocols, { headers });
  const closed = new Promise((resolve) => {
    socket.on('close', (code, reason) => { ended ??= { code, reason: reason.toString() }; resolve(); });
    socket.on('unexpected-response', (request, response) => { ended = { status: response.statusCode }; request.destroy(); resolve(); });
    socket.on('error', () => resolve());
  });
  socket.on('message', (message) => heard.push(JSON.parse(message)));
  const open = await Promise.race([new Promise((resolve) => { socket.on('open', () => resolve(true)); }), closed]);
  if (open) {
    for (const step of steps) {
      if (typeof step === 'number') await pause(step);
      else if (typeof step === 'function') await until('what was expected is heard', () => ended || step(heard), 10);
      else socket.send(typeof step === 'string' || Buffer.isBuffer(step) ? step : JSON.stringify(step));
    }
    await Promise.race([closed, pause(wait)]);
  }
  socket.terminate();
  return { heard, ended };
}

async function codes(desk, token) {
  const url = desk.url.replace('http', 'ws') + '/graphql';
  const init = { type: 'connection_init', payload: { Authorization: `Bearer ${token}` } };
  const acked = (heard) => heard.some(({ type }) => type === 'connection_ack');
  const ask = (id, query) => ({ id, type: 'subscribe', payload: { query } });
  const follow = 'subscription { eventChanged { type } }';
  const cases = [
    ['no subprotocol', [], 4406, { protocols: [] }],
    ['another subprotocol', [], 4406, { protocols: ['graphql-ws'] }],
    ['no JSON', ['{nope'], 4400],
    ['an unknown type', [{ type: 'start' }], 4400],
    ['an array', ['["connection_init"]'], 4400],
    ['a subscription before the token', [ask('1', follow)], 4401],
    ['a query before the token', [ask('1', '{ viewer { subject } }')], 4401],
    ['no connection_init', [], 4408, { wait: 4500 }],
    ['a ping instead of connection_init', [{ type: 'ping' }, 1000, { type: 'ping' }], 4408, { wait: 4500 }],
    ['a bad token', [{ type: 'connection_init', payload: { Authorization: 'Bearer none' } }], 4403],
    ['no token', [{ type: 'connection_init' }], 4403],
    ['connection_init twice', [init, acked, init], 4429],
    ['connection_init twice at once', [init, init], 4429],
    ['an id in use', [init, acked, ask('1', follow), ask('1', follow)], 4409],
    ['a subscription without an id', [init, acked, { type: 'subscribe', payload: { query: '{ viewer { subject } }' } }], 4400],
    ['a subscription without a payload', [init, acked, { type: 'subscribe', id: '1' }], 4400],
    ['a query that is no text', [init, acked, ask('1', 7)], 4400],
    ['variables that are a list', [init, acked, { id: '1', type: 'subscribe', payload: { query: follow, variables: [] } }], 4400],
    ['bytes', [init, acked, Buffer.from('{"type":"ping"}')], 1003],
    ['a message that is too long', [init, acked, ask('1', `{ viewer { subject } } # ${'x'.repeat(300_000)}`)], 4400],
    ['much before the token', [{ type: 'connection_init', payload: { filler: 'x'.repeat(20_000) } }], 4400],
  ];
  for (const [what, steps, code, options] of cases) {
    const { ended } = await talk(url, steps, options);
    check(`${what} closes with ${code}`, ended?.code === code, ended);
  }
  const open = async (what, steps, holds, options) => {
    const { heard, ended } = await talk(url, steps, { wait: 300, ...options });
    check(what, !ended && holds(heard), { heard, ended });
  };
  await open('a ping is answered, before the token too', [{ type: 'ping', payload: { a: 1 } }], ([first]) => first?.type === 'pong');
  await open('a pong that nobody asked for is let be', [init, acked, { type: 'pong' }], (heard) => heard.length === 1);
  await open('an unknown id may be completed', [init, acked, { type: 'complete', id: 'none' }], (heard) => heard.length === 1);
  await open('a query is answered and completed', [init, acked, ask('q', '{ viewer { subject } }')],
    ([, next, complete]) => next?.type === 'next' && next.payload.data.viewer.subject && complete?.type === 'complete');
  for (const [what, query, code] of [
    ['no such field', '{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
    ['no GraphQL', '{', 'GRAPHQL_PARSE_FAILED'],
    ['a role that may not', 'subscription { deliveryFailed { type } }', 'FORBIDDEN'],
    ['two fields', `subscription { eventChanged { type } deadlineDue { type } }`, 'BAD_USER_INPUT'],
  ]) {
    await open(`${what} is refused by a message, and the socket goes on`, [init, acked, ask('e', query)],
      ([, error, more]) => error?.type === 'error' && error.id === 'e' && error.payload[0].extensions.code === code && !more);
  }
  const many = Array.from({ length: 51 }, (_, at) => ask(`${at}`, follow));
  await open('more than 50 operations at once are refused', [init, acked, ...many, (heard) => heard.length > 1],
    (heard) => heard.length === 2 && heard[1].id === '50' && heard[1].payload[0].extensions.code === 'RATE_LIMITED');
  await open('an id may be used again once it is completed', [init, acked, ask('1', follow), { type: 'complete', id: '1' }, ask('1', '{ viewer { subject } }')],
    (heard) => heard.some(({ id, type }) => id === '1' && type === 'next'));
  const polite = new WebSocket(url, 'graphql-transport-ws');
  polite.on('open', () => polite.close(1000));
  const farewell = await Promise.race([new Promise((resolve) => { polite.on('close', resolve); }), pause(5_000)]);
  check('who closes a socket is answered', farewell === 1000, farewell);
  const foreign = await talk(url, [], { headers: { origin: 'https://elsewhere.example' } });
  check('a page of another origin is refused', foreign.ended?.status === 403, foreign.ended);
  const sockets = [];
  for (let at = 0; at < 13; at += 1) {
    const socket = new WebSocket(url, 'graphql-transport-ws');
    const state = { socket };
    socket.on('error', () => {});
    socket.on('open', () => socket.send(JSON.stringify(init)));
    socket.on('message', () => { state.acked = true; });
    socket.on('close', (code) => { state.code = code; });
    sockets.push(state);
  }
  await until('each is let in or not', () => sockets.every(({ acked, code }) => acked || code), 20);
  const out = sockets.filter(({ code }) => code);
  check('one principal has 12 sockets and no more', out.length === 1 && out[0].code === 1013, out.map(({ code }) => code));
  sockets.forEach(({ socket }) => socket.terminate());
}

/** Lets each client subscribe, and answers what each hears. */
async function clients(desk, analyst) {
  const url = desk.url.replace('http', 'ws') + '/graphql';
  const connectionParams = { Authorization: `Bearer ${analyst}` };
  const made = (name) => {
    const client = createWs({ url, webSocketImpl: WebSocket, connectionParams, retryAttempts: 0 });
    atEnd(() => client.dispose());
    return [name, client];
  };
  const heard = {};
  const note = (name) => {
    heard[name] = { told: [], errors: [] };
    const { told, errors } = heard[name];
    return {
      next: (value) => told.push(value.data?.eventChanged ?? value),
      error: (error) => errors.push(String(error?.reason ?? error)),
      complete: () => {},
    };
  };
  const query = { query: CHANGED };
  const [, plain] = made('graphql-ws');
  plain.subscribe(query, note('graphql-ws'));
  for (const singleConnection of [false, true]) {
    const name = `graphql-sse, ${singleConnection ? 'one connection' : 'distinct connections'}`;
    // An object of its own: a client writes its stream's name into it.
    const headers = { authorization: `Bearer ${analyst}` };
    const client = createSse({ url: `${desk.url}/graphql/stream`, singleConnection, headers, retryAttempts: 0 });
    atEnd(() => client.dispose());
    client.subscribe(query, note(name));
    heard[name].client = client;
  }
  const [, forUrql] = made('urql');
  const urql = new Client({
    url: `${desk.url}/graphql`,
    preferGetMethod: false,
    exchanges: [subscriptionExchange({
      forwardSubscription: (request) => ({
        subscribe: (sink) => ({ unsubscribe: forUrql.subscribe({ ...request, query: request.query ?? '' }, sink) }),
      }),
    })],
  });
  const urqlSink = note('urql');
  urql.subscription(CHANGED, {}).subscribe((result) => (result.error ? urqlSink.error(result.error) : urqlSink.next(result)));
  const [, forApollo] = made('Apollo Client');
  const apollo = new ApolloClient({ link: new GraphQLWsLink(forApollo), cache: new InMemoryCache() });
  atEnd(() => apollo.stop());
  apollo.subscribe({ query: gql(CHANGED) }).subscribe(note('Apollo Client'));
  return heard;
}

async function subscribed(desk, count) {
  await until(`${count} subscriptions are open`, async () => {
    const metrics = await (await fetch(`${desk.url}/metrics`)).text();
    return metrics.includes(`vulndesk_live_subscriptions ${count}\n`);
  }, 20);
}

async function company(desk) {
  const admin = await desk.token('ADMIN');
  const channel = { key: 'src', name: 'SRC', kind: 'SRC_PLATFORM', jurisdiction: 'CN', abroad: false, replyRequired: true };
  await desk.made(admin, 'createChannel', channel);
}

async function received(desk, token, number, tlp = 'AMBER') {
  const input = { channel: 'src', number, title: `A hole ${number}`, text: 'Steps', tlp };
  return (await desk.made(token, 'receiveReport', input, 'event { id number }')).event;
}

async function told() {
  const desk = await Desk.make(settings);
  const server = await desk.serve();
  await company(desk);
  const analyst = await desk.token('ANALYST');
  await codes(desk, analyst);
  await subscribed(desk, 0);

  const heard = await clients(desk, await desk.token('ANALYST', 'analyst-2'));
  await subscribed(desk, 5);
  await received(desk, analyst, 'RED-1', 'RED');
  const event = await received(desk, analyst, 'OPEN-1');
  for (const [name, { told, errors }] of Object.entries(heard)) {
    await until(`${name} hears`, () => told.length > 0 || errors.length > 0, 10).catch(() => {});
    check(`${name} is told of what its caller sees`, told[0]?.event?.number === event.number && errors.length === 0, { told, errors });
  }
  const one = heard['graphql-sse, distinct connections'].client;
  const answers = [];
  for await (const answer of one.iterate({ query: '{ viewer { subject } }' })) answers.push(answer);
  check('graphql-sse answers a query and completes it', answers.length === 1 && answers[0].data.viewer.subject === 'analyst-2', answers);

  // A client that is killed leaves nothing behind.
  const killed = new WebSocket(desk.url.replace('http', 'ws') + '/graphql', 'graphql-transport-ws');
  killed.on('error', () => {});
  killed.on('open', () => killed.send(JSON.stringify({ type: 'connection_init', payload: { Authorization: `Bearer ${analyst}` } })));
  killed.on('message', (message) => {
    if (JSON.parse(message).type === 'connection_ack') {
      killed.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: 'subscription { eventChanged { type } }' } }));
    }
  });
  await subscribed(desk, 6);
  killed._socket.destroy();
  await subscribed(desk, 5);

  const admin = await desk.token('ADMIN');
  const { principals } = await desk.read(admin, '{ principals(first: 100) { nodes { subject issuer } } }');
  const { issuer } = principals.nodes.find(({ subject }) => subject === 'analyst-2');
  await desk.made(admin, 'denyPrincipal', { issuer, subject: 'analyst-2', reason: 'left the company' });
  await desk.made(analyst, 'comment', { event: event.id, body: 'for who is still here' });
  await subscribed(desk, 0);
  check('who is denied is let go at once, and told nothing more', Object.values(heard).every(({ told }) => told.every(({ type }) => type !== 'event.comment_added')));
  await until('graphql-ws hears of it', () => heard['graphql-ws'].errors.length > 0, 5).catch(() => {});
  check('graphql-ws hears that it is forbidden', heard['graphql-ws'].errors[0]?.startsWith('Forbidden'), heard['graphql-ws'].errors);

  const url = desk.url.replace('http', 'ws') + '/graphql';
  const last = new WebSocket(url, 'graphql-transport-ws');
  const closed = new Promise((resolve) => last.on('close', resolve));
  await new Promise((resolve) => last.on('open', resolve));
  last.send(JSON.stringify({ type: 'connection_init', payload: { Authorization: `Bearer ${analyst}` } }));
  await new Promise((resolve) => last.on('message', resolve));
  const began = performance.now();
  await server.end();
  check('a restart closes sockets with 1012', (await closed) === 1012);
  check('and takes no longer than that', performance.now() - began < 5_000, performance.now() - began);
}

async function replicas(server) {
  const name = `live_${process.pid}`;
  const psql = (sql) => execFileSync('psql', [`${server}/postgres`, '-qc', sql]);
  psql(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'`);
  atEnd(() => psql(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
  const desk = await Desk.make('', `${server}/${name}`);
  await desk.serve();
  const here = desk.url;
  await company(desk);
  const analyst = await desk.token('ANALYST');
  await desk.serve();
  const there = desk.url;
  const heard = [];
  const client = createWs({
    url: there.replace('http', 'ws') + '/graphql',
    webSocketImpl: WebSocket,
    connectionParams: { Authorization: `Bearer ${await desk.token('ANALYST', 'analyst-2')}` },
  });
  atEnd(() => client.dispose());
  const failed = (error) => heard.push({ error });
  client.subscribe({ query: CHANGED }, { next: ({ data }) => heard.push({ at: performance.now(), ...data.eventChanged }), error: failed, complete() {} });
  await subscribed(desk, 1);
  desk.url = here;
  const delays = [];
  for (let at = 0; at < 20; at += 1) {
    const began = performance.now();
    const event = await received(desk, analyst, `N-${at}`);
    const answered = performance.now();
    const first = await until('the other replica tells of it', () => heard.find((told) => told.event?.number === event.number), 10);
    delays.push(Math.round(first.at - began - (answered - began) / 2));
  }
  delays.sort((a, b) => a - b);
  check(`another replica tells its own subscribers (ms: p50 ${delays[10]}, most ${delays[19]})`, heard.length >= 20);
}

await judge(async () => {
  await told();
  const server = process.env.VULNDESK_TEST_POSTGRES;
  if (server) await replicas(server);
  else console.log('skip  two replicas: VULNDESK_TEST_POSTGRES names no server');
});
