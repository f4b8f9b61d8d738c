//! What becomes due by itself: people are told, and clocks are counted anew where the policy, a calendar or a channel
//! changed.

use chrono::{DateTime, Utc};
use entity::event;
use entity::vocabulary::{DeadlineKind, NoticeKind};
use uuid::Uuid;

use super::rules::{Told, addressees};
use super::{Clocks, store};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::Action;
use crate::error::{Error, Result};
use crate::notice;
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

pub(super) async fn follow(app: &App, actor: &Actor, event: Uuid, action: Action) -> Result<()> {
    let mut clocks = match Clocks::of_any(app, event).await {
        Ok(clocks) => clocks,
        Err(Error::NotFound) => return Ok(()),
        Err(error) => return Err(error),
    };
    let before = clocks.facts.event.clone();
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
    let people = store::people(app, event).await?;
    let around = people.around();
    for one in told {
        let (deadline, kind) = (Opaque::new(one.deadline.id), one.deadline.kind);
        let breached = one.is_breach();
        if let Some(reason) = one.undated() {
            changes.message(app, Some(event.id), &message::DeadlineUndated { deadline, kind, reason });
        } else if breached {
            changes.message(app, Some(event.id), &message::DeadlineBreached { deadline, kind });
        } else {
            let percent = one.percent;
            changes.message(app, Some(event.id), &message::DeadlineDueSoon { deadline, kind, percent });
        }
        let notice = notice::Told {
            kind: match one.undated() {
                Some(_) => NoticeKind::Undated,
                None if breached => NoticeKind::Breached,
                None => NoticeKind::DueSoon,
            },
            percent: one.undated().is_none().then_some(one.percent),
            event: Some(event.id),
            about: one.deadline.id,
            once: None,
        };
        let people = notice::or_leading(app, addressees(one, &around)).await?;
        notice::write(app, changes, people, &notice);
        let asked = clocks.facts.reports.iter().find(|report| Some(report.id) == one.deadline.report_id);
        // Whoever asked a database or regulator did it by a reply.
        let asked = asked.filter(|report| {
            let channel = clocks.facts.channels.get(&report.channel_id);
            channel.is_some_and(|channel| !crate::reply::rules::is_official(channel.kind))
        });
        if let Some(report) = asked.filter(|_| kind == DeadlineKind::Information && !breached) {
            crate::comment::write_to_reporter(app, changes, event, report, REMINDER).await?;
        }
    }
    Ok(())
}
