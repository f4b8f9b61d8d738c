// Subscriptions that go on: over a restart of the desk, and when the token that they came with is denied.
import { createClient as createSse } from 'graphql-sse';
import { createClient as createWs } from 'graphql-ws';
import WebSocket from 'ws';
import { print } from 'graphql';
import { CHANGED } from './documents';
import { sockets, type Task } from './desk';

/** What each client heard, and what ended it. */
export type Heard = Record<string, { told: string[]; ended: unknown[] }>;

/** Follows all changes with each client; `token` is asked for at each connection. Answers what is heard and how to stop. */
export function follow(task: Task, token: () => string) {
  const heard: Heard = {};
  const query = { query: print(CHANGED) };
  const sink = (name: string) => {
    const { told, ended } = (heard[name] = { told: [], ended: [] } as Heard[string]);
    return {
      next: ({ data }: { data?: unknown }) => {
        const change = data as { eventChanged: { event?: { number: string } } };
        told.push(change.eventChanged.event?.number ?? '');
      },
      error: (error: unknown) => ended.push(error),
      complete: () => ended.push('complete'),
    };
  };
  const ws = createWs({
    url: sockets(task),
    webSocketImpl: WebSocket,
    connectionParams: () => ({ Authorization: `Bearer ${token()}` }),
  });
  ws.subscribe(query, sink('graphql-ws'));
  const streams = [false, true].map((singleConnection) => {
    const url = `${task.url}/graphql/stream`;
    const sse = createSse({ url, singleConnection: singleConnection as true, headers: () => ({ authorization: `Bearer ${token()}` }) });
    sse.subscribe(query, sink(`graphql-sse, ${singleConnection ? 'one connection' : 'distinct connections'}`));
    return sse;
  });
  const stop = async () => {
    streams.forEach((stream) => stream.dispose());
    await ws.dispose();
  };
  return { heard, stop };
}
