//! The one who acts.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Identity, Role};

/// A person or service with its roles and scope, and where the request came from.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The token's subject: who it is for every four-eyes rule.
    pub subject: Arc<str>,
    /// Rights are the union of the roles'.
    pub roles: BTreeSet<Role>,
    /// Keys of the products in scope.
    pub products: Arc<[String]>,
    /// Teams in scope.
    pub teams: Arc<[String]>,
    /// Key of a service's channel.
    pub channel: Option<Arc<str>>,
    /// Where the request came from, for the audit trail.
    pub origin: Origin,
}

/// Where a request came from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Client address.
    pub address: Option<String>,
    /// Request id.
    pub request_id: Option<String>,
}

impl Actor {
    /// The actor that a verified token speaks for.
    pub fn new(identity: Identity, origin: Origin) -> Self {
        Self {
            subject: identity.subject.into(),
            roles: identity.roles,
            products: identity.products.into(),
            teams: identity.teams.into(),
            channel: identity.channel.map(Into::into),
            origin,
        }
    }

    /// Someone who acts through the command line, with `roles`.
    pub fn operator(subject: &str, roles: impl IntoIterator<Item = Role>) -> Self {
        Self {
            subject: subject.into(),
            roles: roles.into_iter().collect(),
            products: Arc::default(),
            teams: Arc::default(),
            channel: None,
            origin: Origin { address: Some("command line".to_owned()), request_id: None },
        }
    }

    /// The product itself, which carries out what falls due. It has no role: nothing that people ask for is open to it.
    pub fn schedule() -> Self {
        let mut actor = Self::operator("vulndesk", []);
        actor.origin.address = Some("schedule".to_owned());
        actor
    }

    /// Whether the actor has any of `roles`.
    pub fn has_any(&self, roles: &[Role]) -> bool {
        roles.iter().any(|role| self.roles.contains(role))
    }

    /// Whether the actor has `role`.
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether the actor is the service of the channel with `key`.
    pub fn speaks_for(&self, key: &str) -> bool {
        self.is(Role::Src) && self.channel.as_deref() == Some(key)
    }

    /// Role names separated by spaces, as the audit trail keeps them.
    pub fn role_names(&self) -> String {
        self.roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(" ")
    }
}
