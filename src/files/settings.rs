//! What an operator sets about where files are kept.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use object_store::aws::AmazonS3Builder;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, RetryConfig};
use secrecy::ExposeSecret;
use serde::Deserialize;
use url::Url;

use super::Files;
use crate::secret;

/// Time for a connection to a store.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest silence of it: in which a part of a file is taken, or nothing more of one comes.
const SILENCE: Duration = Duration::from_secs(60);
/// Tries of one exchange.
const TRIES: usize = 3;
/// Time in which an exchange is taken up again where it broke off: as long as the slowest reader of a file may take.
const RESUMED: Duration = Duration::from_secs(6 * 3_600);
/// Bytes that stay free unless it is set.
const FREE_BYTES: u64 = 1 << 30;

/// Where files are kept, as it is set.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FileSettings {
    /// The folder; beside the SQLite file, or `vulndesk.files`, when there is none.
    pub folder: Option<PathBuf>,
    /// The store; without one they are kept in the folder.
    pub s3: S3Settings,
    /// Bytes that stay free on the folder's disk: nothing more is taken in when there are fewer.
    pub free_bytes: u64,
}

impl Default for FileSettings {
    fn default() -> Self {
        Self { folder: None, s3: S3Settings::default(), free_bytes: FREE_BYTES }
    }
}

/// An S3-compatible store, as it is set.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct S3Settings {
    /// The bucket; none when files are kept in the folder.
    pub bucket: Option<String>,
    /// Where the store is; the provider's own for the region when there is none.
    pub endpoint: Option<Url>,
    /// The region.
    pub region: String,
    /// As whom vulndesk is let in.
    pub access_key: Option<String>,
    /// File with that key's secret.
    pub secret_file: Option<PathBuf>,
}

impl Default for S3Settings {
    fn default() -> Self {
        Self {
            bucket: None,
            endpoint: None,
            region: "us-east-1".to_owned(),
            access_key: None,
            secret_file: None,
        }
    }
}

impl FileSettings {
    /// Opens the folder, and the store if one is set. What is there of other installations is left alone, since each has
    /// its own part, named after it.
    ///
    /// # Errors
    /// When the folder cannot be made, a file not be read, or settings contradict each other.
    pub fn open(&self, database_url: &str, installation: &str) -> anyhow::Result<Files> {
        let folder = self.folder.clone().unwrap_or_else(|| usual_folder(database_url));
        let folder = folder.join(installation);
        let about = || format!("files.folder: {}", folder.display());
        let Some(bucket) = &self.s3.bucket else {
            let files = Files::in_folder(&folder).with_context(about)?;
            return Ok(files.keeping_free(self.free_bytes));
        };
        let store = self.s3.builder(bucket)?.build().context("files.s3")?;
        let store = Arc::new(PrefixStore::new(store, installation));
        Ok(Files::in_store(store, &folder).with_context(about)?.keeping_free(self.free_bytes))
    }
}

impl S3Settings {
    fn builder(&self, bucket: &str) -> anyhow::Result<AmazonS3Builder> {
        let (Some(key), Some(file)) = (&self.access_key, &self.secret_file) else {
            bail!("files.s3.bucket needs files.s3.access_key and files.s3.secret_file");
        };
        let secret = secret::read_text(file)?;
        // A whole exchange takes as long as its file is large and its reader slow: only silence ends it.
        let mut options = ClientOptions::new()
            .with_connect_timeout(CONNECT)
            .with_read_timeout(SILENCE)
            .with_timeout_disabled();
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_region(&self.region)
            .with_access_key_id(key)
            .with_secret_access_key(secret.expose_secret())
            .with_retry(RetryConfig { max_retries: TRIES, retry_timeout: RESUMED, ..RetryConfig::default() });
        if let Some(endpoint) = &self.endpoint {
            if !endpoint.username().is_empty() || endpoint.password().is_some() {
                bail!(
                    "files.s3.endpoint names a user or a password: use files.s3.access_key and files.s3.secret_file"
                );
            }
            if endpoint.scheme() != "https" {
                if !is_loopback(endpoint) {
                    bail!("files.s3.endpoint is for a store on a loopback address: use https");
                }
                options = options.with_allow_http(true);
            }
            builder = builder.with_endpoint(endpoint.as_str().trim_end_matches('/'));
        }
        Ok(builder.with_client_options(options))
    }
}

fn is_loopback(endpoint: &Url) -> bool {
    match endpoint.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Beside the SQLite file, under its name; else in the folder where the process runs.
fn usual_folder(database_url: &str) -> PathBuf {
    let file = database_url.strip_prefix("sqlite:").map(|rest| rest.trim_start_matches("//"));
    match file.and_then(|file| file.split('?').next()).filter(|file| !file.is_empty()) {
        Some(file) => Path::new(&format!("{file}.files")).to_owned(),
        None => PathBuf::from("vulndesk.files"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_stand_beside_the_database() {
        let of = |url| usual_folder(url).display().to_string();
        assert_eq!(of("sqlite://vulndesk.sqlite"), "vulndesk.sqlite.files");
        assert_eq!(of("sqlite:///var/lib/v.sqlite?mode=rwc"), "/var/lib/v.sqlite.files");
        assert_eq!(of("postgres://u@h/d"), "vulndesk.files");
    }

    #[test]
    fn a_store_is_asked_in_the_clear_on_this_machine_alone() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "s\n").unwrap();
        let at = |endpoint: &str| S3Settings {
            bucket: Some("files".to_owned()),
            endpoint: Some(endpoint.parse().unwrap()),
            access_key: Some("k".to_owned()),
            secret_file: Some(secret.clone()),
            ..S3Settings::default()
        };
        let opened = |s3| {
            let folder = Some(folder.path().to_owned());
            FileSettings { folder, s3, ..FileSettings::default() }.open("postgres://", "i")
        };
        assert!(opened(at("http://127.0.0.1:9000")).is_ok());
        assert!(opened(at("https://files.example")).is_ok());
        assert!(opened(at("http://files.example")).is_err());
        let refused = opened(at("https://k:s3cret@files.example")).unwrap_err().to_string();
        assert!(refused.contains("files.s3.secret_file") && !refused.contains("s3cret"), "{refused}");
        assert!(opened(S3Settings { secret_file: None, ..at("https://files.example") }).is_err());
    }
}
