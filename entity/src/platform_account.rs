//! The company's registered account on a channel's platform.

use sea_orm::entity::prelude::*;

/// The company's registered account on a channel's platform.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "platform_account")]
pub struct Model {
    /// Identifies the account.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The channel it belongs to.
    pub channel_id: Uuid,
    /// Login name, never a password.
    pub login: String,
    /// Person registered with the platform.
    pub registered_contact: String,
    /// Address that the platform sends notices to.
    pub registered_email: String,
    /// Reference of the licence document it was registered with.
    pub licence_document: Option<String>,
    /// Last day on which it works.
    pub valid_until: Option<Date>,
    /// The last day of which people were told that it is near.
    pub lapse_told_for: Option<Date>,
}

impl ActiveModelBehavior for ActiveModel {}
