//! Reads of events under embargo or TLP:RED: noted while an answer is made, recorded before it leaves.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_graphql::Context;
use chrono::{DateTime, Utc};
use entity::vocabulary::Tlp;
use entity::{access_record, event};
use sea_orm::{ActiveModelTrait, IntoActiveModel};

use crate::app::App;
use crate::auth::Actor;
use crate::error::Result;

/// The sensitive events that one request has read.
#[derive(Debug)]
pub struct SensitiveReads {
    now: DateTime<Utc>,
    events: Mutex<BTreeSet<String>>,
}

impl SensitiveReads {
    /// None yet, at `now`.
    pub fn new(now: DateTime<Utc>) -> Self {
        Self { now, events: Mutex::default() }
    }

    /// Notes that `event` was read, if it is sensitive.
    pub fn note(&self, event: &event::Model) {
        if event.tlp == Tlp::Red || event.embargo_until.is_some_and(|until| until > self.now) {
            let mut events = self.events.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            events.insert(event.number.clone());
        }
    }

    /// Writes one row for the request, if it read anything sensitive.
    ///
    /// # Errors
    /// Of the database: then the answer must not leave.
    pub async fn record(&self, app: &App, actor: &Actor) -> Result<()> {
        let events =
            std::mem::take(&mut *self.events.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        if events.is_empty() {
            return Ok(());
        }
        let row = access_record::Model {
            id: app.ids.next(),
            at: app.clock.now(),
            actor: actor.subject.to_string(),
            roles: actor.role_names(),
            address: actor.origin.address.clone(),
            request_id: actor.origin.request_id.clone(),
            event_ids: events.into_iter().collect::<Vec<_>>().into(),
        };
        row.into_active_model().insert(app.database.writer()).await?;
        Ok(())
    }
}

/// Notes that `event` goes into the answer.
pub fn note(ctx: &Context<'_>, event: &event::Model) {
    if let Some(reads) = ctx.data_opt::<Arc<SensitiveReads>>() {
        reads.note(event);
    }
}
