//! An endpoint as the worker uses it: its secrets opened, its URL and headers parsed, once for each change of it.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::vocabulary::{EndpointState, WebhookPreset};
use entity::webhook_endpoint;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use uuid::Uuid;

use super::queue;
use super::sealed::{self, Target};
use super::sign::Key;
use crate::app::App;
use crate::error::Result;

/// A part of a bot's URL that is at least so long may be its token.
const TOKEN: usize = 8;

/// The endpoints that are delivered to, as they were read.
#[derive(Default)]
pub(super) struct Receivers {
    pub(super) by_id: HashMap<Uuid, Arc<Receiver>>,
    /// When a secret stops signing, so that they have to be read anew.
    pub(super) until: Option<DateTime<Utc>>,
}

/// An endpoint, ready to be sent to.
pub(super) struct Receiver {
    pub(super) row: webhook_endpoint::Model,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    /// Signing keys in force, newest first.
    pub(super) keys: Vec<Key>,
    /// A bot's own secret.
    pub(super) bot_secret: Option<SecretString>,
    /// Texts that no log may hold: the custom headers' values, and what of a URL is secret.
    pub(super) hidden: Vec<SecretString>,
}

impl Receiver {
    /// Most requests at once.
    pub(super) fn concurrency(&self) -> usize {
        usize::try_from(self.row.max_concurrency).unwrap_or(1).max(1)
    }
}

/// All endpoints that are delivered to. One whose secrets do not open is left out: its deliveries wait.
///
/// # Errors
/// Of the database.
pub(super) async fn load(app: &App) -> Result<Receivers> {
    let mut receivers = Receivers::default();
    for row in queue::endpoints(app.database.reader()).await? {
        if row.state != EndpointState::Active {
            continue;
        }
        let (id, preset) = (row.id, row.preset);
        let opened = sealed::target(app, &row).await;
        let until = opened.as_ref().ok().and_then(|target| target.until);
        match opened.and_then(|target| Ok(receiver(row, target)?)) {
            Ok(receiver) => {
                receivers.until = receivers.until.into_iter().chain(until).min();
                receivers.by_id.insert(id, Arc::new(receiver));
            }
            Err(error) => {
                tracing::error!(endpoint = %id, %preset, ?error, "an endpoint cannot be delivered to")
            }
        }
    }
    Ok(receivers)
}

fn receiver(row: webhook_endpoint::Model, target: Target) -> anyhow::Result<Receiver> {
    let url = Url::parse(target.url.expose_secret())?;
    let mut hidden = Vec::new();
    if row.sealed_url.is_some() {
        hidden.push(url.path().to_owned().into());
        hidden.extend(url.query().map(|query| query.to_owned().into()));
        // A bot's error names the token alone.
        let values = url.query_pairs().map(|(_, value)| value.into_owned());
        let segments = url.path_segments().into_iter().flatten().map(str::to_owned);
        let parts = values.chain(segments).filter(|part| part.len() >= TOKEN);
        hidden.extend(parts.map(SecretString::from));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in target.headers {
        let mut parsed = HeaderValue::from_str(value.expose_secret())?;
        parsed.set_sensitive(true);
        headers.insert(HeaderName::from_bytes(name.as_bytes())?, parsed);
        hidden.push(value);
    }
    let (mut keys, mut bot_secret) = (Vec::new(), None);
    if row.preset == WebhookPreset::Standard {
        for secret in &target.secrets {
            keys.push(Key::parse(secret.expose_secret())?);
        }
    } else {
        bot_secret = target.secrets.into_iter().next();
    }
    Ok(Receiver { row, url, headers, keys, bot_secret, hidden })
}
