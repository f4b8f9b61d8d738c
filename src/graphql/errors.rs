//! What of an error leaves. The closed list of `extensions.code`, and nothing internal.

use async_graphql::{ErrorExtensions, ServerError, SimpleObject, Value};

use crate::error::{Error, Refusal, RefusalCode, passes};

macro_rules! codes {
    ($(#[doc = $doc:literal] $variant:ident = $text:literal),+ $(,)?) => {
        /// The closed list of `extensions.code`, whichever layer gives the code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ErrorCode { $(#[doc = $doc] $variant,)+ }

        impl ErrorCode {
            /// The code as it is sent.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

codes! {
    /// No valid token.
    Unauthenticated = "UNAUTHENTICATED",
    /// The roles never allow it.
    Forbidden = "FORBIDDEN",
    /// It does not exist, or not for the caller; or there is no such route.
    NotFound = "NOT_FOUND",
    /// It was changed since the caller read it.
    Conflict = "CONFLICT",
    /// No id, or one of another kind.
    InvalidId = "INVALID_ID",
    /// The request or a value in it is ill-formed.
    BadUserInput = "BAD_USER_INPUT",
    /// The document is not GraphQL.
    GraphqlParseFailed = "GRAPHQL_PARSE_FAILED",
    /// The document does not fit the schema.
    GraphqlValidationFailed = "GRAPHQL_VALIDATION_FAILED",
    /// A limit on the document is exceeded.
    QueryTooComplex = "QUERY_TOO_COMPLEX",
    /// The document was named by a digest that is not known: it has to be sent once.
    PersistedQueryNotFound = "PERSISTED_QUERY_NOT_FOUND",
    /// The document is not on the list of those that are answered.
    PersistedQueryNotAllowed = "PERSISTED_QUERY_NOT_ALLOWED",
    /// Too many requests.
    RateLimited = "RATE_LIMITED",
    /// The time limit passed.
    Timeout = "TIMEOUT",
    /// What is needed cannot be had at present: the database, the issuer's keys, room for files.
    Unavailable = "UNAVAILABLE",
    /// Our fault; the log holds the cause under the request id.
    Internal = "INTERNAL",
}

/// What to do about what cannot be had at present.
const TRY_AGAIN: &str = "it cannot be done at present: try again later. A change may have been made all the same: read \
                         before you repeat it, or repeat it with its idempotencyKey";

/// A resolver's error. It has no `Display`, so no `?` can turn another error's text into an answer.
#[derive(Clone, Debug)]
pub struct ApiError(std::sync::Arc<Error>);

/// A resolver's result.
pub type ApiResult<T> = Result<T, ApiError>;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        Self(std::sync::Arc::new(error))
    }
}

impl From<std::sync::Arc<Error>> for ApiError {
    fn from(error: std::sync::Arc<Error>) -> Self {
        Self(error)
    }
}

impl From<ApiError> for async_graphql::Error {
    fn from(ApiError(error): ApiError) -> Self {
        let (code, message) = match &*error {
            Error::Forbidden { action } => {
                (ErrorCode::Forbidden, format!("your roles do not allow {action}"))
            }
            Error::NotFound => {
                (ErrorCode::NotFound, "there is no such thing, or none that you may see".to_owned())
            }
            Error::Conflict | Error::Race => (
                ErrorCode::Conflict,
                "it was changed meanwhile: read it again and send its present version".to_owned(),
            ),
            Error::InvalidId { field, expected } => {
                (ErrorCode::InvalidId, format!("{field}: not the id of a {expected}"))
            }
            Error::BadInput { field, message } => (ErrorCode::BadUserInput, format!("{field}: {message}")),
            Error::TooComplex { message } => (ErrorCode::QueryTooComplex, message.clone()),
            // A refusal outside a payload (a query's arguments) is a caller's fault like any other.
            Error::Refused(refusals) => (ErrorCode::BadUserInput, first_words(refusals)),
            Error::Internal(cause) if passes(cause) => {
                tracing::error!(error = ?cause, "the database or a disk cannot be had");
                (ErrorCode::Unavailable, TRY_AGAIN.to_owned())
            }
            Error::Internal(cause) => {
                tracing::error!(error = ?cause, "internal error");
                (ErrorCode::Internal, "something failed on our side; quote the request id".to_owned())
            }
        };
        async_graphql::Error::new(message).extend_with(|_, extensions| extensions.set("code", code.as_str()))
    }
}

/// Puts the request's id into each error that is our fault: the log holds its cause under that id.
pub fn name_request(errors: &mut [ServerError], request_id: &str) {
    let ours = [ErrorCode::Internal, ErrorCode::Unavailable].map(|code| Value::from(code.as_str()));
    for extensions in errors.iter_mut().filter_map(|error| error.extensions.as_mut()) {
        if extensions.get("code").is_some_and(|code| ours.contains(code)) {
            extensions.set("requestId", request_id);
        }
    }
}

fn first_words(refusals: &[Refusal]) -> String {
    refusals.first().map(|refusal| refusal.message.clone()).unwrap_or_default()
}

/// Something that the caller can mend. 调用方可以纠正的错误。
#[derive(Clone, Debug, SimpleObject)]
pub struct UserError {
    /// Stable, for programs. 供程序使用的错误码。
    code: RefusalCode,
    /// The input field it is about; null when it is about the whole request. 相关输入字段。
    field: Option<String>,
    /// What is missing or forbidden and what to do. 说明与补救办法。
    message: String,
}

/// Splits a command's result into a payload's two halves; what is no refusal stays an error.
///
/// # Errors
/// Everything but [`Error::Refused`].
pub fn settle<T>(result: crate::error::Result<T>) -> ApiResult<(Option<T>, Vec<UserError>)> {
    match result {
        Ok(value) => Ok((Some(value), Vec::new())),
        Err(Error::Refused(refusals)) => {
            let errors = refusals.into_iter().map(|refusal| UserError {
                code: refusal.code,
                field: refusal.field.map(str::to_owned),
                message: refusal.message,
            });
            Ok((None, errors.collect()))
        }
        Err(error) => Err(error.into()),
    }
}

/// Declares a mutation's payload: the thing after the change, and what refused it.
#[macro_export]
macro_rules! payload {
    ($(#[doc = $doc:literal])+ $name:ident { $(#[doc = $field_doc:literal])+ $field:ident: $object:ty }) => {
        $(#[doc = $doc])+
        #[derive(async_graphql::SimpleObject)]
        pub struct $name {
            $(#[doc = $field_doc])+
            $field: Option<$object>,
            /// Why it was refused; empty when it was done. 被拒绝的原因；成功时为空。
            user_errors: Vec<$crate::graphql::errors::UserError>,
        }

        impl $name {
            /// Splits a command's result into the payload's halves.
            pub(crate) fn of<R: Into<$object>>(result: $crate::error::Result<R>) -> $crate::graphql::errors::ApiResult<Self> {
                let (done, user_errors) = $crate::graphql::errors::settle(result)?;
                Ok(Self { $field: done.map(Into::into), user_errors })
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_database_that_is_away_is_said_to_be_so_for_now() {
        let code_of = |error: Error| {
            let error = async_graphql::Error::from(ApiError::from(error));
            error.extensions.and_then(|extensions| extensions.get("code").cloned())
        };
        let of = |cause: sqlx::Error| sea_orm::DbErr::Query(sea_orm::RuntimeErr::SqlxError(cause.into()));
        let gone = || of(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        let unavailable = Some(Value::from("UNAVAILABLE"));
        assert_eq!(code_of(gone().into()), unavailable);
        assert_eq!(code_of(anyhow::Error::from(gone()).context("an event").into()), unavailable);
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(code_of(Error::Internal(full.into())), unavailable);
        let cut = sqlx::Error::Protocol("unexpected response from SSLRequest: 0x00".to_owned());
        let cut = sea_orm::DbErr::Conn(sea_orm::RuntimeErr::SqlxError(cut.into()));
        assert_eq!(code_of(cut.into()), unavailable);
        let wrong = of(sqlx::Error::ColumnNotFound("title".to_owned()));
        assert_eq!(code_of(wrong.into()), Some(Value::from("INTERNAL")));
    }

    #[test]
    fn our_own_fault_carries_the_requests_id_and_no_cause() {
        let server_error = |error: Error| {
            async_graphql::Error::from(ApiError::from(error)).into_server_error(async_graphql::Pos::default())
        };
        let internal = Error::Internal(anyhow::anyhow!("the disk is full"));
        let mut errors = [server_error(internal), server_error(Error::Conflict)];
        name_request(&mut errors, "request-1");
        let of = |error: &ServerError, key| error.extensions.as_ref().unwrap().get(key).cloned();
        assert_eq!(of(&errors[0], "code"), Some(Value::from("INTERNAL")));
        assert_eq!(of(&errors[0], "requestId"), Some(Value::from("request-1")));
        assert!(!format!("{:?}", errors[0].message).contains("disk"));
        assert_eq!(of(&errors[1], "requestId"), None);
    }
}
