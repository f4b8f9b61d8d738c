//! Reading what an event's clocks follow from.

use std::collections::BTreeMap;

use entity::{
    affected_customer, affected_product, clock_fact, customer, deadline, decision, event, obligation,
    product, remediation, report, score, verdict, world_fact,
};
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use crate::app::App;
use crate::database::is_one_of;
use crate::deadline::rules::{ClockFacts, Given, Product, Scored};
use crate::error::Result;

/// What an event's clocks follow from, as it stands, but for the channels.
///
/// # Errors
/// Of the database.
pub async fn facts(app: &App, event: &event::Model) -> Result<ClockFacts> {
    let db = app.database.reader();
    let id = event.id;
    let reports = report::Entity::find()
        .filter(report::Column::EventId.eq(id))
        .order_by_asc(report::Column::Id)
        .all(db);
    let verdicts = verdict::Entity::find()
        .filter(verdict::Column::EventId.eq(id))
        .order_by_asc(verdict::Column::GivenAt)
        .order_by_asc(verdict::Column::Id)
        .all(db);
    let scores = score::Entity::find()
        .filter(score::Column::EventId.eq(id))
        .order_by_asc(score::Column::ScoredAt)
        .order_by_asc(score::Column::Id)
        .all(db);
    let affected = affected_product::Entity::find()
        .filter(affected_product::Column::EventId.eq(id))
        .order_by_asc(affected_product::Column::Id)
        .all(db);
    let remediations = remediation::Entity::find()
        .filter(remediation::Column::EventId.eq(id))
        .order_by_asc(remediation::Column::Line)
        .all(db);
    let decisions = decision::Entity::find()
        .filter(decision::Column::EventId.eq(id))
        .order_by_asc(decision::Column::AskedAt)
        .order_by_asc(decision::Column::Id)
        .all(db);
    let customers = Query::select()
        .column(affected_customer::Column::CustomerId)
        .from(affected_customer::Entity)
        .and_where(affected_customer::Column::EventId.eq(id))
        .take();
    let customer_abroad = customer::Entity::find()
        .filter(customer::Column::Abroad.eq(true))
        .filter(customer::Column::Id.in_subquery(customers))
        .one(db);
    // What is known of a duplicate is known of the vulnerability.
    let duplicates = Query::select()
        .column(event::Column::Id)
        .from(event::Entity)
        .and_where(event::Column::DuplicateOf.eq(id))
        .take();
    let known = Condition::any()
        .add(world_fact::Column::EventId.eq(id))
        .add(world_fact::Column::EventId.in_subquery(duplicates));
    let world = world_fact::Entity::find().filter(known).all(db);
    let entered = clock_fact::Entity::find()
        .filter(clock_fact::Column::EventId.eq(id))
        .filter(clock_fact::Column::SupersededAt.is_null())
        .order_by_asc(clock_fact::Column::Id)
        .all(db);
    let obligations = obligation::Entity::find()
        .filter(obligation::Column::EventId.eq(id))
        .order_by_asc(obligation::Column::Id)
        .all(db);
    let deadlines = deadline::Entity::find()
        .filter(deadline::Column::EventId.eq(id))
        .order_by_asc(deadline::Column::Id)
        .all(db);
    let (
        reports,
        verdicts,
        scores,
        affected,
        customer_abroad,
        remediations,
        decisions,
        world,
        entered,
        obligations,
        deadlines,
    ) = tokio::try_join!(
        reports,
        verdicts,
        scores,
        affected,
        customer_abroad,
        remediations,
        decisions,
        world,
        entered,
        obligations,
        deadlines
    )?;
    let verdicts = verdicts
        .into_iter()
        .map(|row| Given { id: row.id, verdict: row.verdict, at: row.given_at })
        .collect();
    let scores = scores.into_iter().map(|row| Scored { pass: row.pass, at: row.scored_at }).collect();
    let products = products(app, affected).await?;
    Ok(ClockFacts {
        reports,
        verdicts,
        scores,
        products,
        customers_abroad: customer_abroad.is_some(),
        remediations,
        decisions,
        world,
        entered,
        obligations,
        deadlines,
        ..ClockFacts::new(event.clone(), app.clock.now())
    })
}

async fn products(app: &App, affected: Vec<affected_product::Model>) -> Result<Vec<Product>> {
    if affected.is_empty() {
        return Ok(Vec::new());
    }
    let ids = affected.iter().map(|row| row.product_id);
    let select = product::Entity::find().filter(is_one_of(app.database.backend(), product::Column::Id, ids));
    let known: BTreeMap<Uuid, product::Model> =
        select.all(app.database.reader()).await?.into_iter().map(|row| (row.id, row)).collect();
    let of = |affected: affected_product::Model| {
        known.get(&affected.product_id).cloned().map(|product| Product { affected, product })
    };
    Ok(affected.into_iter().filter_map(of).collect())
}
