//! What of an endpoint is secret: its signing secrets, its custom headers, and the URL where that is the secret.

use chrono::{DateTime, Utc};
use entity::{webhook_endpoint, webhook_secret};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use url::Url;
use uuid::Uuid;

use super::{endpoint::WebhookHeaderInput, store};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::Result;
use crate::outbox::{Bump, ChangeSet, retrying};
use crate::secret::{Column, Place};

/// Endpoints whose secrets are sealed anew at once.
const BATCH: u64 = 100;

fn secret_place(row: Uuid) -> Place {
    Column::WebhookSecret.of(row)
}

fn headers_place(row: Uuid) -> Place {
    Column::EndpointHeaders.of(row)
}

fn url_place(row: Uuid) -> Place {
    Column::EndpointUrl.of(row)
}

pub(super) fn seal_url(app: &App, endpoint: Uuid, url: &Url) -> Result<Vec<u8>> {
    app.secrets.seal(&app.ids, url_place(endpoint), url.as_str().as_bytes())
}

pub(super) fn seal_headers(
    app: &App,
    endpoint: Uuid,
    headers: &[WebhookHeaderInput],
) -> Result<Option<Vec<u8>>> {
    if headers.is_empty() {
        return Ok(None);
    }
    let named: Vec<_> = headers.iter().map(|header| (&*header.name, header.value.expose())).collect();
    app.secrets.seal_named(&app.ids, headers_place(endpoint), &named).map(Some)
}

pub(super) fn secret_row(
    app: &App,
    changes: &ChangeSet,
    endpoint: Uuid,
    secret: &str,
) -> Result<webhook_secret::Model> {
    let id = app.ids.next();
    Ok(webhook_secret::Model {
        id,
        endpoint_id: endpoint,
        sealed: app.secrets.seal(&app.ids, secret_place(id), secret.as_bytes())?,
        created_at: changes.at(),
        expires_at: None,
    })
}

/// All that a delivery needs of an endpoint's secrets, opened.
#[derive(Debug)]
pub struct Target {
    /// Where it goes. May itself be a secret: never log it.
    pub url: SecretString,
    /// Custom headers.
    pub headers: Vec<(String, SecretString)>,
    /// Secrets in force, the newest first; several while one is being replaced.
    pub secrets: Vec<SecretString>,
    /// When the first of them stops to be in force.
    pub until: Option<DateTime<Utc>>,
}

/// Opens an endpoint's secrets for sending.
///
/// # Errors
/// Of the database; when no key at hand opens them.
pub async fn target(app: &App, endpoint: &webhook_endpoint::Model) -> Result<Target> {
    let now = app.clock.now();
    let (mut secrets, mut until) = (Vec::new(), None);
    for row in store::secrets(app, endpoint.id).await? {
        if row.expires_at.is_none_or(|at| at > now) {
            until = until.into_iter().chain(row.expires_at).min();
            secrets.push(text(&open(app, secret_place(row.id), &row.sealed)?)?);
        }
    }
    let url = match &endpoint.sealed_url {
        Some(sealed) => text(&open(app, url_place(endpoint.id), sealed)?)?,
        None => endpoint.url.clone().into(),
    };
    let headers = match &endpoint.headers {
        Some(sealed) => app.secrets.open_named(headers_place(endpoint.id), sealed)?,
        None => Vec::new(),
    };
    Ok(Target { url, headers, secrets, until })
}

/// Names of an endpoint's custom headers, their values stay sealed; none when no key at hand opens them.
pub fn header_names(app: &App, endpoint: &webhook_endpoint::Model) -> Option<Vec<String>> {
    let Some(sealed) = &endpoint.headers else { return Some(Vec::new()) };
    let named = app.secrets.open_named(headers_place(endpoint.id), sealed).ok()?;
    Some(named.into_iter().map(|(name, _)| name).collect())
}

fn open(app: &App, place: Place, sealed: &[u8]) -> Result<SecretSlice<u8>> {
    Ok(app.secrets.open(place, sealed).map_err(anyhow::Error::from)?)
}

fn text(bytes: &SecretSlice<u8>) -> Result<SecretString> {
    Ok(std::str::from_utf8(bytes.expose_secret()).map_err(anyhow::Error::from)?.to_owned().into())
}

/// Seals every endpoint's secrets with the first key; answers how many endpoints were changed. Safe to stop and to
/// run again: what the first key sealed is left alone.
///
/// # Errors
/// By policy; when there is no key or one is missing that sealed something; of the database.
pub async fn reseal(app: &App, actor: &Actor) -> Result<usize> {
    require(actor, Action::RotateSecretKey)?;
    let (mut changed, mut after) = (0, Uuid::nil());
    loop {
        let rows = store::batch(app, after, BATCH).await?;
        let Some(last) = rows.last() else { return Ok(changed) };
        after = last.id;
        for row in &rows {
            changed += usize::from(retrying(|| reseal_one(app, actor, row.id)).await?);
        }
    }
}

async fn reseal_one(app: &App, actor: &Actor, id: Uuid) -> Result<bool> {
    let before = store::find(app, id).await?;
    let mut after = before.clone();
    let mut changes = ChangeSet::new(app, actor, Action::RotateSecretKey);
    let mut any = false;
    let mut anew = |place, sealed: &Vec<u8>| -> Result<Option<Vec<u8>>> {
        let anew = app.secrets.reseal(&app.ids, place, sealed)?;
        any |= anew.is_some();
        Ok(anew)
    };
    if let Some(sealed) = &before.headers {
        after.headers = anew(headers_place(id), sealed)?.or(after.headers);
    }
    if let Some(sealed) = &before.sealed_url {
        after.sealed_url = anew(url_place(id), sealed)?.or(after.sealed_url);
    }
    for row in store::secrets(app, id).await? {
        if let Some(sealed) = anew(secret_place(row.id), &row.sealed)? {
            changes.update(&row, &webhook_secret::Model { sealed, ..row.clone() });
        }
    }
    if any {
        changes.revise(app, &before, after, None, Bump::RevisionOnly);
        app.commit(changes).await?;
    }
    Ok(any)
}
