//! The bytes of an attachment, apart from what is listed of it. Gone once they are erased.

use sea_orm::entity::prelude::*;

/// The bytes of an attachment, apart from what is listed of it. Gone once they are erased.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "attachment_content")]
pub struct Model {
    /// The attachment.
    #[sea_orm(primary_key, auto_increment = false)]
    pub attachment_id: Uuid,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
