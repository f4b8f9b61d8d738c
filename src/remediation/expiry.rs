//! The end of an accepted risk: announced to the leading group before, and then the line is to be fixed again.

use chrono::{DateTime, Utc};
use entity::vocabulary::{RemediationState, Verdict};
use entity::{decision, event, remediation};
use sea_orm::EntityTrait;
use uuid::Uuid;

use super::rules::{self, Risk};
use super::{Moving, store, write_moving};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::Action;
use crate::error::Result;
use crate::event::rules::Cause;
use crate::outbox::{Bump, ChangeSet};
use crate::schedule::Due;

/// Accepted risks whose decision is about to end, or has ended.
pub struct RiskExpiry;

impl Due for RiskExpiry {
    const NAME: &'static str = "accepted risks";

    async fn due(app: &App, at: DateTime<Utc>, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
        store::ending_risks(app, at, after, limit).await
    }

    async fn carry_out(app: &App, actor: &Actor, piece: Uuid) -> Result<()> {
        let db = app.database.reader();
        let Some(fix) = remediation::Entity::find_by_id(piece).one(db).await? else { return Ok(()) };
        let Some(event) = event::Entity::find_by_id(fix.event_id).one(db).await? else { return Ok(()) };
        let accepted = fix.risk_decision_id.filter(|_| fix.state == RemediationState::RiskAccepted);
        let Some(id) = accepted else { return Ok(()) };
        let Some(decision) = decision::Entity::find_by_id(id).one(db).await? else { return Ok(()) };
        match rules::risk(&decision, app.clock.now()) {
            Risk::Stands => Ok(()),
            Risk::Ending => announce(app, actor, &event, &decision).await,
            Risk::Ended => end(app, actor, &event, &fix).await,
        }
    }
}

/// Tells the leading group, once.
async fn announce(app: &App, actor: &Actor, event: &event::Model, decision: &decision::Model) -> Result<()> {
    let mut changes = ChangeSet::new(app, actor, Action::AnnounceRiskExpiry);
    crate::decision::announce_expiry(app, &mut changes, decision);
    changes.revise(app, event, event.clone(), Some(event.id), Bump::RevisionOnly);
    app.commit(changes).await
}

/// Returns the line to the fix, and with it the event, where that is still ours to fix and was past it.
async fn end(app: &App, actor: &Actor, event: &event::Model, fix: &remediation::Model) -> Result<()> {
    let reason = format!("the decision that accepted the risk of line {} expired", fix.line);
    let changes = ChangeSet::new(app, actor, Action::ExpireRisk).because(Some(reason.as_str()));
    let after =
        remediation::Model { state: RemediationState::Planned, risk_decision_id: None, ..fix.clone() };
    let ours = matches!(event.verdict, Some(Verdict::Confirmed | Verdict::KnownInternally));
    let moving = Moving { cause: ours.then_some(Cause::RiskExpired), reason: Some(&reason) };
    write_moving(app, changes, event, fix, after, moving).await.map(|_| ())
}
