//! Which value of a request an engine's error is about, and what to send instead.
//!
//! The engine names the types that it was reading ("Failed to parse "ID" ... while parsing "EventMove""); a
//! caller needs the field. So a request that failed by a value is looked through once more, beside the schema.

use std::collections::HashMap;
use std::sync::OnceLock;

use async_graphql::parser::types::{
    BaseType, ExecutableDocument, Field, FieldDefinition, InputValueDefinition, Selection, SelectionSet,
    TypeKind, TypeSystemDefinition,
};
use async_graphql::parser::{parse_schema, types::Type};
use async_graphql::{InputType, Name, Pos, Positioned, ServerError, Value, Variables};
use chrono::{DateTime, NaiveDate, Utc};

use super::guard::selected_operation;
use super::scalars::Decimal;
use crate::ids::{self, Kind};

/// The engine's words where an argument's value could not be read.
const UNREAD: &str = "Failed to parse \"";
/// What the engine's words say before the kind of id that was wanted.
const WANTED: &str = "not the id of a ";
/// The engine's words around the name of an enum that lacks a value.
const ENUM: [&str; 2] = ["enumeration type \"", "\" does not contain the value"];
/// The engine's words around the path of an argument.
const ARGUMENT: [&str; 2] = ["Invalid value for argument \"", "\", "];

/// What the schema says of values that are sent: names alone.
struct Sent {
    /// By type and field: what the field answers, and its arguments.
    fields: HashMap<String, HashMap<String, Answering>>,
    /// By input type: its fields with their named types.
    inputs: HashMap<String, Vec<(String, String)>>,
    /// By enum: its values.
    enums: HashMap<String, Vec<String>>,
}

struct Answering {
    kind: String,
    arguments: Vec<(String, String)>,
}

/// Read once, by the first request that needs it.
fn sent() -> &'static Sent {
    static SENT: OnceLock<Sent> = OnceLock::new();
    SENT.get_or_init(|| {
        let mut sent = Sent { fields: HashMap::new(), inputs: HashMap::new(), enums: HashMap::new() };
        let definitions = parse_schema(super::sdl()).map(|document| document.definitions).unwrap_or_default();
        for definition in definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let name = definition.node.name.node.to_string();
            match definition.node.kind {
                TypeKind::Object(object) => {
                    sent.fields.insert(name, object.fields.into_iter().map(answering).collect());
                }
                TypeKind::Interface(interface) => {
                    sent.fields.insert(name, interface.fields.into_iter().map(answering).collect());
                }
                TypeKind::InputObject(input) => {
                    sent.inputs.insert(name, input.fields.into_iter().map(taking).collect());
                }
                TypeKind::Enum(values) => {
                    let values = values.values.into_iter().map(|value| value.node.value.node.to_string());
                    sent.enums.insert(name, values.collect());
                }
                TypeKind::Scalar | TypeKind::Union(_) => {}
            }
        }
        sent
    })
}

fn answering(field: Positioned<FieldDefinition>) -> (String, Answering) {
    let arguments = field.node.arguments.into_iter().map(taking).collect();
    (field.node.name.node.to_string(), Answering { kind: named(&field.node.ty.node), arguments })
}

fn taking(value: Positioned<InputValueDefinition>) -> (String, String) {
    (value.node.name.node.to_string(), named(&value.node.ty.node))
}

/// The type inside lists.
fn named(found: &Type) -> String {
    match &found.base {
        BaseType::Named(name) => name.to_string(),
        BaseType::List(item) => named(item),
    }
}

/// Whether [`name_values`] has something to say of one of these errors.
pub fn concern_values(errors: &[ServerError]) -> bool {
    errors.iter().any(|error| error.message.starts_with(UNREAD))
}

/// Puts the field's path and the remedy in place of the engine's words about a value that it could not read.
pub fn name_values(
    errors: &mut [ServerError],
    document: &ExecutableDocument,
    operation: Option<&str>,
    variables: &Variables,
) {
    let Some(operation) = selected_operation(document, operation) else { return };
    for error in errors {
        let Some(bad) = Bad::of(&error.message) else { continue };
        let Some(position) = error.locations.first() else { continue };
        let root = operation.ty.to_string();
        // `query` is answered by `Query`.
        let root = root[..1].to_uppercase() + &root[1..];
        let Some((kind, field)) = field_at(document, &operation.selection_set.node, &root, *position) else {
            continue;
        };
        let paths = bad.places(&kind, field, variables);
        if !paths.is_empty() {
            error.message = format!("{}: {}", paths.join(" or "), bad.remedy());
        }
    }
}

/// Puts the values there are in place of the engine's words about one that an enum lacks.
pub fn name_choices(errors: &mut [ServerError]) {
    for error in errors {
        let between = |[before, after]: [&str; 2]| {
            let (_, rest) = error.message.split_once(before)?;
            Some(rest.split_once(after)?.0)
        };
        let choices = between(ENUM).and_then(|name| sent().enums.get(name));
        if let (Some(path), Some(choices)) = (between(ARGUMENT), choices) {
            error.message = format!("{path}: send one of {}", choices.join(", "));
        }
    }
}

/// A kind of value that could not be read.
enum Bad {
    Id { wanted: Kind },
    Instant,
    Day,
    Number,
    Whole,
}

impl Bad {
    fn of(message: &str) -> Option<Self> {
        let (kind, rest) = message.strip_prefix(UNREAD)?.split_once('"')?;
        match kind {
            "ID" => {
                let (_, wanted) = rest.split_once(WANTED)?;
                let wanted = wanted.split(' ').next()?;
                let wanted = Kind::ALL.iter().find(|kind| format!("{kind:?}") == wanted)?;
                Some(Self::Id { wanted: *wanted })
            }
            "DateTime" => Some(Self::Instant),
            "NaiveDate" => Some(Self::Day),
            "Decimal" => Some(Self::Number),
            "Int" => Some(Self::Whole),
            _ => None,
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::Id { wanted } => format!("{WANTED}{wanted:?}"),
            Self::Instant => "write an instant with its zone, such as 2026-03-02T01:00:00Z".to_owned(),
            Self::Day => "write a day, such as 2026-03-02".to_owned(),
            Self::Whole => format!("write a whole number from {} to {}", i32::MIN, i32::MAX),
            Self::Number => "write a decimal number as text, such as \"8.5\"".to_owned(),
        }
    }

    /// Where values of the arguments of `field` of `kind` are of this kind.
    fn places(&self, kind: &str, field: &Field, variables: &Variables) -> Vec<String> {
        let known = sent().fields.get(kind).and_then(|fields| fields.get(field.name.node.as_str()));
        let mut found = Vec::new();
        for (name, kind) in known.into_iter().flat_map(|known| &known.arguments) {
            let value = field.get_argument(name).and_then(|value| {
                let variable = |name: Name| variables.get(&name).cloned().ok_or(());
                value.node.clone().into_const_with(variable).ok()
            });
            if let Some(value) = value {
                self.look(name, kind, &value, &mut found);
            }
        }
        found
    }

    fn look(&self, path: &str, kind: &str, value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Null => {}
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.look(&format!("{path}.{index}"), kind, item, found);
                }
            }
            Value::Object(fields) => {
                for (name, kind) in sent().inputs.get(kind).into_iter().flatten() {
                    if let Some(value) = fields.get(name.as_str()) {
                        self.look(&format!("{path}.{name}"), kind, value, found);
                    }
                }
            }
            leaf if self.is(kind, leaf) => found.push(path.to_owned()),
            _ => {}
        }
    }

    fn is(&self, kind: &str, value: &Value) -> bool {
        fn unread<T: InputType>(value: &Value) -> bool {
            T::parse(Some(value.clone())).is_err()
        }
        match self {
            Self::Id { wanted } => {
                let text = if let Value::String(text) = value { text.as_str() } else { "" };
                kind == "ID" && ids::decode(*wanted, "", text).is_err()
            }
            Self::Instant => kind == "DateTime" && unread::<DateTime<Utc>>(value),
            Self::Day => kind == "NaiveDate" && unread::<NaiveDate>(value),
            Self::Whole => kind == "Int" && unread::<i32>(value),
            Self::Number => kind == "Decimal" && unread::<Decimal>(value),
        }
    }
}

/// An error about a value points to the value, or to the field when it has none.
fn is_at(field: &Positioned<Field>, position: Pos) -> bool {
    field.pos == position || field.node.arguments.iter().any(|(_, value)| value.pos == position)
}

/// The field at `position` with the type that has it. The guard has bounded what fragments expand to.
fn field_at<'a>(
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
    kind: &str,
    position: Pos,
) -> Option<(String, &'a Field)> {
    set.items.iter().find_map(|selection| match &selection.node {
        Selection::Field(field) if is_at(field, position) => Some((kind.to_owned(), &field.node)),
        Selection::Field(field) => {
            let answers = &sent().fields.get(kind)?.get(field.node.name.node.as_str())?.kind;
            field_at(document, &field.node.selection_set.node, answers, position)
        }
        Selection::InlineFragment(fragment) => {
            let on = fragment.node.type_condition.as_ref().map(|on| on.node.on.node.as_str());
            field_at(document, &fragment.node.selection_set.node, on.unwrap_or(kind), position)
        }
        Selection::FragmentSpread(spread) => {
            let fragment = document.fragments.get(&spread.node.fragment_name.node)?;
            let on = fragment.node.type_condition.node.on.node.as_str();
            field_at(document, &fragment.node.selection_set.node, on, position)
        }
    })
}
