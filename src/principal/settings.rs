//! How long what was seen of a principal counts.

use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

/// Settings of principals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PrincipalSettings {
    /// Days after which one who has not called is stale. Default 30.
    pub stale_after_days: NonZeroU16,
}

impl Default for PrincipalSettings {
    fn default() -> Self {
        Self { stale_after_days: const { NonZeroU16::new(30).expect("not zero") } }
    }
}
