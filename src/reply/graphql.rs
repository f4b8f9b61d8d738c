//! The API of replies and obligations.

mod mutations;
mod objects;
mod owed;

pub use mutations::{ObligationPayload, ReplyMutation, ReplyPayload, ReplyRoutePayload};
pub use objects::{Reply, ReplyAttachment, ReplyDispatch, ReplyDraft, ReplyFile, ReplyProof, ReplyReview};
pub use owed::Obligation;

use async_graphql::Context;
use entity::vocabulary::{ChannelKind, ReplyState};
use entity::{channel, comment, event, obligation, reply, reply_obligation, report};
use futures_util::future::try_join_all;
use uuid::Uuid;

use crate::auth::policy::{Action, allows};
use crate::auth::{Actor, Role};
use crate::channel::graphql::Channel;
use crate::event::graphql::Event;
use crate::graphql::actor;
use crate::graphql::errors::{ApiError, ApiResult};
use crate::graphql::loaders::{children, light_children, lookup, selected_children};
use crate::reply::store::{READERS_OF_ALL, reads_messages};

/// The replies on an event whose content the caller may see; `None` when their roles may not read replies.
///
/// # Errors
/// Of the database.
pub async fn replies_of(ctx: &Context<'_>, event: Uuid) -> ApiResult<Option<Vec<Reply>>> {
    if !allows(actor(ctx), Action::ReadReplies) {
        return Ok(None);
    }
    let rows = selected_children::<reply::Entity>(ctx, event).await?;
    let rows = readable(ctx, &without_messages(ctx, &rows), |row| row.channel_id).await?;
    Ok(Some(rows.into_iter().map(Reply::from).collect()))
}

/// The obligations on an event whose content the caller may see; `None` when their roles may not read replies.
///
/// # Errors
/// Of the database.
pub async fn obligations_of(ctx: &Context<'_>, event: Uuid) -> ApiResult<Option<Vec<Obligation>>> {
    if !allows(actor(ctx), Action::ReadReplies) {
        return Ok(None);
    }
    let rows = selected_children::<obligation::Entity>(ctx, event).await?;
    let rows = readable(ctx, &rows, |row| row.channel_id).await?;
    Ok(Some(rows.into_iter().map(Obligation::from).collect()))
}

/// What was sent in answer to a report that the caller may see, for the SRC service of the report's channel and
/// for those who read the event's replies; `None` for anybody else.
///
/// That is what meets an obligation of the report, or none at all. A part is answered with the whole it was
/// split from.
///
/// # Errors
/// Of the database.
pub async fn sent_replies_of_report(ctx: &Context<'_>, report: Uuid) -> ApiResult<Option<Vec<Reply>>> {
    let Some(mut whole) = lookup::<report::Entity>(ctx, report).await? else { return Ok(None) };
    if let Some(id) = whole.part_of {
        let Some(found) = lookup::<report::Entity>(ctx, id).await? else { return Ok(None) };
        whole = found;
    }
    let Some(side) = side_of(ctx, &whole).await? else { return Ok(None) };
    let rows = light_children::<reply::Entity>(ctx, whole.event_id, &["body"]).await?;
    let sent: Vec<_> = rows
        .iter()
        .filter(|row| row.channel_id == whole.channel_id && row.state == ReplyState::Sent)
        .cloned()
        .collect();
    let sent = match side {
        Side::Team => readable(ctx, &without_messages(ctx, &sent), |row| row.channel_id).await?,
        Side::Channel => sent,
    };
    let owed = children::<obligation::Entity>(ctx, whole.event_id).await?;
    let links =
        try_join_all(sent.iter().map(|row| children::<reply_obligation::Entity>(ctx, row.id))).await?;
    // What went to a reporter is of their report alone.
    let is_of_another = |row: &reply::Model| row.report_id.is_some_and(|id| id != report && id != whole.id);
    let answers = sent.into_iter().zip(links).filter(|(row, links)| {
        !is_of_another(row)
            && (links.is_empty()
                || links.iter().any(|link| {
                    owed.iter().any(|row| row.id == link.obligation_id && row.report_id == Some(whole.id))
                }))
    });
    Ok(Some(answers.map(|(row, _)| Reply { row, side }).collect()))
}

/// From where a reply is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// The team that works on the event.
    Team,
    /// The channel that it was sent to: nothing of how it came about.
    Channel,
}

/// From which side the caller reads what was sent in answer to a report.
async fn side_of(ctx: &Context<'_>, report: &report::Model) -> ApiResult<Option<Side>> {
    let caller = actor(ctx);
    if allows(caller, Action::ReadReplies) && lookup::<event::Entity>(ctx, report.event_id).await?.is_some() {
        return Ok(Some(Side::Team));
    }
    let own = match caller.channel.as_deref().filter(|_| caller.is(Role::Src)) {
        None => false,
        Some(key) => {
            let channel = lookup::<channel::Entity>(ctx, report.channel_id).await?;
            channel.is_some_and(|channel| channel.key == key)
        }
    };
    Ok(own.then_some(Side::Channel))
}

fn reads_all(actor: &Actor) -> bool {
    actor.has_any(&READERS_OF_ALL)
}

/// The replies without messages to reporters, for who does not read these.
fn without_messages(ctx: &Context<'_>, rows: &[reply::Model]) -> Vec<reply::Model> {
    let reads = reads_messages(actor(ctx));
    rows.iter().filter(|row| reads || row.comment_id.is_none()).cloned().collect()
}

/// The e-mail that carries a message; `None` for who does not read the event's replies, and where there is none.
///
/// # Errors
/// Of the database.
pub async fn mail_of_message(ctx: &Context<'_>, message: &comment::Model) -> ApiResult<Option<Reply>> {
    let caller = actor(ctx);
    if message.report_id.is_none() || !allows(caller, Action::ReadReplies) || !reads_messages(caller) {
        return Ok(None);
    }
    if lookup::<event::Entity>(ctx, message.event_id).await?.is_none() {
        return Ok(None);
    }
    let rows = light_children::<reply::Entity>(ctx, message.event_id, &["body", "missingFacts"]).await?;
    Ok(rows.iter().find(|row| row.comment_id == Some(message.id)).cloned().map(Reply::from))
}

/// Those of `rows` whose channel the caller may read replies to.
async fn readable<T: Clone>(
    ctx: &Context<'_>,
    rows: &[T],
    channel_id: impl Fn(&T) -> Uuid,
) -> ApiResult<Vec<T>> {
    if reads_all(actor(ctx)) {
        return Ok(rows.to_vec());
    }
    let channels =
        try_join_all(rows.iter().map(|row| lookup::<channel::Entity>(ctx, channel_id(row)))).await?;
    let to_customers = rows
        .iter()
        .zip(channels)
        .filter(|(_, channel)| channel.as_ref().is_some_and(|channel| channel.kind == ChannelKind::Customer));
    Ok(to_customers.map(|(row, _)| row.clone()).collect())
}

/// Those of `rows` that concern no channel, or one whose replies the caller may read.
///
/// # Errors
/// Of the database.
pub async fn readable_or_own<T: Clone>(
    ctx: &Context<'_>,
    rows: &[T],
    channel_id: impl Fn(&T) -> Option<Uuid>,
) -> ApiResult<Vec<T>> {
    if reads_all(actor(ctx)) {
        return Ok(rows.to_vec());
    }
    let may = allows(actor(ctx), Action::ReadReplies);
    // All at once, so that their channels are read in one statement.
    let shown = rows.iter().map(async |row| match channel_id(row) {
        None => Ok(true),
        Some(_) if !may => Ok(false),
        Some(id) => {
            let channel = lookup::<channel::Entity>(ctx, id).await?;
            Ok::<_, ApiError>(channel.is_some_and(|channel| channel.kind == ChannelKind::Customer))
        }
    });
    let shown = futures_util::future::try_join_all(shown).await?;
    Ok(rows.iter().zip(shown).filter(|(_, shown)| *shown).map(|(row, _)| row.clone()).collect())
}

/// The event, for an object that hangs on it.
async fn event_of(ctx: &Context<'_>, id: Uuid) -> ApiResult<Option<Event>> {
    Ok(lookup::<event::Entity>(ctx, id).await?.map(Event::from))
}

/// The channel, for who may read channels.
async fn channel_for(ctx: &Context<'_>, id: Uuid) -> ApiResult<Option<Channel>> {
    if !allows(actor(ctx), Action::ReadChannels) {
        return Ok(None);
    }
    Ok(lookup::<channel::Entity>(ctx, id).await?.map(Channel::from))
}

#[cfg(test)]
mod tests;
