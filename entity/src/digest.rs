//! The e-mail of a day with what a person has not read and what is due.

use sea_orm::entity::prelude::*;

use crate::vocabulary::DigestState;

/// The e-mail of a day, one a person.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "digest")]
pub struct Model {
    /// Identifies it, and its e-mail.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub principal_id: Uuid,
    /// Of which day, in the zone that is set.
    pub day: Date,
    /// Where it stands.
    pub state: DigestState,
    /// Attempts begun.
    pub attempts: i32,
    /// When it is attempted next; none once it is settled.
    pub due_at: Option<DateTimeUtc>,
    /// Who attempts it at present.
    pub lease_by: Option<Uuid>,
    /// Until when.
    pub lease_until: Option<DateTimeUtc>,
    /// What the mail server said last, or why it could not be asked.
    pub answer: Option<String>,
    /// When it was claimed first.
    pub created_at: DateTimeUtc,
    /// When it was settled.
    pub settled_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
