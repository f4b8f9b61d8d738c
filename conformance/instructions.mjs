// What the hot requests cost, in instructions, which no other work on the machine changes: the real binary under callgrind, beside
// the figures of instructions.json. node instructions.mjs BINARY [--write]
import { execFile } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { Desk, scored } from './desk.mjs';
import { BINARY, check, judge, until } from './judge.mjs';

const run = promisify(execFile);
const FIGURES = new URL('instructions.json', import.meta.url);
/** How often each request is asked while it is counted, and before that. */
const TIMES = 20;
const BEFORE = 12;
/** By how much more than its figure a request may cost. Another compiler puts the same into other instructions. */
const MORE = 0.2;
/** What answers a request, without what works in the background: nothing else is counted. */
const ANSWERS = 'vulndesk::http::graphql::handle::*closure*';
/** What takes memory from the allocator, by the names that the compiler leaves. */
const ALLOCATES = /^_?mi_(heap_|theap_)?(malloc|zalloc|calloc|realloc)(_aligned|_aligned_at)?$/;

const FIELDS = `id number title status level affectedProducts { state product { name } } currentScore { rounded }
  assignments { function subject state } replies { kind state }`;
const PAGE = `{ events(first: 20) { nodes { ${FIELDS} } pageInfo { endCursor } } }`;
const ONE = `query($number: String!) { event(number: $number) { ${FIELDS} } }`;
const MOVE = 'mutation($input: EventMove!) { startTriage(input: $input) { event { version } userErrors { code } } }';

/** Events with all that is selected, and as many that were only received. */
async function fill(desk) {
  const [admin, analyst] = [await desk.token('ADMIN'), await desk.token('ANALYST')];
  const channel = { key: 'cnvd', name: 'CNVD', kind: 'NATIONAL_DATABASE', jurisdiction: 'CN', abroad: false, replyRequired: true };
  const channelId = (await desk.made(admin, 'createChannel', channel)).id;
  const product = {
    key: 'edge-gateway', name: 'Edge Gateway', line: 'gateway', ownerTeam: 'gateway-team', providerEntity: 'Example Networks',
    kind: 'PRODUCT', importance: '9.0', reach: '9.0', assetTier: 'CORE', lifecycle: 'SUPPORTED',
  };
  const productId = (await desk.made(admin, 'createProduct', product)).id;
  const received = [];
  for (let index = 0; index < TIMES + BEFORE + 20; index += 1) {
    const report = { channel: 'cnvd', number: `CNVD-2026-${index}`, title: `A hole ${index}`, text: 'Steps to reproduce it' };
    const { event } = await desk.made(analyst, 'receiveReport', report, 'event { id number version }');
    received.push(event);
  }
  const whole = received.splice(0, 20);
  for (const { id, number } of whole) {
    const version = async () => (await desk.read(analyst, 'query($number: String!) { event(number: $number) { version } }', { number })).event.version;
    const step = async (mutation, input) => {
      await desk.made(analyst, mutation, { event: id, expectedVersion: await version(), ...input }, 'version');
    };
    await step('startTriage', {});
    await step('giveVerdict', { verdict: 'CONFIRMED', rationale: 'shown in the lab', severity: 'HIGH' });
    await desk.made(analyst, 'setAffectedProduct', { event: id, product: productId, state: 'AFFECTED' }, 'version');
    await step('scoreEvent', scored('5'));
    await step('assign', { function: 'R_AND_D', subject: 'engineer-1', line: 'gateway' });
    await step('draftReply', { kind: 'THANKS', channel: channelId, subject: 'Thanks', body: 'We thank you.' });
  }
  return { analyst, whole, received };
}

/** Instructions that callgrind wrote down, and those of them that take memory. */
async function counted(file) {
  const names = new Map();
  const [text, counts] = [await readFile(file, 'utf8'), { instructions: 0, allocating: 0 }];
  let called = '';
  let caller = '';
  let allocates = false;
  const name = (compressed) => {
    const [, id, given] = compressed.match(/^\((\d+)\)(?: (.*))?$/);
    if (given) names.set(id, given);
    return names.get(id);
  };
  for (const line of text.split('\n')) {
    // What a call cost stands in the line after it.
    if (allocates) counts.allocating += Number(line.split(' ')[1]);
    allocates = line.startsWith('calls=') && ALLOCATES.test(called) && !ALLOCATES.test(caller);
    if (line.startsWith('fn=')) caller = name(line.slice(3));
    else if (line.startsWith('cfn=')) called = name(line.slice(4));
    else if (line.startsWith('totals:')) counts.instructions += Number(line.slice(8));
  }
  return counts;
}

judge(async () => {
  const desk = await Desk.make('[http.rates]\npoints_a_second = 0\n');
  const native = await desk.serve();
  const { analyst, whole, received } = await fill(desk);
  await native.end();

  const out = desk.path('counted');
  const wrapper = await desk.file('under-callgrind', `#!/bin/sh
exec valgrind --quiet --tool=callgrind --instr-atstart=no --toggle-collect='${ANSWERS}' --callgrind-out-file=${out} '${BINARY}' "$@"\n`);
  await chmod(wrapper, 0o755);
  const server = await desk.serve({ RUST_LOG: 'info' }, wrapper);
  const control = (...command) => run('callgrind_control', [...command, String(server.pid)]);

  const requests = {
    'a page of 20 events': () => [PAGE, {}],
    'one event by number': (index) => [ONE, { number: whole[index % whole.length].number }],
    'one status move': () => {
      const { id, version } = received.pop();
      return [MOVE, { input: { event: id, expectedVersion: version } }];
    },
  };
  const writes = process.argv.includes('--write');
  const figures = writes ? {} : JSON.parse(await readFile(FIGURES, 'utf8'));
  const found = {};
  let part = 0;
  for (const [what, request] of Object.entries(requests)) {
    const ask = async (times) => {
      for (let index = 0; index < times; index += 1) {
        const data = await desk.read(analyst, ...request(index));
        if (data.startTriage?.userErrors.length) throw new Error(JSON.stringify(data));
      }
    };
    await ask(BEFORE);
    await control('--instr=on');
    await ask(TIMES);
    await control('--instr=off');
    await control('--dump');
    part += 1;
    const file = `${out}.${part}`;
    await until(`${file} is written`, () => readFile(file, 'utf8').then((text) => text.includes('totals:'), () => false));
    const counts = Object.entries(await counted(file));
    found[what] = Object.fromEntries(counts.map(([measure, count]) => [measure, Math.round(count / TIMES)]));
    for (const [measure, seen] of Object.entries(found[what])) {
      const figure = figures[what]?.[measure];
      const change = writes ? 0 : seen / figure - 1;
      // None at all: the function that is counted has another name in this binary.
      const holds = seen > 0 && change <= MORE;
      check(`${what}: ${seen.toLocaleString('en')} ${measure} (${(change * 100).toFixed(1)} %)`, holds, { figure });
    }
  }
  if (writes) await writeFile(FIGURES, `${JSON.stringify(found, undefined, 2)}\n`);
});
