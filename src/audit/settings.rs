//! What an operator sets about the audit trail.

use std::path::PathBuf;

use chrono::TimeDelta;
use serde::Deserialize;

use super::anchor::Anchors;

/// Settings of the audit trail.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditSettings {
    /// File with the key that exports are signed with.
    pub secret_file: Option<PathBuf>,
    /// Minutes between two anchors; 0 for none.
    pub anchor_minutes: u16,
    /// File that anchors are added to.
    pub anchor_file: Option<PathBuf>,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self { secret_file: None, anchor_minutes: 60, anchor_file: None }
    }
}

impl AuditSettings {
    /// How the instance chain is anchored; none when it is not.
    pub fn anchors(&self) -> Option<Anchors> {
        let every = TimeDelta::minutes(self.anchor_minutes.into());
        (self.anchor_minutes > 0).then(|| Anchors { every, file: self.anchor_file.clone() })
    }
}
