//! Finding channels, and putting the built-in ones there.

use entity::channel;
use entity::vocabulary::ChannelKind;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::builtin;
use crate::app::App;
use crate::clock::{Clock, Ids};
use crate::database::Database;
use crate::error::{Error, Result};
use crate::graphql::page::{self, Keyset, Page, PageInput};

/// The channel.
///
/// # Errors
/// NOT_FOUND when there is none.
pub async fn find(app: &App, id: Uuid) -> Result<channel::Model> {
    channel::Entity::find_by_id(id).one(app.database.reader()).await?.ok_or(Error::NotFound)
}

/// Every channel that takes reports.
///
/// # Errors
/// Of the database.
pub async fn active(app: &App) -> Result<Vec<channel::Model>> {
    let select = channel::Entity::find().filter(channel::Column::Active.eq(true));
    Ok(select.order_by_asc(channel::Column::Id).all(app.database.reader()).await?)
}

/// The channel with this key.
///
/// # Errors
/// Of the database.
pub async fn by_key(app: &App, key: &str) -> Result<Option<channel::Model>> {
    Ok(channel::Entity::find().filter(channel::Column::Key.eq(key)).one(app.database.reader()).await?)
}

/// A page of channels by key.
///
/// # Errors
/// Those of the page.
pub async fn page(app: &App, kind: Option<ChannelKind>, input: &PageInput) -> Result<Page<channel::Model>> {
    let mut select = channel::Entity::find();
    if let Some(kind) = kind {
        select = select.filter(channel::Column::Kind.eq(kind));
    }
    let keyset = Keyset { column: channel::Column::Key, id: channel::Column::Id, descending: false };
    page::read(&app.database, select, keyset, input).await
}

/// Makes sure that the built-in channels are there. One of that key that is there stays as it is, whoever made it. Like
/// a built-in calendar, one has revision 0 and no audit entry until somebody changes it.
///
/// # Errors
/// Of the database.
pub async fn ensure_builtin(database: &Database, clock: &dyn Clock, ids: &Ids) -> anyhow::Result<()> {
    let rows = builtin::ALL.iter().map(|known| known.row(ids.next(), clock.now()).into_active_model());
    channel::Entity::insert_many(rows)
        .on_conflict(OnConflict::column(channel::Column::Key).do_nothing().to_owned())
        .exec_without_returning(database.writer())
        .await?;
    Ok(())
}
