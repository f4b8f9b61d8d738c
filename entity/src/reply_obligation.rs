//! Which obligations a reply is meant to meet.

use sea_orm::entity::prelude::*;

/// Which obligations a reply is meant to meet.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reply_obligation")]
pub struct Model {
    /// The reply.
    #[sea_orm(primary_key, auto_increment = false)]
    pub reply_id: Uuid,
    /// The obligation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub obligation_id: Uuid,
}

impl ActiveModelBehavior for ActiveModel {}
