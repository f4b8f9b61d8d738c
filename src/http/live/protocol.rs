//! The messages of graphql-transport-ws, and the codes that end a socket.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::http::error::AuthenticationError;

/// The subprotocol's name.
pub(super) const PROTOCOL: &str = "graphql-transport-ws";

/// What a client sends.
#[derive(Debug, PartialEq)]
pub(super) enum ClientMessage {
    ConnectionInit(Option<Map<String, Value>>),
    Ping,
    Pong,
    Subscribe { id: String, payload: Value },
    Complete { id: String },
}

/// Longest id of an operation, in bytes.
pub(super) const MAX_ID: usize = 256;

/// A message as it lies in a frame.
#[derive(Deserialize)]
struct Frame {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    id: Option<Value>,
    #[serde(default)]
    payload: Option<Value>,
}

impl ClientMessage {
    /// Reads a frame.
    ///
    /// # Errors
    /// That it is no message of the protocol.
    pub(super) fn read(text: &str) -> Result<Self, Close> {
        // An array would also be read as the fields in their order.
        if !text.trim_start().starts_with('{') {
            return Err(Close::BAD_REQUEST);
        }
        let frame: Frame = serde_json::from_str(text).map_err(|_| Close::BAD_REQUEST)?;
        let id = |id: Option<Value>| match id {
            Some(Value::String(id)) if !id.is_empty() && id.len() <= MAX_ID => Ok(id),
            _ => Err(Close::BAD_REQUEST),
        };
        let details = |payload: Option<Value>| match payload {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(details)) => Ok(Some(details)),
            Some(_) => Err(Close::BAD_REQUEST),
        };
        Ok(match frame.kind.as_str() {
            "connection_init" => Self::ConnectionInit(details(frame.payload)?),
            "ping" => {
                details(frame.payload)?;
                Self::Ping
            }
            "pong" => {
                details(frame.payload)?;
                Self::Pong
            }
            "subscribe" => match frame.payload {
                Some(payload @ Value::Object(_)) => Self::Subscribe { id: id(frame.id)?, payload },
                _ => return Err(Close::BAD_REQUEST),
            },
            "complete" => Self::Complete { id: id(frame.id)? },
            _ => return Err(Close::BAD_REQUEST),
        })
    }
}

/// Acknowledges `connection_init`.
pub(super) const ACK: &str = r#"{"type":"connection_ack"}"#;
/// Answers a ping.
pub(super) const PONG: &str = r#"{"type":"pong"}"#;

/// A message about an operation whose payload is JSON already.
pub(super) fn about(kind: &str, id: &str, payload: Option<&str>) -> String {
    let id = Value::from(id);
    match payload {
        Some(payload) => format!(r#"{{"id":{id},"type":"{kind}","payload":{payload}}}"#),
        None => json!({ "id": id, "type": kind }).to_string(),
    }
}

/// Why a socket is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Close {
    pub(super) code: u16,
    pub(super) reason: std::borrow::Cow<'static, str>,
}

/// Longest reason, in bytes (RFC 6455, section 5.5).
const MAX_REASON: usize = 123;

impl Close {
    pub(super) const BAD_REQUEST: Self =
        Self::of(4400, "Bad request: no message of graphql-transport-ws, or too long");
    pub(super) const UNAUTHORIZED: Self = Self::of(4401, "Unauthorized");
    pub(super) const EXPIRED: Self = Self::of(4403, "Forbidden: the access token is over");
    pub(super) const DENIED: Self = Self::of(4403, "Forbidden: its subject may no longer act");
    pub(super) const PROTOCOL: Self = Self::of(4406, "Subprotocol not acceptable");
    pub(super) const INIT_TIMEOUT: Self = Self::of(4408, "Connection initialisation timeout");
    pub(super) const TOO_MANY_INITS: Self = Self::of(4429, "Too many initialisation requests");
    pub(super) const UNSUPPORTED: Self = Self::of(1003, "Send text");
    pub(super) const GOING_AWAY: Self = Self::of(1001, "Nothing was heard of you");
    pub(super) const RESTART: Self = Self::of(1012, "Service restart");
    pub(super) const FELL_BEHIND: Self = Self::of(1013, "Try again later: messages were missed, ask again");
    pub(super) const NO_ROOM: Self =
        Self::of(1013, "Try again later: too many open connections of this caller");
    pub(super) const TOO_MANY: Self = Self::of(1013, "Try again later: too many requests of this caller");
    pub(super) const UNAVAILABLE: Self =
        Self::of(1013, "Try again later: tokens cannot be checked at present");

    const fn of(code: u16, reason: &'static str) -> Self {
        Self { code, reason: std::borrow::Cow::Borrowed(reason) }
    }

    /// The operation's id is in use.
    pub(super) fn id_in_use(id: &str) -> Self {
        Self::with(4409, format!("Subscriber for {id} already exists"))
    }

    /// The caller is not let in: for good, or for now. A client that is told 4403 does not come back by itself.
    pub(super) fn refused(error: &AuthenticationError) -> Self {
        match error {
            AuthenticationError::Unavailable => Self::UNAVAILABLE,
            AuthenticationError::RateLimited { .. } => Self::TOO_MANY,
            AuthenticationError::MissingToken
            | AuthenticationError::InvalidToken(_)
            | AuthenticationError::Denied { .. } => Self::with(4403, format!("Forbidden: {error}")),
        }
    }

    fn with(code: u16, mut reason: String) -> Self {
        let mut end = reason.len().min(MAX_REASON);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        reason.truncate(end);
        Self { code, reason: reason.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_the_protocol_are_read_and_nothing_else() {
        let read = |text: &str| ClientMessage::read(text);
        assert_eq!(read(r#"{"type":"connection_init"}"#), Ok(ClientMessage::ConnectionInit(None)));
        assert_eq!(read(r#"{"type":"ping","payload":{"a":1}}"#), Ok(ClientMessage::Ping));
        assert_eq!(
            read(r#" {"type":"complete","id":"1"}"#),
            Ok(ClientMessage::Complete { id: "1".to_owned() })
        );
        let payload = json!({ "query": "{ a }" });
        let subscribe = json!({ "id": "1", "type": "subscribe", "payload": payload }).to_string();
        assert_eq!(read(&subscribe), Ok(ClientMessage::Subscribe { id: "1".to_owned(), payload }));
        let long = json!({ "type": "complete", "id": "x".repeat(257) }).to_string();
        for wrong in [
            "",
            "{",
            "null",
            r#"["complete","1"]"#,
            r#"{"type":"start"}"#,
            r#"{"type":"connection_init","payload":"token"}"#,
            r#"{"type":"subscribe","payload":{"query":"{ a }"}}"#,
            r#"{"type":"subscribe","id":"","payload":{"query":"{ a }"}}"#,
            r#"{"type":"subscribe","id":1,"payload":{"query":"{ a }"}}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":["{ a }"]}"#,
            r#"{"type":"complete"}"#,
            &long,
        ] {
            assert_eq!(read(wrong), Err(Close::BAD_REQUEST), "{wrong}");
        }
    }

    #[test]
    fn ids_are_written_as_json_and_reasons_fit_a_close_frame() {
        assert_eq!(about("next", "a\"b", Some("{}")), r#"{"id":"a\"b","type":"next","payload":{}}"#);
        assert_eq!(about("complete", "1", None), r#"{"id":"1","type":"complete"}"#);
        assert_eq!(Close::id_in_use("1").reason, "Subscriber for 1 already exists");
        assert!(Close::id_in_use(&"号".repeat(80)).reason.len() <= 123);
    }

    #[test]
    fn who_may_come_back_later_is_not_told_that_they_may_not() {
        let busy = AuthenticationError::RateLimited {
            subject: "analyst-1".into(),
            retry_after: std::time::Duration::from_secs(1),
        };
        assert_eq!(Close::refused(&busy).code, 1013);
        assert_eq!(Close::refused(&AuthenticationError::Unavailable).code, 1013);
        assert_eq!(Close::refused(&AuthenticationError::MissingToken).code, 4403);
    }
}
