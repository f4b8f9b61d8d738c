//! What a client sees of replies.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::vocabulary::{DispatchState, ReplyFormat, ReplyKind, ReplyState, ReplyVia, ReviewOutcome};
use entity::{
    channel, event, obligation, reply, reply_attachment, reply_dispatch, reply_draft, reply_file,
    reply_obligation, reply_proof, reply_review, report,
};

use super::{Obligation, Side, channel_for, event_of};
use crate::auth::policy::Action;
use crate::channel::graphql::Channel;
use crate::event::graphql::Event;
use crate::graphql::errors::ApiResult;
use crate::graphql::loaders::{children, lookup};
use crate::graphql::{actor, ahead, app, scalars};
use crate::intake::graphql::Report;
use crate::reply::needs_approval;

ahead::selected! {
    // By these is said which of them who reads.
    reply, always [EventId, ChannelId, CommentId, ReportId, State] {
        "id": [Id];
        "kind": [Kind];
        "state": [];
        "channel": [] => one(channel by ChannelId) if ReadChannels;
        "subject": [Subject];
        "body": [Body];
        "language": [Language];
        "createdAt": [CreatedAt];
        "approvedAt": [ApprovedAt];
        "sentAt": [SentAt];
        "version": [Version];
    }
}

/// A reply, as the team or the channel sees it.
pub struct Reply {
    pub(super) row: reply::Model,
    pub(super) side: Side,
}

impl From<reply::Model> for Reply {
    fn from(row: reply::Model) -> Self {
        Self { row, side: Side::Team }
    }
}

impl Reply {
    fn to_team<T>(&self, value: impl FnOnce(&reply::Model) -> T) -> Option<T> {
        (self.side == Side::Team).then(|| value(&self.row))
    }

    /// What blocks its approval, in words; none where its event or channel may not be read.
    async fn what_blocks(&self, ctx: &Context<'_>) -> ApiResult<Option<Vec<String>>> {
        let event = lookup::<event::Entity>(ctx, self.row.event_id).await?;
        let channel = lookup::<channel::Entity>(ctx, self.row.channel_id).await?;
        let (Some(event), Some(channel)) = (event, channel) else { return Ok(None) };
        let mut missing =
            crate::template::still_missing(app(ctx), Some(actor(ctx)), &event, &channel, &self.row).await?;
        missing.extend(crate::reply::files::of_text(app(ctx), &self.row).await?);
        Ok(Some(missing.into_iter().map(|refusal| refusal.message).collect()))
    }
}

/// An answer to a channel, from draft to proof. How it came about is null to the channel's SRC service.
/// 对渠道的回复，从草稿到凭证；形成过程对渠道的 SRC 服务为空。
#[Object]
impl Reply {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<reply::Entity>(self.row.id)
    }

    /// Its event; null to the channel. 所属事件；对渠道为空。
    async fn event(&self, ctx: &Context<'_>) -> ApiResult<Option<Event>> {
        match self.side {
            Side::Team => event_of(ctx, self.row.event_id).await,
            Side::Channel => Ok(None),
        }
    }

    /// What it answers. 回复类型。
    async fn kind(&self) -> ReplyKind {
        self.row.kind
    }

    /// Where it stands. 状态。
    async fn state(&self) -> ReplyState {
        self.row.state
    }

    /// The channel it goes to; null when your roles may not read channels. 渠道；无渠道读取权限时为空。
    async fn channel(&self, ctx: &Context<'_>) -> ApiResult<Option<Channel>> {
        channel_for(ctx, self.row.channel_id).await
    }

    /// Subject line. 主题。
    async fn subject(&self) -> &str {
        &self.row.subject
    }

    /// Body. 正文。
    async fn body(&self) -> &str {
        &self.row.body
    }

    /// BCP 47 language tag. 语言标签。
    async fn language(&self) -> &str {
        &self.row.language
    }

    /// Whether a second person has to approve it; null to the channel. 是否须经他人批准；对渠道为空。
    async fn needs_approval(&self, ctx: &Context<'_>) -> ApiResult<Option<bool>> {
        if self.side == Side::Channel {
            return Ok(None);
        }
        let channel = lookup::<channel::Entity>(ctx, self.row.channel_id).await?;
        Ok(channel.map(|channel| needs_approval(self.row.kind, channel.kind)))
    }

    /// Versions of its text, newest first; null to the channel. 历次文本，最新在前；对渠道为空。
    async fn drafts(&self, ctx: &Context<'_>) -> ApiResult<Option<Vec<ReplyDraft>>> {
        if self.side == Side::Channel {
            return Ok(None);
        }
        let rows = children::<reply_draft::Entity>(ctx, self.row.id).await?;
        Ok(Some(rows.iter().map(ReplyDraft::from).collect()))
    }

    /// Who was asked to approve it and what they said, oldest first; null to the channel.
    /// 审核请求与意见，最早在前；对渠道为空。
    async fn reviews(&self, ctx: &Context<'_>) -> ApiResult<Option<Vec<ReplyReview>>> {
        if self.side == Side::Channel {
            return Ok(None);
        }
        let rows = children::<reply_review::Entity>(ctx, self.row.id).await?;
        Ok(Some(rows.iter().map(ReplyReview::from).collect()))
    }

    /// Obligations that it meets when it is sent; null to the channel. 发送后履行的回复义务；对渠道为空。
    async fn obligations(&self, ctx: &Context<'_>) -> ApiResult<Option<Vec<Obligation>>> {
        if self.side == Side::Channel {
            return Ok(None);
        }
        let links = children::<reply_obligation::Entity>(ctx, self.row.id);
        let owed = children::<obligation::Entity>(ctx, self.row.event_id);
        // Apart: each field of a reply else takes the room of the largest.
        let (links, owed): (Arc<[reply_obligation::Model]>, Arc<[obligation::Model]>) =
            Box::pin(futures_util::future::try_join(links, owed)).await?;
        let linked = owed.iter().filter(|row| links.iter().any(|link| link.obligation_id == row.id));
        Ok(Some(linked.cloned().map(Obligation::from).collect()))
    }

    /// Subject who wrote the current text; null to the channel. 当前文本起草人；对渠道为空。
    async fn drafted_by(&self) -> Option<&str> {
        self.to_team(|_| self.row.drafted_by.as_str())
    }

    /// When the first draft was made; null to the channel. 初稿时间；对渠道为空。
    async fn created_at(&self) -> Option<DateTime<Utc>> {
        self.to_team(|row| row.created_at)
    }

    /// Subject who approved the current text; null to the channel and while nobody did. 批准人；未批准或对渠道为空。
    async fn approved_by(&self) -> Option<&str> {
        self.to_team(|_| self.row.approved_by.as_deref()).flatten()
    }

    /// When it was approved; null to the channel and while it is not. 批准时间；未批准或对渠道为空。
    async fn approved_at(&self) -> Option<DateTime<Utc>> {
        self.to_team(|row| row.approved_at).flatten()
    }

    /// Subject who sent it or recorded it; null to the channel and before. 发送记录人；未发送或对渠道为空。
    async fn sent_by(&self) -> Option<&str> {
        self.to_team(|_| self.row.sent_by.as_deref()).flatten()
    }

    /// When it left; null before. 发送时间；未发送为空。
    async fn sent_at(&self) -> Option<DateTime<Utc>> {
        self.row.sent_at
    }

    /// How it left; null before. 发送方式；未发送为空。
    async fn sent_via(&self) -> Option<ReplyVia> {
        self.row.sent_via
    }

    /// By which way it is to go; null to the channel, and while a person is to carry it. 拟发送方式；对渠道及由人工提交时为空。
    async fn via(&self) -> Option<ReplyVia> {
        self.to_team(|row| row.via).flatten()
    }

    /// Address that it is to go to, or host of the platform: part of what is approved; null to the channel, where it goes
    /// to a reporter, and while a person is to carry it. 拟收件地址或平台主机，属批准内容；对渠道、发往报告人及由人工提交时为空。
    async fn recipient(&self) -> Option<&str> {
        self.to_team(|_| self.row.recipient.as_deref()).flatten()
    }

    /// The report whose reporter gets the e-mail, at the address that stands with them; null to the channel, to who does
    /// not read reports as received, and where it goes elsewhere. 邮件发往其报告人的报告；对渠道、无权查看原始报告者及发往他处时为空。
    async fn to_reporter(&self, ctx: &Context<'_>) -> ApiResult<Option<Report>> {
        let Some(report) = self.to_team(|row| row.report_id).flatten() else { return Ok(None) };
        if !crate::graphql::loaders::inside(ctx, self.row.event_id, Action::ReadRawReports).await? {
            return Ok(None);
        }
        Ok(lookup::<report::Entity>(ctx, report).await?.map(Report))
    }

    /// Receipt number of the channel. 渠道回执编号。
    async fn receipt_number(&self) -> Option<&str> {
        self.row.receipt_number.as_deref()
    }

    /// Reference of the proof; null to the channel. 凭证引用；对渠道为空。
    async fn proof(&self) -> Option<&str> {
        self.to_team(|_| self.row.proof.as_deref()).flatten()
    }

    /// Files that prove that it was sent, in the order in which they were added; null to the channel.
    /// 证明已发送的文件，按添加顺序；对渠道为空。
    async fn proof_files(&self, ctx: &Context<'_>) -> ApiResult<Option<Vec<ReplyProof>>> {
        if self.side == Side::Channel {
            return Ok(None);
        }
        let rows = children::<reply_proof::Entity>(ctx, self.row.id).await?;
        Ok(Some(rows.iter().map(ReplyProof::from).collect()))
    }

    /// SHA-256 of what was sent, in hexadecimal: over kind, language, subject and body, then name and SHA-256 of each file
    /// that went with it, each preceded by its length in bytes as eight bytes, big-endian; null before. 已发送内容的 SHA-256（十六进制）；未发送为空。
    async fn content_hash(&self) -> Option<String> {
        self.row.content_hash.as_ref().map(hex::encode)
    }

    /// Key of the template that it was made from; null when it was written freely, and to the channel.
    /// 所用模板标识；自由撰写或对渠道为空。
    async fn template(&self) -> Option<&str> {
        self.to_team(|_| self.row.template.as_deref()).flatten()
    }

    /// Facts that it needs and that are not known, and what of its text the files in which it goes cannot show: these block its
    /// approval; null to the channel and once it left. 尚缺的必备事实，以及文件格式无法呈现的文字，存在则不得批准；对渠道及发送后为空。
    async fn missing_facts(&self, ctx: &Context<'_>) -> ApiResult<Option<Vec<String>>> {
        if self.side == Side::Channel || self.row.sent_at.is_some() {
            return Ok(None);
        }
        Box::pin(self.what_blocks(ctx)).await
    }

    /// How it was handed over, newest first; null to the channel. 投递记录，最新在前；对渠道为空。
    async fn dispatches(&self, ctx: &Context<'_>) -> ApiResult<Option<Vec<ReplyDispatch>>> {
        if self.side == Side::Channel {
            return Ok(None);
        }
        let rows = children::<reply_dispatch::Entity>(ctx, self.row.id).await?;
        Ok(Some(rows.iter().map(ReplyDispatch::from).collect()))
    }

    /// Files that go with it, in the order in which they were added. 随回复发送的文件，按添加顺序。
    async fn attachments(&self, ctx: &Context<'_>) -> ApiResult<Vec<ReplyAttachment>> {
        let rows = children::<reply_attachment::Entity>(ctx, self.row.id).await?;
        Ok(rows.iter().map(ReplyAttachment::from).collect())
    }

    /// The files that were sent, without the envelope for the channel; download them from `/replies/{id}/sent?format=...`. None before it was sent.
    /// 已发送的文件；下载地址为 `/replies/{id}/sent?format=...`。发送前为空列表。
    async fn files(&self, ctx: &Context<'_>) -> ApiResult<Vec<ReplyFile>> {
        if self.row.sent_at.is_none() {
            return Ok(Vec::new());
        }
        let left = Box::pin(crate::reply::handover::store::left_files(app(ctx), self.row.id)).await?;
        let sent = crate::reply::handover::store::sent(left);
        let shown = |file: &reply_file::Model| {
            self.side == Side::Team || crate::template::rules::FORMATS.contains(&file.format)
        };
        Ok(sent.filter(shown).map(|file| ReplyFile::from(&file)).collect())
    }

    /// Version to send as `expectedVersion` of its next change. 版本，用于下一次变更的 expectedVersion。
    async fn version(&self) -> i32 {
        self.row.version
    }
}

/// A version of a reply's text. 回复的一版文本。
#[derive(SimpleObject)]
pub struct ReplyDraft {
    /// Counts up from 1. 序号，从 1 起。
    number: i32,
    /// Subject line. 主题。
    subject: String,
    /// Body. 正文。
    body: String,
    /// Subject who wrote it. 作者。
    author: String,
    /// When. 时间。
    created_at: DateTime<Utc>,
}

impl From<&reply_draft::Model> for ReplyDraft {
    fn from(row: &reply_draft::Model) -> Self {
        Self {
            number: row.number,
            subject: row.subject.clone(),
            body: row.body.clone(),
            author: row.author.clone(),
            created_at: row.created_at,
        }
    }
}

/// Somebody asked to approve a reply, and what they said. 回复的审核请求与意见。
#[derive(SimpleObject)]
pub struct ReplyReview {
    /// Subject who was asked. 审核人。
    reviewer: String,
    /// Subject who asked; the reviewer, when nobody did. 请求人；未经请求时为审核人本人。
    requested_by: String,
    /// When. 请求时间。
    requested_at: DateTime<Utc>,
    /// What came of it; null while unanswered. 审核结果；未答复为空。
    outcome: Option<ReviewOutcome>,
    /// The reviewer's words. 审核意见。
    note: Option<String>,
    /// When it was answered; null while unanswered. 答复时间；未答复为空。
    answered_at: Option<DateTime<Utc>>,
}

impl From<&reply_review::Model> for ReplyReview {
    fn from(row: &reply_review::Model) -> Self {
        Self {
            reviewer: row.reviewer.clone(),
            requested_by: row.requested_by.clone(),
            requested_at: row.requested_at,
            outcome: row.outcome,
            note: row.note.clone(),
            answered_at: row.answered_at,
        }
    }
}

/// The handing over of a reply to a mail server or a platform. 回复的一次投递。
#[derive(SimpleObject)]
pub struct ReplyDispatch {
    /// EMAIL or WEBHOOK. 方式。
    via: ReplyVia,
    /// Address that the e-mail went to, or host of the platform; empty where it went to a reporter, whose address stands
    /// with them alone. 收件地址或平台主机；发往报告人时为空，其地址仅存于报告人处。
    recipient: String,
    /// `Message-ID` of the e-mail or `webhook-id` of the request. 邮件或请求的标识。
    message_id: String,
    /// SHA-256 of what was handed over, in hexadecimal. 投递内容的 SHA-256。
    sha256: String,
    /// Where it stands. 状态。
    state: DispatchState,
    /// Subject who sent it. 发送人。
    requested_by: String,
    /// When. 时间。
    requested_at: DateTime<Utc>,
    /// Attempts begun. 已尝试次数。
    attempts: i32,
    /// When the next attempt is due; null once it is settled. 下次尝试时间；已结束为空。
    next_attempt_at: Option<DateTime<Utc>>,
    /// What the other side said last; null before. 对方最近的答复；尚无为空。
    answer: Option<String>,
    /// When it was settled; null before. 结束时间；未结束为空。
    settled_at: Option<DateTime<Utc>>,
    /// When the e-mail came back; null when it did not. 退信时间；未退信为空。
    bounced_at: Option<DateTime<Utc>>,
    /// Status of the bounce, for example 5.1.1; null when there is none. 退信状态码；无则为空。
    bounce_status: Option<String>,
    /// What the bounce said; null when it says nothing. 退信说明；无则为空。
    bounce_words: Option<String>,
}

impl From<&reply_dispatch::Model> for ReplyDispatch {
    fn from(row: &reply_dispatch::Model) -> Self {
        Self {
            via: row.via,
            recipient: row.recipient.clone(),
            message_id: row.message_id.clone(),
            sha256: hex::encode(&row.sha256),
            state: row.state,
            requested_by: row.requested_by.clone(),
            requested_at: row.requested_at,
            attempts: row.attempts,
            next_attempt_at: row.due_at,
            answer: row.answer.clone(),
            settled_at: row.settled_at,
            bounced_at: row.bounced_at,
            bounce_status: row.bounce_status.clone(),
            bounce_words: row.bounce_words.clone(),
        }
    }
}

/// A file that was sent. 已发送的文件。
#[derive(SimpleObject)]
pub struct ReplyFile {
    /// Its form. 格式。
    format: ReplyFormat,
    /// Name to save it under. 文件名。
    name: String,
    /// Its size in bytes. 字节数。
    size: i32,
    /// SHA-256 of its bytes, in hexadecimal. 内容的 SHA-256。
    sha256: String,
}

impl From<&reply_file::Model> for ReplyFile {
    fn from(row: &reply_file::Model) -> Self {
        Self {
            format: row.format,
            name: row.name.clone(),
            size: i32::try_from(row.size).unwrap_or(i32::MAX),
            sha256: hex::encode(&row.sha256),
        }
    }
}

/// A file that goes with a reply. 随回复发送的文件。
#[derive(SimpleObject)]
pub struct ReplyAttachment {
    /// Opaque id. 标识。
    id: ID,
    /// Name that it goes under. 文件名。
    name: String,
    /// Media type as its sender gave it. 媒体类型（由发送者给出）。
    media_type: String,
    /// Number of bytes. 字节数。
    size: i64,
    /// SHA-256 of its bytes, in hexadecimal. 内容的 SHA-256。
    sha256: String,
    /// Where it is downloaded, on this server, with the same token as here. 下载路径（使用相同的令牌）。
    path: String,
}

impl From<&reply_attachment::Model> for ReplyAttachment {
    fn from(row: &reply_attachment::Model) -> Self {
        Self {
            id: scalars::id::<reply_attachment::Entity>(row.id),
            name: row.name.clone(),
            media_type: row.media_type.clone(),
            size: row.size,
            sha256: hex::encode(&row.sha256),
            path: crate::reply::path(row),
        }
    }
}

/// A file that proves that a reply was sent. 证明回复已发送的文件。
#[derive(SimpleObject)]
pub struct ReplyProof {
    /// Opaque id. 标识。
    id: ID,
    /// Name that it goes under. 文件名。
    name: String,
    /// Media type as its sender gave it. 媒体类型（由发送者给出）。
    media_type: String,
    /// Number of bytes. 字节数。
    size: i64,
    /// SHA-256 of its bytes, in hexadecimal. 内容的 SHA-256。
    sha256: String,
    /// Where it is downloaded, on this server, with the same token as here. 下载路径（使用相同的令牌）。
    path: String,
    /// Subject who added it. 添加人。
    added_by: String,
    /// When. 添加时间。
    added_at: DateTime<Utc>,
    /// When the reply was sent, by the record that names it; null while none does. 所证明的发送时间；尚未引用为空。
    proves_sent_at: Option<DateTime<Utc>>,
}

impl From<&reply_proof::Model> for ReplyProof {
    fn from(row: &reply_proof::Model) -> Self {
        Self {
            id: scalars::id::<reply_proof::Entity>(row.id),
            name: row.name.clone(),
            media_type: row.media_type.clone(),
            size: row.size,
            sha256: hex::encode(&row.sha256),
            path: crate::reply::proof_path(row),
            added_by: row.added_by.clone(),
            added_at: row.added_at,
            proves_sent_at: row.proves_at,
        }
    }
}
