//! Writing what one pass of the sequencer decided.

use entity::sequence_head;
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseBackend, DatabaseTransaction, DbErr, IntoActiveModel,
    Statement,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::database::{Given, given};

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

/// Writes the positions of `messages`, the positions and seals of `entries`, and how far both have come.
///
/// # Errors
/// Of the database.
pub(super) async fn write(
    transaction: &DatabaseTransaction,
    head: sequence_head::Model,
    messages: &[(Uuid, i64)],
    entries: &[Sealed],
) -> Result<(), DbErr> {
    let backend = transaction.get_database_backend();
    let columns = [("id", Given::Id), ("position", Given::Number), ("seal", Given::Text)];
    let place = |rows: &str| {
        let given = given(backend, rows, &columns[..2]);
        format!("UPDATE message SET position = given.position FROM {given} WHERE message.id = given.id")
    };
    let seal = |rows: &str| {
        let given = given(backend, rows, &columns);
        let seal = if backend == DatabaseBackend::Postgres {
            "decode(given.seal, 'hex')"
        } else {
            "unhex(given.seal)"
        };
        format!(
            "UPDATE audit_entry SET position = given.position, seal = {seal} FROM {given} \
             WHERE audit_entry.id = given.id"
        )
    };
    let placed = messages.iter().map(|(id, position)| json!({ "id": id, "position": position }));
    let placed = Value::from_iter(placed).to_string();
    let sealed = entries
        .iter()
        .map(|entry| json!({ "id": entry.id, "position": entry.position, "seal": hex::encode(&entry.seal) }));
    let sealed = Value::from_iter(sealed).to_string();
    if backend == DatabaseBackend::Postgres {
        // One way to the database instead of three.
        let sql = format!(
            "WITH placed AS ({}), sealed AS ({}) UPDATE sequence_head SET message_position = $3, entry_position = $4, \
             entry_seal = $5 WHERE id = $6",
            place("$1"),
            seal("$2")
        );
        let values = [
            placed.into(),
            sealed.into(),
            head.message_position.into(),
            head.entry_position.into(),
            head.entry_seal.into(),
            head.id.into(),
        ];
        transaction.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
        return Ok(());
    }
    for (sql, rows) in [(place("$1"), placed), (seal("$1"), sealed)] {
        transaction.execute_raw(Statement::from_sql_and_values(backend, sql, [rows.into()])).await?;
    }
    head.into_active_model().reset_all().update(transaction).await?;
    Ok(())
}
