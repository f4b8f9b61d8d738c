//! What of a principal still counts, and who may deny whom.

use std::num::NonZeroU16;

use chrono::{DateTime, TimeDelta, Utc};
use entity::principal;

use crate::error::{Refusal, RefusalCode};

/// Whether what a token once said of a principal is too old to act on without one: not seen for `after_days` days,
/// or never.
pub fn is_stale(principal: &principal::Model, after_days: NonZeroU16, now: DateTime<Utc>) -> bool {
    let after = TimeDelta::days(after_days.get().into());
    principal.last_seen_at.is_none_or(|at| now.signed_duration_since(at) >= after)
}

/// Refuses that somebody denies themselves: an installation without an administrator could not be mended.
pub(super) fn may_deny(actor: &str, subject: &str) -> Result<(), Refusal> {
    if actor == subject {
        let message = "you cannot deny yourself: another administrator has to";
        return Err(Refusal::on(RefusalCode::FourEyes, "input.subject", message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_goes_stale_at_the_end_of_the_last_day() {
        let seen = DateTime::from_timestamp(1_772_000_000, 0).unwrap();
        let mut principal = super::super::unseen(uuid::Uuid::nil(), "https://id.example", "analyst-1", seen);
        let stale = |principal: &principal::Model, days, seconds| {
            let now = seen + TimeDelta::days(days) + TimeDelta::seconds(seconds);
            is_stale(principal, NonZeroU16::new(30).unwrap(), now)
        };
        assert!(stale(&principal, 0, 0), "never seen");
        principal.last_seen_at = Some(seen);
        assert!(!stale(&principal, 30, -1));
        assert!(stale(&principal, 30, 0));
    }

    #[test]
    fn nobody_denies_themselves() {
        assert!(may_deny("admin-1", "admin-2").is_ok());
        assert_eq!(may_deny("admin-1", "admin-1").unwrap_err().code, RefusalCode::FourEyes);
    }
}
