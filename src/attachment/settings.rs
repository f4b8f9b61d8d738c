//! What an operator sets about uploads.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::bail;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bounds on uploads, as they are set.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UploadSettings {
    /// Most bytes of one file.
    pub bytes: u64,
    /// Most files of one report.
    pub per_report: u32,
    /// Time for a whole file to arrive, in seconds.
    pub seconds: u64,
    /// Longest pause in which nothing of it arrives, in seconds.
    pub idle_seconds: u64,
    /// Uploads that a process takes at one time.
    pub at_once: usize,
    /// Media types, found by the first bytes, that alone are taken; all when there are none.
    pub allowed: Vec<String>,
    /// Media types, found by the first bytes, that are not taken.
    pub refused: Vec<String>,
}

impl Default for UploadSettings {
    fn default() -> Self {
        Self {
            bytes: 100 << 20,
            per_report: 100,
            seconds: 600,
            idle_seconds: 15,
            at_once: 16,
            allowed: Vec::new(),
            refused: Vec::new(),
        }
    }
}

/// Bounds on uploads, and how many go on.
#[derive(Clone, Debug)]
pub struct Uploads {
    settings: Arc<UploadSettings>,
    turns: Arc<Semaphore>,
    /// When what uploads left behind was last looked for.
    looked_at: Arc<Mutex<Option<DateTime<Utc>>>>,
}

impl Default for Uploads {
    fn default() -> Self {
        Self::bounded_by(UploadSettings::default())
    }
}

impl Uploads {
    /// None yet, within these bounds.
    ///
    /// # Errors
    /// When a bound lets nothing through, or a type is none.
    pub fn new(settings: &UploadSettings) -> anyhow::Result<Self> {
        let bounds = [
            ("bytes", settings.bytes == 0),
            ("per_report", settings.per_report == 0),
            ("seconds", settings.seconds == 0),
            ("idle_seconds", settings.idle_seconds == 0),
            ("at_once", settings.at_once == 0),
        ];
        if let Some((name, _)) = bounds.iter().find(|(_, is_zero)| *is_zero) {
            bail!("uploads.{name} must be at least 1");
        }
        if let Some(kind) = settings.allowed.iter().chain(&settings.refused).find(|kind| !kind.contains('/'))
        {
            bail!(
                "uploads.allowed and uploads.refused hold media types, for example application/zip, not {kind}"
            );
        }
        Ok(Self::bounded_by(settings.clone()))
    }

    fn bounded_by(settings: UploadSettings) -> Self {
        let turns = Arc::new(Semaphore::new(settings.at_once.min(Semaphore::MAX_PERMITS)));
        Self { settings: Arc::new(settings), turns, looked_at: Arc::default() }
    }

    /// The bounds.
    pub fn settings(&self) -> &UploadSettings {
        &self.settings
    }

    /// A turn to upload, given back when it is dropped; none while all are taken.
    pub fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.turns).try_acquire_owned().ok()
    }

    /// Whether this process looked for what uploads left behind `pause` before `at` or longer ago; then it does now.
    pub(super) fn is_time_to_look(&self, at: DateTime<Utc>, pause: TimeDelta) -> bool {
        let mut looked_at = self.looked_at.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = looked_at.is_none_or(|before| before + pause <= at);
        if is_time {
            *looked_at = Some(at);
        }
        is_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_that_let_nothing_through_are_refused_by_name() {
        assert!(Uploads::new(&UploadSettings::default()).is_ok());
        let none = UploadSettings { bytes: 0, ..UploadSettings::default() };
        assert!(Uploads::new(&none).unwrap_err().to_string().contains("uploads.bytes"));
        let kind = UploadSettings { refused: vec!["exe".to_owned()], ..UploadSettings::default() };
        assert!(Uploads::new(&kind).unwrap_err().to_string().contains("exe"));
    }

    #[test]
    fn turns_come_back() {
        let one = Uploads::new(&UploadSettings { at_once: 1, ..UploadSettings::default() }).unwrap();
        let turn = one.turn();
        assert!(turn.is_some() && one.turn().is_none());
        drop(turn);
        assert!(one.turn().is_some());
    }
}
