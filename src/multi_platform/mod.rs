//! One report that a finder sent to several platforms (一洞多投).
//!
//! An analyst who sees two reports of two channels that are the same, with what speaks for one finder, proposes a case. From
//! then on the unpaid payouts of both reports wait, at most ten working days of the strictest of all channels that take
//! reports, and nothing of theirs is approved, handed over or paid by hand. A second person decides: it is not so, and they go on;
//! only the first report earns; or neither does, and what is unpaid is taken back. What is paid already a LEADER reverses
//! (`reversePayout`). The duties to reply to the channels stand whatever is decided.
//!
//! Who is to be paid learns that it waits, until when, and what was decided, and of the other report nothing: neither its
//! channel nor its number, date, words or event. They may appeal once, which somebody else resolves than who proposed or
//! decided the case. A case is there for those alone who see both events from inside.
//!
//! Why stands in the case alone, and its record with the event that fewer people see: who reads of a payout that it waits, or of the
//! other event, learns nothing more.
//!
//! A case revises every unpaid payout of both reports: of a move of one of those and a case at the same moment one is first, and
//! the other is decided anew. What is proposed after it is stopped where it would go on. Where no decision comes in time the hold ends by itself ([`HoldsOver`]); a decision may
//! still come. A pair has one case, ever.

mod answer;
pub mod graphql;
pub mod rules;
pub mod store;

use std::collections::HashMap;

use async_graphql::InputObject;
use chrono::{DateTime, TimeDelta, Utc};
use entity::vocabulary::{FinderEvidence, MultiPlatformOutcome};
use entity::{event, multi_platform, report};
use uuid::Uuid;

pub use answer::{AppealMultiPlatform, ResolveMultiPlatformAppeal, appeal, resolve};

use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::auth::visibility::AccessFacts;
use crate::calendar as calendars;
use crate::calendar::rules::{Span, due};
use crate::error::{Error, Refusal, Result};
use crate::event::{self as events, expect_version, require_text};
use crate::graphql::scalars::Id;
use crate::outbox::{Bump, ChangeSet};
use crate::payout::platforms as payouts;
use crate::schedule::Due;
use crate::{duplicate, intake, verdict};

/// Longest evidence or rationale, in characters.
const WORDS: usize = 2_000;
/// Working days that payouts wait at most.
const HELD: u16 = 10;

/// Two reports that one finder sent to several platforms. 一洞多投认定申请。
#[derive(Clone, Debug, InputObject)]
pub struct ProposeMultiPlatform {
    /// One of the reports. 其中一份报告。
    pub report: Id<report::Entity>,
    /// The other one, which came through another channel. 经其他渠道收到的另一份报告。
    pub other_report: Id<report::Entity>,
    /// The version that was seen of the event of `report`. 所见的 report 所属事件的版本。
    pub expected_version: i32,
    /// What speaks for one finder, beside what the product finds itself. 除系统比对结果之外的证据。
    pub evidence: String,
}

/// What is decided of a case. 一洞多投认定。
#[derive(Clone, Debug, InputObject)]
pub struct DecideMultiPlatform {
    /// The case. 认定申请。
    pub multi_platform: Id<multi_platform::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// What is decided. 认定结果。
    pub outcome: MultiPlatformOutcome,
    /// Why. 理由。
    pub rationale: String,
}

/// Proposes that two reports are one that its finder sent to several platforms, and puts their unpaid payouts on hold. The
/// same again changes nothing.
///
/// # Errors
/// By policy, visibility and version; refusals of one channel and of a case that was decided; FOUR_EYES for a reporter of either
/// event, and for who is paid.
pub async fn propose(
    app: &App,
    actor: &Actor,
    input: &ProposeMultiPlatform,
) -> Result<multi_platform::Model> {
    require(actor, Action::ProposeMultiPlatform)?;
    let evidence = require_text("input.evidence", &input.evidence, WORDS)?;
    let report = intake::store::find_inside(app, actor, input.report.0).await?;
    let other = intake::store::find_inside(app, actor, input.other_report.0).await?;
    let before = events::store::find(app, actor, report.event_id).await?;
    let of_other = events::store::find(app, actor, other.event_id).await?;
    let (later, earlier) = duplicate::rules::pair(&report, &other);
    let known = store::of_pair(app, later.id, earlier.id).await?;
    rules::may_propose(later, earlier, known.as_ref()).map_err(refused)?;
    if let Some(known) = known {
        return Ok(known);
    }
    expect_version(before.version, input.expected_version)?;
    let events = [before, of_other];
    refuse_reporters(app, actor, &events).await?;
    let mut changes = ChangeSet::new(app, actor, Action::ProposeMultiPlatform);
    let likeness = duplicate::likeness_of(app, actor, later, earlier).await?;
    let [of_later, of_earlier] = store::reporters(app, [later, earlier]).await?;
    let finder = rules::finder(of_later.as_ref(), of_earlier.as_ref());
    let row = multi_platform::Model {
        id: app.ids.next(),
        report_id: later.id,
        other_report_id: earlier.id,
        evidence,
        found: codes(likeness.reasons.iter().map(|reason| reason.code.as_str())),
        finder: codes(finder.into_iter().map(FinderEvidence::as_str)),
        score: i32::try_from(likeness.score).unwrap_or(i32::MAX),
        proposed_by: changes.actor().to_owned(),
        proposed_at: changes.at(),
        held_until: held_until(app, changes.at()).await?,
        hold_ended_at: None,
        outcome: None,
        rationale: None,
        decided_by: None,
        decided_at: None,
        appeal_by: None,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: changes.at(),
        changed_at: changes.at(),
    };
    let reports = store::with_parts(app, &[later.id, earlier.id]).await?;
    payouts::refuse_payee(app, actor, &reports).await?;
    payouts::hold(app, &mut changes, &reports, row.id).await?;
    let row = changes.create(app, row, Some(rules::on_record(&events)));
    demand_events(&mut changes, &events);
    app.commit(changes).await?;
    Ok(row)
}

/// Decides a case. That it is so is said by somebody else than who proposed it.
///
/// # Errors
/// By policy, visibility and version; FOUR_EYES for who proposed it, unless it is dismissed, and for a reporter of either event;
/// refusals when it was decided, or an appeal is open.
pub async fn decide(app: &App, actor: &Actor, input: &DecideMultiPlatform) -> Result<multi_platform::Model> {
    require(actor, Action::DecideMultiPlatform)?;
    let rationale = require_text("input.rationale", &input.rationale, WORDS)?;
    let before = store::find(app, actor, input.multi_platform.0).await?;
    expect_version(before.version, input.expected_version)?;
    let appeals = store::open_appeals(app, before.id).await?;
    rules::may_decide(&before, input.outcome, &actor.subject, !appeals.is_empty()).map_err(refused)?;
    let changes = ChangeSet::new(app, actor, Action::DecideMultiPlatform);
    close(app, actor, changes, before, input.outcome, rationale).await
}

/// Writes what is decided of a case, and what becomes of the payouts by it.
async fn close(
    app: &App,
    actor: &Actor,
    mut changes: ChangeSet,
    before: multi_platform::Model,
    outcome: MultiPlatformOutcome,
    rationale: String,
) -> Result<multi_platform::Model> {
    let events = events_of(app, &before).await?;
    refuse_reporters(app, actor, &events).await?;
    let taken = store::with_parts(app, &rules::taken_from(outcome, &before)).await?;
    let reports = store::with_parts(app, &[before.report_id, before.other_report_id]).await?;
    payouts::refuse_payee(app, actor, &reports).await?;
    let also = others_open(app, &before, &reports, changes.at()).await?;
    let since = (before.id, before.proposed_at);
    payouts::release(app, &mut changes, since, &also, &taken).await?;
    payouts::take_back(app, &mut changes, &taken).await?;
    let appeal_by = (!taken.is_empty()).then(|| changes.at() + app.payouts.answer_time());
    let after = multi_platform::Model {
        outcome: Some(outcome),
        rationale: Some(rationale),
        decided_by: Some(changes.actor().to_owned()),
        decided_at: Some(changes.at()),
        appeal_by,
        ..before.clone()
    };
    let after = changes.revise(app, &before, after, Some(rules::on_record(&events)), Bump::Version);
    demand_events(&mut changes, &events);
    app.commit(changes).await?;
    Ok(after)
}

/// What stops a payout for the report from being proposed, approved, handed over and paid by hand.
///
/// # Errors
/// Of the database.
pub async fn stop(app: &App, report: &report::Model) -> Result<Option<Refusal>> {
    let of: Vec<Uuid> = [report.id].into_iter().chain(report.part_of).collect();
    let cases = store::about(app, &of).await?;
    Ok(rules::stop(&cases, &of, app.clock.now()))
}

/// The case that payouts for the report wait for.
///
/// # Errors
/// Of the database.
pub async fn held_by(app: &App, report: &report::Model) -> Result<Option<Uuid>> {
    let of: Vec<Uuid> = [report.id].into_iter().chain(report.part_of).collect();
    let cases = store::about(app, &of).await?;
    Ok(cases.into_iter().find(|case| rules::is_holding(case, app.clock.now())).map(|case| case.id))
}

/// Which other open case each of these reports waits for as well.
async fn others_open(
    app: &App,
    case: &multi_platform::Model,
    reports: &[Uuid],
    now: DateTime<Utc>,
) -> Result<HashMap<Uuid, Uuid>> {
    let mut also = HashMap::new();
    for other in store::about(app, reports).await? {
        if other.id != case.id && rules::is_holding(&other, now) {
            let of = store::with_parts(app, &[other.report_id, other.other_report_id]).await?;
            also.extend(of.into_iter().map(|report| (report, other.id)));
        }
    }
    Ok(also)
}

/// Until when payouts wait: so many working days by the channel of the installation where they are over first. The two
/// channels' own calendars would tell each payee something of the other one.
async fn held_until(app: &App, now: DateTime<Utc>) -> Result<DateTime<Utc>> {
    // Of a year that is not entered so many days are surely not more than so many working days.
    let mut until = None;
    for channel in crate::channel::store::active(app).await? {
        let calendar = calendars::of_channel(app, &channel).await?;
        let ends = due(&calendar, now, Span::WorkingDays(HELD), &[])
            .unwrap_or(now + TimeDelta::days(i64::from(HELD)));
        until = Some(until.map_or(ends, |until: DateTime<Utc>| until.min(ends)));
    }
    Ok(until.unwrap_or(now + TimeDelta::days(i64::from(HELD))))
}

async fn refuse_reporters(app: &App, actor: &Actor, events: &[event::Model]) -> Result<()> {
    for event in events {
        let access = AccessFacts::load(app, event).await?;
        let message = "who reported it does not decide whether it was sent to several platforms";
        verdict::refuse_reporter(&access, actor, message)?;
    }
    Ok(())
}

/// Both events of a case.
async fn events_of(app: &App, case: &multi_platform::Model) -> Result<[event::Model; 2]> {
    let (later, earlier) = store::reports(app, case).await?;
    Ok([intake::store::event_of(app, &later).await?, intake::store::event_of(app, &earlier).await?])
}

/// On whose event's record a case stands.
async fn on_record(app: &App, case: &multi_platform::Model) -> Result<Uuid> {
    Ok(rules::on_record(&events_of(app, case).await?))
}

/// What is decided rests on both events as they were read. Neither is revised: its record would tell those of the case who
/// may not know of the other event. What may not go on meanwhile are the payouts, and those are revised.
fn demand_events(changes: &mut ChangeSet, events: &[event::Model; 2]) {
    let [one, other] = events;
    changes.demand(one);
    if other.id != one.id {
        changes.demand(other);
    }
}

fn codes<'a>(codes: impl Iterator<Item = &'a str>) -> entity::texts::Texts {
    codes.map(str::to_owned).collect::<Vec<_>>().into()
}

fn refused(refusal: Refusal) -> Error {
    Error::Refused(vec![refusal])
}

/// Ending holds of which nobody decided in time.
#[derive(Debug)]
pub struct HoldsOver;

impl Due for HoldsOver {
    const NAME: &'static str = "holds for reports to several platforms that are over";

    async fn due(app: &App, at: DateTime<Utc>, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
        store::over(app, at, after, limit).await
    }

    async fn carry_out(app: &App, actor: &Actor, piece: Uuid) -> Result<()> {
        let mut changes = ChangeSet::new(app, actor, Action::EndMultiPlatformHold);
        let Some(before) = store::if_over(app, piece, changes.at()).await? else { return Ok(()) };
        let on_record = on_record(app, &before).await?;
        let reports = store::with_parts(app, &[before.report_id, before.other_report_id]).await?;
        let also = others_open(app, &before, &reports, changes.at()).await?;
        let since = (before.id, before.proposed_at);
        payouts::release(app, &mut changes, since, &also, &[]).await?;
        let after = multi_platform::Model { hold_ended_at: Some(changes.at()), ..before.clone() };
        changes.revise(app, &before, after, Some(on_record), Bump::Version);
        app.commit(changes).await
    }
}
