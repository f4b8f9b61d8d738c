//! Opening a WebSocket: who may, from which page, and with which subprotocol.

use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use axum::response::{IntoResponse, Response};

use super::protocol::{Close, PROTOCOL};
use super::socket::{Connection, close};
use super::{Live, client};
use crate::graphql::errors::ErrorCode;
use crate::http::error::HttpError;
use crate::http::request_log::{LoggedSubject, RequestId};

/// Bytes that are read at once: most clients say little.
const READ_BUFFER: usize = 2 * 1024;

impl Live {
    /// Answers a request to upgrade to a WebSocket.
    pub async fn upgrade(self: &Arc<Self>, request: Request) -> Response {
        let (mut parts, _) = request.into_parts();
        match self.accept(&mut parts).await {
            Ok(response) => response,
            Err(error) => error.into_response(),
        }
    }

    async fn accept(self: &Arc<Self>, parts: &mut Parts) -> Result<Response, HttpError> {
        if !self.is_origin_allowed(&parts.headers) {
            let message = "Pages of this origin may open no sockets: see the setting live.origins.";
            return Err(HttpError::new(StatusCode::FORBIDDEN, ErrorCode::Forbidden, message));
        }
        let seat = self.seat(parts)?;
        // A header is for programs; browsers can send none, and their token comes with the first message.
        let caller = if parts.headers.contains_key(header::AUTHORIZATION) {
            Some(self.caller(parts).await?)
        } else {
            None
        };
        let offered = offered(&parts.headers);
        let mut upgrade = WebSocketUpgrade::from_request_parts(parts, &())
            .await
            .map_err(|_| HttpError::bad_request("This is no request to open a WebSocket."))?;
        let speaks = offered.iter().any(|name| name == PROTOCOL);
        // One of the client's own is agreed to where ours is not among them: libraries tell their caller the code that
        // closes a socket only then.
        let chosen = if speaks { Some(PROTOCOL) } else { offered.first().map(String::as_str) };
        if let Some(chosen) = chosen.and_then(|name| HeaderValue::from_str(name).ok()) {
            upgrade.set_selected_protocol(chosen);
        }
        let upgrade = upgrade
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(self.bounds.live.message_bytes)
            .max_frame_size(self.bounds.live.message_bytes);
        let client = client(parts);
        let request_id = parts.extensions.get::<RequestId>().cloned();
        let (live, running) = (Arc::clone(self), self.shutdown.streams.token());
        let subject = caller.as_ref().map(|caller| caller.session.identity().subject.as_str().into());
        let mut response = upgrade.on_upgrade(move |socket| async move {
            let _running = running;
            if speaks {
                Connection::new(live, socket, seat, client, request_id).run(caller).await;
            } else {
                close(socket, &Close::PROTOCOL).await;
            }
        });
        if let Some(subject) = subject {
            response.extensions_mut().insert(LoggedSubject(subject));
        }
        Ok(response)
    }

    /// Whether the page that opens a socket may: one of this server's own, or of an origin that is named. Programs send none.
    fn is_origin_allowed(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else { return true };
        let Ok(origin) = origin.to_str() else { return false };
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let own = origin.split_once("://").is_some_and(|(_, authority)| host == Some(authority));
        own || self.bounds.live.origins.iter().any(|allowed| allowed == origin)
    }
}

/// The subprotocols that a client offers, in its order.
fn offered(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let names = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    names.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}
