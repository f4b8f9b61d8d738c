//! What an operator sets about uploads.

use std::collections::BTreeMap;
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
    /// Most bytes of all files of one report.
    pub bytes_per_report: u64,
    /// Most bytes that one subject adds to reports within a day.
    pub bytes_per_day: u64,
    /// Time for a whole file to arrive, in seconds.
    pub seconds: u64,
    /// Longest pause in which nothing of it arrives, in seconds.
    pub idle_seconds: u64,
    /// Least bytes a second, from its beginning to any moment, beside that pause.
    pub least_rate: u64,
    /// Uploads that a process takes at one time.
    pub at_once: usize,
    /// Those of them that are one subject's.
    pub at_once_each: usize,
    /// Those of them that only the team takes; all but one, if it is more.
    pub kept_for_team: usize,
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
            bytes_per_report: 2 << 30,
            bytes_per_day: 5 << 30,
            seconds: 600,
            idle_seconds: 15,
            least_rate: 8 << 10,
            at_once: 16,
            at_once_each: 2,
            kept_for_team: 4,
            allowed: Vec::new(),
            refused: Vec::new(),
        }
    }
}

type Taken = Arc<Mutex<BTreeMap<String, usize>>>;

/// A turn to upload, given back when it is dropped.
#[derive(Debug)]
pub struct Turn {
    subject: String,
    taken: Taken,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.subject) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.subject);
            }
        }
    }
}

/// Bounds on uploads, and how many go on.
#[derive(Clone, Debug)]
pub struct Uploads {
    settings: Arc<UploadSettings>,
    /// Turns that anybody takes.
    turns: Arc<Semaphore>,
    /// Turns that the team takes when those are gone.
    team: Arc<Semaphore>,
    /// How many turns each subject has.
    taken: Taken,
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
            ("bytes_per_report", settings.bytes_per_report == 0),
            ("bytes_per_day", settings.bytes_per_day == 0),
            ("seconds", settings.seconds == 0),
            ("idle_seconds", settings.idle_seconds == 0),
            ("at_once", settings.at_once == 0),
            ("at_once_each", settings.at_once_each == 0),
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
        let all = settings.at_once.min(Semaphore::MAX_PERMITS);
        let kept = settings.kept_for_team.min(all.saturating_sub(1));
        let (turns, team) = (Arc::new(Semaphore::new(all - kept)), Arc::new(Semaphore::new(kept)));
        let settings = Arc::new(settings);
        Self { settings, turns, team, taken: Taken::default(), looked_at: Arc::default() }
    }

    /// The bounds.
    pub fn settings(&self) -> &UploadSettings {
        &self.settings
    }

    /// A turn to upload for a subject, who may be of the team; none while all are taken that they may have.
    pub fn turn(&self, subject: &str, of_team: bool) -> Option<Turn> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.get(subject).copied().unwrap_or_default();
        if count >= self.settings.at_once_each {
            return None;
        }
        let free = |turns: &Arc<Semaphore>| Arc::clone(turns).try_acquire_owned().ok();
        let permit = free(&self.turns).or_else(|| free(&self.team).filter(|_| of_team))?;
        taken.insert(subject.to_owned(), count + 1);
        Some(Turn { subject: subject.to_owned(), taken: Arc::clone(&self.taken), _permit: permit })
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
        let turn = one.turn("a", false);
        assert!(turn.is_some() && one.turn("b", true).is_none(), "one is anybody's");
        drop(turn);
        assert!(one.turn("a", false).is_some());
    }

    #[test]
    fn no_subject_takes_all_turns_and_no_strangers_those_of_the_team() {
        let settings =
            UploadSettings { at_once: 6, at_once_each: 2, kept_for_team: 2, ..UploadSettings::default() };
        let uploads = Uploads::new(&settings).unwrap();
        let mut held = vec![uploads.turn("reporter-1", false), uploads.turn("reporter-1", false)];
        assert!(held.iter().all(Option::is_some));
        assert!(uploads.turn("reporter-1", false).is_none(), "a third of one subject");
        held.extend([uploads.turn("reporter-2", false), uploads.turn("reporter-3", false)]);
        assert!(held.iter().all(Option::is_some));
        assert!(uploads.turn("reporter-4", false).is_none(), "the rest is the team's");
        held.extend([uploads.turn("analyst-1", true), uploads.turn("analyst-2", true)]);
        assert!(held.iter().all(Option::is_some));
        assert!(uploads.turn("analyst-3", true).is_none());
        held.truncate(1);
        assert!(uploads.turn("reporter-1", false).is_some() && uploads.taken.lock().unwrap().len() == 1);
    }
}
