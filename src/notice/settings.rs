//! What an operator sets about notices.

use std::num::NonZeroU16;

use anyhow::{Context, ensure};
use chrono_tz::Tz;
use serde::Deserialize;

/// Settings of notices.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NoticeSettings {
    /// Whether people get a daily e-mail, where there is a mail server.
    pub digest: bool,
    /// The hour of the day from which on it leaves, 0 to 23.
    pub digest_hour: u8,
    /// IANA zone of that hour.
    pub time_zone: String,
    /// Days for which it is kept what became of each.
    pub digest_kept_days: NonZeroU16,
}

/// Days for which it is kept what became of a daily e-mail, unless it is set.
pub const DIGEST_KEPT_DAYS: NonZeroU16 = NonZeroU16::new(90).unwrap();

impl Default for NoticeSettings {
    fn default() -> Self {
        Self {
            digest: true,
            digest_hour: 8,
            time_zone: "Asia/Shanghai".to_owned(),
            digest_kept_days: DIGEST_KEPT_DAYS,
        }
    }
}

/// When the daily e-mail leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hour {
    /// The hour of the day.
    pub hour: u8,
    /// Where.
    pub zone: Tz,
}

impl NoticeSettings {
    /// When the daily e-mail leaves; none when none does.
    ///
    /// # Errors
    /// When there is no such hour or zone.
    pub fn read(&self) -> anyhow::Result<Option<Hour>> {
        ensure!(self.digest_hour < 24, "notices.digest_hour is 0 to 23");
        let zone = self.time_zone.parse();
        let zone =
            zone.with_context(|| format!("notices.time_zone: {:?} is no IANA zone", self.time_zone))?;
        Ok(self.digest.then_some(Hour { hour: self.digest_hour, zone }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_or_a_zone_that_is_none_is_refused() {
        let of = |hour, zone: &str| {
            let time_zone = zone.to_owned();
            NoticeSettings { digest_hour: hour, time_zone, ..NoticeSettings::default() }.read()
        };
        assert_eq!(of(23, "UTC").unwrap().unwrap().hour, 23);
        assert!(of(24, "UTC").is_err() && of(8, "Mars").is_err());
        assert_eq!(NoticeSettings { digest: false, ..NoticeSettings::default() }.read().unwrap(), None);
    }
}
