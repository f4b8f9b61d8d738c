//! How telling the terms of reports are, in one generation.

use sea_orm::entity::prelude::*;

/// How telling the terms of reports are, in one generation.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "term_weights")]
pub struct Model {
    /// Counts up from 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub generation: i64,
    /// Reports of open events that there were when it was made: next to be made when they are twice as many.
    pub indexed: i64,
    /// Common terms, each with its halvings.
    pub terms: Vec<u8>,
    /// When it was made.
    pub made_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
