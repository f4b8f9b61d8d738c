// Apollo Client: pages joined by its cache, documents named by their digest, and being told over a WebSocket.
import { createHash } from 'node:crypto';
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { relayStylePagination } from '@apollo/client/utilities';
import { OperationTypeNode } from 'graphql';
import { createClient } from 'graphql-ws';
import { filter, firstValueFrom, shareReplay } from 'rxjs';
import WebSocket from 'ws';
import { BODY, counted, headers, sockets, type Seen, type Task } from './desk';
import { CHANGED, COMMENT, EVENT, EVENTS } from './documents';

export async function run(task: Task): Promise<Seen> {
  const { count, fetch } = counted();
  const live = createClient({
    url: sockets(task),
    webSocketImpl: WebSocket,
    connectionParams: { Authorization: headers(task).authorization },
  });
  const named = new PersistedQueryLink({
    sha256: (text) => createHash('sha256').update(text).digest('hex'),
    useGETForHashedQueries: true,
  });
  const client = new ApolloClient({
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(live),
      ApolloLink.from([named, new HttpLink({ uri: `${task.url}/graphql`, headers: headers(task), fetch })]),
    ),
    cache: new InMemoryCache({
      typePolicies: { Query: { fields: { events: relayStylePagination(['filter']) } } },
    }),
  });

  const events = client.watchQuery({ query: EVENTS, variables: { first: 2 } });
  const kept = events.subscribe(() => {});
  await firstValueFrom(events.pipe(filter(({ loading }) => !loading)));
  let page = events.getCurrentResult().data?.events?.pageInfo;
  while (page?.hasNextPage) {
    const { data } = await events.fetchMore({ variables: { after: page.endCursor } });
    page = data?.events.pageInfo;
  }
  const joined = client.readQuery({ query: EVENTS, variables: { first: 2 } });
  const numbers = joined?.events.edges.map(({ node }) => node.number) ?? [];
  kept.unsubscribe();

  const before = count.requests;
  await client.query({ query: EVENTS, variables: { first: 2 } });
  const again = count.requests - before;

  const read = { query: EVENT, variables: { id: task.event } };
  await client.query(read);
  const input = { event: task.event, body: BODY, idempotencyKey: 'apollo' };
  await client.mutate({ mutation: COMMENT, variables: { input }, refetchQueries: [read], awaitRefetchQueries: true });
  const { data: event } = await client.query(read);
  const comments = event?.node && 'comments' in event.node ? event.node.comments.nodes.map(({ body }) => body) : [];

  const nowhere = { input: { ...input, event: 'nowhere', idempotencyKey: 'apollo-2' } };
  const refused = await client.mutate({ mutation: COMMENT, variables: nowhere }).catch((error) =>
    CombinedGraphQLErrors.is(error) ? error.errors[0]?.extensions?.code : error,
  );

  await task.quiet();
  const changes = client.subscribe({ query: CHANGED }).pipe(shareReplay(1));
  const open = changes.subscribe();
  const [news] = await Promise.all([firstValueFrom(changes), task.change()]);
  open.unsubscribe();
  client.stop();
  await live.dispose();
  return { numbers, again, named: count.named, comments, refused, told: { 'graphql-ws': news.data?.eventChanged.event?.id } };
}
