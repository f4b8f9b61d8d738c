//! Reading what a verdict follows from.

use entity::vocabulary::EventLinkKind;
use entity::{event, event_link, verdict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use crate::app::App;
use crate::error::Result;

/// The verdict that holds.
///
/// # Errors
/// Of the database.
pub async fn current(app: &App, event: Uuid) -> Result<Option<verdict::Model>> {
    let select = verdict::Entity::find()
        .filter(verdict::Column::EventId.eq(event))
        .filter(verdict::Column::SupersededAt.is_null());
    Ok(select.one(app.database.reader()).await?)
}

/// All events that repeat this one, whoever may see them: the rules move them, nobody is shown them here.
///
/// # Errors
/// Of the database.
pub async fn duplicates(app: &App, event: Uuid) -> Result<Vec<event::Model>> {
    let select =
        event::Entity::find().filter(event::Column::DuplicateOf.eq(event)).order_by_asc(event::Column::Id);
    Ok(select.all(app.database.reader()).await?)
}

/// Whether the one event already lists the other as what fixes it.
///
/// # Errors
/// Of the database.
pub async fn are_linked(app: &App, event: Uuid, fixing: Uuid) -> Result<bool> {
    let select = event_link::Entity::find()
        .filter(event_link::Column::EventId.eq(event))
        .filter(event_link::Column::OtherEventId.eq(fixing))
        .filter(event_link::Column::Kind.eq(EventLinkKind::FixedBy));
    Ok(select.one(app.database.reader()).await?.is_some())
}
