//! The public side of reports, read in batches for their reporter and channel, who may not see the event.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use entity::vocabulary::{CommentVisibility, Status, Verdict};
use entity::{comment, event};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::database::is_one_of;
use crate::error::Error;
use crate::graphql::loaders::Reader;

/// Key of what a report's reader may know of its event, by the event's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PublicSideOf(pub(super) Uuid);

/// What a report's reader may know of its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PublicSide {
    pub(super) status: Status,
    pub(super) verdict: Option<Verdict>,
}

impl Loader<PublicSideOf> for Reader {
    type Value = PublicSide;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[PublicSideOf]) -> Result<HashMap<PublicSideOf, PublicSide>, Arc<Error>> {
        let database = &self.app().database;
        let rows: Vec<(Uuid, Status, Option<Verdict>)> = event::Entity::find()
            .select_only()
            .columns([event::Column::Id, event::Column::Status, event::Column::Verdict])
            .filter(is_one_of(database.backend(), event::Column::Id, keys.iter().map(|key| key.0)))
            .into_tuple()
            .all(database.reader())
            .await
            .map_err(|error| Arc::new(error.into()))?;
        let sides =
            rows.into_iter().map(|(id, status, verdict)| (PublicSideOf(id), PublicSide { status, verdict }));
        Ok(sides.collect())
    }
}

/// Key of the messages between team and reporter, by the report's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct MessagesOf(pub(super) Uuid);

impl Loader<MessagesOf> for Reader {
    type Value = Arc<[comment::Model]>;
    type Error = Arc<Error>;

    async fn load(
        &self,
        keys: &[MessagesOf],
    ) -> Result<HashMap<MessagesOf, Arc<[comment::Model]>>, Arc<Error>> {
        let database = &self.app().database;
        let rows = comment::Entity::find()
            .filter(is_one_of(database.backend(), comment::Column::ReportId, keys.iter().map(|key| key.0)))
            .filter(comment::Column::Visibility.eq(CommentVisibility::Reporter))
            .order_by_asc(comment::Column::CreatedAt)
            .order_by_asc(comment::Column::Id)
            .all(database.reader())
            .await
            .map_err(|error| Arc::new(error.into()))?;
        let mut grouped: HashMap<MessagesOf, Vec<comment::Model>> = HashMap::new();
        for row in rows {
            if let Some(report) = row.report_id {
                grouped.entry(MessagesOf(report)).or_default().push(row);
            }
        }
        Ok(grouped.into_iter().map(|(key, rows)| (key, rows.into())).collect())
    }
}
