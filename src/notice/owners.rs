//! Webhook endpoints to which nothing leaves since their owner is gone: those who look after the installation are told.

use chrono::{DateTime, Utc};
use entity::principal;
use entity::vocabulary::NoticeKind;
use uuid::Uuid;

use super::{Told, keepers, rules, store, tell_once};
use crate::app::App;
use crate::auth::policy::Action;
use crate::auth::{Actor, Role};
use crate::error::Result;
use crate::outbox::ChangeSet;
use crate::schedule::Due;
use crate::webhook::store as webhooks;

/// Who mends it: one names another owner, the other takes the grant away.
const KEEPERS: [Role; 2] = [Role::Admin, Role::Leader];

/// Endpoints whose owner was denied or went stale, and of which nobody was told.
pub struct OwnersGone;

impl Due for OwnersGone {
    const NAME: &'static str = "endpoints without an owner";

    async fn due(app: &App, at: DateTime<Utc>, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
        let mut found = Vec::new();
        let endpoints = webhooks::active(app, after).await?;
        if endpoints.is_empty() || keepers(app, &KEEPERS).await?.is_empty() {
            return Ok(found);
        }
        for endpoint in endpoints {
            let owners = webhooks::principals(app, &endpoint.owner).await?;
            let Some(key) = key(app, endpoint.id, &owners, at) else { continue };
            if store::told(app, &key).await?.is_empty() {
                found.push(endpoint.id);
            }
            if found.len() as u64 >= limit {
                break;
            }
        }
        Ok(found)
    }

    async fn carry_out(app: &App, actor: &Actor, piece: Uuid) -> Result<()> {
        let endpoint = webhooks::find(app, piece).await?;
        let owners = webhooks::principals(app, &endpoint.owner).await?;
        let Some(key) = key(app, piece, &owners, app.clock.now()) else { return Ok(()) };
        let mut changes = ChangeSet::new(app, actor, Action::TellTrouble);
        let told = Told {
            kind: NoticeKind::EndpointOwnerGone,
            percent: None,
            event: None,
            about: piece,
            once: Some(key),
        };
        if tell_once(app, &mut changes, keepers(app, &KEEPERS).await?, &told).await? {
            app.commit(changes).await?;
        }
        Ok(())
    }
}

fn key(app: &App, endpoint: Uuid, owners: &[principal::Model], at: DateTime<Utc>) -> Option<String> {
    rules::owner_gone(endpoint, owners, app.principal_settings.stale_after_days, at)
}
