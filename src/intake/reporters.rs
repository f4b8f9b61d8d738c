//! Reporters: the one place with their personal data, linked to a subject and erasable.

use std::collections::HashMap;

use async_graphql::{InputObject, MaybeUndefined};
use entity::{channel, report, reporter};
use sea_orm::Condition;
use serde::Serialize;

use super::{SHORT, rules, store};
use crate::app::App;
use crate::auth::policy::{Action, require};
use crate::auth::visibility::{AccessFacts, regrant};
use crate::auth::{Actor, Role};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::{INDEXED, expect_version, optional_text, require_text};
use crate::graphql::scalars::Id;
use crate::outbox::{Bump, ChangeSet};
use crate::{idempotency, principal};

/// Most reports of a reporter whose linking, correction or erasure is one change.
const MAX_REPORTS: u64 = 1_000;

/// Who reported, as the channel says. 报告人（渠道提供的信息）。
#[derive(Clone, Debug, Default, InputObject, Serialize)]
pub struct ReporterInput {
    /// Name or pseudonym. 姓名或昵称。
    pub name: Option<String>,
    /// Address. 邮箱。
    pub email: Option<String>,
    /// Own staff: their reports count as internal. 是否为内部员工。
    #[graphql(default)]
    pub staff: bool,
    /// Their subject, when the sender knows it. 报告人的主体标识。
    pub subject: Option<String>,
}

/// Finds the reporter whom a channel names, or makes them. A subject recognises a person; without one only a
/// reporter of the same name and address who is linked to no subject does, since a name opens no access. One whom the
/// actor knows by no report is made anew, since the answer shows what is known of them: only who speaks for the channel
/// knows all of its reporters.
pub(super) async fn recognise(
    app: &App,
    actor: &Actor,
    changes: &mut ChangeSet,
    channel: &channel::Model,
    input: Option<&ReporterInput>,
) -> Result<Option<reporter::Model>> {
    let Some(input) = input else { return Ok(None) };
    let name = optional_text("input.reporter.name", input.name.as_ref(), INDEXED)?;
    let email = optional_text("input.reporter.email", input.email.as_ref(), INDEXED)?;
    let subject = optional_text("input.reporter.subject", input.subject.as_ref(), INDEXED)?;
    if name.is_none() && email.is_none() && subject.is_none() {
        return Ok(None);
    }
    let wanted = new_reporter(app, changes, channel, name, email, subject, input.staff);
    let known =
        if actor.speaks_for(&channel.key) { Condition::all() } else { store::visible_reporter(actor) };
    match store::same_reporter(app, &wanted, known).await? {
        Some(found) => Ok(Some(found)),
        None => Ok(Some(changes.create(app, wanted, None))),
    }
}

pub(super) fn new_reporter(
    app: &App,
    changes: &ChangeSet,
    channel: &channel::Model,
    name: Option<String>,
    email: Option<String>,
    subject: Option<String>,
    staff: bool,
) -> reporter::Model {
    reporter::Model {
        id: app.ids.next(),
        channel_id: Some(channel.id),
        subject,
        name,
        email,
        payee_account: None,
        payee_account_set_by: None,
        staff,
        named: false,
        erased_at: None,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: changes.at(),
        changed_at: changes.at(),
    }
}

/// Whose report it is. 将报告人关联到主体。
#[derive(Clone, Debug, InputObject)]
pub struct LinkReporter {
    /// One of the reporter's reports. 报告人的任一报告。
    pub report: Id<report::Entity>,
    /// The subject of their tokens. 主体标识。
    pub subject: String,
    /// The reporter's version that was seen; needed to move a link from another subject. 所见报告人版本；改换已有关联时必填。
    pub expected_version: Option<i32>,
}

/// Links the reporter of a report to a subject, who then sees the public side of all their reports.
///
/// # Errors
/// By policy and visibility; by version where a link is moved; a refusal when the report names no reporter or a service
/// would move a link; FOUR_EYES for a link to oneself, or to who decides a live payout of the reporter.
pub async fn link_reporter(app: &App, actor: &Actor, input: &LinkReporter) -> Result<reporter::Model> {
    require(actor, Action::LinkReporter)?;
    let subject = require_text("input.subject", &input.subject, INDEXED)?;
    let report = store::find(app, actor, input.report.0).await?;
    store::require_handler(app, actor, &report).await?;
    let before = match report.reporter_id {
        Some(id) => store::reporter(app, id).await?,
        None => {
            let message = "the report was received without a reporter, so there is nobody to link: have the person \
                           report through the channel again under their name, and join that report to this \
                           one's event (receiveReport with reporter and joinEvent)";
            return Err(Error::Refused(vec![Refusal::on(RefusalCode::MissingFact, "report", message)]));
        }
    };
    if before.subject.as_ref() == Some(&subject) {
        return Ok(before);
    }
    require_not_erased(&before)?;
    refuse_own(actor, &before)?;
    if *subject == *actor.subject || crate::payout::store::decides_for(app, before.id, &subject).await? {
        let message = "whoever links or pays a reporter is not that reporter: somebody else has to link you, and \
                       others have to decide the payouts that are live";
        return Err(Error::Refused(vec![Refusal::on(RefusalCode::FourEyes, "subject", message)]));
    }
    if before.subject.is_some() {
        if !actor.is(Role::Analyst) {
            let message = "the reporter is linked to another subject: ask an analyst to change it";
            return Err(Error::Refused(vec![Refusal::on(RefusalCode::Contradiction, "subject", message)]));
        }
        // Whoever moves a link takes the reports from somebody: it has to be the link that they saw.
        let Some(expected) = input.expected_version else {
            let message =
                "the reporter is linked to another subject: send the reporter's version that you saw";
            return Err(Error::bad_input("input.expectedVersion", message));
        };
        expect_version(before.version, expected)?;
    }
    // What somebody else chose is not what this person chooses.
    let after = reporter::Model { subject: Some(subject), named: false, ..before.clone() };
    change(app, ChangeSet::new(app, actor, Action::LinkReporter), vec![(before, after)]).await
}

/// What is known of a reporter; what is left out stays. 更正报告人信息；未提供的保持不变。
#[derive(Clone, Debug, InputObject)]
pub struct UpdateReporter {
    /// The reporter. 报告人。
    pub reporter: Id<reporter::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// Name or pseudonym; null clears it. 姓名或昵称；null 表示清除。
    pub name: MaybeUndefined<String>,
    /// Address; null clears it. 邮箱；null 表示清除。
    pub email: MaybeUndefined<String>,
    /// Own staff: all their reports count as internal. 是否为内部员工，影响其全部报告的来源。
    pub staff: Option<bool>,
}

/// Corrects what is known of a reporter.
///
/// # Errors
/// By policy, visibility and version; a refusal when the reporter is erased; FOUR_EYES for one's own row.
pub async fn update_reporter(app: &App, actor: &Actor, input: &UpdateReporter) -> Result<reporter::Model> {
    require(actor, Action::UpdateReporter)?;
    let before = store::find_reporter(app, actor, input.reporter.0).await?;
    expect_version(before.version, input.expected_version)?;
    require_not_erased(&before)?;
    refuse_own(actor, &before)?;
    let mut after = before.clone();
    if !input.name.is_undefined() {
        after.name = optional_text("input.name", input.name.as_opt_ref().flatten(), INDEXED)?;
    }
    if !input.email.is_undefined() {
        after.email = optional_text("input.email", input.email.as_opt_ref().flatten(), INDEXED)?;
    }
    after.staff = input.staff.unwrap_or(before.staff);
    change(app, ChangeSet::new(app, actor, Action::UpdateReporter), vec![(before, after)]).await
}

/// Whether one is named on leaderboards. 是否在排行榜上显示姓名或昵称。
#[derive(Clone, Copy, Debug, InputObject)]
pub struct SetLeaderboardName {
    /// Whether others read the name by which one reported; without it they read a place alone.
    /// 是否向他人显示报告时使用的姓名或昵称；否则他人只能看到名次。
    pub named: bool,
}

/// Names a reporter on leaderboards, or no longer, as they choose themselves: under whatever channels they are known.
///
/// # Errors
/// By policy; NOT_FOUND when no reporter is linked to the actor's subject.
pub async fn set_leaderboard_name(app: &App, actor: &Actor, input: &SetLeaderboardName) -> Result<bool> {
    require(actor, Action::SetLeaderboardName)?;
    let rows = store::reporters_of(app, &actor.subject).await?;
    if rows.is_empty() {
        return Err(Error::NotFound);
    }
    let mut changes = ChangeSet::new(app, actor, Action::SetLeaderboardName);
    let others = rows.into_iter().filter(|row| row.named != input.named).collect::<Vec<_>>();
    if others.is_empty() {
        return Ok(input.named);
    }
    for row in others {
        // Nobody's next step depends on it.
        let chosen = reporter::Model { named: input.named, ..row.clone() };
        changes.revise(app, &row, chosen, None, Bump::RevisionOnly);
    }
    app.commit(changes).await?;
    Ok(input.named)
}

/// Whose personal data are erased. 清除报告人的个人信息。
#[derive(Clone, Debug, InputObject)]
pub struct EraseReporter {
    /// The reporter. 报告人。
    pub reporter: Id<reporter::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// Why. 原因。
    pub reason: String,
}

/// Erases name, address, account and subject, and with the subject the access to the reports and what is kept of their
/// tokens and requests; reports and audit keep the id. Whoever stands in several rows is erased from all of them, also from
/// those that the actor may not see.
///
/// # Errors
/// By policy, visibility and version; a refusal when it is done already.
pub async fn erase_reporter(app: &App, actor: &Actor, input: &EraseReporter) -> Result<reporter::Model> {
    require(actor, Action::EraseReporter)?;
    let reason = require_text("input.reason", &input.reason, SHORT)?;
    let before = store::find_reporter(app, actor, input.reporter.0).await?;
    expect_version(before.version, input.expected_version)?;
    require_not_erased(&before)?;
    let mut changes = ChangeSet::new(app, actor, Action::EraseReporter).because(Some(reason));
    let mut rows = vec![before];
    if let Some(subject) = rows[0].subject.clone() {
        rows.extend(store::others_of(app, rows[0].id, &subject).await?);
        idempotency::forget(&mut changes, &subject, Action::AddToReport);
        principal::forget_reporter(app, &mut changes, &subject).await?;
    }
    let erased_at = Some(changes.at());
    let mut both = Vec::new();
    for before in rows {
        crate::mail::store::forget_sender(&mut changes, before.id);
        let after = reporter::Model {
            name: None,
            email: None,
            payee_account: None,
            payee_account_set_by: None,
            subject: None,
            named: false,
            erased_at,
            ..before.clone()
        };
        both.push((before, after));
    }
    change(app, changes, both).await
}

/// Refuses that somebody changes who they are as a reporter: what they may not decide follows from it, and what they earn.
fn refuse_own(actor: &Actor, reporter: &reporter::Model) -> Result<()> {
    if reporter.subject.as_deref() == Some(&*actor.subject) {
        let message = "this reporter is you: somebody else has to change what is known of you";
        return Err(Error::Refused(vec![Refusal::on(RefusalCode::FourEyes, "subject", message)]));
    }
    Ok(())
}

fn require_not_erased(reporter: &reporter::Model) -> Result<()> {
    match reporter.erased_at {
        None => Ok(()),
        Some(_) => Err(Error::refused(RefusalCode::Frozen, "the reporter's personal data are erased")),
    }
}

/// Writes a person's changed rows, each as it was and as it is, with what follows: access to their reports, and the reports'
/// origin. Answers the first of them.
async fn change(
    app: &App,
    mut changes: ChangeSet,
    rows: Vec<(reporter::Model, reporter::Model)>,
) -> Result<reporter::Model> {
    if let Some((before, after)) = rows.first()
        && (before.subject != after.subject || before.staff != after.staff)
    {
        let reports = store::reports_of(app, rows.iter().map(|(row, _)| row.id), MAX_REPORTS + 1).await?;
        if reports.len() as u64 > MAX_REPORTS {
            let message = format!("the reporter has more than {MAX_REPORTS} reports: that is no one person");
            return Err(Error::refused(RefusalCode::Contradiction, message));
        }
        follow(app, &mut changes, reports, before, after).await?;
        crate::payout::payee::follow(app, &mut changes, &rows).await?;
    }
    let mut first = None;
    for (before, after) in rows {
        let after = changes.revise(app, &before, after, None, Bump::Version);
        first.get_or_insert(after);
    }
    app.commit(changes).await?;
    first.ok_or(Error::NotFound)
}

async fn follow(
    app: &App,
    changes: &mut ChangeSet,
    reports: Vec<report::Model>,
    before: &reporter::Model,
    after: &reporter::Model,
) -> Result<()> {
    let events = store::events(app, reports.iter().map(|report| report.event_id)).await?;
    let channels = store::channel_keys(app, &reports).await?;
    let mut by_event: HashMap<_, Vec<report::Model>> = HashMap::new();
    for report in reports {
        by_event.entry(report.event_id).or_default().push(report);
    }
    for event in events {
        let reports = by_event.remove(&event.id).unwrap_or_default();
        // Only what hangs on these reports moves, so only they are needed to tell the difference.
        let facts = |subject: &Option<String>| {
            let mut facts = AccessFacts::new(event.clone());
            facts.reports.extend(reports.iter().map(|report| {
                let key = channels.get(&report.channel_id).cloned().unwrap_or_default();
                (report.clone(), key, subject.clone())
            }));
            facts
        };
        regrant(changes, Some(&facts(&before.subject)), &facts(&after.subject));
        // A person's rows need not agree in it, where it is not what changes.
        for report in reports.iter().filter(|_| before.staff != after.staff) {
            let changed = report::Model { origin: rules::origin(after.staff), ..report.clone() };
            changes.update(report, &changed);
        }
        changes.revise(app, &event, event.clone(), Some(event.id), Bump::RevisionOnly);
    }
    Ok(())
}
