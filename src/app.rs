//! What every command has at hand.

use std::sync::Arc;

use crate::clock::{Clock, Ids};
use crate::database::Database;
use crate::error::Result;
use crate::event::number::Numbers;
use crate::outbox::{ChangeSet, Wake};
use crate::principal;

/// The running product: its database, its clock, its ids.
pub struct App {
    /// The database.
    pub database: Database,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids and randomness.
    pub ids: Ids,
    /// New event numbers.
    pub numbers: Numbers,
    /// What was lately written of the principals seen.
    pub principals: principal::Cache,
    /// Rouses what works on committed rows.
    pub wake: Wake,
}

impl App {
    /// Puts a running product together over a migrated database.
    ///
    /// # Errors
    /// When the database has not been migrated.
    pub async fn new(database: Database, clock: Arc<dyn Clock>, ids: Ids) -> anyhow::Result<Self> {
        let numbers = Numbers::load(&database).await?;
        Ok(Self {
            database,
            clock,
            ids,
            numbers,
            principals: principal::Cache::default(),
            wake: Wake::default(),
        })
    }

    /// Writes all of `changes` or nothing.
    ///
    /// # Errors
    /// [`Error::Race`](crate::error::Error::Race) when somebody else was first.
    pub async fn commit(&self, changes: ChangeSet) -> Result<()> {
        crate::outbox::commit(&self.database, changes).await?;
        self.wake.committed();
        Ok(())
    }
}
