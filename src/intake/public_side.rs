//! What reporters and channels may know of a report's event, read in batches: they may not see the event itself.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use entity::event;
use entity::vocabulary::{Status, Verdict};
use sea_orm::{EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use crate::database::is_one_of;
use crate::error::Error;
use crate::graphql::loaders::Reader;

/// Key of what a report's reader may know of its event, by the event's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PublicSideOf(pub(super) Uuid);

/// What a report's reader may know of its event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PublicSide {
    /// For the service of the report's channel alone, which got it when the report was received.
    pub(super) number: String,
    pub(super) status: Status,
    pub(super) verdict: Option<Verdict>,
}

impl Loader<PublicSideOf> for Reader {
    type Value = PublicSide;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[PublicSideOf]) -> Result<HashMap<PublicSideOf, PublicSide>, Arc<Error>> {
        let database = &self.app().database;
        let rows: Vec<(Uuid, String, Status, Option<Verdict>)> = event::Entity::find()
            .select_only()
            .columns([
                event::Column::Id,
                event::Column::Number,
                event::Column::Status,
                event::Column::Verdict,
            ])
            .filter(is_one_of(database.backend(), event::Column::Id, keys.iter().map(|key| key.0)))
            .into_tuple()
            .all(database.reader())
            .await
            .map_err(|error| Arc::new(error.into()))?;
        let sides = rows
            .into_iter()
            .map(|(id, number, status, verdict)| (PublicSideOf(id), PublicSide { number, status, verdict }));
        Ok(sides.collect())
    }
}
