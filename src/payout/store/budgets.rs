//! Finding budgets and their ledgers.

use chrono::NaiveDate;
use entity::{budget, budget_entry};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::app::App;
use crate::error::{Error, Result};
use crate::graphql::page::{self, Keyset, Page, PageInput};
use crate::payout::period::Period;

/// The narrowest budget of a currency whose period has the day.
///
/// # Errors
/// Of the database.
pub async fn budget_on(app: &App, currency: &str, day: NaiveDate) -> Result<Option<budget::Model>> {
    let select = budget::Entity::find()
        .filter(budget::Column::Currency.eq(currency))
        .filter(budget::Column::StartsOn.lte(day))
        .filter(budget::Column::EndsOn.gte(day));
    let budgets = select.all(app.database.reader()).await?;
    let length = |budget: &budget::Model| budget.period.parse::<Period>().map(Period::length).ok();
    Ok(budgets.into_iter().min_by_key(length))
}

/// The budget with this id.
///
/// # Errors
/// NOT_FOUND when there is none.
pub async fn budget(app: &App, id: Uuid) -> Result<budget::Model> {
    budget::Entity::find_by_id(id).one(app.database.reader()).await?.ok_or(Error::NotFound)
}

/// The budget of a period and currency.
///
/// # Errors
/// Of the database.
pub async fn budget_of(app: &App, period: Period, currency: &str) -> Result<Option<budget::Model>> {
    let select = budget::Entity::find()
        .filter(budget::Column::Period.eq(period.to_string()))
        .filter(budget::Column::Currency.eq(currency));
    Ok(select.one(app.database.reader()).await?)
}

/// A page of budgets, the latest recorded first.
///
/// # Errors
/// Those of the page.
pub async fn budgets(
    app: &App,
    period: Option<&str>,
    currency: Option<&str>,
    input: &PageInput,
) -> Result<Page<budget::Model>> {
    let mut select = budget::Entity::find();
    if let Some(period) = period {
        select = select.filter(budget::Column::Period.eq(period));
    }
    if let Some(currency) = currency {
        select = select.filter(budget::Column::Currency.eq(currency));
    }
    let keyset = Keyset { column: budget::Column::CreatedAt, id: budget::Column::Id, descending: true };
    page::read(&app.database, select, keyset, input).await
}

/// A page of a budget's ledger, oldest first.
///
/// # Errors
/// Those of the page.
pub async fn entries(app: &App, budget: Uuid, input: &PageInput) -> Result<Page<budget_entry::Model>> {
    let select = budget_entry::Entity::find().filter(budget_entry::Column::BudgetId.eq(budget));
    let keyset =
        Keyset { column: budget_entry::Column::RecordedAt, id: budget_entry::Column::Id, descending: false };
    page::read(&app.database, select, keyset, input).await
}
