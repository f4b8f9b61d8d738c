//! Files that came with reports, or were added to them, kept to the byte.
//!
//! Who sent them says what they are called and what they are; nobody looks inside beyond the first bytes, but to compare pictures
//! ([`picture`](crate::picture)). So they leave
//! the product only as downloads, under a type that no program opens by itself. Who reads reports as received reads them,
//! and of those on the public side the report's reporter and its channel's service. An analyst may *release* a single one
//! to the team of the event, and take that back; an original mail never, since it names who reported.
//!
//! The bytes stand apart, once for each content ([`content`]): they go when nothing names them any more, be it that an
//! attachment was removed or that its sender was erased. Whoever may add to a report may add a file to it ([`add`]), by an
//! upload ([`http`]) that is never in memory as a whole.

pub mod content;
pub mod graphql;
pub mod http;
pub mod rules;
pub mod settings;
pub mod store;

use async_graphql::InputObject;
use chrono::TimeDelta;
use entity::vocabulary::AttachmentKind;
use entity::{attachment, event, inbound_mail, report};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::app::App;
use crate::auth::policy::{Action, require};
use crate::auth::{Actor, Role};
use crate::duplicate;
use crate::error::{Error, Refusal, Result};
use crate::event::{expect_version, require_text};
use crate::files::Kept;
use crate::graphql::scalars::Id;
use crate::intake;
use crate::outbox::{Bump, ChangeSet, Opaque, message};
use crate::reply;
use content::Placed;

/// Longest reason, in characters.
const REASON: usize = 2_000;
/// The time over which it is counted what a subject adds.
const DAY: TimeDelta = TimeDelta::days(1);

/// A file that a mail brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// What it is.
    pub kind: AttachmentKind,
    /// Its name as its sender gave it.
    pub name: Option<String>,
    /// Its media type as its sender gave it.
    pub media_type: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl File {
    /// SHA-256 of the bytes.
    pub fn sha256(&self) -> Vec<u8> {
        Sha256::digest(&self.bytes).to_vec()
    }

    /// The name to keep.
    pub fn kept_name(&self) -> String {
        rules::kept_name(self.name.as_deref())
    }
}

/// What is said of a file whose bytes are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// What it is.
    pub kind: AttachmentKind,
    /// Its name, fit to be kept.
    pub name: String,
    /// Its media type as its sender gave it.
    pub media_type: String,
}

/// Adds the files of a mail, inside the caller's change.
pub fn enclose(
    app: &App,
    changes: &mut ChangeSet,
    mail: &inbound_mail::Model,
    files: &[(Described, Placed)],
) {
    for (described, placed) in files {
        placed.write(changes);
        let public_side = described.kind == AttachmentKind::File && mail.from_reporter;
        let row = new_row(app, changes, mail.report_id, described, placed);
        changes.insert(&attachment::Model {
            mail_id: Some(mail.id),
            public_side,
            received_at: mail.received_at,
            ..row
        });
    }
}

fn new_row(
    app: &App,
    changes: &ChangeSet,
    report: Uuid,
    described: &Described,
    placed: &Placed,
) -> attachment::Model {
    let file = placed.file();
    attachment::Model {
        id: app.ids.next(),
        report_id: report,
        mail_id: None,
        file_id: Some(file.id),
        kind: described.kind,
        name: described.name.clone(),
        media_type: described.media_type.clone(),
        size: file.size,
        sha256: file.sha256.clone(),
        public_side: false,
        received_at: changes.at(),
        added_by: changes.actor().to_owned(),
        released_event_id: None,
        released_at: None,
        released_by: None,
        removed_at: None,
        removed_by: None,
        version: 1,
    }
}

/// Who adds a file to a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Adder {
    /// The report's reporter, known by this id.
    Reporter(Uuid),
    /// The service of its channel.
    Service,
    /// The team.
    Analyst,
}

/// The report, if the actor may add files to it: an analyst to any they see, a reporter to their own, a service to its
/// channel's.
async fn addressed(app: &App, actor: &Actor, report: Uuid) -> Result<(report::Model, Adder)> {
    require(actor, Action::AddAttachment)?;
    let report = intake::store::find(app, actor, report).await?;
    if let Some(reporter) = intake::store::as_reporter(app, actor, &report).await? {
        return Ok((report, Adder::Reporter(reporter)));
    }
    intake::store::require_handler(app, actor, &report).await?;
    let adder = if actor.is(Role::Analyst) { Adder::Analyst } else { Adder::Service };
    Ok((report, adder))
}

/// Demands that the actor may add a file of so many bytes to a report, and that there is room for one more: before any of
/// it is read.
///
/// # Errors
/// By policy and visibility; a refusal when the report has as many files or bytes as it may have, or the actor added as
/// many within a day.
pub async fn expect_room(app: &App, actor: &Actor, report: Uuid, bytes: u64) -> Result<()> {
    let (report, adder) = addressed(app, actor, report).await?;
    let changes = new_change(app, actor, adder);
    let there = store::usage(app, actor, report.id).await?;
    let added = store::added_since(app, changes.actor(), changes.at() - DAY).await?;
    rules::may_take(app.uploads.settings(), there, added, bytes).map_err(refused)
}

/// A change that adds a file: of a reporter, what stands for them is recorded.
fn new_change(app: &App, actor: &Actor, adder: Adder) -> ChangeSet {
    let changes = ChangeSet::new(app, actor, Action::AddAttachment);
    match adder {
        Adder::Reporter(reporter) => changes.by_reporter(reporter),
        Adder::Service | Adder::Analyst => changes,
    }
}

/// Adds a file that is kept to a report; one with the same bytes that the actor sees there already is answered instead.
/// What a reporter or their channel adds is an arrival: an event that waits for it goes back to the analysis.
///
/// # Errors
/// Those of [`expect_room`].
pub async fn add(
    app: &App,
    actor: &Actor,
    report: Uuid,
    described: &Described,
    kept: &Kept,
) -> Result<(attachment::Model, bool)> {
    let (report, adder) = addressed(app, actor, report).await?;
    let before = intake::store::event_of(app, &report).await?;
    if let Some(first) = store::same(app, actor, report.id, &kept.sha256).await? {
        return Ok((first, false));
    }
    expect_room(app, actor, report.id, kept.size).await?;
    let placed = content::place(app, kept).await?;
    let mut changes = new_change(app, actor, adder);
    placed.write(&mut changes);
    let row = new_row(app, &changes, report.id, described, &placed);
    let row = attachment::Model { public_side: adder != Adder::Analyst, ..row };
    changes.insert(&row);
    if row.kind == AttachmentKind::File {
        let more = |material: &mut duplicate::Material| material.files.push(row.sha256.clone());
        duplicate::index_anew(app, &mut changes, &report, more).await?;
    }
    let told = message::AttachmentAdded { report: Opaque::new(report.id), attachment: Opaque::new(row.id) };
    changes.message(app, Some(before.id), &told);
    if adder == Adder::Analyst {
        changes.revise(app, &before, before.clone(), Some(before.id), Bump::RevisionOnly);
    } else {
        intake::revise_after_arrival(app, &mut changes, &before, std::slice::from_ref(&report)).await?;
    }
    app.commit(changes).await?;
    Ok((row, true))
}

/// An attachment to be removed. 移除附件。
#[derive(Clone, Debug, InputObject)]
pub struct RemoveAttachment {
    /// The attachment. 附件。
    pub attachment: Id<attachment::Entity>,
    /// The version of the attachment that was seen. 所见的附件版本。
    pub expected_version: i32,
    /// Why. 原因。
    pub reason: String,
}

/// Removes an attachment: who read it reads it no more, replies that have not left lose it, and its bytes go unless
/// another one has the same or they were sent. That it was there, and its digest, stay.
///
/// # Errors
/// By policy, visibility and version; BAD_USER_INPUT without a reason; a refusal when it is removed already.
pub async fn remove_attachment(
    app: &App,
    actor: &Actor,
    input: &RemoveAttachment,
) -> Result<attachment::Model> {
    require(actor, Action::RemoveAttachment)?;
    let reason = require_text("input.reason", &input.reason, REASON)?;
    let (event, before) = store::find_handled(app, actor, input.attachment.0).await?;
    expect_version(before.version, input.expected_version)?;
    rules::may_remove(&before).map_err(refused)?;
    let mut changes = ChangeSet::new(app, actor, Action::RemoveAttachment).because(Some(reason));
    let after = attachment::Model {
        file_id: None,
        released_event_id: None,
        released_at: None,
        released_by: None,
        removed_at: Some(changes.at()),
        removed_by: Some(changes.actor().to_owned()),
        ..before.clone()
    };
    // The same file may be there twice.
    let without = |material: &mut duplicate::Material| {
        if let Some(place) = material.files.iter().position(|digest| *digest == before.sha256) {
            material.files.remove(place);
        }
    };
    if before.kind == AttachmentKind::File {
        let report = intake::store::find_inside(app, actor, before.report_id).await?;
        duplicate::index_anew(app, &mut changes, &report, without).await?;
    }
    let told = message::AttachmentRemoved {
        report: Opaque::new(before.report_id),
        attachment: Opaque::new(before.id),
    };
    changes.message(app, Some(event.id), &told);
    reply::take_out(app, &mut changes, event.id, &[before.id]).await?;
    let after = save(app, changes, &event, &before, after).await?;
    if let Some(file) = before.file_id {
        content::drop_unnamed(app, file).await;
    }
    Ok(after)
}

/// An attachment to be released to the team, or kept from it again. 向团队开放或收回附件。
#[derive(Clone, Debug, InputObject)]
pub struct ReleaseAttachment {
    /// The attachment. 附件。
    pub attachment: Id<attachment::Entity>,
    /// The version of the attachment that was seen. 所见的附件版本。
    pub expected_version: i32,
}

/// Lets everybody who sees the content of the report's event have an attachment.
///
/// # Errors
/// By policy, visibility and version; refusals on an original mail, a removed one and one that is released.
pub async fn release_attachment(
    app: &App,
    actor: &Actor,
    input: &ReleaseAttachment,
) -> Result<attachment::Model> {
    require(actor, Action::ReleaseAttachment)?;
    let (event, before) = store::find_handled(app, actor, input.attachment.0).await?;
    expect_version(before.version, input.expected_version)?;
    rules::may_release(&before, event.id).map_err(refused)?;
    let mut changes = ChangeSet::new(app, actor, Action::ReleaseAttachment);
    let after = attachment::Model {
        released_event_id: Some(event.id),
        released_at: Some(changes.at()),
        released_by: Some(changes.actor().to_owned()),
        ..before.clone()
    };
    tell_of_release(app, &mut changes, event.id, before.id, true);
    save(app, changes, &event, &before, after).await
}

/// Keeps an attachment from the team again.
///
/// # Errors
/// By policy, visibility and version; a refusal when it is not released.
pub async fn retract_attachment(
    app: &App,
    actor: &Actor,
    input: &ReleaseAttachment,
) -> Result<attachment::Model> {
    require(actor, Action::RetractAttachment)?;
    let (event, before) = store::find_handled(app, actor, input.attachment.0).await?;
    expect_version(before.version, input.expected_version)?;
    rules::may_retract(&before).map_err(refused)?;
    let mut changes = ChangeSet::new(app, actor, Action::RetractAttachment);
    let after =
        attachment::Model { released_event_id: None, released_at: None, released_by: None, ..before.clone() };
    tell_of_release(app, &mut changes, event.id, before.id, false);
    save(app, changes, &event, &before, after).await
}

fn tell_of_release(app: &App, changes: &mut ChangeSet, event: Uuid, attachment: Uuid, released: bool) {
    let told = message::AttachmentReleased { attachment: Opaque::new(attachment), released };
    changes.message(app, Some(event), &told);
}

async fn save(
    app: &App,
    mut changes: ChangeSet,
    event: &event::Model,
    before: &attachment::Model,
    mut after: attachment::Model,
) -> Result<attachment::Model> {
    after.version = before.version + 1;
    changes.update(before, &after);
    changes.revise(app, event, event.clone(), Some(event.id), Bump::RevisionOnly);
    app.commit(changes).await?;
    Ok(after)
}

fn refused(refusal: Refusal) -> Error {
    Error::Refused(vec![refusal])
}
