//! From the claims of a token whose signature is good to the identity that acts.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use super::claim_path::ClaimPath;
use super::role::Role;
use super::settings::AuthSettings;
use super::token_error::TokenError;

/// Longest single text in bytes: OpenID Connect Core 1.0, section 2, bounds `sub` to 255.
const MAX_TEXT_BYTES: usize = 255;
/// Most products, and most teams.
const MAX_SCOPES: usize = 1_000;

/// Who acts, as one accepted token says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The issuer (`iss`): subjects are unique within it only.
    pub issuer: String,
    /// The person or service (`sub`), 1 to 255 bytes without control characters.
    pub subject: String,
    /// The e-mail address, unless absent or marked as not verified.
    pub email: Option<String>,
    /// The known roles, at least one; either all a person's or all a service's.
    pub roles: BTreeSet<Role>,
    /// The products in scope, by their keys, as the token lists them.
    pub products: Vec<String>,
    /// The teams in scope, as the token lists them.
    pub teams: Vec<String>,
    /// The channel that a service acts for. None for a person, whatever the token says.
    pub channel: Option<String>,
    /// When the token ends (`exp`, without leeway).
    pub expires_at: DateTime<Utc>,
    /// The token's own id (`jti`), where it has one.
    pub token_id: Option<String>,
}

impl Identity {
    /// Checks the claims as RFC 7519, section 4.1, and `settings` ask at the instant `now`.
    pub(super) fn from_claims(
        claims: &Map<String, Value>,
        settings: &AuthSettings,
        issuer: &str,
        now: DateTime<Utc>,
    ) -> Result<Self, TokenError> {
        check_issuer(claims, issuer)?;
        check_audience(claims, &settings.audience)?;
        let expires_at = check_times(claims, settings, now)?;
        let subject = text(claims.get("sub"), "sub")?.ok_or(TokenError::MissingClaim("sub"))?;
        if is_reserved(&subject) {
            return Err(TokenError::InvalidClaim("sub"));
        }
        let roles = known_roles(claims, settings)?;
        let channel = text(settings.channel_claim.get(claims), "channel")?;
        let email = text(settings.email_claim.get(claims), "email")?;
        let unverified = claims.get("email_verified") == Some(&Value::Bool(false));
        Ok(Self {
            issuer: issuer.to_owned(),
            subject,
            email: email.filter(|_| !unverified),
            channel: channel.filter(|_| roles.iter().all(|role| role.is_service())),
            roles,
            products: texts(claims, &settings.products_claim, "products", MAX_SCOPES)?,
            teams: texts(claims, &settings.teams_claim, "teams", MAX_SCOPES)?,
            expires_at,
            token_id: text(claims.get("jti").filter(|value| !value.is_null()), "jti")?,
        })
    }
}

/// Subjects under which the product itself is recorded: nobody else is, whatever an issuer lets people call themselves.
const RESERVED: [&str; 4] = ["vulndesk", "hook:", "webhook:", "reporter:"];

/// A subject that an operator may act as, as they wrote it.
///
/// # Errors
/// Why nobody is called so.
pub fn operator_subject(text: &str) -> Result<String, String> {
    if is_fit(text) && !is_reserved(text) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "name a person or program in 1 to {MAX_TEXT_BYTES} bytes without control characters; the product's own names \
             ({}) are nobody else's",
            RESERVED.join(", ")
        ))
    }
}

fn is_reserved(subject: &str) -> bool {
    let own = |name: &&str| if name.ends_with(':') { subject.starts_with(*name) } else { subject == *name };
    subject.trim().is_empty() || RESERVED.iter().any(own)
}

fn check_issuer(claims: &Map<String, Value>, issuer: &str) -> Result<(), TokenError> {
    match claims.get("iss") {
        None => Err(TokenError::MissingClaim("iss")),
        Some(Value::String(named)) if named == issuer => Ok(()),
        Some(Value::String(_)) => Err(TokenError::WrongIssuer),
        Some(_) => Err(TokenError::InvalidClaim("iss")),
    }
}

fn check_audience(claims: &Map<String, Value>, audience: &str) -> Result<(), TokenError> {
    let names_us = match claims.get("aud") {
        None => return Err(TokenError::MissingClaim("aud")),
        Some(Value::String(named)) => named == audience,
        Some(Value::Array(named)) if named.iter().all(Value::is_string) => {
            named.iter().any(|name| name == audience)
        }
        Some(_) => return Err(TokenError::InvalidClaim("aud")),
    };
    if names_us { Ok(()) } else { Err(TokenError::WrongAudience) }
}

/// Checks `exp` and `nbf`; returns `exp`.
fn check_times(
    claims: &Map<String, Value>,
    settings: &AuthSettings,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, TokenError> {
    let leeway = TimeDelta::seconds(settings.leeway_seconds.into());
    let expires_at = instant(claims, "exp")?.ok_or(TokenError::MissingClaim("exp"))?;
    // The leeway moves `now`, which is a sane instant: moving the claim could overflow.
    if now - leeway >= expires_at {
        return Err(TokenError::Expired);
    }
    match instant(claims, "nbf")? {
        Some(not_before) if now + leeway < not_before => Err(TokenError::NotYetValid),
        None if settings.require_nbf => Err(TokenError::MissingClaim("nbf")),
        _ => Ok(expires_at),
    }
}

fn known_roles(claims: &Map<String, Value>, settings: &AuthSettings) -> Result<BTreeSet<Role>, TokenError> {
    // What is no name of ours is some other system's, however many they are and whatever they look like.
    let named = match settings.roles_claim.get(claims) {
        None => &[][..],
        Some(Value::Array(values)) => values,
        Some(one) => std::slice::from_ref(one),
    };
    let roles: BTreeSet<Role> = named
        .iter()
        .filter_map(Value::as_str)
        .filter_map(|name| settings.role_names.get(name).copied().or_else(|| name.parse().ok()))
        .collect();
    if roles.is_empty() {
        return Err(TokenError::NoKnownRole);
    }
    let services = roles.iter().filter(|role| role.is_service()).count();
    if services != 0 && services != roles.len() {
        return Err(TokenError::MixedRoles);
    }
    Ok(roles)
}

/// A NumericDate (RFC 7519, section 2): seconds, whose fraction is cut off.
fn instant(claims: &Map<String, Value>, claim: &'static str) -> Result<Option<DateTime<Utc>>, TokenError> {
    let Some(value) = claims.get(claim) else { return Ok(None) };
    // A cast from a float saturates, and no instant is that far away.
    let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds.floor() as i64));
    let instant = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    instant.map(Some).ok_or(TokenError::InvalidClaim(claim))
}

fn text(value: Option<&Value>, claim: &'static str) -> Result<Option<String>, TokenError> {
    match value {
        None => Ok(None),
        Some(Value::String(text)) if is_fit(text) => Ok(Some(text.clone())),
        Some(_) => Err(TokenError::InvalidClaim(claim)),
    }
}

/// A list of names, or one name; absent is empty.
fn texts(
    claims: &Map<String, Value>,
    path: &ClaimPath,
    claim: &'static str,
    most: usize,
) -> Result<Vec<String>, TokenError> {
    match path.get(claims) {
        Some(Value::Array(values)) if values.len() <= most => {
            values.iter().filter_map(|value| text(Some(value), claim).transpose()).collect()
        }
        Some(Value::Array(_)) => Err(TokenError::InvalidClaim(claim)),
        one => Ok(text(one, claim)?.into_iter().collect()),
    }
}

fn is_fit(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_TEXT_BYTES && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests;
