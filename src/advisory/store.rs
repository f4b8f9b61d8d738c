//! The rows that advisories are written from.

use chrono::{DateTime, Utc};
use entity::vocabulary::{ChannelKind, DecisionKind, IndicatorKind};
use entity::{audit_entry, channel, decision, event, indicator, report};
use sea_orm::sea_query::{ExprTrait, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::history::Entry;
use crate::app::App;
use crate::database::is_one_of;
use crate::error::Result;
use crate::template::store::record::{Record, record};

/// Channels whose notices vouch for the CVE numbers that they give.
const OFFICIAL: [ChannelKind; 3] =
    [ChannelKind::NationalDatabase, ChannelKind::Regulator, ChannelKind::Vendor];

/// What an advisory is drawn from.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    /// What is recorded of the vulnerability; products by who provides them.
    pub(super) record: Record,
    /// The newest decision about disclosure.
    pub(super) disclosure: Option<decision::Model>,
    /// Indicators of its reports that are CVE numbers, whoever said so and whether or not somebody dismissed them.
    pub(super) numbers: Vec<indicator::Model>,
    /// Its reports that came as notices of databases, regulators or vendors.
    pub(super) official: Vec<Uuid>,
    /// What was changed of the event and of the products on it, oldest first.
    pub(super) entries: Vec<Entry>,
}

/// Reads what an advisory is drawn from.
///
/// # Errors
/// Of the database.
pub(super) async fn rows(app: &App, event: &event::Model) -> Result<Rows> {
    let (mut record, disclosure, numbers, official) = tokio::try_join!(
        record(app, event),
        disclosure(app, event),
        numbers(app, event),
        official(app, event),
    )?;
    record.products.sort_by(|(_, one), (_, other)| {
        (&one.provider_entity, &one.key).cmp(&(&other.provider_entity, &other.key))
    });
    let products = record.products.iter().map(|(_, product)| product.id);
    let entries = entries(app, event, products).await?;
    Ok(Rows { record, disclosure, numbers, official, entries })
}

fn reports(event: &event::Model) -> SelectStatement {
    Query::select()
        .column(report::Column::Id)
        .from(report::Entity)
        .and_where(report::Column::EventId.eq(event.id))
        .take()
}

async fn numbers(app: &App, event: &event::Model) -> Result<Vec<indicator::Model>> {
    let select = indicator::Entity::find()
        .filter(indicator::Column::ReportId.in_subquery(reports(event)))
        .filter(indicator::Column::Kind.eq(IndicatorKind::Cve));
    Ok(select.all(app.database.reader()).await?)
}

async fn official(app: &App, event: &event::Model) -> Result<Vec<Uuid>> {
    let channels = Query::select()
        .column(channel::Column::Id)
        .from(channel::Entity)
        .and_where(channel::Column::Kind.is_in(OFFICIAL))
        .take();
    let select = report::Entity::find()
        .select_only()
        .column(report::Column::Id)
        .filter(report::Column::EventId.eq(event.id))
        .filter(report::Column::ChannelId.in_subquery(channels));
    Ok(select.into_tuple().all(app.database.reader()).await?)
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

async fn entries(
    app: &App,
    event: &event::Model,
    products: impl Iterator<Item = Uuid>,
) -> Result<Vec<Entry>> {
    use audit_entry::Column as C;
    let of_event = C::AggregateKind.eq("event").and(C::AggregateId.eq(event.id));
    let of_products =
        C::AggregateKind.eq("product").and(is_one_of(app.database.backend(), C::AggregateId, products));
    // As they became: of one instant each aggregate's own stay in their order.
    let rows: Vec<(String, Uuid, String, DateTime<Utc>, String)> = audit_entry::Entity::find()
        .select_only()
        .columns([C::AggregateKind, C::AggregateId, C::Action, C::At, C::Details])
        .filter(Condition::any().add(of_event).add(of_products))
        .order_by_asc(C::At)
        .order_by_asc(C::AggregateKind)
        .order_by_asc(C::AggregateId)
        .order_by_asc(C::Revision)
        .into_tuple()
        .all(app.database.reader())
        .await?;
    let entry = |(kind, id, action, at, details): (String, Uuid, String, DateTime<Utc>, String)| {
        let product = (kind == "product").then(|| id.to_string());
        let details = serde_json::from_str(&details).map_err(anyhow::Error::from)?;
        Ok(Entry { at, action, product, details })
    };
    rows.into_iter().map(entry).collect()
}
