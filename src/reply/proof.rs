//! Files that prove that a reply was sent: a receipt, a picture of the platform's screen, a mail that confirms it.
//!
//! A file is uploaded to `/files?proof=REPLY` first and named by what it proves then: by the record that a person sent the
//! reply, or that one of which nobody knew arrived. One of a reply that was sent may be added later. None is ever taken
//! away. They say how the team works with a channel, so the channel never reads them, whatever else it may.

use chrono::{DateTime, Utc};
use entity::reply_proof;
use entity::vocabulary::ReplyState;
use uuid::Uuid;

use super::{channel_of, rules, store};
use crate::app::App;
use crate::attachment::{Described, content};
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::files::Kept;
use crate::graphql::scalars::{self, Id};
use crate::outbox::{Bump, ChangeSet, Opaque, message};

/// Demands that the actor may add a proof to a reply: before any of it is read.
///
/// # Errors
/// By policy and visibility; refusals while it is not ready to be sent, and when it has too many.
pub async fn expect_provable(app: &App, actor: &Actor, reply: Uuid) -> Result<()> {
    require(actor, Action::AddReplyProof)?;
    let (_, before) = store::find(app, actor, reply).await?;
    let channel = channel_of(app, before.channel_id).await?;
    let there = store::proofs(app, reply).await?;
    rules::may_prove(before.state, rules::needs_approval(before.kind, channel.kind), there.len())
        .map_err(|refusal| Error::Refused(vec![refusal]))
}

/// Adds a file that is kept to a reply's proofs; one with the same name and bytes is answered instead.
///
/// # Errors
/// Those of [`expect_provable`].
pub async fn add_proof(
    app: &App,
    actor: &Actor,
    reply: Uuid,
    described: &Described,
    kept: &Kept,
) -> Result<(reply_proof::Model, bool)> {
    require(actor, Action::AddReplyProof)?;
    let (event, before) = store::find(app, actor, reply).await?;
    let channel = channel_of(app, before.channel_id).await?;
    let mut there = store::proofs(app, reply).await?;
    let count = there.len();
    there.retain(|row| row.sha256 == kept.sha256 && row.name == described.name);
    if let Some(same) = there.pop() {
        return Ok((same, false));
    }
    rules::may_prove(before.state, rules::needs_approval(before.kind, channel.kind), count)
        .map_err(|refusal| Error::Refused(vec![refusal]))?;
    let placed = content::place(app, kept).await?;
    let mut changes = ChangeSet::new(app, actor, Action::AddReplyProof);
    placed.write(&mut changes);
    let row = reply_proof::Model {
        id: app.ids.next(),
        reply_id: before.id,
        file_id: placed.file().id,
        name: described.name.clone(),
        media_type: described.media_type.clone(),
        size: placed.file().size,
        sha256: placed.file().sha256.clone(),
        added_by: changes.actor().to_owned(),
        added_at: changes.at(),
        // One that comes after the record is of what that says.
        proves_at: before.sent_at.filter(|_| before.state == ReplyState::Sent),
    };
    changes.insert(&row);
    // It is sent no second time.
    let told = message::ReplyChanged {
        reply: Opaque::new(before.id),
        kind: before.kind,
        state: before.state,
        approved_on_duty: false,
    };
    changes.message(app, Some(event.id), &told);
    changes.revise(app, &event, event.clone(), Some(event.id), Bump::RevisionOnly);
    app.commit(changes).await?;
    Ok((row, true))
}

/// The proofs that a caller names: of this reply, and of no other sending of it.
///
/// # Errors
/// A refusal when one of them is not.
pub(super) async fn named(
    app: &App,
    reply: Uuid,
    wanted: Option<&Vec<Id<reply_proof::Entity>>>,
) -> Result<Vec<reply_proof::Model>> {
    let ids: Vec<Uuid> = wanted.into_iter().flatten().map(|id| id.0).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = store::proofs(app, reply).await?;
    found.retain(|row| ids.contains(&row.id) && row.proves_at.is_none());
    if ids.iter().all(|id| found.iter().any(|row| row.id == *id)) {
        return Ok(found);
    }
    let message = "name files that were uploaded as proof of this reply (/files?proof=) and prove no other sending of it";
    Err(Error::Refused(vec![Refusal::on(RefusalCode::UnknownReference, "proofFiles", message)]))
}

/// Writes what these prove, inside the caller's change.
pub(super) fn settle(changes: &mut ChangeSet, proofs: Vec<reply_proof::Model>, sent_at: DateTime<Utc>) {
    for before in proofs {
        let after = reply_proof::Model { proves_at: Some(sent_at), ..before.clone() };
        changes.update(&before, &after);
    }
}

/// A proof with its event, for those who read the event's replies to its channel.
///
/// # Errors
/// By policy; NOT_FOUND when it is hidden or absent.
pub async fn proof(app: &App, actor: &Actor, id: Uuid) -> Result<(Uuid, String, Kept)> {
    require(actor, Action::ReadReplies)?;
    let (event, row) = store::find_proof(app, actor, id).await?;
    let file = proof_file(&row)?;
    Ok((event.id, row.name, file))
}

/// The file that a row names.
///
/// # Errors
/// When its size is none.
pub fn proof_file(row: &reply_proof::Model) -> Result<Kept> {
    let size = u64::try_from(row.size).map_err(anyhow::Error::from)?;
    Ok(Kept { name: row.file_id, size, sha256: row.sha256.clone() })
}

/// Where a proof is downloaded.
pub fn proof_path(row: &reply_proof::Model) -> String {
    format!("/files/{}", scalars::id::<reply_proof::Entity>(row.id).as_str())
}
