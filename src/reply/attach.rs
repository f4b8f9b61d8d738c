//! Files that go with replies: chosen among those of the event's reports, or uploaded for the reply.
//!
//! They are part of what is reviewed, approved and frozen: another file is another draft, by who added it. A reply with
//! files says more than any template, so nothing of it passes for a template's text. What may leave of each is judged by
//! when it was attached, whatever the body says meanwhile ([`Grounds`]). One that its report loses is out of each reply
//! that has not left ([`take_out`]).

use entity::vocabulary::ReplyExtent;
use entity::{attachment, channel, event, reply, reply_attachment};
use futures_util::TryStreamExt;
use uuid::Uuid;

use super::rules::ContentFacts;
use super::{channel_of, draft, gate, require_author, rules, save, store, tell};
use crate::app::App;
use crate::attachment::{self as attachments, Described, content};
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::expect_version;
use crate::files::{FileFault, Kept};
use crate::graphql::scalars::{self, Id};
use crate::outbox::ChangeSet;
use crate::protection;
use crate::template::facts;

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

/// What held when a file was attached, which is what it may leave on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grounds {
    /// The verdict in force.
    pub(super) verdict: Option<Uuid>,
    /// How much could leave to the channel.
    pub(super) extent: ReplyExtent,
}

impl Grounds {
    /// What now holds.
    pub(super) async fn now(app: &App, event: &event::Model, channel: &channel::Model) -> Result<Self> {
        let reach = protection::store::reach(app, event, channel).await?;
        let verdict = store::verdict_in_force(app, event.id).await?;
        Ok(Self { verdict, extent: facts::extent(channel.kind, &reach) })
    }

    /// Whether the file was attached on these.
    pub(super) fn are_of(self, row: &reply_attachment::Model) -> bool {
        row.verdict_id == self.verdict && row.extent == Some(self.extent)
    }
}

/// Rows for chosen attachments, without those that go with the reply already.
pub(super) fn rows(
    app: &App,
    changes: &ChangeSet,
    (reply, grounds): (Uuid, Grounds),
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
            verdict_id: grounds.verdict,
            extent: Some(grounds.extent),
        })
    };
    chosen.into_iter().filter(is_new).filter_map(row).collect()
}

/// What keeps a reply from leaving with the files that it has: one is not there any more, or was attached when other
/// things held.
///
/// # Errors
/// Of the database.
pub(super) async fn refusals(
    app: &App,
    reply: &reply::Model,
    channel: &channel::Model,
    rests_on: &ContentFacts,
) -> Result<Vec<Refusal>> {
    let gone = store::gone_attachments(app, reply.id).await?;
    let refusal = |row: &reply_attachment::Model| {
        let message = format!(
            "{} was removed from its report or went to another event with it: take it out (reviseReply, detach)",
            row.name
        );
        Refusal::new(RefusalCode::Contradiction, message)
    };
    let mut refusals: Vec<Refusal> = gone.iter().map(refusal).collect();
    let mut there = store::attachments(app, reply.id).await?;
    there.retain(|row| !gone.iter().any(|other| other.id == row.id));
    let extent = facts::extent(channel.kind, &rests_on.reach);
    refusals.extend(gate::of_files(reply.kind, &there, rests_on.verdict_id, extent));
    Ok(refusals)
}

/// Takes attachments that their report loses, or that leave the event with it, out of the event's replies that have not
/// left, inside the caller's change to the event: each of these is another draft, as with any other file.
///
/// # Errors
/// Of the database.
pub(crate) async fn take_out(
    app: &App,
    changes: &mut ChangeSet,
    event: Uuid,
    attachments: &[Uuid],
) -> Result<()> {
    for (before, carried) in store::unsent_with(app, event, attachments).await? {
        carried.iter().for_each(|row| store::detach(changes, row));
        let after = draft::drafted_anew(changes, &before);
        let after = reply::Model { version: before.version + 1, ..after };
        draft::write_draft(app, changes, &after);
        changes.update(&before, &after);
        tell(app, changes, &after, false);
    }
    Ok(())
}

/// The bytes of the files that go with a reply which is about to leave, each as it was attached.
///
/// # Errors
/// A refusal that names one which is not there or not what it was; our own fault when the store cannot be asked.
pub(super) async fn bytes<'a>(
    app: &App,
    rows: &'a [reply_attachment::Model],
) -> Result<Vec<(&'a reply_attachment::Model, Vec<u8>)>> {
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let file = kept(row)?;
        let read = async { app.files.open(&file).await?.into_bytes().await };
        all.push((row, read.await.map_err(|fault| not_whole(row, fault))?));
    }
    Ok(all)
}

/// Demands the same of files whose bytes are not needed here.
///
/// # Errors
/// Those of [`bytes`].
pub(super) async fn expect_whole(app: &App, rows: &[reply_attachment::Model]) -> Result<()> {
    for row in rows {
        let file = kept(row)?;
        let read = async {
            let mut bytes = app.files.open(&file).await?.bytes;
            while bytes.try_next().await?.is_some() {}
            Ok::<_, FileFault>(())
        };
        read.await.map_err(|fault| not_whole(row, fault))?;
    }
    Ok(())
}

fn not_whole(row: &reply_attachment::Model, fault: FileFault) -> Error {
    if !fault.is_of_the_file() {
        return fault.into();
    }
    tracing::error!(error = %fault, attachment = %row.id, "a reply does not leave without a file of its own");
    let message = format!(
        "{} is missing where files are kept, or is not what was attached: have it restored from the backup, or take it \
         out (reviseReply, detach)",
        row.name
    );
    Error::refused(RefusalCode::MissingFact, message)
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
/// answered instead, unless that was attached when other things held.
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
    let channel = channel_of(app, before.channel_id).await?;
    let grounds = Grounds::now(app, &event, &channel).await?;
    let is_same = |row: &reply_attachment::Model| row.sha256 == kept.sha256 && row.name == described.name;
    let gone = store::gone_attachments(app, before.id).await?;
    let files = store::attachments(app, before.id).await?;
    let (out, mut files): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|row| gone.contains(row) || (is_same(row) && !grounds.are_of(row)));
    if let Some(first) = files.iter().find(|row| is_same(row)) {
        return Ok((first.clone(), before, false));
    }
    expect_version(before.version, expected_version)?;
    rules::may_revise(before.state).map_err(|refusal| Error::Refused(vec![refusal]))?;
    let placed = content::place(app, kept).await?;
    let mut changes = ChangeSet::new(app, actor, Action::ReviseReply);
    placed.write(&mut changes);
    out.iter().for_each(|row| store::detach(&mut changes, row));
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
        verdict_id: grounds.verdict,
        extent: Some(grounds.extent),
    };
    files.push(row.clone());
    rules::may_carry(&files, app.replies.attachment_bytes)
        .map_err(|refusal| Error::Refused(vec![refusal]))?;
    changes.insert(&row);
    let after = reply::Model { as_made: false, ..draft::drafted_anew(&changes, &before) };
    draft::write_draft(app, &mut changes, &after);
    let after = save(app, changes, &event, &before, after, false).await?;
    Ok((row, after, true))
}

/// A file that goes with a reply, with its event, for those who read the reply's files.
///
/// # Errors
/// NOT_FOUND when it is hidden or absent, or not handed over to the channel that asks.
pub async fn attached(app: &App, actor: &Actor, id: Uuid) -> Result<(Uuid, String, Kept)> {
    let (reply, row) = store::find_with_file(app, actor, id).await?;
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
