// A desk with people, a receiver of webhooks and a platform that replies go to: what is told outside while something breaks.
import { Desk, HOST, outbound, receiver } from '../desk.mjs';
import { check, until } from '../judge.mjs';

/** Sections of the settings that every scene has. */
export const SETTINGS = '[http.rates]\npoints_a_second = 0\n[replies]\ncompany = "Example Networks"\n';

export class Scene {
  hooks = [];
  replies = [];
  ids = [];

  /** A scene on the desk whose settings have `settings` besides; on SQLite unless `database` names another. */
  static async make(settings = '', database) {
    const scene = new Scene();
    const { port } = await receiver((request, response, body) => {
      const list = request.url === '/hook' ? scene.hooks : scene.replies;
      list.push({ id: request.headers['webhook-id'], body });
      response.writeHead(204).end();
    });
    scene.address = `http://${HOST}:${port}`;
    scene.desk = await Desk.make(outbound([port]) + SETTINGS + settings, database);
    return scene;
  }

  /** Once it is served: the channels, the endpoint, and tokens for so many analysts. */
  async fill(people = 6) {
    const { desk } = this;
    [this.admin, this.analyst, this.leader] = await Promise.all(['ADMIN', 'ANALYST', 'LEADER'].map((role) => desk.token(role)));
    const channel = (key, kind, replyRequired) => desk.made(this.admin, 'createChannel',
      { key, name: key, kind, jurisdiction: 'CN', abroad: false, replyRequired }, 'id version');
    await channel('src', 'SRC_PLATFORM', true);
    const bank = await channel('bank', 'CUSTOMER', false);
    this.bank = bank.id;
    await desk.made(this.admin, 'setReplyRoute',
      { channel: bank.id, expectedVersion: bank.version, url: `${this.address}/replies` }, 'secret');
    const { endpoint } = await desk.made(this.admin, 'createWebhookEndpoint', {
      name: 'portal', url: `${this.address}/hook`, messageTypes: ['report.received'],
      grant: { role: 'ANALYST', tlpCeiling: 'AMBER', abroad: false },
    }, 'endpoint { id version }');
    await desk.made(this.leader, 'confirmWebhookGrant', { endpoint: endpoint.id, expectedVersion: endpoint.version });
    this.endpoint = endpoint.id;
    this.people = await Promise.all(Array.from({ length: people }, (_, at) => desk.token('ANALYST', `analyst-${at + 2}`)));
  }

  /** Drafts of thanks to the bank, each on an event of its own. */
  async drafts(count) {
    for (let at = 0; at < count; at += 1) {
      const number = `B-${this.ids.length}`;
      const input = { channel: 'bank', number, title: `A hole ${number}`, text: 'Steps', tlp: 'AMBER' };
      const { event } = await this.desk.made(this.analyst, 'receiveReport', input, 'id event { id version }');
      const draft = { event: event.id, expectedVersion: event.version, channel: this.bank, kind: 'THANKS', subject: 'Thanks', body: 'We thank you.' };
      this.ids.push(await this.desk.made(this.analyst, 'draftReply', draft, 'id version'));
    }
  }

  /** Sends a draft; whether that was answered. */
  send({ id, version }) {
    return this.desk.attempt(this.analyst, 'sendReply', { reply: id, expectedVersion: version, via: 'WEBHOOK', formats: ['TEXT'] })
      .then(({ refused }) => refused.length === 0, () => false);
  }

  /** Waits until nothing is on its way any more, and checks what arrived; so many reports came otherwise than by the load and drafts. */
  async isTold(load, told, others = 0) {
    const { desk } = this;
    const state = async ({ id }) => (await desk.node(this.analyst, id, 'Reply', 'state')).state;
    const settled = async () => (await Promise.all(this.ids.map(state))).every((now) => now !== 'SENDING');
    await until(`${told}: no reply is on its way`, settled, 90).catch(() => {});
    const ends = new Map();
    const wrong = [];
    for (const reply of this.ids) {
      const now = await state(reply);
      const arrived = this.replies.filter(({ body }) => JSON.parse(body).reply === reply.id).length;
      ends.set(now, (ends.get(now) ?? 0) + 1);
      if (arrived > 1 || (now === 'SENT') !== (arrived === 1 && now !== 'UNCERTAIN')) wrong.push({ now, arrived });
    }
    check(`${told}: each reply arrived once or not at all, and its state says which (${[...ends].map((end) => end.join(' ')).join(', ')})`,
      wrong.length === 0 && !ends.has('SENDING'), wrong);
    const reports = () => new Set(this.hooks.map(({ body }) => JSON.parse(body).data.event)).size;
    const all = load.done.length + this.ids.length + others;
    await until(`${told}: all webhooks arrive`, () => reports() >= all, 120).catch(() => {});
    const bodies = new Map();
    let again = 0;
    const changed = this.hooks.filter(({ id, body }) => {
      const before = bodies.get(id);
      bodies.set(id, body);
      again += before === undefined ? 0 : 1;
      return before !== undefined && before !== body;
    });
    check(`${told}: a webhook for each of ${all} reports arrived (${again} came again, with the same id and words)`,
      reports() === all && bodies.size === all && changed.length === 0, [reports(), bodies.size, all, changed.length]);
    const waiting = 'query($endpoint: ID!) { webhookDeliveries(endpoint: $endpoint, first: 1, state: PENDING) { nodes { id } } }';
    const empty = await until('no delivery waits', async () => {
      const { webhookDeliveries } = await desk.read(this.admin, waiting, { endpoint: this.endpoint });
      return webhookDeliveries.nodes.length === 0;
    }, 60).catch(() => false);
    check(`${told}: no delivery waits any more`, empty);
    return again;
  }
}

/** What `/readyz` says: its status, and the checks that fail. */
export async function ready(url) {
  try {
    const answer = await fetch(`${url}/readyz`);
    const { checks } = await answer.json();
    return { status: answer.status, failing: checks.filter(({ passed }) => !passed).map(({ name }) => name) };
  } catch {
    return { status: 0, failing: [] };
  }
}
