//! Demo data: a fictional company whose team has handled some fifty events.
//!
//! Everything is done through the API's own mutations, by the people whose roles allow it, while a set clock
//! goes through four months: so the demo shows nothing that the product would not let its users do, and
//! loading it is the broadest test of the procedure.

mod caller;
mod company;
mod events;

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};

use crate::app::App;
use crate::clock::SetClock;
use crate::graphql::Schema;

/// How long before `until` the demo begins.
const SPAN: Duration = Duration::days(120);

/// Loads the demo data so that it ends at `until`. `clock` is the one that `app` reads.
///
/// # Errors
/// When a step is refused: then the demo and the procedure contradict each other.
pub async fn load(app: &Arc<App>, schema: &Schema, clock: &SetClock, until: DateTime<Utc>) -> anyhow::Result<()> {
    clock.set(until - SPAN);
    let caller = caller::Caller::new(app, schema).await?;
    let company = company::found(&caller).await?;
    events::handle(&caller, &company, clock, until).await
}
