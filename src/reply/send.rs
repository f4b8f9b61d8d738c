//! Sending a reply without a person's hands, and saying what became of one of which nobody knows.

use async_graphql::InputObject;
use chrono::{DateTime, SubsecRound, Utc};
use entity::vocabulary::{DispatchState, ReplyFormat, ReplyState, ReplyVia};
use entity::{event, reply, reply_dispatch, reply_file, reply_proof, reply_route};
use sha2::{Digest, Sha256};

use super::destination::{self, Named};
use super::handover::{mail, platform, store as dispatches};
use super::to_reporter::rules::Thread;
use super::{SHORT, attach, channel_of, files, proof, rules, save, sending, store, to_reporter};
use crate::app::App;
use crate::attachment::content;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::{expect_version, optional_text, require_text};
use crate::graphql::scalars::Id;
use crate::outbox::ChangeSet;
use crate::template::To;

/// A reply to be sent. 发送回复。
#[derive(Clone, Debug, InputObject)]
pub struct SendReply {
    /// The reply. 回复。
    pub reply: Id<reply::Entity>,
    /// The version of the reply that was seen. 所见的回复版本。
    pub expected_version: i32,
    /// EMAIL, or WEBHOOK to the channel's platform. 发送方式：邮件，或推送至渠道平台。
    pub via: ReplyVia,
    /// Address that the e-mail goes to, one of the channel's: what was approved, the reporter's whom it is for, or the
    /// route's, when left out. 收件地址，须为该渠道的地址；省略时用已批准的地址、所指报告人或渠道设置。
    pub to: Option<String>,
    /// Formats to render it to, instead of the template's: TEXT, HTML, DOCX, PDF. 输出格式；省略时按模板。
    pub formats: Option<Vec<ReplyFormat>>,
}

/// Freezes a reply and has it handed over: by e-mail, or to the channel's platform.
///
/// It is rendered here, once; what is handed over later are these bytes. Until it is settled the reply is SENDING.
///
/// # Errors
/// By policy, visibility and version; BAD_USER_INPUT on an address that is none; refusals when its approval is missing
/// or no longer enough or was of another recipient, when the event lacks what it tells, and without a way to the channel.
pub async fn send_reply(app: &App, actor: &Actor, input: &SendReply) -> Result<reply::Model> {
    require(actor, Action::SendReply)?;
    if input.via == ReplyVia::ByHand {
        return Err(Error::bad_input(
            "input.via",
            "send EMAIL or WEBHOOK: recordReplySent is for what a person sent",
        ));
    }
    let named = Named::read(Some(input.via), input.to.as_deref())?;
    if let Some(formats) = &input.formats {
        crate::template::rules::formats("input.formats", formats)?;
    }
    let (event, before) = store::find(app, actor, input.reply.0).await?;
    expect_version(before.version, input.expected_version)?;
    let channel = channel_of(app, before.channel_id).await?;
    let needs_approval = rules::needs_approval(before.kind, channel.kind);
    rules::may_send(before.state, needs_approval).map_err(|refusal| Error::Refused(vec![refusal]))?;
    let mut changes = ChangeSet::new(app, actor, Action::SendReply);
    let at = changes.at();
    let route = dispatches::route(app, channel.id).await?;
    let named = Named { usual: to_reporter::meant(app, &before).await?, ..named };
    let destination = destination::settle(&channel, route.as_ref(), &before, &named, needs_approval)?;

    if to_reporter::rules::was_made_for_others(&before, destination.reporter) {
        return Err(Error::Refused(vec![to_reporter::rules::written_for_others()]));
    }
    let mut chosen = destination.put(before.clone());
    sending::expect_sendable(app, Some(actor), &event, &channel, &chosen, at).await?;
    if let Some(formats) = &input.formats {
        chosen.formats = Some(formats.iter().map(ToString::to_string).collect::<Vec<_>>().into());
    }
    let owed = store::obligations_of(app, before.id).await?;
    let to = To::new(&channel, None, &owed);
    let after = freeze(app, &mut changes, &event, &to, route.as_ref(), chosen).await?;
    save(app, changes, &event, &before, after, false).await
}

/// Renders a reply, and writes the dispatch that hands these bytes over to where it goes; answers the reply as it then
/// is. A platform is told the numbers of the reports that it answers.
///
/// # Errors
/// Refusals without an address to send from, and when it cannot be rendered.
pub(super) async fn freeze(
    app: &App,
    changes: &mut ChangeSet,
    event: &event::Model,
    to: &To<'_>,
    route: Option<&reply_route::Model>,
    reply: reply::Model,
) -> Result<reply::Model> {
    let channel = to.channel;
    let at = changes.at();
    let rendered = files::render(app, event, &reply).await?;
    let attached = store::attachments(app, reply.id).await?;
    let id = app.ids.next();
    // Of a reporter nothing is kept with the reply: the address is put before what is frozen as it goes out.
    let recipient = reply.recipient.clone().unwrap_or_default();
    let via = reply.via.ok_or_else(|| no_way("it has no way to go (setReplyRoute)"))?;
    let (sender, message_id, envelope) = match via {
        ReplyVia::Email => {
            let from = sender(app, route)?;
            let message_id = mail::message_id(id, &from);
            let thread = match reply.report_id {
                Some(report) => to_reporter::thread(app, report).await?,
                None => Thread::default(),
            };
            let by_itself = reply.report_id.is_some() && changes.actor() == &*Actor::schedule().subject;
            let letter = mail::Letter {
                from: &from,
                to: reply.recipient.as_deref(),
                message_id: &message_id,
                subject: &reply.subject,
                at,
                thread: &thread,
                automatic: by_itself.then_some(mail::Automatic::Reply),
            };
            let with_bytes = attach::bytes(app, &attached).await?;
            let bytes = mail::assemble(&letter, id, &rendered, &with_bytes)?;
            let name = files::name(event, &reply, ReplyFormat::Mail);
            (Some(from), message_id, files::File { format: ReplyFormat::Mail, name, bytes })
        }
        _ => {
            attach::expect_whole(app, &attached).await?;
            let numbers = dispatches::report_numbers(app, event.id, channel.id, &to.reports).await?;
            let bytes = platform::assemble(channel, &reply, &numbers, &rendered, &attached)?;
            let name = files::name(event, &reply, ReplyFormat::Json);
            (None, platform::message_id(id), files::File { format: ReplyFormat::Json, name, bytes })
        }
    };
    changes.insert(&reply_dispatch::Model {
        id,
        reply_id: reply.id,
        via,
        recipient,
        url_sha256: reply.url_sha256.clone(),
        sender,
        message_id,
        sha256: Sha256::digest(&envelope.bytes).to_vec(),
        state: DispatchState::Waiting,
        requested_by: changes.actor().to_owned(),
        requested_at: at,
        attempts: 0,
        due_at: Some(at),
        lease_by: None,
        lease_until: None,
        data_at: None,
        answer: None,
        settled_at: None,
        bounced_at: None,
        bounce_status: None,
        bounce_words: None,
    });
    for file in rendered {
        files::write(changes, &files::row(app, reply.id, Some(id), file, at));
    }
    let mut envelope = files::row(app, reply.id, Some(id), envelope, at);
    if envelope.format == ReplyFormat::Mail && !attached.is_empty() {
        // As large as the files in it: it stands where they stand. What an attempt that lost a race leaves goes as an orphan.
        let placed =
            content::place(app, &app.files.keep_bytes(app.ids.next(), &envelope.bytes).await?).await?;
        placed.write(changes);
        envelope = reply_file::Model { bytes: Vec::new(), file_id: Some(placed.file().id), ..envelope };
    }
    files::write(changes, &envelope);
    let content_hash = Some(rules::content_hash(&reply, &attached));
    Ok(reply::Model { state: ReplyState::Sending, content_hash, ..reply })
}

/// From whom an e-mail goes.
pub(super) fn sender(app: &App, route: Option<&reply_route::Model>) -> Result<String> {
    let smtp = app.replies.smtp.as_ref();
    let smtp = smtp.ok_or_else(|| no_way("this installation has no mail server (replies.smtp.host)"))?;
    let from = route.and_then(|route| route.from_email.clone()).or_else(|| smtp.from.clone());
    from.ok_or_else(|| no_way("there is no address to send from (replies.smtp.from, setReplyRoute)"))
}

fn no_way(message: &str) -> Error {
    Error::refused(RefusalCode::MissingFact, message)
}

/// What became of a reply of which nobody knows. 结果不明的回复的处理。
#[derive(Clone, Debug, InputObject)]
pub struct ResolveUncertainReply {
    /// The reply. 回复。
    pub reply: Id<reply::Entity>,
    /// The version of the reply that was seen. 所见的回复版本。
    pub expected_version: i32,
    /// Whether it arrived; true needs a receipt number or a proof. 是否已送达；为真时须有回执编号或凭证。
    pub sent: bool,
    /// When it arrived; when its content went out, when left out. 送达时间；省略时为内容发出时间。
    pub sent_at: Option<DateTime<Utc>>,
    /// Receipt number of the channel. 渠道回执编号。
    pub receipt_number: Option<String>,
    /// Reference of the proof. 凭证引用。
    pub proof: Option<String>,
    /// Files that prove it, uploaded to `/files?proof=` before. 凭证文件，须先上传至 `/files?proof=`。
    pub proof_files: Option<Vec<Id<reply_proof::Entity>>>,
    /// How that was found out. 查明方式。
    pub reason: String,
}

/// Says what became of an UNCERTAIN reply: SENT, or FAILED, after which it may be sent again.
///
/// # Errors
/// By policy, visibility and version; BAD_USER_INPUT without reason, or without receipt and proof of what arrived; a
/// refusal when it is not UNCERTAIN.
pub async fn resolve_uncertain_reply(
    app: &App,
    actor: &Actor,
    input: &ResolveUncertainReply,
) -> Result<reply::Model> {
    require(actor, Action::ResolveUncertainReply)?;
    let reason = require_text("input.reason", &input.reason, SHORT)?;
    let receipt_number = optional_text("input.receiptNumber", input.receipt_number.as_ref(), SHORT)?;
    let reference = optional_text("input.proof", input.proof.as_ref(), SHORT)?;
    let with_files = input.proof_files.as_ref().is_some_and(|files| !files.is_empty());
    if input.sent && receipt_number.is_none() && reference.is_none() && !with_files {
        return Err(Error::bad_input("input.proof", sending::PROVEN_BY));
    }
    let (event, before) = store::find(app, actor, input.reply.0).await?;
    expect_version(before.version, input.expected_version)?;
    let dispatch = dispatches::uncertain(app, before.id).await?;
    let Some(dispatch) = dispatch.filter(|_| before.state == ReplyState::Uncertain) else {
        let message = format!("the reply is {}: only an UNCERTAIN one is resolved", before.state);
        return Err(Error::Refused(vec![Refusal::new(RefusalCode::MoveNotAllowed, message)]));
    };
    let mut changes = ChangeSet::new(app, actor, Action::ResolveUncertainReply).because(Some(reason));
    let began = dispatch.data_at.unwrap_or(dispatch.requested_at);
    let sent_at = input.sent_at.map_or(began, |at| at.trunc_subsecs(6));
    if sent_at < began || sent_at > changes.at() {
        let message = "send an instant that is not before its content went out, and not to come";
        return Err(Error::bad_input("input.sentAt", message));
    }
    let settled = reply_dispatch::Model {
        state: if input.sent { DispatchState::Taken } else { DispatchState::Refused },
        settled_at: Some(changes.at()),
        ..dispatch.clone()
    };
    changes.update(&dispatch, &settled);
    let mut after = reply::Model { state: ReplyState::Failed, content_hash: None, ..before.clone() };
    if input.sent {
        let proofs = proof::named(app, before.id, input.proof_files.as_ref()).await?;
        proof::settle(&mut changes, proofs, sent_at);
        after = reply::Model {
            state: ReplyState::Sent,
            sent_by: Some(dispatch.requested_by.clone()),
            sent_at: Some(sent_at),
            sent_via: Some(dispatch.via),
            receipt_number,
            proof: reference,
            content_hash: before.content_hash.clone(),
            ..after
        };
        return sending::save_sent(app, changes, &event, &before, after, sent_at).await;
    }
    save(app, changes, &event, &before, after, false).await
}
