/** What a client is given. */
export interface Task {
  /** Where the desk is, without a path. */
  url: string;
  /** Who asks. */
  token: string;
  /** An event that it may see. */
  event: string;
  /** Waits until no subscription is open. */
  quiet: () => Promise<void>;
  /** Changes that event once a subscription is open. */
  change: () => Promise<void>;
}

/** What came of it, for the judge to compare. */
export interface Seen {
  /** The events' numbers, read in pages of two and joined by the client. */
  numbers: string[];
  /** Requests that asking the same again took. */
  again: number;
  /** Requests that named their document by its digest alone. */
  named: number;
  /** The event's comments, after a mutation added one and the client's store was brought up to date. */
  comments: string[];
  /** The code by which a mutation of what does not exist was refused. */
  refused: unknown;
  /** The event that a subscription told of, by each way. */
  told: Record<string, string | undefined>;
}

/** The body of the comment that each client adds. */
export const BODY = 'said by a client';

/** A `fetch` that counts, and tells requests whose document was named alone. */
export function counted() {
  const count = { requests: 0, named: 0 };
  const ask: typeof fetch = (input, init) => {
    const url = new URL(String(input));
    const sent = init?.body ? JSON.parse(String(init.body)) : Object.fromEntries(url.searchParams);
    count.requests += 1;
    if (!sent.query) count.named += 1;
    return fetch(input, init);
  };
  return { count, fetch: ask };
}

/** The headers of a request. */
export function headers({ token }: Task) {
  return { authorization: `Bearer ${token}` };
}

/** Where WebSockets are opened. */
export function sockets({ url }: Task) {
  return `${url.replace(/^http/, 'ws')}/graphql`;
}
