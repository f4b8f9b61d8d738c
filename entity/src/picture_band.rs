//! A piece of a picture's hash, by which others that have the same are found.

use sea_orm::entity::prelude::*;

/// A piece of a picture's hash, by which others that have the same are found.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "picture_band")]
pub struct Model {
    /// Which piece, and its bits.
    #[sea_orm(primary_key, auto_increment = false)]
    pub band: i64,
    /// The attachment.
    #[sea_orm(primary_key, auto_increment = false)]
    pub attachment_id: Uuid,
}

impl ActiveModelBehavior for ActiveModel {}
