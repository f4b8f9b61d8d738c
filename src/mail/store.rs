//! Finding mails, and the reports that they belong to.

use chrono::{DateTime, Utc};
use entity::vocabulary::{AttachmentKind, Facet, MailVerification};
use entity::{
    attachment, event, inbound_mail, mailbox_lease, obligation, reply, reply_dispatch, reply_obligation,
    reply_route, report, reporter,
};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, OnConflict, Query, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use uuid::Uuid;

use crate::app::App;
use crate::auth::policy::{Action, allows};
use crate::auth::{Actor, visibility};
use crate::database::is_one_of;
use crate::error::Result;
use crate::graphql::page::Keyset;
use crate::outbox::ChangeSet;

/// Oldest first.
pub const IN_ORDER: Keyset<inbound_mail::Column> =
    Keyset { column: inbound_mail::Column::ReceivedAt, id: inbound_mail::Column::Id, descending: false };

/// The mail of a channel that is recognised by this.
///
/// # Errors
/// Of the database.
pub async fn known(app: &App, channel: Uuid, identity: &str) -> Result<Option<inbound_mail::Model>> {
    let select = inbound_mail::Entity::find()
        .filter(inbound_mail::Column::ChannelId.eq(channel))
        .filter(inbound_mail::Column::Identity.eq(identity));
    Ok(select.one(app.database.reader()).await?)
}

/// Addresses that replies of ours come from.
///
/// # Errors
/// Of the database.
pub async fn own_addresses(app: &App) -> Result<Vec<String>> {
    let select = reply_route::Entity::find()
        .select_only()
        .column(reply_route::Column::FromEmail)
        .filter(reply_route::Column::FromEmail.is_not_null());
    let routes: Vec<Option<String>> = select.into_tuple().all(app.database.reader()).await?;
    let usual = app.replies.smtp.as_ref().and_then(|smtp| smtp.from.clone());
    Ok(routes.into_iter().flatten().chain(usual).collect())
}

/// A report that a mail may belong to, with what its reporter's address is.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The report.
    pub report: report::Model,
    /// Its reporter's address, if it is known and not erased.
    pub address: Option<String>,
}

/// The reports that replies of ours with these `Message-ID`s answered, whoever may see them: nobody has such an id who
/// has not got the reply. Of a reply that answered none, the reports on its event, its channel's first.
///
/// # Errors
/// Of the database.
pub async fn answered(app: &App, message_ids: &[String]) -> Result<Vec<Candidate>> {
    if message_ids.is_empty() {
        return Ok(Vec::new());
    }
    let replies = Query::select()
        .column(reply_dispatch::Column::ReplyId)
        .from(reply_dispatch::Entity)
        .and_where(reply_dispatch::Column::MessageId.is_in(message_ids))
        .take();
    let select = reply::Entity::find().filter(reply::Column::Id.in_subquery(replies));
    let replies = select.all(app.database.reader()).await?;
    // What went to a reporter was about their report alone.
    let own = replies.iter().filter_map(|reply| reply.report_id);
    let own = Query::select()
        .column(report::Column::Id)
        .from(report::Entity)
        .and_where(is_one_of(app.database.backend(), report::Column::Id, own))
        .take();
    let found = candidates(app, own).await?;
    if !found.is_empty() {
        return Ok(found);
    }
    let ids = replies.iter().map(|reply| reply.id);
    let obligations = Query::select()
        .column(reply_obligation::Column::ObligationId)
        .from(reply_obligation::Entity)
        .and_where(is_one_of(app.database.backend(), reply_obligation::Column::ReplyId, ids))
        .take();
    let reports = Query::select()
        .column(obligation::Column::ReportId)
        .from(obligation::Entity)
        .and_where(obligation::Column::Id.in_subquery(obligations))
        .and_where(obligation::Column::ReportId.is_not_null())
        .take();
    let found = candidates(app, reports).await?;
    if !found.is_empty() {
        return Ok(found);
    }
    let events = replies.iter().map(|reply| reply.event_id);
    let reports = Query::select()
        .column(report::Column::Id)
        .from(report::Entity)
        .and_where(is_one_of(app.database.backend(), report::Column::EventId, events))
        .take();
    let mut found = candidates(app, reports).await?;
    found.sort_by_key(|found| !replies.iter().any(|reply| reply.channel_id == found.report.channel_id));
    Ok(found)
}

/// The reports that earlier mails to the same channel with these `Message-ID`s from the same address became or belong to.
///
/// # Errors
/// Of the database.
pub async fn continued(
    app: &App,
    channel: Uuid,
    message_ids: &[String],
    sender: &str,
) -> Result<Vec<Candidate>> {
    if message_ids.is_empty() {
        return Ok(Vec::new());
    }
    let reports = Query::select()
        .column(inbound_mail::Column::ReportId)
        .from(inbound_mail::Entity)
        .and_where(inbound_mail::Column::ChannelId.eq(channel))
        .and_where(inbound_mail::Column::MessageId.is_in(message_ids))
        .and_where(inbound_mail::Column::Sender.eq(sender))
        .and_where(inbound_mail::Column::Verification.ne(MailVerification::Failed))
        .take();
    candidates(app, reports).await
}

/// The reports through a channel on the events with these numbers.
///
/// # Errors
/// Of the database.
pub async fn numbered(app: &App, channel: Uuid, numbers: &[String]) -> Result<Vec<Candidate>> {
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let events = Query::select()
        .column(event::Column::Id)
        .from(event::Entity)
        .and_where(event::Column::Number.is_in(numbers))
        .take();
    let reports = Query::select()
        .column(report::Column::Id)
        .from(report::Entity)
        .and_where(report::Column::ChannelId.eq(channel))
        .and_where(report::Column::EventId.in_subquery(events))
        .take();
    candidates(app, reports).await
}

/// The first reports come first.
async fn candidates(app: &App, reports: SelectStatement) -> Result<Vec<Candidate>> {
    let db = app.database.reader();
    let found = report::Entity::find()
        .filter(report::Column::Id.in_subquery(reports))
        .order_by_asc(report::Column::RecordedAt)
        .order_by_asc(report::Column::Id)
        .all(db)
        .await?;
    let ids = found.iter().filter_map(|report| report.reporter_id);
    let of = is_one_of(app.database.backend(), reporter::Column::Id, ids);
    let reporters = reporter::Entity::find().filter(of).all(db).await?;
    let address =
        |id: Option<Uuid>| reporters.iter().find(|row| Some(row.id) == id).and_then(|row| row.email.clone());
    Ok(found.into_iter().map(|report| Candidate { address: address(report.reporter_id), report }).collect())
}

/// The address of a report's reporter in lower case, if it is known and not erased.
///
/// # Errors
/// Of the database.
pub async fn reporter_address(app: &App, report: &report::Model) -> Result<Option<String>> {
    let Some(id) = report.reporter_id else { return Ok(None) };
    let found = reporter::Entity::find_by_id(id).one(app.database.reader()).await?;
    Ok(found.and_then(|row| row.email).map(|address| address.to_lowercase()))
}

/// The mail is one that the actor may read: about a report that they read as received, on an event whose content is theirs.
pub fn visible(actor: &Actor) -> Condition {
    let inside = visibility::visible(actor, Facet::Content, report::Column::EventId);
    Condition::all()
        .add(Expr::value(allows(actor, Action::ReadRawReports)))
        .add(visibility::of_report(inbound_mail::Column::ReportId, inside))
}

/// The mails about a report, for those who read reports as received.
pub fn of_report(actor: &Actor, report: Uuid) -> Select<inbound_mail::Entity> {
    inbound_mail::Entity::find().filter(inbound_mail::Column::ReportId.eq(report)).filter(visible(actor))
}

/// Erases who sent the mails of a reporter: the address, and the original mails that say it. What they reported stays.
pub fn forget_sender(changes: &mut ChangeSet, reporter: Uuid) {
    let reports = Query::select()
        .column(report::Column::Id)
        .from(report::Entity)
        .and_where(report::Column::ReporterId.eq(reporter))
        .take();
    let of_reporter = || {
        Expr::col(inbound_mail::Column::FromReporter)
            .eq(true)
            .and(Expr::col(inbound_mail::Column::ReportId).in_subquery(reports.clone()))
    };
    let mails = Query::select()
        .column(inbound_mail::Column::Id)
        .from(inbound_mail::Entity)
        .and_where(of_reporter())
        .take();
    // The files themselves go with the next sweep, unless something else names them.
    let originals = Query::update()
        .table(attachment::Entity)
        .value(attachment::Column::FileId, Option::<Uuid>::None)
        .and_where(attachment::Column::Kind.eq(AttachmentKind::OriginalMail))
        .and_where(attachment::Column::MailId.in_subquery(mails))
        .take();
    changes.update_rows(originals, serde_json::json!("original mails of the reporter are erased"));
    let update = Query::update()
        .table(inbound_mail::Entity)
        .value(inbound_mail::Column::Sender, Option::<String>::None)
        .and_where(of_reporter())
        .take();
    changes.write_update(update);
}

/// Takes or keeps a mailbox until `until`; false when another process has it.
///
/// # Errors
/// Of the database.
pub async fn claim_mailbox(
    app: &App,
    mailbox: &str,
    by: Uuid,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<bool> {
    use mailbox_lease::Column as C;
    let free = Condition::any()
        .add(Expr::col((mailbox_lease::Entity, C::LeaseBy)).eq(by))
        .add(Expr::col((mailbox_lease::Entity, C::LeaseUntil)).lte(now));
    let mut claim = Query::insert();
    claim
        .into_table(mailbox_lease::Entity)
        .columns([C::Mailbox, C::LeaseBy, C::LeaseUntil])
        .values_panic([mailbox.into(), by.into(), until.into()])
        .on_conflict(
            OnConflict::column(C::Mailbox)
                .update_columns([C::LeaseBy, C::LeaseUntil])
                .action_cond_where(free)
                .to_owned(),
        );
    Ok(app.database.writer().execute(&claim).await?.rows_affected() == 1)
}

/// Gives a mailbox back.
///
/// # Errors
/// Of the database.
pub async fn release_mailbox(app: &App, mailbox: &str, by: Uuid, now: DateTime<Utc>) -> Result<()> {
    let update = mailbox_lease::Entity::update_many()
        .col_expr(mailbox_lease::Column::LeaseUntil, Expr::value(now))
        .filter(mailbox_lease::Column::Mailbox.eq(mailbox))
        .filter(mailbox_lease::Column::LeaseBy.eq(by));
    update.exec(app.database.writer()).await?;
    Ok(())
}
