//! The inbox: each hook once, written down before it is carried out, with the answer that it got.

use chrono::TimeDelta;
use entity::hook_inbox;
use entity::vocabulary::{HookSourceKind, HookState, NoticeKind};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::message::Outcome;
use super::source::Source;
use super::{rules, store};
use crate::app::App;
use crate::auth::policy::Action;
use crate::auth::{Actor, Origin, Role};
use crate::error::Result;
use crate::notice;
use crate::notice::rules::{FAILING, daily};
use crate::outbox::{ChangeSet, Opaque, message, retrying};

/// How long the request that brought a hook has to carry it out before the worker does.
const LEASE: TimeDelta = TimeDelta::seconds(5);

/// What a sender is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// JSON.
    pub body: String,
}

/// Takes a hook that is proven. One that came before gets the answer that it got then, unless its sender gives hooks no
/// ids: then the same body may tell of another change, and is carried out again.
///
/// # Errors
/// Of the database. A hook that could not be carried out for a fault of ours stays in the inbox and answers none.
pub async fn take(
    app: &App,
    source: &Source,
    hook_id: &str,
    body: Vec<u8>,
    origin: Origin,
) -> Result<Option<Answer>> {
    let now = app.clock.now();
    let row = hook_inbox::Model {
        id: app.ids.next(),
        source_kind: source.kind(),
        source_id: source.id(),
        hook_id: hook_id.to_owned(),
        body_hash: Sha256::digest(&body).to_vec(),
        body: Some(body.clone()),
        address: origin.address,
        request_id: origin.request_id,
        received_at: now,
        state: HookState::Pending,
        attempts: 0,
        due_at: now + LEASE,
        status: None,
        answer: None,
        processed_at: None,
    };
    if store::write_down(app, row.clone()).await? {
        return carry_out(app, source, &row).await;
    }
    let known = store::known(app, &row).await?;
    if known.body_hash != row.body_hash {
        let message = "this webhook-id came with another body before: give each hook an id of its own";
        let body = json!({ "errors": [{ "code": "KEY_REUSED", "field": "webhook-id", "message": message }] });
        return Ok(Some(Answer { status: 409, body: body.to_string() }));
    }
    match answered(&known) {
        // Nothing tells it from one that says the same of a later change.
        Some(_) if !source.names_its_hooks()? => match source.carry_out(app, &known, &body).await {
            Outcome::Done(answer) => {
                Ok(Some(Answer { status: source.done_status(), body: answer.to_string() }))
            }
            Outcome::Refused(status, errors) => Ok(Some(Answer { status, body: errors.to_string() })),
            Outcome::Later(error) => Err(error),
        },
        Some(answer) => Ok(Some(answer)),
        None => carry_out(app, source, &known).await,
    }
}

fn answered(row: &hook_inbox::Model) -> Option<Answer> {
    let status = row.status.and_then(|status| status.try_into().ok())?;
    Some(Answer { status, body: row.answer.clone()? })
}

/// Carries out what was written down and keeps the answer. Done twice, it has one effect.
async fn carry_out(app: &App, source: &Source, row: &hook_inbox::Model) -> Result<Option<Answer>> {
    // Answered by another between our look and now: the sender asks again.
    let Some(body) = &row.body else { return Ok(None) };
    let (state, status, answer) = match source.carry_out(app, row, body).await {
        Outcome::Done(answer) => (HookState::Done, source.done_status(), answer),
        Outcome::Refused(status, errors) => {
            tracing::warn!(sender = source.subject(), hook = %row.id, status, "a proven hook was refused");
            tell(app, source).await?;
            (HookState::Refused, status, errors)
        }
        Outcome::Later(error) => {
            tracing::error!(sender = source.subject(), hook = %row.id, ?error, "a hook was not carried out");
            let attempts = row.attempts.saturating_add(1);
            if attempts >= FAILING {
                tell(app, source).await?;
            }
            store::put_off(app, row.id, attempts, app.clock.now() + rules::wait(attempts)).await?;
            return Ok(None);
        }
    };
    let body = answer.to_string();
    store::settle(app, row.id, state, status, &body, app.clock.now()).await?;
    Ok(Some(Answer { status, body }))
}

/// Tells those who look after the installation, once a day, that hooks of a sender are refused or not carried out.
async fn tell(app: &App, source: &Source) -> Result<()> {
    let told = notice::Told {
        kind: match source.kind() {
            HookSourceKind::Channel => NoticeKind::ChannelHooksFailing,
            HookSourceKind::Tracker => NoticeKind::TrackerHooksFailing,
        },
        percent: None,
        event: None,
        about: source.id(),
        once: Some(daily("hooks", source.id(), app.clock.now())),
    };
    retrying(|| async {
        let people = notice::keepers(app, &[Role::Admin]).await?;
        let mut changes = ChangeSet::new(app, &Actor::schedule(), Action::TellTrouble);
        if notice::tell_once(app, &mut changes, people, &told).await? {
            let sender = source.id();
            let (channel, tracker) = match source.kind() {
                HookSourceKind::Channel => (Some(Opaque::new(sender)), None),
                HookSourceKind::Tracker => (None, Some(Opaque::new(sender))),
            };
            changes.message(app, None, &message::HookFailing { channel, tracker });
            app.commit(changes).await?;
        }
        Ok(())
    })
    .await
}

/// Carries out one hook that its request left behind.
///
/// # Errors
/// Of the database.
pub(super) async fn carry_out_left(app: &App, row: &hook_inbox::Model) -> Result<bool> {
    let source = Source::of(app, row).await?;
    Ok(carry_out(app, &source, row).await?.is_some())
}
