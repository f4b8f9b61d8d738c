//! Finding action items.

use entity::vocabulary::{ActionItemState, Facet};
use entity::{action_item, event};
use sea_orm::sea_query::Condition;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::app::App;
use crate::auth::policy::{Action, allows};
use crate::auth::{Actor, visibility};
use crate::error::{Error, Result};
use crate::graphql::page::{self, Keyset, Page, PageInput};

/// The item is one that the actor may see: of an event whose content is theirs, or their own to end.
pub fn visible(actor: &Actor) -> Condition {
    let mut any =
        Condition::any().add(visibility::or_visible(actor, Facet::Content, action_item::Column::EventId));
    if allows(actor, Action::UpdateActionItem) {
        any = any.add(action_item::Column::Owner.eq(&*actor.subject));
    }
    any
}

/// The item with its event, for who may end it: an owner need not see the event.
///
/// # Errors
/// NOT_FOUND when the item is hidden or absent.
pub async fn find(app: &App, actor: &Actor, id: Uuid) -> Result<(action_item::Model, event::Model)> {
    let db = app.database.reader();
    let item = action_item::Entity::find_by_id(id).filter(visible(actor)).one(db).await?;
    let item = item.ok_or(Error::NotFound)?;
    let event = event::Entity::find_by_id(item.event_id).one(db).await?.ok_or(Error::NotFound)?;
    Ok((item, event))
}

/// A page of the actor's own items, the newest first.
///
/// # Errors
/// Those of the page.
pub async fn own(
    app: &App,
    actor: &Actor,
    state: Option<ActionItemState>,
    input: &PageInput,
) -> Result<Page<action_item::Model>> {
    let mut select = action_item::Entity::find().filter(action_item::Column::Owner.eq(&*actor.subject));
    if let Some(state) = state {
        select = select.filter(action_item::Column::State.eq(state));
    }
    let keyset =
        Keyset { column: action_item::Column::CreatedAt, id: action_item::Column::Id, descending: true };
    page::read(&app.database, select, keyset, input).await
}
