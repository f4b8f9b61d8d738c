//! Why a document was refused. Messages name the limit or the place, and the remedy; they repeat no value.

use async_graphql::{Pos, parser};
use thiserror::Error;

/// The bound that a request exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Bytes of the document.
    DocumentBytes,
    /// Tokens of the document.
    Tokens,
    /// Brackets inside one another.
    Nesting,
    /// Operations in the document.
    Operations,
    /// Selections after fragments are expanded.
    Selections,
    /// Fields below one another.
    Depth,
    /// Fields below one another in introspection.
    IntrospectionDepth,
    /// Lists inside one another in introspection.
    IntrospectionLists,
    /// `__schema` and `__type` fields of one operation.
    IntrospectionFields,
    /// Aliases inside introspection.
    IntrospectionAliases,
    /// Aliases after fragments are expanded.
    Aliases,
    /// Directives at one place.
    Directives,
    /// Variables declared or sent.
    Variables,
    /// Bytes of all variables.
    VariableBytes,
    /// Items of one list.
    ListItems,
    /// Objects that the answer may hold.
    Objects,
    /// Searches of one operation.
    Searches,
}

impl Limit {
    /// Refuses `found` above `allowed`.
    pub(super) fn bound(
        self,
        found: impl TryInto<u64>,
        allowed: impl TryInto<u64>,
    ) -> Result<(), GuardError> {
        let (found, allowed) = (found.try_into().unwrap_or(u64::MAX), allowed.try_into().unwrap_or(u64::MAX));
        if found > allowed { Err(GuardError::TooMuch { limit: self, allowed, found }) } else { Ok(()) }
    }

    /// What is counted, and what to do about it.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::DocumentBytes => ("bytes in the document", "send values as variables or split the request"),
            Self::Tokens => ("tokens in the document", "send values as variables or split the request"),
            Self::Nesting => ("brackets inside one another", "send nested values as variables"),
            Self::Operations => ("operations in the document", "send only the operation that runs"),
            Self::Selections => {
                ("selections after expanding fragments", "select fewer fields or split the request")
            }
            Self::Depth => ("fields below one another", "fetch the inner objects with a second request"),
            Self::IntrospectionDepth => {
                ("introspection fields below one another", "use the published schema file")
            }
            Self::IntrospectionLists => {
                ("introspection lists inside one another", "use the published schema file")
            }
            Self::IntrospectionFields => ("__schema and __type fields", "ask for one per request"),
            Self::IntrospectionAliases => ("aliases inside introspection", "leave out the aliases"),
            Self::Aliases => ("aliases after expanding fragments", "split the request"),
            Self::Directives => ("directives at one place", "leave out the repeated directives"),
            Self::Variables => ("variables", "use one input object"),
            Self::VariableBytes => ("bytes in the variables", "upload large content as an attachment"),
            Self::ListItems => ("items in one list", "send the list in several requests"),
            Self::Searches => ("searches", "send one request for each"),
            Self::Objects => {
                ("objects in the answer", "ask for smaller pages (first, last) or fewer nested pages")
            }
        }
    }
}

/// A document that must not reach validation.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GuardError {
    /// One of the limits is exceeded.
    #[error("Too many {}: {found}, at most {allowed} are allowed. Please {}.", limit.words().0, limit.words().1)]
    TooMuch {
        /// Which limit.
        limit: Limit,
        /// Its value.
        allowed: u64,
        /// What the request came to, as far as it was counted.
        found: u64,
    },
    /// A fragment spreads itself, directly or through others.
    #[error("A fragment spreads itself. Please remove the cycle.")]
    FragmentCycle,
    /// A text holds U+0000, which no text of ours does and PostgreSQL cannot take.
    #[error("{path}: send text without the character U+0000")]
    NullCharacter {
        /// The argument or variable and the input fields below it.
        path: String,
    },
}

/// A text that did not become a document.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ParseError {
    /// Too large to parse.
    #[error(transparent)]
    Refused(#[from] GuardError),
    /// Not a GraphQL document.
    #[error("{message}")]
    Syntax {
        /// What is wrong.
        message: String,
        /// Where, as far as it is known.
        locations: Vec<Pos>,
    },
}

impl ParseError {
    /// The engine's message for a syntax error quotes the source line, which can be the whole document.
    pub(super) fn from_engine(error: &parser::Error) -> Self {
        let message = match error {
            parser::Error::Syntax { start, .. } => {
                return Self::syntax("the text is not valid GraphQL", *start);
            }
            other => other.to_string(),
        };
        Self::Syntax { message, locations: error.positions().collect() }
    }

    pub(super) fn syntax(what: &str, at: Pos) -> Self {
        Self::Syntax {
            message: format!("Syntax error at line {}, column {}: {what}.", at.line, at.column),
            locations: vec![at],
        }
    }
}
