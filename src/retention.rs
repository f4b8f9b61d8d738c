//! What need not be kept for ever: how long it is, and its going.
//!
//! The record is kept: the audit trail, what was received, sent, decided and paid. These go when their days are over:
//! keys of idempotency, deliveries that came to an end with their attempts, messages that no delivery and no change of a payout
//! names, and what people were told personally. Each process looks once an hour; several that do at once find nothing twice.
//!
//! Rows are found by their ids, which begin with the instant at which they were made: no index more is written with each.

use std::num::NonZeroU16;
use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, Utc};
use entity::vocabulary::DeliveryState;
use entity::{delivery, delivery_attempt};
use sea_orm::sea_query::{LockBehavior, LockType};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Statement,
};
use serde::Deserialize;
use uuid::Uuid;

use crate::app::App;
use crate::database::is_one_of;
use crate::error::Result;

/// Pause between two looks of a process.
const LOOK: TimeDelta = TimeDelta::hours(1);
/// Rows that one statement takes away: what waits behind it waits for no more.
const BATCH: u64 = 1_000;

/// Days for which things are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionSettings {
    /// Keys with which a creation is known again.
    pub idempotency_days: NonZeroU16,
    /// Deliveries that came to an end, and messages.
    pub deliveries_days: NonZeroU16,
    /// What people were told.
    pub notices_days: NonZeroU16,
}

impl Default for RetentionSettings {
    fn default() -> Self {
        let days = |days: u16| NonZeroU16::MIN.saturating_add(days - 1);
        Self { idempotency_days: days(90), deliveries_days: days(180), notices_days: days(365) }
    }
}

/// How long things are kept, and when this process looked last.
#[derive(Debug, Default)]
pub struct Retention {
    /// The days.
    pub settings: RetentionSettings,
    looked: Mutex<Option<DateTime<Utc>>>,
}

impl Retention {
    /// What is set.
    pub fn new(settings: RetentionSettings) -> Self {
        Self { settings, looked: Mutex::default() }
    }

    /// Whether it is time for another look, which then begins.
    fn begins(&self, now: DateTime<Utc>) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // A clock that was put back does not put off the next look.
        let begins = looked.is_none_or(|last| now >= last + LOOK || now < last);
        if begins {
            *looked = Some(now);
        }
        begins
    }
}

/// Keys that were sent before `$1`.
const KEYS: &str = "DELETE FROM idempotency WHERE (subject, operation, key) IN \
    (SELECT subject, operation, key FROM idempotency WHERE created_at < $1 ORDER BY created_at LIMIT $2)";

/// Notices with ids before `$1`.
const NOTICES: &str =
    "DELETE FROM notice WHERE id IN (SELECT id FROM notice WHERE id < $1 ORDER BY id LIMIT $2)";

/// Messages with ids before `$1` that have their place and that nothing names. A change of a payout has its message's id.
const MESSAGES: &str = "DELETE FROM message WHERE id IN (SELECT id FROM message WHERE id < $1 AND position IS NOT NULL \
    AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.message_id = message.id) \
    AND NOT EXISTS (SELECT 1 FROM payout_change WHERE payout_change.id = message.id) ORDER BY id LIMIT $2)";

/// Takes away what has been kept long enough, if this process has not looked lately.
///
/// # Errors
/// Of the database; what was taken away until then stays so.
pub async fn keep_up(app: &App) -> Result<()> {
    let now = app.clock.now();
    if !app.retention.begins(now) {
        return Ok(());
    }
    let before = |days: NonZeroU16| now - TimeDelta::days(days.get().into());
    let settings = app.retention.settings;
    let keys = all(app, KEYS, before(settings.idempotency_days)).await?;
    let notices = all(app, NOTICES, first_id(before(settings.notices_days))).await?;
    let ended = before(settings.deliveries_days);
    let deliveries = deliveries(app, ended).await?;
    let messages = all(app, MESSAGES, first_id(ended)).await?;
    if keys + notices + deliveries + messages > 0 {
        tracing::info!(keys, notices, deliveries, messages, "took away what was kept long enough");
    }
    Ok(())
}

/// The first id of all that are made at an instant.
fn first_id(at: DateTime<Utc>) -> Uuid {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}

/// Runs a deletion until it finds no full batch more, and answers how many rows went.
async fn all(
    app: &App,
    deletion: &str,
    before: impl Into<sea_orm::Value> + Clone,
) -> std::result::Result<u64, DbErr> {
    let db = app.database.writer();
    let mut gone = 0;
    loop {
        let values = [before.clone().into(), BATCH.cast_signed().into()];
        let statement = Statement::from_sql_and_values(app.database.backend(), deletion, values);
        let some = db.execute_raw(statement).await?.rows_affected();
        gone += some;
        if some < BATCH {
            return Ok(gone);
        }
    }
}

/// Takes deliveries away that came to an end before an instant, with their attempts. One may have been sent again long after
/// it was made.
async fn deliveries(app: &App, ended: DateTime<Utc>) -> std::result::Result<u64, DbErr> {
    use delivery::Column as C;
    let backend = app.database.backend();
    let mut gone = 0;
    loop {
        let transaction = app.database.begin_write().await?;
        let select = delivery::Entity::find().select_only().column(C::Id);
        let select = select.filter(C::Id.lt(first_id(ended))).filter(C::FinishedAt.lt(ended));
        let select = select.filter(C::State.ne(DeliveryState::Pending)).order_by_asc(C::Id).limit(BATCH);
        // Nobody sends one again while it goes, and what another process takes away is left to it.
        let select = select.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
        let ids: Vec<Uuid> = select.into_tuple().all(&transaction).await?;
        let attempts = is_one_of(backend, delivery_attempt::Column::DeliveryId, ids.iter().copied());
        delivery_attempt::Entity::delete_many().filter(attempts).exec(&transaction).await?;
        let some = ids.len() as u64;
        let rows = is_one_of(backend, C::Id, ids);
        delivery::Entity::delete_many().filter(rows).exec(&transaction).await?;
        transaction.commit().await?;
        gone += some;
        if some < BATCH {
            return Ok(gone);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_an_instant_come_after_its_first_one_and_those_before_it_do_not() {
        let at = crate::testing::now();
        let ids = |at| crate::clock::Ids::seeded(std::sync::Arc::new(crate::clock::SetClock::new(at)), 3);
        assert!(ids(at).next() >= first_id(at));
        assert!(ids(at - TimeDelta::milliseconds(1)).next() < first_id(at));
    }

    #[test]
    fn a_process_looks_once_an_hour_and_after_its_clock_was_put_back() {
        let (kept, at) = (Retention::default(), crate::testing::now());
        assert!(kept.begins(at) && !kept.begins(at + TimeDelta::minutes(59)));
        assert!(kept.begins(at + TimeDelta::minutes(60)));
        assert!(kept.begins(at) && !kept.begins(at));
    }
}
