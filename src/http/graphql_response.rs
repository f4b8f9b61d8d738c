//! GraphQL results as HTTP responses: status and media type.

use async_graphql::{Response as GraphqlResult, ServerError};
use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::accept::ResponseType;
use super::error::HttpError;
use super::persisted::NoDocument;
use crate::graphql::answer::{self, Settled};
use crate::graphql::errors::ErrorCode;
use crate::graphql::guard::{GuardError, ParseError};

/// The answer to an executed or refused request.
pub(super) fn render(media: ResponseType, result: GraphqlResult) -> Response {
    match answer::settle(result) {
        Settled::Refused(errors) => request_errors(media, errors),
        Settled::Answered(result) => send(media, StatusCode::OK, &result),
    }
}

/// The answer to a text that is no document.
pub(super) fn parse_error(media: ResponseType, error: ParseError) -> Response {
    request_errors(media, answer::parse_errors(error))
}

/// The answer to a document that the guard refused.
pub(super) fn guard_error(media: ResponseType, error: &GuardError) -> Response {
    request_errors(media, answer::guard_errors(error))
}

/// The answer to a request without a document that can be run.
pub(super) fn no_document(media: ResponseType, why: NoDocument) -> Result<Response, HttpError> {
    Ok(request_errors(media, no_document_errors(why)?))
}

/// Why a request has no document that can be run.
///
/// # Errors
/// Where it is no request at all.
pub(super) fn no_document_errors(why: NoDocument) -> Result<Vec<ServerError>, HttpError> {
    let (code, message) = match why {
        NoDocument::Missing => return Err(HttpError::bad_request("The parameter `query` is missing.")),
        NoDocument::IllFormed => {
            return Err(HttpError::bad_request(
                "Name a document by `extensions.persistedQuery` with `version` 1 and `sha256Hash`, or by `documentId` \
                 \"sha256:…\": the SHA-256 of its text in 64 hexadecimal digits.",
            ));
        }
        NoDocument::Differs => {
            let message = "The document has another SHA-256 than was sent with it.";
            return Err(HttpError::bad_request(message));
        }
        // Clients know this one by its message.
        NoDocument::Unknown => (ErrorCode::PersistedQueryNotFound, "PersistedQueryNotFound"),
        NoDocument::NotListed => {
            (ErrorCode::PersistedQueryNotAllowed, "Only documents on this installation's list are answered.")
        }
    };
    Ok(answer::refusal(code, ServerError::new(message, None)))
}

/// A response without the key `data`: nothing was executed.
pub(super) fn request_errors(media: ResponseType, errors: Vec<ServerError>) -> Response {
    #[derive(Serialize)]
    struct Body {
        errors: Vec<ServerError>,
    }
    let status = match media {
        ResponseType::GraphqlResponse => StatusCode::BAD_REQUEST,
        ResponseType::Json => StatusCode::OK,
    };
    send(media, status, &Body { errors })
}

fn send(media: ResponseType, status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => (status, [(header::CONTENT_TYPE, media.content_type())], bytes).into_response(),
        Err(error) => {
            tracing::error!(%error, "a GraphQL result could not be written as JSON");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::PathSegment;

    use super::*;

    #[test]
    fn the_status_tells_request_errors_from_field_errors() {
        let refused = || GraphqlResult::from_errors(vec![ServerError::new("no such field", None)]);
        assert_eq!(render(ResponseType::GraphqlResponse, refused()).status(), StatusCode::BAD_REQUEST);
        assert_eq!(render(ResponseType::Json, refused()).status(), StatusCode::OK);
        let failed = ServerError::new("failed", None).with_path(vec![PathSegment::Field("a".to_owned())]);
        let failed = GraphqlResult::from_errors(vec![failed]);
        assert_eq!(render(ResponseType::GraphqlResponse, failed).status(), StatusCode::OK);
    }
}
