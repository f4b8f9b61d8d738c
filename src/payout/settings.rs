//! What can be set about payouts.

use serde::{Deserialize, Serialize};

/// What can be set about payouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PayoutSettings {
    /// Days within which a white hat accepts or appeals after an approval; then silence accepts.
    pub answer_days: u16,
}

impl Default for PayoutSettings {
    fn default() -> Self {
        Self { answer_days: 7 }
    }
}

impl PayoutSettings {
    /// The same as a span.
    pub fn answer_time(self) -> chrono::Duration {
        chrono::Duration::days(self.answer_days.into())
    }
}
