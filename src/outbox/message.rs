//! The catalogue of messages: what is told to the outside, to whom, and in which form.
//!
//! A message names what changed and says in which state it now is; content is fetched by who may see it. Each
//! type stands once in the file of its family, with what it means, who may receive it, and its fields. From that follow the types that
//! commands write ([`Message`]), the JSON Schemas and examples ([`MessageKind::schema`]), `docs/WEBHOOKS.md` and
//! the API's `webhookMessageTypes`.
//!
//! Who may receive a type is a list of audiences: a side of the event that has to be theirs to see, and an action
//! that their role has to allow. Any of them suffices.

use entity::vocabulary::Facet;
use serde_json::{Map, Value, json};

use super::field::{Field, Opaque};
use crate::auth::policy::Action;

/// Who may receive messages of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audience {
    /// The side of the event that has to be theirs to see; none for what is about no event.
    pub facet: Option<Facet>,
    /// What their role has to allow.
    pub action: Action,
}

impl Audience {
    const fn of(facet: Facet, action: Action) -> Self {
        Self { facet: Some(facet), action }
    }

    const fn without_event(action: Action) -> Self {
        Self { facet: None, action }
    }
}

/// A message that a command writes with its change.
pub trait Message {
    /// Its type.
    const KIND: MessageKind;
    /// The type's dotted name.
    const NAME: &'static str;
    /// What the type tells, in English and Chinese.
    const DESCRIPTION: &'static str;
    /// Who may receive it.
    const AUDIENCES: &'static [Audience];
    /// The type's fields.
    fn fields() -> Vec<Described>;
    /// Its fields.
    fn data(&self) -> Value;
}

/// One field of a type, for its schema and its documentation.
#[derive(Clone, Debug)]
pub struct Described {
    /// Its name in JSON.
    pub name: String,
    /// What it means, in English and Chinese.
    pub description: &'static str,
    /// Whether it is always there.
    pub required: bool,
    /// Its JSON Schema.
    pub schema: Value,
    /// What it may look like.
    pub example: Value,
}

/// The team's side.
const fn team(action: Action) -> Audience {
    Audience::of(Facet::Content, action)
}

/// The side of a report's channel and reporter.
const PUBLIC: Audience = Audience::of(Facet::Public, Action::ReadReports);
/// The team that proposes and approves payouts.
const PAYOUT_TEAM: Audience = team(Action::ReadPayouts);
/// Those who pay: of the event they learn its number.
const FINANCE: Audience = Audience::of(Facet::Money, Action::ReadPayouts);
/// Those who see every bonus, which belongs to no event.
const BONUS: Audience = Audience::without_event(Action::ReadBudgets);
/// The channel and the reporter of what is paid for.
const PAYEE: Audience = Audience::of(Facet::Public, Action::ReadPayouts);
/// Those who look after the installation.
const CONFIGURATION: Audience = Audience::without_event(Action::ReadWebhooks);

/// Defines types of a family: what each tells, its name, who may receive it, and its fields.
macro_rules! messages {
    ($($(#[doc = $doc:literal])+ $kind:ident $name:literal [$($audience:expr),+] {
        $($(#[doc = $field_doc:literal])+ $field:ident: $type:ty,)*
    })+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Debug)]
            pub struct $kind { $($(#[doc = $field_doc])+ pub $field: $type,)* }

            impl $crate::outbox::message::Message for $kind {
                const KIND: $crate::outbox::message::MessageKind = $crate::outbox::message::MessageKind::$kind;
                const NAME: &'static str = $name;
                const DESCRIPTION: &'static str = concat!($($doc),+).trim_ascii();
                const AUDIENCES: &'static [$crate::outbox::message::Audience] = &[$($audience),+];

                fn fields() -> Vec<$crate::outbox::message::Described> {
                    vec![$($crate::outbox::message::described::<$type>(
                        stringify!($field),
                        concat!($($field_doc),+).trim_ascii(),
                    ),)*]
                }

                fn data(&self) -> serde_json::Value {
                    #[allow(unused_mut, reason = "a type may have no field")]
                    let mut data = serde_json::Map::new();
                    $($crate::outbox::message::put(&mut data, stringify!($field), &self.$field);)*
                    serde_json::Value::Object(data)
                }
            }
        )+
    };
}

/// The types of all families, in the order of the catalogue.
macro_rules! catalogue {
    ($($family:ident: $($kind:ident),+;)+) => {
        $(pub use $family::{$($kind),+};)+

        /// Type of a message, as integrators subscribe to it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum MessageKind { $($(#[doc = concat!("[`", stringify!($kind), "`]")] $kind,)+)+ }

        impl MessageKind {
            /// Every type.
            pub const ALL: &[Self] = &[$($(Self::$kind,)+)+];

            /// The dotted name.
            pub const fn as_str(self) -> &'static str {
                match self { $($(Self::$kind => $kind::NAME,)+)+ }
            }

            /// What it tells, in English and Chinese.
            pub const fn description(self) -> &'static str {
                match self { $($(Self::$kind => $kind::DESCRIPTION,)+)+ }
            }

            /// Who may receive it.
            pub const fn audiences(self) -> &'static [Audience] {
                match self { $($(Self::$kind => $kind::AUDIENCES,)+)+ }
            }

            /// Its own fields.
            pub fn fields(self) -> Vec<Described> {
                match self { $($(Self::$kind => $kind::fields(),)+)+ }
            }
        }
    };
}

mod configuration;
pub mod content;
mod deadline;
mod event;
mod intake;
mod payout;
mod reply;
#[cfg(test)]
mod tests;
mod ticket;
mod trail;
mod trouble;
mod webhook;
mod work;

catalogue! {
    configuration: CalendarChanged, ConfigurationChanged, BudgetChanged;
    intake: ReportReceived, ReportUpdated, ReportWithdrawn, AttachmentAdded, AttachmentRemoved, AttachmentReleased, ReportMail, ReportJoined, ReportStatusChanged;
    event: EventStatusChanged, EventVerdictGiven, EventScored, EventProtectionChanged, EventAffectedChanged, EventCustomerAffected, EventWorldFactRecorded, EventDescribed, EventSeverityAssessed, EventCommentAdded, EventDuplicateDecided;
    work: AssignmentChanged, TeamChanged, RemediationChanged, VerificationRecorded;
    reply: ReplyChanged, ReplySent, ReplyBounced, ObligationChanged, PlatformAccountLapsing;
    deadline: DeadlineOpened, DeadlineChanged, DeadlineDueSoon, DeadlineBreached, DeadlineUndated, DeadlineMet;
    work: DecisionChanged, ReviewRecorded, ActionItemChanged;
    intake: ReporterMessage, ReportIndicatorsChanged;
    payout: PayoutProposed, PayoutSplit, PayoutApproved, PayoutRejected, PayoutOnHold, PayoutReleased, PayoutAccepted, PayoutAppealed, PayoutAppealDismissed, PayoutSynced, PayoutPaid, PayoutFailed, PayoutCancelled, PayoutReversed, PayoutUnexpectedPayment;
    ticket: TicketChanged;
    trouble: TrackerFailing, HookFailing, MailLeftOut;
    trail: TrailAnchored;
    webhook: WebhookEndpointChanged, WebhookEndpointFailing, WebhookTest;
}

fn described<F: Field>(field: &str, description: &'static str) -> Described {
    Described {
        name: camel_case(field),
        description,
        required: F::REQUIRED,
        schema: F::schema(),
        example: F::example(),
    }
}

fn put(data: &mut Map<String, Value>, field: &str, value: &impl Field) {
    if let Some(value) = value.value() {
        data.insert(camel_case(field), value);
    }
}

/// JSON Schema of an object with these fields.
fn object(fields: Vec<Described>) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in fields {
        let mut schema = field.schema;
        schema["description"] = field.description.into();
        if field.required {
            required.push(Value::from(field.name.clone()));
        }
        properties.insert(field.name, schema);
    }
    json!({ "type": "object", "required": required, "properties": properties })
}

/// Dialect of the schemas.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

impl MessageKind {
    /// The type of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }

    /// Whether it is about an event's inside: its data then name the event.
    pub fn names_event(self) -> bool {
        self.audiences().iter().any(|audience| audience.facet.is_some_and(|facet| facet != Facet::Public))
    }

    /// Whether it goes out to channels and reporters: its data then name their reports.
    pub fn names_reports(self) -> bool {
        self.audiences().iter().any(|audience| audience.facet == Some(Facet::Public))
    }

    /// JSON Schema of a thin delivery of this type.
    pub fn schema(self) -> Value {
        json!({
            "$schema": DIALECT,
            "title": self.as_str(),
            "description": self.description(),
            "type": "object",
            "required": ["type", "timestamp", "sequence", "data"],
            "properties": {
                "type": { "const": self.as_str() },
                "timestamp": { "type": "string", "format": "date-time" },
                "sequence": { "type": "integer", "minimum": 1 },
                "data": object(self.all_fields()),
            },
        })
    }

    /// A thin delivery of this type, as it may look.
    pub fn example(self) -> Value {
        let data: Map<_, _> =
            self.all_fields().into_iter().map(|field| (field.name, field.example)).collect();
        json!({ "type": self.as_str(), "timestamp": "2026-03-02T01:00:00Z", "sequence": 1, "data": data })
    }

    /// Its own fields, and those that a delivery adds.
    pub fn all_fields(self) -> Vec<Described> {
        // What is told on several sides has what the side knows: only where all of them do it is always there.
        let always =
            |of: fn(Facet) -> bool| self.audiences().iter().all(|audience| audience.facet.is_some_and(of));
        let inside = always(|facet| facet != Facet::Public);
        let outside = always(|facet| facet == Facet::Public);
        let added = |name: &str, required, description, schema, example| Described {
            name: name.to_owned(),
            description,
            required,
            schema,
            example,
        };
        let mut fields = Vec::new();
        if self.names_event() {
            type Event = Opaque<entity::event::Entity>;
            fields.push(added(
                "event",
                inside,
                "The event; left out for channels, and where it is about none. 事件；发往渠道或与事件无关时省略。",
                Event::schema(),
                Event::example(),
            ));
            fields.push(added(
                "number",
                inside,
                "The event's number; left out like it. 事件编号；省略情形同上。",
                json!({ "type": "string" }),
                "VE-2026-004711".into(),
            ));
        }
        if self.names_reports() {
            type Report = Opaque<entity::report::Entity>;
            let list = json!({ "type": "array", "items": Report::schema() });
            let example = json!([Report::example()]);
            fields.push(added(
                "reports",
                outside,
                "For channels: their reports that it is about. 发往渠道时：相关的本渠道报告。",
                list,
                example,
            ));
        }
        fields.extend(self.fields());
        fields
    }
}

/// `all_declined` is `allDeclined` in JSON.
fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut text, word| {
        let mut letters = word.chars();
        text.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        text.push_str(letters.as_str());
        text
    })
}
