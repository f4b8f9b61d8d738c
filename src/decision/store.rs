//! Finding decisions.

use entity::decision;
use entity::vocabulary::Facet;
use sea_orm::{EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::app::App;
use crate::auth::{Actor, visibility};
use crate::error::{Error, Result};

/// The decision, if its event's content is the actor's to see.
///
/// # Errors
/// NOT_FOUND when it is hidden or absent.
pub async fn find(app: &App, actor: &Actor, id: Uuid) -> Result<decision::Model> {
    decision::Entity::find_by_id(id)
        .filter(visibility::visible(actor, Facet::Content, decision::Column::EventId))
        .one(app.database.reader())
        .await?
        .ok_or(Error::NotFound)
}
