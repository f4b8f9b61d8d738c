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
    /// Versions of reports that were indexed when it was made.
    pub indexed: i64,
    /// Common terms, each with its halvings.
    pub terms: Vec<u8>,
    /// When it was made.
    pub made_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
