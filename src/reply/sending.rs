//! Recording that a reply left, with proof.

use async_graphql::InputObject;
use chrono::{DateTime, SubsecRound, Utc};
use entity::vocabulary::{ObligationState, ReplyFormat, ReplyState, ReplyVia};
use entity::{channel, event, obligation, reply, reply_proof};

use super::rules::Approver;
use super::{SHORT, attach, channel_of, files, proof, rules, save_with, store, tell_obligation, to_reporter};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::deadline::Clocks;
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::{expect_version, optional_text};
use crate::graphql::scalars::Id;
use crate::outbox::ChangeSet;

/// By what it is proven that something was sent.
pub(super) const PROVEN_BY: &str =
    "send the channel's receipt number, a reference of the proof, or a file (proofFiles)";

/// That a person sent a reply. 人工发送回复的记录。
#[derive(Clone, Debug, InputObject)]
pub struct RecordReplySent {
    /// The reply. 回复。
    pub reply: Id<reply::Entity>,
    /// The version of the reply that was seen. 所见的回复版本。
    pub expected_version: i32,
    /// How it left: BY_HAND, which is meant when left out, or EMAIL. 发送方式：人工提交（默认）或邮件。
    pub via: Option<ReplyVia>,
    /// When it left; now when left out. 发送时间；省略时为当前时间。
    pub sent_at: Option<DateTime<Utc>>,
    /// Receipt number of the channel; this or a proof is required. 渠道回执编号；与凭证至少提供一项。
    pub receipt_number: Option<String>,
    /// Reference of the proof; this, a receipt number or a file is required. 凭证的引用；与回执编号、凭证文件至少提供一项。
    pub proof: Option<String>,
    /// Files that prove it, uploaded to `/files?proof=` before. 凭证文件，须先上传至 `/files?proof=`。
    pub proof_files: Option<Vec<Id<reply_proof::Entity>>>,
    /// Formats in which it was carried: these files are kept, and no other; the reply's own when left out.
    /// 实际提交的文件格式，仅保存这些文件；省略时为回复自身的格式。
    pub formats: Option<Vec<ReplyFormat>>,
}

/// Records that a person sent a reply: freezes it with its hash in the formats that were carried, and meets its open
/// obligations.
///
/// # Errors
/// By policy, visibility and version; BAD_USER_INPUT without receipt number or proof or with an impossible time;
/// refusals when its approval is missing or no longer enough, when the event lacks what it tells, and when it cannot be
/// rendered to a format in which it was carried.
pub async fn record_reply_sent(app: &App, actor: &Actor, input: &RecordReplySent) -> Result<reply::Model> {
    require(actor, Action::RecordReplySent)?;
    let receipt_number = optional_text("input.receiptNumber", input.receipt_number.as_ref(), SHORT)?;
    let reference = optional_text("input.proof", input.proof.as_ref(), SHORT)?;
    let with_files = input.proof_files.as_ref().is_some_and(|files| !files.is_empty());
    if receipt_number.is_none() && reference.is_none() && !with_files {
        return Err(Error::bad_input("input.proof", PROVEN_BY));
    }
    let via = input.via.unwrap_or(ReplyVia::ByHand);
    if via == ReplyVia::Webhook {
        return Err(Error::bad_input("input.via", "send BY_HAND or EMAIL: no person sends by webhook"));
    }
    if let Some(formats) = &input.formats {
        crate::template::rules::formats("input.formats", formats)?;
    }
    let (event, before) = store::find(app, actor, input.reply.0).await?;
    expect_version(before.version, input.expected_version)?;
    let channel = channel_of(app, before.channel_id).await?;
    let needs_approval = rules::needs_approval(before.kind, channel.kind);
    rules::may_send(before.state, needs_approval).map_err(|refusal| Error::Refused(vec![refusal]))?;

    let mut changes = ChangeSet::new(app, actor, Action::RecordReplySent);
    let sent_at = input.sent_at.map_or(changes.at(), |at| at.trunc_subsecs(6));
    let earliest = before.approved_at.unwrap_or(before.drafted_at);
    if sent_at < earliest || sent_at > changes.at() {
        let message = "send an instant that is not before its text was written and approved, and not to come";
        return Err(Error::bad_input("input.sentAt", message));
    }
    // Who carried it knows to whom.
    let by_person = reply::Model { report_id: None, ..before.clone() };
    expect_sendable(app, Some(actor), &event, &channel, &by_person, sent_at).await?;
    let mut carried = before.clone();
    if let Some(formats) = &input.formats {
        carried.formats = Some(formats.iter().map(ToString::to_string).collect::<Vec<_>>().into());
    }
    let proofs = proof::named(app, before.id, input.proof_files.as_ref()).await?;
    proof::settle(&mut changes, proofs, sent_at);
    let attached = store::attachments(app, before.id).await?;
    attach::expect_whole(app, &attached).await?;
    let rendered = files::render(app, &event, &carried).await?;
    for file in rendered {
        files::write(&mut changes, &files::row(app, before.id, None, file, sent_at));
    }
    let after = reply::Model {
        state: ReplyState::Sent,
        sent_by: Some(actor.subject.to_string()),
        sent_at: Some(sent_at),
        sent_via: Some(via),
        receipt_number,
        proof: reference,
        content_hash: Some(rules::content_hash(&before, &attached)),
        ..carried
    };
    save_sent(app, changes, &event, &before, after, sent_at).await
}

/// Writes that a reply was sent: meets its obligations, and plans the clocks that follow from that.
///
/// # Errors
/// Of the database; that somebody else changed the event at the same moment.
pub(super) async fn save_sent(
    app: &App,
    mut changes: ChangeSet,
    event: &event::Model,
    before: &reply::Model,
    after: reply::Model,
    sent_at: DateTime<Utc>,
) -> Result<reply::Model> {
    let mut clocks = Clocks::load(app, event).await?;
    meet_obligations(app, &mut changes, &mut clocks, &after, sent_at).await?;
    let mut moved = event.clone();
    clocks.replan(app, &mut changes, &mut moved)?;
    save_with(app, changes, (event, moved), before, after, false).await
}

/// Demands that a reply may leave at `at`: that its approval stands, that the event holds what it tells, and that this
/// may go to the channel. `reader` is who sends it; none for the product itself.
///
/// # Errors
/// The refusals.
pub(super) async fn expect_sendable(
    app: &App,
    reader: Option<&Actor>,
    event: &event::Model,
    channel: &channel::Model,
    reply: &reply::Model,
    at: DateTime<Utc>,
) -> Result<()> {
    if rules::needs_approval(reply.kind, channel.kind) {
        expect_approval(app, event, channel, reply).await?;
    }
    let facts = store::content_facts(app, event, channel).await?;
    let mut missing = rules::missing_facts(reply, channel.kind, &facts, at);
    missing.extend(crate::template::still_missing(app, reader, event, channel, reply).await?);
    missing.extend(attach::refusals(app, reply, channel, &facts).await?);
    missing.extend(to_reporter::refusals(app, reply).await?);
    if missing.is_empty() { Ok(()) } else { Err(Error::Refused(missing)) }
}

/// Demands an approval that still suffices: the event's level may have risen since it was given.
async fn expect_approval(
    app: &App,
    event: &event::Model,
    channel: &channel::Model,
    reply: &reply::Model,
) -> Result<()> {
    let (Some(subject), Some(at)) = (&reply.approved_by, reply.approved_at) else {
        let message =
            "it needs an approval first: revise it and ask for one (reviseReply, requestReplyReview)";
        return Err(Error::refused(RefusalCode::FourEyes, message));
    };
    let roles = store::roles_at_approval(app, reply).await?;
    let on_duty = store::is_on_duty(app, subject, at).await?;
    let within = store::shortest_term(app, reply.id).await?;
    let approver = Approver { subject, roles: &roles, on_duty, within };
    let drafters = store::drafters(app, reply.id).await?;
    rules::may_approve(reply.kind, channel.kind, event.level, &drafters, &approver).map_err(|refusal| {
        let message = format!(
            "its approval is not enough any more, revise it and ask again (reviseReply): {}",
            refusal.message
        );
        Error::Refused(vec![Refusal { message, ..refusal }])
    })?;
    Ok(())
}

/// Meets the obligations of a reply that was sent, those that are still open.
///
/// # Errors
/// Of the database.
async fn meet_obligations(
    app: &App,
    changes: &mut ChangeSet,
    clocks: &mut Clocks,
    reply: &reply::Model,
    sent_at: DateTime<Utc>,
) -> Result<()> {
    for before in store::obligations_of(app, reply.id).await? {
        // Met by another reply or waived meanwhile: settled.
        if before.state != ObligationState::Open {
            continue;
        }
        let after = obligation::Model {
            state: ObligationState::Met,
            met_at: Some(sent_at),
            met_by_reply_id: Some(reply.id),
            ..before.clone()
        };
        changes.update(&before, &after);
        tell_obligation(app, changes, &after);
        clocks.facts.obligation_changed(&after);
    }
    Ok(())
}
