//! Single connection mode: one stream of a client's, named by a token, carries all its operations.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::{StatusCode, header, request::Parts};
use axum::response::IntoResponse;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::protocol::MAX_ID;
use super::stream::{
    Answered, OUTGOING, Said, Style, Unopened, argument, expect_event_stream, operate, stream_token,
};
use super::{Caller, Live, no_room};
use crate::graphql::errors::ErrorCode;
use crate::http::error::HttpError;
use crate::http::parameters::Parameters;
use crate::live::Who;

/// Random bytes of such a name.
const TOKEN_BYTES: usize = 32;
/// For how long a stream is kept for a client that has not opened it.
const KEPT: Duration = Duration::from_secs(10);

/// A stream that one client has all its operations on.
struct Single {
    who: Who,
    to: mpsc::Sender<Said>,
    /// Until it is opened.
    from: Mutex<Option<Unopened>>,
    operations: Mutex<HashMap<Arc<str>, AbortHandle>>,
    over: CancellationToken,
}

impl Single {
    fn operations(&self) -> MutexGuard<'_, HashMap<Arc<str>, AbortHandle>> {
        self.operations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Streams in single connection mode, by their names.
#[derive(Default)]
pub(super) struct Reserved(Mutex<HashMap<String, Arc<Single>>>);

impl Reserved {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<Single>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stream of this name, if it is this caller's.
    fn find(&self, caller: &Caller, token: &str) -> Result<Arc<Single>, HttpError> {
        let identity = caller.session.identity();
        let own = |single: &&Arc<Single>| {
            single.who.0 == identity.issuer && single.who.1 == identity.subject && !single.over.is_cancelled()
        };
        self.all().get(token).filter(own).cloned().ok_or_else(no_stream)
    }

    /// Ends a stream and all that runs on it.
    pub(super) fn end(&self, token: &str) {
        let Some(single) = self.all().remove(token) else { return };
        single.over.cancel();
        single.operations().drain().for_each(|(_, task)| task.abort());
    }
}

impl Live {
    /// Keeps a stream for a client that is about to open it, and answers its name.
    pub(super) fn reserve(self: &Arc<Self>, parts: &Parts, caller: &Caller) -> Answered {
        let mut seat = self.seat(parts)?;
        let ending = seat.name(caller.session.identity()).map_err(|_| no_room())?;
        let mut name = [0; TOKEN_BYTES];
        self.app.ids.fill(&mut name);
        let token = hex::encode(name);
        let (to, said) = mpsc::channel(OUTGOING);
        let identity = caller.session.identity();
        let single = Single {
            who: (identity.issuer.clone(), identity.subject.clone()),
            to,
            from: Mutex::new(Some(Unopened { said, seat, ending })),
            operations: Mutex::default(),
            over: CancellationToken::new(),
        };
        let over = single.over.clone();
        self.reserved.all().insert(token.clone(), Arc::new(single));
        let (live, kept) = (Arc::clone(self), token.clone());
        tokio::spawn(async move {
            let stop = live.shutdown.token.clone();
            tokio::select! {
                () = tokio::time::sleep(KEPT) => {}
                () = over.cancelled() => return,
                () = stop.cancelled() => {}
            }
            let unopened =
                live.reserved.all().get(&kept).is_some_and(|single| {
                    single.from.lock().unwrap_or_else(PoisonError::into_inner).is_some()
                });
            if unopened {
                live.reserved.end(&kept);
            }
        });
        Ok((StatusCode::CREATED, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], token)
            .into_response())
    }

    /// Opens a stream that was kept.
    pub(super) fn open_reserved(
        self: &Arc<Self>,
        parts: &Parts,
        caller: &Arc<Caller>,
        token: &str,
    ) -> Answered {
        expect_event_stream(&parts.headers)?;
        let single = self.reserved.find(caller, token)?;
        let unopened = single.from.lock().unwrap_or_else(PoisonError::into_inner).take();
        let unopened = unopened.ok_or_else(|| {
            HttpError::new(StatusCode::CONFLICT, ErrorCode::Conflict, "The stream is open already.")
        })?;
        Ok(self.streaming(caller, unopened, JoinSet::new(), Some(token.to_owned()), single.over.clone()))
    }

    /// Runs one more operation on a stream.
    pub(super) fn add_to_reserved(
        self: &Arc<Self>,
        caller: &Arc<Caller>,
        token: &str,
        parameters: Parameters,
    ) -> Answered {
        let single = self.reserved.find(caller, token)?;
        let id = parameters.extensions.as_ref().and_then(|extensions| extensions.get("operationId"));
        let Some(async_graphql::Value::String(id)) = id.filter(|id| is_short(id)) else {
            return Err(HttpError::bad_request(
                "Name the operation: extensions.operationId has to be a string of at most 256 bytes.",
            ));
        };
        let id: Arc<str> = id.as_str().into();
        let operation = match self.operation(caller, parameters)? {
            Ok(operation) => operation,
            Err(errors) => {
                return Ok((StatusCode::BAD_REQUEST, axum::Json(json!({ "errors": errors }))).into_response());
            }
        };
        let mut operations = single.operations();
        operations.retain(|_, task| !task.is_finished());
        if operations.contains_key(&id) {
            let message = "An operation with this operationId runs already.";
            return Err(HttpError::new(StatusCode::CONFLICT, ErrorCode::Conflict, message));
        }
        if operations.len() >= self.bounds.live.operations {
            let most = self.bounds.live.operations;
            let message =
                format!("At most {most} operations run at one time on a stream: complete one first.");
            return Err(HttpError::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::RateLimited, message));
        }
        let (live, caller, token) = (Arc::clone(self), Arc::clone(caller), token.to_owned());
        let (style, to) = (Style::Named(Arc::clone(&id)), single.to.clone());
        let task = tokio::spawn(async move {
            if operate(&live, &caller, operation, &style, &to).await.is_err() {
                live.reserved.end(&token);
            }
        });
        operations.insert(id, task.abort_handle());
        drop(operations);
        // It may have ended meanwhile, and would not know of this operation.
        if single.over.is_cancelled() {
            single.operations().drain().for_each(|(_, task)| task.abort());
            return Err(no_stream());
        }
        Ok(StatusCode::ACCEPTED.into_response())
    }

    /// Ends an operation on a stream.
    pub(super) fn complete_reserved(&self, parts: &Parts, caller: &Caller) -> Answered {
        let Some(token) = stream_token(parts) else {
            return Err(HttpError::bad_request("Name the stream: X-GraphQL-Event-Stream-Token."));
        };
        let single = self.reserved.find(caller, &token)?;
        let Some(id) = argument(parts, "operationId") else {
            return Err(HttpError::bad_request("Name the operation: operationId."));
        };
        if let Some(task) = single.operations().remove(id.as_str()) {
            task.abort();
        }
        Ok(StatusCode::OK.into_response())
    }
}

fn no_stream() -> HttpError {
    HttpError::new(StatusCode::NOT_FOUND, ErrorCode::NotFound, "There is no such stream: reserve one by PUT.")
}

/// Whether this may name an operation: each of its events says its name.
fn is_short(id: &async_graphql::Value) -> bool {
    matches!(id, async_graphql::Value::String(id) if id.len() <= MAX_ID)
}
