//! Scalars of the API: typed ids and exact decimals.

use std::borrow::Cow;
use std::marker::PhantomData;

use async_graphql::{
    ID, InputType, InputValueError, InputValueResult, Scalar, ScalarType, Value, registry::Registry,
};
use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::ids::{self, Kind};

/// A table whose rows have an id in the API.
pub trait Identified: Send + Sync + 'static {
    /// Which kind of id.
    const KIND: Kind;
}

/// The id of a row of `E`, as a client sends it. In the schema it is an `ID`; one of another kind is INVALID_ID.
pub struct Id<E>(pub Uuid, PhantomData<E>);

impl<E> Id<E> {
    /// The id of a known row.
    pub fn new(id: Uuid) -> Self {
        Self(id, PhantomData)
    }
}

impl<E> Clone for Id<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Id<E> {}

impl<E> PartialEq for Id<E> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<E> std::fmt::Debug for Id<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl<E> Serialize for Id<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<E: Identified> InputType for Id<E> {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        <ID as InputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <ID as InputType>::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let found = match &value {
            Some(Value::String(text)) => ids::decode_any(text),
            _ => None,
        };
        match found {
            Some((number, id)) if number == E::KIND as u8 => Ok(Self::new(id)),
            _ => Err(InputValueError::custom(format!("not the id of a {:?}", E::KIND))
                .with_extension("code", "INVALID_ID")),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(ids::encode(E::KIND, self.0))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

/// The id of a row of `E`, for a client.
pub fn id<E: Identified>(id: Uuid) -> ID {
    ID(ids::encode(E::KIND, id))
}

/// Declares which kind of id each table's rows have.
macro_rules! identified {
    ($($table:ident $kind:ident),+ $(,)?) => {
        $(impl Identified for entity::$table::Entity { const KIND: Kind = Kind::$kind; })+
    };
}

identified! {
    event Event, report Report, reporter Reporter, channel Channel, product Product, customer Customer, duty Duty,
    rating_policy RatingPolicy, verdict Verdict, score Score, technical_severity TechnicalSeverity,
    world_fact WorldFact, affected_product AffectedProduct, affected_customer AffectedCustomer,
    team_member TeamMember, assignment Assignment, remediation Remediation, verification Verification,
    decision Decision, review Review, action_item ActionItem, comment Comment, obligation Obligation, reply Reply,
    platform_account PlatformAccount, audit_entry AuditEntry, principal Principal, event_link EventLink,
    webhook_endpoint WebhookEndpoint, delivery Delivery, delivery_attempt DeliveryAttempt,
    payout Payout, budget Budget, reward_grid RewardGrid, bonus_run BonusRun,
    tracker Tracker, ticket Ticket, calendar Calendar,
    calendar_feed CalendarFeed,
    deadline Deadline, deadline_policy DeadlinePolicy, notice Notice,
    attachment Attachment, inbound_mail InboundMail, reply_attachment ReplyAttachment,
    reply_proof ReplyProof, indicator Indicator,
    multi_platform MultiPlatform,
}

/// An exact decimal number as text, for example "8.5". A number is read as it is written.
/// 精确的十进制数，以文本表示，例如 "8.5"。
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decimal(pub String);

/// An exact decimal number as text, for example "8.5". A number is read as it is written.
/// 精确的十进制数，以文本表示，例如 "8.5"。
#[Scalar]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(Self(text)),
            Value::Number(number) => Ok(Self(number.to_string())),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

impl Decimal {
    /// Tenths as a decimal: 89 is "8.9".
    pub fn from_tenths(tenths: i32) -> Self {
        let sign = if tenths < 0 { "-" } else { "" };
        let tenths = tenths.unsigned_abs();
        Self(format!("{sign}{}.{}", tenths / 10, tenths % 10))
    }

    /// Ten-thousandths as a decimal: 89500 is "8.9500".
    pub fn from_ten_thousandths(units: i32) -> Self {
        let sign = if units < 0 { "-" } else { "" };
        let units = units.unsigned_abs();
        Self(format!("{sign}{}.{:04}", units / 10_000, units % 10_000))
    }
}
