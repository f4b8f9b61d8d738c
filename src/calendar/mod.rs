//! Which days are worked, and when a span of time is over.
//!
//! A calendar has a weekend, a time zone, and days that are not what their day of the week says: holidays, and working
//! days that make up for them. Where holidays are announced year by year nothing is known of a year before its days
//! are entered, and a span of working days that reaches into it has no end yet: that is said and not guessed. Each
//! channel has a calendar; one that names none has the built-in one of its jurisdiction. The built-in calendars are
//! rows like any other, put there once and then kept up by hand or from a file.
//!
//! Whoever changes a calendar raises its version and sends `calendar.changed`; what was computed by an older version
//! is computed again by those who keep it.

pub mod builtin;
pub mod graphql;
pub mod import;
pub mod rules;
pub mod store;

use async_graphql::InputObject;
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;
use entity::calendar::{Weekdays, WorkingHours};
use entity::vocabulary::{CalendarDayKind, CalendarFormat, SpanUnit, Weekday};
use entity::{calendar, calendar_year, channel};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, RefusalCode, Result};
use crate::event::{expect_version, optional_text, require_text};
use crate::graphql::scalars::Id;
use crate::idempotency::{Replay, replay};
use crate::outbox::{Bump, ChangeSet, Opaque, message};
pub use builtin::of_jurisdiction;
use rules::{Calendar, Computation, NamedDay, Pause, Span, Untold, Weekend};

/// Longest name of a calendar, a day or a source, in characters.
const SHORT: usize = 200;

/// The calendar of a channel: the one it names, else the built-in one of its jurisdiction.
pub fn id_of(channel: &channel::Model) -> Uuid {
    channel.calendar_id.unwrap_or_else(|| builtin::of_jurisdiction(&channel.jurisdiction))
}

/// The calendar of a channel, with days that begin and end in the channel's own zone.
///
/// # Errors
/// Of the database.
pub async fn of_channel(app: &App, channel: &channel::Model) -> Result<Calendar> {
    let zone: Tz = channel.time_zone.parse().map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(store::load(app, id_of(channel)).await?.in_zone(zone))
}

/// A new calendar. 新日历。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct CreateCalendar {
    /// Stable short name: lower-case letters, digits and hyphens. 日历标识：小写字母、数字与连字符。
    pub key: String,
    /// Name shown to people. 名称。
    pub name: String,
    /// IANA zone in which its days begin and end. 时区。
    #[graphql(default = "Asia/Shanghai")]
    pub time_zone: String,
    /// Days of the week that are not worked; not all seven. 每周休息日，不可为全部七天。
    pub weekend: Vec<Weekday>,
    /// Hours in which a working day is worked, in order; WORKING_HOURS are counted within them. Left out, there are none
    /// to count by. 工作日的工作时段，按先后顺序；未填写则不能按工作小时计时。
    #[graphql(default)]
    pub working_hours: Vec<WorkingHoursInput>,
    /// Whether holidays are announced year by year, so that a year has to be entered before it can be counted in.
    /// 节假日是否逐年公布（未录入的年份不能计算工作日）。
    pub by_year: bool,
    /// Recognises the creation when it is sent again. 幂等键。
    pub idempotency_key: Option<String>,
}

/// A stretch of a working day. 工作时段。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct WorkingHoursInput {
    /// When it begins, as HH:MM. 开始时间（HH:MM）。
    pub from: String,
    /// When it ends, as HH:MM; 24:00 is the end of the day. 结束时间（HH:MM），24:00 为当日结束。
    pub to: String,
}

/// Adds a calendar.
///
/// # Errors
/// By policy; BAD_USER_INPUT on ill-formed values; a refusal when the key is taken.
pub async fn create(app: &App, actor: &Actor, input: &CreateCalendar) -> Result<calendar::Model> {
    require(actor, Action::CreateCalendar)?;
    let key = input.idempotency_key.as_deref();
    let key = match replay(app, actor, Action::CreateCalendar, key, input).await? {
        Replay::Done(id) => return store::find(app, id).await,
        Replay::First(key) => key,
    };
    let mut changes = ChangeSet::new(app, actor, Action::CreateCalendar);
    let row = calendar::Model {
        id: app.ids.next(),
        key: crate::channel::key("input.key", &input.key)?,
        name: require_text("input.name", &input.name, SHORT)?,
        time_zone: crate::channel::time_zone("input.timeZone", &input.time_zone)?,
        weekend: weekend(&input.weekend)?,
        working_hours: working_hours(&input.working_hours)?,
        by_year: input.by_year,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: changes.at(),
        changed_at: changes.at(),
    };
    if store::by_key(app, &row.key).await?.is_some() {
        return Err(Error::refused(
            RefusalCode::AlreadyExists,
            "there is a calendar with this key: choose another",
        ));
    }
    let row = changes.create(app, row, None);
    let told = message::CalendarChanged { calendar: Opaque::new(row.id), version: row.version };
    changes.message(app, None, &told);
    if let Some(key) = &key {
        changes.remember(key, row.id);
    }
    app.commit(changes).await?;
    Ok(row)
}

/// The weekend as its column keeps it: each day once, from Monday.
fn weekend(days: &[Weekday]) -> Result<Weekdays> {
    let weekend = Weekend::new(days.iter().copied().map(Weekday::into))
        .ok_or_else(|| Error::bad_input("input.weekend", "leave at least one day of the week to work on"))?;
    Ok(Weekdays(weekend.days().map(Weekday::from).collect()))
}

/// The working hours as their column keeps them.
fn working_hours(stretches: &[WorkingHoursInput]) -> Result<WorkingHours> {
    let hours = rules::hours(stretches.iter().map(|hours| (hours.from.as_str(), hours.to.as_str())));
    hours.map(WorkingHours).map_err(|message| Error::bad_input("input.workingHours", message))
}

/// Changes to a calendar; what is left out stays. 日历变更；未提供的保持不变。
#[derive(Clone, Debug, InputObject)]
pub struct UpdateCalendar {
    /// The calendar. 日历。
    pub calendar: Id<calendar::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// Name shown to people. 名称。
    pub name: Option<String>,
    /// IANA zone in which its days begin and end. 时区。
    pub time_zone: Option<String>,
    /// Days of the week that are not worked; not all seven. 每周休息日，不可为全部七天。
    pub weekend: Option<Vec<Weekday>>,
    /// Hours in which a working day is worked; an empty list says that there are none to count by.
    /// 工作日的工作时段；空列表表示不能按工作小时计时。
    pub working_hours: Option<Vec<WorkingHoursInput>>,
    /// Whether a year has to be entered before it can be counted in. 是否须先录入年份才能计算。
    pub by_year: Option<bool>,
}

/// Changes a calendar's settings; never its key.
///
/// # Errors
/// By policy and version; BAD_USER_INPUT on ill-formed values.
pub async fn update(app: &App, actor: &Actor, input: &UpdateCalendar) -> Result<calendar::Model> {
    require(actor, Action::UpdateCalendar)?;
    let before = store::find(app, input.calendar.0).await?;
    expect_version(before.version, input.expected_version)?;
    let mut after = before.clone();
    if let Some(name) = &input.name {
        after.name = require_text("input.name", name, SHORT)?;
    }
    if let Some(zone) = &input.time_zone {
        after.time_zone = crate::channel::time_zone("input.timeZone", zone)?;
    }
    if let Some(days) = &input.weekend {
        after.weekend = weekend(days)?;
    }
    if let Some(hours) = &input.working_hours {
        after.working_hours = working_hours(hours)?;
    }
    after.by_year = input.by_year.unwrap_or(before.by_year);
    commit(app, ChangeSet::new(app, actor, Action::UpdateCalendar), &before, after).await
}

/// Days of a year; they replace those that the calendar had of it. 某年的节假日与调休，替换该年原有内容。
#[derive(Clone, Debug, InputObject)]
pub struct SetCalendarYear {
    /// The calendar. 日历。
    pub calendar: Id<calendar::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// The year, 1970 to 2199. 年份。
    pub year: i32,
    /// Its holidays and make-up working days; an empty list says that there are none. 节假日与调休上班日；空列表表示没有。
    pub days: Vec<CalendarDayInput>,
    /// Where they come from, for example the notice that announced them. 数据来源，例如公布通知的文号。
    pub source: Option<String>,
}

/// A day that is not what its day of the week says. 特殊日。
#[derive(Clone, Debug, InputObject)]
pub struct CalendarDayInput {
    /// The day. 日期。
    pub date: NaiveDate,
    /// Holiday or make-up working day. 节假日或调休上班日。
    pub kind: CalendarDayKind,
    /// What it is called. 名称。
    pub name: String,
}

/// Replaces the days of a year.
///
/// # Errors
/// By policy and version; BAD_USER_INPUT on a day of another year, one that stands there twice, or a make-up working
/// day that is worked anyway.
pub async fn set_year(app: &App, actor: &Actor, input: &SetCalendarYear) -> Result<calendar::Model> {
    require(actor, Action::SetCalendarYear)?;
    let before = store::find(app, input.calendar.0).await?;
    expect_version(before.version, input.expected_version)?;
    let years = rules::years(&[input.year]).map_err(|message| Error::bad_input("input.year", message))?;
    if input.days.len() > rules::MAX_DAYS {
        return Err(Error::bad_input("input.days", format!("send at most {}", rules::MAX_DAYS)));
    }
    let days = input.days.iter().map(|day| {
        let name = require_text("input.days.name", &day.name, SHORT)?;
        Ok(NamedDay { date: day.date, kind: day.kind, name })
    });
    let days = days.collect::<Result<Vec<_>>>()?;
    let faults = rules::faults(&days, &years, &years, store::weekend(&before)?);
    if let Some((_, fault)) = faults.first() {
        return Err(Error::bad_input("input.days", fault));
    }
    let source = optional_text("input.source", input.source.as_ref(), SHORT)?;
    let mut changes = ChangeSet::new(app, actor, Action::SetCalendarYear);
    replace(app, &mut changes, &before, &years, &days, source).await?;
    commit(app, changes, &before, before.clone()).await
}

/// Days from a file. 从文件导入的日历数据。
#[derive(Clone, Debug, InputObject)]
pub struct ImportCalendar {
    /// The calendar. 日历。
    pub calendar: Id<calendar::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// Form of the text. 格式。
    pub format: CalendarFormat,
    /// The file's text, at most 256 KiB. 文件内容，至多 256 KiB。
    pub text: String,
    /// Years that the file has all days of: their days are replaced. Its other days have to lie in years that are
    /// entered already, and are added to them. 文件完整覆盖的年份（整年替换）；其余日期须属于已录入的年份，并入其中。
    pub years: Vec<i32>,
    /// Where the days come from. 数据来源。
    pub source: Option<String>,
}

/// Takes the days of a file into a calendar.
///
/// # Errors
/// By policy and version; BAD_USER_INPUT naming the lines that cannot be taken; then nothing is.
pub async fn import(app: &App, actor: &Actor, input: &ImportCalendar) -> Result<calendar::Model> {
    require(actor, Action::ImportCalendar)?;
    let before = store::find(app, input.calendar.0).await?;
    expect_version(before.version, input.expected_version)?;
    let years = rules::years(&input.years).map_err(|message| Error::bad_input("input.years", message))?;
    let source = optional_text("input.source", input.source.as_ref(), SHORT)?;
    let parsed = import::parse(input.format, &input.text);
    let lines = parsed.map_err(|faults| Error::bad_input("input.text", import::told(&faults)))?;
    let (lines, days): (Vec<_>, Vec<_>) = lines.into_iter().unzip();
    let mut known = store::years(app, before.id).await?;
    known.extend(&years);
    let faults: Vec<_> = rules::faults(&days, &years, &known, store::weekend(&before)?)
        .into_iter()
        .map(|(index, text)| import::LineFault { line: lines[index], text })
        .collect();
    if !faults.is_empty() {
        return Err(Error::bad_input("input.text", import::told(&faults)));
    }
    let mut changes = ChangeSet::new(app, actor, Action::ImportCalendar);
    replace(app, &mut changes, &before, &years, &days, source).await?;
    commit(app, changes, &before, before.clone()).await
}

/// Writes what is different: the days of `years` become those among `days`, the other days are added.
async fn replace(
    app: &App,
    changes: &mut ChangeSet,
    calendar: &calendar::Model,
    years: &std::collections::BTreeSet<i32>,
    days: &[NamedDay],
    source: Option<String>,
) -> Result<()> {
    let found = store::days(app, calendar.id).await?;
    let difference = rules::difference(&found, years, days);
    for row in &difference.gone {
        let delete = Query::delete()
            .from_table(entity::calendar_day::Entity)
            .and_where(Expr::col(entity::calendar_day::Column::Id).eq(row.id))
            .take();
        changes.delete(delete, json!({ "calendar_day": row.date, "kind": row.kind, "name": row.name }));
    }
    for (before, after) in difference.changed {
        changes.update(before, &after);
    }
    for day in difference.new {
        changes.insert(&store::day_row(app.ids.next(), calendar.id, day.clone()));
    }
    let entered = store::year_rows(app, calendar.id).await?;
    for year in years {
        let row = entered.iter().find(|row| row.year == *year);
        let id = row.map_or_else(|| app.ids.next(), |row| row.id);
        let after =
            calendar_year::Model { id, calendar_id: calendar.id, year: *year, source: source.clone() };
        match row {
            Some(row) => changes.update(row, &after),
            None => changes.insert(&after),
        }
    }
    Ok(())
}

/// Closes a change of a calendar and tells that it changed.
async fn commit(
    app: &App,
    mut changes: ChangeSet,
    before: &calendar::Model,
    after: calendar::Model,
) -> Result<calendar::Model> {
    let after = changes.revise(app, before, after, None, Bump::Version);
    let version = after.version;
    changes.message(app, None, &message::CalendarChanged { calendar: Opaque::new(after.id), version });
    app.commit(changes).await?;
    Ok(after)
}

/// Most of a unit that a check counts.
const MAX_AMOUNT: u16 = 4_000;

/// Most pauses of a check.
const MAX_PAUSES: usize = 100;

/// Time that does not count. 不计时的时段。
#[derive(Clone, Debug, InputObject)]
pub struct SpanPauseInput {
    /// First instant that does not count. 暂停起始。
    pub from: DateTime<Utc>,
    /// First instant that counts again. 恢复计时。
    pub to: DateTime<Utc>,
}

/// When a span that begins at `from` is over by the calendar with this key, and how that comes about; none where there
/// is no such calendar. What the calendar cannot tell stands inside.
///
/// # Errors
/// By policy; BAD_USER_INPUT on an amount, an instant or a number of pauses that is out of bounds.
pub async fn check(
    app: &App,
    actor: &Actor,
    key: &str,
    from: DateTime<Utc>,
    unit: SpanUnit,
    (amount, rolls_over): (i32, bool),
    pauses: &[SpanPauseInput],
) -> Result<Option<std::result::Result<Computation, Untold>>> {
    require(actor, Action::ReadCalendars)?;
    let amount = u16::try_from(amount).ok().filter(|amount| *amount <= MAX_AMOUNT);
    let amount = amount.ok_or_else(|| Error::bad_input("amount", format!("send 0 to {MAX_AMOUNT}")))?;
    let bounded = |field: &str, at: &DateTime<Utc>| {
        let known = (1970..2200).contains(&at.year());
        if known { Ok(*at) } else { Err(Error::bad_input(field, "send an instant from 1970 to 2199")) }
    };
    let from = bounded("from", &from)?;
    if pauses.len() > MAX_PAUSES {
        return Err(Error::bad_input("pauses", format!("send at most {MAX_PAUSES}")));
    }
    let pauses = pauses.iter().map(|pause| {
        Ok(Pause { from: bounded("pauses.from", &pause.from)?, to: bounded("pauses.to", &pause.to)? })
    });
    let pauses = pauses.collect::<Result<Vec<_>>>()?;
    let Some(row) = store::by_key(app, key).await? else { return Ok(None) };
    let calendar = store::whole(app, &row).await?;
    Ok(Some(rules::explain(&calendar, from, Span::new(unit, amount), rolls_over, &pauses)))
}
