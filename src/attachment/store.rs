//! Finding attachments, and the files that they name.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use entity::vocabulary::{AttachmentKind, Facet};
use entity::{attachment, event, reply_attachment, reply_file, reply_proof, report, stored_file};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query, SimpleExpr};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use uuid::Uuid;

use crate::app::App;
use crate::auth::policy::{Action, allows};
use crate::auth::{Actor, visibility};
use crate::database::is_one_of;
use crate::error::{Error, Result};
use crate::files::{Kept, Opened};
use crate::graphql::page::Keyset;

use attachment::Column as C;

/// Files that are looked up in one statement.
const BATCH: usize = 1_000;

/// Oldest first.
pub const IN_ORDER: Keyset<C> = Keyset { column: C::ReceivedAt, id: C::Id, descending: false };

/// Which attachments of a report that the actor has found are theirs to read: those of the public side that were not
/// removed, and all to those who read reports as received, on events whose content is theirs. A report of one's own on an
/// event that is not shows its public side alone, whatever one's other roles.
pub fn readable(actor: &Actor) -> Condition {
    let public = Condition::all().add(C::PublicSide.eq(true)).add(C::RemovedAt.is_null());
    if !allows(actor, Action::ReadRawReports) {
        return public;
    }
    let inside = visibility::visible(actor, Facet::Content, report::Column::EventId);
    // All of this one: what callers add narrows it.
    Condition::all().add(Condition::any().add(public).add(visibility::of_report(C::ReportId, inside)))
}

/// Released to the team of the event that its report is on.
fn released() -> Condition {
    let there = Query::select()
        .expr(Expr::val(1))
        .from(report::Entity)
        .and_where(Expr::col((report::Entity, report::Column::Id)).equals((attachment::Entity, C::ReportId)))
        .and_where(
            Expr::col((report::Entity, report::Column::EventId))
                .equals((attachment::Entity, C::ReleasedEventId)),
        )
        .take();
    Condition::all()
        .add(C::Kind.eq(AttachmentKind::File))
        .add(C::ReleasedEventId.is_not_null())
        .add(C::RemovedAt.is_null())
        .add(Expr::exists(there))
}

/// The attachment is one that the actor may read: of a report that they may see, or released to the team of an event
/// whose content they may see.
pub fn visible(actor: &Actor) -> Condition {
    let own = readable(actor).add(visibility::of_report(C::ReportId, visibility::visible_report(actor)));
    let to_team = released().add(Expr::value(allows(actor, Action::ReadEvents))).add(visibility::visible(
        actor,
        Facet::Content,
        C::ReleasedEventId,
    ));
    Condition::any().add(own).add(to_team)
}

/// The attachments of a report that the actor has found.
pub fn of_report(actor: &Actor, report: Uuid) -> Select<attachment::Entity> {
    attachment::Entity::find().filter(C::ReportId.eq(report)).filter(readable(actor))
}

/// What was released to the team of an event whose content the actor has found.
pub fn released_on(event: Uuid) -> Select<attachment::Entity> {
    attachment::Entity::find().filter(C::ReleasedEventId.eq(event)).filter(released())
}

/// The attachment with its report, if it is the actor's to read.
///
/// # Errors
/// NOT_FOUND when it is hidden or absent.
pub async fn find(app: &App, actor: &Actor, id: Uuid) -> Result<(report::Model, attachment::Model)> {
    let db = app.database.reader();
    let found =
        attachment::Entity::find_by_id(id).filter(visible(actor)).one(db).await?.ok_or(Error::NotFound)?;
    let report = report::Entity::find_by_id(found.report_id).one(db).await?.ok_or(Error::NotFound)?;
    Ok((report, found))
}

/// The same with the event that its report is on, for those who handle that.
///
/// # Errors
/// NOT_FOUND when it is hidden or absent, or the event's content is.
pub async fn find_handled(app: &App, actor: &Actor, id: Uuid) -> Result<(event::Model, attachment::Model)> {
    let (report, _) = find(app, actor, id).await?;
    let event = crate::event::store::find(app, actor, report.event_id).await?;
    // Read once more, since the event's revision guards only what is read after it.
    let (report, found) = find(app, actor, id).await?;
    if report.event_id == event.id { Ok((event, found)) } else { Err(Error::Race) }
}

/// The file that an attachment which the caller has found names.
///
/// # Errors
/// NOT_FOUND when its bytes were removed or erased.
pub fn file_of(row: &attachment::Model) -> Result<Kept> {
    let name = row.file_id.ok_or(Error::NotFound)?;
    let size = u64::try_from(row.size).map_err(anyhow::Error::from)?;
    Ok(Kept { name, size, sha256: row.sha256.clone() })
}

/// The bytes of an attachment that the caller has found, each as it was received.
///
/// # Errors
/// NOT_FOUND when they were removed or erased; our own fault when they are not there.
pub async fn open(app: &App, row: &attachment::Model) -> Result<Opened> {
    Ok(app.files.open(&file_of(row)?).await?)
}

/// An attachment of the report with these bytes, among those that the actor may read.
///
/// # Errors
/// Of the database.
pub async fn same(
    app: &App,
    actor: &Actor,
    report: Uuid,
    sha256: &[u8],
) -> Result<Option<attachment::Model>> {
    let select = of_report(actor, report)
        .filter(C::Kind.eq(AttachmentKind::File))
        .filter(C::FileId.is_not_null())
        .filter(C::Sha256.eq(sha256.to_vec()))
        .order_by_asc(C::ReceivedAt)
        .order_by_asc(C::Id);
    Ok(select.one(app.database.reader()).await?)
}

/// How many files a report has, and of how many bytes, among those that the actor may read.
///
/// # Errors
/// Of the database.
pub async fn usage(app: &App, actor: &Actor, report: Uuid) -> Result<(u64, u64)> {
    let there =
        of_report(actor, report).filter(C::Kind.eq(AttachmentKind::File)).filter(C::RemovedAt.is_null());
    let count = there.clone().count(app.database.reader()).await?;
    Ok((count, bytes_of(app, there).await?))
}

/// Bytes of the files that a subject, or what stands for a reporter, added since then, removed ones too.
///
/// # Errors
/// Of the database.
pub async fn added_since(app: &App, by: &str, then: DateTime<Utc>) -> Result<u64> {
    let added = attachment::Entity::find()
        .filter(C::AddedBy.eq(by))
        .filter(C::ReceivedAt.gt(then))
        .filter(C::MailId.is_null());
    bytes_of(app, added).await
}

async fn bytes_of(app: &App, files: Select<attachment::Entity>) -> Result<u64> {
    // PostgreSQL sums to a type of its own.
    let sum = files.select_only().expr(Expr::cust("CAST(SUM(size) AS BIGINT)"));
    let sum: Option<Option<i64>> = sum.into_tuple().one(app.database.reader()).await?;
    Ok(sum.flatten().and_then(|sum| u64::try_from(sum).ok()).unwrap_or_default())
}

/// All attachments of a report.
///
/// # Errors
/// Of the database.
pub async fn ids_of(app: &App, report: Uuid) -> Result<Vec<Uuid>> {
    let select = attachment::Entity::find().select_only().column(C::Id).filter(C::ReportId.eq(report));
    Ok(select.into_tuple().all(app.database.reader()).await?)
}

/// The files of a report that are there, in the order in which they came: without original mails, which say who sent them.
///
/// # Errors
/// Of the database.
pub async fn files_of(app: &App, report: Uuid) -> Result<Vec<attachment::Model>> {
    let select = attachment::Entity::find()
        .filter(C::ReportId.eq(report))
        .filter(C::Kind.eq(AttachmentKind::File))
        .filter(C::FileId.is_not_null())
        .order_by_asc(C::ReceivedAt)
        .order_by_asc(C::Id);
    Ok(select.all(app.database.reader()).await?)
}

/// Those of the attachments that the actor may read and that can go with a reply on the event: files of its reports whose
/// bytes are there, in their order.
///
/// # Errors
/// Of the database.
pub async fn on_event(app: &App, actor: &Actor, event: Uuid, ids: &[Uuid]) -> Result<Vec<attachment::Model>> {
    let reports = Query::select()
        .column(report::Column::Id)
        .from(report::Entity)
        .and_where(report::Column::EventId.eq(event))
        .take();
    let select = attachment::Entity::find()
        .filter(is_one_of(app.database.backend(), C::Id, ids.iter().copied()))
        .filter(C::ReportId.in_subquery(reports))
        .filter(C::Kind.eq(AttachmentKind::File))
        .filter(C::FileId.is_not_null())
        .filter(visible(actor))
        .order_by_asc(C::Id);
    Ok(select.all(app.database.reader()).await?)
}

/// The file with these bytes.
///
/// # Errors
/// Of the database.
pub async fn stored(app: &App, sha256: &[u8]) -> Result<Option<stored_file::Model>> {
    let select = stored_file::Entity::find().filter(stored_file::Column::Sha256.eq(sha256.to_vec()));
    Ok(select.one(app.database.reader()).await?)
}

/// Those of the names that no row is of.
///
/// # Errors
/// Of the database.
pub async fn unknown(app: &App, names: &[Uuid]) -> Result<Vec<Uuid>> {
    let mut unknown: BTreeSet<Uuid> = names.iter().copied().collect();
    for batch in names.chunks(BATCH) {
        let of = is_one_of(app.database.backend(), stored_file::Column::Id, batch.iter().copied());
        let select = stored_file::Entity::find().select_only().column(stored_file::Column::Id).filter(of);
        let known: Vec<Uuid> = select.into_tuple().all(app.database.writer()).await?;
        known.iter().for_each(|id| {
            unknown.remove(id);
        });
    }
    Ok(unknown.into_iter().collect())
}

/// No row names the file: no attachment, nothing that goes with a reply or proves it, nothing that was sent.
fn is_unnamed() -> SimpleExpr {
    unnamed_in::<attachment::Entity>(C::FileId)
        .and(unnamed_in::<reply_attachment::Entity>(reply_attachment::Column::FileId))
        .and(unnamed_in::<reply_proof::Entity>(reply_proof::Column::FileId))
        .and(unnamed_in::<reply_file::Entity>(reply_file::Column::FileId))
}

fn unnamed_in<E: EntityTrait>(column: E::Column) -> SimpleExpr {
    let named = Query::select()
        .expr(Expr::val(1))
        .from(E::default())
        .and_where(Expr::col(column.as_column_ref()).equals((stored_file::Entity, stored_file::Column::Id)))
        .take();
    Expr::exists(named).not()
}

/// Files that no row names, with ids after `after`.
///
/// # Errors
/// Of the database.
pub async fn unnamed(app: &App, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
    let select = stored_file::Entity::find()
        .select_only()
        .column(stored_file::Column::Id)
        .filter(stored_file::Column::Id.gt(after))
        .filter(is_unnamed())
        .order_by_asc(stored_file::Column::Id)
        .limit(limit);
    Ok(select.into_tuple().all(app.database.reader()).await?)
}

/// Deletes the row of a file that nothing names; false when something does, or it is gone.
///
/// # Errors
/// Of the database.
pub async fn delete_unnamed(app: &App, file: Uuid) -> Result<bool> {
    let delete =
        stored_file::Entity::delete_many().filter(stored_file::Column::Id.eq(file)).filter(is_unnamed());
    Ok(delete.exec(app.database.writer()).await?.rows_affected == 1)
}
