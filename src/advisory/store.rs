//! The rows that advisories are written from.

use chrono::{DateTime, Utc};
use entity::vocabulary::{DecisionKind, IndicatorSource};
use entity::{audit_entry, decision, event, indicator, report};
use sea_orm::sea_query::{ExprTrait, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::rules::{ARRIVALS, CONTENT};
use crate::app::App;
use crate::auth::policy::Action;
use crate::error::Result;
use crate::template::store::record::{Record, cves, record};

/// A change of the event, as the audit trail keeps it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Changed {
    /// What was done.
    pub(super) action: Action,
    /// When.
    pub(super) at: DateTime<Utc>,
}

/// What an advisory is drawn from.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    /// What is recorded of the vulnerability; products by who provides them.
    pub(super) record: Record,
    /// The newest decision about disclosure.
    pub(super) disclosure: Option<decision::Model>,
    /// CVE numbers that were given with its reports or that analysts said, and nobody dismissed: what a text mentions need not be
    /// the event's.
    pub(super) cves: Vec<String>,
    /// Changes of what an advisory says or how far it goes, oldest first.
    pub(super) history: Vec<Changed>,
}

/// Reads what an advisory is drawn from.
///
/// # Errors
/// Of the database.
pub(super) async fn rows(app: &App, event: &event::Model) -> Result<Rows> {
    let reports = Query::select()
        .column(report::Column::Id)
        .from(report::Entity)
        .and_where(report::Column::EventId.eq(event.id))
        .take();
    let theirs = indicator::Column::ReportId.in_subquery(reports);
    let said = indicator::Column::Source.ne(IndicatorSource::Extracted);
    let (mut record, disclosure, cves, history) = tokio::try_join!(
        record(app, event),
        disclosure(app, event),
        cves(app, theirs.and(said)),
        history(app, event),
    )?;
    record.products.sort_by(|(_, one), (_, other)| {
        (&one.provider_entity, &one.key).cmp(&(&other.provider_entity, &other.key))
    });
    Ok(Rows { record, disclosure, cves, history })
}

async fn disclosure(app: &App, event: &event::Model) -> Result<Option<decision::Model>> {
    let select = decision::Entity::find()
        .filter(decision::Column::EventId.eq(event.id))
        .filter(decision::Column::Kind.eq(DecisionKind::Disclose))
        .filter(decision::Column::DecidedAt.is_not_null())
        .order_by_desc(decision::Column::DecidedAt)
        .order_by_desc(decision::Column::Id);
    Ok(select.one(app.database.reader()).await?)
}

async fn history(app: &App, event: &event::Model) -> Result<Vec<Changed>> {
    use audit_entry::Column as C;
    let told = || CONTENT.into_iter().chain([Action::SetEmbargo]);
    let is_told = C::Action.is_in(told().map(Action::name));
    // As an entry's details quote what was inserted: no text of a person stands in them unescaped.
    let brought = C::Action.is_in(ARRIVALS.map(Action::name)).and(C::Details.contains(r#""kind":"CVE""#));
    let rows: Vec<(String, DateTime<Utc>)> = audit_entry::Entity::find()
        .select_only()
        .columns([C::Action, C::At])
        .filter(C::AggregateKind.eq("event"))
        .filter(C::AggregateId.eq(event.id))
        .filter(is_told.or(brought))
        .order_by_asc(C::Revision)
        .into_tuple()
        .all(app.database.reader())
        .await?;
    let of = |name: &str| told().chain(ARRIVALS).find(|action| action.name() == name);
    Ok(rows.into_iter().filter_map(|(name, at)| Some(Changed { action: of(&name)?, at })).collect())
}
