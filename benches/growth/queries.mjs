// What a portal asks, by who asks it. Each is asked of every base; what takes variables has several sets of them.

const CARD = `id number title status level affectedProducts { state product { name } } currentScore { rounded }
  assignments { function subject state } replies { kind state }`;
const WHOLE = `id number title description status level tlp total version receivedAt changedAt embargoUntil
  affectedProducts { state product { name } } currentScore { rounded } scores { rounded scoredAt } verdicts { verdict rationale }
  assignments { function subject state dueAt } remediations { line state } verifications { passed } decisions { kind question outcome }
  replies { kind state subject sentAt } obligations { kind state channel { name } } deadlines { kind dueAt state breached }
  reports { channelNumber title receivedAt reporter { name } } statusChanges { fromStatus toStatus changedAt } team { subject function }
  comments(first: 20) { nodes { author body } } allowedMoves { to mutation viewerCan missing } tickets { externalId state } worldFacts { kind }
  actionItems { title state } relatedEvents { number } duplicates { number }`;
const CLOCK = 'kind regime dueAt state breached event { number title } channel { name }';

const list = (filter = '', more = '') => `{ events(first: 20${filter ? `, filter: { ${filter} }` : ''}${more}) { nodes { ${CARD} } pageInfo { endCursor hasNextPage } } }`;
const ordered = (field) => list('', `, order: { field: ${field}, direction: DESC }`);
const after = (order = '') => `query($after: String) { events(first: 20, after: $after${order}) { nodes { ${CARD} } pageInfo { endCursor hasNextPage } } }`;
const found = (words, kinds = '') => `{ search(query: ${JSON.stringify(words)}, first: 10${kinds}) { nodes { kind item { id } fragments { field parts { text matched } } } } }`;
const BY_NUMBER = `query($number: String!) { event(number: $number) { ${CARD} } }`;
const REPORTS = '{ reports(first: 20) { nodes { channelNumber title receivedAt event { number } reporter { name } } } }';
const NOTICES = '{ notices(first: 20) { nodes { kind createdAt event { number } deadline { dueAt } } } }';

/** The queries, with the place that a base gives them: cursors, ids and numbers. */
export const queries = (base) => {
  const of = (name) => base[name].map((value) => ({ [name]: value }));
  const events = of('event');
  const all = [
    ['LEADER', 'list, first page', list()],
    ['LEADER', 'list, middle', after(), [{ after: base.middle }]],
    ['LEADER', 'list, deepest page', `{ events(last: 20) { nodes { ${CARD} } pageInfo { startCursor hasPreviousPage } } }`],
    ['LEADER', 'list by level', ordered('LEVEL')],
    ['LEADER', 'list by score', ordered('SCORE')],
    ['LEADER', 'list by change', ordered('CHANGED_AT')],
    ['LEADER', 'list by number', ordered('NUMBER')],
    ['LEADER', 'event by number', BY_NUMBER, of('number')],
    ['LEADER', 'event, all of it', `query($number: String!) { event(number: $number) { ${WHOLE} } }`, of('number')],
    ['LEADER', 'work: gravest events', list('level: [RED, ORANGE]')],
    ['LEADER', 'work: open by level', list('status: [RECEIVED, TRIAGING, RATING, REPLYING]', ', order: { field: LEVEL, direction: DESC }')],
    ['LEADER', 'work: action items', '{ myActionItems(first: 20, state: OPEN) { nodes { title dueOn } } }'],
    ['LEADER', 'filter: status', list('status: [REMEDIATING, VERIFYING]')],
    ['LEADER', 'filter: two things', list('status: [RATING], tlp: [RED]')],
    ['LEADER', 'filter: product', list(`product: "${base.product}"`)],
    ['LEADER', 'filter: line', list('line: "gateway"')],
    ['LEADER', 'filter: assignee', list('assignee: "engineer-1"')],
    ['LEADER', 'filter: nobody', list('assignee: "nobody-1"')],
    ['LEADER', 'filter: channel', list(`channel: "${base.channel}"`)],
    ['LEADER', 'filter: channel number', 'query($channelNumber: String) { events(first: 20, filter: { channelNumber: $channelNumber }) { nodes { number } } }', of('channelNumber')],
    ['LEADER', 'filter: its beginning', 'query($channelNumber: String) { events(first: 20, filter: { channelNumberPrefix: $channelNumber }) { nodes { number } } }', of('channelNumber')],
    ['LEADER', 'filter: number begins', 'query($number: String) { events(first: 20, filter: { numberPrefix: $number }) { nodes { number } } }', of('number')],
    ['LEADER', 'filter: verdict', list('verdict: [DUPLICATE]')],
    ['LEADER', 'filter: TLP:RED', list('tlp: [RED]')],
    ['LEADER', 'filter: facts', list('facts: [EXPLOITED_IN_THE_WILD]')],
    ['LEADER', 'filter: all declined', list('attention: [ALL_DECLINED]')],
    ['LEADER', 'filter: risk expiring', list('attention: [RISK_EXPIRING]')],
    ['LEADER', 'filter: received', list(`receivedFrom: "${base.from}", receivedBefore: "${base.until}"`)],
    ['LEADER', 'filter: no history', list('history: false')],
    ['LEADER', 'clocks', `{ deadlines(first: 20) { nodes { ${CLOCK} } } }`],
    ['LEADER', 'clocks, overdue', `{ deadlines(first: 20, filter: { state: OPEN, breached: true }) { nodes { ${CLOCK} } } }`],
    ['LEADER', 'clocks, due soon', `{ deadlines(first: 20, filter: { state: OPEN, dueBefore: "${base.until}" }) { nodes { ${CLOCK} } } }`],
    ['LEADER', 'clocks of a person', `{ deadlines(first: 20, filter: { person: "engineer-1" }) { nodes { ${CLOCK} } } }`],
    ['LEADER', 'clocks of an event', `query($event: ID!) { deadlines(first: 20, filter: { event: $event }) { nodes { ${CLOCK} } } }`, events],
    ['LEADER', 'forecast', 'query($event: ID!) { deadlineForecast(input: { event: $event, ifVerdict: CONFIRMED }) { deadlines { dueAt } } }', events],
    ['LEADER', 'duplicates', 'query($event: ID!) { node(id: $event) { ... on Event { duplicateCandidates(first: 5) { kind score event { number } reasons { __typename } } } } }', events],
    ['LEADER', 'search, common word', found('注入')],
    ['LEADER', 'search, two words', found('router 弱口令')],
    ['LEADER', 'search, rare words', found('Edge Gateway 命令注入')],
    ['LEADER', 'search, phrase', found('"Northwind 北风 camera"')],
    ['LEADER', 'search, number', 'query($number: String!) { search(query: $number, first: 10) { nodes { kind item { id } } } }', of('number')],
    ['LEADER', 'search, nothing', found('zebra 注入')],
    ['LEADER', 'search, replies', found('处置', ', kinds: [REPLY]')],
    ['LEADER', 'reports', REPORTS],
    ['LEADER', 'reports by number', 'query($channelNumber: String) { reports(first: 20, number: $channelNumber) { nodes { channelNumber } } }', of('channelNumber')],
    ['LEADER', 'reports of a channel', `{ reports(first: 20, channel: "${base.channel}") { nodes { channelNumber } } }`],
    ['LEADER', 'reporters', '{ reporters(first: 20) { nodes { name } } }'],
    ['LEADER', 'payouts', '{ payouts(first: 20) { nodes { number kind state amount currency eventNumber eventLevel } } }'],
    ['LEADER', 'payouts, state', '{ payouts(first: 20, filter: { state: [PROPOSED] }) { nodes { number } } }'],
    ['LEADER', 'audit', '{ audit(first: 20) { nodes { at actor action reason digest } } }'],
    ['LEADER', 'audit of an event', 'query($event: ID!) { audit(first: 20, event: $event) { nodes { at actor action } } }', events],
    ['LEADER', 'notices', NOTICES],
    ['LEADER', 'tickets', '{ tickets(first: 20) { nodes { id } } }'],
    ['LEADER', 'products', '{ products(first: 20) { nodes { key name line lifecycle } } }'],
    ['ADMIN', 'deliveries', `{ webhookDeliveries(first: 20, endpoint: "${base.endpoint}") { nodes { kind state createdAt } } }`],
    ['ADMIN', 'deliveries that failed', `{ webhookDeliveries(first: 20, endpoint: "${base.endpoint}", state: DEAD) { nodes { kind } } }`],
    ['FINANCE', 'payouts', '{ payouts(first: 20) { nodes { number kind state amount currency eventNumber eventLevel payeeAccount } } }'],
    ['ENGINEER', 'list, first page', list()],
    ['ENGINEER', 'list, middle', after(), [{ after: base.middle }]],
    ['ENGINEER', 'list, deepest page', `{ events(last: 20) { nodes { ${CARD} } } }`],
    ['ENGINEER', 'list by level', ordered('LEVEL')],
    ['ENGINEER', 'event by number', BY_NUMBER, of('engineerNumber').map(({ engineerNumber }) => ({ number: engineerNumber }))],
    ['ENGINEER', 'event that is hidden', BY_NUMBER, of('number')],
    ['ENGINEER', 'work', list('status: [REMEDIATING, VERIFYING]')],
    ['ENGINEER', 'filter: assignee', list('assignee: "engineer-1"')],
    ['ENGINEER', 'clocks', `{ deadlines(first: 20, filter: { state: OPEN }) { nodes { ${CLOCK} } } }`],
    ['ENGINEER', 'search', found('注入')],
    ['ENGINEER', 'search, number', 'query($number: String!) { search(query: $number, first: 10) { nodes { kind } } }', of('number')],
    ['ENGINEER', 'notices', NOTICES],
    ['REPORTER', 'own reports', '{ reports(first: 20) { nodes { channelNumber receivedAt publicStatus } } }'],
    ['REPORTER', 'own payouts', '{ payouts(first: 20) { nodes { number kind state amount currency answerBy } } }'],
    ['REPORTER', 'search', found('注入')],
    ['SRC', 'reports of its channel', '{ reports(first: 20) { nodes { channelNumber receivedAt publicStatus } } }'],
  ];
  // About all that there is or has been, or all of a period: they grow with it. A list is counted to 10,000 at most.
  const counted = [
    ['LEADER', 'count of all', '{ events(first: 1) { totalCount totalCountAtLeast } }'],
    ['LEADER', 'count of a status', '{ events(first: 1, filter: { status: [RATING] }) { totalCount } }'],
    ['LEADER', 'count of overdue clocks', '{ deadlines(first: 1, filter: { state: OPEN, breached: true }) { totalCount } }'],
    ['LEADER', 'count of reports', '{ reports(first: 1) { totalCount } }'],
    ['ENGINEER', 'count of all', '{ events(first: 1) { totalCount } }'],
    ['LEADER', 'events of a month', `{ statistics(period: { from: "${base.from}", until: "${base.until}" }) { events(by: PRODUCT) { events } } }`],
    ['LEADER', 'clocks of a month', `{ statistics(period: { from: "${base.from}", until: "${base.until}" }) { deadlines(by: CHANNEL) { metInTime } } }`],
    ['SRC', 'payouts from the first on', '{ payoutChanges { changes { position kind toState } nextPosition hasMore } }'],
    ['LEADER', 'leaderboard of a month', `{ leaderboard(period: "${base.until.slice(0, 7)}") { places { name accepted } } }`],
  ];
  const as = (isCounted) => ([actor, name, query, sets = [{}]]) => ({ actor, name, query, sets, isCounted });
  return [...all.map(as(false)), ...counted.map(as(true))];
};
