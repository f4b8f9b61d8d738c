//! The keys that an OpenID Connect issuer publishes: found, fetched, kept and refreshed.
//!
//! Nothing is fetched at start, so that the service starts while its issuer is down; readiness and the first
//! token ask for the keys. One fetch runs at a time, whoever waits for it, and it runs to its end even when the
//! request that caused it is gone: a caller cannot cause many fetches by hanging up.
//!
//! When keys are fetched: none are kept yet; the kept ones are older than the cache's life; a token names a key
//! that is not among them. After a fetch that failed, or that an unknown key caused, there is a pause. While the
//! issuer cannot be reached, kept keys serve up to the stale limit, counted from their fetch.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use tokio::sync::Mutex as AsyncMutex;
use url::Url;

use super::issuer_url::{self, UrlRefusal};
use super::keys::{KeySet, KeySetError, VerificationKey};
use super::settings::{KeyLocation, PublishedKeySource};
use super::token_error::TokenError;
use crate::clock::Clock;

/// Longest document read, discovery or keys.
const MAX_DOCUMENT_BYTES: usize = 64 * 1024;
/// For a whole exchange, and for its connection alone.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// The published keys of one issuer.
pub(super) struct PublishedKeys(Arc<Shared>);

struct Shared {
    source: PublishedKeySource,
    http: reqwest::Client,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Held by whoever fetches.
    fetching: Arc<AsyncMutex<()>>,
}

#[derive(Default)]
struct State {
    kept: Option<Kept>,
    /// The last fetch that failed, or that an unknown key caused.
    pause_since: Option<DateTime<Utc>>,
}

#[derive(Clone)]
struct Kept {
    keys: Arc<KeySet>,
    fetched_at: DateTime<Utc>,
}

/// Why keys are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    NoneKept,
    CacheExpired,
    UnknownKey,
}

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    #[error("{url} answered {status}; redirects are not followed")]
    Status { url: Url, status: reqwest::StatusCode },
    #[error("{0} is longer than {MAX_DOCUMENT_BYTES} bytes")]
    TooLarge(Url),
    #[error("the discovery document is ill-formed: {0}")]
    Discovery(serde_json::Error),
    #[error("the discovery document is of the issuer {0:?}, not of the configured one")]
    OtherIssuer(String),
    #[error("jwks_uri in the discovery document {0}")]
    JwksUri(#[from] UrlRefusal),
    #[error("the key document is refused: {0}")]
    Keys(#[from] KeySetError),
}

/// The members of a discovery document that are used (OpenID Connect Discovery 1.0, section 3).
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: Url,
}

impl PublishedKeys {
    pub(super) fn new(source: PublishedKeySource, clock: Arc<dyn Clock>) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(TIMEOUT)
            .timeout(TIMEOUT)
            .build()?;
        let (state, fetching) = (Mutex::default(), Arc::default());
        Ok(Self(Arc::new(Shared { source, http, clock, state, fetching })))
    }

    /// The key that a token's header names.
    pub(super) async fn find(&self, kid: Option<&str>) -> Result<Arc<VerificationKey>, TokenError> {
        self.refresh(kid).await;
        let keys = self.0.usable().ok_or(TokenError::KeysUnavailable)?;
        keys.find(kid).cloned().ok_or(TokenError::UnknownKey)
    }

    /// Whether there are keys to verify with; asks for them when it is time to.
    pub(super) async fn ready(&self) -> bool {
        self.refresh(None).await;
        self.0.usable().is_some()
    }

    /// Fetches the keys if they are due, or waits for the fetch under way.
    async fn refresh(&self, kid: Option<&str>) {
        if self.0.due(kid).is_none() {
            return;
        }
        let lock = Arc::clone(&self.0.fetching);
        let guard = match lock.clone().try_lock_owned() {
            Ok(guard) => guard,
            // Kept keys that answer the question serve while somebody else fetches: a slow issuer then holds up
            // one request and not all.
            Err(_) if self.0.usable().is_some_and(|keys| kid.is_none() || keys.find(kid).is_some()) => return,
            Err(_) => lock.lock_owned().await,
        };
        // Whoever held the lock may have fetched what is asked for.
        let Some(reason) = self.0.due(kid) else { return };
        let shared = Arc::clone(&self.0);
        let fetch = tokio::spawn(async move {
            shared.fetch_and_keep(reason).await;
            drop(guard);
        });
        if let Err(error) = fetch.await {
            tracing::error!(%error, "the task that fetches the issuer's keys ended early");
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The kept keys, unless they are older than the stale limit.
    fn usable(&self) -> Option<Arc<KeySet>> {
        let now = self.clock.now();
        let kept = self.state().kept.clone();
        kept.filter(|kept| is_within(kept.fetched_at, now, self.source.max_stale)).map(|kept| kept.keys)
    }

    /// Why a fetch is due now; None when it is not, or has to wait for the pause to end.
    fn due(&self, kid: Option<&str>) -> Option<Reason> {
        let now = self.clock.now();
        let state = self.state();
        let reason = match &state.kept {
            None => Reason::NoneKept,
            Some(kept) if !is_within(kept.fetched_at, now, self.source.cache) => Reason::CacheExpired,
            Some(kept) if kid.is_some() && kept.keys.find(kid).is_none() => Reason::UnknownKey,
            Some(_) => return None,
        };
        let paused = state.pause_since.is_some_and(|since| is_within(since, now, self.source.min_refresh));
        (!paused).then_some(reason)
    }

    async fn fetch_and_keep(&self, reason: Reason) {
        let started_at = self.clock.now();
        let fetched = self.fetch().await;
        let mut state = self.state();
        if reason == Reason::UnknownKey || fetched.is_err() {
            state.pause_since = Some(started_at);
        }
        match fetched {
            Ok(keys) => {
                tracing::info!(usable = keys.len(), ?reason, "fetched the issuer's keys");
                state.kept = Some(Kept { keys: Arc::new(keys), fetched_at: started_at });
            }
            Err(error) => tracing::warn!(%error, ?reason, "the issuer's keys could not be fetched"),
        }
    }

    async fn fetch(&self) -> Result<KeySet, FetchError> {
        let keys_url = match &self.source.location {
            KeyLocation::Fixed(url) => url.clone(),
            KeyLocation::Discovery(url) => self.discover(url).await?,
        };
        Ok(KeySet::parse(&self.get(&keys_url).await?)?)
    }

    async fn discover(&self, url: &Url) -> Result<Url, FetchError> {
        let document: Discovery =
            serde_json::from_slice(&self.get(url).await?).map_err(FetchError::Discovery)?;
        // OpenID Connect Discovery 1.0, section 4.3: else one issuer could pass off its keys as another's.
        if document.issuer != self.source.issuer {
            return Err(FetchError::OtherIssuer(document.issuer));
        }
        issuer_url::check_named(&document.jwks_uri, &self.source.allowed_hosts)?;
        Ok(document.jwks_uri)
    }

    async fn get(&self, url: &Url) -> Result<Vec<u8>, FetchError> {
        let request = self.http.get(url.clone()).header(reqwest::header::ACCEPT, "application/json");
        let mut response = request.send().await?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(FetchError::Status { url: url.clone(), status: response.status() });
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_DOCUMENT_BYTES {
                return Err(FetchError::TooLarge(url.clone()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// Whether `now` is in the span that starts at `since`. A clock set back ends the span: it must not last longer.
fn is_within(since: DateTime<Utc>, now: DateTime<Utc>, span: TimeDelta) -> bool {
    (TimeDelta::zero()..span).contains(&(now - since))
}

#[cfg(test)]
mod tests;
