//! Finding comments and messages.

use entity::comment;
use entity::vocabulary::{CommentVisibility, Facet};
use sea_orm::sea_query::Condition;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select};
use uuid::Uuid;

use crate::app::App;
use crate::auth::policy::{Action, allows};
use crate::auth::{Actor, visibility};
use crate::error::{Error, Result};
use crate::graphql::page::Keyset;

/// Oldest first.
pub const IN_ORDER: Keyset<comment::Column> =
    Keyset { column: comment::Column::CreatedAt, id: comment::Column::Id, descending: false };

/// The comment is one that the actor may see: internal on an event whose content is theirs, or a message of a
/// report that is theirs to see.
pub fn visible(actor: &Actor) -> Condition {
    let internal = Condition::all()
        .add(comment::Column::Visibility.eq(CommentVisibility::Internal))
        .add(visibility::visible(actor, Facet::Content, comment::Column::EventId));
    let message = Condition::all()
        .add(comment::Column::Visibility.eq(CommentVisibility::Reporter))
        .add(visibility::of_report(comment::Column::ReportId, visibility::visible_report(actor)));
    Condition::any().add(internal).add(message)
}

/// The comment, if it is the actor's to see.
///
/// # Errors
/// NOT_FOUND when it is hidden or absent.
pub async fn find(app: &App, actor: &Actor, id: Uuid) -> Result<comment::Model> {
    comment::Entity::find_by_id(id)
        .filter(visible(actor))
        .one(app.database.reader())
        .await?
        .ok_or(Error::NotFound)
}

/// What is said on an event whose content the actor has found; messages only for who may know the reports.
pub fn of_event(actor: &Actor, event: Uuid) -> Select<comment::Entity> {
    let select = comment::Entity::find().filter(comment::Column::EventId.eq(event));
    if allows(actor, Action::ReadRawReports) {
        return select;
    }
    select.filter(comment::Column::Visibility.eq(CommentVisibility::Internal))
}

/// The messages between the team and the reporter of a report that the actor has found.
pub fn of_report(report: Uuid) -> Select<comment::Entity> {
    comment::Entity::find()
        .filter(comment::Column::ReportId.eq(report))
        .filter(comment::Column::Visibility.eq(CommentVisibility::Reporter))
}
