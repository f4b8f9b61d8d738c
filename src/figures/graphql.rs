//! The API of figures.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::channel;
use entity::vocabulary::{
    DeadlineKind, FigureGroup, FigureTable, LeaderboardOrder, MonthlyReportFormat, MonthlyReportLanguage,
    PayoutKind, Regime, TimeMeasure,
};

use super::board::{self, Board, Shown, Wanted};
use super::report::{self, Made};
use super::rules::{self, Span, ZONE};
use super::store::{DeadlineRow, EventRow, PayoutRow, TimeRow};
use super::{Question, table};
use crate::auth::policy::{Action, allows};
use crate::error::Result;
use crate::event::filter::EventFilter;
use crate::graphql::errors::ApiResult;
use crate::graphql::scalars::{Decimal, Id};
use crate::graphql::{actor, app};
use crate::intake::SetLeaderboardName;
use crate::intake::graphql::Reporter;
use crate::outbox::retrying;

/// A period: one of the calendar, or two instants. 统计周期：日历周期或起止时间，二者择一。
#[derive(Clone, Debug, InputObject)]
pub struct StatisticsPeriod {
    /// A year (2026), a quarter (2026-Q1) or a month (2026-03). 年、季度或月份。
    pub period: Option<String>,
    /// The first instant; together with until. 起始时间（含），与 until 一同提供。
    pub from: Option<DateTime<Utc>>,
    /// The first instant after it. 截止时间（不含）。
    pub until: Option<DateTime<Utc>>,
    /// IANA zone in which days, weeks and months begin. 日、周、月起点所用的时区。
    #[graphql(default_with = "ZONE.to_owned()")]
    pub time_zone: String,
}

/// Figures of a period, of what you may see and nothing else. 某一周期的统计，仅计入您可见的内容。
pub struct Statistics(Question);

/// Events of a group that were received in the period. 周期内接收的一组事件。
#[derive(SimpleObject)]
pub struct EventFigures {
    /// The group; null for what belongs to none, and without groups. 分组；不属于任何分组或未分组时为空。
    group: Option<String>,
    /// What people call the group; null where that is the same. 分组的名称；与分组标识相同时为空。
    name: Option<String>,
    /// Events. 事件数。
    events: i64,
    /// With a verdict. 已有研判结论的数量。
    judged: i64,
    /// With the verdict DUPLICATE. 判为重复的数量。
    duplicates: i64,
    /// Their share of those with a verdict, in per cent; null without any. 重复占已研判的百分比；无已研判事件时为空。
    duplicate_share: Option<Decimal>,
    /// Vulnerabilities of ours: CONFIRMED, KNOWN_INTERNALLY or ALREADY_FIXED. 我方漏洞数（确认、内部已知未发布或已发布补丁）。
    vulnerabilities: i64,
    /// Of these, KNOWN_INTERNALLY. 其中内部已知未发布的数量。
    known_internally: i64,
    /// Of these, ALREADY_FIXED. 其中已发布补丁的数量。
    already_fixed: i64,
    /// Of these, first reported by own staff; null when your role may not read reports as received.
    /// 其中由内部员工首先报告的数量；无权读取原始报告时为空。
    found_by_staff: Option<i64>,
    /// Of these, known before reported or first reported by own staff; null as above.
    /// 其中报告前已知或由内部员工首先报告的数量；为空的情况同上。
    found_by_us: Option<i64>,
    /// Their share of the vulnerabilities, in per cent; null as above, or without any. 自行发现占比（百分比）；同上或无漏洞时为空。
    found_by_us_share: Option<Decimal>,
}

/// Times of a group that ended in the period. 周期内结束的一组时长。
#[derive(SimpleObject)]
pub struct TimeFigures {
    /// What was measured. 指标。
    measure: TimeMeasure,
    /// The group; null for what belongs to none, and without groups. 分组；不属于任何分组或未分组时为空。
    group: Option<String>,
    /// What people call the group; null where that is the same. 分组的名称；与分组标识相同时为空。
    name: Option<String>,
    /// How many were measured. 样本数。
    count: i64,
    /// The median in seconds, by nearest rank. 中位数（秒，最近秩法）。
    median_seconds: i64,
    /// The ninetieth percentile in seconds, by nearest rank. 90 分位数（秒，最近秩法）。
    p90_seconds: i64,
}

/// Clocks of a group that were settled in the period. 周期内了结的一组时限。
#[derive(SimpleObject)]
pub struct DeadlineFigures {
    /// What they wait for. 时限的对象。
    kind: DeadlineKind,
    /// Under which promise or law they run. 所依据的承诺或法规。
    regime: Regime,
    /// The group; null for what belongs to none, and without groups. 分组；不属于任何分组或未分组时为空。
    group: Option<String>,
    /// What people call the group; null where that is the same. 分组的名称；与分组标识相同时为空。
    name: Option<String>,
    /// Met in time, in the period. 周期内按时完成的数量。
    met_in_time: i64,
    /// Not met when their due instant passed in the period. 周期内超期的数量。
    breached: i64,
    /// Of these, met later. 其中事后完成的数量。
    met_late: i64,
    /// Of these, still open. 其中仍未完成的数量。
    still_open: i64,
    /// The share of those met in time, in per cent. 按时完成占比（百分比）。
    met_in_time_share: Option<Decimal>,
}

/// Payouts of a group, in one currency. 同一币种的一组奖励。
#[derive(SimpleObject)]
pub struct PayoutFigures {
    /// ISO 4217 code, or POINTS. 货币代码，或 POINTS（积分）。
    currency: String,
    /// What they are for. 奖励类型。
    kind: PayoutKind,
    /// What happened to them in the period: APPROVED, PAID or REVERSED. 周期内发生的事：批准、支付或冲正。
    stage: String,
    /// The group; null for what belongs to none, and without groups. 分组；不属于任何分组或未分组时为空。
    group: Option<String>,
    /// What people call the group; null where that is the same. 分组的名称；与分组标识相同时为空。
    name: Option<String>,
    /// How many. 数量。
    count: i64,
    /// Their sum. 合计金额。
    amount: Decimal,
}

fn share(part: i64, whole: i64) -> Option<Decimal> {
    rules::share(part, whole).map(Decimal::from_tenths)
}

impl EventFigures {
    fn new(row: EventRow, with_origin: bool) -> Self {
        Self {
            duplicate_share: share(row.duplicates, row.judged),
            found_by_us_share: share(row.found_by_us, row.ours).filter(|_| with_origin),
            group: row.group_key,
            name: row.label,
            events: row.events,
            judged: row.judged,
            duplicates: row.duplicates,
            vulnerabilities: row.ours,
            known_internally: row.known_internally,
            already_fixed: row.already_fixed,
            found_by_staff: with_origin.then_some(row.found_by_staff),
            found_by_us: with_origin.then_some(row.found_by_us),
        }
    }
}

impl From<(TimeMeasure, TimeRow)> for TimeFigures {
    fn from((measure, row): (TimeMeasure, TimeRow)) -> Self {
        Self {
            measure,
            group: row.group_key,
            name: row.label,
            count: row.count,
            median_seconds: row.median,
            p90_seconds: row.p90,
        }
    }
}

impl From<DeadlineRow> for DeadlineFigures {
    fn from(row: DeadlineRow) -> Self {
        Self {
            met_in_time_share: share(row.met, row.met.saturating_add(row.breached)),
            kind: row.kind,
            regime: row.regime,
            group: row.group_key,
            name: row.label,
            met_in_time: row.met,
            breached: row.breached,
            met_late: row.met_late,
            still_open: row.overdue,
        }
    }
}

impl PayoutFigures {
    fn new(row: PayoutRow) -> Result<Self> {
        Ok(Self {
            amount: Decimal(table::amount(row.amount, &row.currency)?),
            currency: row.currency,
            kind: row.kind,
            stage: row.stage,
            group: row.group_key,
            name: row.label,
            count: row.count,
        })
    }
}

/// Figures of a period, of what you may see and nothing else. Of each figure at most 1,000 rows, those with the most.
/// 某一周期的统计，仅计入您可见的内容；每项最多 1000 行，取数量最多者。
#[Object]
impl Statistics {
    /// The first instant of the period. 周期起始时间（含）。
    async fn from(&self) -> DateTime<Utc> {
        self.0.span().from
    }

    /// The first instant after it. 周期截止时间（不含）。
    async fn until(&self) -> DateTime<Utc> {
        self.0.span().until
    }

    /// Events that were received in the period; null when your role reads no events. 周期内接收的事件；无权读取事件时为空。
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "What they are put together by; all together when left out. 分组方式；缺省为不分组。"
        )]
        by: Option<FigureGroup>,
    ) -> ApiResult<Option<Vec<EventFigures>>> {
        let with_origin = allows(actor(ctx), Action::ReadRawReports);
        let rows = self.0.events(app(ctx), actor(ctx), by).await?;
        Ok(rows.map(|rows| rows.into_iter().map(|row| EventFigures::new(row, with_origin)).collect()))
    }

    /// Times that ended in the period, of every pass, pauses included; null when your role reads no events. Those of
    /// replies only for who reads them. What was imported as history does not count.
    /// 周期内结束的时长，计入各轮次且含暂停时间；无权读取事件时为空；回复类时长仅对可读取回复者统计；历史导入不计入。
    async fn times(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "What they are put together by; all together when left out. 分组方式；缺省为不分组。"
        )]
        by: Option<FigureGroup>,
    ) -> ApiResult<Option<Vec<TimeFigures>>> {
        let rows = self.0.times(app(ctx), actor(ctx), by).await?;
        Ok(rows.map(|rows| rows.into_iter().map(Into::into).collect()))
    }

    /// Clocks that were met or passed their due instant in the period; null when your role reads no clocks.
    /// 周期内完成或超期的时限；无权读取时限时为空。
    async fn deadlines(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "What they are put together by; all together when left out. 分组方式；缺省为不分组。"
        )]
        by: Option<FigureGroup>,
    ) -> ApiResult<Option<Vec<DeadlineFigures>>> {
        let rows = self.0.deadlines(app(ctx), actor(ctx), by).await?;
        Ok(rows.map(|rows| rows.into_iter().map(Into::into).collect()))
    }

    /// Payouts that were approved, paid or reversed in the period; null when your role reads no such figures.
    /// 周期内批准、支付或冲正的奖励；无权读取时为空。
    async fn payouts(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "What they are put together by; all together when left out. 分组方式；缺省为不分组。"
        )]
        by: Option<FigureGroup>,
    ) -> ApiResult<Option<Vec<PayoutFigures>>> {
        let Some(rows) = self.0.payouts(app(ctx), actor(ctx), by).await? else { return Ok(None) };
        Ok(Some(rows.into_iter().map(PayoutFigures::new).collect::<Result<_>>()?))
    }

    /// A table of these figures as CSV (RFC 4180, UTF-8); null as the figures are. What a spreadsheet would take for a formula
    /// has an apostrophe before it. 以 CSV 导出（RFC 4180，UTF-8），为空的情况同各项统计；可能被电子表格视为公式的文本前加撇号。
    async fn csv(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which. 统计表。")] table: FigureTable,
        #[graphql(desc = "What it is put together by; all together when left out. 分组方式；缺省为不分组。")]
        by: Option<FigureGroup>,
    ) -> ApiResult<Option<String>> {
        let (app, actor) = (app(ctx), actor(ctx));
        let made = match table {
            FigureTable::Events => {
                let with_origin = allows(actor, Action::ReadRawReports);
                self.0.events(app, actor, by).await?.map(|rows| table::events(&rows, with_origin))
            }
            FigureTable::Times => self.0.times(app, actor, by).await?.map(|rows| table::times(&rows)),
            FigureTable::Deadlines => {
                self.0.deadlines(app, actor, by).await?.map(|rows| table::deadlines(&rows))
            }
            FigureTable::Payouts => {
                let rows = self.0.payouts(app, actor, by).await?;
                rows.map(|rows| table::payouts(&rows)).transpose()?
            }
        };
        Ok(made.map(|table| table.csv()).transpose()?)
    }
}

/// How reporters stand, by their reports of a period. 某一周期的报告人排行榜。
pub struct Leaderboard(Board);

/// How reporters stand. Own staff have no place. 报告人排行榜；内部员工不参与排名。
#[Object]
impl Leaderboard {
    /// The first instant of the period. 周期起始时间（含）。
    async fn from(&self) -> DateTime<Utc> {
        self.0.span.from
    }

    /// The first instant after it. 周期截止时间（不含）。
    async fn until(&self) -> DateTime<Utc> {
        self.0.span.until
    }

    /// Its places, the first ones first. 名次，由前到后。
    async fn places(&self) -> Vec<LeaderboardPlace> {
        self.0.places.iter().cloned().map(LeaderboardPlace).collect()
    }

    /// Whether you chose to be named (`setLeaderboardName`); null when you are no reporter. 您是否选择显示姓名；非报告人为空。
    async fn named(&self) -> Option<bool> {
        self.0.named
    }

    /// The board as CSV (RFC 4180, UTF-8), with the names of those alone who chose to be named.
    /// 以 CSV 导出（RFC 4180，UTF-8），仅含选择显示姓名者的姓名。
    async fn csv(&self) -> ApiResult<String> {
        Ok(table::board(&self.0).csv()?)
    }
}

/// A place on the leaderboard.
pub struct LeaderboardPlace(Shown);

/// A place on the leaderboard. 排行榜上的一个名次。
#[Object]
impl LeaderboardPlace {
    /// From 1; those who are equal share it. 名次，从 1 开始；相同者并列。
    async fn place(&self) -> i64 {
        self.0.place
    }

    /// Their name; null when they did not choose to be named. 姓名或昵称；未选择显示者为空。
    async fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Reports of the period that were confirmed, each vulnerability once; to reporters and platforms null of who is not named.
    /// 周期内被确认的报告数，每个漏洞只计一次；对报告人与平台，未显示姓名者为空。
    async fn accepted(&self) -> Option<i64> {
        self.0.accepted
    }

    /// Points that were approved for them; null as above. 获批积分；为空的情况同上。
    async fn points(&self) -> Option<i64> {
        self.0.points
    }

    /// Whether it is yours. 是否为您本人。
    async fn own(&self) -> bool {
        self.0.own
    }

    /// Who it is, as each channel knows them; null when your role may not read reporters. 对应的报告人；无权读取时为空。
    async fn reporters(&self) -> Option<Vec<Reporter>> {
        Some(self.0.reporters.as_ref()?.iter().cloned().map(Reporter).collect())
    }
}

/// A month's figures as a document. 月报。
pub struct MonthlyReport(Made);

/// A month's figures as a document, of what you may see. 月报，仅含您可见的内容。
#[Object]
impl MonthlyReport {
    /// Name to save it under. 文件名。
    async fn name(&self) -> &str {
        &self.0.file.name
    }

    /// Media type. 媒体类型。
    async fn media_type(&self) -> &'static str {
        self.0.media_type
    }

    /// The document; null for PDF. 正文；PDF 时为空。
    async fn text(&self) -> Option<&str> {
        self.0.text()
    }

    /// Its bytes in Base64. 文件内容（Base64）。
    async fn base64(&self) -> String {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(&self.0.file.bytes)
    }

    /// Charts that a Markdown document names, to be saved beside it. Markdown 引用的图表文件，须与正文存于同一目录。
    async fn charts(&self) -> Vec<MonthlyReportChart> {
        let of = |file: &report::File| MonthlyReportChart {
            name: file.name.clone(),
            svg: String::from_utf8_lossy(&file.bytes).into_owned(),
        };
        self.0.charts.iter().map(of).collect()
    }
}

/// A chart of a monthly report. 月报图表。
#[derive(SimpleObject)]
pub struct MonthlyReportChart {
    /// Name to save it under. 文件名。
    name: String,
    /// The picture (SVG). 图形（SVG）。
    svg: String,
}

crate::payload! {
    /// What one chose. 选择结果。
    LeaderboardNamePayload {
        /// Whether others now read your name; null when it was refused. 现在是否显示姓名；被拒绝时为空。
        named: bool
    }
}

/// Queries of figures.
#[derive(Default)]
pub struct FigureQuery;

/// Figures. 统计查询。
#[Object]
impl FigureQuery {
    /// Figures of what you may see. 统计（仅计入您可见的内容）。
    async fn statistics(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of which time; the present year when left out. 统计周期；缺省为今年。")]
        period: Option<StatisticsPeriod>,
        #[graphql(desc = "Of which events; of all when left out. 事件筛选条件；缺省为全部。")] filter: Option<
            EventFilter,
        >,
    ) -> ApiResult<Statistics> {
        let span = match period {
            Some(period) => {
                Span::read(period.period.as_deref(), period.from, period.until, &period.time_zone)?
            }
            None => {
                let zone = rules::read_zone("period.timeZone", ZONE)?;
                Span::of(rules::this_year(app(ctx).clock.now(), zone)?, zone)
            }
        };
        Ok(Statistics(Question::new(app(ctx), actor(ctx), span, filter.as_ref())?))
    }

    /// How reporters stand, by reports that were received in the period and accepted. To reporters and platforms only of
    /// a period that is over and in their own channels, without what is TLP:RED or under embargo.
    /// 报告人排行榜，按周期内接收并被采纳的报告统计；报告人与平台仅可查询已结束周期及其所属渠道，且不含 TLP:RED 与保密期内的内容。
    async fn leaderboard(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "A year, quarter or month; the last month when left out. 年、季度或月份；缺省为上月。"
        )]
        period: Option<String>,
        #[graphql(
            desc = "IANA zone in which its days begin. 周期所用的时区。",
            default_with = "ZONE.to_owned()"
        )]
        time_zone: String,
        #[graphql(
            desc = "Only of this channel; only for who may read reporters. 仅该渠道；须有报告人读取权限。"
        )]
        channel: Option<Id<channel::Entity>>,
        #[graphql(desc = "What places follow from. 排序依据。", default_with = "LeaderboardOrder::Accepted")]
        by: LeaderboardOrder,
        #[graphql(desc = "How many, 1 to 100; 20 when left out. 条数，1 到 100，默认 20。")] first: Option<
            i32,
        >,
    ) -> ApiResult<Leaderboard> {
        let wanted = Wanted {
            period: period.as_deref(),
            zone: &time_zone,
            channel: channel.map(|id| id.0),
            order: by,
            first,
        };
        Ok(Leaderboard(Box::pin(board::leaderboard(app(ctx), actor(ctx), &wanted)).await?))
    }

    /// A month's figures as a document, of what you may see. 月报（仅含您可见的内容）。
    async fn monthly_report(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The month (2026-10); the last one when left out. 月份；缺省为上月。")]
        month: Option<String>,
        #[graphql(desc = "IANA zone in which it begins. 月份所用的时区。", default_with = "ZONE.to_owned()")]
        time_zone: String,
        #[graphql(desc = "Language. 语言。", default_with = "MonthlyReportLanguage::Zh")]
        language: MonthlyReportLanguage,
        #[graphql(desc = "Form. 格式。", default_with = "MonthlyReportFormat::Markdown")]
        format: MonthlyReportFormat,
    ) -> ApiResult<MonthlyReport> {
        let wanted = report::Wanted { month: month.as_deref(), zone: &time_zone, language, format };
        Ok(MonthlyReport(Box::pin(report::make(app(ctx), actor(ctx), &wanted)).await?))
    }
}

/// Changes of leaderboards.
#[derive(Default)]
pub struct FigureMutation;

/// Leaderboards. 排行榜操作。
#[Object]
impl FigureMutation {
    /// Names you on leaderboards, or no longer. 在排行榜上显示或不再显示您的姓名。
    async fn set_leaderboard_name(
        &self,
        ctx: &Context<'_>,
        input: SetLeaderboardName,
    ) -> ApiResult<LeaderboardNamePayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        LeaderboardNamePayload::of(retrying(|| crate::intake::set_leaderboard_name(app, actor, &input)).await)
    }
}
