//! What of an error leaves. The closed list of `extensions.code`, and nothing internal.

use async_graphql::{ErrorExtensions, SimpleObject};

use crate::error::{Error, Refusal, RefusalCode};

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
            Error::Forbidden { action } => ("FORBIDDEN", format!("your roles do not allow {action}")),
            Error::NotFound => ("NOT_FOUND", "there is no such thing, or none that you may see".to_owned()),
            Error::Conflict | Error::Race => (
                "CONFLICT",
                "it was changed meanwhile: read it again and send its present version".to_owned(),
            ),
            Error::InvalidId { field, expected } => {
                ("INVALID_ID", format!("{field}: not the id of a {expected}"))
            }
            Error::BadInput { field, message } => ("BAD_USER_INPUT", format!("{field}: {message}")),
            // A refusal outside a payload (a query's arguments) is a caller's fault like any other.
            Error::Refused(refusals) => ("BAD_USER_INPUT", first_words(refusals)),
            Error::Internal(cause) => {
                tracing::error!(error = ?cause, "internal error");
                ("INTERNAL", "something failed on our side; quote the request id".to_owned())
            }
        };
        async_graphql::Error::new(message).extend_with(|_, extensions| extensions.set("code", code))
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
