//! What can be set about inbound hooks.

use serde::{Deserialize, Serialize};

/// What can be set about inbound hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HookSettings {
    /// Bytes of a hook's body.
    pub body_bytes: usize,
    /// Days for which an answered hook is known again by its id.
    pub kept_days: u16,
}

impl Default for HookSettings {
    fn default() -> Self {
        Self { body_bytes: 262_144, kept_days: 30 }
    }
}
