//! Who reads a mailbox at present.

use sea_orm::entity::prelude::*;

/// Who reads a mailbox at present.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "mailbox_lease")]
pub struct Model {
    /// User, server and folder.
    #[sea_orm(primary_key, auto_increment = false)]
    pub mailbox: String,
    /// The process that reads it.
    pub lease_by: Uuid,
    /// Until when nobody else does.
    pub lease_until: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
