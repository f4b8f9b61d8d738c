//! The `[auth]` section of the configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::TimeDelta;
use serde::Deserialize;
use url::Url;

use super::claim_path::ClaimPath;
use super::issuer_url::{self, UrlRefusal};
use super::role::Role;
use super::secret::{DevelopmentSecret, SecretError};

/// The issuer of development tokens, which are signed with a shared secret.
pub const DEVELOPMENT_ISSUER: &str = "vulndesk-development";

/// A larger leeway is a mistake: it would keep tokens alive that their issuer has let expire.
const MAX_LEEWAY_SECONDS: u32 = 300;

/// Whose tokens are accepted and how their claims are read.
///
/// Exactly one of [`issuer`](Self::issuer) and [`hs256_secret_file`](Self::hs256_secret_file) is set. Every
/// setting can also be given as an environment variable, for example `VULNDESK_AUTH__ISSUER`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthSettings {
    /// The OpenID Connect issuer, exactly as it stands in the tokens' `iss`: an https URL, or an http one on the
    /// loopback. Its keys are found through `/.well-known/openid-configuration`. Default: none.
    pub issuer: Option<String>,
    /// Where the issuer's keys are, for issuers without a discovery document: an https URL, or an http one on
    /// the loopback. Default: none, the discovery document says it.
    pub jwks_uri: Option<Url>,
    /// Hosts, besides the issuer's own, at which the discovery document may place the keys. Default: none.
    pub jwks_hosts: Vec<String>,
    /// For development: a file with the secret that signs and verifies HS256 tokens of the issuer
    /// `vulndesk-development`. Line ends at the end of the file are not part of the secret; it needs at least
    /// 32 bytes. Default: none.
    pub hs256_secret_file: Option<PathBuf>,
    /// The audience that a token must name. Default: `vulndesk`.
    pub audience: String,
    /// How far, in seconds, the issuer's clock may be from ours when `exp` and `nbf` are checked; at most 300.
    /// Default: 30.
    pub leeway_seconds: u32,
    /// Whether a token without `nbf` is refused. Set to false for issuers that leave it out, as many do; an
    /// `nbf` that is there is always checked. Default: true.
    pub require_nbf: bool,
    /// The claim with the roles: a list of names, or one name. Default: `roles`.
    pub roles_claim: ClaimPath,
    /// The claim with the products in scope: a list of names, or one name. Default: `products`.
    pub products_claim: ClaimPath,
    /// The claim with the teams in scope: a list of names, or one name. Default: `teams`.
    pub teams_claim: ClaimPath,
    /// The claim with the channel of a service. Default: `channel`.
    pub channel_claim: ClaimPath,
    /// The claim with the e-mail address; not read when the token says `email_verified: false`. Default: `email`.
    pub email_claim: ClaimPath,
    /// The issuer's own names of roles, for example `{ "psirt-analyst" = "ANALYST" }`. They count besides our own
    /// names and go before them. Default: none.
    pub role_names: BTreeMap<String, Role>,
    /// How long, in seconds, fetched keys are used before they are fetched again; a key that the issuer removed
    /// stops working within this time. Default: 300.
    pub jwks_cache_seconds: u32,
    /// The pause, in seconds, after a fetch that failed or that an unknown key caused. Default: 30.
    pub jwks_min_refresh_seconds: u32,
    /// How long, in seconds since they were fetched, keys are used while the issuer cannot be reached.
    /// Default: 3600.
    pub jwks_max_stale_seconds: u32,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            issuer: None,
            jwks_uri: None,
            jwks_hosts: Vec::new(),
            hs256_secret_file: None,
            audience: "vulndesk".to_owned(),
            leeway_seconds: 30,
            require_nbf: true,
            roles_claim: ClaimPath::top_level("roles"),
            products_claim: ClaimPath::top_level("products"),
            teams_claim: ClaimPath::top_level("teams"),
            channel_claim: ClaimPath::top_level("channel"),
            email_claim: ClaimPath::top_level("email"),
            role_names: BTreeMap::new(),
            jwks_cache_seconds: 300,
            jwks_min_refresh_seconds: 30,
            jwks_max_stale_seconds: 3600,
        }
    }
}

/// What is wrong with the `[auth]` section.
#[derive(Debug, thiserror::Error)]
pub enum AuthSettingsError {
    /// Neither an issuer nor a secret: nobody could sign in.
    #[error(
        "nothing says whose tokens to accept: set auth.issuer (VULNDESK_AUTH__ISSUER) to your OpenID Connect \
         issuer, or for development auth.hs256_secret_file (VULNDESK_AUTH__HS256_SECRET_FILE)"
    )]
    NoKeySource,
    /// Both: it would be unclear who is trusted.
    #[error(
        "auth.issuer (VULNDESK_AUTH__ISSUER) and auth.hs256_secret_file (VULNDESK_AUTH__HS256_SECRET_FILE) are \
         both set: remove one of them"
    )]
    TwoKeySources,
    /// A setting that only makes sense with an issuer.
    #[error(
        "auth.{0} belongs to auth.issuer (VULNDESK_AUTH__ISSUER), which is not set: set it or remove auth.{0}"
    )]
    NeedsIssuer(&'static str),
    /// The issuer or the place of its keys.
    #[error("auth.{setting}: {refusal}")]
    Url {
        /// The setting's name within the section.
        setting: &'static str,
        /// What is wrong with its value.
        refusal: UrlRefusal,
    },
    /// The development secret.
    #[error("auth.hs256_secret_file (VULNDESK_AUTH__HS256_SECRET_FILE): {0}")]
    Secret(#[from] SecretError),
    /// A value outside its range.
    #[error("auth.{setting} must be {range}")]
    OutOfRange {
        /// The setting's name within the section.
        setting: &'static str,
        /// What it may be.
        range: &'static str,
    },
    /// The HTTP client could not be made: the system's certificates, most likely.
    #[error("the HTTP client that fetches the issuer's keys cannot be made: {0}")]
    HttpClient(reqwest::Error),
}

/// Where the keys come from that verify tokens.
#[derive(Debug)]
pub(super) enum KeySource {
    Development(DevelopmentSecret),
    Published(PublishedKeySource),
}

/// An issuer that publishes its keys, with URLs that were checked.
#[derive(Debug)]
pub(super) struct PublishedKeySource {
    pub(super) issuer: String,
    pub(super) location: KeyLocation,
    /// Where the discovery document may place the keys.
    pub(super) allowed_hosts: Vec<String>,
    pub(super) cache: TimeDelta,
    pub(super) min_refresh: TimeDelta,
    pub(super) max_stale: TimeDelta,
}

/// How the keys are found.
#[derive(Debug)]
pub(super) enum KeyLocation {
    /// The URL of the discovery document, which names the URL of the keys.
    Discovery(Url),
    /// The URL of the keys, from the configuration.
    Fixed(Url),
}

impl AuthSettings {
    /// Reads the development secret.
    ///
    /// # Errors
    /// When no file is named, it cannot be read or its content is no fit secret.
    pub fn development_secret(&self) -> Result<DevelopmentSecret, AuthSettingsError> {
        let path = self.hs256_secret_file.as_ref().ok_or(AuthSettingsError::NoKeySource)?;
        Ok(DevelopmentSecret::read(path)?)
    }

    /// Checks the section and says where the keys come from.
    pub(super) fn key_source(&self) -> Result<KeySource, AuthSettingsError> {
        self.check_ranges()?;
        match (&self.issuer, &self.hs256_secret_file) {
            (None, None) => Err(AuthSettingsError::NoKeySource),
            (Some(_), Some(_)) => Err(AuthSettingsError::TwoKeySources),
            (None, Some(_)) if self.jwks_uri.is_some() => Err(AuthSettingsError::NeedsIssuer("jwks_uri")),
            (None, Some(_)) if !self.jwks_hosts.is_empty() => {
                Err(AuthSettingsError::NeedsIssuer("jwks_hosts"))
            }
            (None, Some(_)) => self.development_secret().map(KeySource::Development),
            (Some(issuer), None) => self.published(issuer).map(KeySource::Published),
        }
    }

    fn published(&self, issuer: &str) -> Result<PublishedKeySource, AuthSettingsError> {
        let refused = |setting| move |refusal| AuthSettingsError::Url { setting, refusal };
        let (host, discovery) = issuer_url::discovery(issuer).map_err(refused("issuer"))?;
        let location = match &self.jwks_uri {
            None => KeyLocation::Discovery(discovery),
            Some(uri) => {
                issuer_url::check_transport(uri).map_err(refused("jwks_uri"))?;
                KeyLocation::Fixed(uri.clone())
            }
        };
        let named = self.jwks_hosts.iter().map(|host| host.to_ascii_lowercase());
        Ok(PublishedKeySource {
            issuer: issuer.to_owned(),
            location,
            allowed_hosts: std::iter::once(host).chain(named).collect(),
            cache: TimeDelta::seconds(self.jwks_cache_seconds.into()),
            min_refresh: TimeDelta::seconds(self.jwks_min_refresh_seconds.into()),
            max_stale: TimeDelta::seconds(self.jwks_max_stale_seconds.into()),
        })
    }

    fn check_ranges(&self) -> Result<(), AuthSettingsError> {
        let checks = [
            ("audience", !self.audience.is_empty(), "a name, for example \"vulndesk\""),
            ("leeway_seconds", self.leeway_seconds <= MAX_LEEWAY_SECONDS, "at most 300"),
            ("jwks_min_refresh_seconds", self.jwks_min_refresh_seconds >= 1, "at least 1"),
            (
                "jwks_cache_seconds",
                self.jwks_cache_seconds >= self.jwks_min_refresh_seconds,
                "at least auth.jwks_min_refresh_seconds",
            ),
            (
                "jwks_max_stale_seconds",
                self.jwks_max_stale_seconds >= self.jwks_cache_seconds,
                "at least auth.jwks_cache_seconds",
            ),
        ];
        match checks.into_iter().find(|(_, within, _)| !within) {
            Some((setting, _, range)) => Err(AuthSettingsError::OutOfRange { setting, range }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(json: serde_json::Value) -> AuthSettings {
        serde_json::from_value(json).unwrap()
    }

    fn refusal(json: serde_json::Value) -> String {
        settings(json).key_source().unwrap_err().to_string()
    }

    #[test]
    fn an_empty_section_has_the_documented_defaults_and_says_what_to_set() {
        let settings = settings(serde_json::json!({}));
        assert_eq!(settings, AuthSettings::default());
        let message = settings.key_source().unwrap_err().to_string();
        for name in [
            "auth.issuer",
            "VULNDESK_AUTH__ISSUER",
            "auth.hs256_secret_file",
            "VULNDESK_AUTH__HS256_SECRET_FILE",
        ] {
            assert!(message.contains(name), "{name}: {message}");
        }
    }

    #[test]
    fn unknown_settings_and_roles_are_refused() {
        for json in [serde_json::json!({"isuer": "x"}), serde_json::json!({"role_names": {"boss": "BOSS"}})] {
            assert!(serde_json::from_value::<AuthSettings>(json).is_err());
        }
    }

    #[test]
    fn contradicting_or_extreme_settings_are_refused_by_name() {
        let issuer = "https://id.example";
        for (json, named) in [
            (serde_json::json!({"issuer": issuer, "hs256_secret_file": "s"}), "remove one"),
            (serde_json::json!({"hs256_secret_file": "s", "jwks_uri": issuer}), "auth.jwks_uri"),
            (serde_json::json!({"hs256_secret_file": "s", "jwks_hosts": ["h"]}), "auth.jwks_hosts"),
            (serde_json::json!({"hs256_secret_file": "/nowhere/secret"}), "VULNDESK_AUTH__HS256_SECRET_FILE"),
            (serde_json::json!({"issuer": "http://id.example"}), "auth.issuer: "),
            (serde_json::json!({"issuer": issuer, "jwks_uri": "http://id.example/keys"}), "auth.jwks_uri: "),
            (serde_json::json!({"issuer": issuer, "audience": ""}), "auth.audience"),
            (serde_json::json!({"issuer": issuer, "leeway_seconds": 301}), "auth.leeway_seconds"),
            (
                serde_json::json!({"issuer": issuer, "jwks_min_refresh_seconds": 0}),
                "auth.jwks_min_refresh_seconds",
            ),
            (serde_json::json!({"issuer": issuer, "jwks_cache_seconds": 29}), "auth.jwks_cache_seconds"),
            (
                serde_json::json!({"issuer": issuer, "jwks_max_stale_seconds": 299}),
                "auth.jwks_max_stale_seconds",
            ),
        ] {
            let message = refusal(json);
            assert!(message.contains(named), "{named}: {message}");
        }
    }

    #[test]
    fn an_issuer_is_kept_as_written_and_its_host_allowed() {
        let settings = settings(
            serde_json::json!({"issuer": "https://ID.example/realms/psirt/", "jwks_hosts": ["Keys.example"]}),
        );
        let Ok(KeySource::Published(source)) = settings.key_source() else { panic!("an issuer") };
        assert_eq!(source.issuer, "https://ID.example/realms/psirt/");
        assert_eq!(source.allowed_hosts, ["id.example", "keys.example"]);
        let KeyLocation::Discovery(url) = source.location else { panic!("discovery") };
        assert_eq!(url.as_str(), "https://id.example/realms/psirt/.well-known/openid-configuration");
    }
}
