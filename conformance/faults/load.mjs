// People at work while something breaks: what they were told is done has to be there afterwards, once.
import { setTimeout as pause } from 'node:timers/promises';
import { check } from '../judge.mjs';

/** Errors that say of themselves that they pass. */
const PASSES = new Set(['UNAVAILABLE', 'TIMEOUT']);
/** And those that are counted, and fail the judge by that. */
const OURS = new Set(['INTERNAL']);

/** What came of one request: the payload, or why there is none. */
export async function request(url, token, query, variables, signal) {
  let answer;
  let text;
  try {
    answer = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
      signal,
    });
    text = await answer.text();
  } catch (error) {
    return { failed: `${error.cause?.code ?? error.message}` };
  }
  let said;
  try {
    said = JSON.parse(text);
  } catch {
    return { failed: `${answer.status} ${text.slice(0, 80)}` };
  }
  if (said.errors) {
    const { message, extensions } = said.errors[0];
    return { failed: `${answer.status} ${extensions?.code}`, code: extensions?.code, message };
  }
  const payload = Object.values(said.data)[0];
  if (payload?.userErrors?.length) return { failed: `refused ${payload.userErrors[0].code}: ${payload.userErrors[0].message}` };
  return { payload };
}

const RECEIVE = `mutation($input: ReceiveReport!) { receiveReport(input: $input) {
  report { id event { id version status } } userErrors { code message } } }`;
const TRIAGE = 'mutation($input: EventMove!) { startTriage(input: $input) { event { id version } userErrors { code message } } }';
const COMMENT = 'mutation($input: CommentOnEvent!) { comment(input: $input) { comment { id } userErrors { code message } } }';
const READ = '{ events(first: 20) { nodes { number title status level changedAt } } }';
const LOOK = 'query($id: ID!) { node(id: $id) { ... on Event { id version status comments(first: 50) { nodes { body } } } } }';

/** A number of people who receive, triage, comment and read, until they are told to stop. */
export class Load {
  done = [];
  answers = new Map();
  delays = [];
  #stopped = false;

  /** `url()` is asked before each request; `tokens` are one a person. `thinks` is the pause between two requests, in ms. */
  constructor(url, tokens, thinks = 0) {
    Object.assign(this, { url, thinks });
    this.people = tokens.map((token, person) => this.#work(token, person));
  }

  async #ask(token, query, variables) {
    const began = performance.now();
    const answer = await request(this.url(), token, query, variables);
    this.delays.push(performance.now() - began);
    const kind = answer.failed ?? 'done';
    this.answers.set(kind, (this.answers.get(kind) ?? 0) + 1);
    if (this.thinks) await pause(this.thinks);
    return answer;
  }

  /** Sends the same until it is done, as who has an idempotency key may. */
  async #insist(token, query, input) {
    for (;;) {
      const { payload, failed, code } = await this.#ask(token, query, { input });
      if (payload) return payload;
      if (this.#stopped) return undefined;
      // What was refused was not cut off.
      if (failed.startsWith('refused') || (code && !PASSES.has(code) && !OURS.has(code))) throw new Error(`${failed} to ${JSON.stringify(input)}`);
      await pause(50);
    }
  }

  async #work(token, person) {
    for (let turn = 0; !this.#stopped; turn += 1) {
      const title = `${person}-${turn}`;
      const input = { channel: 'src', title, text: `Steps ${title}`, tlp: 'AMBER', idempotencyKey: title };
      const received = await this.#insist(token, RECEIVE, input);
      if (!received) return;
      const { event } = received.report;
      const done = { title, event: event.id };
      this.done.push(done);
      await this.#ask(token, READ);
      const move = { event: event.id, expectedVersion: event.version };
      const moved = await this.#ask(token, TRIAGE, { input: move });
      // A move that was cut off may have been made: whoever sees a conflict reads.
      done.triaged = moved.payload ? true : undefined;
      const body = `Comment on ${title}`;
      const commented = await this.#insist(token, COMMENT, { event: event.id, body, idempotencyKey: title });
      if (!commented) return;
      done.comment = body;
    }
  }

  /** Waits until so many more events were received. */
  async more(count, seconds = 120) {
    const goal = this.done.length + count;
    const end = performance.now() + seconds * 1000;
    while (this.done.length < goal) {
      if (performance.now() > end) throw new Error(`${count} more events were not received within ${seconds} s: ${JSON.stringify([...this.answers])}`);
      await Promise.race([pause(20), Promise.all(this.people)]);
    }
  }

  async stop() {
    this.#stopped = true;
    await Promise.all(this.people);
  }

  /** What answers there were besides `done` and those of these kinds. */
  others(...kinds) {
    return [...this.answers].filter(([kind]) => kind !== 'done' && !kinds.includes(kind));
  }

  /** Checks that all that was acknowledged is there, once, and the audit trail is sound. */
  async isKept(desk, token, told) {
    const lost = [];
    for (const { title, event, triaged, comment } of this.done) {
      const { payload, failed } = await request(desk.url, token, LOOK, { id: event });
      const bodies = payload?.comments.nodes.map(({ body }) => body) ?? [];
      const whole = payload && (!triaged || payload.status === 'TRIAGING') && bodies.length === (comment ? 1 : bodies.length) && bodies[0] === (comment ?? bodies[0]);
      if (!whole) lost.push({ title, triaged, comment, payload, failed });
    }
    check(`${told}: all of ${this.done.length} events that were acknowledged are there, with what was done to them`, lost.length === 0, lost.slice(0, 3));
    const titles = new Map();
    let after;
    do {
      const page = 'query($after: String) { events(first: 100, after: $after) { nodes { title } pageInfo { hasNextPage endCursor } } }';
      const { events } = await desk.read(token, page, { after });
      for (const { title } of events.nodes) titles.set(title, (titles.get(title) ?? 0) + 1);
      after = events.pageInfo.hasNextPage ? events.pageInfo.endCursor : undefined;
    } while (after);
    const twice = [...titles].filter(([, count]) => count > 1);
    check(`${told}: what was sent again under its key was done once`, twice.length === 0, twice);
    const audit = await desk.run('audit', 'verify');
    check(`${told}: the audit trail holds`, audit.code === 0, audit);
  }
}

export const per = (values, share) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
};
