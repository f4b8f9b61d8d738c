//! What an event's record says of the vulnerability itself: what replies and advisories are both drawn from.

use entity::vocabulary::{IndicatorKind, SeveritySource};
use entity::{
    affected_product, event, indicator, product, remediation, technical_severity, verdict, world_fact,
};
use sea_orm::sea_query::SimpleExpr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::app::App;
use crate::database::is_one_of;
use crate::error::Result;
use crate::template::gather::is_cve;

/// What is recorded of a vulnerability.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// The event.
    pub(crate) event: event::Model,
    /// The verdict in force.
    pub(crate) verdict: Option<verdict::Model>,
    /// How products stand to it, in the order in which they came to it.
    pub(crate) products: Vec<(affected_product::Model, product::Model)>,
    /// Fixes, by line.
    pub(crate) remediations: Vec<remediation::Model>,
    /// Our own technical assessments, newest first.
    pub(crate) severities: Vec<technical_severity::Model>,
    /// What the world knows, in the order in which it was recorded.
    pub(crate) world: Vec<world_fact::Model>,
}

/// Reads what is recorded of an event's vulnerability.
///
/// # Errors
/// Of the database.
pub(crate) async fn record(app: &App, event: &event::Model) -> Result<Record> {
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
    let (verdict, affected, remediations, severities, world) =
        tokio::try_join!(verdict, affected, remediations, severities, world)?;
    let products = product::Entity::find()
        .filter(is_one_of(backend, product::Column::Id, affected.iter().map(|row| row.product_id)))
        .all(db)
        .await?;
    let of = |row: affected_product::Model| {
        let product = products.iter().find(|product| product.id == row.product_id)?.clone();
        Some((row, product))
    };
    let products = affected.into_iter().filter_map(of).collect();
    Ok(Record { event: event.clone(), verdict, products, remediations, severities, world })
}

/// CVE numbers among these indicators that nobody dismissed, each once.
///
/// # Errors
/// Of the database.
pub(crate) async fn cves(app: &App, indicators: SimpleExpr) -> Result<Vec<String>> {
    let found = indicator::Entity::find()
        .filter(indicators)
        .filter(indicator::Column::Kind.eq(IndicatorKind::Cve))
        .filter(indicator::Column::DismissedAt.is_null())
        .order_by_asc(indicator::Column::Value)
        .all(app.database.reader())
        .await?;
    let mut numbers: Vec<String> =
        found.into_iter().map(|row| row.value).filter(|value| is_cve(value)).collect();
    numbers.dedup();
    Ok(numbers)
}
