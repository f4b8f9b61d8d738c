//! The rows that advisories are written from.

use chrono::{DateTime, Utc};
use entity::vocabulary::{DecisionKind, IndicatorKind, IndicatorSource, SeveritySource};
use entity::{
    affected_product, audit_entry, decision, event, indicator, product, remediation, report,
    technical_severity, verdict, world_fact,
};
use sea_orm::sea_query::{ExprTrait, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::rules::{ARRIVALS, CONTENT};
use crate::app::App;
use crate::auth::policy::Action;
use crate::database::is_one_of;
use crate::error::Result;
use crate::template::gather::is_cve;

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
    /// The event.
    pub(super) event: event::Model,
    /// The verdict in force.
    pub(super) verdict: Option<verdict::Model>,
    /// How products stand to it.
    pub(super) products: Vec<(affected_product::Model, product::Model)>,
    /// Fixes, by line.
    pub(super) remediations: Vec<remediation::Model>,
    /// Our own assessments, newest first.
    pub(super) severities: Vec<technical_severity::Model>,
    /// What the world knows, oldest first.
    pub(super) world: Vec<world_fact::Model>,
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
    let (db, backend) = (app.database.reader(), app.database.backend());
    let verdict = verdict::Entity::find()
        .filter(verdict::Column::EventId.eq(event.id))
        .filter(verdict::Column::SupersededAt.is_null())
        .order_by_desc(verdict::Column::GivenAt)
        .one(db);
    let affected = affected_product::Entity::find()
        .filter(affected_product::Column::EventId.eq(event.id))
        .order_by_asc(affected_product::Column::Id)
        .all(db);
    let remediations = remediation::Entity::find()
        .filter(remediation::Column::EventId.eq(event.id))
        .order_by_asc(remediation::Column::Line)
        .order_by_asc(remediation::Column::Id)
        .all(db);
    let severities = technical_severity::Entity::find()
        .filter(technical_severity::Column::EventId.eq(event.id))
        .filter(technical_severity::Column::Source.eq(SeveritySource::Ours))
        .order_by_desc(technical_severity::Column::AssessedAt)
        .order_by_desc(technical_severity::Column::Id)
        .all(db);
    let world = world_fact::Entity::find()
        .filter(world_fact::Column::EventId.eq(event.id))
        .order_by_asc(world_fact::Column::RecordedAt)
        .order_by_asc(world_fact::Column::Id)
        .all(db);
    let disclosure = decision::Entity::find()
        .filter(decision::Column::EventId.eq(event.id))
        .filter(decision::Column::Kind.eq(DecisionKind::Disclose))
        .filter(decision::Column::DecidedAt.is_not_null())
        .order_by_desc(decision::Column::DecidedAt)
        .order_by_desc(decision::Column::Id)
        .one(db);
    let (verdict, affected, remediations, severities, world, disclosure) =
        tokio::try_join!(verdict, affected, remediations, severities, world, disclosure)?;
    let products = product::Entity::find()
        .filter(is_one_of(backend, product::Column::Id, affected.iter().map(|row| row.product_id)))
        .all(db)
        .await?;
    let mut products: Vec<_> = affected
        .into_iter()
        .filter_map(|row| {
            let product = products.iter().find(|product| product.id == row.product_id)?.clone();
            Some((row, product))
        })
        .collect();
    products.sort_by(|(_, one), (_, other)| {
        (&one.provider_entity, &one.key).cmp(&(&other.provider_entity, &other.key))
    });
    Ok(Rows {
        event: event.clone(),
        verdict,
        products,
        remediations,
        severities,
        world,
        disclosure,
        cves: cves(app, event).await?,
        history: history(app, event).await?,
    })
}

async fn cves(app: &App, event: &event::Model) -> Result<Vec<String>> {
    let reports = Query::select()
        .column(report::Column::Id)
        .from(report::Entity)
        .and_where(report::Column::EventId.eq(event.id))
        .take();
    let found = indicator::Entity::find()
        .filter(indicator::Column::ReportId.in_subquery(reports))
        .filter(indicator::Column::Kind.eq(IndicatorKind::Cve))
        .filter(indicator::Column::Source.ne(IndicatorSource::Extracted))
        .filter(indicator::Column::DismissedAt.is_null())
        .order_by_asc(indicator::Column::Value)
        .all(app.database.reader())
        .await?;
    let mut numbers: Vec<String> =
        found.into_iter().map(|row| row.value).filter(|value| is_cve(value)).collect();
    numbers.dedup();
    Ok(numbers)
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
