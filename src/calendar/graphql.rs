//! The API of business calendars.

use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};
use entity::vocabulary::{CalendarDayKind, SpanUnit, Weekday};
use entity::{calendar, calendar_day, calendar_year};

use super::rules::{Computation, Day, Untold, time_of};
use super::{CreateCalendar, ImportCalendar, SetCalendarYear, SpanPauseInput, UpdateCalendar, store};
use crate::auth::policy::{Action, require};
use crate::graphql::errors::ApiResult;
use crate::graphql::page::{Connection, PageInput};
use crate::graphql::{actor, app, loaders, scalars};
use crate::outbox::retrying;

/// Which days are worked.
pub struct Calendar(pub calendar::Model);

impl From<calendar::Model> for Calendar {
    fn from(row: calendar::Model) -> Self {
        Self(row)
    }
}

crate::payload! {
    /// A calendar after a change. 变更后的日历。
    CalendarPayload {
        /// The calendar as it now is; null when the change was refused. 变更后的日历；被拒绝时为空。
        calendar: Calendar
    }
}

/// Which days are worked. 工作日历。
#[Object]
impl Calendar {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<calendar::Entity>(self.0.id)
    }

    /// Stable short name. 日历标识。
    async fn key(&self) -> &str {
        &self.0.key
    }

    /// Name shown to people. 名称。
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// IANA zone in which its days begin and end; a channel counts in its own. 时区；渠道以其自身时区计算。
    async fn time_zone(&self) -> &str {
        &self.0.time_zone
    }

    /// Days of the week that are not worked. 每周休息日。
    async fn weekend(&self) -> &[Weekday] {
        &self.0.weekend.0
    }

    /// Hours in which a working day is worked, in order; empty where nobody entered them. 工作时段，按先后顺序；未录入为空列表。
    async fn working_hours(&self) -> Vec<WorkingHours> {
        let hours = self.0.working_hours.0.iter();
        hours.map(|hours| WorkingHours { from: time_of(hours.from), to: time_of(hours.to) }).collect()
    }

    /// Whether a year has to be entered before it can be counted in. 是否须先录入年份才能计算。
    async fn by_year(&self) -> bool {
        self.0.by_year
    }

    /// Years whose days are entered. 已录入的年份。
    async fn years(&self, ctx: &Context<'_>) -> ApiResult<Vec<CalendarYear>> {
        let rows = loaders::children::<calendar_year::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().cloned().map(CalendarYear).collect())
    }

    /// Holidays and make-up working days by date. 节假日与调休上班日，按日期排序。
    async fn days(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only of this year; of all years when left out. 仅该年份；省略时为全部。")]
        year: Option<i32>,
    ) -> ApiResult<Vec<CalendarDay>> {
        let rows = loaders::children::<calendar_day::Entity>(ctx, self.0.id).await?;
        let wanted =
            |day: &&calendar_day::Model| year.is_none_or(|year| chrono::Datelike::year(&day.date) == year);
        Ok(rows.iter().filter(wanted).cloned().map(CalendarDay).collect())
    }

    /// Version to send as `expectedVersion`. 版本号。
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// A stretch of a working day. 工作时段。
#[derive(SimpleObject)]
pub struct WorkingHours {
    /// When it begins, as HH:MM. 开始时间。
    from: String,
    /// When it ends, as HH:MM; 24:00 is the end of the day. 结束时间；24:00 为当日结束。
    to: String,
}

/// A year whose days are entered.
pub struct CalendarYear(calendar_year::Model);

/// A year whose days are entered. 已录入的年份。
#[Object]
impl CalendarYear {
    /// The year. 年份。
    async fn year(&self) -> i32 {
        self.0.year
    }

    /// Where its days come from; null when nobody said. 数据来源；未注明时为空。
    async fn source(&self) -> Option<&str> {
        self.0.source.as_deref()
    }
}

/// A day that is not what its day of the week says.
pub struct CalendarDay(calendar_day::Model);

/// A day that is not what its day of the week says. 特殊日：节假日或调休上班日。
#[Object]
impl CalendarDay {
    /// The day. 日期。
    async fn date(&self) -> NaiveDate {
        self.0.date
    }

    /// Holiday or make-up working day. 节假日或调休上班日。
    async fn kind(&self) -> CalendarDayKind {
        self.0.kind
    }

    /// What it is called. 名称。
    async fn name(&self) -> &str {
        &self.0.name
    }
}

/// When a span of time is over, and how that comes about.
pub struct SpanComputation(pub Computation);

/// When a span of time is over, and how that comes about. 时限的计算过程。
#[Object]
impl SpanComputation {
    /// Where it begins. 起算时刻。
    async fn anchor(&self) -> DateTime<Utc> {
        self.0.anchor
    }

    /// Its unit. 单位。
    async fn unit(&self) -> SpanUnit {
        self.0.span.unit()
    }

    /// How many of the unit. 数量。
    async fn amount(&self) -> i32 {
        self.0.span.amount().into()
    }

    /// Zone in which its days begin and end. 时区。
    async fn time_zone(&self) -> &str {
        self.0.zone.name()
    }

    /// The day on which it begins, which is not counted; null for hours and working hours. 起算当日（不计入）；以小时计时为空。
    async fn day_zero(&self) -> Option<NaiveDate> {
        self.0.day_zero
    }

    /// The last day, at whose end it is over; null for hours and working hours. 最后一日，当日 24 时届满；以小时计时为空。
    async fn last_day(&self) -> Option<NaiveDate> {
        self.0.last_day()
    }

    /// Weekends and holidays that were passed over and make-up working days that were counted: of working days and working
    /// hours, and where the end was rolled over. 跳过的周末与节假日，以及计入的调休上班日；仅在按工作日、工作小时计时或顺延时列出。
    async fn noted(&self) -> Vec<SpanDay> {
        let days = self.0.noted.iter();
        days.map(|noted| SpanDay { date: noted.date, day: noted.day.clone() }).collect()
    }

    /// Times on the way that did not count. 期间暂停的时段。
    async fn pauses(&self) -> Vec<SpanPause> {
        self.0.pauses.iter().map(|pause| SpanPause { from: pause.from, to: pause.to }).collect()
    }

    /// When it is over. 届满时刻。
    async fn due_at(&self) -> DateTime<Utc> {
        self.0.due
    }
}

/// A day that is not counted like others.
pub struct SpanDay {
    date: NaiveDate,
    day: Day,
}

/// A day that is passed over, or counted to make up for a holiday. 跳过的日子，或计入的调休上班日。
#[Object]
impl SpanDay {
    /// The day. 日期。
    async fn date(&self) -> NaiveDate {
        self.date
    }

    /// Whether it was counted. 是否计入。
    async fn counted(&self) -> bool {
        self.day.is_worked()
    }

    /// What the day is called; null for a weekend. 名称；周末为空。
    async fn name(&self) -> Option<&str> {
        match &self.day {
            Day::Holiday(name) | Day::MakeUpWorkday(name) => Some(name),
            Day::Working | Day::Weekend => None,
        }
    }
}

/// Time that did not count.
pub struct SpanPause {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

/// Time that did not count. 暂停的时段。
#[Object]
impl SpanPause {
    /// First instant that did not count. 暂停起始。
    async fn from(&self) -> DateTime<Utc> {
        self.from
    }

    /// First instant that counted again. 恢复计时。
    async fn to(&self) -> DateTime<Utc> {
        self.to
    }
}

/// What a calendar says of a span, or why it cannot say it.
pub struct CalendarCheck(Result<Computation, Untold>);

/// What a calendar says of a span, or why it cannot say it. 日历对时限的计算结果，或无法计算的原因。
#[Object]
impl CalendarCheck {
    /// The computation; null when the calendar cannot tell. 计算过程；无法计算时为空。
    async fn computation(&self) -> Option<SpanComputation> {
        self.0.as_ref().ok().cloned().map(SpanComputation)
    }

    /// The year that would have to be entered first; null when none is missing. 须先录入的年份；无缺失时为空。
    async fn missing_year(&self) -> Option<i32> {
        match self.0 {
            Err(Untold::NoData { year }) => Some(year),
            _ => None,
        }
    }

    /// Whether the calendar's working hours would have to be entered first. 是否须先录入工作时段。
    async fn misses_working_hours(&self) -> bool {
        matches!(self.0, Err(Untold::NoHours))
    }
}

/// Queries of calendars.
#[derive(Default)]
pub struct CalendarQuery;

/// Queries of calendars. 日历查询。
#[Object]
impl CalendarQuery {
    /// Calendars by key. 日历列表。
    async fn calendars(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<Calendar>> {
        require(actor(ctx), Action::ReadCalendars)?;
        let page = store::page(app(ctx), &PageInput { first, after, last, before }).await?;
        Ok(Connection::new(page))
    }

    /// The calendar with this key; null when there is none. 具有该标识的日历；不存在时为空。
    async fn calendar(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its key. 日历标识。")] key: String,
    ) -> ApiResult<Option<Calendar>> {
        require(actor(ctx), Action::ReadCalendars)?;
        Ok(store::by_key(app(ctx), &key).await?.map(Calendar))
    }

    /// When a span that begins at an instant is over by a calendar, in the calendar's zone; null when there is no such
    /// calendar. 按日历及其时区计算自某时刻起的时限何时届满；日历不存在时为空。
    #[allow(clippy::too_many_arguments, reason = "what a span is counted from")]
    async fn calendar_check(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Key of the calendar. 日历标识。")] calendar: String,
        #[graphql(desc = "Where the span begins, from 1970 to 2199. 起算时刻。")] from: DateTime<Utc>,
        #[graphql(desc = "How many of the unit, 0 to 4,000. 数量。")] amount: i32,
        #[graphql(desc = "The unit. 单位。", default_with = "SpanUnit::WorkingDays")] unit: SpanUnit,
        #[graphql(
            desc = "Whether days and months that end on a day that is not worked go on to the next that is. \
                    以自然日或月计的时限，末日为非工作日时是否顺延至下一工作日。",
            default
        )]
        rolls_over: bool,
        #[graphql(desc = "Times that do not count, at most 100. 不计时的时段。", default)] pauses: Vec<
            SpanPauseInput,
        >,
    ) -> ApiResult<Option<CalendarCheck>> {
        let found =
            super::check(app(ctx), actor(ctx), &calendar, from, unit, (amount, rolls_over), &pauses).await?;
        Ok(found.map(CalendarCheck))
    }
}

/// Changes of calendars.
#[derive(Default)]
pub struct CalendarMutation;

/// Changes of calendars. 日历变更。
#[Object]
impl CalendarMutation {
    /// Adds a calendar. 新增日历。
    async fn create_calendar(&self, ctx: &Context<'_>, input: CreateCalendar) -> ApiResult<CalendarPayload> {
        CalendarPayload::of(retrying(|| super::create(app(ctx), actor(ctx), &input)).await)
    }

    /// Changes a calendar's settings. 修改日历设置。
    async fn update_calendar(&self, ctx: &Context<'_>, input: UpdateCalendar) -> ApiResult<CalendarPayload> {
        CalendarPayload::of(retrying(|| super::update(app(ctx), actor(ctx), &input)).await)
    }

    /// Replaces the holidays and make-up working days of a year. 设置某年的节假日与调休上班日（整年替换）。
    async fn set_calendar_year(
        &self,
        ctx: &Context<'_>,
        input: SetCalendarYear,
    ) -> ApiResult<CalendarPayload> {
        CalendarPayload::of(retrying(|| super::set_year(app(ctx), actor(ctx), &input)).await)
    }

    /// Takes the days of a CSV or iCalendar file into a calendar, all of them or none.
    /// 从 CSV 或 iCalendar 文件导入节假日与调休上班日，全部成功或全部不导入。
    async fn import_calendar(&self, ctx: &Context<'_>, input: ImportCalendar) -> ApiResult<CalendarPayload> {
        CalendarPayload::of(retrying(|| super::import(app(ctx), actor(ctx), &input)).await)
    }
}
