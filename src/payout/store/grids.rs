//! Finding grids and what they say.

use entity::vocabulary::{AssetTier, Severity};
use entity::{reward_grid, reward_grid_cell};
use sea_orm::sea_query::SimpleExpr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use crate::app::App;
use crate::error::{Error, Result};
use crate::graphql::page::{self, Keyset, Page, PageInput};

/// The newest grid in `currency` for the channel, else for all channels.
///
/// # Errors
/// Of the database.
pub async fn grid_for(app: &App, channel: Uuid, currency: &str) -> Result<Option<reward_grid::Model>> {
    let of = |condition: SimpleExpr| {
        reward_grid::Entity::find()
            .filter(reward_grid::Column::Currency.eq(currency))
            .filter(condition)
            .order_by_desc(reward_grid::Column::Number)
            .one(app.database.reader())
    };
    match of(reward_grid::Column::ChannelId.eq(channel)).await? {
        Some(own) => Ok(Some(own)),
        None => Ok(of(reward_grid::Column::ChannelId.is_null()).await?),
    }
}

/// The range of a severity in a tier by this version of the grid.
///
/// # Errors
/// Of the database.
pub async fn cell(
    app: &App,
    grid: Uuid,
    tier: AssetTier,
    severity: Severity,
) -> Result<Option<reward_grid_cell::Model>> {
    let select = reward_grid_cell::Entity::find()
        .filter(reward_grid_cell::Column::GridId.eq(grid))
        .filter(reward_grid_cell::Column::AssetTier.eq(tier))
        .filter(reward_grid_cell::Column::Severity.eq(severity));
    Ok(select.one(app.database.reader()).await?)
}

/// Number of the newest grid.
///
/// # Errors
/// Of the database.
pub async fn newest_grid_number(app: &App) -> Result<i32> {
    let select = reward_grid::Entity::find().order_by_desc(reward_grid::Column::Number);
    Ok(select.one(app.database.reader()).await?.map_or(0, |grid| grid.number))
}

/// The grid with this id.
///
/// # Errors
/// NOT_FOUND when there is none.
pub async fn grid(app: &App, id: Uuid) -> Result<reward_grid::Model> {
    reward_grid::Entity::find_by_id(id).one(app.database.reader()).await?.ok_or(Error::NotFound)
}

/// A page of grids, the newest first.
///
/// # Errors
/// Those of the page.
pub async fn grids(app: &App, channel: Option<Uuid>, input: &PageInput) -> Result<Page<reward_grid::Model>> {
    let mut select = reward_grid::Entity::find();
    if let Some(channel) = channel {
        select = select.filter(reward_grid::Column::ChannelId.eq(channel));
    }
    let keyset =
        Keyset { column: reward_grid::Column::Number, id: reward_grid::Column::Id, descending: true };
    page::read(&app.database, select, keyset, input).await
}
