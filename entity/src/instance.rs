//! One row: what is secret or fixed for this installation.

use sea_orm::entity::prelude::*;

/// One row: what is secret or fixed for this installation.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "instance")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// Keys the permutation that spreads event numbers, so that a number tells no count.
    pub number_key: Vec<u8>,
    /// When the database was first migrated.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
