//! Batched reads: what many objects of one answer need is read in one statement.
//!
//! A [`Reader`] acts for one caller and lives as long as one request. Rows that hang on an event
//! ([`children`]) need no check of their own: the event they are read for was found through
//! [`visibility`](crate::auth::visibility). Events and reports are found only where visible.

use std::collections::HashMap;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use async_graphql::Context;
use async_graphql::dataloader::{DataLoader, Loader};
use entity::vocabulary::Facet;
use entity::{event, payout, report};
use sea_orm::{EntityTrait, ModelTrait, Order, PrimaryKeyTrait, QueryFilter, QueryOrder, Value};
use uuid::Uuid;

use crate::app::App;
use crate::auth::{Actor, visibility};
use crate::database::is_one_of;
use crate::error::Error;
use crate::graphql::errors::{ApiError, ApiResult};

/// Reads for one caller.
pub struct Reader {
    app: Arc<App>,
    actor: Actor,
}

impl Reader {
    /// A reader for one request's loaders.
    pub fn new(app: Arc<App>, actor: Actor) -> Self {
        Self { app, actor }
    }

    /// The running product, for a slice's own loaders.
    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    /// For whom it reads, for a slice's own loaders.
    pub(crate) fn actor(&self) -> &Actor {
        &self.actor
    }
}

/// A table whose rows are read by the row they hang on.
pub trait Child: EntityTrait {
    /// Column with the parent's id.
    const PARENT: Self::Column;
    /// Order within one parent; the id breaks ties.
    const ORDER: (Self::Column, Order);
    /// The id.
    const ID: Self::Column;
}

macro_rules! children {
    ($($table:ident by $parent:ident, $order:ident $direction:ident;)+) => {$(
        impl Child for entity::$table::Entity {
            const PARENT: Self::Column = entity::$table::Column::$parent;
            const ORDER: (Self::Column, Order) = (entity::$table::Column::$order, Order::$direction);
            const ID: Self::Column = entity::$table::Column::Id;
        }
    )+};
}

children! {
    verdict by EventId, GivenAt Desc;
    score by EventId, ScoredAt Desc;
    technical_severity by EventId, AssessedAt Desc;
    world_fact by EventId, RecordedAt Asc;
    affected_product by EventId, Id Asc;
    affected_customer by EventId, Id Asc;
    team_member by EventId, AddedAt Asc;
    assignment by EventId, AssignedAt Asc;
    remediation by EventId, Line Asc;
    verification by EventId, VerifiedAt Desc;
    decision by EventId, AskedAt Desc;
    ticket by EventId, CreatedAt Desc;
    review by EventId, RecordedAt Desc;
    action_item by EventId, CreatedAt Asc;
    status_change by EventId, ChangedAt Asc;
    obligation by EventId, OpenedAt Asc;
    deadline by EventId, OpenedAt Asc;
    reply by EventId, CreatedAt Asc;
    report by EventId, ReceivedAt Asc;
    attachment by MailId, Id Asc;
    event_link by EventId, LinkedAt Asc;
    reply_draft by ReplyId, Number Desc;
    reply_review by ReplyId, RequestedAt Asc;
    reply_dispatch by ReplyId, RequestedAt Desc;
    reply_attachment by ReplyId, Id Asc;
    reply_route by ChannelId, Id Asc;
    indicator by ReportId, Id Asc;
    report_version by ReportId, Number Desc;
    platform_account by ChannelId, Login Asc;
    delivery_attempt by DeliveryId, At Desc;
    webhook_secret by EndpointId, CreatedAt Desc;
    hook_secret by SourceId, CreatedAt Desc;
    calendar_day by CalendarId, Date Asc;
    calendar_year by CalendarId, Year Asc;
    payout_change by PayoutId, ChangedAt Asc;
    payout_appeal by PayoutId, AppealedAt Asc;
    reward_grid_cell by GridId, Id Asc;
}

impl Child for entity::reply_obligation::Entity {
    const PARENT: Self::Column = entity::reply_obligation::Column::ReplyId;
    const ORDER: (Self::Column, Order) = (entity::reply_obligation::Column::ObligationId, Order::Asc);
    const ID: Self::Column = entity::reply_obligation::Column::ObligationId;
}

/// Key of the rows of `E` that hang on one parent.
pub struct Of<E>(Uuid, PhantomData<E>);
/// Key of one row of `E`.
pub struct One<E>(Uuid, PhantomData<E>);

macro_rules! key {
    ($name:ident) => {
        impl<E> Clone for $name<E> {
            fn clone(&self) -> Self {
                Self(self.0, PhantomData)
            }
        }
        impl<E> PartialEq for $name<E> {
            fn eq(&self, other: &Self) -> bool {
                self.0 == other.0
            }
        }
        impl<E> Eq for $name<E> {}
        impl<E> Hash for $name<E> {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.0.hash(state);
            }
        }
    };
}
key!(Of);
key!(One);

impl<E> Loader<Of<E>> for Reader
where
    E: Child + Send + Sync,
    E::Model: Clone + Send + Sync,
{
    type Value = Arc<[E::Model]>;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[Of<E>]) -> std::result::Result<HashMap<Of<E>, Self::Value>, Self::Error> {
        let database = &self.app.database;
        let rows = E::find()
            .filter(is_one_of(database.backend(), E::PARENT, keys.iter().map(|key| key.0)))
            .order_by(E::ORDER.0, E::ORDER.1)
            .order_by_asc(E::ID)
            .all(database.reader())
            .await
            .map_err(|error| Arc::new(error.into()))?;
        let mut grouped: HashMap<Uuid, Vec<E::Model>> = HashMap::new();
        for row in rows {
            if let Value::Uuid(Some(parent)) = row.get(E::PARENT) {
                grouped.entry(parent).or_default().push(row);
            }
        }
        Ok(grouped.into_iter().map(|(id, rows)| (Of(id, PhantomData), rows.into())).collect())
    }
}

/// A table whose rows are looked up by id. Its default [`allowed`](Lookup::allowed) lets every row be found: for
/// rows whose reading is decided by the field that leads to them.
pub trait Lookup: EntityTrait {
    /// The id.
    const ID: Self::Column;
    /// What of it the actor may find.
    fn allowed(_: &Actor) -> sea_orm::sea_query::Condition {
        sea_orm::sea_query::Condition::all()
    }
    /// Notes that a row goes into the answer.
    fn note(_: &Context<'_>, _: &Self::Model) {}
}

macro_rules! lookups {
    ($($table:ident),+) => {$(
        impl Lookup for entity::$table::Entity { const ID: Self::Column = entity::$table::Column::Id; }
    )+};
}
lookups!(
    product,
    channel,
    customer,
    reporter,
    rating_policy,
    remediation,
    webhook_endpoint,
    reward_grid,
    budget,
    tracker,
    calendar
);

impl Lookup for event::Entity {
    const ID: event::Column = event::Column::Id;
    fn allowed(actor: &Actor) -> sea_orm::sea_query::Condition {
        visibility::visible(actor, Facet::Content, event::Column::Id)
    }
    fn note(ctx: &Context<'_>, row: &event::Model) {
        super::sensitive::note(ctx, row);
    }
}

impl Lookup for report::Entity {
    const ID: report::Column = report::Column::Id;
    fn allowed(actor: &Actor) -> sea_orm::sea_query::Condition {
        visibility::visible_report(actor)
    }
    fn note(ctx: &Context<'_>, row: &report::Model) {
        super::sensitive::touch(ctx, row.event_id);
    }
}

impl Lookup for entity::comment::Entity {
    const ID: Self::Column = entity::comment::Column::Id;
    fn allowed(actor: &Actor) -> sea_orm::sea_query::Condition {
        crate::comment::store::visible(actor)
    }
    fn note(ctx: &Context<'_>, row: &entity::comment::Model) {
        super::sensitive::touch(ctx, row.event_id);
    }
}

impl Lookup for entity::obligation::Entity {
    const ID: Self::Column = entity::obligation::Column::Id;
    fn allowed(actor: &Actor) -> sea_orm::sea_query::Condition {
        visibility::visible(actor, Facet::Content, entity::obligation::Column::EventId)
            .add(crate::reply::store::readable(actor, entity::obligation::Column::ChannelId))
    }
    fn note(ctx: &Context<'_>, row: &entity::obligation::Model) {
        super::sensitive::touch(ctx, row.event_id);
    }
}

impl Lookup for entity::deadline::Entity {
    const ID: Self::Column = entity::deadline::Column::Id;
    fn allowed(actor: &Actor) -> sea_orm::sea_query::Condition {
        crate::deadline::store::visible(actor)
    }
    fn note(ctx: &Context<'_>, row: &entity::deadline::Model) {
        super::sensitive::touch(ctx, row.event_id);
    }
}

impl Lookup for payout::Entity {
    const ID: payout::Column = payout::Column::Id;
    fn allowed(actor: &Actor) -> sea_orm::sea_query::Condition {
        visibility::visible_payout(actor)
    }
    fn note(ctx: &Context<'_>, row: &payout::Model) {
        if let Some(report) = row.report_id {
            super::sensitive::touch_report(ctx, report);
        }
    }
}

impl<E> Loader<One<E>> for Reader
where
    E: Lookup + Send + Sync,
    E::Model: Clone + Send + Sync,
    E::PrimaryKey: PrimaryKeyTrait<ValueType = Uuid>,
{
    type Value = E::Model;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[One<E>]) -> std::result::Result<HashMap<One<E>, Self::Value>, Self::Error> {
        let database = &self.app.database;
        let rows = E::find()
            .filter(is_one_of(database.backend(), E::ID, keys.iter().map(|key| key.0)))
            .filter(E::allowed(&self.actor))
            .all(database.reader())
            .await
            .map_err(|error| Arc::new(error.into()))?;
        let id = |row: &E::Model| match row.get(E::ID) {
            Value::Uuid(Some(id)) => id,
            _ => Uuid::nil(),
        };
        Ok(rows.into_iter().map(|row| (One(id(&row), PhantomData), row)).collect())
    }
}

/// The rows of `E` that hang on `parent`, in their order.
///
/// # Errors
/// Of the database.
pub async fn children<E>(ctx: &Context<'_>, parent: Uuid) -> ApiResult<Arc<[E::Model]>>
where
    E: Child + Send + Sync,
    E::Model: Clone + Send + Sync,
{
    let loader = ctx.data_unchecked::<DataLoader<Reader>>();
    let rows = loader.load_one(Of::<E>(parent, PhantomData)).await?;
    Ok(rows.unwrap_or_else(|| Arc::from([])))
}

/// The row of `E` with this id, if the actor may find it.
///
/// # Errors
/// Of the database.
pub async fn lookup<E>(ctx: &Context<'_>, id: Uuid) -> ApiResult<Option<E::Model>>
where
    E: Lookup + Send + Sync,
    E::Model: Clone + Send + Sync,
    E::PrimaryKey: PrimaryKeyTrait<ValueType = Uuid>,
{
    let loader = ctx.data_unchecked::<DataLoader<Reader>>();
    let row = loader.load_one(One::<E>(id, PhantomData)).await.map_err(ApiError::from)?;
    if let Some(row) = &row {
        E::note(ctx, row);
    }
    Ok(row)
}
