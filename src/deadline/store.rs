//! Finding clocks and policies, and reading what clocks follow from.

mod facts;

pub use facts::{customers, customers_once, facts, find, uses};

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entity::vocabulary::{
    AssignmentState, ChannelKind, DeadlineKind, DeadlineState, Facet, Function, Status, Tlp,
};
use entity::{
    affected_customer, affected_product, assignment, calendar, channel, clock_fact, customer, deadline,
    deadline_policy, duty, event, obligation, product, product_customer, report, team_member,
};
use sea_orm::sea_query::{Expr, ExprTrait, IntoColumnRef, Query, SelectStatement};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
};
use uuid::Uuid;

use super::rules::{self, Policy, Standby, TimedCalendar};
use crate::app::App;
use crate::auth::policy::{Action, allows};
use crate::auth::{Actor, visibility};
use crate::calendar as calendars;
use crate::clock::{Clock, Ids};
use crate::database::{Database, is_one_of};
use crate::error::{Error, Result};
use crate::graphql::page::{self, Keyset, Page, PageInput};

/// Who introduced the version that every installation begins with.
const INSTALLATION: &str = "installation";
/// Where work is not done.
const UNDONE: [AssignmentState; 2] = [AssignmentState::Open, AssignmentState::Accepted];

/// All channels, by id.
///
/// # Errors
/// Of the database.
pub async fn channels(app: &App) -> Result<BTreeMap<Uuid, channel::Model>> {
    let rows = channel::Entity::find().all(app.database.reader()).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// Moves with each new version of the policy, and with each change of a calendar or channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Stamp {
    policy: i64,
    calendars: i64,
    channels: i64,
}

/// What the stamp is read from, by its column.
fn stamp_columns() -> [(&'static str, String); 3] {
    // A new row counts, which a sum of revisions alone would not show of one that nobody has changed.
    let revisions =
        |table| format!("(SELECT CAST(COALESCE(SUM(revision), 0) + COUNT(*) AS BIGINT) FROM {table})");
    let policy = "(SELECT CAST(COALESCE(MAX(number), 0) AS BIGINT) FROM deadline_policy)";
    [("policy", policy.to_owned()), ("calendars", revisions("calendar")), ("channels", revisions("channel"))]
}

/// The stamp of what clocks are counted by now.
///
/// # Errors
/// Of the database.
pub async fn stamp(app: &App) -> Result<Stamp> {
    let mut query = Query::select();
    for (name, sql) in stamp_columns() {
        query.expr_as(Expr::cust(sql), name);
    }
    let row = app.database.reader().query_one(&query).await?;
    let row = row.ok_or_else(|| anyhow::anyhow!("a look without FROM has one row"))?;
    Ok(Stamp::from_query_result(&row, "")?)
}

/// The version in force.
///
/// # Errors
/// Of the database.
pub async fn policy_row(app: &App) -> Result<Option<deadline_policy::Model>> {
    let select = deadline_policy::Entity::find().order_by_desc(deadline_policy::Column::Number);
    Ok(select.one(app.database.reader()).await?)
}

/// What a version holds.
///
/// # Errors
/// When the row does not hold a policy, which no command writes.
pub fn policy_of(row: &deadline_policy::Model) -> Result<Policy> {
    Ok(serde_json::from_value(row.rules.clone()).map_err(anyhow::Error::from)?)
}

/// The version.
///
/// # Errors
/// NOT_FOUND when there is none.
pub async fn policy(app: &App, id: Uuid) -> Result<deadline_policy::Model> {
    deadline_policy::Entity::find_by_id(id).one(app.database.reader()).await?.ok_or(Error::NotFound)
}

/// A page of versions, the newest first.
///
/// # Errors
/// Those of the page.
pub async fn policies(app: &App, input: &PageInput) -> Result<Page<deadline_policy::Model>> {
    let keyset =
        Keyset { column: deadline_policy::Column::Number, id: deadline_policy::Column::Id, descending: true };
    page::read(&app.database, deadline_policy::Entity::find(), keyset, input).await
}

/// The row of a version.
///
/// # Errors
/// When the policy cannot be written as JSON.
pub fn row(
    id: Uuid,
    number: i32,
    policy: &Policy,
    created_by: &str,
    created_at: DateTime<Utc>,
) -> anyhow::Result<deadline_policy::Model> {
    let rules = serde_json::to_value(policy)?;
    // Before every event: what is open follows it.
    let replan_after = Some(Uuid::nil());
    Ok(deadline_policy::Model {
        id,
        number,
        rules,
        created_by: created_by.to_owned(),
        created_at,
        replan_after,
    })
}

/// Makes sure that there is a policy to count by: the default, as number 1.
///
/// # Errors
/// Of the database.
pub async fn ensure_default(database: &Database, clock: &dyn Clock, ids: &Ids) -> anyhow::Result<()> {
    if deadline_policy::Entity::find().one(database.writer()).await?.is_none() {
        let mut row = row(ids.next(), 1, &rules::default_policy()?, INSTALLATION, clock.now())?;
        if event::Entity::find().one(database.writer()).await?.is_none() {
            row.replan_after = None;
        }
        row.into_active_model().insert(database.writer()).await?;
    }
    Ok(())
}

/// All calendars, by id.
///
/// # Errors
/// Of the database.
pub async fn calendars(app: &App) -> Result<BTreeMap<Uuid, TimedCalendar>> {
    let mut calendars = BTreeMap::new();
    for row in calendar::Entity::find().all(app.database.reader()).await? {
        let calendar = calendars::store::whole(app, &row).await?;
        calendars.insert(row.id, TimedCalendar { version: row.version, calendar });
    }
    Ok(calendars)
}

/// The actor may see the clock: their role reads clocks, and it is ours alone, or its channel's replies are theirs to
/// read.
pub fn visible(actor: &Actor) -> Condition {
    Condition::all().add(readable(actor)).add(visibility::visible(
        actor,
        Facet::Content,
        deadline::Column::EventId,
    ))
}

/// The same of a clock on an event whose content is the actor's to see.
pub fn readable(actor: &Actor) -> Condition {
    let own = Condition::any()
        .add(deadline::Column::ChannelId.is_null())
        .add(crate::reply::store::readable(actor, deadline::Column::ChannelId));
    Condition::all().add(Expr::value(allows(actor, Action::ReadDeadlines))).add(own)
}

/// Which clocks have one of these ids and are [`readable`].
///
/// # Errors
/// Of the database.
pub async fn readable_among(
    app: &App,
    actor: &Actor,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<Uuid>> {
    let select = deadline::Entity::find()
        .select_only()
        .column(deadline::Column::Id)
        .filter(is_one_of(app.database.backend(), deadline::Column::Id, ids))
        .filter(readable(actor));
    Ok(select.into_tuple().all(app.database.reader()).await?)
}

/// Which clocks are asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Where they stand.
    pub state: Option<DeadlineState>,
    /// Whether their due instant passed before they were met, or has passed.
    pub breached: Option<bool>,
    /// What they wait for.
    pub kinds: Vec<DeadlineKind>,
    /// Whom they concern.
    pub channel: Option<Uuid>,
    /// The event.
    pub event: Option<Uuid>,
    /// Due before this instant.
    pub due_before: Option<DateTime<Utc>>,
    /// Those for which this person answers: see [`theirs`].
    pub person: Option<String>,
    /// Now.
    pub at: DateTime<Utc>,
}

/// A page of the clocks that the actor may see, the next due first.
///
/// # Errors
/// Those of the page.
pub async fn page(
    app: &App,
    actor: &Actor,
    asked: &Asked,
    input: &PageInput,
) -> Result<Page<deadline::Model>> {
    let mut select = deadline::Entity::find().filter(visible(actor));
    if let Some(state) = asked.state {
        select = select.filter(deadline::Column::State.eq(state));
    }
    if let Some(breached) = asked.breached {
        let passed = Condition::any().add(deadline::Column::BreachedAt.is_not_null()).add(
            Condition::all()
                .add(deadline::Column::State.eq(DeadlineState::Open))
                .add(deadline::Column::SortAt.lte(asked.at)),
        );
        select = select.filter(if breached { passed } else { passed.not() });
    }
    if !asked.kinds.is_empty() {
        select = select.filter(deadline::Column::Kind.is_in(asked.kinds.iter().copied()));
    }
    if let Some(channel) = asked.channel {
        select = select.filter(deadline::Column::ChannelId.eq(channel));
    }
    if let Some(event) = asked.event {
        select = select.filter(deadline::Column::EventId.eq(event));
    }
    if let Some(before) = asked.due_before {
        select = select.filter(deadline::Column::SortAt.lt(before));
    }
    if let Some(person) = &asked.person {
        // What their teams have to do too is known of oneself alone.
        let teams = if **person == *actor.subject { &*actor.teams } else { &[] };
        select = select.filter(theirs(person, teams, &duties(app, asked.at).await?));
    }
    let keyset = Keyset { column: deadline::Column::SortAt, id: deadline::Column::Id, descending: false };
    page::read(&app.database, select, keyset, input).await
}

/// On events where this person, or one of these teams, has work that is not done, or which the person is on the team of; and
/// those for which they answer by the roster, since nobody has the work.
fn theirs(subject: &str, teams: &[String], duties: &[duty::Model]) -> Condition {
    let work = assignment::Entity::find()
        .select_only()
        .column(assignment::Column::EventId)
        .filter(assignment::Column::State.is_in(UNDONE))
        .filter(
            Condition::any()
                .add(assignment::Column::Subject.eq(subject))
                .add(assignment::Column::Team.is_in(teams.iter().map(String::as_str))),
        );
    let named = team_member::Entity::find()
        .select_only()
        .column(team_member::Column::EventId)
        .filter(team_member::Column::Subject.eq(subject))
        .filter(team_member::Column::RemovedAt.is_null());
    Condition::any()
        .add(deadline::Column::EventId.in_subquery(work.into_query()))
        .add(deadline::Column::EventId.in_subquery(named.into_query()))
        .add(on_standby(&rules::standby(subject, duties)))
}

/// Clocks of these kinds, on events on which nobody has the work of these functions.
fn on_standby(standby: &[Standby]) -> Condition {
    // Of none of them, no clock.
    let mut any = Condition::any().add(Expr::value(false));
    for Standby { kind, functions, red } in standby {
        let mut these = Condition::all().add(deadline::Column::Kind.eq(*kind));
        for function in functions {
            these = these.add(Expr::exists(workers(*function)).not());
        }
        if !red {
            let of_red = Query::select()
                .expr(Expr::val(1))
                .from(event::Entity)
                .and_where(of_clock((event::Entity, event::Column::Id)))
                .and_where(Expr::col((event::Entity, event::Column::Tlp)).eq(Tlp::Red))
                .take();
            these = these.add(Expr::exists(of_red).not());
        }
        any = any.add(these);
    }
    any
}

/// People who have work of a function on a clock's event that is not done, on its line where it has one.
fn workers(function: Function) -> SelectStatement {
    let of = |column: assignment::Column| Expr::col((assignment::Entity, column));
    let line = || Expr::col((deadline::Entity, deadline::Column::Line));
    let of_line = Condition::any()
        .add(of(assignment::Column::Line).is_null())
        .add(line().is_null())
        .add(of(assignment::Column::Line).eq(line()));
    Query::select()
        .expr(Expr::val(1))
        .from(assignment::Entity)
        .and_where(of_clock((assignment::Entity, assignment::Column::EventId)))
        .and_where(of(assignment::Column::Function).eq(function))
        .and_where(of(assignment::Column::Subject).is_not_null())
        .and_where(of(assignment::Column::State).is_in(UNDONE))
        .cond_where(of_line)
        .take()
}

/// That a column has the id of a clock's event.
fn of_clock(column: impl IntoColumnRef) -> Expr {
    Expr::col(column).eq(Expr::col((deadline::Entity, deadline::Column::EventId)))
}

/// Open clocks with a due instant for which the actor answers ([`theirs`]), the next due first; with `before`, those due
/// before it.
///
/// # Errors
/// Of the database.
pub async fn of_person(
    app: &App,
    actor: &Actor,
    before: Option<DateTime<Utc>>,
    limit: u64,
) -> Result<Vec<deadline::Model>> {
    let mut select = deadline::Entity::find()
        .filter(visible(actor))
        .filter(theirs(&actor.subject, &actor.teams, &duties(app, app.clock.now()).await?))
        .filter(deadline::Column::State.eq(DeadlineState::Open))
        .filter(deadline::Column::DueAt.is_not_null());
    if let Some(before) = before {
        select = select.filter(deadline::Column::SortAt.lt(before));
    }
    let select =
        select.order_by_asc(deadline::Column::SortAt).order_by_asc(deadline::Column::Id).limit(limit);
    Ok(select.all(app.database.reader()).await?)
}

/// Events with a clock of which people are to be told at `at`, with ids after `after`.
///
/// # Errors
/// Of the database.
pub async fn to_tell(app: &App, at: DateTime<Utc>, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
    let select = deadline::Entity::find()
        .select_only()
        .column(deadline::Column::EventId)
        .distinct()
        .filter(deadline::Column::State.eq(DeadlineState::Open))
        .filter(deadline::Column::NextNoticeAt.lte(at))
        .filter(deadline::Column::EventId.gt(after))
        .order_by_asc(deadline::Column::EventId)
        .limit(limit);
    Ok(select.into_tuple().all(app.database.reader()).await?)
}

/// Events with an open clock that was counted by another policy than the one in force, or by another version of its
/// calendar or channel, with ids after `after`.
///
/// # Errors
/// Of the database.
pub async fn to_recount(app: &App, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
    let Some(policy) = policy_row(app).await? else { return Ok(Vec::new()) };
    let of = |column: deadline::Column| Expr::col((deadline::Entity, column));
    let calendar = Query::select()
        .expr(Expr::val(1))
        .from(calendar::Entity)
        .and_where(Expr::col((calendar::Entity, calendar::Column::Id)).eq(of(deadline::Column::CalendarId)))
        .and_where(
            Expr::col((calendar::Entity, calendar::Column::Version))
                .ne(of(deadline::Column::CalendarVersion)),
        )
        .take();
    let channel = Query::select()
        .expr(Expr::val(1))
        .from(channel::Entity)
        .and_where(Expr::col((channel::Entity, channel::Column::Id)).eq(of(deadline::Column::ChannelId)))
        .and_where(
            Expr::col((channel::Entity, channel::Column::Version)).ne(of(deadline::Column::ChannelVersion)),
        )
        .take();
    let stale = Condition::any()
        .add(deadline::Column::PolicyId.ne(policy.id))
        .add(deadline::Column::PolicyId.is_null())
        .add(Expr::exists(calendar))
        .add(Expr::exists(channel));
    let select = deadline::Entity::find()
        .select_only()
        .column(deadline::Column::EventId)
        .distinct()
        .filter(deadline::Column::State.eq(DeadlineState::Open))
        .filter(stale)
        .filter(deadline::Column::EventId.gt(after))
        .order_by_asc(deadline::Column::EventId)
        .limit(limit);
    Ok(select.into_tuple().all(app.database.reader()).await?)
}

/// A table of configuration that events follow, whose rows remember how far the open events about them were planned anew
/// after they changed.
pub trait Marked: EntityTrait<Column: Send> {
    /// What this work is called in the log.
    const NAME: &'static str;
    /// Its id.
    const ID: Self::Column;
    /// The last event that was planned anew; none when all were.
    const REPLAN_AFTER: Self::Column;

    /// The event is about the row.
    fn concerns(id: Uuid) -> Condition;
}

impl Marked for product::Entity {
    const NAME: &'static str = "clocks of changed products";
    const ID: Self::Column = product::Column::Id;
    const REPLAN_AFTER: Self::Column = product::Column::ReplanAfter;

    fn concerns(id: Uuid) -> Condition {
        let affected = affected_product::Entity::find()
            .select_only()
            .column(affected_product::Column::EventId)
            .filter(affected_product::Column::ProductId.eq(id));
        Condition::all().add(event::Column::Id.in_subquery(affected.into_query()))
    }
}

impl Marked for customer::Entity {
    const NAME: &'static str = "clocks of changed customers";
    const ID: Self::Column = customer::Column::Id;
    const REPLAN_AFTER: Self::Column = customer::Column::ReplanAfter;

    fn concerns(id: Uuid) -> Condition {
        let recorded = affected_customer::Entity::find()
            .select_only()
            .column(affected_customer::Column::EventId)
            .filter(affected_customer::Column::CustomerId.eq(id));
        let used = product_customer::Entity::find()
            .select_only()
            .column(product_customer::Column::ProductId)
            .filter(product_customer::Column::CustomerId.eq(id));
        let about = affected_product::Entity::find()
            .select_only()
            .column(affected_product::Column::EventId)
            .filter(affected_product::Column::ProductId.in_subquery(used.into_query()));
        Condition::any()
            .add(event::Column::Id.in_subquery(recorded.into_query()))
            .add(event::Column::Id.in_subquery(about.into_query()))
    }
}

impl Marked for channel::Entity {
    const NAME: &'static str = "clocks of changed channels";
    const ID: Self::Column = channel::Column::Id;
    const REPLAN_AFTER: Self::Column = channel::Column::ReplanAfter;

    fn concerns(id: Uuid) -> Condition {
        let reported = report::Entity::find()
            .select_only()
            .column(report::Column::EventId)
            .filter(report::Column::ChannelId.eq(id));
        let owed = obligation::Entity::find()
            .select_only()
            .column(obligation::Column::EventId)
            .filter(obligation::Column::ChannelId.eq(id));
        Condition::any()
            .add(event::Column::Id.in_subquery(reported.into_query()))
            .add(event::Column::Id.in_subquery(owed.into_query()))
    }
}

impl Marked for deadline_policy::Entity {
    const NAME: &'static str = "clocks by a new policy";
    const ID: Self::Column = deadline_policy::Column::Id;
    const REPLAN_AFTER: Self::Column = deadline_policy::Column::ReplanAfter;

    fn concerns(_id: Uuid) -> Condition {
        Condition::all()
    }
}

fn open_events(about: Condition, after: Uuid, limit: u64) -> Select<event::Entity> {
    event::Entity::find()
        .filter(about)
        .filter(event::Column::Status.ne(Status::Closed))
        .filter(event::Column::History.eq(false))
        .filter(event::Column::Id.gt(after))
        .order_by_asc(event::Column::Id)
        .limit(limit)
}

/// Events about a row of configuration that are not closed, in the order of their ids.
///
/// # Errors
/// Of the database.
pub async fn open_events_of<E: Marked>(app: &App, id: Uuid, limit: u64) -> Result<Vec<event::Model>> {
    let select = open_events(E::concerns(id), Uuid::nil(), limit);
    Ok(select.all(app.database.reader()).await?)
}

/// Open events about a row of configuration, with ids after `after`.
///
/// # Errors
/// Of the database.
pub async fn open_events_about<E: Marked>(app: &App, id: Uuid, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
    let select = open_events(E::concerns(id), after, limit).select_only().column(event::Column::Id);
    Ok(select.into_tuple().all(app.database.reader()).await?)
}

/// Rows whose open events have to be planned anew, with ids after `after`.
///
/// # Errors
/// Of the database.
pub async fn marked<E: Marked>(app: &App, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
    let select = E::find()
        .select_only()
        .column(E::ID)
        .filter(E::REPLAN_AFTER.is_not_null())
        .filter(E::ID.gt(after))
        .order_by_asc(E::ID)
        .limit(limit);
    Ok(select.into_tuple().all(app.database.reader()).await?)
}

/// How far the row's open events were planned anew; none when all were.
///
/// # Errors
/// Of the database.
pub async fn mark<E: Marked>(app: &App, id: Uuid) -> Result<Option<Uuid>> {
    let select = E::find().select_only().column(E::REPLAN_AFTER).filter(E::ID.eq(id));
    let mark: Option<Option<Uuid>> = select.into_tuple().one(app.database.writer()).await?;
    Ok(mark.flatten())
}

/// Remembers how far the row's open events were planned anew; none when that was the last. False where the mark is no
/// longer the one that was read.
///
/// # Errors
/// Of the database.
pub async fn move_mark<E: Marked>(app: &App, id: Uuid, from: Uuid, to: Option<Uuid>) -> Result<bool> {
    let update = E::update_many()
        .col_expr(E::REPLAN_AFTER, Expr::value(to))
        .filter(E::ID.eq(id))
        .filter(E::REPLAN_AFTER.eq(from));
    Ok(app.database.writer().execute(update.as_query()).await?.rows_affected() == 1)
}

/// The questions that obligations answer, in the order of these.
///
/// # Errors
/// Of the database.
pub async fn questions(app: &App, owed: &[obligation::Model]) -> Result<Vec<String>> {
    let ids: Vec<Uuid> = owed.iter().filter_map(rules::question_of).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let asked = is_one_of(app.database.backend(), clock_fact::Column::Id, ids.iter().copied());
    let found = clock_fact::Entity::find().filter(asked).all(app.database.reader()).await?;
    let found: BTreeMap<Uuid, String> = found.into_iter().map(|row| (row.id, row.note)).collect();
    Ok(ids.iter().filter_map(|id| found.get(id).cloned()).collect())
}

/// Duties that hold at `at`.
///
/// # Errors
/// Of the database.
pub async fn duties(app: &App, at: DateTime<Utc>) -> Result<Vec<duty::Model>> {
    let select = duty::Entity::find()
        .filter(duty::Column::StartsAt.lte(at))
        .filter(duty::Column::EndsAt.gt(at))
        .order_by_asc(duty::Column::StartsAt)
        .order_by_asc(duty::Column::Id);
    Ok(select.all(app.database.reader()).await?)
}

/// Whom an event's news may and have to be told to.
#[derive(Clone, Debug)]
pub struct People {
    at_work: Vec<assignment::Model>,
    duties: Vec<duty::Model>,
    /// The event's named people.
    pub named: BTreeSet<String>,
    /// Whether the event is theirs and the leading group's alone.
    pub red: bool,
}

impl People {
    /// As the rules read them.
    pub fn around(&self) -> rules::Around<'_> {
        rules::Around { at_work: &self.at_work, duties: &self.duties, named: &self.named, red: self.red }
    }
}

/// Whom the event's news may and have to be told to.
///
/// # Errors
/// Of the database.
pub async fn people(app: &App, event: &event::Model) -> Result<People> {
    let now = app.clock.now();
    let (at_work, duties, named) =
        tokio::try_join!(at_work(app, event.id), duties(app, now), named(app, event.id))?;
    Ok(People { at_work, duties, named, red: event.tlp == Tlp::Red })
}

/// Who has work on the event that is not done.
async fn at_work(app: &App, event: Uuid) -> Result<Vec<assignment::Model>> {
    let select = assignment::Entity::find()
        .filter(assignment::Column::EventId.eq(event))
        .filter(assignment::Column::State.is_in(UNDONE))
        .order_by_asc(assignment::Column::Id);
    Ok(select.all(app.database.reader()).await?)
}

/// The event's named people: the members of its team.
async fn named(app: &App, event: Uuid) -> Result<BTreeSet<String>> {
    let select = team_member::Entity::find()
        .filter(team_member::Column::EventId.eq(event))
        .filter(team_member::Column::RemovedAt.is_null());
    let members = select.all(app.database.reader()).await?;
    Ok(members.into_iter().filter_map(|member| member.subject).collect())
}

/// Those of these keys that channels have, with what kind they are.
///
/// # Errors
/// Of the database.
pub async fn known_channels(app: &App, keys: &BTreeSet<&str>) -> Result<BTreeMap<String, ChannelKind>> {
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let select = channel::Entity::find().filter(channel::Column::Key.is_in(keys.iter().copied()));
    Ok(select.all(app.database.reader()).await?.into_iter().map(|row| (row.key, row.kind)).collect())
}
