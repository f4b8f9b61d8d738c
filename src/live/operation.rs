//! What runs on an open connection, and what it is answered.

use std::num::NonZeroU32;
use std::ops::Deref;
use std::sync::Arc;

use async_graphql::parser::types::{ExecutableDocument, OperationType};
use async_graphql::{Request, Response, ServerError, Variables};
use tokio::sync::OwnedSemaphorePermit;

use crate::graphql::answer::{self, Settled};
use crate::graphql::errors::ErrorCode;
use crate::graphql::guard::{self, Cost, GuardLimits};
use crate::graphql::loaders::ObjectLimit;
use crate::graphql::places;
use crate::http::rates;

/// An operation as a client sent it, let through by the guard.
#[derive(Debug)]
pub struct Operation {
    /// Whether it reads, changes or follows.
    pub kind: OperationType,
    /// What it came to when it was measured.
    pub cost: Cost,
    pub(super) query: String,
    pub(super) name: Option<String>,
    pub(super) variables: Variables,
    document: ExecutableDocument,
    objects: u64,
}

/// What a request is answered: JSON.
#[derive(Clone, Debug)]
pub struct Answer(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    text: String,
    /// Given back to the principal once nobody keeps the answer any more.
    _room: Option<OwnedSemaphorePermit>,
}

impl Answer {
    pub(super) fn new(text: String, room: Option<OwnedSemaphorePermit>) -> Self {
        Self(Arc::new(Kept { text, _room: room }))
    }
}

impl From<String> for Answer {
    fn from(text: String) -> Self {
        Self::new(text, None)
    }
}

impl Deref for Answer {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0.text
    }
}

impl Operation {
    /// Parses and measures what a client sent.
    ///
    /// # Errors
    /// Why it may not run.
    pub fn new(
        query: String,
        name: Option<String>,
        variables: Variables,
        limits: &GuardLimits,
    ) -> std::result::Result<Self, Vec<ServerError>> {
        let document = guard::parse(&query, limits).map_err(answer::parse_errors)?;
        let cost = guard::check(&document, &variables, name.as_deref(), limits)
            .map_err(|error| answer::guard_errors(&error))?;
        let Some(operation) = guard::selected_operation(&document, name.as_deref()) else {
            let error = ServerError::new("name the operation that is to run: operationName", None);
            return Err(answer::refusal(ErrorCode::GraphqlValidationFailed, error));
        };
        let kind = operation.ty;
        Ok(Self { kind, cost, query, name, variables, document, objects: limits.objects })
    }

    /// Its document's text.
    pub fn query(&self) -> &str {
        &self.query
    }

    /// What executing it once takes of a principal's points: as much as the request that it is like.
    pub fn points(&self) -> NonZeroU32 {
        NonZeroU32::MIN.saturating_add(rates::points(&self.cost))
    }

    /// A request to execute it once.
    pub(super) fn request(&self) -> Request {
        // The engine reads the text only where there is no document.
        let mut request = Request::new(String::new()).variables(self.variables.clone());
        request.operation_name.clone_from(&self.name);
        request.set_parsed_query(self.document.clone());
        request.data(ObjectLimit(self.objects))
    }

    /// What leaves of a result: an answer, or why there is none.
    pub(super) fn settle(&self, mut response: Response) -> std::result::Result<String, Vec<ServerError>> {
        if places::concern_values(&response.errors) {
            places::name_values(&mut response.errors, &self.document, self.name.as_deref(), &self.variables);
        }
        match answer::settle(response) {
            Settled::Refused(errors) => Err(errors),
            Settled::Answered(response) => Ok(json_of(&response)),
        }
    }
}

/// What is sent as JSON.
pub(super) fn json_of(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| {
        tracing::error!(%error, "a GraphQL result could not be written as JSON");
        r#"{"data":null,"errors":[{"message":"Internal error.","extensions":{"code":"INTERNAL"}}]}"#
            .to_owned()
    })
}
