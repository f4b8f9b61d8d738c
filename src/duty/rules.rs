//! What a roster entry may say.

use chrono::{DateTime, Utc};
use entity::duty;

use crate::error::{Error, Refusal, RefusalCode, Result};

/// Checks that an entry lasts and that its deputy is somebody else.
///
/// # Errors
/// BAD_USER_INPUT.
pub fn check(duty: &duty::Model) -> Result<()> {
    if duty.ends_at <= duty.starts_at {
        return Err(Error::bad_input("input.endsAt", "send an instant after startsAt"));
    }
    if duty.deputy.as_ref() == Some(&duty.subject) {
        return Err(Error::bad_input(
            "input.deputy",
            "send another person than the one on duty, or leave it out",
        ));
    }
    Ok(())
}

/// When a duty ends that somebody ends early. What was in the past stays: who was on duty then is a record. A duty
/// that has not begun ends where it would begin and is never on.
///
/// # Errors
/// A refusal when the duty is over at `at` or `at` lies before `now`.
pub fn end(
    duty: &duty::Model,
    at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> std::result::Result<DateTime<Utc>, Refusal> {
    if duty.ends_at <= now {
        return Err(Refusal::new(RefusalCode::Frozen, "the duty is over: who was on it stays recorded"));
    }
    if at < now {
        return Err(Refusal::on(
            RefusalCode::Frozen,
            "input.at",
            "the past stays recorded: send a later instant",
        ));
    }
    if at >= duty.ends_at {
        return Err(Refusal::on(
            RefusalCode::Contradiction,
            "input.at",
            "the duty ends by then anyway: send an earlier instant",
        ));
    }
    Ok(at.max(duty.starts_at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use entity::vocabulary::Function;

    fn hour(hour: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_772_000_000 + hour * 3_600, 0).unwrap()
    }

    fn duty(from: i64, until: i64) -> duty::Model {
        duty::Model {
            id: uuid::Uuid::from_u128(1),
            function: Function::Security,
            subject: "analyst-1".to_owned(),
            deputy: Some("analyst-2".to_owned()),
            starts_at: hour(from),
            ends_at: hour(until),
            version: 1,
            revision: 1,
            audit_head: Vec::new(),
            created_at: hour(0),
            changed_at: hour(0),
        }
    }

    #[test]
    fn a_duty_lasts_and_its_deputy_is_another() {
        assert!(check(&duty(0, 8)).is_ok());
        assert!(check(&duty(8, 8)).is_err());
        let alone = duty::Model { deputy: Some("analyst-1".to_owned()), ..duty(0, 8) };
        assert!(matches!(check(&alone), Err(Error::BadInput { field, .. }) if field == "input.deputy"));
    }

    #[test]
    fn only_the_future_of_a_duty_is_ended() {
        assert_eq!(end(&duty(0, 8), hour(3), hour(2)), Ok(hour(3)));
        assert_eq!(end(&duty(4, 8), hour(2), hour(2)), Ok(hour(4)), "one that has not begun never is on");
        assert_eq!(end(&duty(0, 8), hour(1), hour(2)).unwrap_err().code, RefusalCode::Frozen);
        assert_eq!(end(&duty(0, 8), hour(8), hour(2)).unwrap_err().code, RefusalCode::Contradiction);
        assert_eq!(end(&duty(0, 8), hour(9), hour(8)).unwrap_err().code, RefusalCode::Frozen);
    }
}
