//! Reading what an event's clocks follow from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

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
use crate::graphql::ahead::{Ahead, Branch, Plan};

/// All that hangs on an event and that its clocks follow from, in one statement.
static ON_EVENT: LazyLock<Plan<event::Entity>> = LazyLock::new(|| {
    Plan::whole(&[
        Branch::many::<report::Entity>(),
        Branch::many::<verdict::Entity>(),
        Branch::many::<score::Entity>(),
        Branch::many::<affected_product::Entity>(),
        Branch::many::<remediation::Entity>(),
        Branch::many::<decision::Entity>(),
        Branch::many::<clock_fact::Entity>(),
        Branch::many::<obligation::Entity>(),
        Branch::many::<deadline::Entity>(),
    ])
});

/// What an event's clocks follow from, as it stands, but for the channels.
///
/// # Errors
/// Of the database.
pub async fn facts(app: &App, event: &event::Model) -> Result<ClockFacts> {
    let (id, ahead) = (event.id, Ahead::default());
    let found = event::Entity::find_by_id(id);
    let world = world_fact::Entity::find().filter(known_of(id)).all(app.database.reader());
    let (_, world) =
        tokio::try_join!(ON_EVENT.find(&app.database, found, &ahead), async { Ok(world.await?) })?;
    let mut verdicts = ahead.of::<verdict::Entity>(id);
    verdicts.sort_by_key(|row| (row.given_at, row.id));
    let mut scores = ahead.of::<score::Entity>(id);
    scores.sort_by_key(|row| (row.scored_at, row.id));
    let mut decisions = ahead.of::<decision::Entity>(id);
    decisions.sort_by_key(|row| (row.asked_at, row.id));
    let mut entered = ahead.of::<clock_fact::Entity>(id);
    entered.retain(|row| row.superseded_at.is_none());
    let mut reports = ahead.of::<report::Entity>(id);
    reports.sort_by_key(|row| row.id);
    let mut obligations = ahead.of::<obligation::Entity>(id);
    obligations.sort_by_key(|row| row.id);
    let mut deadlines = ahead.of::<deadline::Entity>(id);
    deadlines.sort_by_key(|row| row.id);
    let affected = ahead.of::<affected_product::Entity>(id);
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
        remediations: ahead.of::<remediation::Entity>(id),
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
