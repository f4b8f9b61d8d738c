//! A read of events under embargo or TLP:RED.

use sea_orm::entity::prelude::*;

use crate::texts::Texts;

/// A read of events under embargo or TLP:RED.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "access_record")]
pub struct Model {
    /// Identifies the record.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// When.
    pub at: DateTimeUtc,
    /// Subject who read.
    pub actor: String,
    /// Roles the actor had.
    pub roles: String,
    /// Client address.
    pub address: Option<String>,
    /// Request it came by.
    pub request_id: Option<String>,
    /// Events read.
    pub event_ids: Texts,
}

impl ActiveModelBehavior for ActiveModel {}
