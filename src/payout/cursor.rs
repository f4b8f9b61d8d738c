//! Places in the stream of changes as its followers hold them. A place counts every message of the installation, so
//! it is sealed: it tells no count, and none can be made up. The same place is sealed to the same text.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::app::App;
use crate::error::Result;

/// Bytes of the nonce.
const NONCE: usize = 24;

/// The text that stands for a place.
///
/// # Errors
/// When it cannot be sealed, which a text of this length always can.
pub fn seal(app: &App, position: i64) -> Result<String> {
    let plain = position.to_be_bytes();
    let key = app.numbers.derive("payout changes: nonce");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(anyhow::Error::from)?;
    mac.update(&plain);
    let digest: [u8; 32] = mac.finalize().into_bytes().into();
    let mut nonce = [0; NONCE];
    nonce.copy_from_slice(&digest[..NONCE]);
    let text = cipher(app)
        .encrypt(&XNonce::from(nonce), plain.as_slice())
        .map_err(|_| anyhow::anyhow!("a place cannot be sealed"))?;
    Ok(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &text].concat()))
}

/// The place that a text stands for; none when it is not one of ours.
pub fn open(app: &App, text: &str) -> Option<i64> {
    let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (nonce, text) = sealed.split_at_checked(NONCE)?;
    let nonce = <[u8; NONCE]>::try_from(nonce).ok()?;
    let plain = cipher(app).decrypt(&XNonce::from(nonce), text).ok()?;
    Some(i64::from_be_bytes(plain.try_into().ok()?))
}

fn cipher(app: &App) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&app.numbers.derive("payout changes: place").into())
}

#[cfg(test)]
mod tests {
    use super::{open, seal};

    #[tokio::test]
    async fn a_place_comes_back_and_tells_no_count() {
        let app = crate::testing::app("payout_cursor").await;
        let (first, second) = (seal(&app, 1).unwrap(), seal(&app, 2).unwrap());
        assert_eq!((open(&app, &first), open(&app, &second)), (Some(1), Some(2)));
        assert_eq!(seal(&app, 1).unwrap(), first);
        let differing = first.bytes().zip(second.bytes()).filter(|(one, other)| one != other).count();
        assert!(differing > first.len() / 2, "{first} {second}");
        let forged = format!("{}{}", &first[..32], &second[32..]);
        for wrong in ["", "1", forged.as_str()] {
            assert_eq!(open(&app, wrong), None, "{wrong}");
        }
    }
}
