// What the commands write they read again, and other programs read and write it too (smol-toml, ical.js): policies, calendars,
// reward grids. A broken file is refused by line or field, and changes nothing. Tickets that drifted are listed, and mended on demand.
import { readFile } from 'node:fs/promises';
import ICAL from 'ical.js';
import { parse, stringify } from 'smol-toml';
import { Desk, outbound, receiver } from './desk.mjs';
import { check, judge, until } from './judge.mjs';
import { company, ticketed } from './story.mjs';

const equal = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/**
 * Gives files that are broken to a command, and looks whether each is refused in words of ours with all of `names`, and whether
 * `now` stays as it is. `broken` is `{what: [text or bytes, ...names]}`.
 */
async function refuses(desk, title, command, broken, now) {
  const before = await now();
  const taken = [];
  const silent = [];
  for (const [what, [text, ...names]] of Object.entries(broken)) {
    const file = text === null ? desk.path('no-such-file') : await desk.file('broken', text);
    const { code, out, err } = await desk.run(...command(file));
    if (code !== 1) taken.push([what, code, out]);
    const words = err.trim();
    const leftOut = [file, ...names].filter((name) => !words.includes(name));
    // Neither a panic nor the insides of an error.
    if (leftOut.length || /panicked|RUST_BACKTRACE|BadInput|Internal\(|DbErr/.test(words)) silent.push([what, leftOut, words]);
  }
  check(`${title}: ${Object.keys(broken).length} broken files are refused`, taken.length === 0, taken);
  check(`${title}: each refusal names file, place and fault`, silent.length === 0, silent);
  check(`${title}: none of them changed anything`, equal(await now(), before));
}

async function deadlines(desk, admin) {
  const fields = `number rules { key regime trigger kind reply channelKinds channels levels criticalInfrastructure centralOrgan recipient anchor after
    unit amount pauses waitsForAnchor since }`;
  const policies = async () => (await desk.read(admin, `{ deadlinePolicies(first: 100) { nodes { ${fields} } } }`)).deadlinePolicies.nodes
    .sort((one, other) => one.number - other.number);
  const newest = async () => (await policies()).at(-1);
  const exported = async () => {
    const { code, err } = await desk.run('deadlines', 'export', desk.path('out.toml'));
    if (code !== 0) throw new Error(err);
    return readFile(desk.path('out.toml'), 'utf8');
  };
  const take = async (text) => desk.run('deadlines', 'import', '--as', 'admin-1', await desk.file('in.toml', text));

  const first = await newest();
  const text = await exported();
  const rules = parse(text).rules;
  check('the exported policy is TOML with all rules in order', equal(rules.map(({ key }) => key), first.rules.map(({ key }) => key)));
  const forms = {
    'as it came': text,
    'as another program writes it': stringify(parse(text)),
    'with the line ends of Windows': text.replaceAll('\n', '\r\n'),
    'with a byte order mark': `\ufeff${text}`,
    'with comments': `# ours\n${text.replace('[[rules]]', '# the first\n[[rules]]')}\n# the end`,
  };
  for (const [how, form] of Object.entries(forms)) {
    const before = await newest();
    const { code, out, err } = await take(form);
    const after = await newest();
    check(`a policy goes in again ${how}`, code === 0 && after.number === before.number + 1 && out.includes(`deadline policy ${after.number} `), [code, out, err]);
    check('and is the same', equal(after.rules, first.rules) && await exported() === text);
  }
  const place = rules.findIndex(({ key }) => key === 'src-acknowledgement');
  const changed = structuredClone({ rules });
  changed.rules[place].term.amount = 4;
  await take(stringify(changed));
  const now = await newest();
  check('a changed figure is in force', now.rules[place].amount === 4 && parse(await exported()).rules[place].term.amount === 4, now.rules[place]);
  check('and nothing else changed', equal(now.rules.filter((_, at) => at !== place), first.rules.filter((_, at) => at !== place)));

  const rule = (more) => stringify({ rules: [{ ...rules[place], ...more }] });
  const line = (found) => text.slice(0, text.indexOf(found)).split('\n').length;
  const withLine = (found, put) => [text.replace(found, put), `line ${line(found)}`];
  await refuses(desk, 'deadline policies', (file) => ['deadlines', 'import', '--as', 'admin-1', file], {
    'no file': [null],
    'an empty one': ['', 'rules'],
    'no TOML': withLine('[[rules]]', '[[rules]'),
    'a text without its end': withLine('"src-acknowledgement"', '"src-acknowledgement'),
    'an unknown field': withLine('pauses = true', 'pause = true'),
    'an unknown word': withLine('"WORKING_DAYS"', '"WORKING_WEEKS"'),
    'a word for a number': withLine('amount = 3', 'amount = "3"'),
    'a negative length': withLine('amount = 3', 'amount = -3'),
    'a broken length': withLine('amount = 3', 'amount = 3.5'),
    'a length beyond all bounds': withLine('amount = 3', 'amount = 99999999999'),
    'no bytes of UTF-8': [Buffer.from([0x72, 0xff, 0xfe, 0x3d])],
    'no length at all': [rule({ term: { unit: 'WORKING_DAYS', amount: 0 } }), 'rules.0.', 'term'],
    'too long a length': [rule({ term: { unit: 'WORKING_DAYS', amount: 5000 } }), 'rules.0.', 'term'],
    'a key with blanks': [rule({ key: 'An acknowledgement' }), 'rules.0.key'],
    'a key twice': [stringify({ rules: [...rules, rules[place]] }), `rules.${rules.length}.key`],
    'an earlier rule that is none': [rule({ after: 'no-such', anchor: 'PREVIOUS_SUBMITTED' }), 'rules.0.after'],
    'a channel that is none': [rule({ channels: ['no-such-channel'] }), 'rules.0.channels', 'no-such-channel'],
    'a reply of what is none': [rule({ kind: 'FIX' }), 'rules.0.'],
  }, policies);
}

async function ratings(desk, admin) {
  const weights = ['productImportance', 'productReach', 'publicOpinion', 'exploitConditions', 'actualImpact'];
  const document = `{ ratingPolicies(first: 100) { nodes { number weights { ${weights.join(' ')} } bands { level from to } } } }`;
  const policies = async () => (await desk.read(admin, document)).ratingPolicies.nodes.sort((one, other) => one.number - other.number);
  const first = (await policies()).at(-1);
  const input = { ...first.weights, bands: first.bands };
  await desk.made(admin, 'createRatingPolicy', input);
  const next = (await policies()).at(-1);
  check('a rating policy goes in again and is the same',
    next.number === first.number + 1 && equal({ ...next, number: 0 }, { ...first, number: 0 }), next);
  const before = await policies();
  const band = (at, more) => ({ bands: first.bands.map((one, place) => (place === at ? { ...one, ...more } : one)) });
  const wrong = {
    'weights of 99.9 %': [{ publicOpinion: '29.9' }, 'input'],
    'weights of 100.1 %': [{ publicOpinion: '30.1' }, 'input'],
    'a weight in hundredths': [{ publicOpinion: '30.05' }, 'input.publicOpinion'],
    'a negative weight': [{ publicOpinion: '-30', actualImpact: '90' }, 'input.publicOpinion'],
    'a weight that is no number': [{ publicOpinion: 'a third' }, 'input.publicOpinion'],
    'a gap': [band(0, { from: '9.1' }), 'input'],
    'an overlap': [band(0, { from: '8.9' }), 'input'],
    'an end beyond the scale': [band(0, { to: '10.1' }), 'input'],
    'a level twice': [band(0, { level: first.bands[1].level }), 'input'],
    'a step of hundredths': [band(0, { from: '9.05' }), 'input'],
    'no band': [{ bands: [] }, 'input'],
  };
  const taken = [];
  for (const [what, [change, field]] of Object.entries(wrong)) {
    const { refused } = await desk.attempt(admin, 'createRatingPolicy', { ...input, ...change });
    if (refused.length !== 1 || refused[0].code !== 'BAD_USER_INPUT' || !refused[0].message.startsWith(field)) taken.push([what, refused]);
  }
  check(`${Object.keys(wrong).length} broken rating policies are refused by field`, taken.length === 0, taken);
  check('none of them changed anything', equal(await policies(), before));
}

const quoted = (text) => `"${text.replaceAll('"', '""')}"`;

/** The days as an iCalendar file: one event for each stretch of days with one name and kind, marked as `mark` does it. */
function calendarFile(days, mark) {
  const calendar = new ICAL.Component('vcalendar');
  calendar.updatePropertyWithValue('version', '2.0');
  calendar.updatePropertyWithValue('prodid', '-//judge//EN');
  const stretches = [];
  for (const day of days) {
    const last = stretches.at(-1);
    const next = last && new Date(Date.parse(last.end) + 86_400_000).toISOString().slice(0, 10);
    if (last && next === day.date && last.name === day.name && last.kind === day.kind) last.end = day.date;
    else stretches.push({ ...day, end: day.date });
  }
  for (const [number, { date, end, name, kind }] of stretches.entries()) {
    const event = new ICAL.Component('vevent');
    event.updatePropertyWithValue('uid', `${number}@example.org`);
    event.updatePropertyWithValue('dtstamp', ICAL.Time.fromDateTimeString('2026-01-01T00:00:00'));
    event.updatePropertyWithValue('dtstart', ICAL.Time.fromDateString(date));
    const after = ICAL.Time.fromDateString(end);
    after.adjust(1, 0, 0, 0);
    event.updatePropertyWithValue('dtend', after);
    event.updatePropertyWithValue('summary', name);
    mark(event, kind);
    calendar.addSubcomponent(event);
  }
  return `${calendar.toString()}\r\n`;
}

async function calendars(desk, admin) {
  const all = async () => (await desk.read(admin, `{ calendars(first: 100) { nodes {
    id key version years { year source } days { date kind name } } } }`)).calendars.nodes;
  const one = async (key) => (await all()).find((calendar) => calendar.key === key);
  const china = await one('china');
  const days = china.days.filter(({ date }) => date.startsWith('2026'));
  check('there are days to take along', days.length > 20 && days.some(({ kind }) => kind === 'MAKE_UP_WORKDAY'), days.length);
  const table = (rows) => rows.map((row) => row.join(',')).join('\n');
  const rows = days.map(({ date, kind, name }) => [date, kind, name]);
  const files = {
    'a table': ['csv', table([['date', 'kind', 'name'], ...rows])],
    'a table with other columns, quotes, line ends and a mark': ['csv', `\ufeff${
      table([['note', 'name', 'kind', 'date'], ...days.map(({ date, kind, name }) => ['"a, b"', quoted(name), quoted(kind), quoted(date)])])
        .replaceAll('\n', '\r\n')}\r\n`],
    'an iCalendar file with categories': ['ics', calendarFile(days, (event, kind) => {
      if (kind === 'MAKE_UP_WORKDAY') event.updatePropertyWithValue('categories', kind);
    })],
    'an iCalendar file as phones have it': ['ics', calendarFile(
      days, (event, kind) => event.updatePropertyWithValue('x-apple-special-day', kind === 'HOLIDAY' ? 'WORK-HOLIDAY' : 'ALTERNATE-WORKDAY'),
    )],
  };
  const take = (key, format, file) => ['calendar', 'import', '--calendar', key, '--format', format, '--year', '2026', '--source', 'the notice', file];
  for (const [number, [what, [format, text]]] of Object.entries(files).entries()) {
    const key = `copy-${number}`;
    await desk.made(admin, 'createCalendar', { key, name: key, byYear: true, weekend: ['SATURDAY', 'SUNDAY'] });
    const command = take(key, format, await desk.file('in', text));
    const { code, out, err } = await desk.run(...command);
    const copy = await one(key);
    check(`${what} is taken`, code === 0 && /has the years 2026/.test(out), [code, out, err]);
    check('and is the same days', equal(copy.days, days) && equal(copy.years, [{ year: 2026, source: 'the notice' }]),
      [copy.days.length, copy.days.find((day, at) => !equal(day, days[at])), copy.years]);
    const again = await desk.run(...command);
    check('also when it is taken again', again.code === 0 && equal((await one(key)).days, days), again);
  }
  const event = (lines) => `BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:a\nBEGIN:VEVENT\nSUMMARY:A\nDTSTART;VALUE=DATE:20260105\nEND:VEVENT\n`
    + `BEGIN:VEVENT\nUID:1\n${lines}\nEND:VEVENT\nEND:VCALENDAR\n`;
  const csv = (line, header = 'date,kind,name') => `${header}\n2026-01-05,HOLIDAY,A\n${line}\n2026-01-07,HOLIDAY,B\n`;
  await refuses(desk, 'tables of days', (file) => take('copy-0', 'csv', file), {
    'no file': [null],
    'an empty one': [''],
    'no column of dates': [csv('2026-01-06,HOLIDAY,B', 'day,kind,name'), 'line 1', 'date'],
    'a day that is none': [csv('2026-02-30,HOLIDAY,B'), 'line 3', '2026-02-30'],
    'a date of another form': [csv('06/01/2026,HOLIDAY,B'), 'line 3', '06/01/2026'],
    'a kind that is none': [csv('2026-01-06,holiday,B'), 'line 3', 'HOLIDAY'],
    'no name': [csv('2026-01-06,HOLIDAY,'), 'line 3', 'name'],
    'too few columns': [csv('2026-01-06'), 'line 3'],
    'a day twice': [csv('2026-01-05,HOLIDAY,B'), 'line 3'],
    'a day that is two things': [csv('2026-01-05,MAKE_UP_WORKDAY,B'), 'line 3'],
    'a year that is not there': [csv('2031-01-06,HOLIDAY,B'), 'line 3'],
    'several faults': [csv('2026-01-06,x,B\n2026-13-01,HOLIDAY,B'), 'line 3', 'line 4'],
    'a quote without its end': [csv('2026-01-06,HOLIDAY,"B'), 'line 3'],
    'no bytes of UTF-8': [Buffer.concat([Buffer.from('date,kind,name\n2026-01-06,HOLIDAY,'), Buffer.from([0xc0, 0xff])])],
    'more than fits': [`date,kind,name\n${'2026-01-05,HOLIDAY,A\n'.repeat(20_000)}`, 'bytes'],
  }, all);
  await refuses(desk, 'iCalendar files', (file) => take('copy-0', 'ics', file), {
    'an empty one': [''],
    'no calendar': ['SUMMARY', 'line 1'],
    'a table': [csv('2026-01-06,HOLIDAY,B'), 'line 1'],
    'a rule': [event('SUMMARY:B\nDTSTART;VALUE=DATE:20260106\nRRULE:FREQ=YEARLY'), 'line 8', 'rule'],
    'an hour': [event('SUMMARY:B\nDTSTART:20260106T100000Z'), 'line 8', 'all-day'],
    'no day': [event('SUMMARY:B'), 'line 8', 'DTSTART'],
    'no name': [event('DTSTART;VALUE=DATE:20260106'), 'line 8', 'SUMMARY'],
    'an end before its beginning': [event('SUMMARY:B\nDTSTART;VALUE=DATE:20260106\nDTEND;VALUE=DATE:20260101'), 'line 8', 'DTEND'],
    'an event of a year': [event('SUMMARY:B\nDTSTART;VALUE=DATE:20260106\nDURATION:P360D'), 'line 8'],
    'a year that is not there': [event('SUMMARY:B\nDTSTART;VALUE=DATE:20310106'), 'line 8'],
    'no end': ['BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nSUMMARY:A\nDTSTART;VALUE=DATE:20260105\n', 'iCalendar'],
    'a nest': [`${'BEGIN:VCALENDAR\n'.repeat(2_000)}`, 'nested'],
  }, all);
  const good = await desk.file('in', files['a table'][1]);
  const before = await all();
  const nowhere = await desk.run(...take('no-such-calendar', 'csv', good));
  check('a calendar that is none is named', nowhere.code === 1 && nowhere.err.includes('no-such-calendar'), nowhere);
  check('and nothing changed', equal(await all(), before));
}

async function grids(desk, admin, finance) {
  const all = async () => (await desk.read(finance, `{ rewardGrids(first: 100) { nodes {
    number currency cells { assetTier severity minimum maximum } } } }`)).rewardGrids.nodes.sort((one, other) => one.number - other.number);
  const rows = ['CORE', 'GENERAL', 'EDGE'].flatMap((tier, at) => [['CRITICAL', 900, 5000], ['HIGH', 300, 899.99], ['MEDIUM', 50, 299.5], ['LOW', 1, 49]].map(
    ([severity, minimum, maximum]) => [tier, severity, `${minimum / (at + 1) >= 1 ? minimum : 1}`, `${maximum}`],
  ));
  const table = (lines) => ['tier,severity,minimum,maximum', ...lines.map((line) => line.join(','))].join('\n');
  const take = (file, ...more) => ['import-grid', '--currency', 'CNY', ...more, file];
  const taken = await desk.run(...take(await desk.file('grid', table(rows))));
  check('a reward grid is taken', taken.code === 0, taken);
  const first = (await all()).at(-1);
  const written = first.cells.map(({ assetTier, severity, minimum, maximum }) => [assetTier, severity, minimum, maximum]);
  await desk.run(...take(await desk.file('grid', `\ufeff${table(written).replaceAll('\n', '\r\n')}\r\n`)));
  const second = (await all()).at(-1);
  const sorted = ({ cells }) => cells.map((cell) => JSON.stringify(cell)).sort();
  check('what the API says of it goes in again and is the same', second.number === first.number + 1 && equal(sorted(second), sorted(first)), [first, second]);
  check('in the same order', equal(second.cells, first.cells), [first.cells[0], second.cells[0]]);
  const line = (text) => table([rows[0], text.split(','), ...rows.slice(2)]);
  await refuses(desk, 'reward grids', (file) => take(file), {
    'no file': [null],
    'an empty one': [''],
    'no column of tiers': ['level,severity,minimum,maximum\nCORE,HIGH,1,2', 'tier'],
    'a tier that is none': [line('MIDDLE,HIGH,1,2'), 'line 3', 'MIDDLE'],
    'a severity that is none': [line('CORE,URGENT,1,2'), 'line 3', 'URGENT'],
    'too few columns': [line('CORE,HIGH,1'), 'line: 3'],
    'an amount that is none': [line('CORE,HIGH,one,2'), 'line 3'],
    'thousands': [line('CORE,HIGH,"1,000",2000'), 'line 3'],
    'more digits than the currency has': [line('CORE,HIGH,1.001,2'), 'line 3'],
    'a negative amount': [line('CORE,HIGH,-1,2'), 'line 3'],
    'the least above the most': [line('CORE,HIGH,3,2'), 'line 3'],
    'a cell twice': [line(rows[0].join(',')), 'line 3'],
  }, all);
  const file = await desk.file('grid', table(rows));
  const currency = await desk.run('import-grid', '--currency', 'XAU', file);
  check('a currency that is none is named', currency.code === 1 && /currency/.test(currency.err), currency);
  const channel = await desk.run(...take(file, '--channel', 'no-such-channel'));
  check('a channel that is none is named', channel.code === 1 && channel.err.includes('no-such-channel'), channel);
}

/** Who does it stands in the audit trail: no command goes on without a name, or with one that no token could have. */
async function nameless(desk) {
  const [policy, days, cells] = await Promise.all([
    desk.file('policy', await readFile(desk.path('out.toml'), 'utf8')),
    desk.file('days', 'date,kind,name\n2028-01-03,HOLIDAY,A\n'),
    desk.file('cells', 'tier,severity,minimum,maximum\nCORE,HIGH,1,2\n'),
  ]);
  const taken = [];
  for (const subject of ['', 'two\nlines']) {
    for (const command of [
      ['deadlines', 'import', '--as', subject, policy],
      ['calendar', 'import', '--as', subject, '--calendar', 'china', '--format', 'csv', '--year', '2028', days],
      ['import-grid', '--as', subject, '--currency', 'CNY', cells],
      ['secrets', 'rotate', '--as', subject],
    ]) {
      const { code, out } = await desk.run(...command);
      if (code === 0) taken.push([command.slice(0, 2).join(' '), subject, out]);
    }
  }
  check('nothing is done in the name of nobody', taken.length === 0, taken);
}

/** A ticketing system with one issue at most, as far as tickets are kept in it. */
async function redmine() {
  const names = ['New', 'In Progress', 'Resolved', 'Feedback', 'Closed', 'Rejected'];
  const kept = { issue: null, status: 'New', notes: [] };
  const { port } = await receiver((request, response, body) => {
    const send = (code, answer) => response.writeHead(code, { 'content-type': 'application/json' }).end(answer && JSON.stringify(answer));
    const { pathname } = new URL(request.url, 'http://tracker');
    const issue = () => ({
      ...kept.issue, id: 1, status: { name: kept.status }, journals: kept.notes.map((notes) => ({ notes, private_notes: true })),
    });
    const { issue: sent } = body ? JSON.parse(body) : {};
    if (request.method === 'GET' && pathname === '/issues.json') return send(200, { issues: kept.issue ? [issue()] : [] });
    if (request.method === 'POST' && pathname === '/issues.json') {
      kept.issue = sent;
      return send(201, { issue: { id: 1 } });
    }
    if (!kept.issue || pathname !== '/issues/1.json') return send(404);
    if (request.method === 'GET') return send(200, { issue: issue() });
    if (sent.notes) kept.notes.push(sent.notes);
    else kept.status = names[sent.status_id - 1] ?? kept.status;
    return send(204);
  });
  return { port, kept };
}

async function drift() {
  const { port, kept } = await redmine();
  const desk = await Desk.make(outbound([port]));
  await desk.serve();
  const there = await company(desk, port);
  const ticket = await ticketed(desk, there);
  const state = async () => (await desk.node(there.who.leader, ticket, 'Ticket', 'state')).state;
  await until('the ticket is made', async () => (await state()) === 'LINKED');
  const reconcile = (...flags) => desk.run('reconcile', 'tickets', ...flags);
  const agreed = await reconcile();
  check('tickets that agree are said to', agreed.code === 0 && agreed.out === 'all tickets agree\n', agreed);

  kept.status = 'Rejected';
  const listed = await reconcile();
  const line = 'engineering 1: the fix is PLANNED, the ticket should be "New" and is "Rejected"\n';
  check('one that was moved there is listed, and fails the command', listed.code === 1 && listed.out === line
    && listed.err.includes('1 tickets differ') && kept.status === 'Rejected', listed);
  const heard = await reconcile('--mend');
  check('with --mend what was moved is heard first', heard.code === 0 && heard.out.startsWith(line), heard);
  await until('the refusal is said there', () => kept.notes.length === 1);
  const told = await reconcile('--mend');
  check('what was heard and refused is told anew', told.code === 0 && told.out.startsWith(line), told);
  await until('the ticket is as it should be', () => kept.status === 'New');
  const after = await reconcile();
  check('then all agree again', after.code === 0 && after.out === 'all tickets agree\n', after);
}

await judge(async () => {
  await drift();
  const desk = await Desk.make();
  // Beside a running server, as people use the commands.
  await desk.serve();
  const [admin, finance] = await Promise.all(['ADMIN', 'FINANCE'].map((role) => desk.token(role)));
  await deadlines(desk, admin);
  await ratings(desk, admin);
  await calendars(desk, admin);
  await grids(desk, admin, finance);
  await nameless(desk);
  const audit = await desk.run('audit', 'verify');
  check('the audit trail of all of it holds', audit.code === 0, audit);
});
