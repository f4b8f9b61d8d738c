//! One token that is accepted no more: it was stolen, or lies in a log, while its subject goes on with others.
//!
//! It is named by its id (`jti`, RFC 7519, section 4.1.7), of which a hash alone is kept, and nobody can list what is
//! denied. The row stays as long as the token could be accepted, and goes then: what has expired is refused anyway.

use async_graphql::InputObject;
use chrono::{DateTime, Datelike, SubsecRound, TimeDelta, Utc};
use entity::denied_token;
use entity::vocabulary::ConfigurationKind;
use uuid::Uuid;

use super::{NOTE, require_exact, store};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Result};
use crate::event::require_text;
use crate::outbox::message::ConfigurationChanged;
use crate::outbox::{Bump, ChangeSet};
use crate::schedule::Due;

/// How long a denial outlives its token: more than any `auth.leeway_seconds`, and than replicas' clocks differ.
const OUTLIVES: TimeDelta = TimeDelta::hours(1);
/// The last year that instants are compared in: later ones have more digits.
const LAST_YEAR: i32 = 9999;

/// A token that is accepted no more. 待禁止的令牌。
#[derive(Clone, Debug, InputObject)]
pub struct DenyToken {
    /// Its id: the claim `jti`, exactly as it stands there. 令牌标识，即 `jti` 的原文。
    pub token_id: String,
    /// When it ends, by its claim `exp`; where that is not known, an instant that is surely later. After it the denial is
    /// forgotten. 到期时间（`exp`）；不详时取必定更晚的时间。此后不再保留该禁止。
    pub expires_at: DateTime<Utc>,
    /// Why. 原因。
    pub reason: String,
}

/// Refuses every later request with the token. Denying one again for no longer changes nothing.
///
/// # Errors
/// By policy; BAD_USER_INPUT on an ill-formed id and on an instant that is over or has no end.
pub async fn deny(app: &App, actor: &Actor, input: &DenyToken) -> Result<denied_token::Model> {
    require(actor, Action::DenyToken)?;
    let reason = require_text("input.reason", &input.reason, NOTE)?;
    require_exact("input.tokenId", &input.token_id)?;
    let mut changes = ChangeSet::new(app, actor, Action::DenyToken).because(Some(reason));
    // Whole seconds, as `exp` is read; both databases keep them alike.
    let expires_at = input.expires_at.trunc_subsecs(0);
    if expires_at <= changes.at() || expires_at.year() > LAST_YEAR {
        let remedy = format!("send when the token ends, ahead of now and before the year {}", LAST_YEAR + 1);
        return Err(Error::bad_input("input.expiresAt", remedy));
    }
    let token_hash = store::token_hash(&input.token_id);
    // Who listens for changes of who may act looks again.
    changes.message(app, None, &ConfigurationChanged { kind: ConfigurationKind::Principal });
    let row = match store::denied_token(app, &token_hash).await? {
        Some(before) if before.expires_at >= expires_at => return Ok(before),
        Some(before) => {
            let after = denied_token::Model { expires_at, ..before.clone() };
            changes.revise(app, &before, after, None, Bump::Version)
        }
        None => {
            let row = denied_token::Model {
                id: app.ids.next(),
                token_hash,
                expires_at,
                version: 1,
                revision: 1,
                audit_head: Vec::new(),
                changed_at: changes.at(),
            };
            changes.create(app, row, None)
        }
    };
    app.commit(changes).await?;
    Ok(row)
}

/// Forgetting tokens that have expired.
pub struct Forgetting;

impl Due for Forgetting {
    const NAME: &'static str = "forgetting denied tokens that have expired";

    async fn due(app: &App, at: DateTime<Utc>, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
        store::ended_before(app, at - OUTLIVES, after, limit).await
    }

    async fn carry_out(app: &App, _: &Actor, piece: Uuid) -> Result<()> {
        store::forget_token(app, piece, app.clock.now() - OUTLIVES).await
    }
}
