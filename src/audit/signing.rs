//! The key that exports of the audit trail are signed with: Ed25519 (RFC 8032).

use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretBox};
use tokio_rustls::rustls::pki_types::SubjectPublicKeyInfoDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

use crate::clock::Ids;
use crate::{instance, secret};

/// What a public key begins with where its algorithm is said (RFC 8410, section 4).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A key that signs. `Debug` shows its public half only.
#[derive(Debug)]
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// Reads the key of a file that [`make`] wrote.
    ///
    /// # Errors
    /// When there is none in it.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        Self::new(&secret::read_bytes(file)?)
    }

    fn new(seed: &SecretBox<[u8; 32]>) -> anyhow::Result<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose_secret());
        Ok(Self(pair.context("32 bytes that are no key of Ed25519")?))
    }

    /// The signature of these bytes: 64 bytes.
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.0.sign(bytes).as_ref().to_vec()
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.public_key().as_ref().to_vec())
    }
}

/// Makes a key in a file that was not there, for its owner alone.
///
/// # Errors
/// When the file is there or cannot be written.
pub fn make(file: &Path, ids: &Ids) -> anyhow::Result<SigningKey> {
    let seed = SecretBox::init_with_mut(|seed: &mut [u8; 32]| ids.fill(seed));
    let key = SigningKey::new(&seed)?;
    let mut text = Zeroizing::new([0; 64]);
    hex::encode_to_slice(seed.expose_secret(), text.as_mut_slice())?;
    let mut written = instance::create(file)?;
    written.write_all(text.as_slice())?;
    written.write_all(b"\n")?;
    written.sync_all()?;
    Ok(key)
}

/// A key that tells who signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(Vec<u8>);

impl PublicKey {
    /// Reads a file in PEM, as [`pem`](Self::pem) writes it.
    ///
    /// # Errors
    /// When there is no public key of Ed25519 in it.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let about = || format!("{}: no public key in PEM", file.display());
        let text = std::fs::read(file).with_context(about)?;
        let der = SubjectPublicKeyInfoDer::from_pem_slice(&text);
        let der = der.map_err(|error| anyhow::anyhow!("{error}")).with_context(about)?;
        match der.strip_prefix(&SPKI) {
            Some(key) if key.len() == 32 => Ok(Self(key.to_vec())),
            _ => bail!("{}: a public key, but none of Ed25519", file.display()),
        }
    }

    /// It in PEM (RFC 8410).
    pub fn pem(&self) -> String {
        let der = STANDARD.encode([&SPKI, self.0.as_slice()].concat());
        format!("-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n")
    }

    /// Whether the private half signed these bytes.
    pub fn verifies(&self, bytes: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(bytes, signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Arc;

    use super::*;
    use crate::clock::SetClock;

    #[test]
    fn a_key_is_made_once_for_its_owner_and_its_public_half_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let (file, public) = (folder.path().join("audit.key"), folder.path().join("audit.pem"));
        let ids = Ids::seeded(Arc::new(SetClock::new(crate::testing::now())), 1);
        let made = make(&file, &ids).unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(make(&file, &ids).is_err(), "a key is never written over");
        let read = SigningKey::read(&file).unwrap();
        assert_eq!(read.public(), made.public());
        std::fs::write(&public, read.public().pem()).unwrap();
        let public = PublicKey::read(&public).unwrap();
        let signature = made.sign(b"what was said");
        assert!(public.verifies(b"what was said", &signature));
        assert!(!public.verifies(b"what was not", &signature) && !public.verifies(b"what was said", b""));
        let shown = format!("{made:?}");
        let secret = std::fs::read_to_string(&file).unwrap();
        assert!(!shown.contains(secret.trim()), "{shown}");
    }

    #[test]
    fn the_first_vector_of_the_specification_is_met() {
        // RFC 8032, section 7.1.
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("audit.key");
        std::fs::write(&file, "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
        let key = SigningKey::read(&file).unwrap();
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        assert_eq!(hex::encode(&key.public().0), public);
        let signature = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd\
                         25bf5f0595bbe24655141438e7a100b";
        assert_eq!(hex::encode(key.sign(b"")), signature);
    }

    #[test]
    fn what_is_no_public_key_of_this_kind_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("audit.pem");
        let other = STANDARD.encode([&SPKI[..], &[1; 31]].concat());
        for text in [
            String::new(),
            "aa".repeat(32),
            format!("-----BEGIN PUBLIC KEY-----\n{other}\n-----END PUBLIC KEY-----\n"),
        ] {
            std::fs::write(&file, &text).unwrap();
            let refused = format!("{:#}", PublicKey::read(&file).unwrap_err());
            assert!(refused.contains("audit.pem"), "{refused}");
        }
    }
}
