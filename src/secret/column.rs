//! The columns that hold something sealed.

use sea_orm::{EnumIter, Iterable};
use uuid::Uuid;

/// A column that holds something sealed. Nothing can be sealed for another: what has to hold of each of them, exports, restores
/// and the renewal of keys find here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter)]
pub enum Column {
    /// By which a channel's platform or a tracker proves its hooks.
    HookSecret,
    /// By which we prove replies to a channel's platform.
    ReplyRoute,
    /// By which we are let in by a tracker.
    TrackerCredentials,
    /// Custom headers of a webhook endpoint.
    EndpointHeaders,
    /// The URL of a webhook endpoint, where that is the secret.
    EndpointUrl,
    /// By which we prove what we send to a webhook endpoint.
    WebhookSecret,
}

impl Column {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::iter()
    }

    /// Its table's name and its own.
    pub const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::HookSecret => ("hook_secret", "sealed"),
            Self::ReplyRoute => ("reply_route", "sealed"),
            Self::TrackerCredentials => ("tracker", "credentials"),
            Self::EndpointHeaders => ("webhook_endpoint", "headers"),
            Self::EndpointUrl => ("webhook_endpoint", "sealed_url"),
            Self::WebhookSecret => ("webhook_secret", "sealed"),
        }
    }

    /// The place in this row.
    pub const fn of(self, row: Uuid) -> Place {
        Place { column: self, row }
    }
}

/// Where a secret stands: in which column and in which row. It opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    column: Column,
    row: Uuid,
}

impl Place {
    /// What binds a secret to its place, behind how it begins.
    pub(super) fn associated(self, head: &[u8]) -> Vec<u8> {
        let (table, column) = self.column.names();
        [head, self.row.as_bytes(), table.as_bytes(), b".", column.as_bytes()].concat()
    }
}
