//! Keys and tokens for the tests of this folder. Private keys are made from a repeated byte.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

/// The secret of the development tokens in tests.
pub(super) const SECRET: &[u8; 32] = b"a development secret of 32 bytes";

/// PKCS #8 before the 32 bytes of an Ed25519 private key (RFC 8410, section 7).
const ED25519_PREFIX: &str = "302e020100300506032b657004220420";
/// PKCS #8 before the 32 bytes of a P-256 private key (RFC 5958, RFC 5915) without its public key.
const P256_PREFIX: &str = "3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420";

/// The instant at which the tests' tokens are verified.
pub(super) fn now() -> DateTime<Utc> {
    "2026-11-25T08:00:00Z".parse().unwrap()
}

/// A key that signs.
pub(super) struct SigningKey {
    algorithm: Algorithm,
    key: EncodingKey,
    kid: &'static str,
}

impl SigningKey {
    pub(super) fn hs256(secret: &[u8]) -> Self {
        Self { algorithm: Algorithm::HS256, key: EncodingKey::from_secret(secret), kid: "" }
    }

    pub(super) fn ed25519(kid: &'static str, seed: u8) -> Self {
        let key = EncodingKey::from_ed_der(&private_key(ED25519_PREFIX, seed));
        Self { algorithm: Algorithm::EdDSA, key, kid }
    }

    pub(super) fn es256(kid: &'static str, seed: u8) -> Self {
        let key = EncodingKey::from_ec_der(&private_key(P256_PREFIX, seed));
        Self { algorithm: Algorithm::ES256, key, kid }
    }

    /// The public key as its issuer publishes it.
    pub(super) fn jwk(&self) -> Value {
        let mut jwk =
            serde_json::to_value(Jwk::from_encoding_key(&self.key, self.algorithm).unwrap()).unwrap();
        jwk["kid"] = json!(self.kid);
        jwk["use"] = json!("sig");
        jwk
    }

    /// A token over exactly these texts.
    pub(super) fn sign(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }

    /// A token with the header that an issuer writes for this key.
    pub(super) fn issue(&self, claims: &Value) -> String {
        let header = json!({"alg": format!("{:?}", self.algorithm), "typ": "at+jwt", "kid": self.kid});
        self.sign(&header.to_string(), &claims.to_string())
    }
}

fn private_key(prefix: &str, seed: u8) -> Vec<u8> {
    let mut key = hex::decode(prefix).unwrap();
    key.extend([seed; 32]);
    key
}

pub(super) fn encode(text: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// Claims that are accepted at [`now`].
pub(super) fn good_claims(issuer: &str) -> Value {
    json!({
        "iss": issuer,
        "aud": "vulndesk",
        "sub": "analyst-1",
        "nbf": now().timestamp() - 60,
        "exp": now().timestamp() + 300,
        "roles": ["ANALYST"],
    })
}
