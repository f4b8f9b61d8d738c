//! The address under which calendar programs read a feed.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::auth::Origin;
use crate::graphql::errors::ErrorCode;
use crate::http::client_address::ClientAddress;
use crate::http::error::HttpError;
use crate::http::request_log::{LoggedSubject, RequestId};

/// What the name of a feed ends with.
const ENDING: &str = ".ics";

/// The route of feeds. It takes all that begins like one, so that the access log never has a secret as a path that
/// matched no route.
pub fn routes(app: Arc<App>) -> Router {
    Router::new().route("/feeds/{*secret}", get(serve)).with_state(app)
}

/// The path of a feed's link.
pub(super) fn path(secret: &str) -> String {
    ["/feeds/", secret, ENDING].concat()
}

async fn serve(State(app): State<Arc<App>>, Path(file): Path<String>, request: Request) -> Response {
    let id = request.extensions().get::<RequestId>().map(|id| id.0.to_string());
    let address = request.extensions().get::<ClientAddress>().map(|client| client.0.to_string());
    let origin = Origin { address, request_id: id.clone() };
    let known = file.strip_suffix(ENDING).unwrap_or_default();
    match answer(&app, known, origin, request.headers()).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(?error, "a calendar feed could not be read");
            HttpError::ours(&error, &id.unwrap_or_default()).into_response()
        }
    }
}

async fn answer(
    app: &App,
    secret: &str,
    origin: Origin,
    headers: &HeaderMap,
) -> crate::error::Result<Response> {
    let Some(feed) = super::read(app, secret, origin).await? else {
        let message = "There is no such feed, or it was ended.";
        return Ok(HttpError::new(StatusCode::NOT_FOUND, ErrorCode::NotFound, message).into_response());
    };
    let tag = format!("\"{}\"", hex::encode(Sha256::digest(feed.text.as_bytes())));
    // A program asks again each time, since what it may see can have changed.
    let mut about: Vec<(HeaderName, String)> = vec![
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
        (header::ETAG, tag.clone()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    let mut response = if has(headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        feed.reads.record(app, &feed.actor).await?;
        about.push((header::CONTENT_TYPE, "text/calendar; charset=utf-8".to_owned()));
        feed.text.into_response()
    };
    for (name, value) in about {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response.extensions_mut().insert(LoggedSubject(feed.actor.subject));
    Ok(response)
}

/// Whether the program has the text with this tag.
fn has(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut known = known.flat_map(|value| value.split(','));
    known.any(|known| known.trim().trim_start_matches("W/") == tag)
}
