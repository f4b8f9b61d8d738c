//! Verifies tokens: JSON Web Signature in compact form (RFC 7515, 7519, and 8725 for what to watch).
//!
//! The library only checks the signature. Header and claims are read here, strictly, because a lenient reader
//! lets through what its neighbour understands differently: missing claims, repeated names, unknown critical
//! extensions. The order matters: size, shape, header, key, signature, and only then the claims.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::claims::Identity;
use super::jwks::PublishedKeys;
use super::keys::VerificationKey;
use super::secret::DevelopmentSecret;
use super::settings::{AuthSettings, AuthSettingsError, DEVELOPMENT_ISSUER, KeySource};
use super::token_error::TokenError;
use super::unique_json;
use crate::clock::Clock;

/// The longest token that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Tells who a token speaks for. Made once, shared by all requests.
pub struct Verifier {
    settings: AuthSettings,
    issuer: String,
    keys: Keys,
}

enum Keys {
    Development(Arc<VerificationKey>),
    Published(PublishedKeys),
}

/// What a header says about the key. Members that name or hold a key (`jku`, `jwk`, `x5u`, `x5c`) are not read.
struct Header {
    algorithm: String,
    key_id: Option<String>,
}

impl Verifier {
    /// A verifier as `settings` describe it. Nothing is fetched yet. `clock` times the life of published keys.
    ///
    /// # Errors
    /// When the settings contradict each other, or the development secret cannot be used.
    pub fn new(settings: AuthSettings, clock: Arc<dyn Clock>) -> Result<Self, AuthSettingsError> {
        match settings.key_source()? {
            KeySource::Development(secret) => {
                tracing::warn!("tokens are verified with a shared development secret: not for production");
                Ok(Self::development(settings, &secret))
            }
            KeySource::Published(source) => {
                let issuer = source.issuer.clone();
                let keys = PublishedKeys::new(source, clock).map_err(AuthSettingsError::HttpClient)?;
                Ok(Self { settings, issuer, keys: Keys::Published(keys) })
            }
        }
    }

    /// A verifier of development tokens; of `settings` it uses the audience, the times and the claims.
    pub fn development(settings: AuthSettings, secret: &DevelopmentSecret) -> Self {
        let key = Arc::new(VerificationKey::development(secret));
        Self { settings, issuer: DEVELOPMENT_ISSUER.to_owned(), keys: Keys::Development(key) }
    }

    /// Whether tokens can be verified now. May fetch the issuer's keys, at most once per
    /// `jwks_min_refresh_seconds` while that fails.
    pub async fn ready(&self) -> bool {
        match &self.keys {
            Keys::Development(_) => true,
            Keys::Published(keys) => keys.ready().await,
        }
    }

    /// Who `token` speaks for at the instant `now`.
    ///
    /// # Errors
    /// A [`TokenError`] that says which check failed first; [`TokenError::KeysUnavailable`] alone is not the
    /// caller's fault.
    pub async fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Identity, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLarge);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(TokenError::MalformedToken)?;
        let (header, payload) = message.split_once('.').ok_or(TokenError::MalformedToken)?;
        let header = Header::read(&decode(header)?)?;
        let payload = decode(payload)?;
        let key = self.key(&header).await?;
        if header.algorithm != key.algorithm_name() {
            return Err(TokenError::AlgorithmNotAllowed);
        }
        if !key.verifies(message, signature) {
            return Err(TokenError::InvalidSignature);
        }
        let claims = unique_json::object(&payload).map_err(|_| TokenError::MalformedClaims)?;
        Identity::from_claims(&claims, &self.settings, &self.issuer, now)
    }

    async fn key(&self, header: &Header) -> Result<Arc<VerificationKey>, TokenError> {
        match &self.keys {
            // One key, whatever the token calls it.
            Keys::Development(key) => Ok(Arc::clone(key)),
            // A token that no published key could have signed is not worth a fetch.
            Keys::Published(_)
                if !VerificationKey::PUBLISHED_ALGORITHMS.contains(&header.algorithm.as_str()) =>
            {
                Err(TokenError::AlgorithmNotAllowed)
            }
            Keys::Published(keys) => keys.find(header.key_id.as_deref()).await,
        }
    }
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Self, TokenError> {
        let header = unique_json::object(bytes).map_err(|_| TokenError::MalformedHeader)?;
        if header.contains_key("crit") {
            return Err(TokenError::CriticalExtension);
        }
        // RFC 7797 has it listed in `crit`; whoever leaves that out means it all the same.
        if header.get("b64").is_some_and(|encoded| encoded != &Value::Bool(true)) {
            return Err(TokenError::UnencodedPayload);
        }
        check_type(text(&header, "typ")?.as_deref())?;
        let algorithm = text(&header, "alg")?.ok_or(TokenError::MalformedHeader)?;
        Ok(Self { algorithm, key_id: text(&header, "kid")? })
    }
}

/// RFC 7519, section 5.1: `typ` is optional and a media type, so its case and the prefix `application/` do not
/// count. Other kinds of JWT, such as logout tokens, name themselves and are refused (RFC 8725, section 3.11).
fn check_type(typ: Option<&str>) -> Result<(), TokenError> {
    let Some(typ) = typ else { return Ok(()) };
    let typ = typ.to_ascii_lowercase();
    match typ.strip_prefix("application/").unwrap_or(&typ) {
        "jwt" | "at+jwt" => Ok(()),
        _ => Err(TokenError::WrongType),
    }
}

fn text(header: &Map<String, Value>, name: &str) -> Result<Option<String>, TokenError> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(TokenError::MalformedHeader),
    }
}

fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::MalformedToken)
}

#[cfg(test)]
mod tests;
