//! The API of notices.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, NaiveDate, Utc};
use entity::vocabulary::{DigestState, NoticeKind};
use entity::{deadline, digest as digests, event, notice, principal};

use super::rules::about;
use super::{MarkNoticeRead, SetNoticeDigest, digest, store};
use crate::auth::policy::{Action, allows, require};
use crate::deadline::graphql::Deadline;
use crate::event::graphql::Event;
use crate::graphql::errors::ApiResult;
use crate::graphql::loaders::lookup;
use crate::graphql::page::{Connection, PageInput};
use crate::graphql::{actor, app, scalars, sensitive};
use crate::ids::{Kind, encode};
use crate::outbox::retrying;

/// What you were told.
pub struct Notice(pub notice::Model);

impl From<notice::Model> for Notice {
    fn from(row: notice::Model) -> Self {
        Self(row)
    }
}

/// What you were told. 个人提醒。
#[Object]
impl Notice {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<notice::Entity>(self.0.id)
    }

    /// What it tells. 提醒类型。
    async fn kind(&self) -> NoticeKind {
        self.0.kind
    }

    /// How much of a clock's time was over, in percent; null for what is about no clock.
    /// 已过时间比例（百分比）；非时限提醒为空。
    async fn percent(&self) -> Option<i32> {
        self.0.percent
    }

    /// Id of what it is about, for `node`: a clock, a reply, a webhook endpoint, a ticketing system, a ticket or a
    /// channel. 相关对象的标识，可用 node 查询：时限、回复、Webhook 端点、工单系统、工单或渠道。
    async fn about(&self) -> ID {
        ID(encode(about(self.0.kind), self.0.about_id))
    }

    /// The event; null where it is about none and when you no longer see it. 事件；无关事件或不再可见时为空。
    async fn event(&self, ctx: &Context<'_>) -> ApiResult<Option<Event>> {
        let Some(id) = self.0.event_id else { return Ok(None) };
        Ok(lookup::<event::Entity>(ctx, id).await?.map(Event::from))
    }

    /// The clock; null where it is about none and when that is not yours to see. 时限；非时限提醒或不可见时为空。
    async fn deadline(&self, ctx: &Context<'_>) -> ApiResult<Option<Deadline>> {
        if about(self.0.kind) != Kind::Deadline {
            return Ok(None);
        }
        Ok(lookup::<deadline::Entity>(ctx, self.0.about_id).await?.map(Deadline))
    }

    /// When you were told. 提醒时间。
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When you marked it as read; null while you have not. 已读时间；未读为空。
    async fn read_at(&self) -> Option<DateTime<Utc>> {
        self.0.read_at
    }
}

/// Your daily e-mail of notices.
pub struct NoticeDigest {
    person: principal::Model,
    last: Option<digests::Model>,
}

/// Your daily e-mail of notices: counts, numbers and times. 每日提醒邮件，仅含数量、编号与时间。
#[Object]
impl NoticeDigest {
    /// Whether you want it. 是否接收。
    async fn wanted(&self) -> bool {
        !self.person.digest_off
    }

    /// Address that it goes to, as your token last showed it; null when it shows none, then you get no e-mail.
    /// 收件地址（取自最近的令牌）；为空时不发送。
    async fn address(&self) -> Option<&str> {
        self.person.email.as_deref()
    }

    /// Whether this installation sends such e-mails. 本系统是否发送此类邮件。
    async fn sent(&self, ctx: &Context<'_>) -> bool {
        digest::is_sent(app(ctx))
    }

    /// The day of the newest one; null when there was none. 最近一封的日期；没有时为空。
    async fn last_day(&self) -> Option<NaiveDate> {
        self.last.as_ref().map(|row| row.day)
    }

    /// What became of the newest one; null when there was none. 最近一封的结果；没有时为空。
    async fn last_state(&self) -> Option<DigestState> {
        self.last.as_ref().map(|row| row.state)
    }
}

crate::payload! {
    /// A notice after it was marked. 标记后的提醒。
    NoticePayload {
        /// The notice; null when it was refused. 提醒；被拒绝时为空。
        notice: Notice
    }
}

crate::payload! {
    /// Your daily e-mail after a change. 变更后的每日提醒邮件设置。
    NoticeDigestPayload {
        /// It as it now is; null when the change was refused. 变更后的设置；被拒绝时为空。
        notice_digest: NoticeDigest
    }
}

/// Queries of notices.
#[derive(Default)]
pub struct NoticeQuery;

/// Queries of notices. 提醒查询。
#[Object]
impl NoticeQuery {
    /// What you were told, the newest first. 发给您的提醒，由新到旧。
    async fn notices(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only what you have not marked as read. 仅未读。", default)] unread: bool,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<Notice>> {
        require(actor(ctx), Action::ReadNotices)?;
        let input = PageInput { first, after, last, before };
        let page = store::page(app(ctx), actor(ctx), unread, &input).await?;
        if sensitive::lists_items(ctx) {
            let events = page.rows.iter().filter_map(|(row, _)| row.event_id);
            events.for_each(|event| sensitive::touch(ctx, event));
        }
        Ok(Connection::new(page))
    }

    /// Your daily e-mail of notices; null when your role reads none. 本人的每日提醒邮件；角色无提醒时为空。
    async fn notice_digest(&self, ctx: &Context<'_>) -> ApiResult<Option<NoticeDigest>> {
        if !allows(actor(ctx), Action::ReadNotices) {
            return Ok(None);
        }
        let person = crate::principal::store::latest(app(ctx), &actor(ctx).subject).await?;
        let Some(person) = person else { return Ok(None) };
        let last = digest::store::last(app(ctx), person.id).await?;
        Ok(Some(NoticeDigest { person, last }))
    }
}

/// Changes of notices.
#[derive(Default)]
pub struct NoticeMutation;

/// Changes of notices. 提醒变更。
#[Object]
impl NoticeMutation {
    /// Marks a notice of your own as read. 将本人的提醒标为已读。
    async fn mark_notice_read(&self, ctx: &Context<'_>, input: MarkNoticeRead) -> ApiResult<NoticePayload> {
        NoticePayload::of(retrying(|| super::mark_notice_read(app(ctx), actor(ctx), &input)).await)
    }

    /// Says whether you want the daily e-mail of your notices; saying it again changes nothing.
    /// 设置是否接收每日提醒邮件；重复设置无影响。
    async fn set_notice_digest(
        &self,
        ctx: &Context<'_>,
        input: SetNoticeDigest,
    ) -> ApiResult<NoticeDigestPayload> {
        let done = retrying(|| super::set_notice_digest(app(ctx), actor(ctx), &input)).await;
        let done = match done {
            Ok(person) => {
                let last = digest::store::last(app(ctx), person.id).await?;
                Ok(NoticeDigest { person, last })
            }
            Err(error) => Err(error),
        };
        NoticeDigestPayload::of(done)
    }
}
