//! The queue of deliveries in the database: enqueued, claimed under a lease, renewed, finished.
//!
//! A worker claims what is due by writing its id and a short lease, sends with no transaction open, and writes the
//! outcome only where the lease is still its own. What a killed worker held is free again when its lease ends.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use entity::vocabulary::DeliveryState;
use entity::{delivery, delivery_attempt, webhook_endpoint};
use sea_orm::sea_query::{Expr, SimpleExpr};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseBackend, DbErr, EntityTrait, FromQueryResult, IntoActiveModel,
    QueryFilter, QuerySelect, Statement, Value,
};
use uuid::Uuid;

use super::attempt::Attempt;
use super::schedule;
use crate::clock::Ids;
use crate::database::given::{self, Given};
use crate::database::{Database, is_one_of};

/// How long a claim holds unless it is renewed. With a look every two seconds, what a killed worker held is sent
/// within ten seconds.
pub const LEASE: TimeDelta = TimeDelta::seconds(7);

/// How many deliveries a worker wants for one endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The endpoint.
    pub endpoint: Uuid,
    /// At most so many.
    pub room: usize,
    /// Only the first waiting one of each event.
    pub per_event: bool,
    /// Only test messages: the grant waits to be confirmed, and so does what it is for.
    pub only_tests: bool,
}

/// What stands in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// Grows with every change of an endpoint.
    pub version: i64,
    /// When the first waiting delivery is due to an endpoint that takes it now; it may be under way.
    pub next_due: Option<DateTime<Utc>>,
}

/// What a worker writes of a delivery that it held.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    /// The delivery.
    pub id: Uuid,
    /// Where it goes.
    pub endpoint: Uuid,
    /// Where it now stands.
    pub state: DeliveryState,
    /// When it is tried next; only while it is pending.
    pub due_at: Option<DateTime<Utc>>,
    /// Attempts so far.
    pub attempts: i32,
    /// Why it is not tried again.
    pub note: Option<String>,
    /// The attempt that was made, when one was.
    pub attempt: Option<Attempt>,
    /// The attempt before that one.
    pub earlier: Option<Attempt>,
}

/// That a delivery named by its id still waits. In words that no index knows: the database's guess at how few wait is
/// made when it last counted, and going by it finds a hundred of a long queue by reading all of the queue.
const STILL_WAITS: &str = "COALESCE(delivery.state, '') = 'PENDING'";

/// The sum of all endpoints' revisions, which grows with every change of one.
pub(crate) const VERSION: &str = "(SELECT CAST(COALESCE(SUM(revision), 0) AS BIGINT) FROM webhook_endpoint)";

/// When the first delivery is due that a worker may claim, by one step into an index for each endpoint. What waits for one
/// that is paused, or for a grant to be confirmed, brings nobody to the queue.
pub(crate) const NEXT_DUE: &str = "(SELECT MIN(CASE WHEN grant_state = 'PROPOSED' \
    THEN (SELECT MIN(due_at) FROM delivery WHERE endpoint_id = webhook_endpoint.id AND state = 'PENDING' \
        AND kind = 'webhook.test') \
    ELSE (SELECT MIN(due_at) FROM delivery WHERE endpoint_id = webhook_endpoint.id AND state = 'PENDING') END) \
    FROM webhook_endpoint WHERE state = 'ACTIVE' AND deleted_at IS NULL)";

fn statement(
    backend: DatabaseBackend,
    sql: impl Into<String>,
    values: impl IntoIterator<Item = Value>,
) -> Statement {
    Statement::from_sql_and_values(backend, sql, values)
}

/// All endpoints that were not deleted.
///
/// # Errors
/// Of the database.
pub async fn endpoints(connection: &impl ConnectionTrait) -> Result<Vec<webhook_endpoint::Model>, DbErr> {
    webhook_endpoint::Entity::find()
        .filter(webhook_endpoint::Column::DeletedAt.is_null())
        .all(connection)
        .await
}

/// One cheap look at the queue.
///
/// # Errors
/// Of the database.
pub async fn pulse(database: &Database) -> Result<Pulse, DbErr> {
    let sql = format!("SELECT {VERSION} AS version, {NEXT_DUE} AS next_due");
    let row = database.reader().query_one_raw(statement(database.backend(), sql, [])).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("a look without FROM has one row".to_owned()))?;
    Ok(Pulse { version: row.try_get("", "version")?, next_due: row.try_get("", "next_due")? })
}

/// What an endpoint's change would be told by alone, where it is known that more is due.
///
/// # Errors
/// Of the database.
pub(super) async fn version(database: &Database) -> Result<i64, DbErr> {
    let sql = format!("SELECT {VERSION} AS version");
    let row = database.reader().query_one_raw(statement(database.backend(), sql, [])).await?;
    row.ok_or_else(|| DbErr::RecordNotFound("a look without FROM has one row".to_owned()))?
        .try_get("", "version")
}

/// Numbers deliveries that `owner` holds and that leave for the first time, in their order. Answers the numbers; a
/// delivery whose lease was lost meanwhile has none.
///
/// # Errors
/// Of the database; then nothing was numbered.
pub async fn number(
    database: &Database,
    owner: Uuid,
    leaving: &[&delivery::Model],
) -> Result<HashMap<Uuid, i64>, DbErr> {
    // Sorted, so that two workers lock the rows of the sequences in one order.
    let mut totals: BTreeMap<(Uuid, Uuid), i64> = BTreeMap::new();
    for delivery in leaving {
        *totals.entry(place(delivery)).or_default() += 1;
    }
    let mut seen: HashMap<(Uuid, Uuid), i64> = HashMap::new();
    let rows = leaving.iter().map(|delivery| {
        let place = place(delivery);
        let nth = seen.entry(place).or_default();
        *nth += 1;
        let total = totals.get(&place).copied().unwrap_or_default();
        [place.0.into(), place.1.into(), total.into(), delivery.id.into(), (*nth).into()]
    });
    let places = totals
        .iter()
        .map(|((endpoint, event), total)| [(*endpoint).into(), (*event).into(), (*total).into()]);
    let backend = database.backend();
    let of_places = Given([given::id("endpoint_id"), given::id("event_id"), given::number("total")]);
    let of_rows = Given([
        given::id("endpoint_id"),
        given::id("event_id"),
        given::number("total"),
        given::id("id"),
        given::number("nth"),
    ]);
    let (mut places, rows) = (of_places.bind(backend, places), of_rows.bind(backend, rows));
    let advance = format!(
        "INSERT INTO delivery_sequence (endpoint_id, event_id, next) \
         SELECT endpoint_id, event_id, total + 1 FROM {} WHERE true \
         ON CONFLICT (endpoint_id, event_id) DO UPDATE SET next = delivery_sequence.next + excluded.next - 1",
        of_places.source(backend, 1)
    );
    let numbered = |advanced: &str, owner: usize| {
        format!(
            "UPDATE delivery SET sequence = advanced.next - given.total + given.nth - 1 \
             FROM {advanced} AS advanced, {} WHERE delivery.id = given.id \
             AND advanced.endpoint_id = given.endpoint_id AND advanced.event_id = given.event_id \
             AND delivery.lease_owner = ${owner} AND {STILL_WAITS} AND delivery.sequence IS NULL \
             RETURNING delivery.id, delivery.sequence",
            of_rows.source(backend, owner + 1)
        )
    };
    let numbers = if backend == DatabaseBackend::Postgres {
        // One way to the database instead of four.
        let sql = format!(
            "WITH counted AS ({advance} RETURNING endpoint_id, event_id, next) {}",
            numbered("counted", places.len() + 1)
        );
        places.push(owner.into());
        places.extend(rows);
        database.writer().query_all_raw(statement(backend, sql, places)).await?
    } else {
        let transaction = database.begin_write().await?;
        transaction.execute_raw(statement(backend, advance, places)).await?;
        let values = [vec![owner.into()], rows].concat();
        let sql = numbered("delivery_sequence", 1);
        let numbers = transaction.query_all_raw(statement(backend, sql, values)).await?;
        transaction.commit().await?;
        numbers
    };
    numbers.iter().map(|row| Ok((row.try_get("", "id")?, row.try_get("", "sequence")?))).collect()
}

/// Whose sequence a delivery counts in: the endpoint's, for the event or for all that is about none.
fn place(delivery: &delivery::Model) -> (Uuid, Uuid) {
    (delivery.endpoint_id, delivery.event_id.unwrap_or_default())
}

/// A new delivery, due at once.
pub(crate) type Queued = [Value; 7];

/// The columns of new deliveries.
pub(crate) const QUEUED: Given<7> = Given([
    given::id("id"),
    given::id("endpoint_id"),
    given::id("message_id"),
    given::id("event_id").or_null(),
    given::text("kind"),
    given::number("position"),
    given::time("at"),
]);

/// Writes new deliveries, given as the values from `$first` on; `with` names what they are joined with.
pub(crate) fn insertion(backend: DatabaseBackend, first: usize, with: &str) -> String {
    format!(
        "INSERT INTO delivery (id, endpoint_id, message_id, event_id, kind, position, state, due_at, attempts, \
         created_at) SELECT given.id, endpoint_id, message_id, event_id, kind, position, 'PENDING', at, 0, at \
         FROM {}{with}",
        QUEUED.source(backend, first)
    )
}

/// Which deliveries of one endpoint may be claimed, first due first; `{endpoint}`, `{per_event}`, `{only}` and
/// `{room}` are put in, `$1` is the present instant. The first of an event is asked for as its smallest position: asked whether
/// another comes before it, a database that guesses so would look for that one among all deliveries.
const CLAIMABLE: &str = "SELECT id FROM delivery WHERE endpoint_id = {endpoint} AND state = 'PENDING' \
    AND due_at <= $1 AND (lease_until IS NULL OR lease_until <= $1) \
    AND ({per_event} = 0 OR event_id IS NULL OR position = (SELECT MIN(earlier.position) FROM delivery AS earlier \
        WHERE earlier.endpoint_id = delivery.endpoint_id AND earlier.event_id = delivery.event_id \
        AND earlier.state = 'PENDING')) {only} \
    ORDER BY due_at, id LIMIT {room}";

/// Restricts to test messages; in words that let a partial index be used, for a long queue may wait behind them.
const ONLY_TESTS: &str = "AND kind = 'webhook.test'";

fn claimable(endpoint: &str, per_event: &str, only: &str, room: &str) -> String {
    let claimable = CLAIMABLE.replace("{endpoint}", endpoint).replace("{per_event}", per_event);
    claimable.replace("{only}", only).replace("{room}", room)
}

/// Leases what is due to `owner`, for each endpoint as much as wanted: a long queue of one takes nothing from
/// another. In the order in which they shall leave.
///
/// # Errors
/// Of the database.
pub async fn claim(
    database: &Database,
    owner: Uuid,
    wanted: &[Wanted],
    now: DateTime<Utc>,
) -> Result<Vec<delivery::Model>, DbErr> {
    let (tests, all): (Vec<Wanted>, Vec<Wanted>) = wanted.iter().partition(|wanted| wanted.only_tests);
    let mut claimed = Vec::new();
    for (wanted, only) in [(all, ""), (tests, ONLY_TESTS)] {
        if !wanted.is_empty() {
            claimed.extend(claim_some(database, owner, &wanted, only, now).await?);
        }
    }
    claimed.sort_by_key(|row| (row.due_at, row.event_id, row.position, row.id));
    Ok(claimed)
}

async fn claim_some(
    database: &Database,
    owner: Uuid,
    wanted: &[Wanted],
    only: &str,
    now: DateTime<Utc>,
) -> Result<Vec<delivery::Model>, DbErr> {
    let backend = database.backend();
    let until = now + LEASE;
    let mut claimed = Vec::new();
    if backend == DatabaseBackend::Postgres {
        let columns = Given([given::id("endpoint_id"), given::number("room"), given::number("per_event")]);
        // As one value, of which the database guesses that it is short: for as many rows as a join with them might have, it
        // would read all deliveries.
        let sql = format!(
            "UPDATE delivery SET lease_owner = $2, lease_until = $3 WHERE id = ANY(ARRAY(SELECT free.id FROM {} \
             CROSS JOIN LATERAL ({} FOR UPDATE SKIP LOCKED) AS free)) RETURNING delivery.*",
            columns.source(backend, 4),
            claimable("given.endpoint_id", "given.per_event", only, "given.room"),
        );
        let rows = wanted.iter().map(|wanted| {
            let room = i64::try_from(wanted.room).unwrap_or(i64::MAX);
            [wanted.endpoint.into(), room.into(), i64::from(wanted.per_event).into()]
        });
        let mut values = vec![now.into(), owner.into(), until.into()];
        values.extend(columns.bind(backend, rows));
        for row in database.writer().query_all_raw(statement(backend, sql, values)).await? {
            claimed.push(delivery::Model::from_query_result(&row, "")?);
        }
    } else {
        let transaction = database.begin_write().await?;
        let sql = format!(
            "UPDATE delivery SET lease_owner = $2, lease_until = $3 WHERE id IN ({}) RETURNING *",
            claimable("$4", "$5", only, "$6")
        );
        for wanted in wanted {
            let room = i64::try_from(wanted.room).unwrap_or(i64::MAX);
            let values = [
                now.into(),
                owner.into(),
                until.into(),
                wanted.endpoint.into(),
                i32::from(wanted.per_event).into(),
                room.into(),
            ];
            for row in transaction.query_all_raw(statement(backend, sql.clone(), values)).await? {
                claimed.push(delivery::Model::from_query_result(&row, "")?);
            }
        }
        transaction.commit().await?;
    }
    Ok(claimed)
}

/// Prolongs the leases of what `owner` still holds.
///
/// # Errors
/// Of the database.
pub async fn renew(
    database: &Database,
    owner: Uuid,
    held: impl IntoIterator<Item = Uuid>,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    use delivery::{Column, Entity};
    Entity::update_many()
        .col_expr(Column::LeaseUntil, Expr::value(now + LEASE))
        .filter(is_one_of(database.backend(), Column::Id, held))
        .filter(Column::LeaseOwner.eq(owner))
        .filter(Expr::cust(STILL_WAITS))
        .exec(database.writer())
        .await?;
    Ok(())
}

/// Writes outcomes and attempts, and gives the leases back. What somebody else has taken over meanwhile keeps their
/// state; the attempt is recorded all the same, since it was made.
///
/// # Errors
/// Of the database; then the same may be settled again, which writes what is missing.
pub async fn settle(
    database: &Database,
    ids: &Ids,
    owner: Uuid,
    settled: &[Settled],
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let writer = database.writer();
    if settled.iter().all(|one| one.earlier.is_none()) {
        // One way to the database instead of three: nothing but outcomes, unless a lease was lost.
        return log(writer, ids, &settle_on(writer, owner, settled, now).await?).await;
    }
    let transaction = database.begin_write().await?;
    let displaced = settle_on(&transaction, owner, settled, now).await?;
    log(&transaction, ids, &displaced).await?;
    transaction.commit().await
}

/// Settles what `owner` still holds. Answers the attempts that have no place in a delivery, each with whose it is: what
/// another has displaced, and what was made by somebody who no longer held it.
async fn settle_on<'a>(
    connection: &impl ConnectionTrait,
    owner: Uuid,
    settled: &'a [Settled],
    now: DateTime<Utc>,
) -> Result<Vec<(&'a Settled, &'a Attempt)>, DbErr> {
    let backend = connection.get_database_backend();
    let last: String = ["duration_ms", "status", "error", "answer"]
        .map(|name| {
            format!("last_{name} = CASE WHEN given.at IS NULL THEN last_{name} ELSE given.{name} END, ")
        })
        .concat();
    let sql = format!(
        "UPDATE delivery SET state = given.state, due_at = COALESCE(given.due_at, delivery.due_at), \
         attempts = given.attempts, note = given.note, finished_at = given.finished_at, {last}\
         last_tried_at = COALESCE(given.at, last_tried_at), lease_owner = NULL, lease_until = NULL \
         FROM {} WHERE delivery.id = given.id AND delivery.lease_owner = $1 AND {STILL_WAITS} RETURNING delivery.id",
        SETTLED.source(backend, 2)
    );
    let mut values = vec![owner.into()];
    values.extend(SETTLED.bind(backend, settled.iter().map(|settled| row(settled, now))));
    let held = connection.query_all_raw(statement(backend, sql, values)).await?;
    let held: HashSet<Uuid> = held.iter().map(|row| row.try_get("", "id")).collect::<Result<_, _>>()?;
    let lost = settled.iter().filter(|one| one.attempt.is_some() && !held.contains(&one.id));
    let lost: Vec<Uuid> = lost.map(|one| one.id).collect();
    let written = if lost.is_empty() { HashMap::new() } else { last_attempts(connection, lost).await? };
    let displaced = settled.iter().filter_map(|one| {
        let displaced = if held.contains(&one.id) { &one.earlier } else { &one.attempt };
        Some((one, displaced.as_ref().filter(|attempt| written.get(&one.id) != Some(*attempt))?))
    });
    Ok(displaced.collect())
}

/// The attempts that stand in these deliveries: what was settled without its answer coming back is settled again.
async fn last_attempts(
    connection: &impl ConnectionTrait,
    ids: Vec<Uuid>,
) -> Result<HashMap<Uuid, Attempt>, DbErr> {
    let wanted = is_one_of(connection.get_database_backend(), delivery::Column::Id, ids);
    let rows = delivery::Entity::find().filter(wanted).all(connection).await?;
    Ok(rows.iter().filter_map(|row| Some((row.id, Attempt::last_of(row)?))).collect())
}

/// What is written of a delivery.
const SETTLED: Given<11> = Given([
    given::id("id"),
    given::text("state"),
    given::time("due_at").or_null(),
    given::number("attempts"),
    given::text("note").or_null(),
    given::time("finished_at").or_null(),
    given::time("at").or_null(),
    given::number("duration_ms").or_null(),
    given::number("status").or_null(),
    given::text("error").or_null(),
    given::text("answer").or_null(),
]);

fn row(settled: &Settled, now: DateTime<Utc>) -> [Value; 11] {
    let attempt = settled.attempt.as_ref();
    [
        settled.id.into(),
        settled.state.as_str().into(),
        settled.due_at.into(),
        i64::from(settled.attempts).into(),
        settled.note.clone().into(),
        (settled.state != DeliveryState::Pending).then_some(now).into(),
        attempt.map(|attempt| attempt.at).into(),
        attempt.map(|attempt| i64::from(attempt.duration_ms)).into(),
        attempt.and_then(|attempt| attempt.status).map(i64::from).into(),
        attempt.and_then(|attempt| attempt.error.clone()).into(),
        attempt.and_then(|attempt| attempt.answer.clone()).into(),
    ]
}

/// Writes attempts that have no place in a delivery.
async fn log(
    connection: &impl ConnectionTrait,
    ids: &Ids,
    attempts: &[(&Settled, &Attempt)],
) -> Result<(), DbErr> {
    let rows = attempts.iter().map(|(settled, attempt)| {
        let Attempt { at, duration_ms, status, error, answer } = (*attempt).clone();
        let (delivery_id, endpoint_id) = (settled.id, settled.endpoint);
        delivery_attempt::Model {
            id: ids.next(),
            delivery_id,
            endpoint_id,
            at,
            duration_ms,
            status,
            error,
            answer,
        }
    });
    let rows: Vec<_> = rows.map(IntoActiveModel::into_active_model).collect();
    if rows.is_empty() {
        return Ok(());
    }
    delivery_attempt::Entity::insert_many(rows).exec_without_returning(connection).await?;
    Ok(())
}

/// Records that an endpoint takes what it is sent. No version moves: nobody's form grows stale.
///
/// # Errors
/// Of the database.
pub(super) async fn set_well(database: &Database, endpoint: Uuid) -> Result<(), DbErr> {
    use webhook_endpoint::{Column, Entity};
    let update =
        Entity::update_many().filter(Column::Id.eq(endpoint)).filter(Column::FailingSince.is_not_null());
    let none: Option<DateTime<Utc>> = None;
    update.col_expr(Column::FailingSince, Expr::value(none)).exec(database.writer()).await?;
    Ok(())
}

/// Records that an endpoint fails, and answers since when it has taken nothing: the first failure counts, whichever worker
/// saw it, unless a delivery came through after it, whichever worker sent that.
///
/// # Errors
/// Of the database.
pub(super) async fn failing_since(
    database: &Database,
    endpoint: Uuid,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, DbErr> {
    use webhook_endpoint::{Column, Entity};
    let begins = |from: SimpleExpr| {
        let update = Entity::update_many().filter(Column::Id.eq(endpoint)).filter(from);
        update.col_expr(Column::FailingSince, Expr::value(now)).exec(database.writer())
    };
    if begins(Column::FailingSince.is_null()).await?.rows_affected > 0 {
        return Ok(now);
    }
    let since = Entity::find_by_id(endpoint).select_only().column(Column::FailingSince);
    let since: Option<(Option<DateTime<Utc>>,)> = since.into_tuple().one(database.writer()).await?;
    let Some((Some(since),)) = since else { return Ok(now) };
    let taken = delivery::Entity::find()
        .filter(delivery::Column::EndpointId.eq(endpoint))
        .filter(delivery::Column::State.eq(DeliveryState::Delivered))
        .filter(delivery::Column::FinishedAt.gte(since));
    if schedule::is_given_up(since, now) && taken.one(database.writer()).await?.is_some() {
        begins(Column::FailingSince.eq(since)).await?;
        return Ok(now);
    }
    Ok(since)
}
