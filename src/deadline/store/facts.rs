//! Reading what an event's clocks follow from.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use anyhow::Context as _;
use entity::{
    affected_customer, affected_product, clock_fact, customer, deadline, decision, event, obligation,
    product, product_customer, remediation, report, score, verdict, world_fact,
};
use sea_orm::sea_query::{Expr, ExprTrait, IntoCondition, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseBackend, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Select,
};
use uuid::Uuid;

use crate::app::App;
use crate::database::is_one_of;
use crate::deadline::rules::{ClockFacts, Customers, Given, Product, Recorded, Scored};
use crate::deadline::store::{Stamp, stamp_columns};
use crate::error::{Error, Result};
use crate::graphql::ahead::{self, Ahead, Plan};

/// All that hangs on an event and that its clocks follow from.
static ON_EVENT: LazyLock<Plan<event::Entity>> = LazyLock::new(|| {
    let affected = Plan::<affected_product::Entity>::whole()
        .one(affected_product::Column::ProductId, Plan::<product::Entity>::whole());
    Plan::whole()
        .many(Plan::<report::Entity>::whole())
        .many(Plan::<verdict::Entity>::whole())
        .many(Plan::<score::Entity>::whole())
        .many(affected)
        .many(Plan::<affected_customer::Entity>::least())
        .many(Plan::<remediation::Entity>::whole())
        .many(Plan::<decision::Entity>::whole())
        .many(Plan::<world_fact::Entity>::whole())
        .many(Plan::<clock_fact::Entity>::whole())
        .many(Plan::<obligation::Entity>::whole())
        .many(Plan::<deadline::Entity>::whole())
});

/// What is selected for it. It is long, and the same for every event.
struct Texts {
    on_event: String,
    used: String,
    of_duplicates: String,
}

impl Texts {
    fn of(backend: DatabaseBackend) -> &'static Self {
        static POSTGRES: LazyLock<Texts> = LazyLock::new(|| Texts::new(DatabaseBackend::Postgres));
        static SQLITE: LazyLock<Texts> = LazyLock::new(|| Texts::new(DatabaseBackend::Sqlite));
        if backend == DatabaseBackend::Postgres { &POSTGRES } else { &SQLITE }
    }

    fn new(backend: DatabaseBackend) -> Self {
        let of_duplicates = OF_DUPLICATES.list(
            backend,
            "FROM \"event\" AS \"duplicate\" JOIN \"world_fact\" ON \"world_fact\".\"event_id\" = \"duplicate\".\"id\" \
             WHERE \"duplicate\".\"duplicate_of\" = \"event\".\"id\"",
        );
        Self { on_event: ON_EVENT.sql(backend), used: used(backend), of_duplicates }
    }
}

/// Which of the event's products customers use, each with 1 for those abroad and 0 for the others.
fn used(backend: DatabaseBackend) -> String {
    let product = "\"affected_product\".\"product_id\"";
    let pairs = match backend {
        DatabaseBackend::Postgres => {
            format!("CAST(json_agg(json_build_array({product}, side.abroad)) AS text)")
        }
        _ => format!("json_group_array(json_array(hex({product}), side.abroad))"),
    };
    format!(
        "(SELECT {pairs} FROM \"affected_product\", (SELECT 1 AS abroad UNION ALL SELECT 0) AS side \
         WHERE \"affected_product\".\"event_id\" = \"event\".\"id\" AND EXISTS (SELECT 1 FROM \"product_customer\" \
         JOIN \"customer\" ON \"customer\".\"id\" = \"product_customer\".\"customer_id\" \
         WHERE \"product_customer\".\"product_id\" = {product} AND \"customer\".\"abroad\" = (side.abroad = 1)))"
    )
}

/// What the world knows of the event's duplicates: it is known of the vulnerability. Read whether or not there are any, since who
/// sees the event may not see them.
static OF_DUPLICATES: LazyLock<Plan<world_fact::Entity>> = LazyLock::new(Plan::whole);

/// What an event's clocks follow from, as it stands, but for the channels.
///
/// # Errors
/// Of the database.
pub async fn facts(app: &App, event: &event::Model) -> Result<ClockFacts> {
    Ok(find(app, event::Column::Id.eq(event.id)).await?.0)
}

/// The event that is meant with what its clocks follow from, but for the channels, and the stamp of what they are counted
/// by: in one statement, but for customers who are recorded.
///
/// # Errors
/// NOT_FOUND when there is none.
pub async fn find(app: &App, which: impl IntoCondition) -> Result<(ClockFacts, Stamp)> {
    let (texts, ahead) = (Texts::of(app.database.backend()), Ahead::default());
    let mut select =
        ahead::rows::<event::Entity>().filter(which).expr_as(Expr::cust(&*texts.on_event), "read");
    for (name, sql) in stamp_columns() {
        select = select.expr_as(Expr::cust(sql), name);
    }
    let select = select
        .expr_as(Expr::cust(&*texts.used), "used")
        .expr_as(Expr::cust(&*texts.of_duplicates), "of_duplicates")
        .into_query();
    let found = app.database.reader().query_one(&select).await?.ok_or(Error::NotFound)?;
    let of_duplicates: Option<String> = found.try_get("", "of_duplicates")?;
    let stamp = Stamp::from_query_result(&found, "")?;
    let used: Option<String> = found.try_get("", "used")?;
    let event = ON_EVENT.rows(vec![found], &ahead)?.pop().ok_or(Error::NotFound)?;
    let id = event.id;

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
    let mut world = ahead.of::<world_fact::Entity>(id);
    world.extend(OF_DUPLICATES.listed(of_duplicates.as_deref(), &ahead)?);
    let product = |affected: affected_product::Model| {
        let product = ahead.named::<product::Entity>(affected.product_id)?;
        Some(Product { affected, product })
    };
    let products: Vec<_> = ahead.of::<affected_product::Entity>(id).into_iter().filter_map(product).collect();
    let recorded = if ahead.any::<affected_customer::Entity>(id) {
        let ids = products.iter().map(|known| known.product.id).collect();
        recorded(app, id, &ids).await?
    } else {
        Vec::new()
    };
    let facts = ClockFacts {
        reports,
        verdicts: verdicts
            .into_iter()
            .map(|row| Given { id: row.id, verdict: row.verdict, at: row.given_at })
            .collect(),
        scores: scores.into_iter().map(|row| Scored { pass: row.pass, at: row.scored_at }).collect(),
        products,
        customers: Customers { using: pairs(used.as_deref())?, recorded },
        remediations: ahead.of::<remediation::Entity>(id),
        decisions,
        world,
        entered,
        obligations,
        deadlines,
        ..ClockFacts::new(event, app.clock.now())
    };
    Ok((facts, stamp))
}

/// What [`used`] gave.
fn pairs(used: Option<&str>) -> Result<BTreeSet<(Uuid, bool)>> {
    let Some(used) = used else { return Ok(BTreeSet::new()) };
    let read: Vec<(Uuid, u8)> = serde_json::from_str(used).context("products that customers use")?;
    Ok(read.into_iter().map(|(product, abroad)| (product, abroad == 1)).collect())
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
