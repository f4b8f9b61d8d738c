//! Downloads: what was sent, to the byte, and the package of an event.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use entity::reply;
use entity::vocabulary::{DispatchState, ReplyFormat};
use serde::Deserialize;

use super::{files, handover, package, store};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Result};
use crate::executor::Api;
use crate::graphql::errors::ErrorCode;
use crate::graphql::sensitive::SensitiveReads;
use crate::http::error::HttpError;
use crate::http::request_log::{LoggedSubject, RequestId};
use crate::ids::{self, Kind};
use crate::outbox::retrying;

/// The routes of downloads.
pub fn routes(api: Arc<Api>) -> Router {
    Router::new()
        .route("/replies/{id}/sent", get(sent))
        .route("/replies/{id}/rendered", get(rendered))
        .route("/events/{number}/package.zip", get(whole))
        .with_state(api)
}

/// Which file of a reply.
#[derive(Deserialize)]
struct Wanted {
    format: ReplyFormat,
}

/// A file to be saved.
struct Download {
    name: String,
    kind: &'static str,
    bytes: Vec<u8>,
}

async fn sent(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    wanted: std::result::Result<Query<Wanted>, axum::extract::rejection::QueryRejection>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    answer(&api, &parts, async |app, actor| {
        let Ok(Query(Wanted { format })) = wanted else {
            let message = "name one with ?format=: TEXT, HTML, DOCX, PDF, MAIL or JSON";
            return Err(Error::bad_input("format", message));
        };
        let id = ids::decode(Kind::Reply, "id", &id)?;
        let (reply, from_channel) = store::find_sent(app, actor, id).await?;
        // How it travelled is no concern of the channel's.
        if from_channel && !crate::template::rules::FORMATS.contains(&format) {
            return Err(Error::NotFound);
        }
        let mut left = handover::store::left_files(app, reply.id).await?;
        left.retain(|(file, dispatch)| {
            let taken = dispatch.as_ref().is_none_or(|row| row.state == DispatchState::Taken);
            file.format == format && (taken || !from_channel)
        });
        // What was sent goes before what may have arrived, the newest first.
        left.sort_by_key(|(file, dispatch)| {
            (dispatch.as_ref().is_none_or(|row| row.state == DispatchState::Taken), file.id)
        });
        let (file, _) = left.pop().ok_or(Error::NotFound)?;
        let reads = SensitiveReads::new(app.clock.now());
        reads.touch(reply.event_id);
        reads.record(app, actor).await?;
        Ok(Download { name: file.name, kind: files::form(format).1, bytes: file.bytes })
    })
    .await
}

/// The present text as a file, for a person who carries it: what is recorded as sent by hand has the same bytes.
async fn rendered(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    wanted: std::result::Result<Query<Wanted>, axum::extract::rejection::QueryRejection>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    answer(&api, &parts, async |app, actor| {
        let format = wanted.map(|Query(wanted)| wanted.format).ok();
        let format = format.filter(|format| crate::template::rules::FORMATS.contains(format));
        let format = format
            .ok_or_else(|| Error::bad_input("format", "name one with ?format=: TEXT, HTML, DOCX or PDF"))?;
        require(actor, Action::ReadReplies)?;
        let id = ids::decode(Kind::Reply, "id", &id)?;
        let (event, reply) = store::find_readable(app, actor, id).await?;
        let reply = reply::Model { formats: Some(vec![format.to_string()].into()), ..reply };
        let made = files::render(app, &event, &reply).await?.pop().ok_or(Error::NotFound)?;
        let reads = SensitiveReads::new(app.clock.now());
        reads.note(&event);
        reads.record(app, actor).await?;
        Ok(Download { name: made.name, kind: files::form(format).1, bytes: made.bytes })
    })
    .await
}

async fn whole(State(api): State<Arc<Api>>, Path(number): Path<String>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    answer(&api, &parts, async |app, actor| {
        let bytes = retrying(|| package::export(app, actor, &number)).await?;
        Ok(Download { name: format!("{number}.zip"), kind: "application/zip", bytes })
    })
    .await
}

async fn answer(
    api: &Api,
    parts: &Parts,
    work: impl AsyncFnOnce(&App, &Actor) -> Result<Download>,
) -> Response {
    let actor = match api.caller(parts).await {
        Ok(actor) => actor,
        Err(error) => return HttpError::from(error).into_response(),
    };
    let mut response = match work(&api.app, &actor).await {
        Ok(download) => attachment(download),
        Err(error) => refused(error, parts).into_response(),
    };
    response.extensions_mut().insert(LoggedSubject(actor.subject.clone()));
    response
}

fn attachment(download: Download) -> Response {
    // Names are made of an event's number and a kind: nothing in them needs quoting.
    let disposition = format!("attachment; filename=\"{}\"", download.name);
    let disposition = HeaderValue::try_from(disposition).unwrap_or(HeaderValue::from_static("attachment"));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(download.kind)),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    (headers, download.bytes).into_response()
}

fn refused(error: Error, parts: &Parts) -> HttpError {
    let id = parts.extensions.get::<RequestId>();
    match error {
        Error::Forbidden { action } => {
            let message = format!("your roles do not allow {action}");
            HttpError::new(StatusCode::FORBIDDEN, ErrorCode::Forbidden, message)
        }
        Error::NotFound | Error::InvalidId { .. } => {
            let message = "there is no such thing, or none that you may see";
            HttpError::new(StatusCode::NOT_FOUND, ErrorCode::NotFound, message)
        }
        Error::BadInput { field, message } => HttpError::bad_request(format!("{field}: {message}")),
        Error::Refused(refusals) => {
            let words: Vec<_> = refusals.into_iter().map(|refusal| refusal.message).collect();
            HttpError::bad_request(words.join("; "))
        }
        Error::Conflict | Error::Race => {
            let message = "it is being changed: ask again";
            HttpError::new(StatusCode::CONFLICT, ErrorCode::Conflict, message)
        }
        Error::Internal(cause) => {
            tracing::error!(error = ?cause, "a download failed");
            HttpError::internal(id.map_or("", |id| &*id.0))
        }
    }
}
