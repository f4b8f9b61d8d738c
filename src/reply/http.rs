//! Downloads: what was sent, to the byte, and the package of an event.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::response::Response;
use axum::routing::get;
use entity::reply;
use entity::vocabulary::{DispatchState, ReplyFormat};
use serde::Deserialize;

use super::{files, handover, package, store};
use crate::auth::policy::{Action, require};
use crate::error::Error;
use crate::executor::Api;
use crate::graphql::sensitive::SensitiveReads;
use crate::http::download::{Content, Download, answer};
use crate::ids::{self, Kind};

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
        let name = file.name.clone();
        Ok(Download { name, kind: files::form(format).1, content: files::content(app, file).await? })
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
        Ok(Download { name: made.name, kind: files::form(format).1, content: Content::Whole(made.bytes) })
    })
    .await
}

async fn whole(State(api): State<Arc<Api>>, Path(number): Path<String>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    answer(&api, &parts, async |app, actor| {
        let content = Content::Streamed(package::export(app, actor, &number).await?);
        Ok(Download { name: format!("{number}.zip"), kind: "application/zip", content })
    })
    .await
}
