// Every webhook message type: its published schema and example under a real validator (ajv), and what really arrives while
// events go through the procedure, held against them.
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { Desk, HOST, outbound, receiver } from './desk.mjs';
import { check, judge, until } from './judge.mjs';
import { company, mailServer, mailbox, mails, payouts, procedure, trouble } from './story.mjs';

// A clock that can be put forward, where it is installed (Debian's faketime).
const CLOCK = readdirSync('/usr/lib').map((name) => `/usr/lib/${name}/faketime/libfaketimeMT.so.1`).find(existsSync);
// What is seen only hours and days later, and hence not without such a clock. It is said at the end.
const LATE = ['tracker.failing', 'webhook.endpoint_failing'];
// Hours after which the deliveries of an endpoint that fails are due once more, until they are given up.
const JUMPS = [0.2, 1, 4, 10, 22, 38, 60, 86];

const LINK = 'https://portal.example/events/';

// Schemas that are none are told by name; the others are still held against what arrives.
const ajv = new Ajv2020({ strict: true, allErrors: true, validateSchema: false });
addFormats(ajv);
const errors = (validate, value) => (validate(value) ? undefined : validate.errors.map(({ instancePath, message }) => `${instancePath} ${message}`));

const blocks = (section) => [...section.matchAll(/^```json\n(.*?)^```/gms)].map(([, json]) => JSON.parse(json));

/** What docs/WEBHOOKS.md has: the types, `Map(name, {example, schema, fields})`, and the two schemas of full content. */
async function documented() {
  const text = await readFile(join(import.meta.dirname, '../docs/WEBHOOKS.md'), 'utf8');
  const [before, ...sections] = text.split(/^### /m);
  const types = new Map(sections.map((section) => {
    const [example, schema] = blocks(section);
    const fields = [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, field]) => field);
    return [section.match(/^`([^`]+)`/)[1], { example, schema, fields }];
  }));
  return { types, contents: blocks(before.split(/^## Full content$/m)[1]) };
}

/** A schema that refuses what it does not name, where a receiver would pass over it. */
function closed(schema) {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const entries = Object.entries(schema).map(([key, value]) => [key, closed(value)]);
  return { ...Object.fromEntries(entries), ...(schema.properties && { additionalProperties: false }) };
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

await judge(async () => {
  const { types: published, contents } = await documented();
  const unfit = contents.filter((schema) => !ajv.validateSchema(schema));
  check('the two schemas of full content are JSON Schemas of their dialect', contents.length === 2 && unfit.length === 0, unfit);
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
  const { webhookMessageTypes: types } = await desk.read(who.admin, '{ webhookMessageTypes { name schema example contentSchema roles } }');
  const unlike = types.filter(({ name, schema, example }) => {
    const inDocument = published.get(name);
    return JSON.stringify(JSON.parse(schema)) !== JSON.stringify(inDocument?.schema)
      || JSON.stringify(JSON.parse(example)) !== JSON.stringify(inDocument?.example);
  });
  check('the API publishes what the document does', unlike.length === 0 && types.length === published.size, unlike.map(({ name }) => name));

  const described = contents.map(({ $schema, ...schema }) => JSON.stringify(schema));
  const strange = types.filter(({ contentSchema }) => contentSchema).flatMap(({ name, contentSchema }) => {
    const { $schema, ...schema } = JSON.parse(contentSchema);
    const unknown = (schema.anyOf ?? [schema]).filter((one) => !described.includes(JSON.stringify(one)));
    return $schema === contents[0].$schema && unknown.length === 0 ? [] : [name];
  });
  check('the API publishes the schemas of full content that the document does', strange.length === 0, strange);

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
    // The last attempt's result is written after its receiver has answered.
    await until('it is given up', async () => (await delivery()).state !== 'PENDING', 20).catch(() => {});
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

  const [content, channelsContent] = contents.map((schema) => ajv.compile(closed(schema)));
  const withContent = new Map(types.map(({ name, contentSchema }) => [name, contentSchema && ajv.compile(JSON.parse(contentSchema))]));
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
    // A test goes to the endpoint that is tested, whatever its role.
    if (message.type !== 'webhook.test' && !roles.get(message.type).includes(role)) faults.role.push([at, message.type]);
    if (held !== undefined) {
      full += 1;
      const own = withContent.get(message.type);
      let wrong = errors(role === 'SRC' ? channelsContent : content, held);
      if (payload === 'THIN') wrong = 'a thin delivery has content';
      else if (!own) wrong = 'its type is said to have none';
      else wrong ??= errors(own, held);
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
