//! Something that is found by its words. The words stand beside it, in the index of each database.

use sea_orm::entity::prelude::*;

use crate::vocabulary::{SearchKind, SearchSide};

/// Something that is found by its words.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "search_entry")]
pub struct Model {
    /// Where it stands among all entries, in the order in which they were first written; also the number of its words.
    #[sea_orm(primary_key)]
    pub place: i64,
    /// What it is.
    pub kind: SearchKind,
    /// The event, report, reply or product.
    pub subject_id: Uuid,
    /// Whose words these are.
    pub side: SearchSide,
}

impl ActiveModelBehavior for ActiveModel {}
