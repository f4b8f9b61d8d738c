//! An endpoint as the worker uses it: its secrets opened, its URL and headers parsed, once for each change of it.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::vocabulary::{EndpointState, WebhookPreset};
use entity::{webhook_endpoint, webhook_secret};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use sea_orm::EntityTrait;
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use uuid::Uuid;

use super::queue;
use super::sign::Key;
use crate::app::App;
use crate::error::Result;
use crate::secret::Place;

/// An endpoint, ready to be sent to.
pub(super) struct Receiver {
    pub(super) row: webhook_endpoint::Model,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    /// Signing keys with their ends; newest first.
    keys: Vec<(Key, Option<DateTime<Utc>>)>,
    /// A bot's own secret.
    pub(super) bot_secret: Option<SecretString>,
    /// Texts that no log may hold: the custom headers' values, and paths that are secrets.
    pub(super) hidden: Vec<SecretString>,
}

impl Receiver {
    /// The keys in force.
    pub(super) fn keys(&self, now: DateTime<Utc>) -> impl Iterator<Item = &Key> {
        self.keys.iter().filter(move |(_, end)| end.is_none_or(|end| now < end)).map(|(key, _)| key)
    }

    /// Most requests at once.
    pub(super) fn concurrency(&self) -> usize {
        usize::try_from(self.row.max_concurrency).unwrap_or(1).max(1)
    }
}

/// All endpoints that are delivered to. One whose secrets do not open is left out: its deliveries wait.
///
/// # Errors
/// Of the database.
pub(super) async fn load(app: &App) -> Result<HashMap<Uuid, Arc<Receiver>>> {
    let reader = app.database.reader();
    let endpoints = queue::endpoints(reader).await?;
    let mut secrets: HashMap<Uuid, Vec<webhook_secret::Model>> = HashMap::new();
    for secret in webhook_secret::Entity::find().all(reader).await? {
        secrets.entry(secret.endpoint_id).or_default().push(secret);
    }
    let mut receivers = HashMap::new();
    for row in endpoints.into_iter().filter(|row| row.state == EndpointState::Active) {
        let id = row.id;
        match open(app, row, secrets.remove(&id).unwrap_or_default()) {
            Ok(receiver) => {
                receivers.insert(id, Arc::new(receiver));
            }
            Err(error) => tracing::error!(endpoint = %id, %error, "an endpoint cannot be delivered to"),
        }
    }
    Ok(receivers)
}

fn open(
    app: &App,
    row: webhook_endpoint::Model,
    mut secrets: Vec<webhook_secret::Model>,
) -> anyhow::Result<Receiver> {
    let opened = |purpose, id, sealed: &[u8]| -> anyhow::Result<SecretString> {
        let plain = app.secrets.open(Place { purpose, row: id }, sealed)?;
        Ok(std::str::from_utf8(plain.expose_secret())?.to_owned().into())
    };
    let mut hidden = Vec::new();
    let url = match &row.sealed_url {
        Some(sealed) => {
            let url = opened("webhook_endpoint.sealed_url", row.id, sealed)?;
            let parsed = Url::parse(url.expose_secret())?;
            hidden.push(parsed.path().to_owned().into());
            hidden.extend(parsed.query().map(|query| query.to_owned().into()));
            parsed
        }
        None => Url::parse(&row.url)?,
    };
    let mut headers = HeaderMap::new();
    if let Some(sealed) = &row.headers {
        let text = opened("webhook_endpoint.headers", row.id, sealed)?;
        let given: HashMap<String, String> = serde_json::from_str(text.expose_secret())?;
        for (name, value) in given {
            let mut parsed = HeaderValue::from_str(&value)?;
            parsed.set_sensitive(true);
            headers.insert(HeaderName::from_bytes(name.as_bytes())?, parsed);
            hidden.push(value.into());
        }
    }
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.created_at));
    let (mut keys, mut bot_secret) = (Vec::new(), None);
    for secret in secrets {
        let text = opened("webhook_secret.sealed", secret.id, &secret.sealed)?;
        if row.preset == WebhookPreset::Standard {
            keys.push((Key::parse(text.expose_secret())?, secret.expires_at));
        } else {
            bot_secret.get_or_insert(text);
        }
    }
    Ok(Receiver { row, url, headers, keys, bot_secret, hidden })
}
