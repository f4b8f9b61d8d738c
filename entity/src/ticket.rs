//! A product line's fix as a ticket in a tracker.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

use crate::instant;
use crate::vocabulary::{RemediationState, TicketProposal, TicketState};

/// A product line's fix as a ticket in a tracker.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "ticket")]
pub struct Model {
    /// Identifies the ticket.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// The line's fix.
    pub remediation_id: Uuid,
    /// The tracker.
    pub tracker_id: Uuid,
    /// The tracker's place when it was asked for: there, and nowhere else, the tracker's id is this ticket's.
    pub place_id: Option<Uuid>,
    /// The tracker's own id of it; none until it is made, or was shown to be there.
    pub external_id: Option<String>,
    /// The id of a ticket that somebody wants linked.
    pub asked_id: Option<String>,
    /// Where people find it.
    pub url: Option<String>,
    /// Where it stands.
    pub state: TicketState,
    /// The state of the fix that the tracker was last told.
    pub pushed_state: Option<RemediationState>,
    /// The tracker's status when it was last looked at.
    pub seen_status: Option<String>,
    /// What became of the tracker's last change that was not ours.
    pub proposal: Option<TicketProposal>,
    /// Why it is withheld, failing or refused, or why a proposal was: the tracker's or the rule's own words.
    pub note: Option<String>,
    /// What the tracker has still to be told in a comment: the comment's own mark.
    pub remark: Option<String>,
    /// Failures in a row.
    pub attempts: i32,
    /// When it is looked at next; none when only a change of the fix or a hook brings that about.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub due_at: Option<DateTimeUtc>,
    /// Until when a worker has it.
    #[serde(deserialize_with = "instant::read_or_null")]
    pub lease_until: Option<DateTimeUtc>,
    /// Subject who opened it.
    pub opened_by: String,
    /// Counts changes that a caller has to have seen.
    pub version: i32,
    /// Counts every change; guards each write.
    pub revision: i64,
    /// Digest of the newest audit entry.
    pub audit_head: Vec<u8>,
    /// When it was recorded.
    #[serde(deserialize_with = "instant::read")]
    pub created_at: DateTimeUtc,
    /// When it last changed.
    #[serde(deserialize_with = "instant::read")]
    pub changed_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

crate::aggregate!("ticket");
