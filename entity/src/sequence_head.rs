//! One row: how far the sequencer has come.

use sea_orm::entity::prelude::*;

/// One row: how far the sequencer has come.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sequence_head")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// Position of the newest message; 0 before the first.
    pub message_position: i64,
    /// Position of the newest sealed audit entry; 0 before the first.
    pub entry_position: i64,
    /// Its seal; empty before the first.
    pub entry_seal: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
