//! `vulndesk calendar import`: days of a file into a calendar.

use crate::app::App;
use crate::auth::{Actor, Role};
use crate::calendar::{self, ImportCalendar};
use crate::error::Error;
use crate::graphql::scalars::Id;
use anyhow::Context;
use entity::vocabulary::CalendarFormat;

use super::cli::{CalendarFileFormat, CalendarImportArgs};
use super::say;

/// Takes the days of a file into a calendar and says which years it then has.
pub(crate) async fn import(app: &App, args: &CalendarImportArgs) -> anyhow::Result<()> {
    let file = args.file.display();
    let text = std::fs::read_to_string(&args.file).with_context(|| format!("{file}"))?;
    let found = calendar::store::by_key(app, &args.calendar).await.map_err(Error::told)?;
    let found = found.with_context(|| format!("there is no calendar {}", args.calendar))?;
    let input = ImportCalendar {
        calendar: Id::new(found.id),
        expected_version: found.version,
        format: match args.format {
            CalendarFileFormat::Csv => CalendarFormat::Csv,
            CalendarFileFormat::Ics => CalendarFormat::Ics,
        },
        text,
        years: args.years.clone(),
        source: args.source.clone(),
    };
    let actor = Actor::operator(&args.subject, [Role::Admin]);
    let calendar = calendar::import(app, &actor, &input)
        .await
        .map_err(Error::told)
        .with_context(|| format!("{file}"))?;
    let years = calendar::store::years(app, calendar.id).await.map_err(Error::told)?;
    let years: Vec<_> = years.iter().map(i32::to_string).collect();
    say(&format!("{file}: calendar {} now has the years {}\n", calendar.key, years.join(", ")))
}
