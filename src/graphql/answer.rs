//! What leaves of a result, whichever way it goes: refusals told from answers, each error with a code, all of it bounded.

use async_graphql::{Response, ServerError, Value};

use super::errors::ErrorCode;
use super::guard::{GuardError, ParseError};
use super::places;

/// Errors of one answer. Validation reports every occurrence, which multiplies what was sent.
const MAX_ERRORS: usize = 20;
/// Characters of a message. Validation quotes names, which can be as long as the document.
const MAX_MESSAGE_CHARS: usize = 300;
/// Positions of one error.
const MAX_LOCATIONS: usize = 5;

/// A result that is fit to leave.
pub enum Settled {
    /// Nothing was executed: no field was reached, so there are neither data nor paths.
    Refused(Vec<ServerError>),
    /// It was executed; fields of it may have failed.
    Answered(Response),
}

/// Makes a result fit to leave.
pub fn settle(mut result: Response) -> Settled {
    let refused = result.data == Value::Null
        && !result.errors.is_empty()
        && result.errors.iter().all(|error| error.path.is_empty());
    if refused {
        places::name_choices(&mut result.errors);
        bound(&mut result.errors, ErrorCode::GraphqlValidationFailed);
        return Settled::Refused(result.errors);
    }
    // The engine's own errors during execution concern argument values; resolvers give theirs a code.
    bound(&mut result.errors, ErrorCode::BadUserInput);
    Settled::Answered(result)
}

/// Why a text is no document.
pub fn parse_errors(error: ParseError) -> Vec<ServerError> {
    match error {
        ParseError::Refused(error) => guard_errors(&error),
        ParseError::Syntax { message, locations } => {
            let mut error = ServerError::new(message, None);
            error.locations = locations;
            refusal(ErrorCode::GraphqlParseFailed, error)
        }
    }
}

/// Why the guard refused a document.
pub fn guard_errors(error: &GuardError) -> Vec<ServerError> {
    let code = match error {
        GuardError::TooMuch { .. } => ErrorCode::QueryTooComplex,
        GuardError::FragmentCycle => ErrorCode::GraphqlValidationFailed,
        GuardError::NullCharacter { .. } => ErrorCode::BadUserInput,
    };
    refusal(code, ServerError::new(error.to_string(), None))
}

/// One error before anything was executed.
pub fn refusal(code: ErrorCode, error: ServerError) -> Vec<ServerError> {
    let mut errors = vec![error];
    bound(&mut errors, code);
    errors
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

#[cfg(test)]
mod tests {
    use async_graphql::value;

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
}
