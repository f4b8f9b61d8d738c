//! Finding assignments and team members.

use entity::vocabulary::Facet;
use entity::{assignment, team_member};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::app::App;
use crate::auth::{Actor, visibility};
use crate::error::{Error, Result};

/// The assignment, if its event's content is the actor's to see.
///
/// # Errors
/// NOT_FOUND when it is hidden or absent.
pub async fn find_assignment(app: &App, actor: &Actor, id: Uuid) -> Result<assignment::Model> {
    assignment::Entity::find_by_id(id)
        .filter(visibility::visible(actor, Facet::Content, assignment::Column::EventId))
        .one(app.database.reader())
        .await?
        .ok_or(Error::NotFound)
}

/// The member, if the event's content is the actor's to see.
///
/// # Errors
/// NOT_FOUND when it is hidden or absent.
pub async fn find_member(app: &App, actor: &Actor, id: Uuid) -> Result<team_member::Model> {
    team_member::Entity::find_by_id(id)
        .filter(visibility::visible(actor, Facet::Content, team_member::Column::EventId))
        .one(app.database.reader())
        .await?
        .ok_or(Error::NotFound)
}

/// All assignments of an event that the caller has found.
///
/// # Errors
/// Of the database.
pub async fn assignments(app: &App, event: Uuid) -> Result<Vec<assignment::Model>> {
    let select = assignment::Entity::find().filter(assignment::Column::EventId.eq(event));
    Ok(select.all(app.database.reader()).await?)
}
