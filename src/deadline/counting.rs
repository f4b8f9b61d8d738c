//! What clocks are counted by, as this process last read it: the policy in force, the calendars and the channels.
//!
//! Every command on an event counts its clocks anew, and these change a few times a year. So a command reads their stamp
//! together with the event, and them only when it has moved.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use entity::channel;
use uuid::Uuid;

use super::rules::{Basis, Policy};
use super::store::{self, Stamp};
use crate::app::App;
use crate::calendar as calendars;
use crate::error::Result;

/// What was last read, under its stamp.
#[derive(Debug, Default)]
pub struct Cache(Mutex<Option<(Stamp, Arc<Counting>)>>);

/// What clocks are counted by.
#[derive(Clone, Debug)]
pub(super) struct Counting {
    /// The policy, the calendars, and whom the policy names.
    pub(super) basis: Basis,
    /// All channels, by id.
    pub(super) channels: BTreeMap<Uuid, channel::Model>,
}

/// What clocks are counted by now.
///
/// # Errors
/// Of the database.
pub(super) async fn current(app: &App) -> Result<Arc<Counting>> {
    under(app, store::stamp(app).await?).await
}

/// What clocks are counted by under a stamp that was just read.
///
/// # Errors
/// Of the database.
pub(super) async fn under(app: &App, stamp: Stamp) -> Result<Arc<Counting>> {
    let known = app.counting.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some((_, counting)) = known.filter(|(known, _)| *known == stamp) {
        return Ok(counting);
    }
    // Read after its stamp: what changes meanwhile has another one, and is read again.
    let counting = Arc::new(read(app).await?);
    *app.counting.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((stamp, Arc::clone(&counting)));
    Ok(counting)
}

async fn read(app: &App) -> Result<Counting> {
    let row = store::policy_row(app).await?;
    let policy = row.as_ref().map(store::policy_of).transpose()?.unwrap_or(Policy { rules: Vec::new() });
    let channels = store::channels(app).await?;
    let keys: BTreeSet<&str> = policy.rules.iter().filter_map(|rule| rule.recipient.as_deref()).collect();
    let recipients = channels
        .values()
        .filter(|row| keys.contains(row.key.as_str()))
        .map(|row| (row.key.clone(), row.clone()))
        .collect();
    let basis = Basis {
        policy_id: row.map(|row| row.id),
        policy,
        calendars: store::calendars(app).await?,
        own_calendar: calendars::of_jurisdiction("CN"),
        recipients,
    };
    Ok(Counting { basis, channels })
}
