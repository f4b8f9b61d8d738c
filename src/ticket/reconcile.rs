//! Comparing what trackers say with what the product says.

use entity::vocabulary::{RemediationState, TicketState, TrackerState};
use entity::{ticket, tracker};
use serde_json::Map;
use uuid::Uuid;

use super::engine::{Session, Trouble};
use super::rules::{Heard, heard};
use super::sync::ELSEWHERE;
use super::tracker::{credentials, profile_of};
use super::{again, store};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::Result;
use crate::outbound::Client;
use crate::outbox::{Bump, ChangeSet, retrying};

/// A ticket that does not say what the product says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// The ticket.
    pub ticket: Uuid,
    /// Its tracker's name.
    pub tracker: String,
    /// The tracker's own id of it; none when it was never made.
    pub external_id: Option<String>,
    /// The state of the fix.
    pub state: RemediationState,
    /// What the tracker should say.
    pub expected: String,
    /// What it says, or why it was not asked: it was withheld, refused or given up, or could not be read.
    pub found: std::result::Result<String, String>,
}

/// Reads every linked ticket of every active tracker and answers those that differ, with those that are not in step since
/// they were withheld, refused or given up.
///
/// # Errors
/// By policy; of the database.
pub async fn drift(app: &App, client: &Client, actor: &Actor) -> Result<Vec<Drift>> {
    require(actor, Action::RetryTicket)?;
    let mut all = Vec::new();
    for tracker in store::all_trackers(app).await? {
        if tracker.state != TrackerState::Active {
            continue;
        }
        for ticket in store::kept_in(app, tracker.id).await? {
            all.extend(compare(app, client, &tracker, &ticket).await?);
        }
    }
    Ok(all)
}

async fn compare(
    app: &App,
    client: &Client,
    tracker: &tracker::Model,
    ticket: &ticket::Model,
) -> Result<Option<Drift>> {
    let profile = profile_of(tracker)?;
    let state = store::fix_state(app, ticket.remediation_id).await?;
    let Some(state) = state else { return Ok(None) };
    let Some(expected) = profile.statuses.get(&state) else { return Ok(None) };
    let drift = |found| Drift {
        ticket: ticket.id,
        tracker: tracker.name.clone(),
        external_id: ticket.external_id.clone().or_else(|| ticket.asked_id.clone()),
        state,
        expected: expected.read.clone(),
        found,
    };
    if ticket.place_id != tracker.place_id {
        return Ok(Some(drift(Err(ELSEWHERE.to_owned()))));
    }
    let (TicketState::Linked, Some(id)) = (ticket.state, &ticket.external_id) else {
        let note = ticket.note.as_deref().unwrap_or("nobody knows why");
        return Ok(Some(drift(Err(format!("{}: {note}", ticket.state)))));
    };
    let session = Session::open(app, client, tracker, &profile, credentials(app, tracker)?, Map::new()).await;
    let seen = match session {
        Ok(mut session) => session.read(id).await,
        Err(trouble) => Err(trouble),
    };
    let found = match seen {
        Ok(seen) if seen.status == expected.read => return Ok(None),
        Ok(seen) => Ok(seen.status),
        Err(Trouble::Refused(words) | Trouble::Later { words, .. }) => Err(words),
    };
    Ok(Some(drift(found)))
}

/// Mends a ticket. What it proposes and was not heard yet (its hook was lost, say) is heard; else it is told anew what
/// the product says, as is one that was refused or given up. One that is withheld or could not be read is left alone.
///
/// # Errors
/// By policy; of the database.
pub async fn mend(app: &App, actor: &Actor, drift: &Drift) -> Result<()> {
    require(actor, Action::RetryTicket)?;
    retrying(|| async {
        let before = store::find(app, actor, drift.ticket).await?;
        let found = match (&drift.found, before.state) {
            (Ok(found), _) => found.as_str(),
            (Err(_), TicketState::Refused | TicketState::Failed) => "",
            (Err(_), _) => return Ok(()),
        };
        let profile = profile_of(&store::tracker(app, before.tracker_id).await?)?;
        let seen = before.seen_status.as_deref();
        let heard = heard(found, seen, before.pushed_state, &profile.statuses, &profile.ready_statuses);
        let mut changes = ChangeSet::new(app, actor, Action::RetryTicket);
        let after = match heard {
            Heard::Proposes(_) => ticket::Model { due_at: Some(changes.at()), ..before.clone() },
            Heard::Echo | Heard::Unknown => again(&before, changes.at()),
        };
        changes.revise(app, &before, after, Some(before.event_id), Bump::Version);
        app.commit(changes).await
    })
    .await
}
