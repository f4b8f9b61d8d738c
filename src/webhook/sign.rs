//! Signatures by Standard Webhooks 1.0: a receiver can tell that a message is ours, unchanged and new.
//!
//! `webhook-id` names the message and is the same over retries and replays; `webhook-timestamp` is the attempt's, in
//! seconds; `webhook-signature` is `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, once for each secret
//! in force while a rotation overlaps.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use sha2::Sha256;

use crate::clock::Ids;

/// What a secret's text begins with.
const PREFIX: &str = "whsec_";
/// Bounds of a secret, in bytes.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// How far an attempt's time may be from ours when we verify, in seconds.
const TOLERANCE_SECONDS: u64 = 5 * 60;
/// Signatures looked at in one header, so that a long header costs nothing.
const MAX_SIGNATURES: usize = 10;

/// A key that signs and verifies. Made once for a secret; `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Key(Hmac<Sha256>);

/// A text that is no signing secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a signing secret is whsec_ and the base64 of 24 to 64 bytes")]
pub struct NotASecret;

/// Why a message is not taken as signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// The time is no number, or too far from ours in either direction: it may be an old message sent again.
    #[error("webhook-timestamp is not within five minutes")]
    Time,
    /// None of the signatures is by one of the keys.
    #[error("no webhook-signature fits")]
    Signature,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    /// The key of a secret's text.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(secret: &str) -> Result<Self, NotASecret> {
        let encoded = secret.strip_prefix(PREFIX).ok_or(NotASecret)?;
        let bytes = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| NotASecret)?);
        if !SECRET_BYTES.contains(&bytes.len()) {
            return Err(NotASecret);
        }
        Hmac::new_from_slice(&bytes).map(Self).map_err(|_| NotASecret)
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(id.as_bytes());
        mac.update(b".");
        mac.update(timestamp.as_bytes());
        mac.update(b".");
        mac.update(body);
        mac
    }
}

/// The text of a secret made of `bytes`, as it is shown to its owner once.
pub fn secret_text(bytes: &[u8; 32]) -> String {
    [PREFIX, &Zeroizing::new(STANDARD.encode(bytes))].concat()
}

/// A new secret. Nothing of it stays in memory when it is dropped.
pub fn new_secret(ids: &Ids) -> SecretString {
    let mut bytes = Zeroizing::new([0; 32]);
    ids.fill(bytes.as_mut_slice());
    secret_text(&bytes).into()
}

/// The value of `webhook-signature`: one signature for each key, separated by spaces.
pub fn sign<'a>(keys: impl IntoIterator<Item = &'a Key>, id: &str, at: DateTime<Utc>, body: &[u8]) -> String {
    let timestamp = at.timestamp().to_string();
    let signatures = keys.into_iter().map(|key| {
        let digest = key.mac(id, &timestamp, body).finalize().into_bytes();
        format!("v1,{}", STANDARD.encode(digest))
    });
    signatures.collect::<Vec<_>>().join(" ")
}

/// Whether a `webhook-timestamp` is a time that is close enough to `now` to be looked at.
pub fn is_timely(timestamp: &str, now: DateTime<Utc>) -> bool {
    timestamp.parse::<i64>().is_ok_and(|sent| sent.abs_diff(now.timestamp()) <= TOLERANCE_SECONDS)
}

/// Checks the three headers of a received message against any of `keys`, in a time that tells nothing of them.
///
/// # Errors
/// When the time is off or no signature fits.
pub fn verify<'a>(
    keys: impl IntoIterator<Item = &'a Key> + Clone,
    (id, timestamp, signatures): (&str, &str, &str),
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<(), Unverified> {
    if !is_timely(timestamp, now) {
        return Err(Unverified::Time);
    }
    let of_ours = |signature: &[u8]| {
        keys.clone().into_iter().any(|key| key.mac(id, timestamp, body).verify_slice(signature).is_ok())
    };
    let signed = signatures
        .split(' ')
        .take(MAX_SIGNATURES)
        .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
        .any(|signature| of_ours(&signature));
    if signed { Ok(()) } else { Err(Unverified::Signature) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &[u8] = b"{\"test\": 2432232314}";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_614_265_330 + seconds, 0).unwrap()
    }

    #[test]
    fn the_specifications_vector_is_met() {
        let key = Key::parse(SECRET).unwrap();
        assert_eq!(sign([&key], ID, at(0), BODY), SIGNATURE);
        assert_eq!(verify([&key], (ID, "1614265330", SIGNATURE), BODY, at(0)), Ok(()));
    }

    #[test]
    fn each_secret_in_force_signs_and_either_verifies() {
        let (old, new) = (Key::parse(SECRET).unwrap(), Key::parse(&secret_text(&[7; 32])).unwrap());
        let both = sign([&new, &old], ID, at(0), BODY);
        assert_eq!(both.split(' ').count(), 2);
        assert!(both.ends_with(SIGNATURE));
        for keys in [vec![&old], vec![&new], vec![&old, &new]] {
            assert_eq!(verify(keys, (ID, "1614265330", &both), BODY, at(0)), Ok(()));
        }
        let other = Key::parse(&secret_text(&[8; 32])).unwrap();
        assert_eq!(verify([&other], (ID, "1614265330", &both), BODY, at(0)), Err(Unverified::Signature));
    }

    #[test]
    fn what_was_changed_or_is_old_is_refused() {
        let key = Key::parse(SECRET).unwrap();
        let check = |id, timestamp, signature, body: &[u8], now| {
            verify([&key], (id, timestamp, signature), body, now)
        };
        let time = "1614265330";
        assert_eq!(check(ID, time, SIGNATURE, BODY, at(300)), Ok(()));
        assert_eq!(check(ID, time, SIGNATURE, BODY, at(-300)), Ok(()));
        for now in [at(301), at(-301)] {
            assert_eq!(check(ID, time, SIGNATURE, BODY, now), Err(Unverified::Time));
        }
        for timestamp in ["", "soon", "1614265330.0", "99999999999999999999", "-9223372036854775808"] {
            assert_eq!(check(ID, timestamp, SIGNATURE, BODY, at(0)), Err(Unverified::Time), "{timestamp}");
        }
        for (id, timestamp, signature, body) in [
            ("msg_other", time, SIGNATURE, BODY),
            (ID, "1614265331", SIGNATURE, BODY),
            (ID, time, SIGNATURE, b"{}".as_slice()),
            (ID, time, "", BODY),
            (ID, time, "v1,", BODY),
            (ID, time, "v1,AAAA", BODY),
            (ID, time, "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", BODY),
            (ID, time, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", BODY),
        ] {
            assert_eq!(
                check(id, timestamp, signature, body, at(0)),
                Err(Unverified::Signature),
                "{signature}"
            );
        }
    }

    #[test]
    fn secrets_have_24_to_64_bytes_and_are_not_shown() {
        for bytes in [24, 32, 64] {
            assert!(Key::parse(&format!("whsec_{}", STANDARD.encode(vec![1; bytes]))).is_ok(), "{bytes}");
        }
        for bytes in [0, 23, 65] {
            assert!(Key::parse(&format!("whsec_{}", STANDARD.encode(vec![1; bytes]))).is_err(), "{bytes}");
        }
        for text in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_not base64"] {
            assert!(Key::parse(text).is_err(), "{text}");
        }
        assert_eq!(format!("{:?}", Key::parse(SECRET).unwrap()), "Key(..)");
    }
}
