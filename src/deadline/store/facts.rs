//! Reading what an event's clocks follow from.

use std::collections::{BTreeMap, BTreeSet};

use entity::{
    affected_customer, affected_product, clock_fact, customer, deadline, decision, event, obligation,
    product, product_customer, remediation, report, score, verdict, world_fact,
};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use uuid::Uuid;

use crate::app::App;
use crate::database::is_one_of;
use crate::deadline::rules::{ClockFacts, Customers, Given, Product, Recorded, Scored};
use crate::error::Result;

/// What an event's clocks follow from, as it stands, but for the channels.
///
/// # Errors
/// Of the database.
pub async fn facts(app: &App, event: &event::Model) -> Result<ClockFacts> {
    let db = app.database.reader();
    let id = event.id;
    let (
        reports,
        verdicts,
        scores,
        affected,
        remediations,
        decisions,
        world,
        entered,
        obligations,
        deadlines,
    ) = tokio::try_join!(
        report::Entity::find()
            .filter(report::Column::EventId.eq(id))
            .order_by_asc(report::Column::Id)
            .all(db),
        verdict::Entity::find()
            .filter(verdict::Column::EventId.eq(id))
            .order_by_asc(verdict::Column::GivenAt)
            .order_by_asc(verdict::Column::Id)
            .all(db),
        score::Entity::find()
            .filter(score::Column::EventId.eq(id))
            .order_by_asc(score::Column::ScoredAt)
            .order_by_asc(score::Column::Id)
            .all(db),
        affected_product::Entity::find()
            .filter(affected_product::Column::EventId.eq(id))
            .order_by_asc(affected_product::Column::Id)
            .all(db),
        remediation::Entity::find()
            .filter(remediation::Column::EventId.eq(id))
            .order_by_asc(remediation::Column::Line)
            .all(db),
        decision::Entity::find()
            .filter(decision::Column::EventId.eq(id))
            .order_by_asc(decision::Column::AskedAt)
            .order_by_asc(decision::Column::Id)
            .all(db),
        world_fact::Entity::find().filter(known_of(id)).all(db),
        clock_fact::Entity::find()
            .filter(clock_fact::Column::EventId.eq(id))
            .filter(clock_fact::Column::SupersededAt.is_null())
            .order_by_asc(clock_fact::Column::Id)
            .all(db),
        obligation::Entity::find()
            .filter(obligation::Column::EventId.eq(id))
            .order_by_asc(obligation::Column::Id)
            .all(db),
        deadline::Entity::find()
            .filter(deadline::Column::EventId.eq(id))
            .order_by_asc(deadline::Column::Id)
            .all(db),
    )?;
    let ids = affected.iter().map(|row| row.product_id).collect();
    let (customers, products) = tokio::try_join!(customers(app, id, &ids), products(app, affected))?;
    Ok(ClockFacts {
        reports,
        verdicts: verdicts
            .into_iter()
            .map(|row| Given { id: row.id, verdict: row.verdict, at: row.given_at })
            .collect(),
        scores: scores.into_iter().map(|row| Scored { pass: row.pass, at: row.scored_at }).collect(),
        products,
        customers,
        remediations,
        decisions,
        world,
        entered,
        obligations,
        deadlines,
        ..ClockFacts::new(event.clone(), app.clock.now())
    })
}

/// What the world knows of an event: what is known of a duplicate is known of the vulnerability.
fn known_of(event: Uuid) -> Condition {
    let duplicates = Query::select()
        .column(event::Column::Id)
        .from(event::Entity)
        .and_where(event::Column::DuplicateOf.eq(event))
        .take();
    Condition::any()
        .add(world_fact::Column::EventId.eq(event))
        .add(world_fact::Column::EventId.in_subquery(duplicates))
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

/// The customers whom an event is about that has these products.
///
/// # Errors
/// Of the database.
pub async fn customers(app: &App, event: Uuid, products: &BTreeSet<Uuid>) -> Result<Customers> {
    let (using, recorded) = tokio::try_join!(using(app, products, None), recorded(app, event, products))?;
    Ok(Customers { using, recorded })
}

/// The same once a customer is as `assumed` and uses `uses`, which the rows need not say yet.
///
/// # Errors
/// Of the database.
pub async fn customers_once(
    app: &App,
    event: Uuid,
    products: &BTreeSet<Uuid>,
    assumed: &customer::Model,
    uses: &BTreeSet<Uuid>,
) -> Result<Customers> {
    let (mut using, mut recorded) =
        tokio::try_join!(using(app, products, Some(assumed.id)), recorded(app, event, products))?;
    let uses: BTreeSet<Uuid> = uses.intersection(products).copied().collect();
    using.extend(uses.iter().map(|product| (*product, assumed.abroad)));
    for row in recorded.iter_mut().filter(|row| row.customer == assumed.id) {
        *row = Recorded { customer: assumed.id, abroad: assumed.abroad, uses: uses.clone() };
    }
    Ok(Customers { using, recorded })
}

/// Those of `products` that customers use, each with whether these are abroad; but for what `except` uses.
async fn using(app: &App, products: &BTreeSet<Uuid>, except: Option<Uuid>) -> Result<BTreeSet<(Uuid, bool)>> {
    if products.is_empty() {
        return Ok(BTreeSet::new());
    }
    let mut select = links(app, products)
        .select_only()
        .column(product_customer::Column::ProductId)
        .column(customer::Column::Abroad)
        .distinct();
    if let Some(except) = except {
        select = select.filter(product_customer::Column::CustomerId.ne(except));
    }
    let own = Expr::col((product_customer::Entity, product_customer::Column::CustomerId));
    QuerySelect::query(&mut select)
        .inner_join(customer::Entity, own.equals((customer::Entity, customer::Column::Id)));
    let found: Vec<(Uuid, bool)> = select.into_tuple().all(app.database.reader()).await?;
    Ok(found.into_iter().collect())
}

/// Who of an event's customers is recorded as affected, in the order of their ids.
async fn recorded(app: &App, event: Uuid, products: &BTreeSet<Uuid>) -> Result<Vec<Recorded>> {
    let (backend, db) = (app.database.backend(), app.database.reader());
    let ids = Query::select()
        .column(affected_customer::Column::CustomerId)
        .from(affected_customer::Entity)
        .and_where(affected_customer::Column::EventId.eq(event))
        .take();
    let select = customer::Entity::find().filter(customer::Column::Id.in_subquery(ids));
    let customers = select.order_by_asc(customer::Column::Id).all(db).await?;
    if customers.is_empty() {
        return Ok(Vec::new());
    }
    let theirs = is_one_of(
        backend,
        product_customer::Column::CustomerId,
        customers.iter().map(|customer| customer.id),
    );
    let links = links(app, products).filter(theirs).all(db).await?;
    let of = |customer: customer::Model| Recorded {
        customer: customer.id,
        abroad: customer.abroad,
        uses: links.iter().filter(|row| row.customer_id == customer.id).map(|row| row.product_id).collect(),
    };
    Ok(customers.into_iter().map(of).collect())
}

/// Which of `products` the customer uses.
///
/// # Errors
/// Of the database.
pub async fn uses(app: &App, customer: Uuid, products: &BTreeSet<Uuid>) -> Result<BTreeSet<Uuid>> {
    let select = links(app, products).filter(product_customer::Column::CustomerId.eq(customer));
    let rows = select.all(app.database.reader()).await?;
    Ok(rows.into_iter().map(|row| row.product_id).collect())
}

fn links(app: &App, products: &BTreeSet<Uuid>) -> Select<product_customer::Entity> {
    let of = is_one_of(app.database.backend(), product_customer::Column::ProductId, products.iter().copied());
    product_customer::Entity::find().filter(of)
}
