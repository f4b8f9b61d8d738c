//! Reading what was told since, who is granted what, and who may no longer act.

use entity::{denied_token, event_access, message, principal, sequence_head};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::guests::Denials;
use super::rules::Grants;
use crate::app::App;
use crate::database::is_one_of;
use crate::error::Result;

/// The last position that was given.
///
/// # Errors
/// Of the database.
pub async fn last_position(app: &App) -> Result<i64> {
    let head = sequence_head::Entity::find_by_id(1).one(app.database.reader()).await?;
    Ok(head.map_or(0, |head| head.message_position))
}

/// The messages after a position, in order, at most `most`.
///
/// # Errors
/// Of the database.
pub async fn after(app: &App, position: i64, most: u64) -> Result<Vec<message::Model>> {
    let rows = message::Entity::find().filter(message::Column::Position.gt(position));
    Ok(rows.order_by_asc(message::Column::Position).limit(most).all(app.database.reader()).await?)
}

/// Who is granted what of `events`: one statement.
///
/// # Errors
/// Of the database.
pub async fn grants(app: &App, events: impl IntoIterator<Item = Uuid>) -> Result<Grants> {
    use event_access::Column;
    let of = is_one_of(app.database.backend(), Column::EventId, events);
    let rows = event_access::Entity::find().filter(of).all(app.database.reader()).await?;
    let mut grants = Grants::new();
    for row in rows {
        grants.entry(row.event_id).or_default().entry(row.facet).or_default().insert(row.principal);
    }
    Ok(grants)
}

/// Subjects that may no longer act, and tokens that are accepted no more.
///
/// # Errors
/// Of the database.
pub async fn denied(app: &App) -> Result<Denials> {
    use principal::Column;
    let db = app.database.reader();
    let subjects = principal::Entity::find().select_only().columns([Column::Issuer, Column::Subject]);
    let subjects = subjects.filter(Column::Denied.eq(true)).into_tuple::<(String, String)>().all(db);
    let tokens = denied_token::Entity::find().select_only().column(denied_token::Column::TokenHash);
    let (subjects, tokens) = tokio::try_join!(subjects, tokens.into_tuple::<Vec<u8>>().all(db))?;
    Ok(Denials { subjects: subjects.into_iter().collect(), tokens: tokens.into_iter().collect() })
}
