//! The configuration: one TOML file, the environment, then the command line.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use config::{Config, ConfigError};
use serde::{Deserialize, Serialize};

use crate::advisory::AdvisorySettings;
use crate::attachment::settings::UploadSettings;
use crate::audit::settings::AuditSettings;
use crate::auth::AuthSettings;
use crate::files::FileSettings;
use crate::graphql::guard::GuardLimits;
use crate::hook::HookSettings;
use crate::http::live::LiveSettings;
use crate::http::settings::HttpSettings;
use crate::mail::settings::IntakeSettings;
use crate::notice::NoticeSettings;
use crate::outbound::OutboundSettings;
use crate::payout::PayoutSettings;
use crate::principal::PrincipalSettings;
use crate::reply::settings::ReplySettings;
use crate::retention::RetentionSettings;
use crate::secret::SecretSettings;

/// Every setting with its default, as a file to start from.
pub const DEFAULT_FILE: &str = include_str!("../config.default.toml");

/// Environment variables that belong to one command's flags and are no settings.
const FLAGS: [&str; 2] = ["config", "listen"];

/// Settings that are lists: in the environment commas separate their items.
const LISTS: [&str; 13] = [
    "live.origins",
    "http.trusted_proxies",
    "auth.jwks_hosts",
    "outbound.http_hosts",
    "outbound.networks",
    "outbound.ports",
    "secrets.keys",
    "replies.fonts",
    "intake.mail.trusted_servers",
    "intake.mail.lists",
    "intake.mail.own_addresses",
    "uploads.allowed",
    "uploads.refused",
];

/// Everything that can be set.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `sqlite://FILE` or `postgres://...`.
    pub database_url: String,
    /// File with the password of PostgreSQL's user.
    pub database_password_file: Option<PathBuf>,
    /// Connections to PostgreSQL.
    pub database_pool: u32,
    /// How log lines look.
    pub log_format: LogFormat,
    /// How the server listens.
    pub http: HttpSettings,
    /// Open connections that are told of changes.
    pub live: LiveSettings,
    /// Whose tokens are accepted.
    pub auth: AuthSettings,
    /// How long what was seen of a principal counts.
    pub principals: PrincipalSettings,
    /// Bounds on GraphQL documents.
    pub graphql: GuardLimits,
    /// Which receivers outside may be asked.
    pub outbound: OutboundSettings,
    /// Keys that stored secrets are sealed with.
    pub secrets: SecretSettings,
    /// Payouts.
    pub payouts: PayoutSettings,
    /// Replies to channels.
    pub replies: ReplySettings,
    /// Advisories.
    pub advisories: AdvisorySettings,
    /// How reports come in.
    pub intake: IntakeSettings,
    /// Where files are kept.
    pub files: FileSettings,
    /// Uploads.
    pub uploads: UploadSettings,
    /// What people are told.
    pub notices: NoticeSettings,
    /// Deliveries to webhook endpoints.
    pub webhooks: WebhookSettings,
    /// Inbound hooks.
    pub hooks: HookSettings,
    /// The audit trail.
    pub audit: AuditSettings,
    /// How long what need not be kept for ever is kept.
    pub retention: RetentionSettings,
}

/// Deliveries to webhook endpoints.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookSettings {
    /// Whether `serve` delivers too; without, `vulndesk worker` has to run.
    pub worker: bool,
    /// What chat messages say after an event's number, with `{number}` for it; empty for nothing.
    pub event_link: String,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self { worker: true, event_link: String::new() }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            database_url: "sqlite://vulndesk.sqlite".to_owned(),
            database_password_file: None,
            database_pool: 8,
            log_format: LogFormat::Text,
            http: HttpSettings::default(),
            live: LiveSettings::default(),
            auth: AuthSettings::default(),
            principals: PrincipalSettings::default(),
            graphql: GuardLimits::default(),
            outbound: OutboundSettings::default(),
            secrets: SecretSettings::default(),
            payouts: PayoutSettings::default(),
            replies: ReplySettings::default(),
            advisories: AdvisorySettings::default(),
            intake: IntakeSettings::default(),
            files: FileSettings::default(),
            uploads: UploadSettings::default(),
            notices: NoticeSettings::default(),
            webhooks: WebhookSettings::default(),
            hooks: HookSettings::default(),
            audit: AuditSettings::default(),
            retention: RetentionSettings::default(),
        }
    }
}

impl Settings {
    /// Reads the file, if one is named, and the environment.
    ///
    /// # Errors
    /// When the file cannot be read, or a key is unknown or a value ill-formed: it is named.
    pub fn read(file: Option<&Path>) -> Result<Self, Mistake> {
        let variables = std::env::vars().filter(|(name, _)| {
            name.strip_prefix("VULNDESK_").is_some_and(|name| {
                !FLAGS.contains(&name.to_lowercase().as_str())
                    && !name.starts_with("TEST_")
                    && !name.starts_with("BENCH_")
            })
        });
        Self::over(file, variables.collect())
    }

    /// The file, if one is named, with `variables` over it.
    fn over(file: Option<&Path>, variables: HashMap<String, String>) -> Result<Self, Mistake> {
        let mut builder = config::Config::builder();
        if let Some(file) = file {
            builder = builder.add_source(config::File::from(file).format(config::FileFormat::Toml));
        }
        let environment = config::Environment::with_prefix("VULNDESK")
            .prefix_separator("_")
            .separator("__")
            .try_parsing(true)
            .list_separator(",");
        let environment =
            LISTS.iter().fold(environment, |environment, list| environment.with_list_parse_key(list));
        let settings = builder.add_source(environment.source(Some(variables))).build();
        let settings = settings.map_err(|error| Mistake::of(&error, None))?;
        settings.clone().try_deserialize().map_err(|error| Mistake::of(&error, Some(&settings)))
    }
}

/// What is wrong with the settings: where and why, and never a value. What was typed may be a secret that stands in the wrong
/// place, or behind a quotation mark that is missing.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Mistake(String);

impl Mistake {
    fn of(error: &ConfigError, settings: Option<&Config>) -> Self {
        Self(Self::words(error, settings))
    }

    fn words(error: &ConfigError, settings: Option<&Config>) -> String {
        let at = |key: &Option<String>, origin: &Option<String>| {
            let key = key.as_ref().map(|key| format!(" for key `{key}`"));
            let origin = origin.as_ref().map(|origin| format!(" in {origin}"));
            key.into_iter().chain(origin).collect::<String>()
        };
        match error {
            ConfigError::FileParse { uri, cause } => {
                let shown = cause.to_string();
                // The first line says where. The next ones show that line of the file, with what stands in it.
                let place = shown.lines().next().unwrap_or_default();
                let why = cause.downcast_ref::<toml::de::Error>().map_or("no TOML", toml::de::Error::message);
                format!("{place}: {why}{}", at(&None, uri))
            }
            ConfigError::Type { origin, expected, key, .. } => {
                format!("expected {expected}{}", at(key, origin))
            }
            ConfigError::At { error, origin, key } => {
                let value = key.as_ref().and_then(|key| settings?.get_string(key).ok());
                let words = Self::words(error, settings);
                let words = value.map_or(words.clone(), |value| {
                    let words = words.replace(&format!("{value:?}"), "the value");
                    if words.contains(&value) { "no such value can be set".to_owned() } else { words }
                });
                format!("{words}{}", at(key, origin))
            }
            other => other.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DEFAULT_FILE, Mistake, Settings};

    /// Reads a file with this text.
    fn read(text: &str) -> Result<Settings, Mistake> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.toml");
        std::fs::write(&file, text).unwrap();
        Settings::over(Some(file.as_path()), [].into())
    }

    /// Every setting by its path: what the sections themselves say that they know.
    fn all_settings() -> Vec<String> {
        let mut sections = vec![String::new()];
        let mut settings = Vec::new();
        while let Some(section) = sections.pop() {
            let header = if section.is_empty() { String::new() } else { format!("[{section}]\n") };
            let said = read(&format!("{header}zzz = 1")).unwrap_err().to_string();
            let known = said.split_once("unknown field `zzz`, expected ").map(|(_, known)| known);
            let known = known.map(|known| known.split(" for key ").next().unwrap());
            match known {
                Some(known) => {
                    sections.extend(known.split('`').skip(1).step_by(2).map(|name| match section.as_str() {
                        "" => name.to_owned(),
                        section => format!("{section}.{name}"),
                    }))
                }
                None => settings.push(section),
            }
        }
        settings.sort_unstable();
        settings
    }

    #[test]
    fn a_secret_stands_in_a_file_of_its_own() {
        let like = ["secret", "password", "key", "token", "credential"];
        let secretive = all_settings().into_iter().filter(|path| like.iter().any(|word| path.contains(word)));
        let secretive: Vec<_> = secretive.filter(|path| !path.ends_with("_file")).collect();
        // Files with a key each; the public half of a key, and a bound on documents.
        assert_eq!(secretive, ["files.s3.access_key", "graphql.tokens", "secrets.keys"]);
        assert!(all_settings().iter().any(|path| path == "database_password_file"));
        let read = read("[secrets]\nkeys = [\"a.key\"]").unwrap();
        assert_eq!(read.secrets.keys, [std::path::Path::new("a.key")]);
    }

    #[test]
    fn no_mistake_shows_what_was_typed() {
        let typed = "postgres://desk:s3cret@localhost:x/desk";
        let all = all_settings();
        assert!(all.len() > 80 && all.iter().any(|path| path == "replies.smtp.password_file"), "{all:?}");
        let mut refused = 0;
        for path in &all {
            let (section, name) = path.rsplit_once('.').unwrap_or(("", path));
            let header = if section.is_empty() { String::new() } else { format!("[{section}]\n") };
            let texts = [
                format!("{header}{name} = \"{typed}\""),
                format!("{header}{name} = [\"{typed}\"]"),
                format!("{header}{name} = {{ a = \"{typed}\" }}"),
                format!("{header}{name} = \"{typed}"),
                format!("{header}{name} = {typed}"),
                format!("{header}{name} = '{typed}\""),
                format!("{header}{name} \"{typed}\""),
                format!("{header}{name} = \"{typed}\" {typed}"),
            ];
            for text in texts {
                let Err(mistake) = read(&text) else { continue };
                refused += 1;
                let said = format!("{mistake} {mistake:?}");
                assert!(!said.contains("s3cret"), "{text}: {said}");
                assert!(said.contains(name) || said.contains("line "), "{text}: {said}");
            }
            let variable = format!("VULNDESK_{}", path.to_uppercase().replace('.', "__"));
            if let Err(mistake) = Settings::over(None, [(variable, typed.to_owned())].into()) {
                assert!(!mistake.to_string().contains("s3cret"), "{path}: {mistake}");
            }
        }
        assert!(refused > 500, "{refused}");
    }

    #[test]
    fn the_default_file_says_the_defaults() {
        let source = config::File::from_str(DEFAULT_FILE, config::FileFormat::Toml);
        let read: Settings =
            config::Config::builder().add_source(source).build().unwrap().try_deserialize().unwrap();
        assert_eq!(format!("{read:?}"), format!("{:?}", Settings::default()));
    }

    #[test]
    fn names_of_roles_keep_their_case() {
        let text = "[auth.role_names]\n\"PSIRT-Analyst\" = \"ANALYST\"";
        let source = config::File::from_str(text, config::FileFormat::Toml);
        let built = config::Config::builder().add_source(source).build().unwrap();
        let read: Settings = built.try_deserialize().unwrap();
        assert!(read.auth.role_names.contains_key("PSIRT-Analyst"), "{:?}", read.auth.role_names);
    }

    #[test]
    fn the_environment_sets_every_kind_of_value() {
        let variables = [
            ("VULNDESK_DATABASE_POOL", "5"),
            ("VULNDESK_HTTP__BEHIND_TLS", "true"),
            ("VULNDESK_HTTP__TRUSTED_PROXIES", "10.0.0.0/8,fd00::/8"),
            ("VULNDESK_AUTH__JWKS_HOSTS", "keys.example"),
            ("VULNDESK_OUTBOUND__PORTS", "443,8443"),
            ("VULNDESK_SECRETS__KEYS", "new.key,old.key"),
            ("VULNDESK_AUTH__AUDIENCE", "a,b"),
            ("VULNDESK_AUTH__ROLES_CLAIM", "realm_access.roles"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let read = Settings::over(None, variables.into()).unwrap();
        assert_eq!((read.database_pool, read.http.behind_tls), (5, true));
        let networks: Vec<String> = read.http.trusted_proxies.iter().map(ToString::to_string).collect();
        assert_eq!(networks, ["10.0.0.0/8", "fd00::/8"]);
        assert_eq!(read.auth.jwks_hosts, ["keys.example"]);
        assert_eq!(read.outbound.ports, [443, 8443]);
        assert_eq!(read.secrets.keys.len(), 2);
        assert_eq!(read.auth.audience, "a,b");
        assert_eq!(read.auth.roles_claim.to_string(), "realm_access.roles");
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let source = config::File::from_str("[http]\nlisten_on = \"x\"", config::FileFormat::Toml);
        let built = config::Config::builder().add_source(source).build().unwrap();
        let error = built.try_deserialize::<Settings>().unwrap_err();
        assert!(error.to_string().contains("listen_on"), "{error}");
    }
}
