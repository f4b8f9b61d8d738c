//! Makes development tokens.

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value, json};

use super::claims::Identity;
use super::role::Role;
use super::secret::DevelopmentSecret;
use super::settings::{AuthSettings, DEVELOPMENT_ISSUER};
use super::token_error::TokenError;

/// Whom a development token speaks for, and how long.
#[derive(Debug, Clone)]
pub struct MintRequest {
    /// The person or service (`sub`).
    pub subject: String,
    /// At least one role; all a person's or all a service's.
    pub roles: Vec<Role>,
    /// The products in scope, by their keys.
    pub products: Vec<String>,
    /// The teams in scope.
    pub teams: Vec<String>,
    /// The channel that a service acts for.
    pub channel: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// When the token starts (`iat` and `nbf`).
    pub now: DateTime<Utc>,
    /// How long it lasts, in whole seconds.
    pub lifetime: TimeDelta,
}

/// A development token, signed with HS256, that a [`Verifier`](super::Verifier) with the same settings accepts.
///
/// # Errors
/// The [`TokenError`] with which it would be refused: a token that nobody accepts is not made.
pub fn mint(
    secret: &DevelopmentSecret,
    settings: &AuthSettings,
    request: &MintRequest,
) -> Result<String, TokenError> {
    let claims = claims(settings, request);
    Identity::from_claims(&claims, settings, DEVELOPMENT_ISSUER, request.now)?;
    let header = Header { typ: Some("at+jwt".to_owned()), ..Header::new(Algorithm::HS256) };
    let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret.bytes()));
    Ok(token.expect("HMAC signs with any secret, and the claims are JSON already"))
}

fn claims(settings: &AuthSettings, request: &MintRequest) -> Map<String, Value> {
    let names: Vec<&str> = request.roles.iter().map(|role| role.name()).collect();
    let mut claims = Map::new();
    for (path, value) in [
        (&settings.roles_claim, json!(names)),
        (&settings.products_claim, json!(request.products)),
        (&settings.teams_claim, json!(request.teams)),
        (&settings.channel_claim, json!(request.channel)),
        (&settings.email_claim, json!(request.email)),
    ] {
        if !value.is_null() {
            path.put(&mut claims, value);
        }
    }
    let starts_at = request.now.timestamp();
    claims.extend([
        ("iss".to_owned(), json!(DEVELOPMENT_ISSUER)),
        ("aud".to_owned(), json!(settings.audience)),
        ("sub".to_owned(), json!(request.subject)),
        ("iat".to_owned(), json!(starts_at)),
        ("nbf".to_owned(), json!(starts_at)),
        ("exp".to_owned(), json!(starts_at.saturating_add(request.lifetime.num_seconds()))),
    ]);
    claims
}

#[cfg(test)]
mod tests;
