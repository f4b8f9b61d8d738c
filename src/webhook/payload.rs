//! What a delivery says.

use std::collections::HashMap;

use entity::vocabulary::GrantState;
use entity::{delivery, event, message, webhook_endpoint};
use sea_orm::{EntityTrait, QueryFilter};
use serde_json::json;

use crate::app::App;
use crate::database::is_one_of;
use crate::error::Result;

/// The bodies of deliveries to one endpoint, in their order; for what may not leave, the reason.
///
/// # Errors
/// Of the database.
pub(super) async fn payloads(
    app: &App,
    endpoint: &webhook_endpoint::Model,
    deliveries: &[delivery::Model],
) -> Result<Vec<std::result::Result<Vec<u8>, String>>> {
    let (reader, backend) = (app.database.reader(), app.database.backend());
    let ids = deliveries.iter().map(|delivery| delivery.message_id);
    let messages =
        message::Entity::find().filter(is_one_of(backend, message::Column::Id, ids)).all(reader).await?;
    let messages: HashMap<_, _> = messages.into_iter().map(|row| (row.id, row)).collect();
    let ids = deliveries.iter().filter_map(|delivery| delivery.event_id);
    let events = event::Entity::find().filter(is_one_of(backend, event::Column::Id, ids)).all(reader).await?;
    let tlp: HashMap<_, _> = events.into_iter().map(|row| (row.id, row.tlp)).collect();
    let ceiling = endpoint.tlp_ceiling.min(endpoint.grant_tlp_ceiling);
    Ok(deliveries
        .iter()
        .map(|delivery| {
            if endpoint.grant_state != GrantState::Confirmed {
                return Err("the grant is not confirmed".to_owned());
            }
            if delivery.event_id.is_some_and(|event| tlp.get(&event).is_none_or(|tlp| *tlp > ceiling)) {
                return Err("above the endpoint's TLP ceiling".to_owned());
            }
            let message = messages.get(&delivery.message_id).ok_or("the message is gone")?;
            let body = json!({
                "type": message.kind, "timestamp": message.created_at, "sequence": delivery.sequence,
                "data": message.data,
            });
            Ok(body.to_string().into_bytes())
        })
        .collect())
}
