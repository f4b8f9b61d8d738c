//! Finding cases, and what they are about.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use entity::vocabulary::Facet;
use entity::{multi_platform, multi_platform_appeal, report, reporter};
use sea_orm::sea_query::Condition;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::app::App;
use crate::auth::{Actor, visibility};
use crate::database::is_one_of;
use crate::error::{Error, Result};
use crate::graphql::page::{self, Keyset, Page, PageInput};

use multi_platform::Column as C;

/// The case is one that the actor may see: of two reports on events whose content is theirs.
pub fn visible(actor: &Actor) -> Condition {
    let inside = |column: C| {
        visibility::of_report(column, visibility::visible(actor, Facet::Content, report::Column::EventId))
    };
    Condition::all().add(inside(C::ReportId)).add(inside(C::OtherReportId))
}

/// The case, if the actor may see it.
///
/// # Errors
/// NOT_FOUND when it is hidden or absent.
pub async fn find(app: &App, actor: &Actor, id: Uuid) -> Result<multi_platform::Model> {
    let select = multi_platform::Entity::find_by_id(id).filter(visible(actor));
    select.one(app.database.reader()).await?.ok_or(Error::NotFound)
}

/// A page of the cases that the actor may see, the newest first: all, or those that are open or decided.
///
/// # Errors
/// Those of the page.
pub async fn page(
    app: &App,
    actor: &Actor,
    open: Option<bool>,
    input: &PageInput,
) -> Result<Page<multi_platform::Model>> {
    let mut select = multi_platform::Entity::find().filter(visible(actor));
    if let Some(open) = open {
        select = select.filter(if open { C::Outcome.is_null() } else { C::Outcome.is_not_null() });
    }
    let keyset = Keyset { column: C::ProposedAt, id: C::Id, descending: true };
    page::read(&app.database, select, keyset, input).await
}

/// The case of a pair, whichever of them was the later one then.
///
/// # Errors
/// Of the database.
pub async fn of_pair(app: &App, one: Uuid, other: Uuid) -> Result<Option<multi_platform::Model>> {
    let is =
        |one: Uuid, other: Uuid| Condition::all().add(C::ReportId.eq(one)).add(C::OtherReportId.eq(other));
    let select =
        multi_platform::Entity::find().filter(Condition::any().add(is(one, other)).add(is(other, one)));
    Ok(select.one(app.database.reader()).await?)
}

/// Cases about any of these reports, whoever may see them, the oldest first.
///
/// # Errors
/// Of the database.
pub async fn about(app: &App, reports: &[Uuid]) -> Result<Vec<multi_platform::Model>> {
    let is = |column: C| is_one_of(app.database.backend(), column, reports.iter().copied());
    let select = multi_platform::Entity::find()
        .filter(Condition::any().add(is(C::ReportId)).add(is(C::OtherReportId)))
        .order_by_asc(C::Id);
    Ok(select.all(app.database.reader()).await?)
}

/// Both reports of a case that the caller has found, the later one first.
///
/// # Errors
/// Of the database.
pub async fn reports(app: &App, case: &multi_platform::Model) -> Result<(report::Model, report::Model)> {
    let db = app.database.reader();
    let later = report::Entity::find_by_id(case.report_id).one(db).await?.ok_or(Error::NotFound)?;
    let earlier = report::Entity::find_by_id(case.other_report_id).one(db).await?.ok_or(Error::NotFound)?;
    Ok((later, earlier))
}

/// These reports and the parts that they were split into, each once.
///
/// # Errors
/// Of the database.
pub async fn with_parts(app: &App, reports: &[Uuid]) -> Result<Vec<Uuid>> {
    let select = report::Entity::find().select_only().column(report::Column::Id).filter(is_one_of(
        app.database.backend(),
        report::Column::PartOf,
        reports.iter().copied(),
    ));
    let parts: Vec<Uuid> = select.into_tuple().all(app.database.reader()).await?;
    let mut seen = HashSet::new();
    Ok(reports.iter().copied().chain(parts).filter(|id| seen.insert(*id)).collect())
}

/// Which report each of these is a part of, where it is one.
///
/// # Errors
/// Of the database.
pub async fn wholes(app: &App, reports: &[Uuid]) -> Result<Vec<(Uuid, Uuid)>> {
    let select = report::Entity::find()
        .select_only()
        .columns([report::Column::Id, report::Column::PartOf])
        .filter(is_one_of(app.database.backend(), report::Column::Id, reports.iter().copied()))
        .filter(report::Column::PartOf.is_not_null());
    Ok(select.into_tuple().all(app.database.reader()).await?)
}

/// Who sent each of these reports.
///
/// # Errors
/// Of the database.
pub async fn reporters(app: &App, reports: [&report::Model; 2]) -> Result<[Option<reporter::Model>; 2]> {
    let mut found = [None, None];
    for (place, report) in reports.into_iter().enumerate() {
        if let Some(id) = report.reporter_id {
            found[place] = reporter::Entity::find_by_id(id).one(app.database.reader()).await?;
        }
    }
    Ok(found)
}

/// Appeals against a case that nobody resolved.
///
/// # Errors
/// Of the database.
pub async fn open_appeals(app: &App, case: Uuid) -> Result<Vec<multi_platform_appeal::Model>> {
    let select = multi_platform_appeal::Entity::find()
        .filter(multi_platform_appeal::Column::MultiPlatformId.eq(case))
        .filter(multi_platform_appeal::Column::ResolvedAt.is_null());
    Ok(select.all(app.database.reader()).await?)
}

/// The appeal of a payout's payee against a case.
///
/// # Errors
/// Of the database.
pub async fn appeal(app: &App, case: Uuid, payout: Uuid) -> Result<Option<multi_platform_appeal::Model>> {
    let select = multi_platform_appeal::Entity::find()
        .filter(multi_platform_appeal::Column::MultiPlatformId.eq(case))
        .filter(multi_platform_appeal::Column::PayoutId.eq(payout));
    Ok(select.one(app.database.reader()).await?)
}

/// Appeals of the payees of payouts that the caller has found.
///
/// # Errors
/// Of the database.
pub async fn appeals_of(app: &App, payouts: &[Uuid]) -> Result<Vec<multi_platform_appeal::Model>> {
    let select = multi_platform_appeal::Entity::find().filter(is_one_of(
        app.database.backend(),
        multi_platform_appeal::Column::PayoutId,
        payouts.iter().copied(),
    ));
    Ok(select.all(app.database.reader()).await?)
}

/// No decision came until `at`, and the hold was not ended yet.
fn is_over(at: DateTime<Utc>) -> Condition {
    Condition::all().add(C::Outcome.is_null()).add(C::HoldEndedAt.is_null()).add(C::HeldUntil.lte(at))
}

/// Cases whose hold is over, with ids after `after`.
///
/// # Errors
/// Of the database.
pub async fn over(app: &App, at: DateTime<Utc>, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
    let select = multi_platform::Entity::find()
        .select_only()
        .column(C::Id)
        .filter(C::Id.gt(after))
        .filter(is_over(at))
        .order_by_asc(C::Id)
        .limit(limit);
    Ok(select.into_tuple().all(app.database.reader()).await?)
}

/// The case, if its hold is over.
///
/// # Errors
/// Of the database.
pub async fn if_over(app: &App, id: Uuid, at: DateTime<Utc>) -> Result<Option<multi_platform::Model>> {
    let select = multi_platform::Entity::find_by_id(id).filter(is_over(at));
    Ok(select.one(app.database.reader()).await?)
}
