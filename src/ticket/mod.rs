//! Tickets: a product line's fix as engineers have it in the ticketing system that they work with.
//!
//! A *tracker* is such a system: where it is, how it is spoken to ([`profile`]), which of its statuses stands for
//! which state of a fix, and how secret an event may be that it is told of. A *ticket* is one fix in one tracker.
//!
//! The product leads. What a ticket has to say follows from the rows (the state of its fix differs from what the
//! tracker was told), so there is no queue to lose: the [`worker`] finds it, looks for a ticket with our marker before
//! it makes one, writes the status, and reads it back ([`sync`], [`engine`]), with what keeps it from the eyes of others.
//! What the tracker refuses, or leaves out, stands on the ticket in its own words, and who opened it is told.
//!
//! A change in the tracker is a proposal. A hook's body is never believed: it only says which ticket to look at
//! ([`take_hook`]), so hooks that are repeated, late or forged change nothing; a tracker without hooks is looked at in
//! intervals. A status proposes the state that it stands for. That the fix is submitted, the rules of the remediation
//! accept or refuse; that it failed, passed or is no risk is found out and decided here, and refused
//! ([`rules::never_by_tracker`]). A status that is not known proposes nothing.

pub mod engine;
pub mod graphql;
pub mod profile;
pub mod reconcile;
pub mod rules;
pub mod store;
pub mod template;
pub mod tracker;
pub mod worker;

mod hook;
mod sync;

use async_graphql::InputObject;
use entity::vocabulary::{TicketState, TrackerState};
use entity::{remediation, ticket};
use serde::Serialize;
use uuid::Uuid;

use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::{expect_version, require_text};
use crate::graphql::scalars::Id;
use crate::idempotency::{self, Replay};
use crate::outbox::{Bump, ChangeSet, Opaque, message};
use crate::webhook::rules::Abroad;
pub use hook::{HookOutcome, take_hook};

/// Longest name, parameter or status, in characters.
const SHORT: usize = 200;

/// Tells how a ticket stands.
fn tell(app: &App, changes: &mut ChangeSet, row: &ticket::Model) {
    let told = message::TicketChanged {
        ticket: Opaque::new(row.id),
        remediation: Opaque::new(row.remediation_id),
        state: row.state,
    };
    changes.message(app, Some(row.event_id), &told);
}

/// A ticket to open. 待创建的工单。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct OpenTicket {
    /// The line's fix. 产品线修复。
    pub remediation: Id<remediation::Entity>,
    /// The tracker. 工单系统。
    pub tracker: Id<entity::tracker::Entity>,
    /// Recognises the creation when it is sent again. 幂等键。
    pub idempotency_key: Option<String>,
}

/// A ticket that is there already. 待关联的已有工单。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct LinkTicket {
    /// The line's fix. 产品线修复。
    pub remediation: Id<remediation::Entity>,
    /// The tracker. 工单系统。
    pub tracker: Id<entity::tracker::Entity>,
    /// The tracker's own id of it. 工单系统中的编号。
    pub external_id: String,
    /// Recognises the creation when it is sent again. 幂等键。
    pub idempotency_key: Option<String>,
}

/// A ticket as it was seen. 所见的工单。
#[derive(Clone, Debug, InputObject)]
pub struct TicketMove {
    /// The ticket. 工单。
    pub ticket: Id<ticket::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
}

/// Opens a ticket for a line's fix; it is made in the tracker a moment later.
///
/// # Errors
/// By policy, visibility and line; refusals when there is one, or the tracker may not be told.
pub async fn open(app: &App, actor: &Actor, input: &OpenTicket) -> Result<ticket::Model> {
    require(actor, Action::OpenTicket)?;
    let once = input.idempotency_key.as_deref();
    match idempotency::replay(app, actor, Action::OpenTicket, once, input).await? {
        Replay::Done(id) => store::find(app, actor, id).await,
        Replay::First(once) => {
            let asked = Asked { action: Action::OpenTicket, fix: input.remediation, tracker: input.tracker };
            start(app, actor, asked, None, once).await
        }
    }
}

/// Links a ticket that is there to a line's fix, once the worker has found it there.
///
/// # Errors
/// Those of [`open`]; a refusal when the ticket stands for another fix that the actor may see.
pub async fn link(app: &App, actor: &Actor, input: &LinkTicket) -> Result<ticket::Model> {
    require(actor, Action::LinkTicket)?;
    let once = input.idempotency_key.as_deref();
    match idempotency::replay(app, actor, Action::LinkTicket, once, input).await? {
        Replay::Done(id) => store::find(app, actor, id).await,
        Replay::First(once) => {
            let external = require_text("input.externalId", &input.external_id, SHORT)?;
            if [".", ".."].contains(&external.as_str()) || external.chars().any(char::is_control) {
                return Err(Error::bad_input("input.externalId", "send the tracker's own id of the ticket"));
            }
            let asked = Asked { action: Action::LinkTicket, fix: input.remediation, tracker: input.tracker };
            start(app, actor, asked, Some(external), once).await
        }
    }
}

struct Asked {
    action: Action,
    fix: Id<remediation::Entity>,
    tracker: Id<entity::tracker::Entity>,
}

async fn start(
    app: &App,
    actor: &Actor,
    asked: Asked,
    external: Option<String>,
    once: Option<idempotency::Key>,
) -> Result<ticket::Model> {
    let (event, fix) = crate::remediation::store::find(app, actor, asked.fix.0).await?;
    let tracker = store::tracker(app, asked.tracker.0).await?;
    let refuse = |code, field, message: &str| Err(Error::Refused(vec![Refusal::on(code, field, message)]));
    if tracker.state != TrackerState::Active {
        return refuse(RefusalCode::Frozen, "tracker", "the tracker is paused: choose another, or resume it");
    }
    if !tracker.lines.0.is_empty() && !tracker.lines.0.contains(&fix.line) {
        return refuse(
            RefusalCode::Contradiction,
            "tracker",
            "the tracker does not take tickets of this line",
        );
    }
    let may_go = may_go_abroad(app, event.id).await?;
    let withheld = rules::withheld(event.tlp, tracker.tlp_ceiling, tracker.abroad, may_go);
    if let Some(reason) = withheld {
        return refuse(RefusalCode::Contradiction, "tracker", reason);
    }
    if store::kept(app, fix.id, tracker.id).await?.is_some() {
        return refuse(
            RefusalCode::AlreadyExists,
            "tracker",
            "the line has a ticket there: unlink that first",
        );
    }
    // One that stands for a fix which the actor may not see is found out by the worker, and refused like one that is not
    // there.
    if let Some(id) = &external
        && store::seen_by_external_id(app, actor, &tracker, id).await?.is_some()
    {
        return refuse(RefusalCode::AlreadyExists, "externalId", "this ticket stands for a fix already");
    }
    let mut changes = ChangeSet::new(app, actor, asked.action);
    let row = ticket::Model {
        id: app.ids.next(),
        event_id: event.id,
        remediation_id: fix.id,
        tracker_id: tracker.id,
        place_id: tracker.place_id,
        external_id: None,
        asked_id: external,
        url: None,
        state: TicketState::Pending,
        pushed_state: None,
        seen_status: None,
        proposal: None,
        note: None,
        remark: None,
        attempts: 0,
        due_at: Some(changes.at()),
        lease_until: None,
        opened_by: actor.subject.to_string(),
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: changes.at(),
        changed_at: changes.at(),
    };
    // Its id means this ticket only where the tracker was read to be.
    changes.demand(&tracker);
    tell(app, &mut changes, &row);
    let row = changes.create(app, row, Some(event.id));
    if let Some(once) = &once {
        changes.remember(once, row.id);
    }
    app.commit(changes).await?;
    Ok(row)
}

/// The ticket, if the actor may see it and works on its line.
async fn load(app: &App, actor: &Actor, input: &TicketMove) -> Result<ticket::Model> {
    let before = store::find(app, actor, input.ticket.0).await?;
    crate::remediation::store::find(app, actor, before.remediation_id).await?;
    expect_version(before.version, input.expected_version)?;
    if before.state == TicketState::Unlinked {
        return Err(Error::refused(RefusalCode::Frozen, "the ticket is unlinked: open or link one anew"));
    }
    Ok(before)
}

/// Tries a ticket again that was refused or given up, or looks at one now.
///
/// # Errors
/// By policy, visibility, line and version; a refusal when it is unlinked.
pub async fn retry(app: &App, actor: &Actor, input: &TicketMove) -> Result<ticket::Model> {
    require(actor, Action::RetryTicket)?;
    let before = load(app, actor, input).await?;
    let mut changes = ChangeSet::new(app, actor, Action::RetryTicket);
    let mut after = again(&before, changes.at());
    if before.state == TicketState::Linked {
        // What it says now is heard before anything is said.
        after.pushed_state = before.pushed_state;
    }
    tell(app, &mut changes, &after);
    let after = changes.revise(app, &before, after, Some(before.event_id), Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

/// A ticket that the tracker is to be told of anew.
fn again(before: &ticket::Model, now: chrono::DateTime<chrono::Utc>) -> ticket::Model {
    ticket::Model {
        state: TicketState::Pending,
        pushed_state: None,
        note: None,
        attempts: 0,
        due_at: Some(now),
        ..before.clone()
    }
}

/// Keeps a ticket in step no longer. In the tracker it stays as it is.
///
/// # Errors
/// By policy, visibility, line and version; a refusal when it is unlinked already.
pub async fn unlink(app: &App, actor: &Actor, input: &TicketMove) -> Result<ticket::Model> {
    require(actor, Action::UnlinkTicket)?;
    let before = load(app, actor, input).await?;
    let mut changes = ChangeSet::new(app, actor, Action::UnlinkTicket);
    let after = ticket::Model { state: TicketState::Unlinked, due_at: None, ..before.clone() };
    tell(app, &mut changes, &after);
    let after = changes.revise(app, &before, after, Some(before.event_id), Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

/// Whether tickets of the event may be abroad: they say what it is, so no reduced permission suffices.
async fn may_go_abroad(app: &App, event: Uuid) -> Result<bool> {
    let may = crate::webhook::store::abroad(app, &[event].into()).await?;
    Ok(may.get(&event) == Some(&Abroad::Full))
}
