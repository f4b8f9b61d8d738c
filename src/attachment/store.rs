//! Finding attachments.

use entity::{attachment, attachment_content, report};
use sea_orm::sea_query::{Condition, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Select};
use uuid::Uuid;

use crate::app::App;
use crate::auth::policy::{Action, allows};
use crate::auth::{Actor, visibility};
use crate::error::{Error, Result};
use crate::graphql::page::Keyset;

/// Oldest first.
pub const IN_ORDER: Keyset<attachment::Column> =
    Keyset { column: attachment::Column::ReceivedAt, id: attachment::Column::Id, descending: false };

/// Which attachments of a report that the actor has found are theirs to read: all to those who read reports as
/// received, else those of the public side.
pub fn readable(actor: &Actor) -> Condition {
    let all = Condition::all();
    if allows(actor, Action::ReadRawReports) { all } else { all.add(attachment::Column::PublicSide.eq(true)) }
}

/// The attachment is one that the actor may read: of a report that they may see.
pub fn visible(actor: &Actor) -> Condition {
    let reports = Query::select()
        .column(report::Column::Id)
        .from(report::Entity)
        .cond_where(visibility::visible_report(actor))
        .take();
    readable(actor).add(attachment::Column::ReportId.in_subquery(reports))
}

/// The attachments of a report that the actor has found.
pub fn of_report(actor: &Actor, report: Uuid) -> Select<attachment::Entity> {
    attachment::Entity::find().filter(attachment::Column::ReportId.eq(report)).filter(readable(actor))
}

/// The attachment with its report and its bytes, if it is the actor's to read.
///
/// # Errors
/// NOT_FOUND when it is hidden, absent or erased.
pub async fn find(app: &App, actor: &Actor, id: Uuid) -> Result<(report::Model, attachment::Model, Vec<u8>)> {
    let db = app.database.reader();
    let found =
        attachment::Entity::find_by_id(id).filter(visible(actor)).one(db).await?.ok_or(Error::NotFound)?;
    let report = report::Entity::find_by_id(found.report_id).one(db).await?.ok_or(Error::NotFound)?;
    let content = attachment_content::Entity::find_by_id(id).one(db).await?.ok_or(Error::NotFound)?;
    Ok((report, found, content.bytes))
}

/// The files of a report, in the order in which they came, with their bytes: without original mails, which say who sent
/// them.
///
/// # Errors
/// Of the database.
pub async fn files_of(app: &App, report: Uuid) -> Result<Vec<(attachment::Model, Vec<u8>)>> {
    let rows = attachment::Entity::find()
        .filter(attachment::Column::ReportId.eq(report))
        .filter(attachment::Column::Kind.eq(entity::vocabulary::AttachmentKind::File))
        .order_by_asc(attachment::Column::ReceivedAt)
        .order_by_asc(attachment::Column::Id)
        .all(app.database.reader())
        .await?;
    let mut files = Vec::with_capacity(rows.len());
    for row in rows {
        let content = attachment_content::Entity::find_by_id(row.id).one(app.database.reader()).await?;
        files.extend(content.map(|content| (row, content.bytes)));
    }
    Ok(files)
}
