//! One key, and where the configuration has it.

use std::path::{Path, PathBuf};

use anyhow::Context;
use secrecy::{ExposeSecret, SecretBox, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{KEY_ID, KeyRing};

/// Where the keys are that stored secrets are sealed with.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecretSettings {
    /// Files with a key each, 64 hexadecimal digits: the first seals, all of them open.
    pub keys: Vec<PathBuf>,
}

impl SecretSettings {
    /// Reads the keys.
    ///
    /// # Errors
    /// When a file cannot be read, holds no key, or one that another holds too: it is named.
    pub fn read(&self) -> Result<KeyRing, KeyError> {
        let mut keys: Vec<Key> = Vec::new();
        for file in &self.keys {
            let key = Key::read(file)?;
            if keys.iter().any(|other| other.id() == key.id()) {
                return Err(KeyError::Twice(file.clone()));
            }
            keys.push(key);
        }
        Ok(KeyRing::new(keys))
    }
}

/// Why a key is not used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("the key file {0} cannot be read: {1}")]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// It is not what it should be.
    #[error("the key file {0} has to hold 64 hexadecimal digits: make one with `openssl rand -hex 32`")]
    IllFormed(PathBuf),
    /// Two files with one key would hide that the older key is still in use.
    #[error("the key in {0} is named twice: name each once")]
    Twice(PathBuf),
}

/// A key with its name. `Debug` shows the name only.
#[derive(Debug)]
pub struct Key {
    id: [u8; KEY_ID],
    bytes: SecretBox<[u8; 32]>,
}

impl Key {
    /// The key with these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self::of(SecretBox::new(Box::new(bytes)))
    }

    /// Its name follows from the bytes and tells nothing of them.
    fn of(bytes: SecretBox<[u8; 32]>) -> Self {
        let digest =
            Sha256::new().chain_update(b"name of a key:").chain_update(bytes.expose_secret()).finalize();
        let mut id = [0; KEY_ID];
        id.copy_from_slice(&digest[..KEY_ID]);
        Self { id, bytes }
    }

    fn read(file: &Path) -> Result<Self, KeyError> {
        read_bytes(file).map(Self::of)
    }

    pub(super) fn id(&self) -> &[u8] {
        &self.id
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        self.bytes.expose_secret()
    }
}

/// The 32 bytes whose hexadecimal digits a file holds.
///
/// # Errors
/// When the file cannot be read, or holds something else: it is named.
pub fn read_bytes(file: &Path) -> Result<SecretBox<[u8; 32]>, KeyError> {
    let text = std::fs::read_to_string(file).map_err(|error| KeyError::Unreadable(file.into(), error))?;
    let text = SecretString::from(text);
    let mut outcome = Ok(());
    let bytes = SecretBox::init_with_mut(|bytes: &mut [u8; 32]| {
        outcome = hex::decode_to_slice(text.expose_secret().trim(), bytes);
    });
    outcome.map(|()| bytes).map_err(|_| KeyError::IllFormed(file.into()))
}

/// The text of a file, such as a password, without the line ends at its end: editors and shells add them unasked.
///
/// # Errors
/// When the file cannot be read: it is named.
pub fn read_text(file: &Path) -> anyhow::Result<SecretString> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let text = SecretString::from(text);
    Ok(text.expose_secret().trim_end_matches(['\r', '\n']).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_strictly_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let (a, b) = (file("a", &format!("{}\n", "0a".repeat(32))), file("b", &"0b".repeat(32)));
        assert!(SecretSettings { keys: vec![a.clone(), b] }.read().unwrap().can_seal());
        assert!(!SecretSettings::default().read().unwrap().can_seal());
        let same = file("same", &"0A".repeat(32));
        let twice = SecretSettings { keys: vec![a, same] }.read();
        assert!(matches!(twice, Err(KeyError::Twice(path)) if path.ends_with("same")));
        for wrong in ["", "0a", &"0a".repeat(33), &"zz".repeat(32)] {
            let read = SecretSettings { keys: vec![file("wrong", wrong)] }.read();
            assert!(matches!(read, Err(KeyError::IllFormed(_))), "{wrong}");
        }
        let absent = SecretSettings { keys: vec![folder.path().join("absent")] }.read();
        assert!(matches!(absent, Err(KeyError::Unreadable(..))));
    }
}
