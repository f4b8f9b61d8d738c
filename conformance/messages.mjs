// Every webhook message type: its published schema and example under a real validator (ajv), and what really arrives while
// events go through the procedure, held against them.
import { createHmac } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { Desk, HOST, outbound, receiver, scored } from './desk.mjs';
import { atEnd, check, judge, until } from './judge.mjs';

// A clock that can be put forward, where it is installed (Debian's faketime).
const CLOCK = readdirSync('/usr/lib').map((name) => `/usr/lib/${name}/faketime/libfaketimeMT.so.1`).find(existsSync);
// What is seen only hours and days later, and hence not without such a clock. It is said at the end.
const LATE = ['tracker.failing', 'webhook.endpoint_failing'];
// Hours after which the deliveries of an endpoint that fails are due once more, until they are given up.
const JUMPS = [0.2, 1, 4, 10, 22, 38, 60, 86];

const LINK = 'https://portal.example/events/';

// What the section "Thin and full" of docs/WEBHOOKS.md says of `data.content`.
const TEXT = { type: 'string' };
const OR_NULL = { type: ['string', 'null'] };
const CONTENT = {
  type: 'object',
  required: ['title', 'description', 'steps', 'status', 'verdict', 'level', 'tlp', 'embargoUntil', 'receivedAt', 'version', 'products'],
  additionalProperties: false,
  properties: {
    title: TEXT, description: OR_NULL, steps: OR_NULL, status: TEXT, verdict: OR_NULL, level: OR_NULL, tlp: TEXT,
    embargoUntil: { type: ['string', 'null'], format: 'date-time' }, receivedAt: { type: 'string', format: 'date-time' },
    version: { type: 'integer' }, products: {
      type: 'array',
      items: {
        type: 'object',
        required: ['product', 'line', 'state'],
        additionalProperties: false,
        properties: { product: TEXT, line: TEXT, state: TEXT, affectedVersions: OR_NULL, fixedVersions: OR_NULL },
      },
    },
  },
};
const CHANNELS_CONTENT = {
  type: 'object',
  required: ['reports'],
  additionalProperties: false,
  properties: {
    reports: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        required: ['report', 'status'],
        additionalProperties: false,
        properties: { report: TEXT, channelNumber: OR_NULL, status: TEXT, severity: OR_NULL },
      },
    },
  },
};

// Schemas that are none are told by name; the others are still held against what arrives.
const ajv = new Ajv2020({ strict: true, allErrors: true, validateSchema: false });
addFormats(ajv);
const errors = (validate, value) => (validate(value) ? undefined : validate.errors.map(({ instancePath, message }) => `${instancePath} ${message}`));

/** The types as docs/WEBHOOKS.md has them: `Map(name, {example, schema, fields})`. */
async function documented() {
  const text = await readFile(join(import.meta.dirname, '../docs/WEBHOOKS.md'), 'utf8');
  const sections = text.split(/^### /m).slice(1);
  return new Map(sections.map((section) => {
    const blocks = [...section.matchAll(/^```json\n(.*?)^```/gms)].map(([, json]) => JSON.parse(json));
    const fields = [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, field]) => field);
    return [section.match(/^`([^`]+)`/)[1], { example: blocks[0], schema: blocks[1], fields }];
  }));
}

/** What a receiver can do with a schema: it is one, its example passes, and what is broken does not. */
function examine(catalogue) {
  const validators = new Map();
  const wrong = { schema: [], example: [], loose: [], fields: [] };
  for (const [name, { schema, example, fields }] of catalogue) {
    if (!ajv.validateSchema(schema)) wrong.schema.push([name, ajv.errorsText()]);
    const validate = ajv.compile(schema);
    validators.set(name, validate);
    const found = errors(validate, example);
    if (found) wrong.example.push([name, found]);
    // One name for one thing, in table, schema and example.
    const named = Object.keys(schema.properties.data.properties);
    const all = [...named, ...Object.keys(example.data)];
    if (new Set(fields).size !== fields.length || fields.length !== named.length || all.some((field) => !fields.includes(field))) {
      wrong.fields.push([name, fields.filter((field, at) => fields.indexOf(field) !== at || !named.includes(field))]);
    }
    const broken = [
      { ...example, type: 'no.such' },
      { ...example, timestamp: 'yesterday' },
      { ...example, sequence: 0 },
      { ...example, data: null },
      ...Object.keys(example).map((left) => Object.fromEntries(Object.entries(example).filter(([key]) => key !== left))),
      ...schema.properties.data.required.map((left) => ({
        ...example, data: Object.fromEntries(Object.entries(example.data).filter(([key]) => key !== left)),
      })),
      // A field of another type than it has.
      ...Object.keys(example.data).map((field) => ({ ...example, data: { ...example.data, [field]: { no: 'such' } } })),
    ];
    const passed = broken.filter((message) => validate(message));
    if (passed.length) wrong.loose.push([name, passed]);
  }
  check(`${catalogue.size} schemas are JSON Schemas of their dialect`, wrong.schema.length === 0, wrong.schema);
  check('each example fits its schema', wrong.example.length === 0, wrong.example);
  check('each field is described once', wrong.fields.length === 0, wrong.fields);
  check('each schema refuses what is broken', wrong.loose.length === 0, wrong.loose);
  return validators;
}

/** A server of a protocol of lines: it greets, and `says(line, say, socket)`. Answers its port. */
async function speaker(greeting, says) {
  const server = createServer((socket) => {
    const say = (line) => socket.write(`${line}\r\n`);
    let rest = '';
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      const parts = (rest + bytes).split('\r\n');
      rest = parts.pop();
      for (const line of parts) says(line, say, socket);
    });
    say(greeting);
    atEnd(() => socket.destroy());
  });
  await new Promise((listening) => server.listen(0, HOST, listening));
  atEnd(() => server.close());
  return server.address().port;
}

/** A mail server (SMTP) that takes everything; answers the mails' Message-IDs so far. */
async function mailServer() {
  const ids = [];
  const port = await speaker('220 localhost', (line, say, socket) => {
    if (socket.content) {
      const id = line.match(/^message-id:\s*(<.*>)/i)?.[1];
      if (id) ids.push(id);
      if (line !== '.') return;
    }
    const begins = /^data/i.test(line) && !socket.content;
    socket.content = begins;
    say(begins ? '354 go on' : '250 localhost');
  });
  return { port, ids };
}

/** A mailbox (IMAP) that gets a mail by `put()`, which says that it is larger than any. */
async function mailbox() {
  let waits = false;
  const port = await speaker('* OK localhost', (line, say) => {
    const [tag, ...words] = line.split(' ');
    const command = words.join(' ').toUpperCase();
    if (command.startsWith('CAPABILITY')) say('* CAPABILITY IMAP4rev1');
    if (command.startsWith('SELECT')) say('* 1 EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 1] here');
    if (command.startsWith('UID SEARCH')) say(waits ? '* SEARCH 1' : '* SEARCH');
    if (command.startsWith('UID FETCH')) say('* 1 FETCH (UID 1 RFC822.SIZE 2000000000 INTERNALDATE "01-Jan-2026 00:00:00 +0000")');
    if (command.startsWith('UID STORE')) waits = false;
    say(`${tag} OK done`);
  });
  return { port, put: () => { waits = true; } };
}

const hours = (count) => new Date(Date.now() + count * 3_600_000).toISOString();
const PASSES = {
  fullyFixed: true, fullyFixedEvidence: 'The proof of concept fails', bypassable: false, bypassEvidence: 'Variants tried',
  newProblem: false, newProblemEvidence: 'Regression run',
};

/** The people of the story, and what it is about. */
async function company(desk, trackerPort) {
  const who = {};
  for (const role of ['ADMIN', 'ANALYST', 'LEADER', 'LEGAL', 'FINANCE', 'REPORTER']) who[role.toLowerCase()] = await desk.token(role);
  who.second = await desk.token('ANALYST', 'analyst-2');
  who.engineer = await desk.token('ENGINEER', 'engineer-1', '--product', 'core-router');
  who.src = await desk.token('SRC', 'src-1', '--channel', 'src');
  const channels = {};
  for (const [key, kind] of [['src', 'SRC_PLATFORM'], ['cnvd', 'NATIONAL_DATABASE'], ['mail', 'CUSTOMER']]) {
    const input = { key, name: key, kind, jurisdiction: 'CN', abroad: false, replyRequired: true };
    channels[key] = await desk.made(who.admin, 'createChannel', input, 'id version');
  }
  const product = await desk.made(who.admin, 'createProduct', {
    key: 'core-router', name: 'Core Router', line: 'router', ownerTeam: 'router-team', providerEntity: 'Example Networks',
    kind: 'PRODUCT', importance: '5.0', reach: '5.0', assetTier: 'GENERAL', lifecycle: 'SUPPORTED',
  });
  const customer = await desk.made(who.admin, 'createCustomer', { key: 'bank', name: 'Bank', abroad: false });
  const cells = [['HIGH', '1', '800'], ['CRITICAL', '801', '5000']].map(
    ([severity, minimum, maximum]) => ({ assetTier: 'GENERAL', severity, minimum, maximum }),
  );
  await desk.made(who.admin, 'createRewardGrid', { currency: 'CNY', cells });
  // Of both years where one is about to begin somewhere.
  for (const period of new Set([hours(0), hours(24)].map((at) => at.slice(0, 4)))) {
    await desk.made(who.finance, 'createBudget', { period, currency: 'CNY', amount: '9000' });
  }
  const tracker = await desk.made(who.admin, 'createTracker', {
    name: 'engineering', preset: 'REDMINE', parameters: [{ name: 'project', value: 'vuln' }],
    credentials: [{ name: 'key', value: 'a-secret-key' }], tlpCeiling: 'AMBER', abroad: false, baseUrl: `http://${HOST}:${trackerPort}`,
  });
  return { who, channels, product, customer, tracker };
}

class Story {
  constructor(desk, who, report) {
    Object.assign(this, { desk, who, report: report.id, event: report.event.id, number: report.event.number });
  }

  static async receive(desk, who, input) {
    const whole = { title: `A hole ${input.number ?? ''}`, text: 'Steps', tlp: 'AMBER', ...input };
    return new Story(desk, who, await desk.made(who.analyst, 'receiveReport', whole, 'id event { id number }'));
  }

  look(fields) {
    return this.desk.node(this.who.leader, this.event, 'Event', fields);
  }

  /** Changes the event at the version that it has. */
  async step(mutation, input = {}, token = this.who.analyst) {
    const { version } = await this.look('version');
    return this.desk.made(token, mutation, { event: this.event, expectedVersion: version, ...input });
  }

  /** Changes the event's one fix at the version that it has. */
  async fix(token, mutation, input) {
    const { remediations: [{ id, version }] } = await this.look('remediations { id version }');
    return this.desk.made(token, mutation, { remediation: id, expectedVersion: version, ...input });
  }

  async confirm() {
    await this.step('startTriage');
    await this.step('giveVerdict', { verdict: 'CONFIRMED', severity: 'HIGH', rationale: 'Reproduced' });
    return this;
  }
}

/** One event from its report to its review, with everything that people may do on the way. */
async function procedure(desk, { who, product, customer, tracker }) {
  const reporter = { name: 'somebody', email: 'somebody@example.org', subject: 'reporter-1' };
  const story = await Story.receive(desk, who, { channel: 'src', number: 'S-1', reporter, text: undefined });
  const upload = async (name) => {
    const target = `${desk.url}/files?report=${story.report}&name=${name}`;
    const headers = { authorization: `Bearer ${who.analyst}`, 'content-type': 'application/zip' };
    const answer = await fetch(target, { method: 'POST', headers, body: `bytes of ${name}` });
    return (await answer.json()).id;
  };
  await desk.made(who.analyst, 'releaseAttachment', { attachment: await upload('a.zip'), expectedVersion: 1 });
  await desk.made(who.analyst, 'removeAttachment', { attachment: await upload('b.zip'), expectedVersion: 1, reason: 'Not ours' });
  await story.step('describeEvent', { description: 'A parser trusts lengths', steps: 'Send the file' });
  await story.step('startTriage');
  await story.step('askReporter', { report: story.report, question: 'Which version?' });
  await desk.made(who.reporter, 'addToReport', { report: story.report, text: 'Version 5.1' });
  if ((await story.look('status')).status === 'NEEDS_INFORMATION') await story.step('resumeTriage');
  await desk.made(who.src, 'receiveReport', { channel: 'src', number: 'S-1', title: 'A hole S-1', text: 'In version 5.1 too', reporter });
  await desk.made(who.analyst, 'messageReporter', { report: story.report, body: 'Thank you' });
  await story.step('setEmbargo', { until: hours(240) });
  await story.step('setEmbargo', { until: null, reason: 'It is known' });
  await story.step('giveVerdict', { verdict: 'CONFIRMED', severity: 'HIGH', rationale: 'Reproduced' });
  await desk.made(who.analyst, 'setAffectedProduct', { event: story.event, product: product.id, state: 'AFFECTED' });
  await desk.made(who.analyst, 'addAffectedCustomer', { event: story.event, customer: customer.id });
  const fact = { event: story.event, kind: 'PUBLICLY_KNOWN', learnedAt: hours(-1), source: 'press' };
  await desk.made(who.analyst, 'recordWorldFact', fact);
  await story.step('scoreEvent', scored('7.5'));
  await story.step('assign', { function: 'R_AND_D', subject: 'engineer-1', line: 'router' });
  const asked = await desk.made(who.analyst, 'askDecision', { event: story.event, kind: 'DISCLOSE', question: 'When?' }, 'id version');
  const decided = { decision: asked.id, expectedVersion: asked.version, granted: true, outcome: 'Next week' };
  await desk.made(who.leader, 'recordDecision', decided);
  await story.step('startRemediation');
  await story.fix(who.engineer, 'planFix', { fixPlan: 'Check lengths' });
  const { remediations: [{ id: remediation }] } = await story.look('remediations { id }');
  await desk.made(who.engineer, 'openTicket', { remediation, tracker: tracker.id });
  await story.fix(who.engineer, 'submitFix', { fixPlan: 'Check lengths', patch: 'change-1' });
  await story.fix(who.second, 'verifyFix', PASSES);
  const release = { releaseVersions: '5.2', advisory: 'EXN-1', availableAt: hours(-1) };
  await story.fix(who.engineer, 'recordRelease', release);
  await answer(desk, story);
  await story.step('startReview');
  await story.step('recordReview', {
    rootCause: 'Lengths were trusted', missedPhase: 'CODING', processChanges: 'Fuzzing',
    actionItems: [{ title: 'Fuzz it', owner: 'engineer-1', dueOn: hours(2400).slice(0, 10) }],
  });
  const { actionItems: [item] } = await story.look('actionItems { id version }');
  await desk.made(who.engineer, 'updateActionItem', { item: item.id, expectedVersion: item.version, state: 'DONE' });
  return story;
}

/** Answers all that is open by hand, one reply for each kind that is owed. */
async function answer(desk, story) {
  const { who } = story;
  for (;;) {
    const { version, obligations } = await story.look('version obligations { id kind state }');
    const open = obligations.filter(({ state }) => state === 'OPEN');
    if (open.length === 0) return;
    const [{ kind }] = open;
    const reply = await desk.made(who.analyst, 'draftReply', {
      event: story.event, expectedVersion: version, kind, subject: 'Our answer', body: 'It is fixed.',
      obligations: open.filter((one) => one.kind === kind).map(({ id }) => id),
    }, 'id version');
    const sent = { reply: reply.id, expectedVersion: reply.version, via: 'BY_HAND', receiptNumber: 'R-1', proof: 'a screenshot' };
    await desk.made(who.analyst, 'recordReplySent', sent);
  }
}

/** Payouts in every state that they can come to. */
async function payouts(desk, { who }) {
  let count = 0;
  const proposed = async () => {
    count += 1;
    const reporter = { name: `finder ${count}`, subject: `finder-${count}` };
    const story = await (await Story.receive(desk, who, { channel: 'src', number: `P-${count}`, reporter })).confirm();
    const { id } = await desk.made(who.analyst, 'proposePayout', {
      kind: 'BOUNTY', report: story.report, amount: '500.50', currency: 'CNY', assetTier: 'GENERAL', rationale: 'By the grid',
    });
    return {
      id,
      finder: await desk.token('REPORTER', `finder-${count}`),
      /** A move at the version that it has. */
      move: async (token, mutation, input = {}) => {
        const { version } = await desk.node(who.leader, id, 'Payout', 'version');
        await desk.made(token, mutation, { payout: id, expectedVersion: version, ...input });
      },
      /** What needs no version. */
      say: (token, mutation, input = {}) => desk.made(token, mutation, { payout: id, ...input }),
    };
  };
  const reason = 'Because';

  const paid = await proposed();
  await paid.move(who.second, 'holdPayout', { reason });
  await paid.move(who.second, 'releasePayout', { reason });
  await paid.move(who.second, 'approvePayout');
  await paid.say(paid.finder, 'acceptPayout');
  await paid.say(who.src, 'markPayoutSynced', { attempt: 1, platformReference: 'P-1' });
  await paid.say(who.src, 'failPayout', { attempt: 1, reason: 'No such account' });
  await paid.move(who.second, 'retryPayout', { reason });
  await paid.say(who.src, 'markPayoutSynced', { attempt: 2 });
  const payment = { externalReference: 'T-1', paidAt: hours(0), amount: '500.50', currency: 'CNY' };
  await paid.say(who.src, 'confirmPayout', payment);
  const twice = await desk.attempt(who.src, 'confirmPayout', { payout: paid.id, ...payment, externalReference: 'T-2' });
  check('another payment of what is paid is refused', twice.refused[0]?.code === 'CONTRADICTION', twice);
  await paid.move(who.leader, 'reversePayout', { reason });

  await (await proposed()).move(who.second, 'rejectPayout', { reason });

  const appealed = await proposed();
  await appealed.move(who.second, 'approvePayout');
  await appealed.say(appealed.finder, 'appealPayout', { grounds: 'It gives root' });
  await appealed.move(who.leader, 'resolvePayoutAppeal', { severity: 'HIGH', resolution: 'It does not' });
  await appealed.move(who.second, 'cancelPayout', { reason });

  const { reporters } = await desk.read(who.analyst, '{ reporters(first: 100) { nodes { id subject } } }');
  const other = reporters.nodes.find(({ subject }) => subject === 'finder-1');
  await (await proposed()).move(who.analyst, 'splitPayout', { among: [other.id], reason });
  // A gift is for a person and a period, and about no event.
  const gift = await desk.made(who.analyst, 'proposePayout', {
    kind: 'GIFT', reporter: other.id, period: hours(0).slice(0, 7), amount: '60', currency: 'CNY', rationale: 'A mug',
  }, 'id version');
  await desk.made(who.leader, 'approvePayout', { payout: gift.id, expectedVersion: gift.version });
}

/** A reply by e-mail, the answer to it by somebody else, and the mail that says that it did not arrive. */
async function mails(desk, { who, channels }, server) {
  await desk.made(who.admin, 'setReplyRoute', {
    channel: channels.mail.id, expectedVersion: channels.mail.version, email: 'desk@example.org',
  }, 'channel { id }');
  const story = await Story.receive(desk, who, { channel: 'mail', number: 'M-1' });
  const { version } = await story.look('version');
  const reply = await desk.made(who.analyst, 'draftReply', {
    event: story.event, expectedVersion: version, channel: channels.mail.id, kind: 'ACKNOWLEDGEMENT', subject: 'We have it', body: 'Thank you.',
  }, 'id version');
  await desk.made(who.analyst, 'sendReply', { reply: reply.id, expectedVersion: reply.version, via: 'EMAIL', formats: ['TEXT'] });
  const [id] = await until('the reply arrives', () => server.ids.length > 0 && server.ids);
  await until('the reply is sent', async () => (await desk.node(who.analyst, reply.id, 'Reply', 'state')).state === 'SENT');
  const from = 'From: Somebody <other@example.net>\r\nTo: psirt@example.com\r\n';
  const question = await desk.file('question.eml',
    `${from}Subject: Re\r\nMessage-ID: <1@example.net>\r\nIn-Reply-To: ${id}\r\n\r\nA question of ours\r\n`);
  const taken = await desk.run('intake', 'mail', question, '--channel', 'mail');
  check('an answer to our mail joins its report', taken.out.includes(' 0 received, 1 joined'), taken);
  const bounce = await desk.file('bounce.eml',
    `${from}Subject: Undelivered\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n`
    + '--b\r\nContent-Type: text/plain\r\n\r\nIt did not arrive\r\n'
    + '--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; example.org\r\n\r\n'
    + 'Final-Recipient: rfc822; desk@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n'
    + `\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: ${id}\r\n\r\n--b--\r\n`);
  const bounced = await desk.run('replies', 'bounce', bounce);
  check('a mail that came back is recorded', bounced.out.startsWith('recorded'), bounced);
}

/** Trouble, and what only time brings about. */
async function trouble(desk, { who, channels }) {
  const { secret } = await desk.made(who.admin, 'rotateHookSecret', {
    channel: channels.src.id, expectedVersion: channels.src.version,
  }, 'secret');
  const [id, at, body] = ['msg_1', `${Math.floor(Date.now() / 1000)}`, JSON.stringify({ type: 'payout.accepted', data: {} })];
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const signature = `v1,${createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64')}`;
  const headers = { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature };
  const hook = await fetch(`${desk.url}/hooks/src/src`, { method: 'POST', headers, body });
  check('a proven hook that says nothing is refused', hook.status === 400, hook.status);
  await desk.made(who.admin, 'savePlatformAccount', {
    channel: channels.cnvd.id, login: 'company', registeredContact: 'somebody', registeredEmail: 'a@example.org',
    validUntil: hours(240).slice(0, 10),
  });
  const { calendars } = await desk.read(who.admin, '{ calendars { nodes { id key version } } }');
  const calendar = calendars.nodes.find(({ key }) => key === 'none');
  const year = new Date().getUTCFullYear() + 2;
  const days = [{ date: `${year}-01-01`, kind: 'HOLIDAY', name: 'New Year' }];
  await desk.made(who.admin, 'setCalendarYear', { calendar: calendar.id, expectedVersion: calendar.version, year, days });
  // One without a date, one whose time is nearly over, and one that is late.
  const notice = await Story.receive(desk, who, { channel: 'cnvd', number: 'CNVD-1', noticeType: 'GENERIC' });
  for (const [askedAt, dueAt] of [[hours(-10), hours(1)], [hours(-10), hours(-1)]]) {
    const question = { report: notice.report, question: `And ${dueAt}?`, askedAt, dueAt };
    await desk.made(who.analyst, 'recordFollowUpQuestion', question);
  }
  const { version } = await notice.look('version');
  await desk.made(who.analyst, 'setNoticeDate', { report: notice.report, expectedVersion: version, dueAt: hours(100) });
  const other = await Story.receive(desk, who, { channel: 'cnvd', number: 'CNVD-2' });
  // The same hole again: its report joins the event.
  const again = await Story.receive(desk, who, { channel: 'src', number: 'S-2', reporter: { name: 'another', subject: 'reporter-1' } });
  await desk.made(who.analyst, 'joinReport', {
    report: again.report, event: other.event, expectedVersion: (await other.look('version')).version,
  });
  const mistaken = await Story.receive(desk, who, { channel: 'src', number: 'S-3', reporter: { name: 'another', subject: 'reporter-1' } });
  await desk.made(who.src, 'withdrawReport', { report: mistaken.report, reason: 'I was wrong' });
}

await judge(async () => {
  const published = await documented();
  const validators = examine(published);

  const arrived = [];
  const { port } = await receiver((request, response, body) => {
    const at = request.url.slice(1);
    if (at !== 'FAILING') arrived.push({ at, type: request.headers['content-type'], body });
    response.writeHead(at === 'FAILING' ? 500 : 204).end();
  });
  // A ticketing system that is down.
  const tracker = await receiver((request, response) => response.writeHead(500).end());
  const [server, box] = [await mailServer(), await mailbox()];
  const desk = await Desk.make(`${outbound([port, tracker.port])}[replies]\ncompany = "Example Networks"
[replies.smtp]\nhost = "${HOST}"\nport = ${server.port}\ntls = "none"\nfrom = "psirt@example.com"
[intake.mail.imap]\nhost = "${HOST}"\nport = ${box.port}\ntls = "none"\nuser = "psirt"\npassword_file = "{folder}/token.secret"\nchannel = "mail"
poll_seconds = 1
[webhooks]\nevent_link = "${LINK}{number}"\n`);
  let process = await desk.serve();

  const world = await company(desk, tracker.port);
  const { who, channels } = world;
  const { webhookMessageTypes: types } = await desk.read(who.admin, '{ webhookMessageTypes { name schema example roles } }');
  const unlike = types.filter(({ name, schema, example }) => {
    const inDocument = published.get(name);
    return JSON.stringify(JSON.parse(schema)) !== JSON.stringify(inDocument?.schema)
      || JSON.stringify(JSON.parse(example)) !== JSON.stringify(inDocument?.example);
  });
  check('the API publishes what the document does', unlike.length === 0 && types.length === published.size, unlike.map(({ name }) => name));

  // For each role that receives something of its own one endpoint with thin and one with full content.
  const grants = {
    ANALYST: {}, LEADER: {}, FINANCE: {}, ADMIN: {}, ENGINEER: { products: ['core-router'] }, SRC: { channel: channels.src.id },
  };
  const { products } = await desk.read(who.admin, '{ products { nodes { id key } } }');
  grants.ENGINEER.products = products.nodes.filter(({ key }) => key === 'core-router').map(({ id }) => id);
  const endpoints = [];
  const subscribe = async (name, role, more) => {
    const { endpoint } = await desk.made(who.admin, 'createWebhookEndpoint', {
      name, url: `http://${HOST}:${port}/${name}`, messageTypes: ['*'],
      grant: { role, tlpCeiling: 'AMBER_STRICT', abroad: false, ...grants[role] }, ...more,
    }, 'endpoint { id version }');
    const grant = { endpoint: endpoint.id, expectedVersion: endpoint.version };
    endpoints.push(await desk.made(who.leader, 'confirmWebhookGrant', grant, 'id name'));
  };
  for (const role of Object.keys(grants)) {
    for (const payload of ['THIN', 'FULL']) await subscribe(`${role}-${payload}`, role, { payload });
  }
  await subscribe('CHAT', 'ANALYST', { preset: 'SLACK' });
  await subscribe('FAILING', 'ADMIN', { messageTypes: ['calendar.changed'] });
  for (const { id } of endpoints) await desk.made(who.admin, 'testWebhookEndpoint', { endpoint: id });

  await procedure(desk, world);
  await payouts(desk, world);
  await mails(desk, world, server);
  await trouble(desk, world);
  box.put();
  // What is due is looked for at the start, and then once a minute.
  await process.end();
  process = await desk.serve();
  const parsed = () => arrived.filter(({ at }) => at !== 'CHAT').map(({ at, body }) => ({ at, message: JSON.parse(body) }));
  const seen = () => new Set(parsed().map(({ message }) => message.type));
  const expected = [...published.keys()].filter((name) => CLOCK || !LATE.includes(name));
  const arrives = (names, seconds) => until('they arrive', () => names.every((name) => seen().has(name)), seconds).catch(() => {});
  await arrives(expected.filter((name) => !LATE.includes(name)), 20);
  if (CLOCK) {
    const failing = { endpoint: endpoints.find(({ name }) => name === 'FAILING').id };
    const document = 'query($endpoint: ID!) { webhookDeliveries(endpoint: $endpoint, first: 1) { nodes { state attemptCount } } }';
    const delivery = async () => (await desk.read(who.admin, document, failing)).webhookDeliveries.nodes[0];
    // The second attempt comes by itself.
    let count = 2;
    for (const jump of JUMPS) {
      await until(`attempt ${count}`, async () => (await delivery()).attemptCount >= count, 10);
      await process.end();
      process = await desk.serve({ LD_PRELOAD: CLOCK, FAKETIME: `+${jump * 3600}`, FAKETIME_DONT_FAKE_MONOTONIC: '1' });
      count += 1;
    }
    await arrives(expected, 20);
    const given = await delivery();
    check('a delivery is given up after ten attempts', given.state === 'DEAD' && given.attemptCount === 10, given);
  }
  // What is still on its way is looked at too.
  await until('no more arrives', async () => {
    const before = arrived.length;
    await new Promise((later) => { setTimeout(later, 500); });
    return arrived.length === before;
  });
  const missing = expected.filter((name) => !seen().has(name));
  check(`${expected.length} types were seen`, missing.length === 0, missing);

  const [content, channelsContent] = [CONTENT, CHANNELS_CONTENT].map((schema) => ajv.compile(schema));
  const roles = new Map(types.map(({ name, roles: may }) => [name, may]));
  const faults = { type: [], schema: [], undocumented: [], role: [], content: [] };
  let full = 0;
  for (const { at, message } of parsed()) {
    const [role, payload] = at.split('-');
    const validate = validators.get(message.type);
    const { content: held, ...data } = message.data;
    if (!validate) {
      faults.type.push([at, message.type]);
      continue;
    }
    const found = errors(validate, message);
    if (found) faults.schema.push([at, message, found]);
    const known = published.get(message.type).schema.properties.data.properties;
    const more = Object.keys(data).filter((field) => !(field in known));
    if (more.length || Object.keys(message).length !== 4) faults.undocumented.push([at, message.type, more]);
    if (!roles.get(message.type).includes(role)) faults.role.push([at, message.type]);
    if (held !== undefined) {
      full += 1;
      const wrong = payload === 'THIN' ? 'a thin delivery has content' : errors(role === 'SRC' ? channelsContent : content, held);
      if (wrong) faults.content.push([at, message, wrong]);
    } else if (payload === 'FULL' && role !== 'FINANCE' && (data.event || data.reports)) {
      faults.content.push([at, message, 'a full delivery about an event has no content']);
    }
  }
  const few = (list) => [list.length, ...list.slice(0, 3)];
  check('only published types arrive', faults.type.length === 0, few(faults.type));
  check(`${arrived.length} deliveries fit their schemas`, faults.schema.length === 0, few(faults.schema));
  check('no field arrives that is not published', faults.undocumented.length === 0, few(faults.undocumented));
  check('nobody receives a type that is not for their role', faults.role.length === 0, few(faults.role));
  check(`${full} full deliveries hold what the document says`, full > 0 && faults.content.length === 0, few(faults.content));
  // Of each event, and of what is about none, an endpoint's numbers are 1, 2, 3 and so on. A channel is not told of events.
  const numbers = new Map();
  for (const { at, message } of parsed().filter((one) => !one.at.startsWith('SRC'))) {
    const key = `${at} ${message.data.event}`;
    numbers.set(key, [...(numbers.get(key) ?? []), message.sequence]);
  }
  const gaps = [...numbers].filter(([, list]) => list.sort((one, other) => one - other).some((number, at) => number !== at + 1));
  check(`the deliveries about ${numbers.size} things are numbered without a gap`, gaps.length === 0, few(gaps));
  // A bot names an event by its number, with a link to it, and what is about no event by its type.
  const texts = arrived.filter(({ at }) => at === 'CHAT').map(({ body }) => JSON.parse(body).text);
  const odd = texts.filter((text) => !published.has(text) && !new RegExp(`^(VE-[0-9-]+) ${LINK}\\1$`).test(text));
  check(`${texts.length} chat messages link to their events`, texts.length > 20 && odd.length === 0, few(odd));
  check('all of it is JSON', arrived.every(({ type }) => /^application\/json/.test(type)));
  for (const [role] of Object.entries(grants)) {
    const here = new Set(parsed().filter(({ at }) => at.startsWith(`${role}-`)).map(({ message }) => message.type));
    const mine = expected.filter((name) => roles.get(name).includes(role));
    console.log(`      ${role}: ${here.size} of ${mine.length} types; not: ${mine.filter((name) => !here.has(name)).join(', ') || 'none'}`);
  }
  if (!CLOCK) console.log(`      not seen, since faketime is not installed: ${LATE.join(', ')}`);
});
