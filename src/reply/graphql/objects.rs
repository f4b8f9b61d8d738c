//! What a client sees of replies.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::vocabulary::{ReplyKind, ReplyState, ReplyVia, ReviewOutcome};
use entity::{channel, obligation, reply, reply_draft, reply_obligation, reply_review};

use super::{Obligation, Side, channel_for, event_of};
use crate::channel::graphql::Channel;
use crate::event::graphql::Event;
use crate::graphql::errors::ApiResult;
use crate::graphql::loaders::{children, lookup};
use crate::graphql::scalars;
use crate::reply::needs_approval;

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
        let (links, owed): (Arc<[reply_obligation::Model]>, Arc<[obligation::Model]>) =
            futures_util::future::try_join(links, owed).await?;
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

    /// Receipt number of the channel. 渠道回执编号。
    async fn receipt_number(&self) -> Option<&str> {
        self.row.receipt_number.as_deref()
    }

    /// Reference of the proof; null to the channel. 凭证引用；对渠道为空。
    async fn proof(&self) -> Option<&str> {
        self.to_team(|_| self.row.proof.as_deref()).flatten()
    }

    /// SHA-256 of what was sent, in hexadecimal: over kind, language, subject and body, each preceded by its length
    /// in bytes as eight bytes, big-endian; null before. 已发送内容的 SHA-256（十六进制）；未发送为空。
    async fn content_hash(&self) -> Option<String> {
        self.row.content_hash.as_ref().map(hex::encode)
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
