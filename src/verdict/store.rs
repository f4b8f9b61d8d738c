//! Reading what a verdict follows from.

use entity::vocabulary::{EventLinkKind, ObligationState, ReplyKind};
use entity::{event, event_link, obligation, verdict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use crate::app::App;
use crate::error::Result;

/// The verdict that holds.
///
/// # Errors
/// Of the database.
pub async fn current(app: &App, event: Uuid) -> Result<Option<verdict::Model>> {
    let select = verdict::Entity::find()
        .filter(verdict::Column::EventId.eq(event))
        .filter(verdict::Column::SupersededAt.is_null());
    Ok(select.one(app.database.reader()).await?)
}

/// All events that repeat this one, whoever may see them: the rules move them, nobody is shown them here.
///
/// # Errors
/// Of the database.
pub async fn duplicates(app: &App, event: Uuid) -> Result<Vec<event::Model>> {
    let select =
        event::Entity::find().filter(event::Column::DuplicateOf.eq(event)).order_by_asc(event::Column::Id);
    Ok(select.all(app.database.reader()).await?)
}

/// Whether the one event already lists the other as what fixes it.
///
/// # Errors
/// Of the database.
pub async fn are_linked(app: &App, event: Uuid, fixing: Uuid) -> Result<bool> {
    let select = event_link::Entity::find()
        .filter(event_link::Column::EventId.eq(event))
        .filter(event_link::Column::OtherEventId.eq(fixing))
        .filter(event_link::Column::Kind.eq(EventLinkKind::FixedBy));
    Ok(select.one(app.database.reader()).await?.is_some())
}

/// Every obligation to tell the event's verdict.
///
/// # Errors
/// Of the database.
pub async fn verdict_obligations(app: &App, event: Uuid) -> Result<Vec<obligation::Model>> {
    let select = obligation::Entity::find()
        .filter(obligation::Column::EventId.eq(event))
        .filter(obligation::Column::Kind.eq(ReplyKind::Verdict))
        .order_by_asc(obligation::Column::Id);
    Ok(select.all(app.database.reader()).await?)
}

/// The answered ones whose channel has to be told again: one per report and channel, unless one is open there.
pub fn to_tell_again(obligations: &[obligation::Model]) -> Vec<&obligation::Model> {
    let mut again: Vec<&obligation::Model> = Vec::new();
    for met in obligations.iter().filter(|row| row.state == ObligationState::Met) {
        let same =
            |row: &obligation::Model| (row.report_id, row.channel_id) == (met.report_id, met.channel_id);
        let open = obligations.iter().any(|row| row.state == ObligationState::Open && same(row));
        if !open && !again.iter().any(|row| same(row)) {
            again.push(met);
        }
    }
    again
}

#[cfg(test)]
mod tests {
    use super::*;

    fn obligation(id: u128, report: u128, state: ObligationState) -> obligation::Model {
        obligation::Model {
            id: Uuid::from_u128(id),
            event_id: Uuid::from_u128(1),
            report_id: Some(Uuid::from_u128(report)),
            channel_id: Uuid::from_u128(2),
            kind: ReplyKind::Verdict,
            trigger: "report received".to_owned(),
            state,
            opened_at: chrono::DateTime::UNIX_EPOCH,
            met_at: None,
            met_by_reply_id: None,
            waived_by: None,
            waived_at: None,
            waive_reason: None,
            legal_ground: None,
        }
    }

    #[test]
    fn each_answered_report_is_told_again_once() {
        use ObligationState::{Met, Open, Waived};
        let rows = [
            obligation(1, 10, Met),
            obligation(2, 10, Met),
            obligation(3, 11, Met),
            obligation(4, 11, Open),
            obligation(5, 12, Waived),
        ];
        let again: Vec<_> = to_tell_again(&rows).iter().map(|row| row.id.as_u128()).collect();
        assert_eq!(again, [1]);
    }
}
