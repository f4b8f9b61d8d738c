//! Finding reports and reporters.

use entity::{channel, report, reporter};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use std::collections::HashMap;
use uuid::Uuid;

use crate::app::App;
use crate::auth::{Actor, visibility};
use crate::database::is_one_of;
use crate::error::{Error, Result};

/// The report, if it is the actor's to see.
///
/// # Errors
/// NOT_FOUND when it is hidden or absent.
pub async fn find(app: &App, actor: &Actor, id: Uuid) -> Result<report::Model> {
    report::Entity::find_by_id(id)
        .filter(visibility::visible_report(actor))
        .one(app.database.reader())
        .await?
        .ok_or(Error::NotFound)
}

/// An event's reports, with the channel's key and the reporter's subject: what access to their public side
/// follows from.
///
/// # Errors
/// Of the database.
pub async fn access_facts(app: &App, event: Uuid) -> Result<Vec<(report::Model, String, Option<String>)>> {
    let db = app.database.reader();
    let reports = report::Entity::find().filter(report::Column::EventId.eq(event)).all(db).await?;
    let backend = app.database.backend();
    let channels = channel::Entity::find()
        .filter(is_one_of(backend, channel::Column::Id, reports.iter().map(|report| report.channel_id)))
        .all(db);
    let reporters = reporter::Entity::find()
        .filter(is_one_of(
            backend,
            reporter::Column::Id,
            reports.iter().filter_map(|report| report.reporter_id),
        ))
        .all(db);
    let (channels, reporters) = tokio::try_join!(channels, reporters)?;
    let keys: HashMap<Uuid, String> = channels.into_iter().map(|row| (row.id, row.key)).collect();
    let subjects: HashMap<Uuid, Option<String>> =
        reporters.into_iter().map(|row| (row.id, row.subject)).collect();
    Ok(reports
        .into_iter()
        .map(|report| {
            let key = keys.get(&report.channel_id).cloned().unwrap_or_default();
            let subject = report.reporter_id.and_then(|id| subjects.get(&id).cloned().flatten());
            (report, key, subject)
        })
        .collect())
}
