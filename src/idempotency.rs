//! Creations that may be sent again: the same key with the same input answers what the first one did.

use std::cell::Cell;

use entity::idempotency;
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, EntityTrait};
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::Action;
use crate::error::{Error, RefusalCode, Result};
use crate::outbox::ChangeSet;

/// Longest key, in bytes.
const KEY_BYTES: usize = 200;

/// A caller's key with the digest of the input it came with.
#[derive(Clone, Debug)]
pub struct Key {
    pub(crate) key: String,
    pub(crate) input_hash: Vec<u8>,
}

/// What a key means before the command runs.
#[derive(Clone, Debug)]
pub enum Replay {
    /// No key was given, or it is new: go on, and [`remember`](crate::outbox::ChangeSet::remember) it.
    First(Option<Key>),
    /// The command already ran with this input; this is what it made. Rights are checked again when it is read.
    Done(Uuid),
}

tokio::task_local! {
    /// Whether the command that runs was sent with a key that was new when it looked.
    static LOOKED: Cell<bool>;
}

/// Runs a command, and answers beside its outcome whether it was sent with a key that was new to it. What refuses such
/// a one may be the same creation, sent at the same moment and done meanwhile.
pub async fn watched<T>(command: impl Future<Output = T>) -> (T, bool) {
    LOOKED
        .scope(Cell::new(false), async {
            let outcome = command.await;
            (outcome, LOOKED.with(Cell::get))
        })
        .await
}

/// Looks up the caller's key for `action`.
///
/// # Errors
/// A refusal with KEY_REUSED when the key came with other input, BAD_USER_INPUT when it is empty or too long.
pub async fn replay(
    app: &App,
    actor: &Actor,
    action: Action,
    key: Option<&str>,
    input: &(impl Serialize + Sync),
) -> Result<Replay> {
    let Some(key) = key else { return Ok(Replay::First(None)) };
    if key.is_empty() || key.len() > KEY_BYTES {
        return Err(Error::bad_input(
            "input.idempotencyKey",
            format!("send 1 to {KEY_BYTES} bytes, or leave it out"),
        ));
    }
    let bytes = serde_json::to_vec(input).map_err(anyhow::Error::from)?;
    let input_hash = Sha256::digest(&bytes).to_vec();
    let found = idempotency::Entity::find_by_id((
        actor.subject.to_string(),
        action.name().to_owned(),
        key.to_owned(),
    ))
    .one(app.database.reader())
    .await?;
    match found {
        None => {
            // Nobody watches a command that is not tried again.
            let _ = LOOKED.try_with(|looked| looked.set(true));
            Ok(Replay::First(Some(Key { key: key.to_owned(), input_hash })))
        }
        Some(row) if row.input_hash == input_hash => Ok(Replay::Done(row.result_id)),
        Some(_) => Err(Error::refused(
            RefusalCode::KeyReused,
            "this idempotencyKey came with other input before: use a new key for a new creation",
        )),
    }
}

/// Forgets, inside the caller's change, the keys with which a subject sent `action`.
pub fn forget(changes: &mut ChangeSet, subject: &str, action: Action) {
    let keys = Query::delete()
        .from_table(idempotency::Entity)
        .and_where(idempotency::Column::Subject.eq(subject))
        .and_where(idempotency::Column::Operation.eq(action.name()))
        .take();
    changes.write_delete(keys);
}
