//! GraphQL results as HTTP responses: status, media type and codes, with bounded errors.

use async_graphql::{Response as GraphqlResult, ServerError, Value};
use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::accept::ResponseType;
use super::error::HttpError;
use super::persisted::NoDocument;
use crate::graphql::errors::ErrorCode;
use crate::graphql::guard::{GuardError, ParseError};
use crate::graphql::places;

/// Errors of one answer. Validation reports every occurrence, which multiplies what was sent.
const MAX_ERRORS: usize = 20;
/// Characters of a message. Validation quotes names, which can be as long as the document.
const MAX_MESSAGE_CHARS: usize = 300;
/// Positions of one error.
const MAX_LOCATIONS: usize = 5;

/// The answer to an executed or refused request.
pub(super) fn render(media: ResponseType, mut result: GraphqlResult) -> Response {
    // A request error happened before execution: no field was reached, so there are neither data nor paths.
    let refused = result.data == Value::Null
        && !result.errors.is_empty()
        && result.errors.iter().all(|error| error.path.is_empty());
    if refused {
        places::name_choices(&mut result.errors);
        return request_errors(media, ErrorCode::GraphqlValidationFailed, result.errors);
    }
    // The engine's own errors during execution concern argument values; resolvers give theirs a code.
    bound(&mut result.errors, ErrorCode::BadUserInput);
    send(media, StatusCode::OK, &result)
}

/// The answer to a text that is no document.
pub(super) fn parse_error(media: ResponseType, error: ParseError) -> Response {
    match error {
        ParseError::Refused(error) => guard_error(media, &error),
        ParseError::Syntax { message, locations } => {
            let mut error = ServerError::new(message, None);
            error.locations = locations;
            request_errors(media, ErrorCode::GraphqlParseFailed, vec![error])
        }
    }
}

/// The answer to a document that the guard refused.
pub(super) fn guard_error(media: ResponseType, error: &GuardError) -> Response {
    let code = match error {
        GuardError::TooMuch { .. } => ErrorCode::QueryTooComplex,
        GuardError::FragmentCycle => ErrorCode::GraphqlValidationFailed,
        GuardError::NullCharacter { .. } => ErrorCode::BadUserInput,
    };
    request_errors(media, code, vec![ServerError::new(error.to_string(), None)])
}

/// The answer to a request without a document that can be run.
pub(super) fn no_document(media: ResponseType, why: NoDocument) -> Result<Response, HttpError> {
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
    Ok(request_errors(media, code, vec![ServerError::new(message, None)]))
}

/// A response without the key `data`: nothing was executed.
fn request_errors(media: ResponseType, code: ErrorCode, mut errors: Vec<ServerError>) -> Response {
    #[derive(Serialize)]
    struct Body {
        errors: Vec<ServerError>,
    }
    bound(&mut errors, code);
    let status = match media {
        ResponseType::GraphqlResponse => StatusCode::BAD_REQUEST,
        ResponseType::Json => StatusCode::OK,
    };
    send(media, status, &Body { errors })
}

/// Cuts errors to size and gives `code` to those without one.
fn bound(errors: &mut Vec<ServerError>, code: ErrorCode) {
    errors.truncate(MAX_ERRORS);
    for error in errors {
        if let Some((end, _)) = error.message.char_indices().nth(MAX_MESSAGE_CHARS) {
            error.message.truncate(end);
            error.message.push('…');
        }
        error.locations.truncate(MAX_LOCATIONS);
        let extensions = error.extensions.get_or_insert_default();
        if extensions.get("code").is_none() {
            extensions.set("code", code.as_str());
        }
    }
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
    use async_graphql::{PathSegment, value};

    use super::*;

    #[test]
    fn errors_are_cut_to_size_and_coded() {
        let mut errors: Vec<_> = (0..50).map(|_| ServerError::new("ü".repeat(1_000), None)).collect();
        errors[1].extensions.get_or_insert_default().set("code", "CONFLICT");
        bound(&mut errors, ErrorCode::GraphqlValidationFailed);
        assert_eq!(errors.len(), 20);
        assert_eq!(errors[0].message.chars().count(), 301);
        let code = |error: &ServerError| error.extensions.as_ref().unwrap().get("code").cloned();
        assert_eq!(code(&errors[0]), Some(value!("GRAPHQL_VALIDATION_FAILED")));
        assert_eq!(code(&errors[1]), Some(value!("CONFLICT")));
    }

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
