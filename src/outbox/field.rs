//! What the fields of a message can hold, and how they are described to receivers.

use std::marker::PhantomData;

use chrono::{DateTime, Utc};
use entity::vocabulary;
use sea_orm::Iterable;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::graphql::scalars::Identified;
use crate::ids::encode;

/// A field's value in a message: an id, a state, a count; content only in what is of that type
/// ([`content`](super::message::content)).
pub trait Field {
    /// Whether it is always there; one that is not is left out rather than null.
    const REQUIRED: bool = true;
    /// The value; none when there is nothing to tell.
    fn value(&self) -> Option<Value>;
    /// Its JSON Schema.
    fn schema() -> Value;
    /// What it may look like.
    fn example() -> Value;
}

/// The id of a row of `E`, as the API gives it.
pub struct Opaque<E>(Uuid, PhantomData<E>);

impl<E> Opaque<E> {
    /// The id of a row.
    pub fn new(id: Uuid) -> Self {
        Self(id, PhantomData)
    }
}

impl<E> std::fmt::Debug for Opaque<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A row that examples name.
const EXAMPLE: Uuid = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0001);

impl<E: Identified> Field for Opaque<E> {
    fn value(&self) -> Option<Value> {
        Some(Value::String(encode(E::KIND, self.0)))
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{23}$" })
    }

    fn example() -> Value {
        Value::String(encode(E::KIND, EXAMPLE))
    }
}

impl Field for bool {
    fn value(&self) -> Option<Value> {
        Some((*self).into())
    }

    fn schema() -> Value {
        json!({ "type": "boolean" })
    }

    fn example() -> Value {
        true.into()
    }
}

impl Field for String {
    fn value(&self) -> Option<Value> {
        Some(self.as_str().into())
    }

    fn schema() -> Value {
        json!({ "type": "string" })
    }

    fn example() -> Value {
        "A-417".into()
    }
}

impl Field for i32 {
    fn value(&self) -> Option<Value> {
        Some((*self).into())
    }

    fn schema() -> Value {
        json!({ "type": "integer" })
    }

    fn example() -> Value {
        2.into()
    }
}

impl Field for i64 {
    fn value(&self) -> Option<Value> {
        Some((*self).into())
    }

    fn schema() -> Value {
        json!({ "type": "integer" })
    }

    fn example() -> Value {
        4711.into()
    }
}

/// A seal of the audit trail: a SHA-256, as hexadecimal digits.
#[derive(Clone, Debug)]
pub struct Seal(pub Vec<u8>);

impl Field for Seal {
    fn value(&self) -> Option<Value> {
        Some(hex::encode(&self.0).into())
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })
    }

    fn example() -> Value {
        hex::encode([0xa7; 32]).into()
    }
}

/// An exact number of tenths, as decimal text.
#[derive(Clone, Copy, Debug)]
pub struct Tenths(pub i32);

impl Field for Tenths {
    fn value(&self) -> Option<Value> {
        Some(crate::graphql::scalars::Decimal::from_tenths(self.0).0.into())
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[0-9]+\\.[0-9]$" })
    }

    fn example() -> Value {
        "8.9".into()
    }
}

impl<F: Field> Field for Option<F> {
    const REQUIRED: bool = false;

    fn value(&self) -> Option<Value> {
        self.as_ref().and_then(F::value)
    }

    fn schema() -> Value {
        F::schema()
    }

    fn example() -> Value {
        F::example()
    }
}

/// What is null where there is none, instead of left out.
#[derive(Clone, Debug)]
pub struct OrNull<F>(pub Option<F>);

impl<F: Field> Field for OrNull<F> {
    fn value(&self) -> Option<Value> {
        Some(self.0.as_ref().and_then(F::value).unwrap_or(Value::Null))
    }

    fn schema() -> Value {
        json!({ "anyOf": [F::schema(), { "type": "null" }] })
    }

    fn example() -> Value {
        F::example()
    }
}

impl<F: Field> Field for Vec<F> {
    fn value(&self) -> Option<Value> {
        Some(self.iter().filter_map(F::value).collect())
    }

    fn schema() -> Value {
        json!({ "type": "array", "items": F::schema() })
    }

    fn example() -> Value {
        json!([F::example()])
    }
}

impl Field for DateTime<Utc> {
    fn value(&self) -> Option<Value> {
        Some(json!(self))
    }

    fn schema() -> Value {
        json!({ "type": "string", "format": "date-time" })
    }

    fn example() -> Value {
        "2026-03-02T01:00:00Z".into()
    }
}

macro_rules! vocabulary_fields {
    ($($name:ident),+ $(,)?) => {$(
        impl Field for vocabulary::$name {
            fn value(&self) -> Option<Value> {
                Some(self.as_str().into())
            }

            fn schema() -> Value {
                json!({ "enum": Self::iter().map(Self::as_str).collect::<Vec<_>>() })
            }

            fn example() -> Value {
                Self::iter().next().map(Self::as_str).into()
            }
        }
    )+};
}

vocabulary_fields! {
    ActionItemState, AffectedState, AssignmentState, ConfigurationKind, CvssBand, DeadlineKind, DeadlineState, DecisionKind, EndpointState, Function, GrantState, Level,
    MemberSource, NoDeadline, ObligationState, PayoutKind, PayoutState, PublicStatus, RemediationState, ReplyKind, ReplyState, Severity, Status, TicketState, Tlp, Verdict,
    WorldFactKind, DuplicateOutcome,
}
