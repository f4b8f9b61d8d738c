//! How replies reach a channel without a person.

use sea_orm::entity::prelude::*;

/// How replies reach a channel without a person.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reply_route")]
pub struct Model {
    /// Identifies the route; its secret is sealed for it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The channel; it has one route at most.
    pub channel_id: Uuid,
    /// Whether what answers a report that came by mail goes to its reporter.
    pub to_reporter: bool,
    /// Address that e-mails go to.
    pub email: Option<String>,
    /// Address that e-mails come from; the installation's when there is none.
    pub from_email: Option<String>,
    /// Where the platform takes replies.
    pub url: Option<String>,
    /// Sealed secret that requests to the platform are signed with.
    pub sealed: Option<Vec<u8>>,
}

impl ActiveModelBehavior for ActiveModel {}
