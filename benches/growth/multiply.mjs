// Copies of the seed inside the database. Each copy has its own ids, instants, numbers and words, and lies somewhere in ten years.
//
// What was received more than a year ago is over, but for one copy of fifty. Products grow by the root of the copies; people and reporters by one each for some copies, so that one of each has as much as
// before. Messages, deliveries and notices go as far back as they are kept by default. What is not made anew is what no query
// reads by its content: digests and seals of the trail, and ids that stand inside `details` and `data`; `audit verify` would say so.

/** Copies that share their people: one looks after the events of so many. */
const PEOPLE = 20;
/** Copies whose reports come from the same reporters. */
const REPORTERS = 4;
/** Years are counted in pieces of 2^16 milliseconds: the first 32 bits of an id say which. */
const PIECE = 65_536;
const SPAN = Math.floor((10 * 365.25 * 86_400_000) / PIECE);
/** Versions of reports in a segment of the index of duplicates. */
const SEGMENT = 8_192;

/** What grows, the newest things of a copy included. The others are what somebody set up. */
export const GROWN = `access_record action_item affected_product affected_customer assignment audit_entry budget_entry clock_fact comment
  deadline decision delivery delivery_attempt event event_access event_link indicator message notice obligation payout payout_appeal
  payout_change product remediation reply reply_draft reply_file reply_obligation reply_review report report_feature report_profile
  report_version reporter review score search_entry status_change team_member technical_severity verdict verification world_fact`
  .split(/\s+/);
/** Ids of what somebody set up. */
const KEPT = ['calendar_id', 'channel_id', 'policy_id', 'grid_id', 'budget_id', 'endpoint_id', 'customer_id', 'bonus_run_id', 'file_id'];
/** Columns with a person. */
const PERSON = 'team_member.subject assignment.subject notice.subject action_item.owner reply_review.reviewer'.split(' ');

/** Days for which things are kept; messages that a payout's history names stay for good. */
const DAYS = { message: 180, delivery: 180, delivery_attempt: 180, notice: 365 };

const person = (column, group = 'c.p') => `CASE WHEN ${group} = 0 THEN ${column} ELSE ${column} || '-' || ${group} END`;
const id = (column) => `growth_id(${column}, c.shift, c.k)`;
const productId = (column) => `CASE WHEN c.g = 0 THEN ${column} ELSE growth_id(${column}, 0, c.g) END`;
const reporterId = (column) => `growth_id(${column}, c.rshift, c.r)`;

/** What an open thing is once its event is over, and when it became so. */
const over = (column, open, ended) => `CASE WHEN c.over AND s.${column} IN (${open}) THEN '${ended}' ELSE s.${column} END`;
const overAt = (column, from, open) => `coalesce(s.${column}, CASE WHEN c.over AND s.${open} THEN s.${from} + interval '1 day' END) - c.back`;

/** How a column of a copy differs from the seed's, where its type does not say it. */
const OWN = {
  'event.number': `left(s.number, 8) || lpad(c.k::text, 5, '0') || substr(s.number, 9)`,
  'event.status': `CASE WHEN c.over THEN 'CLOSED' ELSE s.status END`,
  'event.closed_at': overAt('closed_at', 'changed_at', `status <> 'CLOSED'`),
  'assignment.state': over('state', `'OPEN', 'ACCEPTED'`, 'DONE'),
  'obligation.state': over('state', `'OPEN'`, 'MET'),
  'obligation.met_at': overAt('met_at', 'opened_at', `state = 'OPEN'`),
  'deadline.state': over('state', `'OPEN'`, 'MET'),
  'deadline.met_at': overAt('met_at', 'opened_at', `state = 'OPEN'`),
  'action_item.state': over('state', `'OPEN'`, 'DONE'),
  'action_item.done_at': overAt('done_at', 'created_at', `state = 'OPEN'`),
  'event_access.principal': `CASE WHEN s.principal LIKE 'subject:reporter-%' THEN ${person('s.principal', 'c.r')}
    WHEN s.principal LIKE 'subject:%' THEN ${person('s.principal')}
    WHEN s.principal LIKE 'product:%' THEN ${person('s.principal', 'c.g')} ELSE s.principal END`,
  'event_access.report_id': `CASE WHEN s.report_id = '00000000-0000-0000-0000-000000000000' THEN s.report_id ELSE ${id('s.report_id')} END`,
  'product.id': productId('s.id'),
  'product.key': person('s.key', 'c.g'),
  'product.name': person('s.name', 'c.g'),
  'reporter.id': reporterId('s.id'),
  'reporter.subject': person('s.subject', 'c.r'),
  'report.channel_number': `s.channel_number || '-' || c.k`,
  'report.identity_key': `s.identity_key || '-' || c.k`,
  'report_profile.segment': `(c.k * c.versions + s.segment) / ${SEGMENT}`,
  'report_feature.segment': `(c.k * c.versions + s.segment) / ${SEGMENT}`,
  // What few reports of the seed have is another thing in each copy.
  'report_feature.feature': `CASE WHEN s.rare THEN s.feature # (c.k::bigint << 24) ELSE s.feature END`,
  'search_entry.words': `CASE s.kind WHEN 'REPORT' THEN s.words || array_to_tsvector(ARRAY[c.k::text, 't:' || c.k]) ELSE s.words END`,
  'search_entry.place': `s.place + c.k * c.places`,
  'deadline.slot': `CASE WHEN s.report_id IS NULL THEN s.slot ELSE replace(s.slot, s.report_id::text, ${id('s.report_id')}::text) END`,
  'deadline.sort_at': `CASE WHEN s.sort_at > '9000-01-01' THEN s.sort_at ELSE s.sort_at - c.back END`,
  // All has been told of them: nothing is due at once.
  'deadline.next_notice_at': 'NULL::timestamptz',
  'decision.expiry_told_at': 's.expires_at - c.back',
  'payout.number': `s.number || '-' || c.k`,
  'payout.live_key': `s.live_key || ':' || c.k`,
  'payout.platform_reference': `s.platform_reference || '-' || c.k`,
  'payout.paid_reference': `s.paid_reference || '-' || c.k`,
  'notice.once_key': `s.once_key || ':' || c.k`,
  'audit_entry.position': 's.position + c.k * c.entries',
  'message.position': 's.position + c.k * c.messages',
  'delivery.position': 's.position + c.k * c.messages',
};

/** Which rows a copy has, where it has not all. */
const ONLY = {
  product: 'c.k = c.g',
  reporter: 'c.k = c.r',
  search_entry: `(s.kind <> 'PRODUCT' OR c.k = 0)`,
  ...Object.fromEntries(Object.entries(DAYS).map(([table, days]) => {
    const at = table === 'delivery_attempt' ? 'at' : 'created_at';
    const named = table === 'message' ? ' OR s.id IN (SELECT id FROM seed.named)' : '';
    return [table, `s.${at} - c.back > now() - interval '${days} days'${named}`];
  })),
};

const FUNCTION = `CREATE FUNCTION growth_id(id uuid, shift bigint, k int) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
  (lpad(to_hex(('x' || left(id::text, 8))::bit(32)::bigint - shift), 8, '0') || substr(id::text, 9, 20) || lpad(to_hex(k), 8, '0'))::uuid`;

/** The value that a column of `table` has in a copy. */
function value(table, column, type) {
  if (OWN[`${table}.${column}`]) return OWN[`${table}.${column}`];
  const own = `s."${column}"`;
  if (PERSON.includes(`${table}.${column}`)) return person(own);
  if (type === 'uuid' && column === 'product_id') return productId(own);
  if (type === 'uuid' && column === 'reporter_id') return reporterId(own);
  if (type === 'uuid') return KEPT.includes(column) ? own : id(own);
  if (type === 'timestamp with time zone') return `${own} - c.back`;
  if (type === 'date') return `${own} - c.days`;
  return own;
}

/** Makes `copies` of what the database holds; `sql` asks that database. Tables in `lean` keep the seed alone. */
export async function multiply(sql, copies, lean = []) {
  const rows = async (query) => (await sql(query)).split('\n').filter(Boolean).map((line) => line.split('\t'));
  const columns = await rows(`SELECT table_name, column_name, data_type FROM information_schema.columns
    WHERE table_schema = 'public' ORDER BY table_name, ordinal_position`);
  const constraints = await rows(`SELECT conrelid::regclass, quote_ident(conname), contype, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'f')`);
  const indexes = await rows(`SELECT tablename, indexname, indexdef FROM pg_indexes i WHERE schemaname = 'public'
    AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = indexname)`);
  const tables = [];
  for (const table of GROWN) {
    if (!lean.includes(table) && Number(await sql(`SELECT count(*) FROM ${table}`))) tables.push(table);
  }
  await sql('CREATE SCHEMA seed');
  await sql(FUNCTION);
  await sql('CREATE TABLE seed.named AS SELECT id FROM payout_change');
  const places = (await sql(`SELECT (SELECT max(place) FROM search_entry), (SELECT max(position) FROM audit_entry),
    (SELECT max(position) FROM message), (SELECT count(*) FROM report_profile)`)).split('\t');
  const groups = Math.ceil(Math.sqrt(copies / PEOPLE));
  // The golden ratio spreads any number of them evenly; the oldest come first, as they would have.
  const shift = (k) => `floor(mod(${k} * 0.6180339887498949, 1) * ${SPAN})::bigint`;
  await sql(`CREATE TABLE seed.copies AS SELECT k, shift, shift * interval '${PIECE} ms' AS back, (shift * ${PIECE} / 86400000)::int AS days,
    shift * ${PIECE} > 365 * 86400000::bigint AND k % 50 <> 7 AS over, k / ${PEOPLE} AS p, k % ${groups} AS g, k - k % ${REPORTERS} AS r, ${shift(`(k - k % ${REPORTERS})`)} AS rshift,
    ${places[0]}::bigint AS places, ${places[1]}::bigint AS entries, ${places[2]}::bigint AS messages, ${places[3]}::bigint AS versions
    FROM (SELECT k, ${shift('k')} AS shift FROM generate_series(0, ${copies - 1}) k) of_k ORDER BY shift DESC`);
  for (const [table, name, kind] of constraints) {
    if (kind === 'f') await sql(`ALTER TABLE "${table}" DROP CONSTRAINT ${name}`);
  }
  const grow = async (table) => {
    const own = columns.filter(([of]) => of === table);
    const rare = table === 'report_feature' ? ', count(*) OVER (PARTITION BY feature) <= 2 AS rare' : '';
    const keys = constraints.filter(([of, , kind]) => of === table && kind === 'p');
    const others = indexes.filter(([of]) => of === table);
    const list = own.map(([, column]) => `"${column}"`).join(', ');
    const values = own.map(([, column, type]) => value(table, column, type)).join(',\n');
    await sql([
      `CREATE TABLE seed."${table}" AS SELECT *${rare} FROM "${table}"`,
      ...keys.map(([, name]) => `ALTER TABLE "${table}" DROP CONSTRAINT ${name}`),
      ...others.map(([, name]) => `DROP INDEX "${name}"`),
      // In one transaction, so that what is written is not written into the log as well.
      `BEGIN; TRUNCATE "${table}"`,
      `INSERT INTO "${table}" (${list}) SELECT ${values} FROM seed.copies c CROSS JOIN LATERAL
        (SELECT * FROM seed."${table}" s WHERE c.k IS NOT NULL OFFSET 0) s ${ONLY[table] ? `WHERE ${ONLY[table]}` : ''}`,
      'COMMIT',
      `SET maintenance_work_mem = '512MB'`,
      ...keys.map(([, name, , definition]) => `ALTER TABLE "${table}" ADD CONSTRAINT ${name} ${definition}`),
      ...others.map(([, , definition]) => definition),
      `DROP TABLE seed."${table}"`,
    ].join(';\n'));
  };
  const waiting = [...tables];
  const work = async () => {
    for (let table = waiting.shift(); table; table = waiting.shift()) await grow(table);
  };
  await Promise.all([work(), work()]);
  for (const [table, name, kind, definition] of constraints) {
    if (kind === 'f') await sql(`ALTER TABLE "${table}" ADD CONSTRAINT ${name} ${definition} NOT VALID`);
  }
  await sql(`UPDATE sequence_head SET entry_position = (SELECT max(position) FROM audit_entry), message_position = ${copies} * ${places[2]};
    SELECT setval(pg_get_serial_sequence('search_entry', 'place'), (SELECT max(place) FROM search_entry))`);
  await sql('DROP SCHEMA seed CASCADE');
  await sql('VACUUM (ANALYZE)');
}
