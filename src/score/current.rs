//! The current scores of many events, read in batches.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use entity::score;
use sea_orm::{ColumnTrait, QueryFilter};
use uuid::Uuid;

use crate::database::is_one_of;
use crate::error::Error;
use crate::graphql::loaders::{Columns, Reader, select};

/// Key of an event's current score, by the event's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct CurrentScore {
    pub(super) event: Uuid,
    pub(super) columns: Columns,
}

impl Loader<CurrentScore> for Reader {
    type Value = score::Model;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[CurrentScore]) -> Result<HashMap<CurrentScore, score::Model>, Arc<Error>> {
        let database = &self.app().database;
        let mut found = HashMap::new();
        for columns in [Columns::All, Columns::Light] {
            let events: Vec<Uuid> =
                keys.iter().filter(|key| key.columns == columns).map(|key| key.event).collect();
            if events.is_empty() {
                continue;
            }
            let rows = select::<score::Entity>(columns)
                .filter(is_one_of(database.backend(), score::Column::EventId, events))
                .filter(score::Column::SupersededAt.is_null())
                .all(database.reader())
                .await
                .map_err(|error| Arc::new(error.into()))?;
            found.extend(rows.into_iter().map(|row| (CurrentScore { event: row.event_id, columns }, row)));
        }
        Ok(found)
    }
}
