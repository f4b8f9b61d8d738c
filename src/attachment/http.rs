//! Downloads of attachments.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::get;

use super::store;
use crate::auth::policy::{Action, require};
use crate::executor::Api;
use crate::graphql::sensitive::SensitiveReads;
use crate::http::download::{Download, answer};
use crate::ids::{self, Kind};

/// What every attachment is served as: what its sender called it would be opened by some program.
const BYTES: &str = "application/octet-stream";

/// The route of downloads.
pub fn routes(api: Arc<Api>) -> Router {
    Router::new().route("/attachments/{id}", get(download)).with_state(api)
}

async fn download(State(api): State<Arc<Api>>, Path(id): Path<String>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    answer(&api, &parts, async |app, actor| {
        require(actor, Action::ReadReports)?;
        let id = ids::decode(Kind::Attachment, "id", &id)?;
        let (report, found, bytes) = store::find(app, actor, id).await?;
        let reads = SensitiveReads::new(app.clock.now());
        reads.touch(report.event_id);
        reads.record(app, actor).await?;
        Ok(Download { name: found.name, kind: BYTES, bytes })
    })
    .await
}
