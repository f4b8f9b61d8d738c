//! The types of the API of reports.

use async_graphql::dataloader::DataLoader;
use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::vocabulary::{IndicatorSource, NoticeType, Origin, PublicStatus, Severity, Verdict};
use entity::{channel, event, indicator, report, report_version, reporter};

use crate::attachment::graphql::{self as attachments, Attachment};
use crate::auth::policy::{Action, allows};
use crate::channel::graphql::Channel;
use crate::comment::graphql::{Comment, messages_connection};
use crate::duplicate::graphql::{self as duplicates, DuplicateCandidate, DuplicateDecision};
use crate::event::graphql::Event;
use crate::event::rules::public_status;
use crate::graphql::ahead;
use crate::graphql::errors::ApiResult;
use crate::graphql::loaders::Reader;
use crate::graphql::page::{Connection, PageInput};
use crate::graphql::scalars;
use crate::graphql::{actor, loaders};
use crate::indicator::graphql::Indicator;
use crate::intake::public_side::{PublicSide, PublicSideOf};
use crate::mail::graphql::{self as mails, ReportMail};
use crate::payout::graphql::{self as payouts, Payout};

ahead::selected! {
    report, always [EventId] {
        "channel": [ChannelId] => one(channel by ChannelId) if ReadChannels;
        "channelName": [ChannelId] => one(channel by ChannelId);
    }
}

/// One arrival through one channel. 经某渠道收到的一份报告。
pub struct Report(pub report::Model);

impl From<report::Model> for Report {
    fn from(row: report::Model) -> Self {
        Self(row)
    }
}

impl Report {
    async fn public_side(&self, ctx: &Context<'_>) -> ApiResult<Option<PublicSide>> {
        let loader = ctx.data_unchecked::<DataLoader<Reader>>();
        Ok(loader.load_one(PublicSideOf(self.0.event_id)).await?)
    }

    /// What arrived, newest first; with texts and sources where a field `need_long` is selected below this one.
    async fn versions_by_number(
        &self,
        ctx: &Context<'_>,
        need_long: &[&str],
    ) -> ApiResult<std::sync::Arc<[report_version::Model]>> {
        loaders::light_children::<report_version::Entity>(ctx, self.0.id, need_long).await
    }

    /// Whether the caller reads it for the team; else they see its public side.
    async fn reads_raw(&self, ctx: &Context<'_>) -> ApiResult<bool> {
        loaders::inside(ctx, self.0.event_id, Action::ReadRawReports).await
    }
}

/// One arrival through one channel; what arrived is never edited. Its reporter and its channel's service see its
/// public side. 经某渠道收到的一份报告，原文不可修改；报告人与渠道服务仅可见其公开侧。
#[Object]
impl Report {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<report::Entity>(self.0.id)
    }

    /// The channel's own number; null when it has none. 渠道编号。
    async fn channel_number(&self) -> Option<&str> {
        self.0.channel_number.as_deref()
    }

    /// Name of the channel it came through. 渠道名称。
    async fn channel_name(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        Ok(loaders::lookup::<channel::Entity>(ctx, self.0.channel_id).await?.map(|row| row.name))
    }

    /// The channel it came through; null when your roles may not read channels. 渠道；无权查看时为空。
    async fn channel(&self, ctx: &Context<'_>) -> ApiResult<Option<Channel>> {
        if !allows(actor(ctx), Action::ReadChannels) {
            return Ok(None);
        }
        Ok(loaders::lookup::<channel::Entity>(ctx, self.0.channel_id).await?.map(Channel))
    }

    /// When the channel received it. 接收时间。
    async fn received_at(&self) -> DateTime<Utc> {
        self.0.received_at
    }

    /// Internal or external, by its reporter. 来源，取决于报告人。
    async fn origin(&self) -> Origin {
        self.0.origin
    }

    /// Status as its reporter sees it. 报告人可见的状态。
    async fn public_status(&self, ctx: &Context<'_>) -> ApiResult<Option<PublicStatus>> {
        Ok(self.public_side(ctx).await?.map(|side| public_status(side.status)))
    }

    /// Current verdict on its event, without the original of a duplicate; null before the first.
    /// 当前研判结论；重复时不透露原事件。
    async fn verdict(&self, ctx: &Context<'_>) -> ApiResult<Option<Verdict>> {
        Ok(self.public_side(ctx).await?.and_then(|side| side.verdict))
    }

    /// Severity told to the reporter; null before it was. 对报告人公布的严重程度。
    async fn severity(&self) -> Option<Severity> {
        self.0.severity
    }

    /// What the database that sent it calls the vulnerability; null when it does not say.
    /// 漏洞库所称的漏洞类型；未说明时为空。
    async fn notice_type(&self) -> Option<NoticeType> {
        self.0.notice_type
    }

    /// Title of the newest version, as received. 最新版本的标题（原文）。
    async fn title(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        Ok(self.versions_by_number(ctx, &[]).await?.first().map(|version| version.title.clone()))
    }

    /// Text of the newest version, as received. 最新版本的正文（原文）。
    async fn text(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        let rows = loaders::children::<report_version::Entity>(ctx, self.0.id).await?;
        Ok(rows.first().map(|version| version.text.clone()))
    }

    /// Everything that arrived, newest first. 全部版本，最新在前。
    async fn versions(&self, ctx: &Context<'_>) -> ApiResult<Vec<ReportVersion>> {
        let raw = self.reads_raw(ctx).await?;
        let rows = self.versions_by_number(ctx, &["text", "source"]).await?;
        Ok(rows.iter().map(|row| ReportVersion::new(row, raw)).collect())
    }

    /// What identifies what it is about: given with it, added by an analyst, or found in the first megabyte of its text, at most 100
    /// of these. `search` finds what was given or added, and what stands in the first 50,000 characters of the text.
    /// 线索：随报告提供、由分析人员补充，或从正文前 1 MB 中提取（最多 100 条）；搜索可找到所提供与补充的线索，以及正文前 50,000 字中的内容。
    async fn indicators(&self, ctx: &Context<'_>) -> ApiResult<Vec<Indicator>> {
        let raw = self.reads_raw(ctx).await?;
        let rows = loaders::children::<indicator::Entity>(ctx, self.0.id).await?;
        // Who sees a report's public side sees what was given with it.
        let seen = rows.iter().filter(|row| raw || row.source == IndicatorSource::Given);
        Ok(seen.map(|row| Indicator { row: row.clone(), inside: raw }).collect())
    }

    /// Earlier reports that may be the same and of which nobody decided yet, the likeliest first; null when you are not
    /// shown them. 可能重复且尚未判定的较早报告，最可能的在前；无权查看时为空。
    async fn duplicate_candidates(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 50; 10 when left out. 条数，1 到 50，默认 10。")] first: Option<i32>,
    ) -> ApiResult<Option<Vec<DuplicateCandidate>>> {
        // Apart, as others below: each field of a report else takes the room of the largest.
        Box::pin(duplicates::of_report(ctx, &self.0, first)).await
    }

    /// What was decided of it and other reports that you may see, the newest first; null when you are not shown it.
    /// 与其他可见报告的重复判定，最新在前；无权查看时为空。
    async fn duplicate_decisions(&self, ctx: &Context<'_>) -> ApiResult<Option<Vec<DuplicateDecision>>> {
        Box::pin(duplicates::decisions_of(ctx, &self.0)).await
    }

    /// What team and reporter wrote to each other, oldest first. 团队与报告人的往来消息，最早在前。
    async fn messages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<Comment>> {
        Box::pin(messages_connection(ctx, self.0.id, PageInput { first, after, last, before })).await
    }

    /// Files that came with it, as far as you may read them, oldest first; its reporter's side has no original mails and no
    /// files of others. 随报告收到的文件（可见部分），最早在前；报告人一侧不含邮件原文及他人发来的文件。
    async fn attachments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<Attachment>> {
        Box::pin(attachments::of_report(ctx, self.0.id, PageInput { first, after, last, before })).await
    }

    /// Mails about it, oldest first; null to who sees its public side only. 与报告有关的邮件，最早在前；仅可见公开侧者为空。
    async fn mails(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Option<Connection<ReportMail>>> {
        if !self.reads_raw(ctx).await? {
            return Ok(None);
        }
        let input = PageInput { first, after, last, before };
        Ok(Some(Box::pin(mails::of_report(ctx, self.0.id, input)).await?))
    }

    /// What it earned, as far as you may see it, oldest first. 该报告的奖励（可见部分），由旧到新。
    async fn payouts(&self, ctx: &Context<'_>) -> ApiResult<Vec<Payout>> {
        Box::pin(payouts::of_report(ctx, self.0.id)).await
    }

    /// Who reported; null when nobody is named or your roles may not read it. 报告人；未提供或无权查看时为空。
    async fn reporter(&self, ctx: &Context<'_>) -> ApiResult<Option<Reporter>> {
        let Some(id) = self.0.reporter_id else { return Ok(None) };
        if !loaders::inside(ctx, self.0.event_id, Action::ReadReporters).await? {
            return Ok(None);
        }
        Ok(loaders::lookup::<reporter::Entity>(ctx, id).await?.map(Reporter))
    }

    /// The event it belongs to; null to who may not see it. 所属事件；无权查看时为空。
    async fn event(&self, ctx: &Context<'_>) -> ApiResult<Option<Event>> {
        Ok(loaders::lookup::<event::Entity>(ctx, self.0.event_id).await?.map(Event))
    }

    /// Number of the event it belongs to; null to who sees neither the event nor speaks for the report's channel.
    /// 所属事件编号；无权查看事件且非其渠道服务时为空。
    async fn event_number(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        let channel = loaders::lookup::<channel::Entity>(ctx, self.0.channel_id).await?;
        if channel.is_some_and(|channel| actor(ctx).speaks_for(&channel.key)) {
            return Ok(self.public_side(ctx).await?.map(|side| side.number));
        }
        Ok(loaders::lookup::<event::Entity>(ctx, self.0.event_id).await?.map(|event| event.number))
    }

    /// When its finder withdrew it; null when they did not. 报告人撤回的时间；未撤回时为空。
    async fn withdrawn_at(&self) -> Option<DateTime<Utc>> {
        self.0.withdrawn_at
    }

    /// Why it was withdrawn, in the finder's words; null when it was not. 撤回原因；未撤回时为空。
    async fn withdrawal_reason(&self) -> Option<&str> {
        self.0.withdrawal_reason.as_deref()
    }

    /// Whether it was handled before it was recorded here. 是否为导入的历史报告。
    async fn history(&self) -> bool {
        self.0.history
    }

    /// Whether it was split into parts, which are reports of their own. 是否已拆分为多个部分。
    async fn split(&self) -> bool {
        self.0.split
    }

    /// The report that this is a part of; null when it is none. 所属的完整报告；非拆分部分时为空。
    async fn part_of(&self, ctx: &Context<'_>) -> ApiResult<Option<Self>> {
        let Some(whole) = self.0.part_of else { return Ok(None) };
        Ok(loaders::lookup::<report::Entity>(ctx, whole).await?.map(Self))
    }

    /// Number of the part, from 1; null when it is none. 部分编号，从 1 开始。
    async fn part_number(&self) -> Option<i32> {
        self.0.part_number
    }

    /// When it was recorded here; null to who sees its public side only. 登记时间；仅可见公开侧者为空。
    async fn recorded_at(&self, ctx: &Context<'_>) -> ApiResult<Option<DateTime<Utc>>> {
        Ok(self.reads_raw(ctx).await?.then_some(self.0.recorded_at))
    }

    /// Subject who recorded it; null to who sees its public side only. 登记人；仅可见公开侧者为空。
    async fn recorded_by(&self, ctx: &Context<'_>) -> ApiResult<Option<&str>> {
        Ok(self.reads_raw(ctx).await?.then_some(&*self.0.recorded_by))
    }
}

/// What arrived at one time. 报告的一个版本。
#[derive(Clone, Debug, SimpleObject)]
pub struct ReportVersion {
    /// Counts up from 1. 版本号。
    number: i32,
    /// Title as received. 标题（原文）。
    title: String,
    /// Text as received. 正文（原文）。
    text: String,
    /// Fields of an imported record by their own names; null to who sees the public side only.
    /// 导入记录的原始字段；仅可见公开侧者为空。
    source: Option<Vec<SourceField>>,
    /// When it was received. 接收时间。
    received_at: DateTime<Utc>,
    /// Subject who recorded it; null to who sees the public side only. 登记人；仅可见公开侧者为空。
    recorded_by: Option<String>,
}

impl ReportVersion {
    fn new(row: &report_version::Model, raw: bool) -> Self {
        Self {
            number: row.number,
            title: row.title.clone(),
            text: row.text.clone(),
            source: raw.then(|| SourceField::of(&row.source)),
            received_at: row.received_at,
            recorded_by: raw.then(|| row.recorded_by.clone()),
        }
    }
}

/// A field of an imported record. 导入记录的字段。
#[derive(Clone, Debug, SimpleObject)]
pub struct SourceField {
    /// Its name in the file. 字段名。
    name: String,
    /// Its value as received. 字段值（原文）。
    value: String,
}

impl SourceField {
    fn of(source: &serde_json::Value) -> Vec<Self> {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let fields = source.as_array().into_iter().flatten();
        fields.map(|field| Self { name: text(&field[0]), value: text(&field[1]) }).collect()
    }
}

/// Who reported. 报告人。
pub struct Reporter(pub reporter::Model);

impl From<reporter::Model> for Reporter {
    fn from(row: reporter::Model) -> Self {
        Self(row)
    }
}

/// Who reported: the one place with their personal data. Null fields were erased or never known.
/// 报告人：个人信息的唯一存放处；为空表示未提供或已清除。
#[Object]
impl Reporter {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<reporter::Entity>(self.0.id)
    }

    /// Name or pseudonym; null to a service. 姓名或昵称；对服务为空。
    async fn name(&self, ctx: &Context<'_>) -> Option<&str> {
        self.0.name.as_deref().filter(|_| allows(actor(ctx), Action::ReadReporters))
    }

    /// Address; null to a service. 邮箱；对服务为空。
    async fn email(&self, ctx: &Context<'_>) -> Option<&str> {
        self.0.email.as_deref().filter(|_| allows(actor(ctx), Action::ReadReporters))
    }

    /// Their subject, once linked. 已关联的主体标识。
    async fn subject(&self) -> Option<&str> {
        self.0.subject.as_deref()
    }

    /// Own staff: their reports count as internal. 是否为内部员工。
    async fn staff(&self) -> bool {
        self.0.staff
    }

    /// When personal data were erased; null when they were not. 个人信息清除时间。
    async fn erased_at(&self) -> Option<DateTime<Utc>> {
        self.0.erased_at
    }

    /// What they are paid, as far as you may see it, the newest proposal first. 其奖励（可见部分），按提议时间倒序。
    async fn payouts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<Payout>> {
        payouts::of_reporter(ctx, self.0.id, &PageInput { first, after, last, before }).await
    }

    /// Version to send with a change. 版本号，变更时需提供。
    async fn version(&self) -> i32 {
        self.0.version
    }
}
