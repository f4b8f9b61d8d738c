//! Finding entries by their words, and reading what they stand for.

use std::collections::HashMap;

use entity::vocabulary::{Facet, IndicatorSource, SearchKind, SearchSide};
use entity::{event, indicator, product, reply, report, report_version, search_entry};
use sea_orm::sea_query::{
    Condition, DeleteStatement, Expr, ExprTrait, Func, Query, SelectStatement, SimpleExpr, UnionType,
};
use sea_orm::{
    ColumnTrait, DatabaseBackend, EntityTrait, JoinType, Order, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::fields::{Said, VERSIONS};
use super::words::SEARCHED;
use crate::app::App;
use crate::auth::policy::{Action, allows};
use crate::auth::{Actor, visibility};
use crate::database::{Stretch, Words, begins, is_one_of, with_words, with_words_among};
use crate::error::Result;

/// An entry that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Where it stands.
    pub(super) place: i64,
    /// What it is.
    pub(super) kind: SearchKind,
    /// The thing.
    pub(super) subject: Uuid,
    /// Whether it was found from inside.
    pub(super) inside: bool,
}

/// Of which entries what is asked for: kinds, and the beginning of the numbers of events that are found by it.
#[derive(Clone, Debug)]
pub(super) struct Scope<'a> {
    pub(super) kinds: &'a [SearchKind],
    pub(super) number: Option<&'a str>,
}

/// The newest entries before `before` with these words that the actor may see, at most `limit`.
pub(super) async fn matching(
    app: &App,
    actor: &Actor,
    scope: &Scope<'_>,
    words: &Words,
    before: i64,
    limit: usize,
) -> Result<Vec<Entry>> {
    let backend = app.database.backend();
    if visibility::sees_little(actor) {
        return entries(app, matching_granted(backend, actor, scope, words, before), scope, limit).await;
    }
    let mut found = Vec::new();
    let mut next = Some(Stretch::newest(backend, before));
    while let Some(stretch) = next {
        let mut select = with_words(backend, words, &stretch);
        select.cond_where(seen(actor, scope));
        let entries = entries(app, select, scope, limit - found.len()).await?;
        next = stretch.next(entries.len());
        found.extend(entries);
        if found.len() == limit {
            break;
        }
    }
    Ok(found)
}

/// The same for those who see little: from what they are granted, so that what is hidden has no part in how long it takes.
pub(super) fn matching_granted(
    backend: DatabaseBackend,
    actor: &Actor,
    scope: &Scope<'_>,
    words: &Words,
    before: i64,
) -> SelectStatement {
    let of_events = |table: &'static str| {
        Query::select()
            .column((table, "id"))
            .from(table)
            .and_where(Expr::col((table, "event_id")).in_subquery(visibility::granted_events(actor)))
            .take()
    };
    let mut among: Vec<SelectStatement> = visibility::granted_reports(actor).into_iter().collect();
    for kind in scope.kinds {
        let more = match kind {
            SearchKind::Event => visibility::granted_events(actor),
            SearchKind::Report if visibility::report_inside(actor).is_some() => of_events("report"),
            SearchKind::Report => continue,
            SearchKind::Reply => of_events("reply"),
            SearchKind::Product => Query::select().column(product::Column::Id).from(product::Entity).take(),
        };
        among.push(more);
    }
    // Of nothing else than what is asked for, which is then none of it.
    let first = among.pop().unwrap_or_else(|| visibility::granted_events(actor));
    let among = among.into_iter().fold(first, |mut all, more| all.union(UnionType::All, more).take());
    let mut select = with_words_among(backend, words, among, before);
    select.cond_where(seen(actor, scope));
    select
}

/// The place of the entry by which the actor finds a thing.
pub(super) async fn place_of(
    app: &App,
    actor: &Actor,
    scope: &Scope<'_>,
    subject: Uuid,
) -> Result<Option<i64>> {
    let mut select = Query::select();
    select
        .from(search_entry::Entity)
        .and_where(search_entry::Column::SubjectId.eq(subject))
        .cond_where(seen(actor, scope));
    Ok(entries(app, select, scope, 1).await?.first().map(|entry| entry.place))
}

/// The place after all entries.
pub(super) async fn end(app: &App) -> Result<i64> {
    let newest = search_entry::Entity::find()
        .select_only()
        .column(search_entry::Column::Place)
        .order_by_desc(search_entry::Column::Place)
        .limit(1);
    let newest: Option<i64> = newest.into_tuple().one(app.database.reader()).await?;
    Ok(newest.unwrap_or_default().saturating_add(1))
}

async fn entries(
    app: &App,
    mut select: SelectStatement,
    scope: &Scope<'_>,
    limit: usize,
) -> Result<Vec<Entry>> {
    use search_entry::Column::{Kind, Place, Side, SubjectId};
    for column in [Place, Kind, SubjectId, Side] {
        select.column((search_entry::Entity, column));
    }
    let subject = || Expr::col((search_entry::Entity, SubjectId));
    // What an entry stands for may be of any kind.
    if scope.kinds.contains(&SearchKind::Report) {
        let same = subject().equals((report::Entity, report::Column::Id));
        select.join(JoinType::LeftJoin, report::Entity, same);
    }
    if scope.kinds.contains(&SearchKind::Reply) {
        let same = subject().equals((reply::Entity, reply::Column::Id));
        select.join(JoinType::LeftJoin, reply::Entity, same);
    }
    let backend = app.database.backend();
    // A bound LIMIT is planned anew each time; this one is a checked number of ours.
    let mut statement = backend.build(&select);
    statement.sql = format!("{} LIMIT {limit}", statement.sql);
    let rows = search_entry::Entity::find().from_raw_sql(statement).all(app.database.reader()).await?;
    let entry = |row: search_entry::Model| Entry {
        place: row.place,
        kind: row.kind,
        subject: row.subject_id,
        inside: row.side == SearchSide::Inside,
    };
    Ok(rows.into_iter().map(entry).collect())
}

/// The entry is of a thing of the kinds asked for that the actor may see, from the side from which they see it.
fn seen(actor: &Actor, scope: &Scope<'_>) -> Condition {
    use search_entry::Column::{Kind, SubjectId};
    let mut any = Condition::any();
    for kind in scope.kinds {
        let seen = match kind {
            SearchKind::Event => {
                let mut seen = Condition::all().add(visibility::visible(actor, Facet::Content, SubjectId));
                if let Some(number) = scope.number {
                    seen = seen.add(Expr::exists(numbered(number)).not());
                }
                seen
            }
            SearchKind::Report => report_seen(actor),
            SearchKind::Reply => Condition::all()
                .add(crate::reply::store::readable_replies(actor))
                .add(visibility::visible(actor, Facet::Content, reply::Column::EventId)),
            SearchKind::Product => Condition::all().add(Expr::value(allows(actor, Action::ReadProducts))),
        };
        any = any.add(Condition::all().add(Kind.eq(*kind)).add(seen));
    }
    if any.is_empty() { Condition::all().add(Expr::val(1).eq(0)) } else { any }
}

/// The report is seen from inside, and then by the words from inside where there are such; or it is the actor's own.
fn report_seen(actor: &Actor) -> Condition {
    use search_entry::Column::{Side, SubjectId};
    let other = Query::select()
        .expr(Expr::val(1))
        .from_as(search_entry::Entity, "other")
        .and_where(Expr::col(("other", SubjectId)).equals((search_entry::Entity, SubjectId)))
        .and_where(Expr::col(("other", Side)).eq(SearchSide::Inside))
        .take();
    let from_inside = Condition::any().add(Side.eq(SearchSide::Inside)).add(Expr::exists(other).not());
    let inside = visibility::report_inside(actor);
    let mut any = Condition::any();
    if let Some(inside) = &inside {
        any = any.add(Condition::all().add(from_inside).add(inside.clone()));
    }
    if let Some(own) = visibility::own_report(actor) {
        let mut own = Condition::all().add(Side.eq(SearchSide::Common)).add(own);
        if let Some(inside) = inside {
            own = own.add(inside.not());
        }
        any = any.add(own);
    }
    if any.is_empty() { Condition::all().add(Expr::val(1).eq(0)) } else { any }
}

/// The entry's event, if its number begins so.
fn numbered(number: &str) -> SelectStatement {
    Query::select()
        .expr(Expr::val(1))
        .from(event::Entity)
        .and_where(
            Expr::col((event::Entity, event::Column::Id))
                .equals((search_entry::Entity, search_entry::Column::SubjectId)),
        )
        .cond_where(begins(Expr::col((event::Entity, event::Column::Number)), number))
        .take()
}

/// Events that the actor may see whose number begins so, by number, after the number `after`.
pub(super) async fn by_number(
    app: &App,
    actor: &Actor,
    number: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<event::Model>> {
    let column = crate::event::filter::number_of(actor);
    let mut select = event::Entity::find()
        .filter(begins(column.clone(), number))
        .filter(visibility::visible(actor, Facet::Content, event::Column::Id))
        .order_by(column.clone(), Order::Asc)
        .limit(u64::try_from(limit).unwrap_or(u64::MAX));
    if visibility::sees_little(actor) {
        let granted = visibility::granted_events(actor);
        select = select.filter(Expr::col((event::Entity, event::Column::Id)).in_subquery(granted));
    }
    if let Some(after) = after {
        select = select.filter(column.gt(after));
    }
    Ok(select.all(app.database.reader()).await?)
}

/// What entries stand for, as far as the actor may see it.
#[derive(Debug, Default)]
pub(super) struct Things {
    pub(super) events: HashMap<Uuid, event::Model>,
    pub(super) reports: HashMap<Uuid, (report::Model, Said)>,
    pub(super) replies: HashMap<Uuid, reply::Model>,
    pub(super) products: HashMap<Uuid, product::Model>,
}

/// Reads what these entries stand for.
pub(super) async fn things(app: &App, actor: &Actor, entries: &[Entry]) -> Result<Things> {
    let (db, backend) = (app.database.reader(), app.database.backend());
    let of = |kind: SearchKind| -> Vec<Uuid> {
        entries.iter().filter(|entry| entry.kind == kind).map(|entry| entry.subject).collect()
    };
    let mut things = Things::default();
    let ids = of(SearchKind::Event);
    if !ids.is_empty() {
        let rows = event::Entity::find()
            .filter(is_one_of(backend, event::Column::Id, ids))
            .filter(visibility::visible(actor, Facet::Content, event::Column::Id));
        things.events = rows.all(db).await?.into_iter().map(|row| (row.id, row)).collect();
    }
    let ids = of(SearchKind::Report);
    if !ids.is_empty() {
        let rows = report::Entity::find()
            .filter(is_one_of(backend, report::Column::Id, ids))
            .filter(visibility::visible_report(actor))
            .all(db)
            .await?;
        let mut said = said(app, rows.iter().map(|row| row.id)).await?;
        let with = |row: report::Model| (row.id, (row.clone(), said.remove(&row.id).unwrap_or_default()));
        things.reports = rows.into_iter().map(with).collect();
    }
    let ids = of(SearchKind::Reply);
    if !ids.is_empty() {
        let rows = reply::Entity::find()
            .filter(is_one_of(backend, reply::Column::Id, ids))
            .filter(crate::reply::store::readable_replies(actor))
            .filter(visibility::visible(actor, Facet::Content, reply::Column::EventId));
        things.replies = rows.all(db).await?.into_iter().map(|row| (row.id, row)).collect();
    }
    let ids = of(SearchKind::Product);
    if !ids.is_empty() {
        let rows = product::Entity::find().filter(is_one_of(backend, product::Column::Id, ids));
        things.products = rows.all(db).await?.into_iter().map(|row| (row.id, row)).collect();
    }
    Ok(things)
}

/// What reports say, as far as it is searched.
pub(super) async fn said(app: &App, reports: impl Iterator<Item = Uuid>) -> Result<HashMap<Uuid, Said>> {
    let (db, backend) = (app.database.reader(), app.database.backend());
    let ids: Vec<Uuid> = reports.collect();
    let of_version = report_version::Entity::belongs_to(report::Entity)
        .from(report_version::Column::ReportId)
        .to(report::Column::Id);
    let oldest = Expr::col((report::Entity, report::Column::CurrentVersion)).sub(VERSIONS);
    let versions = report_version::Entity::find()
        .select_only()
        .columns([report_version::Column::ReportId, report_version::Column::Number])
        .column(report_version::Column::Title)
        .expr(head(report_version::Column::Text))
        .join(JoinType::InnerJoin, of_version.into())
        .filter(is_one_of(backend, report_version::Column::ReportId, ids.iter().copied()))
        .filter(Expr::col((report_version::Entity, report_version::Column::Number)).gt(oldest))
        .order_by_desc(report_version::Column::Number)
        .into_tuple::<(Uuid, i32, String, String)>()
        .all(db);
    let indicators = indicator::Entity::find()
        .select_only()
        .columns([indicator::Column::ReportId, indicator::Column::Source])
        .column(indicator::Column::Value)
        .filter(is_one_of(backend, indicator::Column::ReportId, ids.iter().copied()))
        .filter(searched_indicator())
        .order_by_asc(indicator::Column::Id)
        .into_tuple::<(Uuid, IndicatorSource, String)>()
        .all(db);
    let (versions, indicators) = tokio::try_join!(versions, indicators)?;
    let mut said: HashMap<Uuid, Said> = HashMap::new();
    for (report, number, title, text) in versions {
        said.entry(report).or_default().versions.push((number, title, text));
    }
    for (report, source, value) in indicators {
        let said = said.entry(report).or_default();
        if source == IndicatorSource::Added { said.added.push(value) } else { said.given.push(value) }
    }
    Ok(said)
}

/// The characters of a text that are searched.
fn head(column: report_version::Column) -> SimpleExpr {
    let characters = i32::try_from(SEARCHED).unwrap_or(i32::MAX);
    Func::cust("substr").args([Expr::col(column.as_column_ref()), Expr::val(1), Expr::val(characters)]).into()
}

/// What came with a report is shown whatever somebody says of it; what an analyst added until somebody dismisses it. What was
/// found in its text is found there.
fn searched_indicator() -> Condition {
    use indicator::Column::{DismissedAt, Source};
    let added = Condition::all().add(Source.eq(IndicatorSource::Added)).add(DismissedAt.is_null());
    Condition::any().add(Source.eq(IndicatorSource::Given)).add(added)
}

/// Takes what is said inside alone of a report out of what it is found by.
pub(super) fn forget_inside(report: Uuid) -> DeleteStatement {
    Query::delete()
        .from_table(search_entry::Entity)
        .and_where(search_entry::Column::SubjectId.eq(report))
        .and_where(search_entry::Column::Side.eq(SearchSide::Inside))
        .take()
}

/// Nothing is found of what `subject` names.
fn has_no_entry(subject: impl ColumnTrait) -> SimpleExpr {
    let entry = Query::select()
        .expr(Expr::val(1))
        .from(search_entry::Entity)
        .and_where(
            Expr::col((search_entry::Entity, search_entry::Column::SubjectId))
                .eq(Expr::col(subject.as_column_ref())),
        )
        .take();
    Expr::exists(entry).not()
}

/// An event of which an analyst wrote something.
fn written_event() -> Condition {
    use event::Column::{Described, Description, Steps};
    Condition::any().add(Described.eq(true)).add(Description.ne("")).add(Steps.ne(""))
}

/// Things of which nothing is found, with ids after `after`.
pub(super) async fn without_entry(app: &App, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
    macro_rules! ids {
        ($table:ident, $more:expr) => {
            $table::Entity::find()
                .select_only()
                .column($table::Column::Id)
                .filter($table::Column::Id.gt(after))
                .filter(has_no_entry($table::Column::Id))
                .filter($more)
                .order_by_asc($table::Column::Id)
                .limit(limit)
                .into_tuple::<Uuid>()
                .all(app.database.reader())
        };
    }
    let all = Condition::all;
    let (events, reports, replies, products) = tokio::try_join!(
        ids!(event, written_event()),
        ids!(report, all()),
        ids!(reply, all()),
        ids!(product, all())
    )?;
    let mut found: Vec<Uuid> = events.into_iter().chain(reports).chain(replies).chain(products).collect();
    found.sort_unstable();
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}

/// Something that is not found yet, with the event that it hangs on.
pub(super) enum Unwritten {
    Event(Box<event::Model>),
    Report(Box<(event::Model, report::Model)>),
    Reply(Box<(event::Model, reply::Model)>),
    Product(Box<product::Model>),
}

/// The thing, if nothing of it is found. Its event is read first: the event's revision then guards what is read after it.
pub(super) async fn unwritten(app: &App, id: Uuid) -> Result<Option<Unwritten>> {
    let db = app.database.reader();
    let event = |of: Uuid| event::Entity::find_by_id(of).one(db);
    if let Some(row) = event::Entity::find_by_id(id).filter(has_no_entry(event::Column::Id)).one(db).await? {
        return Ok(Some(Unwritten::Event(Box::new(row))));
    }
    let report = || report::Entity::find_by_id(id).filter(has_no_entry(report::Column::Id)).one(db);
    if let Some(row) = report().await? {
        let of = event(row.event_id).await?;
        return Ok(of.zip(report().await?).map(|found| Unwritten::Report(Box::new(found))));
    }
    let reply = || reply::Entity::find_by_id(id).filter(has_no_entry(reply::Column::Id)).one(db);
    if let Some(row) = reply().await? {
        let of = event(row.event_id).await?;
        return Ok(of.zip(reply().await?).map(|found| Unwritten::Reply(Box::new(found))));
    }
    let product = product::Entity::find_by_id(id).filter(has_no_entry(product::Column::Id)).one(db);
    Ok(product.await?.map(|row| Unwritten::Product(Box::new(row))))
}
