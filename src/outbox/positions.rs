//! What waits for its position, and writing what one pass of the sequencer decided: one statement each on PostgreSQL, for
//! every way to it and back is a part of the time that a message takes to its receiver.

use chrono::{DateTime, Utc};
use entity::sequence_head;
use sea_orm::{ConnectionTrait, DatabaseBackend, DbErr, QueryResult, Statement, Value};
use uuid::Uuid;

use super::sequencer::BATCH;
use crate::database::Database;
use crate::database::given::{self, Given};
use crate::webhook::queue;

/// What is to be known of a message to position it and to queue its deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The message.
    pub id: Uuid,
    /// Its type.
    pub kind: String,
    /// The one webhook endpoint that is told, where it is for one alone.
    pub endpoint_id: Option<Uuid>,
    /// The event that it is about.
    pub event_id: Option<Uuid>,
}

/// How far the sequencer has come, and at most a batch of what waits, each in its order: all as of one moment.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) head: sequence_head::Model,
    pub(super) messages: Vec<Waiting>,
    /// Audit entries and their digests.
    pub(super) entries: Vec<(Uuid, Vec<u8>)>,
    /// The queue of deliveries.
    pub(super) pulse: queue::Pulse,
}

/// Looks at what waits, and at the queue of deliveries.
///
/// # Errors
/// Of the database.
pub(super) async fn look(database: &Database) -> Result<Look, DbErr> {
    let backend = database.backend();
    let (bytes, at) =
        if backend == DatabaseBackend::Postgres { ("bytea", "timestamptz") } else { ("blob", "text") };
    let sql = format!(
        "SELECT * FROM (SELECT 1 AS part, id, CAST(created_at AS {at}) AS at, kind, endpoint_id, event_id, \
            CAST(NULL AS {bytes}) AS bytes, CAST(NULL AS bigint) AS messages, CAST(NULL AS bigint) AS entries, \
            CAST(NULL AS bigint) AS endpoints \
            FROM message WHERE position IS NULL ORDER BY created_at, id LIMIT {BATCH}) AS messages \
         UNION ALL SELECT * FROM (SELECT 2, id, CAST(at AS {at}), NULL, CAST(NULL AS uuid), CAST(NULL AS uuid), digest, \
            CAST(NULL AS bigint), CAST(NULL AS bigint), CAST(NULL AS bigint) \
            FROM audit_entry WHERE position IS NULL ORDER BY at, id LIMIT {BATCH}) AS entries \
         UNION ALL SELECT 0, NULL, CAST({} AS {at}), NULL, NULL, NULL, entry_seal, message_position, \
            entry_position, {} FROM sequence_head WHERE id = 1",
        queue::NEXT_DUE,
        queue::VERSION,
    );
    let rows = database.reader().query_all_raw(Statement::from_string(backend, sql)).await?;
    let (mut head, mut messages, mut entries) = (None, Vec::new(), Vec::new());
    for row in &rows {
        match row.try_get::<i32>("", "part")? {
            1 => messages.push((row.try_get::<DateTime<Utc>>("", "at")?, waiting(row)?)),
            2 => {
                let digest: Vec<u8> = row.try_get("", "bytes")?;
                entries.push((
                    row.try_get::<DateTime<Utc>>("", "at")?,
                    row.try_get::<Uuid>("", "id")?,
                    digest,
                ));
            }
            _ => head = Some(row),
        }
    }
    let head = head.ok_or_else(|| DbErr::RecordNotFound("how far the sequencer has come".to_owned()))?;
    // The parts of a union come in no promised order.
    messages.sort_by_key(|(at, message)| (*at, message.id));
    entries.sort_unstable_by_key(|(at, id, _)| (*at, *id));
    Ok(Look {
        head: sequence_head::Model {
            id: 1,
            message_position: head.try_get("", "messages")?,
            entry_position: head.try_get("", "entries")?,
            entry_seal: head.try_get("", "bytes")?,
        },
        messages: messages.into_iter().map(|(_, message)| message).collect(),
        entries: entries.into_iter().map(|(_, id, digest)| (id, digest)).collect(),
        pulse: queue::Pulse { version: head.try_get("", "endpoints")?, next_due: head.try_get("", "at")? },
    })
}

fn waiting(row: &QueryResult) -> Result<Waiting, DbErr> {
    Ok(Waiting {
        id: row.try_get("", "id")?,
        kind: row.try_get("", "kind")?,
        endpoint_id: row.try_get("", "endpoint_id")?,
        event_id: row.try_get("", "event_id")?,
    })
}

/// An audit entry's place in the chain over the whole installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sealed {
    /// The entry.
    pub(super) id: Uuid,
    /// Its position.
    pub(super) position: i64,
    /// The seal over it and all before it.
    pub(super) seal: Vec<u8>,
}

/// What one pass decided.
#[derive(Debug)]
pub(super) struct Pass {
    /// How far the sequencer had come when it looked.
    pub(super) before: sequence_head::Model,
    /// How far it has come with this pass.
    pub(super) after: sequence_head::Model,
    /// Positions of messages.
    pub(super) messages: Vec<(Uuid, i64)>,
    /// Positions and seals of audit entries.
    pub(super) entries: Vec<Sealed>,
    /// Deliveries of the messages.
    pub(super) deliveries: Vec<queue::Queued>,
}

impl Pass {
    /// Writes all of it and answers true; or nothing, where another replica has come further meanwhile or is at it.
    ///
    /// # Errors
    /// Of the database; then nothing was written.
    pub(super) async fn write(self, database: &Database) -> Result<bool, DbErr> {
        let backend = database.backend();
        let head = [
            self.after.message_position.into(),
            self.after.entry_position.into(),
            self.after.entry_seal.into(),
            self.before.message_position.into(),
            self.before.entry_position.into(),
        ];
        let advance = "UPDATE sequence_head SET message_position = $1, entry_position = $2, entry_seal = $3";
        let unchanged = "id = 1 AND message_position = $4 AND entry_position = $5";
        let placed = self.messages.into_iter().map(|(id, position)| [id.into(), position.into()]);
        let sealed = self
            .entries
            .into_iter()
            .map(|Sealed { id, position, seal }| [id.into(), position.into(), seal.into()]);
        if backend == DatabaseBackend::Postgres {
            let mut values = Vec::from(head);
            let mut bind = |more: Vec<Value>| {
                let first = values.len() + 1;
                values.extend(more);
                first
            };
            // Each part is joined with the head's row, so that without it nothing is written.
            let sql = format!(
                "WITH head AS ({advance} WHERE id = (SELECT id FROM sequence_head WHERE {unchanged} \
                    FOR UPDATE SKIP LOCKED) RETURNING id), \
                 placed AS ({}), sealed AS ({}), queued AS ({}) SELECT id FROM head",
                place(backend, bind(PLACED.bind(backend, placed)), ", head"),
                seal(backend, bind(SEALED.bind(backend, sealed)), ", head"),
                queue::insertion(backend, bind(queue::QUEUED.bind(backend, self.deliveries)), ", head"),
            );
            let row = Statement::from_sql_and_values(backend, sql, values);
            return Ok(database.writer().query_one_raw(row).await?.is_some());
        }
        let transaction = database.begin_write().await?;
        let advance = format!("{advance} WHERE {unchanged}");
        let advanced =
            transaction.execute_raw(Statement::from_sql_and_values(backend, advance, head)).await?;
        if advanced.rows_affected() == 0 {
            transaction.rollback().await?;
            return Ok(false);
        }
        let parts = [
            (place(backend, 1, ""), placed.len(), PLACED.bind(backend, placed)),
            (seal(backend, 1, ""), sealed.len(), SEALED.bind(backend, sealed)),
            (
                queue::insertion(backend, 1, ""),
                self.deliveries.len(),
                queue::QUEUED.bind(backend, self.deliveries),
            ),
        ];
        for (sql, _, rows) in parts.into_iter().filter(|(_, count, _)| *count > 0) {
            transaction.execute_raw(Statement::from_sql_and_values(backend, sql, rows)).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }
}

const PLACED: Given<2> = Given([given::id("id"), given::number("position")]);
const SEALED: Given<3> = Given([given::id("id"), given::number("position"), given::bytes("seal")]);

fn place(backend: DatabaseBackend, first: usize, with: &str) -> String {
    let given = PLACED.source(backend, first);
    format!("UPDATE message SET position = given.position FROM {given}{with} WHERE message.id = given.id")
}

fn seal(backend: DatabaseBackend, first: usize, with: &str) -> String {
    format!(
        "UPDATE audit_entry SET position = given.position, seal = given.seal FROM {}{with} \
         WHERE audit_entry.id = given.id",
        SEALED.source(backend, first)
    )
}
