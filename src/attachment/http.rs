//! Uploads and downloads of attachments.
//!
//! An upload is one file as the request's body: who may add it is asked by the headers and the query alone, then the body is
//! written down as it comes, within bounds of bytes and time. One that breaks off is begun anew: it cannot be resumed.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use entity::vocabulary::AttachmentKind;
use entity::{attachment, reply_attachment};
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;

use super::rules::{self, BYTES};
use super::settings::UploadSettings;
use super::{Described, content, store};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Result};
use crate::executor::Api;
use crate::files::{FileFault, Incoming, Kept};
use crate::graphql::errors::ErrorCode;
use crate::graphql::scalars;
use crate::graphql::sensitive::SensitiveReads;
use crate::http::download::{Content, Download, answer, refused};
use crate::http::error::HttpError;
use crate::http::request_log::LoggedSubject;
use crate::ids::{self, Kind};
use crate::outbox::retrying;
use crate::reply;

/// When to come again after all turns were taken, in seconds.
const COME_AGAIN: u64 = 5;

/// The routes of files.
pub fn routes(api: Arc<Api>) -> Router {
    Router::new().route("/files", post(upload)).route("/files/{id}", get(download)).with_state(api)
}

/// Where an attachment's bytes are downloaded.
pub(super) fn path(row: &attachment::Model) -> String {
    format!("/files/{}", scalars::id::<attachment::Entity>(row.id).as_str())
}

async fn download(State(api): State<Arc<Api>>, Path(id): Path<String>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    answer(&api, &parts, async |app, actor| {
        let (event, name, file) = match ids::decode_any(&id) {
            Some((kind, id)) if kind == Kind::ReplyAttachment as u8 => {
                reply::attached(app, actor, id).await?
            }
            _ => {
                require(actor, Action::ReadAttachments)?;
                let id = ids::decode(Kind::Attachment, "id", &id)?;
                let (report, found) = store::find(app, actor, id).await?;
                let file = store::file_of(&found)?;
                (report.event_id, found.name, file)
            }
        };
        let content = Content::asked(app, &parts.headers, file).await?;
        let reads = SensitiveReads::new(app.clock.now());
        reads.touch(event);
        reads.record(app, actor).await?;
        Ok(Download { name, kind: BYTES, content })
    })
    .await
}

/// What a file is added to, and what it is called.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    report: Option<String>,
    reply: Option<String>,
    /// The version of the reply that was seen.
    version: Option<i32>,
    name: Option<String>,
}

/// What an upload goes to.
#[derive(Clone, Copy, Debug)]
enum Goal {
    Report(Uuid),
    Reply(Uuid, i32),
}

impl Goal {
    fn of(target: &Target) -> Result<Self> {
        match (&target.report, &target.reply, target.version) {
            (Some(report), None, None) => Ok(Self::Report(ids::decode(Kind::Report, "report", report)?)),
            (None, Some(reply), Some(version)) => {
                Ok(Self::Reply(ids::decode(Kind::Reply, "reply", reply)?, version))
            }
            _ => Err(Error::bad_input(
                "report",
                "name what the file is for: ?report=ID&name=NAME, or ?reply=ID&version=SEEN&name=NAME",
            )),
        }
    }

    /// Whether the actor may add to it, by what is known before the file is.
    async fn expect_open(self, app: &App, actor: &Actor) -> Result<()> {
        match self {
            Self::Report(report) => super::expect_room(app, actor, report).await,
            Self::Reply(reply, _) => reply::expect_attachable(app, actor, reply).await,
        }
    }

    async fn add(self, app: &App, actor: &Actor, described: &Described, kept: &Kept) -> Result<Added> {
        match self {
            Self::Report(report) => {
                let (row, is_new) = super::add(app, actor, report, described, kept).await?;
                let id = scalars::id::<attachment::Entity>(row.id).to_string();
                let body = json!({
                    "id": id, "path": path(&row), "name": row.name, "mediaType": row.media_type,
                    "size": row.size, "sha256": hex::encode(&row.sha256), "version": row.version,
                });
                Ok(Added { path: path(&row), body, is_new })
            }
            Self::Reply(reply, version) => {
                let (row, reply, is_new) =
                    reply::attach(app, actor, (reply, version), described, kept).await?;
                let path = reply::path(&row);
                let id = scalars::id::<reply_attachment::Entity>(row.id).to_string();
                // The version is the reply's, for its next change.
                let body = json!({
                    "id": id, "path": path, "name": row.name, "mediaType": row.media_type,
                    "size": row.size, "sha256": hex::encode(&row.sha256), "version": reply.version,
                });
                Ok(Added { path, body, is_new })
            }
        }
    }
}

/// What an upload is answered with.
struct Added {
    path: String,
    body: Value,
    is_new: bool,
}

async fn upload(
    State(api): State<Arc<Api>>,
    target: std::result::Result<Query<Target>, QueryRejection>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let actor = match api.caller(&parts).await {
        Ok(actor) => actor,
        Err(error) => return HttpError::from(error).into_response(),
    };
    let mut response = match take(&api.app, &actor, &parts, target, body).await {
        Ok(added) => answered(added),
        Err(error) => error.into_response(),
    };
    response.extensions_mut().insert(LoggedSubject(actor.subject.clone()));
    response
}

fn answered(added: Added) -> Response {
    let status = if added.is_new { StatusCode::CREATED } else { StatusCode::OK };
    let mut response = (status, axum::Json(added.body)).into_response();
    if let Ok(location) = HeaderValue::try_from(added.path) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// Takes a file in and adds it.
async fn take(
    app: &App,
    actor: &Actor,
    parts: &Parts,
    target: std::result::Result<Query<Target>, QueryRejection>,
    body: Body,
) -> std::result::Result<Added, HttpError> {
    let or_refused = |error| refused(error, parts);
    let Ok(Query(target)) = target else {
        let message = "Name what the file is for, and the file: /files?report=ID&name=poc.zip.";
        return Err(HttpError::bad_request(message));
    };
    let goal = Goal::of(&target).map_err(or_refused)?;
    goal.expect_open(app, actor).await.map_err(or_refused)?;
    let described = Described {
        kind: AttachmentKind::File,
        name: rules::kept_name(target.name.as_deref()),
        media_type: rules::media_type(
            parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()),
        ),
    };
    let kept = receive(app, parts, body).await?;
    let outcome = retrying(|| goal.add(app, actor, &described, &kept)).await;
    content::forget_unused(app, &[kept.name], &outcome).await;
    outcome.map_err(or_refused)
}

/// Keeps the body, within the bounds of uploads.
async fn receive(app: &App, parts: &Parts, body: Body) -> std::result::Result<Kept, HttpError> {
    let bounds = app.uploads.settings();
    let declared: Option<u64> =
        parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if declared.is_some_and(|size| size > bounds.bytes) {
        return Err(too_large(bounds));
    }
    let Some(_turn) = app.uploads.turn() else {
        let message = "All turns to upload are taken. Please try again later.";
        return Err(HttpError::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::RateLimited, message)
            .with_header(header::RETRY_AFTER, COME_AGAIN.into()));
    };
    let incoming = app.files.receive(app.ids.next()).await.map_err(not_kept)?;
    let reading = read(incoming, body, bounds);
    let incoming = timeout(Duration::from_secs(bounds.seconds), reading).await.unwrap_or_else(|_| {
        Err(too_slow(format!("The file did not arrive within {} s (uploads.seconds).", bounds.seconds)))
    })?;
    if declared.is_some_and(|size| size != incoming.size()) {
        return Err(HttpError::bad_request("The file is not as long as Content-Length says."));
    }
    let detected = rules::detected(incoming.head());
    if !rules::is_accepted(detected, &bounds.allowed, &bounds.refused) {
        let message = format!(
            "Files of the type {detected} are not taken here (uploads.allowed, uploads.refused): send it packed, or \
             otherwise."
        );
        return Err(HttpError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::BadUserInput, message));
    }
    app.files.keep(incoming).await.map_err(not_kept)
}

async fn read(
    mut incoming: Incoming,
    body: Body,
    bounds: &UploadSettings,
) -> std::result::Result<Incoming, HttpError> {
    let mut chunks = body.into_data_stream();
    let pause = Duration::from_secs(bounds.idle_seconds);
    loop {
        let next = timeout(pause, chunks.next()).await.map_err(|_| {
            too_slow(format!(
                "Nothing of the file arrived for {} s (uploads.idle_seconds).",
                bounds.idle_seconds
            ))
        })?;
        let Some(chunk) = next else { return Ok(incoming) };
        let chunk = chunk.map_err(|_| HttpError::bad_request("The file broke off: send it again."))?;
        if incoming.size() + chunk.len() as u64 > bounds.bytes {
            return Err(too_large(bounds));
        }
        incoming.write(&chunk).await.map_err(|error| not_kept(error.into()))?;
    }
}

fn too_large(bounds: &UploadSettings) -> HttpError {
    let message = format!("The file is too large: at most {} bytes are taken (uploads.bytes).", bounds.bytes);
    HttpError::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::BadUserInput, message)
}

fn too_slow(message: String) -> HttpError {
    HttpError::new(StatusCode::REQUEST_TIMEOUT, ErrorCode::Timeout, message)
}

/// A full disk, a store that does not answer: nothing that the sender can mend.
fn not_kept(fault: FileFault) -> HttpError {
    tracing::error!(error = %fault, "a file was not kept");
    let message = "The file cannot be kept at present. Please try again later.";
    HttpError::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Internal, message)
        .with_header(header::RETRY_AFTER, 30_u64.into())
}
