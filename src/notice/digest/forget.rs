//! Forgets what became of daily e-mails of long ago.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::store;
use crate::app::App;
use crate::auth::Actor;
use crate::error::Result;
use crate::schedule::Due;

/// Forgetting what became of e-mails. That of a day which could still be made up for is kept, however short the time is
/// set: a row of that day is what keeps a second e-mail from leaving.
pub struct Forgetting;

impl Due for Forgetting {
    const NAME: &'static str = "forgetting daily e-mails";

    async fn due(app: &App, at: DateTime<Utc>, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
        let kept = TimeDelta::days(i64::from(app.digest_kept_days.get()) + 1);
        store::settled_before(app, (at - kept).date_naive(), after, limit).await
    }

    async fn carry_out(app: &App, _: &Actor, piece: Uuid) -> Result<()> {
        store::forget(app, piece).await
    }
}
