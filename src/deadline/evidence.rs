//! An event's clocks for somebody who has to check them: each with the rule, the calendar and the days that it was
//! counted by, and what people entered for them.

use std::collections::BTreeMap;

use entity::{calendar, channel, clock_fact, deadline, deadline_policy, event, obligation, report};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use uuid::Uuid;

use super::rules::{Policy, Rule, TimedCalendar};
use super::store;
use crate::app::App;
use crate::calendar::rules::{Calendar, Computation, Pause, Span, Untold, explain};
use crate::database::is_one_of;
use crate::error::Result;
use crate::graphql::scalars;

/// What clocks were counted by.
struct Sources {
    policies: BTreeMap<Uuid, (i32, Policy)>,
    calendars: BTreeMap<Uuid, TimedCalendar>,
    keys: BTreeMap<Uuid, String>,
    channels: BTreeMap<Uuid, channel::Model>,
}

/// Each clock of an event, with how its due instant comes about.
///
/// # Errors
/// Of the database.
pub async fn clocks(app: &App, event: &event::Model) -> Result<Value> {
    let db = app.database.reader();
    let rows = deadline::Entity::find()
        .filter(deadline::Column::EventId.eq(event.id))
        .order_by_asc(deadline::Column::OpenedAt)
        .order_by_asc(deadline::Column::Id)
        .all(db)
        .await?;
    let used = rows.iter().filter_map(|row| row.policy_id);
    let of_used = is_one_of(app.database.backend(), deadline_policy::Column::Id, used);
    let mut policies = BTreeMap::new();
    for row in deadline_policy::Entity::find().filter(of_used).all(db).await? {
        policies.insert(row.id, (row.number, store::policy_of(&row)?));
    }
    let keys = calendar::Entity::find().all(db).await?.into_iter().map(|row| (row.id, row.key)).collect();
    let sources = Sources {
        policies,
        calendars: store::calendars(app).await?,
        keys,
        channels: store::channels(app).await?,
    };
    Ok(rows.iter().map(|row| clock(row, &sources)).collect())
}

fn clock(row: &deadline::Model, sources: &Sources) -> Value {
    let policy = row.policy_id.and_then(|id| sources.policies.get(&id));
    let rule =
        policy.and_then(|(_, policy)| policy.rules.iter().find(|rule| Some(&rule.key) == row.rule.as_ref()));
    let channel = row.channel_id.and_then(|id| sources.channels.get(&id));
    json!({
        "id": scalars::id::<deadline::Entity>(row.id).as_str(),
        "kind": row.kind,
        "regime": row.regime,
        "policy": policy.map(|(number, _)| number),
        "rule": row.rule,
        "ruleText": rule,
        "line": row.line,
        "channel": channel.map(|channel| &channel.key),
        "state": row.state,
        "anchor": row.anchor,
        "anchorAt": row.anchor_at,
        "dueAt": row.due_at,
        "noneReason": row.none_reason,
        "pauses": row.pauses.0,
        "pausedSince": row.paused_since,
        "calendar": row.calendar_id.and_then(|id| sources.keys.get(&id)),
        "calendarVersion": row.calendar_version,
        "computation": rule.and_then(|rule| computation(row, rule, channel, sources)),
        "openedAt": row.opened_at,
        "metAt": row.met_at,
        "breachedAt": row.breached_at,
        "waivedAt": row.waived_at,
        "waiveReason": row.waive_reason,
        "obligation": row.obligation_id.map(|id| scalars::id::<obligation::Entity>(id).to_string()),
    })
}

/// The days and pauses on the way to a due instant, by the rule, counted once more. `agrees` says whether that comes to
/// the clock's own end: another one was entered by a person, supposes the longest pause while it stands still, or was
/// counted before the calendar or the channel's zone changed.
fn computation(
    row: &deadline::Model,
    rule: &Rule,
    channel: Option<&channel::Model>,
    sources: &Sources,
) -> Option<Value> {
    let due = row.due_at?;
    let timed = sources.calendars.get(&row.calendar_id?)?;
    let counted = count(row, rule, channel, &timed.calendar)?.ok()?;
    let agrees = counted.due == due;
    Some(
        json!({ "calendarVersion": timed.version, "lastDay": counted.last_day(), "counted": counted, "agrees": agrees }),
    )
}

/// How a rule's term is counted from where the clock counts; none where either is not there.
fn count(
    row: &deadline::Model,
    rule: &Rule,
    channel: Option<&channel::Model>,
    calendar: &Calendar,
) -> Option<std::result::Result<Computation, Untold>> {
    let (anchor, term) = (row.anchor_at?, rule.term?);
    let zone = channel.and_then(|channel| channel.time_zone.parse().ok());
    let calendar = calendar.clone().in_zone(zone.unwrap_or(calendar.zone));
    let pauses: Vec<_> = row.pauses.0.iter().map(|span| Pause { from: span.from, to: span.to }).collect();
    Some(explain(&calendar, anchor, Span::new(term.unit, term.amount), rule.rolls_over, &pauses))
}

/// The year of which the clock's calendar has no days, as the calendar now is; none where it has all.
///
/// # Errors
/// Of the database.
pub async fn missing_year(app: &App, row: &deadline::Model) -> Result<Option<i32>> {
    let (Some(policy), Some(calendar)) = (row.policy_id, row.calendar_id) else { return Ok(None) };
    let policy = store::policy_of(&store::policy(app, policy).await?)?;
    let Some(rule) = policy.rules.iter().find(|rule| Some(&rule.key) == row.rule.as_ref()) else {
        return Ok(None);
    };
    let channel = match row.channel_id {
        Some(id) => crate::reply::store::channel(app, id).await?,
        None => None,
    };
    let calendar = crate::calendar::store::load(app, calendar).await?;
    match count(row, rule, channel.as_ref(), &calendar) {
        Some(Err(Untold::NoData { year })) => Ok(Some(year)),
        _ => Ok(None),
    }
}

/// What people entered for the clocks of an event, corrections with their reasons: dates of notices, questions, when
/// something was learned of.
///
/// # Errors
/// Of the database.
pub async fn entered(app: &App, event: &event::Model) -> Result<Value> {
    let rows = clock_fact::Entity::find()
        .filter(clock_fact::Column::EventId.eq(event.id))
        .order_by_asc(clock_fact::Column::RecordedAt)
        .order_by_asc(clock_fact::Column::Id)
        .all(app.database.reader())
        .await?;
    let fact = |row: &clock_fact::Model| {
        json!({
            "kind": row.kind,
            "report": row.report_id.map(|id| scalars::id::<report::Entity>(id).to_string()),
            "at": row.at,
            "note": row.note,
            "since": row.since,
            "recordedBy": row.recorded_by,
            "recordedAt": row.recorded_at,
            "supersededAt": row.superseded_at,
        })
    };
    Ok(rows.iter().map(fact).collect())
}
