//! What a document may ask for.

use serde::{Deserialize, Serialize};

/// Bounds on one GraphQL request. A request over any of them is refused with `QUERY_TOO_COMPLEX`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GuardLimits {
    /// Bytes of the document. Default 65,536.
    pub document_bytes: usize,
    /// Lexical tokens of the document. Default 4,000.
    pub tokens: usize,
    /// Operations in the document. Default 10.
    pub operations: usize,
    /// Fields, spreads and inline fragments after fragments are expanded, summed over every operation and
    /// every fragment definition. Default 2,000.
    pub selections: usize,
    /// Fields below one another, outside introspection. Default 12.
    pub depth: usize,
    /// Fields below one another under `__schema` or `__type`, which nest types in types. Default 20.
    pub introspection_depth: usize,
    /// Aliases after fragments are expanded, summed over every operation. Default 50.
    pub aliases: usize,
    /// Directives on one selection, fragment, operation or variable. Default 5.
    pub directives: usize,
    /// Variables declared by an operation, and variables sent. Default 50.
    pub variables: usize,
    /// Bytes of all variables together. Default 524,288.
    pub variable_bytes: usize,
    /// Items of one list sent in the variables (lists in the document count as tokens). Default 1,000.
    pub list_items: usize,
    /// Page size assumed for a connection without `first` and `last`. Default 20.
    pub default_page_size: u64,
    /// Objects that the answer may hold: page sizes multiplied through nested pages. Default 20,000.
    pub objects: u64,
}

impl Default for GuardLimits {
    fn default() -> Self {
        Self {
            document_bytes: 64 * 1024,
            tokens: 4_000,
            operations: 10,
            selections: 2_000,
            depth: 12,
            introspection_depth: 20,
            aliases: 50,
            directives: 5,
            variables: 50,
            variable_bytes: 512 * 1024,
            list_items: 1_000,
            default_page_size: 20,
            objects: 20_000,
        }
    }
}
