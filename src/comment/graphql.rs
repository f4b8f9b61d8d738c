//! The API of comments and messages.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entity::comment;
use entity::vocabulary::{CommentVisibility, NotMailed};
use uuid::Uuid;

use super::{CommentOnEvent, MessageReporter, store};
use crate::auth::policy::Action;
use crate::graphql::errors::ApiResult;
use crate::graphql::page::{self, Connection, PageInput};
use crate::graphql::{self, loaders, scalars};
use crate::outbox::retrying;
use crate::payload;
use crate::reply::graphql::{Reply, mail_of_message};

/// Words on an event: internal, or between team and reporter.
pub struct Comment(pub comment::Model);

impl From<comment::Model> for Comment {
    fn from(row: comment::Model) -> Self {
        Self(row)
    }
}

/// Words on an event: internal, or between team and reporter. 事件上的评论，或团队与报告人之间的消息。
#[Object]
impl Comment {
    /// Identifies it. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<comment::Entity>(self.0.id)
    }

    /// Who reads it. 可见范围。
    async fn visibility(&self) -> CommentVisibility {
        self.0.visibility
    }

    /// The words. 内容。
    async fn body(&self) -> &str {
        &self.0.body
    }

    /// Subject of who wrote it; null for a reporter's words, see `fromReporter`, and to reporters and services.
    /// 作者；报告人所写（见 fromReporter）以及对报告人与服务为空。
    async fn author(&self, ctx: &Context<'_>) -> ApiResult<Option<&str>> {
        let named =
            !self.0.from_reporter && loaders::inside(ctx, self.0.event_id, Action::ReadEvents).await?;
        Ok(named.then_some(self.0.author.as_str()))
    }

    /// Whether the reporter wrote it. 是否由报告人撰写。
    async fn from_reporter(&self) -> bool {
        self.0.from_reporter
    }

    /// The e-mail by which it went to the reporter; null where it did not, and to who does not read the event's replies
    /// and messages. 发送给报告人的邮件；未以邮件发送或无权查看时为空。
    async fn mail(&self, ctx: &Context<'_>) -> ApiResult<Option<Reply>> {
        mail_of_message(ctx, &self.0).await
    }

    /// Why it did not go out by e-mail, of a message through a channel whose messages do; null to reporters and services,
    /// and where nothing was to go. 未以邮件发出的原因；对报告人与服务，以及无需发送时为空。
    async fn not_mailed(&self, ctx: &Context<'_>) -> ApiResult<Option<NotMailed>> {
        let inside = loaders::inside(ctx, self.0.event_id, Action::ReadRawReports).await?;
        Ok(self.0.not_mailed.filter(|_| inside))
    }

    /// When it was written. 撰写时间。
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

/// What is said on an event whose content the caller has found, oldest first.
///
/// # Errors
/// BAD_USER_INPUT on a page size or cursor that cannot be; of the database.
pub async fn comments_connection(
    ctx: &Context<'_>,
    event: Uuid,
    input: PageInput,
) -> ApiResult<Connection<Comment>> {
    let select = store::of_event(graphql::actor(ctx), event);
    let page = page::read(&graphql::app(ctx).database, select, store::IN_ORDER, &input).await?;
    Ok(Connection::new(page))
}

/// The messages of a report that the caller has found, oldest first.
///
/// # Errors
/// BAD_USER_INPUT on a page size or cursor that cannot be; of the database.
pub async fn messages_connection(
    ctx: &Context<'_>,
    report: Uuid,
    input: PageInput,
) -> ApiResult<Connection<Comment>> {
    let select = store::of_report(report);
    let page = page::read(&graphql::app(ctx).database, select, store::IN_ORDER, &input).await?;
    Ok(Connection::new(page))
}

payload! {
    /// The comment or message that was written. 已写入的评论或消息。
    CommentPayload {
        /// The comment; null when it was refused. 评论；被拒绝时为空。
        comment: Comment
    }
}

/// Comments and messages to reporters.
#[derive(Default)]
pub struct CommentMutation;

/// Comments and messages to reporters. 评论与致报告人的消息。
#[Object]
impl CommentMutation {
    /// Comment on an event, for everybody who sees its content. 在事件上发表内部评论。
    async fn comment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The comment. 评论。")] input: CommentOnEvent,
    ) -> ApiResult<CommentPayload> {
        let (app, actor) = (graphql::app(ctx), graphql::actor(ctx));
        CommentPayload::of(retrying(|| super::comment(app, actor, &input)).await)
    }

    /// Write to the reporter of a report. ANALYST. A database or regulator is answered by a reply instead (draftReply).
    /// 向报告人发送消息（安全运营）；对漏洞库与监管单位须以回复（draftReply）答复。
    async fn message_reporter(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The message. 消息。")] input: MessageReporter,
    ) -> ApiResult<CommentPayload> {
        let (app, actor) = (graphql::app(ctx), graphql::actor(ctx));
        CommentPayload::of(retrying(|| super::message_reporter(app, actor, &input)).await)
    }
}
