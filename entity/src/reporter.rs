//! Who reported: the one place with personal data, erasable.

use sea_orm::entity::prelude::*;

/// Who reported: the one place with personal data, erasable.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reporter")]
pub struct Model {
    /// Identifies the reporter.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Channel through which they are known.
    pub channel_id: Option<Uuid>,
    /// Their subject, linked by the SRC service or an analyst.
    pub subject: Option<String>,
    /// Name or pseudonym.
    pub name: Option<String>,
    /// Address.
    pub email: Option<String>,
    /// Reference of the account that payouts go to.
    pub payee_account: Option<String>,
    /// Who last said where the money goes.
    pub payee_account_set_by: Option<String>,
    /// Own staff: their reports count as internal.
    pub staff: bool,
    /// Whether they chose to be named on leaderboards.
    pub named: bool,
    /// When personal data were erased.
    pub erased_at: Option<DateTimeUtc>,
    /// Counts changes that a caller has to have seen.
    pub version: i32,
    /// Counts every change; guards each write.
    pub revision: i64,
    /// Digest of the newest audit entry.
    pub audit_head: Vec<u8>,
    /// When it was recorded.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub changed_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

crate::aggregate!("reporter");
