//! What the headers of a hook have to be, and whether its signature holds.

use axum::http::HeaderMap;
use chrono::{DateTime, TimeDelta, Utc};

use crate::webhook::sign::{self, Key};

/// Longest id of a hook, in bytes.
const ID_BYTES: usize = 128;
/// Longest signature header, in bytes: ten signatures fit.
const SIGNATURE_BYTES: usize = 1_024;
/// Longest wait before a hook is tried again that could not be carried out.
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(1);

/// The value of a header that stands there once, as text.
pub(super) fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// What the headers of a hook claim, by Standard Webhooks 1.0; nothing of it is proven yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The sender's id of the hook, the same over its retries.
    pub id: String,
    timestamp: String,
    signatures: String,
}

impl Claim {
    /// What the headers claim; none when they cannot be those of a signed hook of this time, so that its body need
    /// not be read.
    pub fn read(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Self> {
        let (id, timestamp) = (one(headers, "webhook-id")?, one(headers, "webhook-timestamp")?);
        let signatures = one(headers, "webhook-signature")?;
        let plausible = (1..=ID_BYTES).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_graphic())
            && sign::is_timely(timestamp, now)
            && signatures.len() <= SIGNATURE_BYTES
            && signatures.split(' ').any(|signature| signature.starts_with("v1,"));
        plausible.then(|| Self {
            id: id.to_owned(),
            timestamp: timestamp.to_owned(),
            signatures: signatures.to_owned(),
        })
    }

    /// Whether one of `keys` signed this claim over `body`.
    pub fn is_signed(&self, keys: &[Key], body: &[u8], now: DateTime<Utc>) -> bool {
        sign::verify(keys, (&self.id, &self.timestamp, &self.signatures), body, now).is_ok()
    }
}

/// How long a hook waits after it could not be carried out `attempts` times: 2 s, 4 s, 8 s, at most an hour.
pub fn wait(attempts: i32) -> TimeDelta {
    let doublings = u32::try_from(attempts).unwrap_or(1).clamp(1, 12);
    TimeDelta::seconds(1 << doublings).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: i64 = 1_772_413_200;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(TIME + seconds, 0).unwrap()
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_signed_hook_of_this_time_is_taken_and_no_other() {
        let (ours, other) = (
            Key::parse(&sign::secret_text(&[1; 32])).unwrap(),
            Key::parse(&sign::secret_text(&[2; 32])).unwrap(),
        );
        let signature = sign::sign([&ours], "msg_1", at(0), b"{}");
        let time = TIME.to_string();
        let sent = headers(&[
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", &time),
            ("webhook-signature", &signature),
        ]);
        let claim = Claim::read(&sent, at(0)).unwrap();
        assert_eq!(claim.id, "msg_1");
        assert!(claim.is_signed(&[other.clone(), ours.clone()], b"{}", at(0)));
        assert!(!claim.is_signed(&[other], b"{}", at(0)));
        assert!(!claim.is_signed(&[ours], b"{ }", at(0)));
        assert!(!claim.is_signed(&[], b"{}", at(0)));
        for (now, timely) in [(300, true), (-300, true), (301, false), (-301, false)] {
            assert_eq!(Claim::read(&sent, at(now)).is_some(), timely, "{now}");
        }
    }

    #[test]
    fn headers_that_cannot_be_a_signature_are_not_worth_reading_the_body() {
        let good =
            [("webhook-id", "a"), ("webhook-timestamp", "1772413200"), ("webhook-signature", "v1,AAAA")];
        assert!(Claim::read(&headers(&good), at(0)).is_some());
        for left_out in 0..3 {
            let mut fewer = good.to_vec();
            let repeated = fewer.remove(left_out);
            assert_eq!(Claim::read(&headers(&fewer), at(0)), None, "without {repeated:?}");
            let twice = [good.as_slice(), &[repeated]].concat();
            assert_eq!(Claim::read(&headers(&twice), at(0)), None, "{repeated:?} twice");
        }
        let long_id = "x".repeat(129);
        let long_signature = format!("v1,{}", "A".repeat(1_024));
        for (place, wrong) in [
            (0, ""),
            (0, "a b"),
            (0, &*long_id),
            (1, ""),
            (1, "now"),
            (1, "1772413200.5"),
            (2, ""),
            (2, "AAAA"),
            (2, "v2,AAAA"),
            (2, &*long_signature),
        ] {
            let mut pairs = good;
            pairs[place].1 = wrong;
            assert_eq!(Claim::read(&headers(&pairs), at(0)), None, "{wrong}");
        }
    }

    #[test]
    fn waits_double_up_to_an_hour() {
        let seconds: Vec<_> = [1, 2, 5, 11, 12, 60].map(|attempts| wait(attempts).num_seconds()).into();
        assert_eq!(seconds, [2, 4, 32, 2_048, 3_600, 3_600]);
    }

    proptest::proptest! {
        #[test]
        fn any_hook_never_panics_and_is_not_taken_for_signed(
            values in proptest::array::uniform3(crate::testing::jumble("msg_1¦1772413200¦-¦.¦v1,¦v1a,¦AAAA¦=¦99999999999999999999¦\u{e9}¦,")),
            body: Vec<u8>,
        ) {
            let key = Key::parse(&sign::secret_text(&[1; 32])).unwrap();
            let mut headers = HeaderMap::new();
            for (name, value) in ["webhook-id", "webhook-timestamp", "webhook-signature"].into_iter().zip(&values) {
                if let Ok(value) = axum::http::HeaderValue::from_bytes(value.as_bytes()) {
                    headers.append(name, value);
                }
            }
            if let Some(claim) = Claim::read(&headers, at(0)) {
                assert!(!claim.is_signed(&[key], &body, at(0)));
            }
        }
    }
}
