// Clients that others wrote, compiled against schema.graphql, ask the real binary what their users would: pages, nodes, changes,
// documents by their digest, subscriptions, also over a restart and past a denied token. RUST names the built program of the crates.
import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { Desk } from '../desk.mjs';
import { check, judge, until } from '../judge.mjs';
import { run as apollo } from './built/apollo.js';
import { follow } from './built/going-on.js';
import { run as named } from './built/named.js';
import { run as relay } from './built/relay.js';
import { run as urql } from './built/urql.js';
import { bare, breaking } from './promised.mjs';

const [, , , RUST] = process.argv;
const EVENTS = 5;
const BODY = 'said by a client';

async function subscriptions(desk) {
  const metrics = await (await fetch(`${desk.url}/metrics`)).text();
  return Number(metrics.match(/^vulndesk_live_subscriptions (\d+)$/m)[1]);
}

const subscribed = (desk, count) => until(`${count} subscriptions are open`, async () => (await subscriptions(desk)) === count, 30);

const comment = (desk, token, event) => desk.made(token, 'comment', { event, body: 'news' });

async function received(desk, token, number) {
  const report = { channel: 'src', number, title: `A hole ${number}`, text: 'Steps', tlp: 'AMBER' };
  return (await desk.made(token, 'receiveReport', report, 'event { id number }')).event;
}

/** A desk with some events; answers also what its clients may do. */
async function filled() {
  const desk = await Desk.make();
  const server = await desk.serve();
  const channel = { key: 'src', name: 'SRC', kind: 'SRC_PLATFORM', jurisdiction: 'CN', abroad: false, replyRequired: true };
  await desk.made(await desk.token('ADMIN'), 'createChannel', channel);
  const token = await desk.token('ANALYST');
  const numbers = [];
  let event;
  for (let at = 0; at < EVENTS; at += 1) {
    event = await received(desk, token, `R-${at}`);
    numbers.push(event.number);
  }
  return { desk, server, token, event, numbers };
}

const same = (one, other) => JSON.stringify([...one].sort()) === JSON.stringify([...other].sort());

/** Each client does the same, and has to have seen the same. */
async function asked({ desk, token, event, numbers }) {
  let comments = 0;
  for (const [name, run, ways] of [['Apollo Client', apollo, 1], ['urql', urql, 3], ['Relay', relay, 1]]) {
    const quiet = () => subscribed(desk, 0);
    const change = async () => {
      await subscribed(desk, 1);
      await comment(desk, token, event.id);
      comments += 1;
    };
    const before = comments;
    const seen = await run({ url: desk.url, token, event: event.id, quiet, change });
    check(`${name} joins the pages of a list, each event once`, same(seen.numbers, numbers), seen.numbers);
    check(`${name} answers the same question from what it keeps`, seen.again === 0, seen.again);
    check(`${name} names documents by their digest`, seen.named > 1, seen.named);
    const own = seen.comments.filter((body) => body === BODY).length;
    check(`${name} shows what a mutation added`, seen.comments.length === before + 1 && own > 0, seen.comments);
    check(`${name} hands on the code of a refusal`, seen.refused === 'INVALID_ID', String(seen.refused));
    for (const [way, told] of Object.entries(seen.told)) check(`${name} is told by ${way}`, told === event.id, told);
    if (Object.keys(seen.told).length !== ways) throw new Error(`${name} tried ${Object.keys(seen.told)}`);
    if (seen.complaints) check(`${name} has nothing to say against the schema`, seen.complaints.length === 0, seen.complaints);
    comments += 1;
  }
}

/** Rust programs, which their compiler has let through, ask too. */
async function crates({ desk, token, event, numbers }) {
  const { stdout } = await promisify(execFile)(RUST, [`${desk.url}/graphql`, token, event.id]);
  for (const [name, seen] of Object.entries(JSON.parse(stdout))) {
    check(`${name} reads every page of a list`, same(seen.numbers, numbers), seen.numbers);
    check(`${name} reads a node as what it is`, seen.node === event.number, seen.node);
    check(`${name} makes a change`, seen.comment === BODY, seen.comment);
    check(`${name} hands on the code of a refusal`, seen.refused === 'INVALID_ID', seen.refused);
  }
}

/** The same token with an id of its own, by which it can be denied. */
async function numbered(desk, token, jti) {
  const [header, claims] = token.split('.');
  const own = JSON.stringify({ ...JSON.parse(Buffer.from(claims, 'base64url')), jti });
  const signed = `${header}.${Buffer.from(own).toString('base64url')}`;
  const secret = await readFile(desk.path('token.secret'));
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** Subscriptions go on after a restart, and with another token where theirs is denied. */
async function goingOn({ desk, server, token }) {
  const plain = await desk.token('ANALYST', 'analyst-2');
  const second = await numbered(desk, plain, 'second');
  let present = await numbered(desk, plain, 'first');
  const { heard, stop } = follow({ url: desk.url }, () => present);
  const clients = Object.entries(heard);
  const told = async (when) => {
    await subscribed(desk, clients.length);
    const { number } = await received(desk, token, when);
    for (const [name, { told, ended }] of clients) {
      await until(`${name} hears`, () => told.includes(number) || ended.length > 0, 20).catch(() => {});
      check(`${name} is told ${when}`, told.includes(number) && ended.length === 0, { number, told, ended: ended.map(String) });
    }
  };
  await told('of a change');
  await server.end();
  await desk.serve({ VULNDESK_LISTEN: server.fields.address });
  await told('after a restart of the desk, without being asked to subscribe again');
  present = second;
  const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
  await desk.made(await desk.token('ADMIN'), 'denyToken', { tokenId: 'first', expiresAt, reason: 'it was lost' }, 'until');
  await until('those with the denied token are let go', async () => (await subscriptions(desk)) < clients.length, 20);
  await told('with another token, once the first one is denied');
  await stop();
}

/** What the tools list beforehand is answered by a desk that answers nothing else. */
async function listed() {
  const list = async (file) => JSON.parse(await readFile(new URL(`generated/${file}`, import.meta.url)));
  const lists = [await list('gql/persisted-documents.json'), await list('relay/documents.json')];
  const desk = await Desk.make('[http]\ndocuments = "{folder}/documents.json"\n');
  await desk.file('documents.json', JSON.stringify(Object.assign({}, ...lists)));
  await desk.serve();
  const token = await desk.token('ANALYST');
  for (const [name, answer] of Object.entries(await named({ url: desk.url, token }))) {
    check(`a desk takes the list of documents of ${name}`, answer.data?.events?.edges?.length === 0 && !answer.errors, answer);
  }
  const { errors } = await desk.ask(token, '{ viewer { subject } }');
  check('and answers nothing else then', errors?.[0].extensions.code === 'PERSISTED_QUERY_NOT_ALLOWED', errors);
}

/** A change that breaks clients is told from one that does not. */
async function promised() {
  const schema = bare(await readFile(new URL('../../schema.graphql', import.meta.url), 'utf8'));
  const without = schema.replace(/^ {2}pass: Int!$/m, '');
  const more = schema.replace(/^ {2}pass: Int!$/m, '$&\n  passes: Int!');
  if (without === schema) throw new Error('the schema has no field Event.pass');
  const [gone, come] = [await breaking(schema, without), await breaking(schema, more)];
  check('a field that goes breaks clients', gone.join() === 'FIELD_REMOVED Event.pass', gone);
  check('a field that comes does not', come.length === 0, come);
}

await judge(async () => {
  await promised();
  const company = await filled();
  await asked(company);
  await crates(company);
  await goingOn(company);
  await listed();
});
