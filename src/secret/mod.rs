//! Secrets at rest: what is stored that others must not read is sealed with a key that the database does not hold.
//!
//! A [`KeyRing`] comes from the configuration: its first key seals, every key opens. A new key is put first, the
//! stored secrets are sealed anew with it (`vulndesk secrets rotate`), then the old key can go. A sealed secret
//! names its key, and opens only in the place it was sealed for ([`Place`]): copied to another row it is worthless.

mod column;
mod input;
mod key;
pub mod renewal;

use std::sync::Arc;

use crate::clock::Ids;
use crate::error::{Error, RefusalCode, Result};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretSlice, SecretString};

pub use column::{Column, Place};
pub use input::Confidential;
pub use key::{Key, KeyError, SecretSettings, read_bytes, read_text};

/// First byte of what is sealed: tells the form apart from later ones.
const FORM: u8 = 1;
/// Bytes that name the key.
const KEY_ID: usize = 8;
/// Bytes of the nonce: long enough to be random for every secret.
const NONCE: usize = 24;

/// Keys that seal and open secrets. Empty where the configuration names none: then nothing can be sealed.
#[derive(Clone, Debug, Default)]
pub struct KeyRing(Arc<[Key]>);

/// The name of the key that sealed a secret; none when it is not of our form.
pub fn key_of(sealed: &[u8]) -> Option<&[u8]> {
    sealed.get(1..=KEY_ID).filter(|_| sealed[0] == FORM)
}

/// A sealed secret that does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unopened {
    /// None of the keys at hand sealed it.
    #[error("no key in secrets.keys sealed it: add the key that was taken out")]
    UnknownKey,
    /// It was changed, or sealed for another place.
    #[error("it was changed, or sealed for another place")]
    Altered,
}

impl KeyRing {
    /// A ring of these keys; the first seals.
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Self {
        Self(keys.into_iter().collect())
    }

    /// Whether there is a key to seal with.
    pub fn can_seal(&self) -> bool {
        !self.0.is_empty()
    }

    /// Whether there is a key of this name ([`key_of`]).
    pub fn has(&self, id: &[u8]) -> bool {
        self.0.iter().any(|key| key.id() == id)
    }

    /// Seals `plain` for `place` with the first key.
    ///
    /// # Errors
    /// A refusal when there is no key.
    pub fn seal(&self, ids: &Ids, place: Place, plain: &[u8]) -> Result<Vec<u8>> {
        let key = self.0.first().ok_or_else(|| {
            Error::refused(
                RefusalCode::MissingFact,
                "this installation has no key to keep secrets with: name one in the setting secrets.keys",
            )
        })?;
        let mut nonce = [0; NONCE];
        ids.fill(&mut nonce);
        let mut sealed = vec![FORM];
        sealed.extend_from_slice(key.id());
        let payload = Payload { msg: plain, aad: &place.associated(&sealed) };
        let cipher = XChaCha20Poly1305::new(key.bytes().into());
        let text = cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| anyhow::anyhow!("a secret of {} bytes cannot be sealed", plain.len()))?;
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&text);
        Ok(sealed)
    }

    /// Opens what was sealed for `place`.
    ///
    /// # Errors
    /// When no key at hand sealed it, or it was changed or moved.
    pub fn open(&self, place: Place, sealed: &[u8]) -> std::result::Result<SecretSlice<u8>, Unopened> {
        let (head, rest) = sealed.split_at_checked(1 + KEY_ID).ok_or(Unopened::Altered)?;
        let (nonce, text) = rest.split_at_checked(NONCE).ok_or(Unopened::Altered)?;
        if head[0] != FORM {
            return Err(Unopened::Altered);
        }
        let key = self.0.iter().find(|key| key.id() == &head[1..]).ok_or(Unopened::UnknownKey)?;
        let nonce = <[u8; NONCE]>::try_from(nonce).map_err(|_| Unopened::Altered)?;
        let cipher = XChaCha20Poly1305::new(key.bytes().into());
        let payload = Payload { msg: text, aad: &place.associated(head) };
        let plain = cipher.decrypt(&XNonce::from(nonce), payload).map_err(|_| Unopened::Altered)?;
        // It has room for what proved it, and giving that back may move it and leave a copy behind.
        Ok(Zeroizing::new(plain).to_vec().into())
    }

    /// Seals secrets with their names for `place`.
    ///
    /// # Errors
    /// As [`seal`](Self::seal).
    pub fn seal_named(&self, ids: &Ids, place: Place, named: &[(&str, &str)]) -> Result<Vec<u8>> {
        // Each byte takes six at most, and what has to grow leaves copies behind.
        let room = named.iter().map(|(name, secret)| 6 * (name.len() + secret.len()) + 8).sum::<usize>();
        let mut text = Zeroizing::new(Vec::with_capacity(room + 2));
        serde_json::to_writer(&mut *text, named).map_err(anyhow::Error::from)?;
        self.seal(ids, place, &text)
    }

    /// Opens what [`seal_named`](Self::seal_named) sealed.
    ///
    /// # Errors
    /// When it does not open.
    pub fn open_named(&self, place: Place, sealed: &[u8]) -> Result<Vec<(String, SecretString)>> {
        let text = self.open(place, sealed).map_err(anyhow::Error::from)?;
        Ok(serde_json::from_slice(text.expose_secret()).map_err(anyhow::Error::from)?)
    }

    /// What was sealed with an older key, sealed with the first one; none when it already is.
    ///
    /// # Errors
    /// When there is no key, or it does not open.
    pub fn reseal(&self, ids: &Ids, place: Place, sealed: &[u8]) -> Result<Option<Vec<u8>>> {
        if self.0.first().is_some_and(|key| sealed.get(1..=KEY_ID) == Some(key.id())) {
            return Ok(None);
        }
        let plain = self.open(place, sealed).map_err(anyhow::Error::from)?;
        self.seal(ids, place, plain.expose_secret()).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::clock::SetClock;

    fn ids() -> Ids {
        Ids::seeded(Arc::new(SetClock::new(crate::testing::now())), 11)
    }

    fn key(byte: u8) -> Key {
        Key::new([byte; 32])
    }

    fn place(row: u128) -> Place {
        Column::WebhookSecret.of(Uuid::from_u128(row))
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_alone() {
        let (ring, ids) = (KeyRing::new([key(1)]), ids());
        let sealed = ring.seal(&ids, place(1), b"whsec_abc").unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"whsec_"));
        assert_eq!(ring.open(place(1), &sealed).unwrap().expose_secret(), b"whsec_abc");
        assert_eq!(ring.open(place(2), &sealed).unwrap_err(), Unopened::Altered);
        let elsewhere = Column::EndpointHeaders.of(Uuid::from_u128(1));
        assert_eq!(ring.open(elsewhere, &sealed).unwrap_err(), Unopened::Altered);
        let again = ring.seal(&ids, place(1), b"whsec_abc").unwrap();
        assert_ne!(sealed, again, "the same secret twice does not look the same");
    }

    #[test]
    fn a_sealed_secret_names_its_key() {
        let sealed = KeyRing::new([key(1)]).seal(&ids(), place(1), b"x").unwrap();
        let name = key_of(&sealed).unwrap();
        assert!(KeyRing::new([key(2), key(1)]).has(name) && !KeyRing::new([key(2)]).has(name));
        assert_eq!((key_of(b"\x02234567890"), key_of(b"\x01"), key_of(b"")), (None, None, None));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let ring = KeyRing::new([key(1)]);
        let sealed = ring.seal(&ids(), place(1), b"whsec_abc").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(ring.open(place(1), &changed).is_err(), "byte {at}");
            assert!(ring.open(place(1), &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_new_key_seals_the_old_one_still_opens_until_all_is_sealed_anew() {
        let (old, both, new) =
            (KeyRing::new([key(1)]), KeyRing::new([key(2), key(1)]), KeyRing::new([key(2)]));
        let ids = ids();
        let sealed = old.seal(&ids, place(1), b"whsec_abc").unwrap();
        assert_eq!(new.open(place(1), &sealed).unwrap_err(), Unopened::UnknownKey);
        assert!(both.open(place(1), &sealed).is_ok());
        let anew = both.reseal(&ids, place(1), &sealed).unwrap().unwrap();
        assert_eq!(new.open(place(1), &anew).unwrap().expose_secret(), b"whsec_abc");
        assert_eq!(both.reseal(&ids, place(1), &anew).unwrap(), None, "once is enough");
    }

    #[test]
    fn without_a_key_nothing_is_sealed() {
        let refused = KeyRing::default().seal(&ids(), place(1), b"x");
        assert!(
            matches!(refused, Err(Error::Refused(refusals)) if refusals[0].message.contains("secrets.keys"))
        );
    }

    #[test]
    fn debug_shows_no_key() {
        let text = format!("{:?}", KeyRing::new([key(0x61)]));
        assert!(!text.contains("97, 97") && !text.contains("aaa") && !text.contains("6161"), "{text}");
    }
}
