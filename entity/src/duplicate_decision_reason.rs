//! A reason with which a pair was shown that somebody then decided.

use sea_orm::entity::prelude::*;

use crate::vocabulary::DuplicateReasonCode;

/// A reason with which a pair was shown that somebody then decided.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "duplicate_decision_reason")]
pub struct Model {
    /// The decision.
    #[sea_orm(primary_key, auto_increment = false)]
    pub decision_id: Uuid,
    /// The reason.
    #[sea_orm(primary_key, auto_increment = false)]
    pub code: DuplicateReasonCode,
}

impl ActiveModelBehavior for ActiveModel {}
