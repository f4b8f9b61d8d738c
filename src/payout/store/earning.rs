//! Who earns a report's payout, how much it may be, and who may not decide of it.

use std::collections::HashSet;

use entity::vocabulary::{AffectedState, AssetTier};
use entity::{affected_product, payout, payout_appeal, product, report, verdict};
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use crate::app::App;
use crate::database::is_one_of;
use crate::error::Result;
use crate::payout::rules::Sibling;

/// The other reports of the report's event, as they matter for who earns.
///
/// # Errors
/// Of the database.
pub async fn siblings(app: &App, report: &report::Model) -> Result<Vec<Sibling>> {
    let others = report::Entity::find()
        .filter(report::Column::EventId.eq(report.event_id))
        .filter(report::Column::Id.ne(report.id));
    let others = others.all(app.database.reader()).await?;
    let live = payout::Entity::find()
        .filter(is_one_of(app.database.backend(), payout::Column::ReportId, others.iter().map(|row| row.id)))
        .filter(payout::Column::LiveKey.is_not_null());
    let live: HashSet<_> =
        live.all(app.database.reader()).await?.into_iter().filter_map(|row| row.report_id).collect();
    let sibling = |other: report::Model| Sibling {
        earlier: (other.received_at, other.id) < (report.received_at, report.id),
        valid: other.severity.is_some() && !other.split,
        live: live.contains(&other.id),
    };
    Ok(others.into_iter().map(sibling).collect())
}

/// Whether the subject takes part in deciding a live payout of the reporter.
///
/// # Errors
/// Of the database.
pub async fn decides_for(app: &App, reporter: Uuid, subject: &str) -> Result<bool> {
    use payout::Column::{ApprovedBy, Id, LiveKey, ProposedBy, ReporterId, SplitBy};
    let resolved = Query::select()
        .column(payout_appeal::Column::PayoutId)
        .from(payout_appeal::Entity)
        .and_where(payout_appeal::Column::ResolvedBy.eq(subject))
        .take();
    let select = payout::Entity::find().filter(ReporterId.eq(reporter)).filter(LiveKey.is_not_null()).filter(
        Condition::any()
            .add(ProposedBy.eq(subject))
            .add(SplitBy.eq(subject))
            .add(ApprovedBy.eq(subject))
            .add(Id.in_subquery(resolved)),
    );
    Ok(select.one(app.database.reader()).await?.is_some())
}

/// Who gave the severity that the report has: who upheld the last appeal since the verdict that holds, else who gave
/// that verdict.
///
/// # Errors
/// Of the database.
pub async fn severity_author(app: &App, report: &report::Model) -> Result<Option<String>> {
    let db = app.database.reader();
    let select = verdict::Entity::find()
        .filter(verdict::Column::EventId.eq(report.event_id))
        .filter(verdict::Column::SupersededAt.is_null());
    let verdict = select.one(db).await?;
    let payouts = Query::select()
        .column(payout::Column::Id)
        .from(payout::Entity)
        .and_where(payout::Column::ReportId.eq(report.id))
        .take();
    use payout_appeal::Column::{PayoutId, ResolvedAt, SeverityAfter, SeverityBefore};
    let mut upheld = payout_appeal::Entity::find()
        .filter(PayoutId.in_subquery(payouts))
        .filter(Expr::col(SeverityAfter).ne(Expr::col(SeverityBefore)))
        .order_by_desc(ResolvedAt);
    if let Some(verdict) = &verdict {
        upheld = upheld.filter(ResolvedAt.gte(verdict.given_at));
    }
    let upheld = upheld.one(db).await?.and_then(|appeal| appeal.resolved_by);
    Ok(upheld.or(verdict.map(|verdict| verdict.given_by)))
}

/// The highest tier among the products that the event affects; none while none is recorded.
///
/// # Errors
/// Of the database.
pub async fn tier(app: &App, event: Uuid) -> Result<Option<AssetTier>> {
    let affected = Query::select()
        .column(affected_product::Column::ProductId)
        .from(affected_product::Entity)
        .and_where(affected_product::Column::EventId.eq(event))
        .and_where(affected_product::Column::State.is_in([AffectedState::Affected, AffectedState::Fixed]))
        .take();
    let select = product::Entity::find().filter(product::Column::Id.in_subquery(affected));
    let products = select.all(app.database.reader()).await?;
    // Tiers are ordered from the core outwards.
    Ok(products.into_iter().map(|product| product.asset_tier).min())
}

/// A valid report of the same event as a report that was received before it: the first one earns.
pub fn an_earlier_valid() -> SelectStatement {
    use report::Column::{EventId, Id, ReceivedAt, Severity, Split};
    let earlier = |column: report::Column| Expr::col(("earlier", column));
    let this = |column: report::Column| Expr::col((report::Entity, column));
    let before = earlier(ReceivedAt)
        .lt(this(ReceivedAt))
        .or(earlier(ReceivedAt).eq(this(ReceivedAt)).and(earlier(Id).lt(this(Id))));
    Query::select()
        .expr(Expr::val(1))
        .from_as(report::Entity, "earlier")
        .and_where(earlier(EventId).eq(this(EventId)))
        .and_where(earlier(Severity).is_not_null())
        .and_where(earlier(Split).eq(false))
        .and_where(before)
        .take()
}
