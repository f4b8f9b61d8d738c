//! What is kept of an attachment to find the same picture among others.

use sea_orm::entity::prelude::*;

use crate::vocabulary::PictureVerdict;

/// What is kept of an attachment to find the same picture among others.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "picture")]
pub struct Model {
    /// The attachment.
    #[sea_orm(primary_key, auto_increment = false)]
    pub attachment_id: Uuid,
    /// What came of looking at it.
    pub verdict: PictureVerdict,
    /// Pixels from left to right; none where they are not known.
    pub width: Option<i32>,
    /// Pixels from top to bottom; none where they are not known.
    pub height: Option<i32>,
    /// What is kept of it as it is, and without its frame, one after the other: hashes, and in 32 by 32 cells how much there is to
    /// see. No word of the picture can be read out of it.
    pub hashes: Vec<u8>,
    /// When it was looked at.
    pub looked_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
