//! A secret by which a channel's platform or a tracker proves its hooks; several while one is being replaced.

use sea_orm::entity::prelude::*;

use crate::vocabulary::HookSourceKind;

/// A secret by which a channel's platform or a tracker proves its hooks; several while one is being replaced.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "hook_secret")]
pub struct Model {
    /// Identifies the secret.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What kind of thing sends the hooks.
    pub source_kind: HookSourceKind,
    /// Which one sends them.
    pub source_id: Uuid,
    /// The secret, sealed.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it stops to be accepted; none for the newest.
    pub expires_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
