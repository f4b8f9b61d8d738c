//! Files that go with replies: chosen among those of the event's reports, or uploaded for the reply.
//!
//! They are part of what is reviewed, approved and frozen: another file is another draft, by who added it. A reply with
//! files says more than any template, so nothing of it passes for a template's text.

use entity::{attachment, event, reply, reply_attachment};
use uuid::Uuid;

use super::{require_author, rules, save, store};
use crate::app::App;
use crate::attachment::{self as attachments, Described, content};
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::expect_version;
use crate::files::Kept;
use crate::graphql::scalars::{self, Id};
use crate::outbox::ChangeSet;

/// Attachments of the event's reports that are to go with a reply.
///
/// # Errors
/// A refusal when one of them is not there for the actor.
pub(super) async fn chosen(
    app: &App,
    actor: &Actor,
    event: &event::Model,
    wanted: Option<&Vec<Id<attachment::Entity>>>,
) -> Result<Vec<attachment::Model>> {
    let mut ids: Vec<Uuid> = wanted.into_iter().flatten().map(|id| id.0).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let found = attachments::store::on_event(app, actor, event.id, &ids).await?;
    if found.len() == ids.len() {
        return Ok(found);
    }
    let message = "name files of this event's reports that you may read and that are there";
    Err(Error::Refused(vec![Refusal::on(RefusalCode::UnknownReference, "attach", message)]))
}

/// Rows for chosen attachments, without those that go with the reply already.
pub(super) fn rows(
    app: &App,
    changes: &ChangeSet,
    reply: Uuid,
    chosen: Vec<attachment::Model>,
    there: &[reply_attachment::Model],
) -> Vec<reply_attachment::Model> {
    let is_new = |row: &attachment::Model| !there.iter().any(|other| other.attachment_id == Some(row.id));
    let row = |row: attachment::Model| {
        Some(reply_attachment::Model {
            id: app.ids.next(),
            reply_id: reply,
            file_id: row.file_id?,
            attachment_id: Some(row.id),
            name: row.name,
            media_type: row.media_type,
            size: row.size,
            sha256: row.sha256,
            added_by: changes.actor().to_owned(),
            added_at: changes.at(),
        })
    };
    chosen.into_iter().filter(is_new).filter_map(row).collect()
}

/// What keeps a reply from leaving with the files that it has: one was removed from its report meanwhile.
///
/// # Errors
/// Of the database.
pub(super) async fn refusals(app: &App, reply: &reply::Model) -> Result<Vec<Refusal>> {
    let removed = store::removed_attachments(app, reply.id).await?;
    let refusal = |row: reply_attachment::Model| {
        let message = format!("{} was removed from its report: take it out (reviseReply, detach)", row.name);
        Refusal::new(RefusalCode::Contradiction, message)
    };
    Ok(removed.into_iter().map(refusal).collect())
}

/// Demands that the actor may add a file to a reply: before any of it is read.
///
/// # Errors
/// By policy and visibility; refusals when it left already.
pub async fn expect_attachable(app: &App, actor: &Actor, reply: Uuid) -> Result<()> {
    require(actor, Action::ReviseReply)?;
    let (_, before) = store::find(app, actor, reply).await?;
    require_author(actor, Action::ReviseReply, before.kind)?;
    rules::may_revise(before.state).map_err(|refusal| Error::Refused(vec![refusal]))
}

/// Adds a file that is kept to a reply, which is a DRAFT again; one with the same name and bytes that it has already is
/// answered instead.
///
/// # Errors
/// By policy, visibility and version; refusals when it left already, and when it is too much for one reply.
pub async fn attach(
    app: &App,
    actor: &Actor,
    (reply, expected_version): (Uuid, i32),
    described: &Described,
    kept: &Kept,
) -> Result<(reply_attachment::Model, reply::Model, bool)> {
    require(actor, Action::ReviseReply)?;
    let (event, before) = store::find(app, actor, reply).await?;
    require_author(actor, Action::ReviseReply, before.kind)?;
    let mut files = store::attachments(app, before.id).await?;
    let is_same = |row: &&reply_attachment::Model| row.sha256 == kept.sha256 && row.name == described.name;
    if let Some(first) = files.iter().find(is_same) {
        return Ok((first.clone(), before, false));
    }
    expect_version(before.version, expected_version)?;
    rules::may_revise(before.state).map_err(|refusal| Error::Refused(vec![refusal]))?;
    let placed = content::place(app, kept).await?;
    let mut changes = ChangeSet::new(app, actor, Action::ReviseReply);
    placed.write(&mut changes);
    let row = reply_attachment::Model {
        id: app.ids.next(),
        reply_id: before.id,
        file_id: placed.file().id,
        attachment_id: None,
        name: described.name.clone(),
        media_type: described.media_type.clone(),
        size: placed.file().size,
        sha256: placed.file().sha256.clone(),
        added_by: changes.actor().to_owned(),
        added_at: changes.at(),
    };
    files.push(row.clone());
    rules::may_carry(&files, app.replies.attachment_bytes)
        .map_err(|refusal| Error::Refused(vec![refusal]))?;
    changes.insert(&row);
    let after = reply::Model { as_made: false, ..super::draft::drafted_anew(&changes, &before) };
    super::draft::write_draft(app, &mut changes, &after);
    let after = save(app, changes, &event, &before, after, false).await?;
    Ok((row, after, true))
}

/// A file that goes with a reply, with its event, for those who read the reply's files.
///
/// # Errors
/// NOT_FOUND when it is hidden or absent, or not sent to the channel that asks.
pub async fn attached(app: &App, actor: &Actor, id: Uuid) -> Result<(Uuid, String, Kept)> {
    let row = store::attachment(app, id).await?.ok_or(Error::NotFound)?;
    let (reply, _) = store::find_sent(app, actor, row.reply_id).await?;
    let file = kept(&row)?;
    Ok((reply.event_id, row.name, file))
}

/// The file that a row names.
///
/// # Errors
/// When its size is none.
pub fn kept(row: &reply_attachment::Model) -> Result<Kept> {
    let size = u64::try_from(row.size).map_err(anyhow::Error::from)?;
    Ok(Kept { name: row.file_id, size, sha256: row.sha256.clone() })
}

/// Where a file that goes with a reply is downloaded.
pub fn path(row: &reply_attachment::Model) -> String {
    format!("/files/{}", scalars::id::<reply_attachment::Entity>(row.id).as_str())
}
