//! Batched reads: what many objects of one answer need is read in one statement.
//!
//! A [`Reader`] acts for one caller and lives as long as one request. Rows that hang on an event
//! ([`children`]) need no check of their own: the event they are read for was found through
//! [`visibility`](crate::auth::visibility). Events and reports are found only where visible.

use std::any::TypeId;
use std::collections::HashMap;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::Context;
use async_graphql::dataloader::{DataLoader, Loader};
use entity::vocabulary::Facet;
use entity::{event, event_link, payout, report};
use foldhash::fast::RandomState;
use sea_orm::sea_query::Condition;
use sea_orm::{EntityTrait, ModelTrait, Order, PrimaryKeyTrait, QueryFilter, QueryOrder, Value};
use uuid::Uuid;

use crate::app::App;
use crate::auth::policy::{Action, allows};
use crate::auth::{Actor, visibility};
use crate::database::is_one_of;
use crate::duplicate;
use crate::error::Error;
use crate::graphql::ahead::{self, Ahead, Columns, Hanging, Selected};
use crate::graphql::errors::{ApiError, ApiResult};

/// Most objects that a request's answer may hold, among the request's data.
#[derive(Clone, Copy, Debug)]
pub struct ObjectLimit(pub u64);

/// Reads for one caller.
pub struct Reader {
    app: Arc<App>,
    actor: Actor,
    limit: u64,
    /// Objects that went into the answer so far.
    objects: AtomicU64,
    ahead: Ahead,
    /// Columns that are read below a field, by table and by where the field stands in the document.
    needs: Mutex<HashMap<(TypeId, usize), Columns, RandomState>>,
    candidates: duplicate::Lookups,
}

impl Reader {
    /// A reader for one request's loaders, for an answer of at most `limit` objects.
    pub fn new(app: Arc<App>, actor: Actor, limit: u64) -> Self {
        Self {
            app,
            actor,
            limit,
            objects: AtomicU64::new(0),
            ahead: Ahead::default(),
            needs: Mutex::default(),
            candidates: duplicate::Lookups::default(),
        }
    }

    /// Counts objects that go into the answer. What a list will hold is not known before it is read, so what the guard
    /// made of the document is no bound on lists inside one another.
    async fn charge(&self, objects: usize) -> ApiResult<()> {
        // Rows that are at hand make no resolver wait: the request's time limit has to come to its turn.
        tokio::task::coop::consume_budget().await;
        let added = u64::try_from(objects).unwrap_or(u64::MAX);
        if self.objects.fetch_add(added, Ordering::Relaxed).saturating_add(added) > self.limit {
            let message = format!(
                "the answer would hold more than {} objects: ask for smaller pages, or for fewer lists inside one another",
                self.limit
            );
            return Err(Error::TooComplex { message }.into());
        }
        Ok(())
    }

    /// The columns that what is selected below the present field is read from: the same for each row that shows the field.
    fn need<E: Selected>(&self, ctx: &Context<'_>) -> Columns {
        let field = (TypeId::of::<E>(), std::ptr::from_ref(ctx.item).addr());
        let mut needs = self.needs.lock().unwrap_or_else(PoisonError::into_inner);
        *needs.entry(field).or_insert_with(|| E::shape().need(&ctx.look_ahead()))
    }

    /// The running product, for a slice's own loaders.
    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    /// For whom it reads, for a slice's own loaders.
    pub(crate) fn actor(&self) -> &Actor {
        &self.actor
    }

    /// What was looked up for candidates.
    pub(crate) fn lookups(&self) -> &duplicate::Lookups {
        &self.candidates
    }
}

/// What this request read together with what it hangs on.
pub fn ahead<'a>(ctx: &Context<'a>) -> &'a Ahead {
    &ctx.data_unchecked::<DataLoader<Reader>>().loader().ahead
}

/// A table whose rows are read by the row they hang on.
pub trait Child: EntityTrait {
    /// Column with the parent's id.
    const PARENT: Self::Column;
    /// Order within one parent; the id breaks ties.
    const ORDER: (Self::Column, Order);
    /// The id.
    const ID: Self::Column;
    /// Columns that may be long, which [`light_children`] leaves blank.
    const LONG: &'static [Self::Column] = &[];
    /// What of them the actor may find; all, where the field that leads to them decides that.
    fn allowed(_: &Actor) -> Condition {
        Condition::all()
    }
}

macro_rules! children {
    ($($table:ident by $parent:ident, $order:ident $direction:ident $(, long $($long:ident)+)?;)+) => {$(
        impl Child for entity::$table::Entity {
            const PARENT: Self::Column = entity::$table::Column::$parent;
            const ORDER: (Self::Column, Order) = (entity::$table::Column::$order, Order::$direction);
            const ID: Self::Column = entity::$table::Column::Id;
            const LONG: &'static [Self::Column] = &[$($(entity::$table::Column::$long),+)?];
        }
    )+};
}

children! {
    verdict by EventId, GivenAt Desc;
    score by EventId, ScoredAt Desc, long Evidence;
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
    clock_fact by EventId, Id Asc;
    reply by EventId, CreatedAt Asc, long Body Supplied;
    report by EventId, ReceivedAt Asc;
    attachment by MailId, Id Asc;
    reply_draft by ReplyId, Number Desc;
    reply_review by ReplyId, RequestedAt Asc;
    reply_dispatch by ReplyId, RequestedAt Desc;
    reply_attachment by ReplyId, Id Asc;
    reply_proof by ReplyId, Id Asc;
    reply_route by ChannelId, Id Asc;
    indicator by ReportId, Id Asc;
    report_version by ReportId, Number Desc, long Text Source;
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

/// The events that repeat another.
impl Child for event::Entity {
    const PARENT: Self::Column = event::Column::DuplicateOf;
    const ORDER: (Self::Column, Order) = (event::Column::ReceivedAt, Order::Asc);
    const ID: Self::Column = event::Column::Id;
    const LONG: &'static [Self::Column] = &[event::Column::Description, event::Column::Steps];
    fn allowed(actor: &Actor) -> Condition {
        visibility::visible(actor, Facet::Content, event::Column::Id)
    }
}

impl Child for entity::reply_obligation::Entity {
    const PARENT: Self::Column = entity::reply_obligation::Column::ReplyId;
    const ORDER: (Self::Column, Order) = (entity::reply_obligation::Column::ObligationId, Order::Asc);
    const ID: Self::Column = entity::reply_obligation::Column::ObligationId;
}

/// Key of the rows of `E` that hang on one parent, and whether without their long columns.
pub struct Of<E>(Uuid, bool, PhantomData<E>);
/// Key of one row of `E`.
pub struct One<E>(Uuid, PhantomData<E>);

impl<E> Clone for Of<E> {
    fn clone(&self) -> Self {
        Self(self.0, self.1, PhantomData)
    }
}
impl<E> PartialEq for Of<E> {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}
impl<E> Eq for Of<E> {}
impl<E> Hash for Of<E> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.0, self.1).hash(state);
    }
}

impl<E> Clone for One<E> {
    fn clone(&self) -> Self {
        Self(self.0, PhantomData)
    }
}
impl<E> PartialEq for One<E> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<E> Eq for One<E> {}
impl<E> Hash for One<E> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<E> Loader<Of<E>> for Reader
where
    E: Child + Send + Sync,
    E::Model: Clone + Send + Sync,
{
    type Value = Arc<[E::Model]>;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[Of<E>]) -> std::result::Result<HashMap<Of<E>, Self::Value>, Self::Error> {
        let database = &self.app.database;
        let mut found = HashMap::new();
        for light in [false, true] {
            let parents: Vec<Uuid> = keys.iter().filter(|key| key.1 == light).map(|key| key.0).collect();
            if parents.is_empty() {
                continue;
            }
            let select = if light { ahead::without::<E>(E::LONG) } else { E::find() };
            let rows = select
                .filter(is_one_of(database.backend(), E::PARENT, parents))
                .filter(E::allowed(&self.actor))
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
            let grouped = grouped.into_iter().map(|(id, rows)| (Of(id, light, PhantomData), rows.into()));
            found.extend(grouped);
        }
        Ok(found)
    }
}

/// Key of the events that are linked to one, whichever of the two the link was made from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Linked(Uuid);

impl Loader<Linked> for Reader {
    type Value = Vec<Uuid>;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[Linked]) -> std::result::Result<HashMap<Linked, Vec<Uuid>>, Self::Error> {
        use event_link::Column::{EventId, OtherEventId};
        let database = &self.app.database;
        let asked = |column| is_one_of(database.backend(), column, keys.iter().map(|key| key.0));
        // What is linked to hidden ones alone is read as what is linked to none: nothing is looked up after it.
        let seen = |column| visibility::or_visible(&self.actor, Facet::Content, column);
        let way = |from, to| Condition::all().add(asked(from)).add(seen(to));
        let links = event_link::Entity::find()
            .filter(Condition::any().add(way(EventId, OtherEventId)).add(way(OtherEventId, EventId)))
            .order_by_asc(event_link::Column::LinkedAt)
            .order_by_asc(event_link::Column::Id)
            .all(database.reader())
            .await
            .map_err(|error| Arc::new(error.into()))?;
        let mut found: HashMap<Linked, Vec<Uuid>> =
            keys.iter().map(|key| (key.clone(), Vec::new())).collect();
        for link in links {
            for (from, to) in [(link.event_id, link.other_event_id), (link.other_event_id, link.event_id)] {
                if let Some(known) = found.get_mut(&Linked(from)).filter(|known| !known.contains(&to)) {
                    known.push(to);
                }
            }
        }
        Ok(found)
    }
}

/// A table whose rows are looked up by id. Its default [`allowed`](Lookup::allowed) lets every row be found: for
/// rows whose reading is decided by the field that leads to them.
pub trait Lookup: EntityTrait {
    /// The id.
    const ID: Self::Column;
    /// What of it the actor may find.
    fn allowed(_: &Actor) -> Condition {
        Condition::all()
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
    calendar,
    clock_fact
);

impl Lookup for event::Entity {
    const ID: event::Column = event::Column::Id;
    fn allowed(actor: &Actor) -> Condition {
        visibility::visible(actor, Facet::Content, event::Column::Id)
    }
    fn note(ctx: &Context<'_>, row: &event::Model) {
        super::sensitive::note(ctx, row);
    }
}

impl Lookup for report::Entity {
    const ID: report::Column = report::Column::Id;
    fn allowed(actor: &Actor) -> Condition {
        visibility::visible_report(actor)
    }
    fn note(ctx: &Context<'_>, row: &report::Model) {
        super::sensitive::touch(ctx, row.event_id);
    }
}

impl Lookup for entity::comment::Entity {
    const ID: Self::Column = entity::comment::Column::Id;
    fn allowed(actor: &Actor) -> Condition {
        crate::comment::store::visible(actor)
    }
    fn note(ctx: &Context<'_>, row: &entity::comment::Model) {
        super::sensitive::touch(ctx, row.event_id);
    }
}

/// By the attachment that it is kept of.
impl Lookup for entity::picture::Entity {
    const ID: Self::Column = entity::picture::Column::AttachmentId;
}

impl Lookup for entity::obligation::Entity {
    const ID: Self::Column = entity::obligation::Column::Id;
    fn allowed(actor: &Actor) -> Condition {
        visibility::visible(actor, Facet::Content, entity::obligation::Column::EventId)
            .add(crate::reply::store::readable(actor, entity::obligation::Column::ChannelId))
    }
    fn note(ctx: &Context<'_>, row: &entity::obligation::Model) {
        super::sensitive::touch(ctx, row.event_id);
    }
}

impl Lookup for entity::deadline::Entity {
    const ID: Self::Column = entity::deadline::Column::Id;
    fn allowed(actor: &Actor) -> Condition {
        crate::deadline::store::visible(actor)
    }
    fn note(ctx: &Context<'_>, row: &entity::deadline::Model) {
        super::sensitive::touch(ctx, row.event_id);
    }
}

impl Lookup for payout::Entity {
    const ID: payout::Column = payout::Column::Id;
    fn allowed(actor: &Actor) -> Condition {
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
    children_with::<E>(ctx, parent, Columns::ALL).await
}

/// The same for the field that shows them, with the columns that are read for what is selected below it; others are blank.
///
/// # Errors
/// Of the database.
pub async fn selected_children<E: Child + Selected>(
    ctx: &Context<'_>,
    parent: Uuid,
) -> ApiResult<Arc<[E::Model]>> {
    let reader = ctx.data_unchecked::<DataLoader<Reader>>().loader();
    children_with::<E>(ctx, parent, reader.need::<E>(ctx)).await
}

/// The same, with the long columns blank unless one of the fields `need_long` is selected below this one.
///
/// # Errors
/// Of the database.
pub async fn light_children<E>(
    ctx: &Context<'_>,
    parent: Uuid,
    need_long: &[&str],
) -> ApiResult<Arc<[E::Model]>>
where
    E: Child + Send + Sync,
    E::Model: Clone + Send + Sync,
{
    let look = ctx.look_ahead();
    let all = need_long.iter().any(|field| look.field(field).exists());
    children_with::<E>(ctx, parent, if all { Columns::ALL } else { Columns::but::<E>(E::LONG) }).await
}

async fn children_with<E>(ctx: &Context<'_>, parent: Uuid, need: Columns) -> ApiResult<Arc<[E::Model]>>
where
    E: Child + Send + Sync,
    E::Model: Clone + Send + Sync,
{
    let loader = ctx.data_unchecked::<DataLoader<Reader>>();
    let rows = match loader.loader().ahead.find::<E>(Hanging::On, parent, need) {
        Some(rows) => rows,
        None => {
            let light = !need.meet(Columns::of::<E>(E::LONG));
            // Apart: each field of an object else takes the room of the largest.
            let rows = Box::pin(loader.load_one(Of::<E>(parent, light, PhantomData))).await?;
            rows.unwrap_or_else(|| Arc::from([]))
        }
    };
    loader.loader().charge(rows.len()).await?;
    Ok(rows)
}

/// The events that are linked to `event`, in the order of their links, which the actor may see.
///
/// # Errors
/// Of the database.
pub async fn linked_events(ctx: &Context<'_>, event: Uuid) -> ApiResult<Vec<event::Model>> {
    let loader = ctx.data_unchecked::<DataLoader<Reader>>();
    let linked = loader.load_one(Linked(event)).await?.unwrap_or_default();
    let found = linked.into_iter().map(|id| lookup::<event::Entity>(ctx, id));
    Ok(futures_util::future::try_join_all(found).await?.into_iter().flatten().collect())
}

/// Whether the caller sees the inside of an event as `action` lets their role. Who has a row by its public side alone sees
/// that side of it, whatever else they are.
///
/// # Errors
/// Of the database.
pub async fn inside(ctx: &Context<'_>, event: Uuid, action: Action) -> ApiResult<bool> {
    let actor = super::actor(ctx);
    if !allows(actor, action) {
        return Ok(false);
    }
    // Who has no public side of anything has found the row by its event's content.
    Ok(actor.keys(Facet::Public).is_empty() || lookup::<event::Entity>(ctx, event).await?.is_some())
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
    lookup_with::<E>(ctx, id, Columns::ALL).await
}

/// The same for the field that shows it, with the columns that are read for what is selected below it; others are blank.
///
/// # Errors
/// Of the database.
pub async fn selected_lookup<E>(ctx: &Context<'_>, id: Uuid) -> ApiResult<Option<E::Model>>
where
    E: Lookup + Selected,
    E::PrimaryKey: PrimaryKeyTrait<ValueType = Uuid>,
{
    let reader = ctx.data_unchecked::<DataLoader<Reader>>().loader();
    lookup_with::<E>(ctx, id, reader.need::<E>(ctx)).await
}

async fn lookup_with<E>(ctx: &Context<'_>, id: Uuid, need: Columns) -> ApiResult<Option<E::Model>>
where
    E: Lookup + Send + Sync,
    E::Model: Clone + Send + Sync,
    E::PrimaryKey: PrimaryKeyTrait<ValueType = Uuid>,
{
    let loader = ctx.data_unchecked::<DataLoader<Reader>>();
    let row = match loader.loader().ahead.find::<E>(Hanging::Named, id, need) {
        Some(rows) => rows.first().cloned(),
        None => Box::pin(loader.load_one(One::<E>(id, PhantomData))).await.map_err(ApiError::from)?,
    };
    loader.loader().charge(usize::from(row.is_some())).await?;
    if let Some(row) = &row {
        E::note(ctx, row);
    }
    Ok(row)
}
