// Relay's runtime with what its compiler wrote: pages joined by its store, refetching by id, and updates by mutation and subscription.
import {
  Environment, Network, Observable, RecordSource, Store, commitMutation, createOperationDescriptor, fetchQuery, getRequest,
  getSingularSelector, requestSubscription,
  type GraphQLResponse, type OperationType, type RequestParameters, type Variables,
} from 'relay-runtime';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import COMMENT, { type DeskCommentMutation } from '../generated/relay/DeskCommentMutation.graphql';
import CHANGED, { type DeskChangedSubscription } from '../generated/relay/DeskChangedSubscription.graphql';
import EVENT, { type DeskEventQuery } from '../generated/relay/DeskEventQuery.graphql';
import EVENTS, { type DeskQuery } from '../generated/relay/DeskQuery.graphql';
import PAGE, { type DeskPageQuery } from '../generated/relay/DeskPageQuery.graphql';
import ONE, { type Desk_event$data } from '../generated/relay/Desk_event.graphql';
import LIST, { type Desk_events$data } from '../generated/relay/Desk_events.graphql';
import documents from '../generated/relay/documents.json';
import { BODY, counted, headers, sockets, type Seen, type Task } from './desk';

/** The text of a document that the compiler replaced by its digest. */
function text({ id }: RequestParameters): string {
  return (documents as Record<string, string>)[id ?? ''] ?? '';
}

export async function run(task: Task): Promise<Seen> {
  const { count, fetch } = counted();
  const live = createClient({
    url: sockets(task),
    webSocketImpl: WebSocket,
    connectionParams: { Authorization: headers(task).authorization },
  });
  /** The digest alone, and the text beside it where the desk does not know it yet. */
  const ask = async (parameters: RequestParameters, variables: Variables): Promise<GraphQLResponse> => {
    const persistedQuery = { version: 1, sha256Hash: parameters.id };
    const post = async (more: object) => {
      const body = JSON.stringify({ variables, extensions: { persistedQuery }, ...more });
      const init = { method: 'POST', headers: { ...headers(task), 'content-type': 'application/json' }, body };
      return (await fetch(`${task.url}/graphql`, init)).json();
    };
    const answer = await post({});
    if (answer.errors?.[0]?.extensions?.code !== 'PERSISTED_QUERY_NOT_FOUND') return answer;
    return post({ query: text(parameters) });
  };
  const listen = (parameters: RequestParameters, variables: Variables) =>
    Observable.create<GraphQLResponse>((sink) =>
      live.subscribe({ query: text(parameters), variables }, sink as Parameters<typeof live.subscribe>[1]),
    );
  const environment = new Environment({ network: Network.create(ask, listen), store: new Store(new RecordSource()) });

  /** What a fragment of an operation says now. */
  const read = <Data>(operation: OperationType['response'], fragment: typeof LIST | typeof ONE) => {
    const selector = getSingularSelector(fragment, operation);
    if (!selector) throw new Error('the store does not have the fragment');
    return environment.lookup(selector).data as Data;
  };
  const root = (query: typeof EVENTS | typeof EVENT, variables: Variables) => {
    const descriptor = createOperationDescriptor(getRequest(query), variables);
    environment.retain(descriptor);
    return environment.lookup(descriptor.fragment).data as never;
  };

  await fetchQuery<DeskQuery>(environment, EVENTS, {}).toPromise();
  const page = environment.getStore().getSource();
  const listed = () => read<Desk_events$data>(root(EVENTS, {}), LIST);
  const cursor = () => {
    const info = page.get('client:root:__Desk_events_connection:pageInfo') as { hasNextPage?: boolean; endCursor?: string } | undefined;
    return info?.hasNextPage ? info.endCursor : undefined;
  };
  for (let after = cursor(); after; after = cursor()) {
    await fetchQuery<DeskPageQuery>(environment, PAGE, { count: 2, cursor: after }).toPromise();
  }
  const numbers = listed().events.edges.map(({ node }) => node.number);

  const before = count.requests;
  await fetchQuery<DeskQuery>(environment, EVENTS, {}, { fetchPolicy: 'store-or-network' }).toPromise();
  const again = count.requests - before;

  await fetchQuery<DeskEventQuery>(environment, EVENT, { id: task.event }).toPromise();
  const event = () => read<Desk_event$data>((root(EVENT, { id: task.event }) as DeskEventQuery['response']).node, ONE);
  const comment = (on: string, idempotencyKey: string) =>
    new Promise<unknown>((resolve) => {
      commitMutation<DeskCommentMutation>(environment, {
        mutation: COMMENT,
        variables: { input: { event: on, body: BODY, idempotencyKey }, connections: [event().comments.__id] },
        onCompleted: (_, errors) => resolve(errors?.[0]),
        onError: resolve,
      });
    });
  await comment(task.event, 'relay');
  const comments = event().comments.edges.map(({ node }) => node.body);
  const error = (await comment('nowhere', 'relay-2')) as { source?: { errors: { extensions: { code: string } }[] } };
  const refused = error.source?.errors[0]?.extensions.code;

  await task.quiet();
  let stop = () => {};
  const news = new Promise<string | undefined>((resolve) => {
    const { dispose } = requestSubscription<DeskChangedSubscription>(environment, {
      subscription: CHANGED,
      variables: {},
      onNext: (answer) => resolve(answer?.eventChanged.event ? read<Desk_event$data>(answer.eventChanged.event, ONE).id : undefined),
      onError: ({ message }) => resolve(message),
    });
    stop = dispose;
  });
  const [told] = await Promise.all([news, task.change()]);
  stop();
  await live.dispose();
  return { numbers, again, named: count.named, comments, refused, told: { 'graphql-ws': told } };
}
