// urql: pages and objects kept by Graphcache with the schema, documents named by their digest, and being told by all three ways.
import { Client, fetchExchange, subscriptionExchange, type OperationContext } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { persistedExchange } from '@urql/exchange-persisted';
import { createClient as createSse } from 'graphql-sse';
import { createClient as createWs } from 'graphql-ws';
import type { IntrospectionQuery } from 'graphql';
import WebSocket from 'ws';
import introspection from '../generated/introspection.json';
import { BODY, counted, headers, sockets, type Seen, type Task } from './desk';
import { CHANGED, COMMENT, EVENT, EVENTS } from './documents';

const schema = introspection as unknown as IntrospectionQuery;

/** What has no id is part of what it hangs on. */
const keys = Object.fromEntries(
  schema.__schema.types
    .filter((type) => type.kind === 'OBJECT' && !type.fields.some(({ name }) => name === 'id'))
    .map(({ name }) => [name, () => null]),
);

// Of an event stream that urql gives up, Node.js tells nobody in particular.
process.on('unhandledRejection', (error) => {
  if (!(error instanceof DOMException && error.name === 'AbortError')) throw error;
});

export async function run(task: Task): Promise<Seen & { complaints: string[] }> {
  const { count, fetch } = counted();
  const complaints: string[] = [];
  const sse = createSse({ url: `${task.url}/graphql/stream`, headers: headers(task) });
  const ws = createWs({
    url: sockets(task),
    webSocketImpl: WebSocket,
    connectionParams: { Authorization: headers(task).authorization },
  });
  const forwards = { 'graphql-ws': ws, 'graphql-sse': sse };
  const client = (by?: keyof typeof forwards) =>
    new Client({
      url: `${task.url}/graphql`,
      fetch,
      fetchOptions: { headers: headers(task) },
      preferGetMethod: false,
      exchanges: [
        cacheExchange({
          schema,
          keys,
          resolvers: { Query: { events: relayPagination() } },
          updates: {
            Mutation: {
              comment: (_, { input }, cache) => cache.invalidate({ __typename: 'Event', id: (input as { event: string }).event }),
            },
          },
          logger: (severity, message) => severity !== 'debug' && complaints.push(message),
        }),
        persistedExchange({ preferGetForPersistedQueries: true }),
        ...(by
          ? [
              subscriptionExchange({
                forwardSubscription: ({ query, variables }) => ({
                  subscribe: (sink) => ({ unsubscribe: forwards[by].subscribe({ query: query ?? '', variables }, sink) }),
                }),
              }),
            ]
          : []),
        fetchExchange,
      ],
    });

  const one = client();
  const page = (after: string | null, more?: Partial<OperationContext>) => one.query(EVENTS, { first: 2, after }, more).toPromise();
  let events = (await page(null)).data?.events;
  while (events?.pageInfo.hasNextPage) events = (await page(events.pageInfo.endCursor ?? null)).data?.events;
  const numbers = events?.edges.map(({ node }) => node.number) ?? [];

  const before = count.requests;
  await page(null);
  const again = count.requests - before;

  const read = () => one.query(EVENT, { id: task.event }).toPromise();
  await read();
  const input = { event: task.event, body: BODY, idempotencyKey: 'urql' };
  await one.mutation(COMMENT, { input }).toPromise();
  const event = (await read()).data?.node;
  const comments = event && 'comments' in event ? event.comments.nodes.map(({ body }) => body) : [];

  const nowhere = { input: { ...input, event: 'nowhere', idempotencyKey: 'urql-2' } };
  const { error } = await one.mutation(COMMENT, nowhere).toPromise();
  const refused = error?.graphQLErrors[0]?.extensions.code;

  const told: Seen['told'] = {};
  const stream = { url: `${task.url}/graphql/stream`, fetchSubscriptions: true };
  for (const [way, teller, context] of [
    ['graphql-ws', client('graphql-ws'), {}],
    ['graphql-sse', client('graphql-sse'), {}],
    ['fetch', one, stream],
  ] as const) {
    await task.quiet();
    let stop = () => {};
    const news = new Promise<string | undefined>((resolve) => {
      const { unsubscribe } = teller
        .subscription(CHANGED, {}, context)
        .subscribe(({ data, error }) => resolve(data?.eventChanged.event?.id ?? error?.message));
      stop = unsubscribe;
    });
    [told[way]] = await Promise.all([news, task.change()]);
    stop();
  }
  sse.dispose();
  await ws.dispose();
  return { numbers, again, named: count.named, comments, refused, told, complaints };
}
