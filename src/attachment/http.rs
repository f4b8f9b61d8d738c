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
use entity::{attachment, reply_attachment, reply_proof};
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument as _;
use uuid::Uuid;

use super::rules::{self, BYTES};
use super::settings::{Turn, UploadSettings};
use super::{Described, content, store};
use crate::app::App;
use crate::auth::policy::{Action, require};
use crate::auth::{Actor, Role};
use crate::error::{Error, Result};
use crate::executor::Api;
use crate::files::{FileFault, Incoming, Kept};
use crate::graphql::errors::ErrorCode;
use crate::graphql::scalars;
use crate::graphql::sensitive::SensitiveReads;
use crate::http::download::{Content, Download, answer, refused};
use crate::http::error::{HttpError, RETRY_AFTER};
use crate::http::request_log::LoggedSubject;
use crate::ids::{self, Kind};
use crate::outbox::retrying;
use crate::reply;

/// When to come again after all turns were taken, in seconds.
const COME_AGAIN: u64 = 5;

/// Roles whose uploads have turns that no stranger takes.
const TEAM: [Role; 2] = [Role::Analyst, Role::PublicRelations];

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
            Some((kind, id)) if kind == Kind::ReplyProof as u8 => reply::proof(app, actor, id).await?,
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
    /// The reply that it proves.
    proof: Option<String>,
    /// The version of the reply that was seen.
    version: Option<i32>,
    name: Option<String>,
}

/// What an upload goes to.
#[derive(Clone, Copy, Debug)]
enum Goal {
    Report(Uuid),
    Reply(Uuid, i32),
    Proof(Uuid),
}

impl Goal {
    fn of(target: &Target) -> Result<Self> {
        match (&target.report, &target.reply, &target.proof, target.version) {
            (Some(report), None, None, None) => {
                Ok(Self::Report(ids::decode(Kind::Report, "report", report)?))
            }
            (None, None, Some(reply), None) => Ok(Self::Proof(ids::decode(Kind::Reply, "proof", reply)?)),
            (None, Some(reply), None, Some(version)) => {
                Ok(Self::Reply(ids::decode(Kind::Reply, "reply", reply)?, version))
            }
            _ => Err(Error::bad_input(
                "report",
                "name what the file is for: ?report=ID&name=NAME, ?reply=ID&version=SEEN&name=NAME, or \
                 ?proof=REPLY&name=NAME",
            )),
        }
    }

    /// Whether the actor may add to it, by what is known before the file is.
    async fn expect_open(self, app: &App, actor: &Actor, bytes: u64) -> Result<()> {
        match self {
            Self::Report(report) => super::expect_room(app, actor, report, bytes).await,
            Self::Reply(reply, _) => reply::expect_attachable(app, actor, reply).await,
            Self::Proof(reply) => reply::expect_provable(app, actor, reply).await,
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
            Self::Proof(reply) => {
                let (row, is_new) = reply::add_proof(app, actor, reply, described, kept).await?;
                let path = reply::proof_path(&row);
                let id = scalars::id::<reply_proof::Entity>(row.id).to_string();
                let body = json!({
                    "id": id, "path": path, "name": row.name, "mediaType": row.media_type,
                    "size": row.size, "sha256": hex::encode(&row.sha256),
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
    app: &Arc<App>,
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
    let declared: Option<u64> =
        parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let bounds = app.uploads.settings();
    goal.expect_open(app, actor, declared.unwrap_or_default()).await.map_err(or_refused)?;
    if declared.is_some_and(|size| size > bounds.bytes) {
        return Err(too_large(bounds));
    }
    app.files.expect_room(declared.unwrap_or_default()).map_err(not_kept)?;
    let turn = app.uploads.turn(&actor.subject, actor.has_any(&TEAM)).ok_or_else(no_turn)?;
    let described = Described {
        kind: AttachmentKind::File,
        name: rules::kept_name(target.name.as_deref()),
        media_type: rules::media_type(
            parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()),
        ),
    };
    let incoming = receive(app, declared, body).await?;
    // All of it is here: what is left to do is done, whether or not its sender still listens.
    let (app, actor) = (Arc::clone(app), actor.clone());
    let adding = async move { add(&app, &actor, goal, &described, incoming, turn).await }.in_current_span();
    match tokio::spawn(adding).await {
        Ok(Ok(outcome)) => outcome.map_err(or_refused),
        Ok(Err(fault)) => Err(not_kept(fault)),
        Err(error) => Err(or_refused(Error::Internal(error.into()))),
    }
}

/// Keeps a file and adds it; what cannot be added is not kept.
async fn add(
    app: &App,
    actor: &Actor,
    goal: Goal,
    described: &Described,
    incoming: Incoming,
    _turn: Turn,
) -> std::result::Result<Result<Added>, FileFault> {
    let kept = app.files.keep(incoming).await?;
    let outcome = retrying(|| goal.add(app, actor, described, &kept)).await;
    content::forget_unused(app, &[kept.name], &outcome).await;
    Ok(outcome)
}

/// Takes the body in, within the bounds of uploads.
async fn receive(app: &App, declared: Option<u64>, body: Body) -> std::result::Result<Incoming, HttpError> {
    let bounds = app.uploads.settings();
    let incoming = app.files.receive(app.ids.next()).await.map_err(not_kept)?;
    let incoming = read(incoming, body, bounds).await?;
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
    Ok(incoming)
}

async fn read(
    mut incoming: Incoming,
    body: Body,
    bounds: &UploadSettings,
) -> std::result::Result<Incoming, HttpError> {
    let mut chunks = body.into_data_stream();
    let (began, pause) = (Instant::now(), Duration::from_secs(bounds.idle_seconds));
    loop {
        // A byte now and then would hold a turn for as long as the whole may take.
        let due = incoming
            .size()
            .checked_div(bounds.least_rate)
            .map_or(bounds.seconds, |due| due + bounds.idle_seconds);
        let limits = [
            (Instant::now() + pause, "nothing of it arrived for a while", "uploads.idle_seconds"),
            (began + Duration::from_secs(due), "it arrives too slowly", "uploads.least_rate"),
            (began + Duration::from_secs(bounds.seconds), "it took too long", "uploads.seconds"),
        ];
        let (at, why, bound) = limits.into_iter().min_by_key(|limit| limit.0).unwrap_or(limits[0]);
        let next = timeout_at(at, chunks.next())
            .await
            .map_err(|_| too_slow(format!("The file was given up: {why} ({bound}).")))?;
        let Some(chunk) = next else { return Ok(incoming) };
        let chunk = chunk.map_err(|_| HttpError::bad_request("The file broke off: send it again."))?;
        if incoming.size() + chunk.len() as u64 > bounds.bytes {
            return Err(too_large(bounds));
        }
        incoming.write(&chunk).await.map_err(not_kept)?;
    }
}

fn too_large(bounds: &UploadSettings) -> HttpError {
    let message = format!("The file is too large: at most {} bytes are taken (uploads.bytes).", bounds.bytes);
    HttpError::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::BadUserInput, message)
}

fn too_slow(message: String) -> HttpError {
    HttpError::new(StatusCode::REQUEST_TIMEOUT, ErrorCode::Timeout, message)
}

fn no_turn() -> HttpError {
    let message = "All turns to upload that you may have are taken. Please try again later.";
    HttpError::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::RateLimited, message)
        .with_header(header::RETRY_AFTER, COME_AGAIN.into())
}

/// A full disk, a store that does not answer: nothing that the sender can mend.
fn not_kept(fault: FileFault) -> HttpError {
    tracing::error!(error = %fault, "a file was not kept");
    if matches!(fault, FileFault::Full { .. }) {
        let message =
            "There is no room for files at present. Please try again later, and tell who runs this.";
        return HttpError::new(StatusCode::INSUFFICIENT_STORAGE, ErrorCode::Unavailable, message)
            .with_header(header::RETRY_AFTER, 600_u64.into());
    }
    HttpError::unavailable("The file cannot be kept at present. Please try again later.", RETRY_AFTER)
}
