//! What becomes due by itself: people are told, and clocks are counted anew where the policy, a calendar or a channel
//! changed.

use async_graphql::InputObject;
use chrono::{DateTime, Utc};
use entity::vocabulary::{DeadlineKind, NoticeKind, Tlp};
use entity::{event, notice};
use uuid::Uuid;

use super::rules::{Around, Told, addressees};
use super::{Clocks, store};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::Result;
use crate::graphql::scalars::Id;
use crate::outbox::{Bump, ChangeSet, Opaque, message};
use crate::schedule::Due;

/// What the reporter is reminded with.
const REMINDER: &str = "We are still waiting for the information that we asked you for; after 72 hours we go on without it. \
                        我们仍在等待您补充信息；72小时后将在现有信息基础上继续处理。";

/// Clocks of which people are to be told: by event.
pub struct Telling;

impl Due for Telling {
    const NAME: &'static str = "deadlines";

    async fn due(app: &App, at: DateTime<Utc>, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
        store::to_tell(app, at, after, limit).await
    }

    async fn carry_out(app: &App, actor: &Actor, piece: Uuid) -> Result<()> {
        follow(app, actor, piece, Action::TellDeadline).await
    }
}

/// Clocks that were counted by what has changed since: by event.
pub struct Recounting;

impl Due for Recounting {
    const NAME: &'static str = "deadlines to count anew";

    async fn due(app: &App, _at: DateTime<Utc>, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
        store::to_recount(app, after, limit).await
    }

    async fn carry_out(app: &App, actor: &Actor, piece: Uuid) -> Result<()> {
        follow(app, actor, piece, Action::RecountDeadlines).await
    }
}

async fn follow(app: &App, actor: &Actor, event: Uuid, action: Action) -> Result<()> {
    let Some(before) = store::event(app, event).await? else { return Ok(()) };
    let mut clocks = Clocks::load(app, &before).await?;
    let mut changes = ChangeSet::new(app, actor, action);
    let mut after = before.clone();
    let (written, told) = clocks.replan_and_tell(app, &mut changes, &mut after)?;
    if !written {
        return Ok(());
    }
    if !told.is_empty() {
        tell(app, &mut changes, &before, &clocks, &told).await?;
    }
    let bump = if after == before { Bump::RevisionOnly } else { Bump::Version };
    changes.revise(app, &before, after, Some(before.id), bump);
    app.commit(changes).await
}

async fn tell(
    app: &App,
    changes: &mut ChangeSet,
    event: &event::Model,
    clocks: &Clocks,
    told: &[Told],
) -> Result<()> {
    let at_work = store::at_work(app, event.id).await?;
    let duties = store::duties(app, changes.at()).await?;
    let named = store::named(app, event.id).await?;
    let around = Around { at_work: &at_work, duties: &duties, named: &named, red: event.tlp == Tlp::Red };
    for one in told {
        let (deadline, kind) = (Opaque::new(one.deadline.id), one.deadline.kind);
        let breached = one.is_breach();
        if breached {
            changes.message(app, Some(event.id), &message::DeadlineBreached { deadline, kind });
        } else {
            let percent = one.percent;
            changes.message(app, Some(event.id), &message::DeadlineDueSoon { deadline, kind, percent });
        }
        for subject in addressees(one, &around) {
            changes.insert(&notice::Model {
                id: app.ids.next(),
                subject,
                kind: if breached { NoticeKind::Breached } else { NoticeKind::DueSoon },
                percent: one.percent,
                event_id: event.id,
                deadline_id: one.deadline.id,
                created_at: changes.at(),
                read_at: None,
            });
        }
        let asked = clocks.facts.reports.iter().find(|report| Some(report.id) == one.deadline.report_id);
        if let Some(report) = asked.filter(|_| kind == DeadlineKind::Information && !breached) {
            crate::comment::write_to_reporter(app, changes, event, report, REMINDER);
        }
    }
    Ok(())
}

/// A notice that was read. 已读提醒。
#[derive(Clone, Debug, InputObject)]
pub struct MarkNoticeRead {
    /// The notice, one of your own. 本人的提醒。
    pub notice: Id<notice::Entity>,
}

/// Marks a notice of the actor's own as read; doing it again changes nothing.
///
/// # Errors
/// By policy; NOT_FOUND when it is another's, hidden or absent.
pub async fn mark_notice_read(app: &App, actor: &Actor, input: &MarkNoticeRead) -> Result<notice::Model> {
    require(actor, Action::MarkNoticeRead)?;
    let before = store::notice(app, actor, input.notice.0).await?;
    if before.read_at.is_some() {
        return Ok(before);
    }
    let mut changes = ChangeSet::new(app, actor, Action::MarkNoticeRead);
    let after = notice::Model { read_at: Some(changes.at()), ..before.clone() };
    changes.update(&before, &after);
    changes.record(app, "notice", after.id);
    app.commit(changes).await?;
    Ok(after)
}
