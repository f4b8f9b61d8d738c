//! graphql-sse at `/graphql/stream`: a connection for each operation, or one for all operations of a client.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_graphql::ServerError;
use async_graphql::parser::types::OperationType;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::{self, Stream, StreamExt};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::metrics::{Counted, SSE};
use super::{Caller, Live, no_room};
use crate::graphql::errors::ErrorCode;
use crate::http::error::HttpError;
use crate::http::parameters::Parameters;
use crate::http::request_log::LoggedSubject;
use crate::http::{accept, body};
use crate::live::{Ending, Operation, Seat, Who};

/// Names the stream of a client in single connection mode.
const TOKEN: HeaderName = HeaderName::from_static("x-graphql-event-stream-token");
/// Random bytes of such a name.
const TOKEN_BYTES: usize = 32;
/// For how long a stream is kept for a client that has not opened it.
const KEPT: Duration = Duration::from_secs(10);
/// Events that wait to be written.
const OUTGOING: usize = 16;
/// How often a stream looks whether its token is over, whatever signals say.
const LOOK: Duration = Duration::from_secs(60);

/// The routes of event streams.
pub fn routes(live: Arc<Live>) -> Router {
    let methods = get(open).post(post).put(reserve).delete(complete);
    Router::new().route("/graphql/stream", methods).with_state(live)
}

type Answered = Result<Response, HttpError>;

/// Who calls; or the answer to who is not let in. Nothing else of a request is looked at before.
async fn known(live: &Live, parts: &Parts) -> Result<Arc<Caller>, HttpError> {
    Ok(Arc::new(live.caller(parts).await?))
}

fn logged(caller: &Caller, answered: Answered) -> Response {
    let mut response = answered.unwrap_or_else(IntoResponse::into_response);
    let subject = caller.session.identity().subject.as_str();
    response.extensions_mut().insert(LoggedSubject(subject.into()));
    response
}

async fn open(State(live): State<Arc<Live>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let caller = match known(&live, &parts).await {
        Ok(caller) => caller,
        Err(error) => return error.into_response(),
    };
    let answered = match stream_token(&parts) {
        Some(token) => live.open_reserved(&parts, &caller, &token),
        None => live.open_own(&parts, &caller, Parameters::from_query_string(query(&parts)), true),
    };
    logged(&caller, answered)
}

async fn post(State(live): State<Arc<Live>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let caller = match known(&live, &parts).await {
        Ok(caller) => caller,
        Err(error) => return error.into_response(),
    };
    let answered = match read(&live, &parts, body).await {
        Err(error) => Err(error),
        Ok(parameters) => match stream_token(&parts) {
            Some(token) => live.add_to_reserved(&caller, &token, parameters),
            None => live.open_own(&parts, &caller, Ok(parameters), false),
        },
    };
    logged(&caller, answered)
}

async fn reserve(State(live): State<Arc<Live>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    match known(&live, &parts).await {
        Ok(caller) => logged(&caller, live.reserve(&parts, &caller)),
        Err(error) => error.into_response(),
    }
}

async fn complete(State(live): State<Arc<Live>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    match known(&live, &parts).await {
        Ok(caller) => logged(&caller, live.complete_reserved(&parts, &caller)),
        Err(error) => error.into_response(),
    }
}

async fn read(live: &Live, parts: &Parts, sent: Body) -> Result<Parameters, HttpError> {
    let bytes = live.bounds.http.body_bytes.min(live.bounds.live.message_bytes);
    body::check_declared_length(&parts.headers, bytes)?;
    if !accept::is_json_body(&parts.headers) {
        let message = "Send the request as uncompressed application/json in UTF-8.";
        return Err(HttpError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::BadUserInput, message));
    }
    let timeout = Duration::from_secs(live.bounds.http.body_seconds);
    Parameters::from_json(&body::read(sent, bytes, timeout).await?)
}

fn query(parts: &Parts) -> &str {
    parts.uri.query().unwrap_or_default()
}

fn argument(parts: &Parts, name: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query(parts).as_bytes());
    pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

/// The name of the stream in single connection mode: in a header, or for who can send none in the address.
fn stream_token(parts: &Parts) -> Option<String> {
    match parts.headers.get(TOKEN) {
        Some(token) => Some(token.to_str().unwrap_or_default().to_owned()),
        None => argument(parts, "token"),
    }
}

/// Demands that the client takes an event stream.
fn expect_event_stream(headers: &HeaderMap) -> Result<(), HttpError> {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut ranges = values.flat_map(|value| value.split(','));
    let named = |range: &str| {
        let essence = range.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("text/event-stream")
    };
    if ranges.any(named) {
        return Ok(());
    }
    let message = "Accept text/event-stream, or send requests to /graphql.";
    Err(HttpError::new(StatusCode::NOT_ACCEPTABLE, ErrorCode::BadUserInput, message))
}

fn no_stream() -> HttpError {
    HttpError::new(StatusCode::NOT_FOUND, ErrorCode::NotFound, "There is no such stream: reserve one by PUT.")
}

/// How the events of one operation look.
#[derive(Clone)]
enum Style {
    /// The stream is the operation's own.
    Own,
    /// One stream for all: each event names its operation.
    Named(Arc<str>),
}

impl Style {
    fn next(&self, payload: &str) -> Event {
        let event = Event::default().event("next");
        match self {
            Self::Own => event.data(payload),
            Self::Named(id) => event.data(format!(r#"{{"id":{},"payload":{payload}}}"#, Value::from(&**id))),
        }
    }

    fn complete(&self) -> Event {
        let event = Event::default().event("complete");
        match self {
            Self::Own => event.data(""),
            Self::Named(id) => event.data(json!({ "id": &**id }).to_string()),
        }
    }
}

/// A stream that one client has all its operations on.
struct Single {
    who: Who,
    to: mpsc::Sender<Event>,
    /// Until it is opened.
    from: Mutex<Option<Unopened>>,
    operations: Mutex<HashMap<Arc<str>, AbortHandle>>,
    over: CancellationToken,
}

struct Unopened {
    said: mpsc::Receiver<Event>,
    seat: Seat,
    ending: watch::Receiver<Option<Ending>>,
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
    fn end(&self, token: &str) {
        let Some(single) = self.all().remove(token) else { return };
        single.over.cancel();
        single.operations().drain().for_each(|(_, task)| task.abort());
    }
}

/// What a stream's end gives back.
struct Kept {
    live: Arc<Live>,
    /// The stream's name, in single connection mode.
    token: Option<String>,
    _tasks: JoinSet<()>,
    _seat: Seat,
    _counted: Counted,
    _running: TaskTrackerToken,
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(token) = &self.token {
            self.live.reserved.end(token);
        }
    }
}

impl Live {
    /// A connection for one operation.
    fn open_own(
        self: &Arc<Self>,
        parts: &Parts,
        caller: &Arc<Caller>,
        parameters: Result<Parameters, HttpError>,
        reads_only: bool,
    ) -> Answered {
        expect_event_stream(&parts.headers)?;
        let operation = self.operation(caller, parameters?)?;
        if reads_only && operation.as_ref().is_ok_and(|operation| operation.kind == OperationType::Mutation) {
            let message = "GET changes nothing: send this operation by POST.";
            return Err(HttpError::new(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::BadUserInput, message)
                .with_header(header::ALLOW, HeaderValue::from_static("POST")));
        }
        let mut seat = self.seat(parts)?;
        let ending = seat.name(caller.session.identity()).map_err(|_| no_room())?;
        let (to, said) = mpsc::channel(OUTGOING);
        let mut tasks = JoinSet::new();
        match operation {
            Ok(operation) => {
                let (live, caller) = (Arc::clone(self), Arc::clone(caller));
                // The stream ends with what it has said, however that ends.
                tasks.spawn(async move {
                    let _ = operate(&live, &caller, operation, &Style::Own, &to).await;
                });
            }
            // On the stream, where who reads it looks for errors.
            Err(errors) => {
                tasks.spawn(async move {
                    let _ = refuse(&errors, &Style::Own, &to).await;
                });
            }
        }
        let unopened = Unopened { said, seat, ending };
        Ok(self.streaming(caller, unopened, tasks, None, CancellationToken::new()))
    }

    /// Keeps a stream for a client that is about to open it, and answers its name.
    fn reserve(self: &Arc<Self>, parts: &Parts, caller: &Caller) -> Answered {
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
    fn open_reserved(self: &Arc<Self>, parts: &Parts, caller: &Arc<Caller>, token: &str) -> Answered {
        expect_event_stream(&parts.headers)?;
        let single = self.reserved.find(caller, token)?;
        let unopened = single.from.lock().unwrap_or_else(PoisonError::into_inner).take();
        let unopened = unopened.ok_or_else(|| {
            HttpError::new(StatusCode::CONFLICT, ErrorCode::Conflict, "The stream is open already.")
        })?;
        Ok(self.streaming(caller, unopened, JoinSet::new(), Some(token.to_owned()), single.over.clone()))
    }

    /// Runs one more operation on a stream.
    fn add_to_reserved(
        self: &Arc<Self>,
        caller: &Arc<Caller>,
        token: &str,
        parameters: Parameters,
    ) -> Answered {
        let single = self.reserved.find(caller, token)?;
        let id = parameters.extensions.as_ref().and_then(|extensions| extensions.get("operationId"));
        let Some(async_graphql::Value::String(id)) = id else {
            return Err(HttpError::bad_request(
                "Name the operation: extensions.operationId has to be a string.",
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
    fn complete_reserved(&self, parts: &Parts, caller: &Caller) -> Answered {
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

    /// The response that streams what is said, until its caller may hear no more.
    fn streaming(
        self: &Arc<Self>,
        caller: &Arc<Caller>,
        Unopened { said, seat, ending }: Unopened,
        tasks: JoinSet<()>,
        token: Option<String>,
        over: CancellationToken,
    ) -> Response {
        let kept = Kept {
            live: Arc::clone(self),
            token,
            _tasks: tasks,
            _seat: seat,
            _counted: self.metrics.connected(&SSE),
            _running: self.shutdown.streams.token(),
        };
        let listening = Listening { said, ending, over, caller: Arc::clone(caller), kept };
        // So that the client knows at once that the stream stands.
        let first = stream::once(async { Ok(Event::default().comment("")) });
        let alive = KeepAlive::new().interval(Duration::from_secs(self.bounds.live.ping_seconds));
        let mut response = Sse::new(first.chain(listening.events())).keep_alive(alive).into_response();
        // Proxies that gather answers would keep events for themselves.
        response
            .headers_mut()
            .insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
        response
    }
}

struct Listening {
    said: mpsc::Receiver<Event>,
    ending: watch::Receiver<Option<Ending>>,
    over: CancellationToken,
    caller: Arc<Caller>,
    kept: Kept,
}

impl Listening {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut listening| async move {
            let event = listening.next().await?;
            Some((Ok(event), listening))
        })
    }

    /// The next event; none where the stream ends.
    async fn next(&mut self) -> Option<Event> {
        let live = &self.kept.live;
        loop {
            tokio::select! {
                said = self.said.recv() => {
                    let identity = self.caller.session.identity();
                    let who = (identity.issuer.clone(), identity.subject.clone());
                    let may = !live.is_over(&self.caller) && !live.hub.is_denied(&who);
                    return said.filter(|_| may);
                }
                _ = self.ending.wait_for(Option::is_some) => return None,
                () = self.over.cancelled() => return None,
                () = live.shutdown.token.cancelled() => return None,
                () = tokio::time::sleep(live.time_left(&self.caller).min(LOOK)) => {
                    if live.is_over(&self.caller) {
                        return None;
                    }
                }
            }
        }
    }
}

/// The client fell too far behind, or may hear no more.
struct Over;

/// Runs one operation to its end.
async fn operate(
    live: &Arc<Live>,
    caller: &Caller,
    operation: Operation,
    style: &Style,
    to: &mpsc::Sender<Event>,
) -> Result<(), Over> {
    live.still_may(caller).await.map_err(|_| Over)?;
    let actor = caller.session.actor(caller.request_id.as_ref());
    let say = async |event| to.send(event).await.map_err(|_| Over);
    if operation.kind != OperationType::Subscription {
        return match live.hub.execute(actor, &operation).await {
            Ok(answer) => {
                say(style.next(&answer)).await?;
                say(style.complete()).await
            }
            Err(errors) => refuse(&errors, style, to).await,
        };
    }
    match live.hub.subscribe(&caller.session.identity().issuer, actor, operation).await {
        Ok(mut subscription) => {
            let _counted = live.metrics.subscribed();
            while let Ok(answer) = subscription.next().await {
                live.metrics.told();
                say(style.next(&answer)).await?;
            }
            live.metrics.fell_behind();
            Err(Over)
        }
        Err(errors) => refuse(&errors, style, to).await,
    }
}

async fn refuse(errors: &[ServerError], style: &Style, to: &mpsc::Sender<Event>) -> Result<(), Over> {
    let payload = json!({ "errors": errors }).to_string();
    to.send(style.next(&payload)).await.map_err(|_| Over)?;
    to.send(style.complete()).await.map_err(|_| Over)
}
