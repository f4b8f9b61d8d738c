//! Finding calendars, and putting the built-in ones there.

use std::collections::{BTreeMap, BTreeSet};

use entity::calendar::{Weekdays, WorkingHours};
use entity::vocabulary::Weekday;
use entity::{calendar, calendar_day, calendar_year};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::builtin;
use super::rules::{Calendar, Exception, NamedDay, Weekend};
use crate::app::App;
use crate::clock::{Clock, Ids};
use crate::database::Database;
use crate::error::{Error, Result};
use crate::graphql::page::{self, Keyset, Page, PageInput};

/// The calendar.
///
/// # Errors
/// NOT_FOUND when there is none.
pub async fn find(app: &App, id: Uuid) -> Result<calendar::Model> {
    calendar::Entity::find_by_id(id).one(app.database.reader()).await?.ok_or(Error::NotFound)
}

/// The calendar with this key.
///
/// # Errors
/// Of the database.
pub async fn by_key(app: &App, key: &str) -> Result<Option<calendar::Model>> {
    Ok(calendar::Entity::find().filter(calendar::Column::Key.eq(key)).one(app.database.reader()).await?)
}

/// A page of calendars by key.
///
/// # Errors
/// Those of the page.
pub async fn page(app: &App, input: &PageInput) -> Result<Page<calendar::Model>> {
    let keyset = Keyset { column: calendar::Column::Key, id: calendar::Column::Id, descending: false };
    page::read(&app.database, calendar::Entity::find(), keyset, input).await
}

/// Days that are out of the ordinary, in order.
///
/// # Errors
/// Of the database.
pub async fn days(app: &App, id: Uuid) -> Result<Vec<calendar_day::Model>> {
    let select = calendar_day::Entity::find().filter(calendar_day::Column::CalendarId.eq(id));
    Ok(select.order_by_asc(calendar_day::Column::Date).all(app.database.reader()).await?)
}

/// Rows of the years that are entered, in order.
///
/// # Errors
/// Of the database.
pub async fn year_rows(app: &App, id: Uuid) -> Result<Vec<calendar_year::Model>> {
    let select = calendar_year::Entity::find().filter(calendar_year::Column::CalendarId.eq(id));
    Ok(select.order_by_asc(calendar_year::Column::Year).all(app.database.reader()).await?)
}

/// Years that are entered.
///
/// # Errors
/// Of the database.
pub async fn years(app: &App, id: Uuid) -> Result<BTreeSet<i32>> {
    Ok(year_rows(app, id).await?.into_iter().map(|row| row.year).collect())
}

/// The weekend that a row keeps.
///
/// # Errors
/// When it is the whole week, which no command writes.
pub fn weekend(row: &calendar::Model) -> Result<Weekend> {
    let weekend = Weekend::new(row.weekend.0.iter().copied().map(Weekday::into));
    Ok(weekend.ok_or_else(|| anyhow::anyhow!("calendar {} has no working day", row.key))?)
}

/// The calendar as the arithmetic needs it.
///
/// # Errors
/// NOT_FOUND when there is none.
pub async fn load(app: &App, id: Uuid) -> Result<Calendar> {
    let row = find(app, id).await?;
    whole(app, &row).await
}

/// The calendar of a row as the arithmetic needs it.
///
/// # Errors
/// Of the database.
pub async fn whole(app: &App, row: &calendar::Model) -> Result<Calendar> {
    let exceptions = days(app, row.id).await?.into_iter();
    Ok(Calendar {
        zone: row.time_zone.parse().map_err(|error| anyhow::anyhow!("{error}"))?,
        weekend: weekend(row)?,
        hours: row.working_hours.0.clone(),
        by_year: row.by_year,
        years: years(app, row.id).await?,
        exceptions: exceptions
            .map(|day| (day.date, Exception { kind: day.kind, name: day.name }))
            .collect::<BTreeMap<_, _>>(),
    })
}

/// The row of a day.
pub fn day_row(id: Uuid, calendar: Uuid, day: NamedDay) -> calendar_day::Model {
    let NamedDay { date, kind, name } = day;
    calendar_day::Model { id, calendar_id: calendar, date, kind, name }
}

/// Makes sure that the built-in calendars are there. One that is there stays as it is, since people may have changed
/// it. Like whom a token only mentioned, it has revision 0 and no audit entry until somebody changes it.
///
/// # Errors
/// Of the database.
pub async fn ensure_builtin(database: &Database, clock: &dyn Clock, ids: &Ids) -> anyhow::Result<()> {
    for builtin in builtin::all()? {
        let writing = database.begin_write().await?;
        let calendar = builtin.calendar;
        let row = calendar::Model {
            id: builtin.id,
            key: builtin.key.to_owned(),
            name: builtin.name,
            time_zone: calendar.zone.name().to_owned(),
            weekend: Weekdays(calendar.weekend.days().map(Weekday::from).collect()),
            working_hours: WorkingHours(calendar.hours),
            by_year: calendar.by_year,
            version: 1,
            revision: 0,
            audit_head: Vec::new(),
            created_at: clock.now(),
            changed_at: clock.now(),
        };
        let new = calendar::Entity::insert(row.into_active_model())
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .exec_without_returning(&writing)
            .await?;
        if new == 0 {
            writing.rollback().await?;
            continue;
        }
        let days = calendar.exceptions.into_iter().map(|(date, Exception { kind, name })| {
            day_row(ids.next(), builtin.id, NamedDay { date, kind, name }).into_active_model()
        });
        let days: Vec<_> = days.collect();
        if !days.is_empty() {
            calendar_day::Entity::insert_many(days).exec_without_returning(&writing).await?;
        }
        for builtin::Year { year, source } in builtin.years {
            let source = Some(source);
            let row = calendar_year::Model { id: ids.next(), calendar_id: builtin.id, year, source };
            row.into_active_model().insert(&writing).await?;
        }
        writing.commit().await?;
    }
    Ok(())
}
