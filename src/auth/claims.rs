//! Placeholder until the token code is merged.
use async_graphql::Enum;
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
/// Role.
#[derive(
    Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enum, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs)]
pub enum Role {
    Admin,
    Analyst,
    Leader,
    Engineer,
    Support,
    AccountManager,
    Legal,
    PublicRelations,
    Finance,
    Auditor,
    Reporter,
    Ticketing,
    Src,
}
/// Identity.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Identity {
    pub issuer: String,
    pub subject: String,
    pub email: Option<String>,
    pub roles: BTreeSet<Role>,
    pub products: Vec<String>,
    pub teams: Vec<String>,
    pub channel: Option<String>,
    pub expires_at: DateTime<Utc>,
    pub token_id: Option<String>,
}
impl Role {
    /// Name.
    pub fn as_str(self) -> &'static str {
        "ROLE"
    }
}
