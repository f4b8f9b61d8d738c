//! Keys that verify signatures, each with the one algorithm it is used with.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

use super::secret::DevelopmentSecret;

/// More keys than any issuer rotates through.
const MAX_KEYS: usize = 20;
/// RFC 7518, section 3.3.
const MIN_RSA_BITS: usize = 2048;

/// A key and its algorithm. A token's own `alg` never chooses: it is only compared.
#[derive(Debug)]
pub(super) struct VerificationKey {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl VerificationKey {
    /// The algorithms of published keys: all asymmetric.
    pub(super) const PUBLISHED_ALGORITHMS: [&str; 3] = ["RS256", "ES256", "EdDSA"];

    /// The shared secret of development tokens.
    pub(super) fn development(secret: &DevelopmentSecret) -> Self {
        Self { algorithm: Algorithm::HS256, key: DecodingKey::from_secret(secret.bytes()) }
    }

    /// The name of the one algorithm, as it stands in a header's `alg`.
    pub(super) fn algorithm_name(&self) -> &'static str {
        match self.algorithm {
            Algorithm::HS256 => "HS256",
            Algorithm::RS256 => "RS256",
            Algorithm::ES256 => "ES256",
            _ => "EdDSA",
        }
    }

    /// Whether `signature` (base64url) over `message` was made with this key.
    pub(super) fn verifies(&self, message: &str, signature: &str) -> bool {
        // An error means a signature that is no base64url, or a key that fits no signature at all.
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), &self.key, self.algorithm)
            .unwrap_or(false)
    }
}

/// One key of a JWK set (RFC 7517), as far as it is used. Private members, certificates and URLs are not read.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    public_key_use: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl Jwk {
    /// The key, or None when it is not for signatures of an algorithm that is accepted here.
    fn verification_key(&self) -> Option<VerificationKey> {
        let for_signatures = self.public_key_use.as_deref().is_none_or(|purpose| purpose == "sig")
            && self.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|name| name == "verify"));
        if !for_signatures {
            return None;
        }
        let (algorithm, key) = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => (Algorithm::RS256, rsa(self.n.as_deref()?, self.e.as_deref()?)?),
            ("EC", Some("P-256")) => {
                let (x, y) = (self.x.as_deref()?, self.y.as_deref()?);
                has_bytes(x, 32)?;
                has_bytes(y, 32)?;
                (Algorithm::ES256, DecodingKey::from_ec_components(x, y).ok()?)
            }
            ("OKP", Some("Ed25519")) => {
                let x = self.x.as_deref()?;
                has_bytes(x, 32)?;
                (Algorithm::EdDSA, DecodingKey::from_ed_components(x).ok()?)
            }
            // Symmetric keys ("oct") among them: what is published is no secret.
            _ => return None,
        };
        let key = VerificationKey { algorithm, key };
        self.alg.as_deref().is_none_or(|named| named == key.algorithm_name()).then_some(key)
    }
}

fn rsa(n: &str, e: &str) -> Option<DecodingKey> {
    let modulus = URL_SAFE_NO_PAD.decode(n).ok()?;
    let significant = modulus.iter().skip_while(|byte| **byte == 0);
    let leading_zero_bits = significant.clone().next()?.leading_zeros() as usize;
    let bits = significant.count() * 8 - leading_zero_bits;
    if bits < MIN_RSA_BITS {
        return None;
    }
    DecodingKey::from_rsa_components(n, e).ok()
}

fn has_bytes(text: &str, expected: usize) -> Option<()> {
    (URL_SAFE_NO_PAD.decode(text).ok()?.len() == expected).then_some(())
}

/// The usable keys of one JWK set.
#[derive(Debug)]
pub(super) struct KeySet(Vec<(Option<String>, Arc<VerificationKey>)>);

/// Why a document is not used as a JWK set.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeySetError {
    #[error("it is not a JWK set: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("it has {0} keys, more than {MAX_KEYS}")]
    TooManyKeys(usize),
}

impl KeySet {
    /// Reads a JWK set. Keys that cannot be used are left out, as RFC 7517, section 5, asks; a set without
    /// usable keys is a set: that is how an issuer withdraws its last key.
    pub(super) fn parse(document: &[u8]) -> Result<Self, KeySetError> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<serde_json::Value>,
        }
        let Document { keys } = serde_json::from_slice(document)?;
        if keys.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys(keys.len()));
        }
        let usable = keys.into_iter().filter_map(|key| {
            let jwk: Jwk = serde_json::from_value(key).ok()?;
            let key = jwk.verification_key()?;
            Some((jwk.kid, Arc::new(key)))
        });
        Ok(Self(usable.collect()))
    }

    /// The key named `kid` (the first, should the issuer repeat a name); without a name the only key, if there
    /// is exactly one.
    pub(super) fn find(&self, kid: Option<&str>) -> Option<&Arc<VerificationKey>> {
        match (kid, self.0.as_slice()) {
            (Some(_), keys) => keys.iter().find(|(name, _)| name.as_deref() == kid).map(|(_, key)| key),
            (None, [(_, only)]) => Some(only),
            (None, _) => None,
        }
    }

    /// How many keys can be used.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests;
