//! Reading the roster.

use chrono::{DateTime, Utc};
use entity::duty;
use entity::vocabulary::Function;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::app::App;
use crate::error::{Error, Result};
use crate::graphql::page::{self, Keyset, Page, PageInput};

/// The duty.
///
/// # Errors
/// NOT_FOUND when there is none.
pub async fn find(app: &App, id: Uuid) -> Result<duty::Model> {
    duty::Entity::find_by_id(id).one(app.database.reader()).await?.ok_or(Error::NotFound)
}

/// A page of duties, the latest start first.
///
/// # Errors
/// Those of the page.
pub async fn page(
    app: &App,
    function: Option<Function>,
    at: Option<DateTime<Utc>>,
    input: &PageInput,
) -> Result<Page<duty::Model>> {
    let mut select = duty::Entity::find();
    if let Some(function) = function {
        select = select.filter(duty::Column::Function.eq(function));
    }
    if let Some(at) = at {
        select = select.filter(duty::Column::StartsAt.lte(at)).filter(duty::Column::EndsAt.gt(at));
    }
    let keyset = Keyset { column: duty::Column::StartsAt, id: duty::Column::Id, descending: true };
    page::read(&app.database, select, keyset, input).await
}
