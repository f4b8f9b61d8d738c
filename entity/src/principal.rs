//! A person or service as last seen in a token: the source for what runs without one.

use sea_orm::entity::prelude::*;

use crate::texts::Texts;

/// A person or service as last seen in a token: the source for what runs without one.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "principal")]
pub struct Model {
    /// Identifies the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Who vouched for the subject.
    pub issuer: String,
    /// The token's `sub`.
    pub subject: String,
    /// Address last seen; never used to link a reporter.
    pub email: Option<String>,
    /// Role names last seen.
    pub roles: Texts,
    /// Product keys in scope.
    pub products: Texts,
    /// Teams in scope.
    pub teams: Texts,
    /// Channel key of a service.
    pub channel: Option<String>,
    /// When a token of this subject was last verified; none for one who was denied before ever calling.
    pub last_seen_at: Option<DateTimeUtc>,
    /// Set when the subject may no longer act, whatever its token says.
    pub denied: bool,
    /// Set when the person wants no daily e-mail of notices.
    pub digest_off: bool,
    /// Counts denials and their ends.
    pub version: i32,
    /// Counts every audited change; 0 for one who was only ever seen.
    pub revision: i64,
    /// Digest of the newest audit entry.
    pub audit_head: Vec<u8>,
    /// When the subject was last denied or allowed.
    pub changed_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

crate::aggregate!("principal");
