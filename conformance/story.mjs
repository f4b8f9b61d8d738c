// What people, channels and programs do with events, as far as anybody is told of it, and the servers that they need for it.
import { createHmac } from 'node:crypto';
import { createServer } from 'node:net';
import { HOST, scored } from './desk.mjs';
import { atEnd, check, until } from './judge.mjs';

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
export async function mailServer() {
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
export async function mailbox() {
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
export async function company(desk, trackerPort) {
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
export async function procedure(desk, { who, product, customer, tracker }) {
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
  await desk.made(who.analyst, 'comment', { event: story.event, body: 'The parser again' });
  await desk.made(who.analyst, 'addIndicator', { report: story.report, kind: 'HOST', value: 'gateway.example' });
  await desk.made(who.analyst, 'assessSeverity', {
    event: story.event, source: 'OURS', vector: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H',
  });
  const { reports: [{ reporter: known }] } = await story.look('reports { reporter { id version } }');
  await desk.made(who.analyst, 'updateReporter', { reporter: known.id, expectedVersion: known.version, email: 'new@example.org' });
  const alike = await Story.receive(desk, who, { channel: 'src', number: 'S-alike' });
  await desk.made(who.analyst, 'decideDuplicate', {
    report: alike.report, otherReport: story.report, outcome: 'RELATED', rationale: 'The same parser',
    expectedVersion: (await alike.look('version')).version,
  }, 'outcome');
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

/** An event whose fix has a ticket; answers the ticket's id. */
export async function ticketed(desk, { who, product, tracker }) {
  const story = await (await Story.receive(desk, who, { channel: 'cnvd', number: 'T-1' })).confirm();
  await desk.made(who.analyst, 'setAffectedProduct', { event: story.event, product: product.id, state: 'AFFECTED' });
  await story.step('scoreEvent', scored('7.5'));
  await story.step('assign', { function: 'R_AND_D', subject: 'engineer-1', line: 'router' });
  await story.step('startRemediation');
  const { remediations: [{ id: remediation }] } = await story.look('remediations { id }');
  return (await desk.made(who.engineer, 'openTicket', { remediation, tracker: tracker.id })).id;
}

/** What a notice to customers has to say. */
const NOTICE = { product_names: 'Core Router', affected_versions: '5.1', user_measures: 'Update', contact: 'psirt@example.com' };

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
      facts: Object.entries(NOTICE).map(([name, value]) => ({ name, value })),
    }, 'id version');
    const sent = { reply: reply.id, expectedVersion: reply.version, via: 'BY_HAND', receiptNumber: 'R-1', proof: 'a screenshot' };
    await desk.made(who.analyst, 'recordReplySent', sent);
  }
}

/** Payouts in every state that they can come to. */
export async function payouts(desk, { who }) {
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
  const { budgets: { nodes: [budget] } } = await desk.read(who.finance, '{ budgets { nodes { id version } } }');
  await desk.made(who.finance, 'adjustBudget', { budget: budget.id, expectedVersion: budget.version, increase: '100', reason });

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
export async function mails(desk, { who, channels }, server) {
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
export async function trouble(desk, { who, channels }) {
  const { secret } = await desk.made(who.admin, 'rotateHookSecret', {
    channel: channels.src.id, expectedVersion: channels.src.version,
  }, 'secret');
  const [id, at, body] = ['msg_1', `${Math.floor(Date.now() / 1000)}`, JSON.stringify({ type: 'payout.accepted', data: {} })];
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const signature = `v1,${createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64')}`;
  const headers = { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature };
  const hook = await fetch(`${desk.url}/hooks/src/src`, { method: 'POST', headers, body });
  check('a proven hook that says nothing is refused', hook.status === 400, hook.status);
  const seen = await desk.read(who.admin, `{ node(id: "${channels.cnvd.id}") { ... on Channel { version } } }`);
  await desk.made(who.admin, 'savePlatformAccount', {
    channel: channels.cnvd.id, expectedVersion: seen.node.version, login: 'company', registeredContact: 'somebody', registeredEmail: 'a@example.org',
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
