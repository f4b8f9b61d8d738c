//! Whom a report is from, and the thread of its mails.

use chrono::{DateTime, Utc};
use entity::vocabulary::ReplyVia;
use entity::{attachment, inbound_mail, reply, reply_attachment, reply_dispatch, report, reporter};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::rules::Letter;
use crate::app::App;
use crate::error::Result;

/// A report, with who reported it.
///
/// # Errors
/// Of the database.
pub async fn reported(app: &App, id: Uuid) -> Result<Option<(report::Model, Option<reporter::Model>)>> {
    let db = app.database.reader();
    let Some(report) = report::Entity::find_by_id(id).one(db).await? else { return Ok(None) };
    let reporter = match report.reporter_id {
        Some(id) => reporter::Entity::find_by_id(id).one(db).await?,
        None => None,
    };
    Ok(Some((report, reporter)))
}

/// The report, if it is one of this event through this channel. Nothing is read of another, which may be hidden.
///
/// # Errors
/// Of the database.
pub async fn through(app: &App, id: Uuid, event: Uuid, channel: Uuid) -> Result<Option<report::Model>> {
    let select = report::Entity::find_by_id(id)
        .filter(report::Column::EventId.eq(event))
        .filter(report::Column::ChannelId.eq(channel));
    Ok(select.one(app.database.reader()).await?)
}

/// Mails of a report's reporter, the oldest first.
///
/// # Errors
/// Of the database.
pub async fn mails(app: &App, report: Uuid) -> Result<Vec<inbound_mail::Model>> {
    let select = inbound_mail::Entity::find()
        .filter(inbound_mail::Column::ReportId.eq(report))
        .filter(inbound_mail::Column::FromReporter.eq(true))
        .order_by_asc(inbound_mail::Column::ReceivedAt)
        .order_by_asc(inbound_mail::Column::Id);
    Ok(select.all(app.database.reader()).await?)
}

/// E-mails of ours about these reports to their reporter, whose content went out, the oldest first.
///
/// # Errors
/// Of the database.
pub async fn written(app: &App, reports: [Uuid; 2]) -> Result<Vec<Letter>> {
    let replies = Query::select()
        .column(reply::Column::Id)
        .from(reply::Entity)
        .and_where(reply::Column::ReportId.is_in(reports))
        .take();
    let dispatches = reply_dispatch::Entity::find()
        .filter(reply_dispatch::Column::ReplyId.in_subquery(replies))
        .filter(reply_dispatch::Column::Via.eq(ReplyVia::Email))
        .filter(reply_dispatch::Column::DataAt.is_not_null())
        .order_by_asc(reply_dispatch::Column::DataAt)
        .order_by_asc(reply_dispatch::Column::Id)
        .all(app.database.reader())
        .await?;
    let letter = |row: reply_dispatch::Model| -> Option<Letter> {
        let at: DateTime<Utc> = row.data_at?;
        Some(Letter { at, ours: true, message_id: row.message_id })
    };
    Ok(dispatches.into_iter().filter_map(letter).collect())
}

/// Files that go with a reply and came with other reports than these.
///
/// # Errors
/// Of the database.
pub async fn of_others(app: &App, reply: Uuid, reports: [Uuid; 2]) -> Result<Vec<reply_attachment::Model>> {
    let own = Query::select()
        .column(attachment::Column::Id)
        .from(attachment::Entity)
        .and_where(attachment::Column::ReportId.is_in(reports))
        .take();
    let select = reply_attachment::Entity::find()
        .filter(reply_attachment::Column::ReplyId.eq(reply))
        .filter(reply_attachment::Column::AttachmentId.is_not_null())
        .filter(Expr::col(reply_attachment::Column::AttachmentId).not_in_subquery(own))
        .order_by_asc(reply_attachment::Column::Id);
    Ok(select.all(app.database.reader()).await?)
}
