//! The record of payouts: what became of each, and the stream of all.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use entity::vocabulary::PayoutChangeKind;
use entity::{message, payout, payout_change, report};
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, Condition, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::app::App;
use crate::auth::policy::{Action, allows};
use crate::auth::{Actor, visibility};
use crate::database::is_one_of;
use crate::error::Result;

/// Payments for the event's reports that nobody expected: the payout's number, and when it was told.
///
/// # Errors
/// Of the database.
pub async fn unexpected_payments(app: &App, event: Uuid) -> Result<Vec<(String, DateTime<Utc>)>> {
    let reports = Query::select()
        .column(report::Column::Id)
        .from(report::Entity)
        .and_where(report::Column::EventId.eq(event))
        .take();
    let select = payout_change::Entity::find()
        .join(
            JoinType::InnerJoin,
            payout_change::Entity::belongs_to(payout::Entity)
                .from(payout_change::Column::PayoutId)
                .to(payout::Column::Id)
                .into(),
        )
        .select_only()
        .column(payout::Column::Number)
        .column(payout_change::Column::ChangedAt)
        .filter(payout_change::Column::Kind.eq(PayoutChangeKind::UnexpectedPayment))
        .filter(payout::Column::ReportId.in_subquery(reports))
        .order_by_asc(payout_change::Column::Id);
    Ok(select.into_tuple().all(app.database.reader()).await?)
}

/// Whether the payout's record has such a payment by these words.
///
/// # Errors
/// Of the database.
pub async fn is_recorded(app: &App, payout: Uuid, kind: PayoutChangeKind, reason: &str) -> Result<bool> {
    let select = payout_change::Entity::find()
        .filter(payout_change::Column::PayoutId.eq(payout))
        .filter(payout_change::Column::Kind.eq(kind))
        .filter(payout_change::Column::Reason.eq(reason));
    Ok(select.one(app.database.reader()).await?.is_some())
}

/// A change of a payout with its place in the stream.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Its place, from 1.
    pub position: i64,
    /// The change.
    pub change: payout_change::Model,
    /// The payout as it now is.
    pub payout: payout::Model,
}

/// Up to `limit` changes after `after`, of payouts that the actor may see, in the order of the stream.
///
/// # Errors
/// Of the database.
pub async fn changes_after(app: &App, actor: &Actor, after: i64, limit: u64) -> Result<Vec<Placed>> {
    let mut visible = Condition::all().add(visibility::visible_payout(actor));
    if !allows(actor, Action::ReadPayoutDecisions) {
        // The same as `rules::is_public`.
        visible = visible.add(payout_change::Column::Approved.eq(true)).add(
            payout_change::Column::Kind
                .is_not_in([PayoutChangeKind::Split, PayoutChangeKind::UnexpectedPayment]),
        );
    }
    let db = app.database.reader();
    // A change has the id of its message, and a message its position from after the commit on.
    let rows: Vec<(Uuid, i64)> = payout_change::Entity::find()
        .join(
            JoinType::InnerJoin,
            payout_change::Entity::belongs_to(payout::Entity)
                .from(payout_change::Column::PayoutId)
                .to(payout::Column::Id)
                .into(),
        )
        .join(
            JoinType::InnerJoin,
            payout_change::Entity::belongs_to(message::Entity)
                .from(payout_change::Column::Id)
                .to(message::Column::Id)
                .into(),
        )
        .select_only()
        .column(payout_change::Column::Id)
        .column(message::Column::Position)
        .filter(message::Column::Position.gt(after))
        .filter(visible)
        .order_by_asc(message::Column::Position)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await?;
    let backend = app.database.backend();
    let ids = rows.iter().map(|(id, _)| *id);
    let changes = payout_change::Entity::find().filter(is_one_of(backend, payout_change::Column::Id, ids));
    let changes: HashMap<_, _> = changes.all(db).await?.into_iter().map(|row| (row.id, row)).collect();
    let ids = changes.values().map(|change| change.payout_id).collect::<HashSet<_>>();
    let payouts = payout::Entity::find()
        .filter(is_one_of(backend, payout::Column::Id, ids))
        .filter(visibility::visible_payout(actor));
    let payouts: HashMap<_, _> = payouts.all(db).await?.into_iter().map(|row| (row.id, row)).collect();
    let placed = rows.into_iter().filter_map(|(id, position)| {
        let change = changes.get(&id)?.clone();
        let payout = payouts.get(&change.payout_id)?.clone();
        Some(Placed { position, change, payout })
    });
    Ok(placed.collect())
}
