//! Reading what an event touches.

use entity::vocabulary::Function;
use entity::{affected_customer, affected_product, assignment, customer, product, remediation};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::app::App;
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::rules::MoveFacts;

fn unknown(field: &'static str) -> Error {
    let message = format!("there is no such {field}: name one that is recorded");
    Error::Refused(vec![Refusal::on(RefusalCode::UnknownReference, field, message)])
}

/// The product that an input names.
///
/// # Errors
/// UNKNOWN_REFERENCE when there is none; of the database.
pub(super) async fn product(app: &App, id: Uuid) -> Result<product::Model> {
    let found = product::Entity::find_by_id(id).one(app.database.reader()).await?;
    found.ok_or_else(|| unknown("product"))
}

/// The customer that an input names.
///
/// # Errors
/// UNKNOWN_REFERENCE when there is none; of the database.
pub(super) async fn customer(app: &App, id: Uuid) -> Result<customer::Model> {
    let found = customer::Entity::find_by_id(id).one(app.database.reader()).await?;
    found.ok_or_else(|| unknown("customer"))
}

/// Whether the customer is on the event already.
///
/// # Errors
/// Of the database.
pub(super) async fn has_customer(app: &App, event: Uuid, customer: Uuid) -> Result<bool> {
    let select = affected_customer::Entity::find()
        .filter(affected_customer::Column::EventId.eq(event))
        .filter(affected_customer::Column::CustomerId.eq(customer));
    Ok(select.one(app.database.reader()).await?.is_some())
}

/// What the event's lines say once its products stand as `affected` does.
///
/// # Errors
/// Of the database.
pub(super) async fn line_facts<'a>(
    app: &App,
    event: Uuid,
    affected: impl Iterator<Item = &'a affected_product::Model>,
) -> Result<MoveFacts> {
    let db = app.database.reader();
    let remediations = remediation::Entity::find().filter(remediation::Column::EventId.eq(event)).all(db);
    let assignments = assignment::Entity::find()
        .filter(assignment::Column::EventId.eq(event))
        .filter(assignment::Column::Function.eq(Function::RAndD))
        .all(db);
    let (remediations, assignments) = tokio::try_join!(remediations, assignments)?;
    let affected: Vec<_> = affected.cloned().collect();
    Ok(crate::event::store::gather(&affected, &remediations, &assignments))
}
