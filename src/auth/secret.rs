//! The shared secret of development tokens.

use std::path::Path;

use secrecy::{ExposeSecret, SecretSlice};

/// RFC 7518, section 3.2: a key of HS256 is at least as long as its hash.
const MIN_SECRET_BYTES: usize = 32;

/// A secret fit for HS256: long enough, and not the text of a public key. `Debug` does not show it.
#[derive(Debug, Clone)]
pub struct DevelopmentSecret(SecretSlice<u8>);

/// Why a secret is not used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// Short enough to be guessed from one token.
    #[error("the secret has {0} bytes and needs at least 32: make one with `openssl rand -hex 32`")]
    TooShort(usize),
    /// A PEM file: whoever knows the public key could sign tokens with it.
    #[error(
        "the file holds a PEM key or certificate, not a shared secret: make one with `openssl rand -hex 32`"
    )]
    Pem,
}

impl DevelopmentSecret {
    /// Takes `content`, without the line ends at its end, as the secret: editors and shells add them unasked.
    ///
    /// # Errors
    /// When the secret is shorter than 32 bytes or holds PEM.
    pub fn new(content: &[u8]) -> Result<Self, SecretError> {
        let end = content.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
        let secret = &content[..end];
        if secret.windows(11).any(|window| window == b"-----BEGIN ") {
            return Err(SecretError::Pem);
        }
        if secret.len() < MIN_SECRET_BYTES {
            return Err(SecretError::TooShort(secret.len()));
        }
        Ok(Self(SecretSlice::from(secret.to_vec())))
    }

    /// Reads the secret from a file.
    ///
    /// # Errors
    /// When the file cannot be read, or as [`new`](Self::new).
    pub fn read(path: &Path) -> Result<Self, SecretError> {
        Self::new(SecretSlice::from(std::fs::read(path)?).expose_secret())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_at_the_end_are_not_part_of_the_secret() {
        let secret = DevelopmentSecret::new(b"0123456789abcdef\n0123456789abcde \r\n\n").unwrap();
        assert_eq!(secret.bytes(), b"0123456789abcdef\n0123456789abcde ");
    }

    #[test]
    fn short_secrets_and_public_keys_are_refused() {
        let short = format!("{}\n\n", "x".repeat(31));
        assert!(matches!(DevelopmentSecret::new(short.as_bytes()), Err(SecretError::TooShort(31))));
        assert!(matches!(DevelopmentSecret::new(b""), Err(SecretError::TooShort(0))));
        let pem = format!("# key\n-----BEGIN PUBLIC KEY-----\n{}\n", "A".repeat(60));
        assert!(matches!(DevelopmentSecret::new(pem.as_bytes()), Err(SecretError::Pem)));
    }

    #[test]
    fn debug_does_not_show_it() {
        let secret = DevelopmentSecret::new(&[b'x'; 32]).unwrap();
        assert!(!format!("{secret:?}").contains("120, 120"), "{secret:?}");
        assert!(!format!("{secret:?}").contains("xxx"), "{secret:?}");
    }
}
