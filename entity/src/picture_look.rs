//! Who looks at an attachment at present.

use sea_orm::entity::prelude::*;

/// Who looks at an attachment at present. It is written before the look and goes with its end: one that is left when its lease is
/// over is of a process that did not come back from it.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "picture_look")]
pub struct Model {
    /// The attachment.
    #[sea_orm(primary_key, auto_increment = false)]
    pub attachment_id: Uuid,
    /// The process that looks at it.
    pub lease_by: Uuid,
    /// Until when it is taken to look.
    pub lease_until: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
