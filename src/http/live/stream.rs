//! graphql-sse at `/graphql/stream`: a connection for each operation, or one for all operations of a client.

use std::convert::Infallible;
use std::sync::Arc;
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
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::metrics::{Counted, SSE};
use super::{Caller, Live, no_room};
use crate::graphql::errors::ErrorCode;
use crate::http::error::HttpError;
use crate::http::parameters::Parameters;
use crate::http::request_log::LoggedSubject;
use crate::http::{accept, body};
use crate::live::{Answer, Ending, Operation, Seat};

/// Names the stream of a client in single connection mode.
const TOKEN: HeaderName = HeaderName::from_static("x-graphql-event-stream-token");
/// Events that wait to be written.
pub(super) const OUTGOING: usize = 16;
/// How often a stream looks whether its token is over, whatever signals say.
const LOOK: Duration = Duration::from_secs(60);

/// The routes of event streams.
pub fn routes(live: Arc<Live>) -> Router {
    let methods = get(open).post(post).put(reserve).delete(complete);
    Router::new().route("/graphql/stream", methods).with_state(live)
}

pub(super) type Answered = Result<Response, HttpError>;

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

pub(super) fn argument(parts: &Parts, name: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query(parts).as_bytes());
    pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

/// The name of the stream in single connection mode: in a header, or for who can send none in the address.
pub(super) fn stream_token(parts: &Parts) -> Option<String> {
    match parts.headers.get(TOKEN) {
        Some(token) => Some(token.to_str().unwrap_or_default().to_owned()),
        None => argument(parts, "token"),
    }
}

/// Demands that the client takes an event stream.
pub(super) fn expect_event_stream(headers: &HeaderMap) -> Result<(), HttpError> {
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

/// How the events of one operation look.
#[derive(Clone)]
pub(super) enum Style {
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

/// What an operation has to say.
pub(super) enum Said {
    Next(Style, Answer),
    Complete(Style),
}

impl Said {
    fn event(&self) -> Event {
        match self {
            Self::Next(style, answer) => style.next(answer),
            Self::Complete(style) => style.complete(),
        }
    }
}

/// A stream that nobody reads yet.
pub(super) struct Unopened {
    pub(super) said: mpsc::Receiver<Said>,
    pub(super) seat: Seat,
    pub(super) ending: watch::Receiver<Option<Ending>>,
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

    /// The response that streams what is said, until its caller may hear no more.
    pub(super) fn streaming(
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
    said: mpsc::Receiver<Said>,
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
                    let denied = live.hub.is_denied(self.caller.session.identity());
                    let may = !live.is_over(&self.caller) && !denied;
                    return said.filter(|_| may).map(|said| said.event());
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
pub(super) struct Over;

/// Runs one operation to its end.
pub(super) async fn operate(
    live: &Arc<Live>,
    caller: &Caller,
    operation: Operation,
    style: &Style,
    to: &mpsc::Sender<Said>,
) -> Result<(), Over> {
    let actor = caller.session.actor(caller.request_id.as_ref());
    let say = async |said| to.send(said).await.map_err(|_| Over);
    if operation.kind != OperationType::Subscription {
        return match live.hub.execute(actor, &operation).await {
            Ok(answer) => {
                say(Said::Next(style.clone(), answer)).await?;
                say(Said::Complete(style.clone())).await
            }
            Err(errors) => refuse(&errors, style, to).await,
        };
    }
    let issuer = &caller.session.identity().issuer;
    let mut subscription = match live.hub.subscribe(issuer, actor, operation).await {
        Ok(subscription) => subscription,
        Err(errors) => return refuse(&errors, style, to).await,
    };
    let _counted = live.metrics.subscribed();
    loop {
        let told = tokio::select! {
            told = subscription.next() => Some(told),
            () = tokio::time::sleep(live.time_left(caller)) => None,
        };
        // The stream can have been opened with another token of theirs, which is not over yet.
        if live.is_over(caller) {
            return Err(Over);
        }
        match told {
            Some(Ok(answer)) => {
                live.metrics.told();
                say(Said::Next(style.clone(), answer)).await?;
            }
            Some(Err(_)) => {
                live.metrics.fell_behind();
                return Err(Over);
            }
            None => {}
        }
    }
}

async fn refuse(errors: &[ServerError], style: &Style, to: &mpsc::Sender<Said>) -> Result<(), Over> {
    let payload = json!({ "errors": errors }).to_string().into();
    to.send(Said::Next(style.clone(), payload)).await.map_err(|_| Over)?;
    to.send(Said::Complete(style.clone())).await.map_err(|_| Over)
}
