//! Reports and reporters.
use crate::app::App;
use crate::error::Result;
pub mod import;

use entity::report;
use uuid::Uuid;
/// An event's reports, with the channel's key and the reporter's subject.
///
/// # Errors
/// Of the database.
pub async fn access_facts(app: &App, event: Uuid) -> Result<Vec<(report::Model, String, Option<String>)>> {
    let _ = (app, event);
    Ok(Vec::new())
}
