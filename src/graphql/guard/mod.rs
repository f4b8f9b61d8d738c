//! Refuses documents that would cost too much, before the engine looks at them.
//!
//! Validation expands fragments: an acyclic chain in which each fragment spreads the next one twice doubles
//! the work with every link, and the walk is synchronous, so no time limit stops it. The guard therefore runs
//! first, in two steps: [`parse`] counts tokens and nesting before the parser recurses, and [`check`] measures
//! every fragment once and multiplies, so that its own work grows with the text and not with its expansion.

mod lexer;
mod limits;
mod measure;
mod parsed;
mod refusal;

use std::collections::BTreeMap;

use async_graphql::{
    Name, Value, Variables,
    parser::{
        parse_query,
        types::{DocumentOperations, ExecutableDocument, OperationDefinition},
    },
};

pub use limits::GuardLimits;
pub use measure::Cost;
pub use parsed::Parsed;
pub use refusal::{GuardError, Limit, ParseError};

/// Parses `text` after bounding its bytes, tokens and nesting.
pub fn parse(text: &str, limits: &GuardLimits) -> Result<ExecutableDocument, ParseError> {
    lexer::check(text, limits)?;
    parse_query(text).map_err(|error| ParseError::from_engine(&error))
}

/// Measures `document` as it would run with `variables` and refuses what exceeds `limits`.
///
/// Sizes of the text count every operation and every fragment definition, because validation walks them all;
/// the number of objects counts the operation that `operation_name` selects (the costliest one where none is
/// selected).
pub fn check(
    document: &ExecutableDocument,
    variables: &Variables,
    operation_name: Option<&str>,
    limits: &GuardLimits,
) -> Result<Cost, GuardError> {
    Limit::Operations.bound(document.operations.iter().len(), limits.operations)?;
    check_variables(variables, limits)?;
    measure::document(document, variables, operation_name, limits)
}

/// The operation that `name` selects; `None` when the engine will have to refuse the choice.
pub fn selected_operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Option<&'a OperationDefinition> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some(&operation.node),
        (DocumentOperations::Single(_), Some(_)) => None,
        (DocumentOperations::Multiple(operations), Some(name)) => {
            operations.get(name).map(|operation| &operation.node)
        }
        (DocumentOperations::Multiple(operations), None) => {
            let mut all = operations.values();
            all.next().filter(|_| all.next().is_none()).map(|operation| &operation.node)
        }
    }
}

fn check_variables(variables: &Variables, limits: &GuardLimits) -> Result<(), GuardError> {
    Limit::Variables.bound(variables.len(), limits.variables)?;
    let values: &BTreeMap<Name, Value> = variables;
    let mut bytes = 0;
    for (name, value) in values {
        bytes += name.len() + value_bytes(value, limits)?;
        refuse_null_characters(name, value)?;
    }
    Limit::VariableBytes.bound(bytes, limits.variable_bytes)
}

/// Refuses a text with U+0000 anywhere in `value`, which stands at `path`.
fn refuse_null_characters(path: &str, value: &Value) -> Result<(), GuardError> {
    match value {
        Value::String(text) if text.contains('\0') => {
            Err(GuardError::NullCharacter { path: path.to_owned() })
        }
        Value::List(items) => items.iter().try_for_each(|item| refuse_null_characters(path, item)),
        Value::Object(fields) => fields
            .iter()
            .try_for_each(|(name, field)| refuse_null_characters(&format!("{path}.{name}"), field)),
        _ => Ok(()),
    }
}

/// Roughly the bytes of `value` as JSON. The nesting of variables is bounded by the JSON parser.
fn value_bytes(value: &Value, limits: &GuardLimits) -> Result<usize, GuardError> {
    Ok(match value {
        Value::Null | Value::Boolean(_) | Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Enum(name) => name.len(),
        Value::Binary(bytes) => bytes.len(),
        Value::List(items) => {
            Limit::ListItems.bound(items.len(), limits.list_items)?;
            items.iter().try_fold(2, |sum, item| Ok(sum + value_bytes(item, limits)?))?
        }
        Value::Object(fields) => fields.iter().try_fold(2, |sum, (name, field)| {
            Ok::<_, GuardError>(sum + name.len() + 4 + value_bytes(field, limits)?)
        })?,
    })
}

#[cfg(test)]
mod tests;
