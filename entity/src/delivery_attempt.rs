//! One try of a delivery that was followed by another.

use sea_orm::entity::prelude::*;

/// One try of a delivery that was followed by another: the last stands in the delivery. One whose worker had lost its lease
/// meanwhile stands here too.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "delivery_attempt")]
pub struct Model {
    /// Identifies the attempt.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The delivery.
    pub delivery_id: Uuid,
    /// Where it went.
    pub endpoint_id: Uuid,
    /// When it began.
    pub at: DateTimeUtc,
    /// How long it took, in milliseconds.
    pub duration_ms: i32,
    /// HTTP status of the answer.
    pub status: Option<i32>,
    /// Why there was no answer, or none that counts.
    pub error: Option<String>,
    /// Beginning of the answer, at most 4 kB, without what looks like a secret.
    pub answer: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
