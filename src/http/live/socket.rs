//! graphql-transport-ws: one task a socket, which alone reads and writes it, and one for each operation.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::ServerError;
use async_graphql::parser::types::OperationType;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use axum::http::{HeaderMap, HeaderValue, header};
use futures_util::SinkExt as _;
use serde_json::{Map, Value};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

use super::metrics::WEBSOCKET;
use super::protocol::{self, ClientMessage, Close};
use super::{Caller, Live, errors_json, too_many};
use crate::graphql::answer;
use crate::graphql::errors::ErrorCode;
use crate::http::client_address::ClientAddress;
use crate::http::error::AuthenticationError;
use crate::http::parameters::Parameters;
use crate::http::request_log::RequestId;
use crate::live::{Answer, Ending, Seat};

/// Longest message before the token is verified, in bytes: the token itself is bounded by 8 kB.
const BEFORE_TOKEN: usize = 16 * 1024;
/// Time for a client to take what it is sent, and to answer that its socket is closed.
const WRITE: Duration = Duration::from_secs(10);
const CLOSING: Duration = Duration::from_secs(2);
/// Answers of operations that wait to be written.
const OUTGOING: usize = 16;

/// Closes a socket and waits a moment for the client to agree: what it had not read yet would be lost otherwise.
pub(super) async fn close(mut socket: WebSocket, close: &Close) {
    let frame = CloseFrame { code: close.code, reason: close.reason.to_string().into() };
    if matches!(timeout(CLOSING, socket.send(Message::Close(Some(frame)))).await, Ok(Ok(()))) {
        let _ = timeout(CLOSING, async { while let Some(Ok(_)) = socket.recv().await {} }).await;
    }
}

/// What an operation has to say.
enum Said {
    Next(Answer),
    Error(Answer),
    Complete,
    Close(Close),
}

/// What the socket's task is told by an operation, which is known by its number: ids are used again.
struct Outgoing {
    operation: u64,
    said: Said,
}

/// An operation that runs.
struct Running {
    operation: u64,
    task: AbortHandle,
}

/// Why the loop ends.
enum End {
    Close(Close),
    /// The client is gone.
    Gone,
}

pub(super) struct Connection {
    live: Arc<Live>,
    socket: WebSocket,
    seat: Seat,
    client: ClientAddress,
    request_id: Option<RequestId>,
    caller: Option<Arc<Caller>>,
    ending: Option<watch::Receiver<Option<Ending>>>,
    running: HashMap<String, Running>,
    ids: HashMap<u64, String>,
    tasks: JoinSet<()>,
    next: u64,
    outgoing: mpsc::Sender<Outgoing>,
    said: mpsc::Receiver<Outgoing>,
}

impl Connection {
    pub(super) fn new(
        live: Arc<Live>,
        socket: WebSocket,
        seat: Seat,
        client: ClientAddress,
        request_id: Option<RequestId>,
    ) -> Self {
        let (outgoing, said) = mpsc::channel(OUTGOING);
        Self {
            live,
            socket,
            seat,
            client,
            request_id,
            caller: None,
            ending: None,
            running: HashMap::new(),
            ids: HashMap::new(),
            tasks: JoinSet::new(),
            next: 0,
            outgoing,
            said,
        }
    }

    /// Serves the socket to its end. `known` is who opened it, where its request said so.
    pub(super) async fn run(mut self, known: Option<Caller>) {
        let _counted = self.live.metrics.connected(&WEBSOCKET);
        let end = self.serve(known).await;
        // Nothing that runs for it outlives the socket.
        self.tasks.abort_all();
        if let End::Close(reason) = end {
            close(self.socket, &reason).await;
        }
    }

    async fn serve(&mut self, mut known: Option<Caller>) -> End {
        let live = Arc::clone(&self.live);
        let quiet = Duration::from_secs(live.bounds.live.ping_seconds);
        let init_until = Instant::now() + Duration::from_secs(live.bounds.live.init_seconds);
        let mut over_at = None;
        let mut quiet_until = Instant::now() + quiet;
        // Whether it was asked if it still stands, and nothing was heard since.
        let mut asked = false;
        loop {
            let wake_at = match over_at {
                None => init_until,
                Some(over_at) => quiet_until.min(over_at),
            };
            let end = tokio::select! {
                ending = ended(&mut self.ending) => Some(match ending {
                    Ending::Expired => Close::EXPIRED,
                    Ending::Denied => Close::DENIED,
                }),
                () = live.shutdown.token.cancelled() => Some(Close::RESTART),
                Some(outgoing) = self.said.recv() => match self.pass_on(outgoing).await {
                    Ok(()) => None,
                    Err(end) => return end,
                },
                frame = self.socket.recv() => {
                    asked = false;
                    quiet_until = Instant::now() + quiet;
                    let heard = match frame {
                        Some(Ok(frame)) => self.hear(frame, &mut known).await,
                        // Too long, or no WebSocket any more: then nobody hears why it is closed.
                        Some(Err(_)) => Err(End::Close(Close::BAD_REQUEST)),
                        None => Err(End::Gone),
                    };
                    if let Err(end) = heard {
                        return end;
                    }
                    if let Some(caller) = self.caller.as_ref().filter(|_| over_at.is_none()) {
                        over_at = Some(Instant::now() + live.time_left(caller));
                    }
                    None
                }
                () = sleep_until(wake_at) => match over_at {
                    None => Some(Close::INIT_TIMEOUT),
                    Some(over_at) if over_at <= Instant::now() => Some(Close::EXPIRED),
                    Some(_) if asked => Some(Close::GOING_AWAY),
                    Some(_) => {
                        asked = true;
                        quiet_until = Instant::now() + quiet;
                        if let Err(end) = self.write(Message::Ping(Default::default())).await {
                            return end;
                        }
                        None
                    }
                },
            };
            if let Some(close) = end {
                return End::Close(close);
            }
        }
    }

    /// Writes a message, unless the client takes too long for it.
    async fn write(&mut self, message: Message) -> Result<(), End> {
        match timeout(WRITE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(End::Gone),
        }
    }

    /// Writes what an operation said, unless its client has ended it.
    async fn pass_on(&mut self, Outgoing { operation, said }: Outgoing) -> Result<(), End> {
        let Some(id) = self.ids.get(&operation) else { return Ok(()) };
        let (text, over) = match said {
            Said::Next(payload) => {
                self.may_be_told()?;
                (protocol::about("next", id, Some(&payload)), false)
            }
            Said::Error(errors) => (protocol::about("error", id, Some(&errors)), true),
            Said::Complete => (protocol::about("complete", id, None), true),
            Said::Close(close) => return Err(End::Close(close)),
        };
        if over {
            let id = id.clone();
            self.forget(&id);
        }
        self.write(Message::Text(text.into())).await
    }

    /// Demands that who listens still may: a signal of that can be under way.
    fn may_be_told(&self) -> Result<(), End> {
        let Some(caller) = &self.caller else { return Ok(()) };
        if self.live.is_over(caller) {
            return Err(End::Close(Close::EXPIRED));
        }
        if self.live.hub.is_denied(caller.session.identity()) {
            return Err(End::Close(Close::DENIED));
        }
        Ok(())
    }

    fn forget(&mut self, id: &str) -> Option<Running> {
        let running = self.running.remove(id)?;
        self.ids.remove(&running.operation);
        Some(running)
    }

    async fn hear(&mut self, frame: Message, known: &mut Option<Caller>) -> Result<(), End> {
        let text = match frame {
            Message::Text(text) => text,
            Message::Binary(_) => return Err(End::Close(Close::UNSUPPORTED)),
            // Pings are answered by the library.
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Close(_) => {
                // Says the same, as the library has made ready.
                let _ = timeout(CLOSING, self.socket.flush()).await;
                return Err(End::Gone);
            }
        };
        if self.caller.is_none() && text.len() > BEFORE_TOKEN {
            return Err(End::Close(Close::BAD_REQUEST));
        }
        match ClientMessage::read(&text).map_err(End::Close)? {
            ClientMessage::ConnectionInit(payload) => self.init(payload, known.take()).await,
            ClientMessage::Ping => self.write(Message::Text(protocol::PONG.into())).await,
            ClientMessage::Pong => Ok(()),
            ClientMessage::Subscribe { id, payload } => self.start(id, payload).await,
            ClientMessage::Complete { id } => {
                if let Some(running) = self.forget(&id) {
                    running.task.abort();
                }
                Ok(())
            }
        }
    }

    /// Verifies the token of `connection_init`, or takes the one that opened the socket.
    async fn init(&mut self, payload: Option<Map<String, Value>>, known: Option<Caller>) -> Result<(), End> {
        if self.caller.is_some() {
            return Err(End::Close(Close::TOO_MANY_INITS));
        }
        let caller = match (authorization(payload.as_ref()), known) {
            (None, Some(known)) => Ok(known),
            (given, _) => {
                let headers = given.unwrap_or_default();
                self.live.caller_with(&headers, self.client, self.request_id.as_ref()).await
            }
        };
        let caller = caller.map_err(|error| End::Close(Close::refused(&error)))?;
        self.ending =
            Some(self.seat.name(caller.session.identity()).map_err(|_| End::Close(Close::NO_ROOM))?);
        self.caller = Some(Arc::new(caller));
        self.write(Message::Text(protocol::ACK.into())).await
    }

    async fn start(&mut self, id: String, payload: Value) -> Result<(), End> {
        let Some(caller) = self.caller.clone() else { return Err(End::Close(Close::UNAUTHORIZED)) };
        if self.running.contains_key(&id) {
            return Err(End::Close(Close::id_in_use(&id)));
        }
        let parameters: Parameters =
            serde_json::from_value(payload).map_err(|_| End::Close(Close::BAD_REQUEST))?;
        if self.running.len() >= self.live.bounds.live.operations {
            let most = self.live.bounds.live.operations;
            let message =
                format!("at most {most} operations run at one time on a connection: complete one first");
            let errors = answer::refusal(ErrorCode::RateLimited, ServerError::new(message, None));
            let text = protocol::about("error", &id, Some(&errors_json(&errors)));
            return self.write(Message::Text(text.into())).await;
        }
        while self.tasks.try_join_next().is_some() {}
        self.next += 1;
        let operation = self.next;
        let say = Say { operation, outgoing: self.outgoing.clone() };
        let task = self.tasks.spawn(operate(Arc::clone(&self.live), caller, parameters, say));
        self.ids.insert(operation, id.clone());
        self.running.insert(id, Running { operation, task });
        Ok(())
    }
}

/// Waits until the connection has to end; for ever while nobody is known.
async fn ended(ending: &mut Option<watch::Receiver<Option<Ending>>>) -> Ending {
    let Some(ending) = ending else { return std::future::pending().await };
    match ending.wait_for(Option::is_some).await.map(|ending| *ending) {
        Ok(Some(ending)) => ending,
        _ => std::future::pending().await,
    }
}

/// The token in the payload of `connection_init`, as a request's header would have it.
fn authorization(payload: Option<&Map<String, Value>>) -> Option<HeaderMap> {
    let payload = payload?;
    let token = ["Authorization", "authorization"].iter().find_map(|name| payload.get(*name))?;
    let mut headers = HeaderMap::new();
    // What is no header's value is no token, and is refused as none.
    if let Some(value) = token.as_str().and_then(|text| HeaderValue::from_str(text).ok()) {
        headers.insert(header::AUTHORIZATION, value);
    }
    Some(headers)
}

/// How an operation speaks.
struct Say {
    operation: u64,
    outgoing: mpsc::Sender<Outgoing>,
}

impl Say {
    async fn say(&self, said: Said) {
        // Nobody hears it once the socket is gone, and then this task is ended too.
        let _ = self.outgoing.send(Outgoing { operation: self.operation, said }).await;
    }
}

/// Runs one operation to its end.
async fn operate(live: Arc<Live>, caller: Arc<Caller>, parameters: Parameters, say: Say) {
    match live.admit(&caller).await {
        Ok(()) => {}
        Err(error @ AuthenticationError::RateLimited { .. }) => {
            return say.say(Said::Error(errors_json(&too_many(&error)))).await;
        }
        Err(error) => return say.say(Said::Close(Close::refused(&error))).await,
    }
    let operation = match live.operation(&caller, parameters) {
        Ok(Ok(operation)) => operation,
        Ok(Err(errors)) => return say.say(Said::Error(errors_json(&errors))).await,
        Err(_) => return say.say(Said::Close(Close::BAD_REQUEST)).await,
    };
    let actor = caller.session.actor(caller.request_id.as_ref());
    if operation.kind != OperationType::Subscription {
        match live.hub.execute(actor, &operation).await {
            Ok(answer) => {
                say.say(Said::Next(answer)).await;
                say.say(Said::Complete).await;
            }
            Err(errors) => say.say(Said::Error(errors_json(&errors))).await,
        }
        return;
    }
    let issuer = caller.session.identity().issuer.clone();
    match live.hub.subscribe(&issuer, actor, operation).await {
        Ok(mut subscription) => {
            let _counted = live.metrics.subscribed();
            while let Ok(answer) = subscription.next().await {
                live.metrics.told();
                say.say(Said::Next(answer)).await;
            }
            live.metrics.fell_behind();
            say.say(Said::Close(Close::FELL_BEHIND)).await;
        }
        Err(errors) => say.say(Said::Error(errors_json(&errors))).await,
    }
}
