//! Receiving a report: recognised, joined to an event, or opening one.

use async_graphql::InputObject;
use chrono::{DateTime, SubsecRound, Utc};
use entity::vocabulary::{
    EventLinkKind, Function, IndicatorKind, MemberSource, NoticeType, Status, TeamGroup, Tlp,
};
use entity::{channel, event, report, team_member};
use serde::Serialize;
use serde_json::json;

use super::arrival::{Arrival, Content, Enclosed, Indicated, add_versions};
use super::reporters::{self, ReporterInput};
use super::{LONG, SHORT, rules, store};
use crate::app::App;
use crate::auth::policy::{Action, require};
use crate::auth::visibility::{AccessFacts, regrant};
use crate::auth::{Actor, Role};
use crate::deadline::Clocks;
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::rules::Cause;
use crate::event::{self as events, INDEXED, optional_text, require_text, transition};
use crate::graphql::scalars::Id;
use crate::idempotency::{self, Replay};
use crate::indicator;
use crate::outbox::{Bump, ChangeSet};

/// Most indicators sent with one report.
const MAX_INDICATORS: usize = 500;

/// What a report says that identifies what it is about. 报告线索。
#[derive(Clone, Debug, PartialEq, Eq, InputObject, Serialize)]
pub struct IndicatorInput {
    /// What it is. 类型。
    pub kind: IndicatorKind,
    /// Its value as given. 值。
    pub value: String,
}

/// A report as it arrived through a channel. 经渠道收到的报告。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct ReceiveReport {
    /// The channel's key; a service sends its own. 渠道标识；服务只能使用自己的渠道。
    pub channel: String,
    /// The channel's own number. 渠道编号。
    pub number: Option<String>,
    /// The Message-ID of a mail, which recognises a report without a number. 邮件 Message-ID。
    pub message_id: Option<String>,
    /// Title as received. 标题（原文）。
    pub title: String,
    /// Text as received. 正文（原文）。
    pub text: Option<String>,
    /// What the database that sent it calls the vulnerability. 漏洞库所称的漏洞类型。
    pub notice_type: Option<NoticeType>,
    /// When the channel received it; now when left out. 接收时间；省略时为当前时间。
    pub received_at: Option<DateTime<Utc>>,
    /// Who reported. 报告人。
    pub reporter: Option<ReporterInput>,
    /// What identifies what it is about. 线索。
    #[graphql(default)]
    pub indicators: Vec<IndicatorInput>,
    /// Traffic Light Protocol level of a new event; AMBER when left out. 新事件的 TLP 级别，默认 AMBER。
    pub tlp: Option<Tlp>,
    /// The event that a person puts it on; a new one when left out. 并入的事件；省略时新建。
    pub join_event: Option<Id<event::Entity>>,
    /// Sent again with the same input, the first answer is repeated. 幂等键。
    pub idempotency_key: Option<String>,
}

/// An input whose texts were looked at.
struct Checked {
    number: Option<String>,
    message_id: Option<String>,
    content: Content,
    received_at: DateTime<Utc>,
    indicators: Vec<(IndicatorKind, String)>,
}

impl Checked {
    fn new(app: &App, input: &ReceiveReport, source: serde_json::Value) -> Result<Self> {
        let now = app.clock.now();
        let title = require_text("input.title", &input.title, SHORT)?;
        let text = optional_text("input.text", input.text.as_ref(), LONG)?.unwrap_or_default();
        let received_at = input.received_at.unwrap_or(now).trunc_subsecs(6);
        if received_at > now {
            return Err(Error::bad_input("input.receivedAt", "send a time that has come"));
        }
        Ok(Self {
            number: optional_text("input.number", input.number.as_ref(), INDEXED)?,
            message_id: optional_text("input.messageId", input.message_id.as_ref(), INDEXED)?,
            content: Content::new(title, text, source),
            received_at,
            indicators: indicators(&input.indicators)?,
        })
    }
}

pub(super) fn indicators(input: &[IndicatorInput]) -> Result<Vec<(IndicatorKind, String)>> {
    if input.len() > MAX_INDICATORS {
        return Err(Error::bad_input("input.indicators", format!("send at most {MAX_INDICATORS}")));
    }
    let mut indicators = Vec::new();
    for indicator in input {
        let value = require_text("input.indicators.value", &indicator.value, INDEXED)?;
        if !indicators.contains(&(indicator.kind, value.clone())) {
            indicators.push((indicator.kind, value));
        }
    }
    Ok(indicators)
}

/// Receives a report. The same number (else Message-ID, else content) of the same channel with content that is
/// known answers the first report; with other content it adds a version. To an actor who may not see the first
/// report the arrival is acknowledged like a new one, and linked to the first for those who see both.
///
/// # Errors
/// By policy; BAD_USER_INPUT on ill-formed texts; refusals on an unknown or inactive channel and on an event that
/// is shared more widely than the report; NOT_FOUND when `joinEvent` is hidden or absent.
pub async fn receive_report(app: &App, actor: &Actor, input: &ReceiveReport) -> Result<report::Model> {
    Ok(receive(app, actor, input, json!([]), None).await?.0)
}

/// What an arrival was to the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrived {
    /// A report that was not known.
    New,
    /// A version of a known report.
    Version,
    /// Nothing new.
    Known,
}

/// The same for an arrival that has fields of its own (`source`, as they are kept with its text) and what comes with it.
/// What is known already brings nothing.
///
/// # Errors
/// Those of [`receive_report`].
pub async fn receive_with(
    app: &App,
    actor: &Actor,
    input: &ReceiveReport,
    source: serde_json::Value,
    enclosed: &dyn Enclosed,
) -> Result<(report::Model, Arrived)> {
    receive(app, actor, input, source, Some(enclosed)).await
}

async fn receive(
    app: &App,
    actor: &Actor,
    input: &ReceiveReport,
    source: serde_json::Value,
    enclosed: Option<&dyn Enclosed>,
) -> Result<(report::Model, Arrived)> {
    require(actor, Action::ReceiveReport)?;
    let checked = Checked::new(app, input, source)?;
    let key = input.idempotency_key.as_deref();
    let key = match idempotency::replay(app, actor, Action::ReceiveReport, key, input).await? {
        Replay::Done(id) => return Ok((store::find(app, actor, id).await?, Arrived::Known)),
        Replay::First(key) => key,
    };
    let channel = open_channel(app, actor, &input.channel).await?;
    let mut changes = ChangeSet::new(app, actor, Action::ReceiveReport);
    let identity_key =
        rules::identity_key(checked.number.as_deref(), checked.message_id.as_deref(), &checked.content.hash);
    let first = store::by_identity(app, channel.id, &identity_key).await?;
    let seen = match &first {
        Some(first) => store::seen_arrival(app, actor, first).await?,
        None => None,
    };
    let (report, arrived) = match (first, seen) {
        (_, Some(seen)) => {
            let Some(after) = add_content(app, &mut changes, &seen, &checked, enclosed).await? else {
                let known = match &key {
                    Some(key) => remember(app, changes, Some(key), seen).await?,
                    None => seen,
                };
                return Ok((known, Arrived::Known));
            };
            let before = store::event_of(app, &seen).await?;
            revise_after_arrival(app, &mut changes, &before, std::slice::from_ref(&seen)).await?;
            (after, Arrived::Version)
        }
        (Some(hidden), None) => {
            let identity_key = format!("{}{}", rules::unseen_prefix(&hidden), app.ids.next());
            let first = First { channel: &channel, input, checked: &checked, enclosed };
            let report = first_time(app, actor, &mut changes, &first, identity_key).await?;
            join_unseen(app, &mut changes, &hidden, &checked, &report).await?;
            (report, Arrived::New)
        }
        (None, None) => {
            let first = First { channel: &channel, input, checked: &checked, enclosed };
            (first_time(app, actor, &mut changes, &first, identity_key).await?, Arrived::New)
        }
    };
    Ok((remember(app, changes, key.as_ref(), report).await?, arrived))
}

/// Commits what there is to commit, and keeps the answer under the caller's key.
async fn remember(
    app: &App,
    mut changes: ChangeSet,
    key: Option<&idempotency::Key>,
    report: report::Model,
) -> Result<report::Model> {
    if let Some(key) = key {
        changes.remember(key, report.id);
    }
    app.commit(changes).await?;
    Ok(report)
}

/// The channel with this key, if the actor may receive reports through it and it takes any.
///
/// # Errors
/// A refusal when there is none for them, or it is not active.
pub async fn open_channel(app: &App, actor: &Actor, key: &str) -> Result<channel::Model> {
    let own = actor.speaks_for(key);
    let may_use = own || actor.is(Role::Analyst);
    let found = if may_use { crate::channel::store::by_key(app, key).await? } else { None };
    let refusal = |code, message| Error::Refused(vec![Refusal::on(code, "channel", message)]);
    let channel = found.ok_or_else(|| {
        refusal(RefusalCode::UnknownReference, "there is no such channel for you: send the key of one")
    })?;
    if channel.active {
        Ok(channel)
    } else {
        Err(refusal(
            RefusalCode::Frozen,
            "the channel takes no new reports: have it activated (updateChannel)",
        ))
    }
}

/// Adds what arrived to a report that is known; `None` when it has the same content already.
async fn add_content(
    app: &App,
    changes: &mut ChangeSet,
    report: &report::Model,
    checked: &Checked,
    enclosed: Option<&dyn Enclosed>,
) -> Result<Option<report::Model>> {
    if store::has_content(app, report.id, &checked.content.hash).await? {
        return Ok(None);
    }
    let known = store::indicators(app, report.id).await?;
    let contents = std::slice::from_ref(&checked.content);
    let new = Indicated::new(checked.indicators.clone(), contents, &known, indicator::rules::MOST);
    Ok(Some(add_versions(app, changes, report, contents, checked.received_at, &new, enclosed).await?))
}

/// Revises an event for whose `reports` something arrived: it goes on with the analysis if it waited for that, and its
/// open clocks are planned anew, since databases re-issue notices.
///
/// # Errors
/// Of the database.
pub async fn revise_after_arrival(
    app: &App,
    changes: &mut ChangeSet,
    before: &event::Model,
    reports: &[report::Model],
) -> Result<()> {
    let mut after = before.clone();
    if reports.iter().any(|report| rules::answers_question(before, report)) {
        let to = Status::Triaging;
        transition(app, changes, &mut after, to, Cause::ResumeTriage, None)?;
    }
    Clocks::load(app, before).await?.replan(app, changes, &mut after)?;
    changes.revise(app, before, after, Some(before.id), Bump::Version);
    Ok(())
}

/// What arrives for the first time.
struct First<'a> {
    channel: &'a channel::Model,
    input: &'a ReceiveReport,
    checked: &'a Checked,
    enclosed: Option<&'a dyn Enclosed>,
}

async fn first_time(
    app: &App,
    actor: &Actor,
    changes: &mut ChangeSet,
    first: &First<'_>,
    identity_key: String,
) -> Result<report::Model> {
    let First { channel, input, checked, enclosed } = *first;
    let target = match input.join_event {
        Some(id) => Some(events::store::find(app, actor, id.0).await?),
        None => None,
    };
    let reporter = reporters::recognise(app, actor, changes, channel, input.reporter.as_ref()).await?;
    let contents = vec![checked.content.clone()];
    let indicators = Indicated::new(checked.indicators.clone(), &contents, &[], indicator::rules::MOST);
    let arrival = Arrival {
        channel,
        number: checked.number.clone(),
        identity_key,
        reporter: reporter.as_ref(),
        origin: rules::origin(reporter.as_ref().is_some_and(|reporter| reporter.staff)),
        received_at: checked.received_at,
        history: false,
        severity: None,
        notice_type: input.notice_type,
        part: None,
        contents,
        indicators,
        enclosed,
    };
    match target {
        Some(target) => {
            rules::may_join(input.tlp.unwrap_or(target.tlp), &target)
                .map_err(|refusal| Error::Refused(vec![refusal]))?;
            join(app, changes, &arrival, target).await
        }
        None => {
            let tlp = input.tlp.unwrap_or(Tlp::Amber);
            let event = events::new(app, &checked.content.title, checked.received_at, tlp).await?;
            let members = if tlp == Tlp::Red { named_people(app, actor, &event).await? } else { Vec::new() };
            arrival.open(app, changes, event, members).await
        }
    }
}

async fn join(
    app: &App,
    changes: &mut ChangeSet,
    arrival: &Arrival<'_>,
    target: event::Model,
) -> Result<report::Model> {
    let report = arrival.record(app, changes, &target);
    let before = AccessFacts::load(app, &target).await?;
    let mut access = before.clone();
    access.reports.push(arrival.access(&report));
    let mut after = target.clone();
    events::received(changes, &mut after, report.received_at);
    access.event.clone_from(&after);
    regrant(changes, Some(&before), &access);
    let mut clocks = Clocks::load_with(app, &target, arrival.channel).await?;
    clocks.facts.arrived(report.clone(), arrival.channel);
    clocks.replan(app, changes, &mut after)?;
    changes.revise(app, &target, after, Some(target.id), Bump::Version);
    Ok(report)
}

/// Who sees a new TLP:RED event besides those who read all: the analyst who receives it and the one on duty.
async fn named_people(app: &App, actor: &Actor, event: &event::Model) -> Result<Vec<team_member::Model>> {
    let now = app.clock.now();
    let mut people = Vec::new();
    if actor.is(Role::Analyst) {
        people.push((actor.subject.to_string(), MemberSource::Actor));
    }
    let on_duty = store::on_duty(app, Function::Security, now).await?;
    if let Some(subject) = on_duty.filter(|subject| **subject != *actor.subject) {
        people.push((subject, MemberSource::Automatic));
    }
    let members = people.into_iter().map(|(subject, source)| team_member::Model {
        id: app.ids.next(),
        event_id: event.id,
        subject: Some(subject),
        team: None,
        function: Some(Function::Security),
        team_group: TeamGroup::Working,
        source,
        added_by: actor.subject.to_string(),
        added_at: now,
        removed_by: None,
        removed_at: None,
    });
    Ok(members.collect())
}

/// Joins an arrival to the first report, which its sender may not see: on that report's side only.
async fn join_unseen(
    app: &App,
    changes: &mut ChangeSet,
    hidden: &report::Model,
    checked: &Checked,
    report: &report::Model,
) -> Result<()> {
    let link = events::link_row(app, changes, hidden.event_id, report.event_id, EventLinkKind::Related);
    changes.insert(&link);
    add_content(app, changes, hidden, checked, None).await?;
    let before = store::event_of(app, hidden).await?;
    revise_after_arrival(app, changes, &before, std::slice::from_ref(hidden)).await
}
