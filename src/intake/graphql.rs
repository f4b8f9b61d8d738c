//! The API of reports and reporters.

mod objects;

use async_graphql::{Context, Object};
use chrono::{DateTime, Utc};
use entity::channel;

pub use objects::{Report, ReportVersion, Reporter, SourceField};

use super::store::ReportFilter;
use super::{
    AddToReport, EraseReporter, JoinReport, LinkReporter, ReceiveReport, SplitReport, UpdateReporter,
    WithdrawReport, store,
};
use crate::auth::policy::{Action, require};
use crate::graphql::errors::ApiResult;
use crate::graphql::page::{Connection, PageInput};
use crate::graphql::scalars::Id;
use crate::graphql::{actor, app, sensitive};
use crate::outbox::retrying;

crate::payload! {
    /// A report after a change. 变更后的报告。
    ReportPayload {
        /// The report as it now is; null when the change was refused. 变更后的报告；被拒绝时为空。
        report: Report
    }
}

crate::payload! {
    /// A reporter after a change. 变更后的报告人。
    ReporterPayload {
        /// The reporter as they now are; null when the change was refused. 变更后的报告人；被拒绝时为空。
        reporter: Reporter
    }
}

/// Queries of reports.
#[derive(Default)]
pub struct IntakeQuery;

/// Reports and reporters. 报告与报告人查询。
#[Object]
impl IntakeQuery {
    /// Reports that you may see, newest first. 可见的报告，按接收时间倒序。
    #[expect(clippy::too_many_arguments, reason = "arguments of a connection stand flat")]
    async fn reports(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
        #[graphql(desc = "Only of this channel. 仅该渠道。")] channel: Option<Id<channel::Entity>>,
        #[graphql(desc = "Only with exactly this channel number. 渠道编号（精确匹配）。")] number: Option<
            String,
        >,
        #[graphql(desc = "Only with a channel number that begins so. 渠道编号前缀。")] number_prefix: Option<
            String,
        >,
        #[graphql(desc = "Only received at or after this time. 接收时间不早于。")] received_from: Option<
            DateTime<Utc>,
        >,
        #[graphql(desc = "Only received before this time. 接收时间早于。")] received_to: Option<
            DateTime<Utc>,
        >,
    ) -> ApiResult<Connection<Report>> {
        let (app, actor) = (app(ctx), actor(ctx));
        require(actor, Action::ReadReports)?;
        let filter = ReportFilter {
            channel: channel.map(|id| id.0),
            number,
            number_prefix,
            received_from,
            received_to,
        };
        let input = PageInput { first, after, last, before };
        let page = store::page(app, actor, &filter, &input).await?;
        if sensitive::lists_items(ctx) {
            page.rows.iter().for_each(|(report, _)| sensitive::touch(ctx, report.event_id));
        }
        Ok(Connection::new(page))
    }

    /// Reporters of whom you may see a report, newest first. 可见的报告人，按登记时间倒序。
    async fn reporters(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<Reporter>> {
        let (app, actor) = (app(ctx), actor(ctx));
        require(actor, Action::ReadReporters)?;
        let input = PageInput { first, after, last, before };
        Ok(Connection::new(store::reporters_page(app, actor, &input).await?))
    }
}

/// Changes of reports.
#[derive(Default)]
pub struct IntakeMutation;

/// Reports and reporters. 报告与报告人操作。
#[Object]
impl IntakeMutation {
    /// Receives a report through a channel: a known one is answered or gets a version, a new one opens an event or
    /// joins one. 经渠道接收报告：已知报告直接返回或增加版本，新报告新建或并入事件。
    async fn receive_report(&self, ctx: &Context<'_>, input: ReceiveReport) -> ApiResult<ReportPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        ReportPayload::of(retrying(|| super::receive_report(app, actor, &input)).await)
    }

    /// Adds what arrived later; a reporter's words go to the team. 补充报告；报告人的补充作为留言。
    async fn add_to_report(&self, ctx: &Context<'_>, input: AddToReport) -> ApiResult<ReportPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        ReportPayload::of(retrying(|| super::add_to_report(app, actor, &input)).await)
    }

    /// Passes on that a report's finder withdraws it; the verdict stays a person's.
    /// 转达报告人撤回报告；研判仍由人员作出。
    async fn withdraw_report(&self, ctx: &Context<'_>, input: WithdrawReport) -> ApiResult<ReportPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        ReportPayload::of(retrying(|| super::withdraw_report(app, actor, &input)).await)
    }

    /// Moves a report with its obligations to another event; an event that is left without any is closed.
    /// 将报告及其回复义务并入另一事件；原事件不再有报告时随之关闭。
    async fn join_report(&self, ctx: &Context<'_>, input: JoinReport) -> ApiResult<ReportPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        ReportPayload::of(retrying(|| super::join_report(app, actor, &input)).await)
    }

    /// Splits a report with several vulnerabilities into numbered parts, each on an event of its own.
    /// 将含多个漏洞的报告拆分为编号的部分，各自对应一个事件。
    async fn split_report(&self, ctx: &Context<'_>, input: SplitReport) -> ApiResult<ReportPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        ReportPayload::of(retrying(|| super::split_report(app, actor, &input)).await)
    }

    /// Links a report's reporter to a subject, who then sees the public side of all their reports.
    /// 将报告人关联到主体，该主体可见其全部报告的公开侧。
    async fn link_reporter(&self, ctx: &Context<'_>, input: LinkReporter) -> ApiResult<ReporterPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        ReporterPayload::of(retrying(|| super::link_reporter(app, actor, &input)).await)
    }

    /// Corrects what is known of a reporter. 更正报告人信息。
    async fn update_reporter(&self, ctx: &Context<'_>, input: UpdateReporter) -> ApiResult<ReporterPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        ReporterPayload::of(retrying(|| super::update_reporter(app, actor, &input)).await)
    }

    /// Erases a reporter's personal data; reports and audit keep their id. 清除报告人的个人信息；报告与审计仅保留标识。
    async fn erase_reporter(&self, ctx: &Context<'_>, input: EraseReporter) -> ApiResult<ReporterPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        ReporterPayload::of(retrying(|| super::erase_reporter(app, actor, &input)).await)
    }
}
