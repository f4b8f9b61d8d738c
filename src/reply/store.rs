//! Finding replies and obligations, and reading what their rules depend on.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use entity::vocabulary::{
    Acknowledgement, ChannelKind, DispatchState, Facet, ObligationState, ReplyKind, ReplyState, ReplyVia,
};
use entity::{
    attachment, audit_entry, channel, deadline, duty, event, obligation, remediation, reply,
    reply_attachment, reply_dispatch, reply_draft, reply_obligation, reply_proof, reply_review, report,
    verdict,
};
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement, SimpleExpr};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
};
use serde_json::json;
use uuid::Uuid;

use super::rules::ContentFacts;
use crate::app::App;
use crate::auth::policy::{Action, allows};
use crate::auth::{Actor, Role, visibility};
use crate::database::is_one_of;
use crate::error::{Error, Result};
use crate::outbox::ChangeSet;
use crate::protection;

/// Roles that read replies to every channel; the others that read replies read those to customers.
pub const READERS_OF_ALL: [Role; 5] =
    [Role::Analyst, Role::Leader, Role::Legal, Role::PublicRelations, Role::Auditor];

/// States in which nothing of a reply changes: it left, or is about to.
const FROZEN: [ReplyState; 3] = [ReplyState::Sending, ReplyState::Sent, ReplyState::Uncertain];

/// The reply with its event, if the event's content is the actor's to see.
///
/// The event is read first: its revision then guards all that is read after it.
///
/// # Errors
/// NOT_FOUND when it is hidden or absent.
pub async fn find(app: &App, actor: &Actor, id: Uuid) -> Result<(event::Model, reply::Model)> {
    let of_reply = Query::select()
        .column(reply::Column::EventId)
        .from(reply::Entity)
        .and_where(reply::Column::Id.eq(id))
        .take();
    let event = find_event(app, actor, of_reply).await?;
    let reply = reply::Entity::find_by_id(id).one(app.database.reader()).await?.ok_or(Error::NotFound)?;
    Ok((event, reply))
}

/// The obligation with its event, if the event's content is the actor's to see.
///
/// # Errors
/// NOT_FOUND when it is hidden or absent.
pub async fn find_obligation(
    app: &App,
    actor: &Actor,
    id: Uuid,
) -> Result<(event::Model, obligation::Model)> {
    let of_obligation = Query::select()
        .column(obligation::Column::EventId)
        .from(obligation::Entity)
        .and_where(obligation::Column::Id.eq(id))
        .take();
    let event = find_event(app, actor, of_obligation).await?;
    let obligation =
        obligation::Entity::find_by_id(id).one(app.database.reader()).await?.ok_or(Error::NotFound)?;
    Ok((event, obligation))
}

/// The reply with its event, for those who read the event's replies to its channel.
///
/// # Errors
/// NOT_FOUND when it is hidden or absent.
pub async fn find_readable(app: &App, actor: &Actor, id: Uuid) -> Result<(event::Model, reply::Model)> {
    let (event, _) = find(app, actor, id).await?;
    let select = reply::Entity::find_by_id(id).filter(readable_replies(actor));
    let reply = select.one(app.database.reader()).await?.ok_or(Error::NotFound)?;
    Ok((event, reply))
}

/// The reply, for those who read the event's replies; and once it was sent, for the SRC service of the channel that it
/// was sent to. Answers whether it is read from the channel's side.
///
/// # Errors
/// NOT_FOUND when it is hidden or absent, or not sent to the channel that asks.
pub async fn find_sent(app: &App, actor: &Actor, id: Uuid) -> Result<(reply::Model, bool)> {
    find_sent_among(app, actor, &reply::Column::Id.eq(id)).await
}

async fn find_sent_among(app: &App, actor: &Actor, which: &SimpleExpr) -> Result<(reply::Model, bool)> {
    let team = Condition::all()
        .add(Expr::value(allows(actor, Action::ReadReplies)))
        .add(readable_replies(actor))
        .add(visibility::visible(actor, Facet::Content, reply::Column::EventId));
    let select = reply::Entity::find().filter(which.clone()).filter(team);
    if let Some(reply) = select.one(app.database.reader()).await? {
        return Ok((reply, false));
    }
    let own = channel_of_service(actor).ok_or(Error::NotFound)?;
    let reported = Query::select()
        .column(report::Column::EventId)
        .from(report::Entity)
        .and_where(report::Column::ChannelId.in_subquery(own.clone()))
        .cond_where(visibility::visible_report(actor))
        .take();
    let sent = Condition::all()
        .add(reply::Column::State.eq(ReplyState::Sent))
        .add(reply::Column::ChannelId.in_subquery(own))
        .add(reply::Column::EventId.in_subquery(reported));
    let select = reply::Entity::find().filter(which.clone()).filter(sent);
    let reply = select.one(app.database.reader()).await?;
    Ok((reply.ok_or(Error::NotFound)?, true))
}

/// The same for a file that goes with a reply and is there still; no statement depends on whether there is one that is
/// hidden. A platform is told of files while the reply is handed over, and may owe nothing to a report of its own: so the
/// service of the channel has them from the moment on in which its content began to go out to the platform, unless that
/// surely failed.
///
/// # Errors
/// NOT_FOUND when it is hidden or absent, or not handed over to the channel that asks.
pub async fn find_with_file(
    app: &App,
    actor: &Actor,
    file: Uuid,
) -> Result<(reply::Model, reply_attachment::Model)> {
    let of_file = Query::select()
        .column(reply_attachment::Column::ReplyId)
        .from(reply_attachment::Entity)
        .and_where(reply_attachment::Column::Id.eq(file))
        .take();
    let reply = find_handed_over(app, actor, &reply::Column::Id.in_subquery(of_file)).await?;
    let select = reply_attachment::Entity::find_by_id(file).filter(may_be_had());
    Ok((reply, select.one(app.database.reader()).await?.ok_or(Error::NotFound)?))
}

async fn find_handed_over(app: &App, actor: &Actor, which: &SimpleExpr) -> Result<reply::Model> {
    match find_sent_among(app, actor, which).await {
        Err(Error::NotFound) => {}
        other => return Ok(other?.0),
    }
    let own = channel_of_service(actor).ok_or(Error::NotFound)?;
    let told = Query::select()
        .column(reply_dispatch::Column::ReplyId)
        .from(reply_dispatch::Entity)
        .and_where(reply_dispatch::Column::Via.eq(ReplyVia::Webhook))
        .and_where(reply_dispatch::Column::DataAt.is_not_null())
        .and_where(reply_dispatch::Column::State.is_in([
            DispatchState::Handing,
            DispatchState::Taken,
            DispatchState::Uncertain,
        ]))
        .take();
    let handed_over = Condition::all()
        .add(reply::Column::State.is_in(FROZEN))
        .add(reply::Column::ChannelId.in_subquery(own))
        .add(reply::Column::Id.in_subquery(told));
    let select = reply::Entity::find().filter(which.clone()).filter(handed_over);
    select.one(app.database.reader()).await?.ok_or(Error::NotFound)
}

/// The channel whose SRC service the actor is.
fn channel_of_service(actor: &Actor) -> Option<SelectStatement> {
    let key = actor.channel.as_deref().filter(|_| actor.is(Role::Src))?;
    let own = Query::select()
        .column(channel::Column::Id)
        .from(channel::Entity)
        .and_where(channel::Column::Key.eq(key))
        .take();
    Some(own)
}

async fn find_event(
    app: &App,
    actor: &Actor,
    ids: sea_orm::sea_query::SelectStatement,
) -> Result<event::Model> {
    event::Entity::find()
        .filter(event::Column::Id.in_subquery(ids))
        .filter(visibility::visible(actor, Facet::Content, event::Column::Id))
        .one(app.database.reader())
        .await?
        .ok_or(Error::NotFound)
}

/// The channel, if there is one of this id.
///
/// # Errors
/// Of the database.
pub async fn channel(app: &App, id: Uuid) -> Result<Option<channel::Model>> {
    Ok(channel::Entity::find_by_id(id).one(app.database.reader()).await?)
}

/// Acknowledgements that are owed through channels that do not leave them to a person, and that no reply is meant to
/// meet, with ids after `after`.
///
/// # Errors
/// Of the database.
pub async fn to_acknowledge(app: &App, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
    let select = unacknowledged().filter(obligation::Column::Id.gt(after));
    let select = select.order_by_asc(obligation::Column::Id).limit(limit);
    Ok(select.into_tuple().all(app.database.reader()).await?)
}

/// Whether this is one of those.
///
/// # Errors
/// Of the database.
pub async fn awaits_acknowledgement(app: &App, id: Uuid) -> Result<bool> {
    let select = unacknowledged().filter(obligation::Column::Id.eq(id));
    Ok(select.into_tuple::<Uuid>().one(app.database.reader()).await?.is_some())
}

fn unacknowledged() -> Select<obligation::Entity> {
    let channels = Query::select()
        .column(channel::Column::Id)
        .from(channel::Entity)
        .and_where(channel::Column::Acknowledgement.ne(Acknowledgement::ByHand))
        .take();
    let drafted = Query::select()
        .expr(Expr::val(1))
        .from(reply_obligation::Entity)
        .and_where(
            Expr::col((reply_obligation::Entity, reply_obligation::Column::ObligationId))
                .equals((obligation::Entity, obligation::Column::Id)),
        )
        .take();
    obligation::Entity::find()
        .select_only()
        .column(obligation::Column::Id)
        .filter(obligation::Column::State.eq(ObligationState::Open))
        .filter(obligation::Column::Kind.eq(ReplyKind::Acknowledgement))
        .filter(obligation::Column::ChannelId.in_subquery(channels))
        .filter(Expr::exists(drafted).not())
}

/// What is owed, with its event, for the product itself.
///
/// # Errors
/// Of the database.
pub async fn owed(app: &App, id: Uuid) -> Result<Option<(event::Model, obligation::Model)>> {
    let db = app.database.reader();
    let Some(row) = obligation::Entity::find_by_id(id).one(db).await? else { return Ok(None) };
    // The event is read first: its revision then guards what is read after it.
    let Some(event) = event::Entity::find_by_id(row.event_id).one(db).await? else { return Ok(None) };
    let row = obligation::Entity::find_by_id(id).one(db).await?;
    Ok(row.filter(|row| row.event_id == event.id).map(|row| (event, row)))
}

/// The event's obligations among `ids`.
///
/// # Errors
/// Of the database.
pub async fn obligations(app: &App, event: Uuid, ids: &[Uuid]) -> Result<Vec<obligation::Model>> {
    let select = obligation::Entity::find()
        .filter(obligation::Column::EventId.eq(event))
        .filter(is_one_of(app.database.backend(), obligation::Column::Id, ids.iter().copied()))
        .order_by_asc(obligation::Column::Id);
    Ok(select.all(app.database.reader()).await?)
}

/// The obligations that a reply is meant to meet.
///
/// # Errors
/// Of the database.
pub async fn obligations_of(app: &App, reply: Uuid) -> Result<Vec<obligation::Model>> {
    let linked = Query::select()
        .column(reply_obligation::Column::ObligationId)
        .from(reply_obligation::Entity)
        .and_where(reply_obligation::Column::ReplyId.eq(reply))
        .take();
    let select = obligation::Entity::find()
        .filter(obligation::Column::Id.in_subquery(linked))
        .order_by_asc(obligation::Column::Id);
    Ok(select.all(app.database.reader()).await?)
}

/// The files that go with a reply, in the order in which they were added.
///
/// # Errors
/// Of the database.
pub async fn attachments(app: &App, reply: Uuid) -> Result<Vec<reply_attachment::Model>> {
    let select = reply_attachment::Entity::find()
        .filter(reply_attachment::Column::ReplyId.eq(reply))
        .order_by_asc(reply_attachment::Column::Id);
    Ok(select.all(app.database.reader()).await?)
}

/// Those of them that are there no more: they were removed from their report, or it went to another event.
///
/// # Errors
/// Of the database.
pub async fn gone_attachments(app: &App, reply: Uuid) -> Result<Vec<reply_attachment::Model>> {
    let select = reply_attachment::Entity::find()
        .filter(reply_attachment::Column::ReplyId.eq(reply))
        .filter(has_source().not())
        .order_by_asc(reply_attachment::Column::Id);
    Ok(select.all(app.database.reader()).await?)
}

/// The files that may be had of a reply: all of one that left or is about to, else those that are there still.
///
/// # Errors
/// Of the database.
pub async fn readable_attachments(app: &App, reply: Uuid) -> Result<Vec<reply_attachment::Model>> {
    let select = reply_attachment::Entity::find()
        .filter(reply_attachment::Column::ReplyId.eq(reply))
        .filter(may_be_had())
        .order_by_asc(reply_attachment::Column::Id);
    Ok(select.all(app.database.reader()).await?)
}

/// Replies on an event that have not left and carry one of these attachments, each with the files that these are.
///
/// # Errors
/// Of the database.
pub async fn unsent_with(
    app: &App,
    event: Uuid,
    attachments: &[Uuid],
) -> Result<Vec<(reply::Model, Vec<reply_attachment::Model>)>> {
    let (backend, db) = (app.database.backend(), app.database.reader());
    let of = is_one_of(backend, reply_attachment::Column::AttachmentId, attachments.iter().copied());
    let rows = reply_attachment::Entity::find()
        .filter(of)
        .order_by_asc(reply_attachment::Column::Id)
        .all(db)
        .await?;
    let replies = reply::Entity::find()
        .filter(is_one_of(backend, reply::Column::Id, rows.iter().map(|row| row.reply_id)))
        .filter(reply::Column::EventId.eq(event))
        .filter(reply::Column::State.is_not_in(FROZEN))
        .order_by_asc(reply::Column::Id)
        .all(db)
        .await?;
    let with = |reply: reply::Model| {
        let carried = rows.iter().filter(|row| row.reply_id == reply.id).cloned().collect();
        (reply, carried)
    };
    Ok(replies.into_iter().map(with).collect())
}

fn may_be_had() -> Condition {
    let frozen = Query::select()
        .column(reply::Column::Id)
        .from(reply::Entity)
        .and_where(reply::Column::State.is_in(FROZEN))
        .take();
    Condition::any().add(reply_attachment::Column::ReplyId.in_subquery(frozen)).add(has_source())
}

/// The file was uploaded for its reply, or stands at a report that is on the reply's event.
fn has_source() -> Condition {
    let own = |column: reply_attachment::Column| Expr::col((reply_attachment::Entity, column));
    let there = Query::select()
        .expr(Expr::val(1))
        .from(attachment::Entity)
        .inner_join(
            report::Entity,
            Expr::col((report::Entity, report::Column::Id))
                .equals((attachment::Entity, attachment::Column::ReportId)),
        )
        .inner_join(
            reply::Entity,
            Expr::col((reply::Entity, reply::Column::EventId))
                .equals((report::Entity, report::Column::EventId)),
        )
        .and_where(
            Expr::col((attachment::Entity, attachment::Column::Id))
                .eq(own(reply_attachment::Column::AttachmentId)),
        )
        .and_where(Expr::col((reply::Entity, reply::Column::Id)).eq(own(reply_attachment::Column::ReplyId)))
        .and_where(Expr::col((attachment::Entity, attachment::Column::RemovedAt)).is_null())
        .take();
    Condition::any().add(reply_attachment::Column::AttachmentId.is_null()).add(Expr::exists(there))
}

/// Takes a file out of a reply, inside the caller's change.
pub(super) fn detach(changes: &mut ChangeSet, row: &reply_attachment::Model) {
    let delete = Query::delete()
        .from_table(reply_attachment::Entity)
        .and_where(reply_attachment::Column::Id.eq(row.id))
        .take();
    let what = json!({ "table": "reply_attachment", "key": [row.id], "sha256": hex::encode(&row.sha256) });
    changes.delete(delete, what);
}

/// Files that prove that a reply was sent, in the order in which they were added.
///
/// # Errors
/// Of the database.
pub async fn proofs(app: &App, reply: Uuid) -> Result<Vec<reply_proof::Model>> {
    let select = reply_proof::Entity::find()
        .filter(reply_proof::Column::ReplyId.eq(reply))
        .order_by_asc(reply_proof::Column::Id);
    Ok(select.all(app.database.reader()).await?)
}

/// The proof with its event, for those who read the event's replies to its channel.
///
/// # Errors
/// NOT_FOUND when it is hidden or absent, both by the same statement.
pub async fn find_proof(app: &App, actor: &Actor, id: Uuid) -> Result<(event::Model, reply_proof::Model)> {
    let proved = Query::select()
        .column(reply_proof::Column::ReplyId)
        .from(reply_proof::Entity)
        .and_where(reply_proof::Column::Id.eq(id))
        .take();
    let of_reply = Query::select()
        .column(reply::Column::EventId)
        .from(reply::Entity)
        .and_where(reply::Column::Id.in_subquery(proved))
        .cond_where(readable_replies(actor))
        .take();
    let event = find_event(app, actor, of_reply).await?;
    let proof = reply_proof::Entity::find_by_id(id).one(app.database.reader()).await?;
    Ok((event, proof.ok_or(Error::NotFound)?))
}

/// Subjects of all who wrote a draft that the present text grew from.
///
/// # Errors
/// Of the database.
pub async fn drafters(app: &App, reply: Uuid) -> Result<Vec<String>> {
    let drafts = reply_draft::Entity::find().filter(reply_draft::Column::ReplyId.eq(reply));
    Ok(drafts.all(app.database.reader()).await?.into_iter().map(|draft| draft.author).collect())
}

/// The newest unanswered request to `reviewer`.
///
/// # Errors
/// Of the database.
pub async fn open_request(app: &App, reply: Uuid, reviewer: &str) -> Result<Option<reply_review::Model>> {
    let select = reply_review::Entity::find()
        .filter(reply_review::Column::ReplyId.eq(reply))
        .filter(reply_review::Column::Reviewer.eq(reviewer))
        .filter(reply_review::Column::Outcome.is_null())
        .order_by_desc(reply_review::Column::RequestedAt)
        .order_by_desc(reply_review::Column::Id);
    Ok(select.one(app.database.reader()).await?)
}

/// How often the reply was approved or sent back.
///
/// # Errors
/// Of the database.
pub async fn answered(app: &App, reply: Uuid) -> Result<u64> {
    let select = reply_review::Entity::find()
        .filter(reply_review::Column::ReplyId.eq(reply))
        .filter(reply_review::Column::Outcome.is_not_null());
    Ok(select.count(app.database.reader()).await?)
}

/// Whether the roster names `subject`, as the person or the deputy of any function, at `at`.
///
/// # Errors
/// Of the database.
pub async fn is_on_duty(app: &App, subject: &str, at: DateTime<Utc>) -> Result<bool> {
    let select = duty::Entity::find()
        .filter(Condition::any().add(duty::Column::Subject.eq(subject)).add(duty::Column::Deputy.eq(subject)))
        .filter(duty::Column::StartsAt.lte(at))
        .filter(duty::Column::EndsAt.gt(at));
    Ok(select.one(app.database.reader()).await?.is_some())
}

/// How long the shortest deadline runs, from its anchor, of those that a reply would meet; none where none has a due
/// instant.
///
/// # Errors
/// Of the database.
pub async fn shortest_term(app: &App, reply: Uuid) -> Result<Option<TimeDelta>> {
    let linked = Query::select()
        .column(reply_obligation::Column::ObligationId)
        .from(reply_obligation::Entity)
        .and_where(reply_obligation::Column::ReplyId.eq(reply))
        .take();
    let clocks = deadline::Entity::find()
        .filter(deadline::Column::ObligationId.in_subquery(linked))
        .filter(deadline::Column::WaivedAt.is_null())
        .all(app.database.reader())
        .await?;
    Ok(clocks.iter().filter_map(|row| Some(row.due_at? - row.anchor_at?)).min())
}

/// The roles with which a reply's approver approved it, as the audit trail recorded them.
///
/// # Errors
/// Of the database.
pub async fn roles_at_approval(app: &App, reply: &reply::Model) -> Result<BTreeSet<Role>> {
    let entry = audit_entry::Entity::find()
        .filter(audit_entry::Column::EventId.eq(reply.event_id))
        .filter(audit_entry::Column::Action.eq(Action::ReviewReply.name()))
        .filter(audit_entry::Column::Actor.eq(reply.approved_by.clone()))
        .filter(audit_entry::Column::At.eq(reply.approved_at))
        .one(app.database.reader())
        .await?;
    let roles = entry.map(|entry| entry.roles).unwrap_or_default();
    Ok(roles.split(' ').filter_map(|name| name.parse().ok()).collect())
}

/// What a reply to a channel rests on.
///
/// # Errors
/// Of the database.
pub async fn content_facts(
    app: &App,
    event: &event::Model,
    channel: &channel::Model,
) -> Result<ContentFacts> {
    let remediations = remediation::Entity::find()
        .filter(remediation::Column::EventId.eq(event.id))
        .all(app.database.reader())
        .await?;
    let measure_available_at =
        remediations.iter().flat_map(|row| [row.available_at, row.mitigation_available_at]).flatten().min();
    Ok(ContentFacts {
        verdict: event.verdict.is_some(),
        verdict_id: verdict_in_force(app, event.id).await?,
        measure_available_at,
        reach: protection::store::reach(app, event, channel).await?,
    })
}

/// The event's verdict in force.
///
/// # Errors
/// Of the database.
pub async fn verdict_in_force(app: &App, event: Uuid) -> Result<Option<Uuid>> {
    let select = verdict::Entity::find()
        .filter(verdict::Column::EventId.eq(event))
        .filter(verdict::Column::SupersededAt.is_null())
        .order_by_desc(verdict::Column::GivenAt)
        .order_by_desc(verdict::Column::Id);
    Ok(select.one(app.database.reader()).await?.map(|row| row.id))
}

/// Which replies and obligations have one of these ids and are to channels whose replies the actor may read.
///
/// # Errors
/// Of the database.
pub async fn readable_among(
    app: &App,
    actor: &Actor,
    replies: impl IntoIterator<Item = Uuid>,
    obligations: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<Uuid>> {
    let (backend, db) = (app.database.backend(), app.database.reader());
    let replies = reply::Entity::find()
        .select_only()
        .column(reply::Column::Id)
        .filter(is_one_of(backend, reply::Column::Id, replies))
        .filter(readable_replies(actor));
    let obligations = obligation::Entity::find()
        .select_only()
        .column(obligation::Column::Id)
        .filter(is_one_of(backend, obligation::Column::Id, obligations))
        .filter(readable(actor, obligation::Column::ChannelId));
    let (mut found, owed): (Vec<Uuid>, Vec<Uuid>) =
        tokio::try_join!(replies.into_tuple().all(db), obligations.into_tuple().all(db))?;
    found.extend(owed);
    Ok(found)
}

/// The reply is one that the actor's roles may read: to a channel whose replies they read, and a message to a reporter only
/// for those who read the messages.
pub fn readable_replies(actor: &Actor) -> Condition {
    let readable = readable(actor, reply::Column::ChannelId);
    if reads_messages(actor) {
        return readable;
    }
    readable.add(Expr::col((reply::Entity, reply::Column::CommentId)).is_null())
}

/// Whether the actor's roles read what team and reporters write to each other.
pub fn reads_messages(actor: &Actor) -> bool {
    allows(actor, Action::ReadRawReports)
}

/// The row's channel is one whose replies the actor's roles may read: every one for those who answer channels,
/// customers' alone for those who look after customers.
pub fn readable(actor: &Actor, channel: impl ColumnTrait) -> Condition {
    if actor.has_any(&READERS_OF_ALL) {
        return Condition::all();
    }
    let customers = Query::select()
        .column(channel::Column::Id)
        .from(channel::Entity)
        .and_where(channel::Column::Kind.eq(ChannelKind::Customer))
        .take();
    Condition::all()
        .add(Expr::value(allows(actor, Action::ReadReplies)))
        .add(Expr::col(channel.as_column_ref()).in_subquery(customers))
}
