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
    /// When a token of this subject was last verified.
    pub last_seen_at: DateTimeUtc,
    /// Set when the subject may no longer act, whatever its token says.
    pub denied: bool,
}

impl ActiveModelBehavior for ActiveModel {}
