//! What hooks say, and the commands that they mean: those of the SRC role, and no other.

use async_graphql::resolver_utils::enum_value;
use chrono::{DateTime, Utc};
use entity::vocabulary::{IndicatorKind, Tlp};
use entity::{channel, hook_inbox, payout, report, tracker};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::{Actor, Origin, Role};
use crate::error::{Error, Result};
use crate::graphql::scalars::{Decimal, Id};
use crate::ids::{Kind, decode, encode};
use crate::intake::{self, AddToReport, IndicatorInput, ReceiveReport, ReporterInput, WithdrawReport};
use crate::outbox::retrying;
use crate::payout::{
    self as payouts, AcceptPayout, AppealPayout, ConfirmPayout, FailPayout, MarkPayoutSynced,
};

/// What a hook came to.
#[derive(Debug)]
pub enum Outcome {
    /// Carried out, with what the sender is told.
    Done(Value),
    /// Refused for good, with the HTTP status and the reasons.
    Refused(u16, Value),
    /// Not carried out for a fault of ours, or because too many came at once.
    Later(Error),
}

/// A hook's body: Standard Webhooks' form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    #[serde(rename = "type")]
    kind: String,
    /// When it happened at the sender; nothing follows from it.
    #[serde(rename = "timestamp")]
    _timestamp: Option<String>,
    data: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Submitted {
    number: Option<String>,
    title: String,
    text: Option<String>,
    received_at: Option<DateTime<Utc>>,
    reporter: Option<Finder>,
    #[serde(default)]
    indicators: Vec<Indicator>,
    tlp: Option<Tlp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Finder {
    name: Option<String>,
    email: Option<String>,
    #[serde(default)]
    staff: bool,
    subject: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Indicator {
    kind: IndicatorKind,
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Added {
    report: String,
    title: Option<String>,
    text: String,
    #[serde(default)]
    indicators: Vec<Indicator>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Withdrawn {
    report: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Accepted {
    payout: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Appealed {
    payout: String,
    grounds: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Synced {
    payout: String,
    attempt: i32,
    platform_reference: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Confirmed {
    payout: String,
    external_reference: String,
    paid_at: DateTime<Utc>,
    amount: String,
    currency: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Failed {
    payout: String,
    attempt: i32,
    reason: String,
}

/// Every type of hook, in the order of their story.
pub const TYPES: [&str; 8] = [
    "report.submitted",
    "report.added",
    "report.withdrawn",
    "payout.accepted",
    "payout.appealed",
    "payout.synced",
    "payout.confirmed",
    "payout.failed",
];

/// Reads JSON into `T`. What is wrong is named by its path; a value is never quoted, since it may be personal.
fn read<'a, T, D>(prefix: &str, json: D) -> Result<T>
where
    T: DeserializeOwned,
    D: serde::Deserializer<'a, Error = serde_json::Error>,
{
    serde_path_to_error::deserialize(json).map_err(|error| {
        let path = error.path().to_string();
        let field = match (prefix, path.as_str()) {
            ("", ".") => "body".to_owned(),
            ("", path) => path.to_owned(),
            (prefix, ".") => prefix.to_owned(),
            (prefix, path) => format!("{prefix}.{path}"),
        };
        let cause = error.inner().to_string();
        let named = ["missing field", "unknown field"].iter().any(|start| cause.starts_with(start));
        let message = if named {
            cause.split(" at line ").next().unwrap_or_default().to_owned()
        } else {
            "send JSON of the type that docs/HOOKS.md names here".to_owned()
        };
        Error::bad_input(field, message)
    })
}

/// The service of a channel, which a signed hook speaks for.
pub fn service(channel: &channel::Model, origin: Origin) -> Actor {
    let mut actor = Actor::operator(&format!("hook:src:{}", channel.key), [Role::Src]);
    actor.channel = Some(channel.key.as_str().into());
    actor.origin = origin;
    actor
}

/// Carries out what the body of a signed hook says.
pub(super) async fn carry_out(
    app: &App,
    channel: &channel::Model,
    hook: &hook_inbox::Model,
    body: &[u8],
) -> Outcome {
    let origin = Origin { address: hook.address.clone(), request_id: hook.request_id.clone() };
    match run(app, &service(channel, origin), channel, hook, body).await {
        Ok(answer) => Outcome::Done(answer),
        Err(error) => outcome(error),
    }
}

/// Takes what the body of a tracker's hook says: which ticket to look at.
pub(super) async fn look_at_ticket(app: &App, tracker: &tracker::Model, body: &[u8]) -> Outcome {
    let Ok(body) = serde_json::from_slice(body) else {
        return outcome(Error::bad_input("body", "send JSON: set the tracker's hook to application/json"));
    };
    match crate::ticket::take_hook(app, tracker, &body).await {
        Ok(_) => Outcome::Done(json!({})),
        Err(error) => outcome(error),
    }
}

async fn run(
    app: &App,
    actor: &Actor,
    channel: &channel::Model,
    hook: &hook_inbox::Model,
    body: &[u8],
) -> Result<Value> {
    let Envelope { kind, data, .. } = read("", &mut serde_json::Deserializer::from_slice(body))?;
    match kind.as_str() {
        "report.submitted" => {
            let said: Submitted = read("data", data)?;
            let input = ReceiveReport {
                // Only a database tells kinds apart, and none sends hooks.
                notice_type: None,
                channel: channel.key.clone(),
                number: said.number,
                message_id: None,
                title: said.title,
                text: said.text,
                // Carried out later, it was received all the same when it came.
                received_at: said.received_at.or(Some(hook.received_at)),
                reporter: said.reporter.map(ReporterInput::from),
                indicators: said.indicators.into_iter().map(IndicatorInput::from).collect(),
                tlp: said.tlp,
                join_event: None,
                idempotency_key: Some(hook.hook_id.clone()),
            };
            told_report(app, &retrying(|| intake::receive_report(app, actor, &input)).await?).await
        }
        "report.added" => {
            let said: Added = read("data", data)?;
            let input = AddToReport {
                report: report_id(&said.report)?,
                title: said.title,
                text: said.text,
                indicators: said.indicators.into_iter().map(IndicatorInput::from).collect(),
                idempotency_key: Some(hook.hook_id.clone()),
            };
            told_report(app, &retrying(|| intake::add_to_report(app, actor, &input)).await?).await
        }
        "report.withdrawn" => {
            let said: Withdrawn = read("data", data)?;
            let input = WithdrawReport { report: report_id(&said.report)?, reason: said.reason };
            told_report(app, &retrying(|| intake::withdraw_report(app, actor, &input)).await?).await
        }
        "payout.accepted" => {
            let said: Accepted = read("data", data)?;
            let input = AcceptPayout { payout: payout_id(&said.payout)? };
            Ok(told_payout(&retrying(|| payouts::accept(app, actor, &input)).await?))
        }
        "payout.appealed" => {
            let said: Appealed = read("data", data)?;
            let input = AppealPayout { payout: payout_id(&said.payout)?, grounds: said.grounds };
            Ok(told_payout(&retrying(|| payouts::appeal(app, actor, &input)).await?))
        }
        "payout.synced" => {
            let said: Synced = read("data", data)?;
            let input = MarkPayoutSynced {
                payout: payout_id(&said.payout)?,
                attempt: said.attempt,
                platform_reference: said.platform_reference,
            };
            Ok(told_payout(&retrying(|| payouts::mark_synced(app, actor, &input)).await?))
        }
        "payout.confirmed" => {
            let said: Confirmed = read("data", data)?;
            let input = ConfirmPayout {
                payout: payout_id(&said.payout)?,
                external_reference: said.external_reference,
                paid_at: said.paid_at,
                amount: Decimal(said.amount),
                currency: said.currency,
            };
            Ok(told_payout(&retrying(|| payouts::confirm(app, actor, &input)).await?))
        }
        "payout.failed" => {
            let said: Failed = read("data", data)?;
            let payout = payout_id(&said.payout)?;
            let input = FailPayout { payout, attempt: said.attempt, reason: said.reason };
            Ok(told_payout(&retrying(|| payouts::fail(app, actor, &input)).await?))
        }
        _ => Err(Error::bad_input("type", format!("send one of {}", TYPES.join(", ")))),
    }
}

impl From<Finder> for ReporterInput {
    fn from(finder: Finder) -> Self {
        Self { name: finder.name, email: finder.email, staff: finder.staff, subject: finder.subject }
    }
}

impl From<Indicator> for IndicatorInput {
    fn from(indicator: Indicator) -> Self {
        Self { kind: indicator.kind, value: indicator.value }
    }
}

fn report_id(text: &str) -> Result<Id<report::Entity>> {
    Ok(Id::new(decode(Kind::Report, "data.report", text)?))
}

fn payout_id(text: &str) -> Result<Id<payout::Entity>> {
    Ok(Id::new(decode(Kind::Payout, "data.payout", text)?))
}

async fn told_report(app: &App, row: &report::Model) -> Result<Value> {
    let event = intake::store::event_of(app, row).await?;
    Ok(json!({ "event": event.number, "report": encode(Kind::Report, row.id) }))
}

fn told_payout(row: &payout::Model) -> Value {
    json!({ "payout": encode(Kind::Payout, row.id), "number": row.number, "state": row.state })
}

/// What an error means for a hook: what the sender can mend is refused for good, the rest is tried again.
fn outcome(error: Error) -> Outcome {
    let one = |status, code: &str, field: Option<String>, message: String| {
        Outcome::Refused(status, errors([(code.to_owned(), field, message)]))
    };
    match error {
        Error::Forbidden { action } => {
            one(403, "FORBIDDEN", None, format!("a channel's service may not {action}"))
        }
        Error::NotFound => {
            one(404, "NOT_FOUND", None, "there is no such thing, or none of this channel's".to_owned())
        }
        Error::InvalidId { field, expected } => {
            let message = format!("send the id of a {expected}, as an answer or a webhook of ours gave it");
            one(400, "INVALID_ID", Some(field), message)
        }
        Error::BadInput { field, message } => {
            let field = match field.strip_prefix("input.") {
                Some(name) => format!("data.{name}"),
                None => field,
            };
            one(400, "BAD_USER_INPUT", Some(field), message)
        }
        Error::Refused(refusals) => Outcome::Refused(
            422,
            errors(refusals.into_iter().map(|refusal| {
                let code = enum_value(refusal.code).to_string();
                (code, refusal.field.map(|field| format!("data.{field}")), refusal.message)
            })),
        ),
        // Only a question can be too complex, and a hook is none.
        Error::Conflict | Error::Race | Error::TooComplex { .. } | Error::Internal(_) => {
            Outcome::Later(error)
        }
    }
}

fn errors(list: impl IntoIterator<Item = (String, Option<String>, String)>) -> Value {
    let list = list
        .into_iter()
        .map(|(code, field, message)| json!({ "code": code, "field": field, "message": message }));
    json!({ "errors": list.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &str) -> (String, String) {
        let read: Result<Envelope> = read("", &mut serde_json::Deserializer::from_str(body));
        let said = read.and_then(|envelope| super::read::<Submitted, _>("data", envelope.data));
        match said.err() {
            Some(Error::BadInput { field, message }) => (field, message),
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn what_is_ill_formed_is_named_and_never_quoted() {
        for (body, field, words) in [
            ("", "body", "JSON"),
            ("[]", "body", "JSON"),
            ("{\"data\":{}}", "body", "missing field `type`"),
            (r#"{"type":"report.submitted"}"#, "body", "missing field `data`"),
            (r#"{"type":"x","data":{},"more":1}"#, "more", "unknown field `more`"),
            (r#"{"type":"x","data":{}}"#, "data", "missing field `title`"),
            (
                r#"{"type":"x","data":{"title":"t","reporter":{"email":["a@b"]}}}"#,
                "data.reporter.email",
                "JSON",
            ),
            (r#"{"type":"x","data":{"title":"t","receivedAt":"soon"}}"#, "data.receivedAt", "JSON"),
            (
                r#"{"type":"x","data":{"title":"t","indicators":[{"kind":"X","value":"a"}]}}"#,
                "data.indicators[0].kind",
                "JSON",
            ),
            (r#"{"type":"x","data":{"title":"t","tlp":"PINK"}}"#, "data.tlp", "JSON"),
        ] {
            let (found, message) = refusal(body);
            assert_eq!(found, field, "{body}: {message}");
            assert!(message.contains(words) && !message.contains("a@b"), "{body}: {message}");
        }
    }
    fn is_read<T: DeserializeOwned>(data: &Value) {
        if let Err(error) = read::<T, _>("data", data.clone()) {
            assert!(matches!(error, Error::BadInput { field, .. } if field.starts_with("data")));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_body_never_panics_and_what_is_wrong_is_named_by_its_field(body in crate::testing::bent("hook")) {
            let Ok(Envelope { data, .. }) = read("", &mut serde_json::Deserializer::from_slice(&body)) else {
                return Ok(());
            };
            is_read::<Submitted>(&data);
            is_read::<Added>(&data);
            is_read::<Withdrawn>(&data);
            is_read::<Accepted>(&data);
            is_read::<Appealed>(&data);
            is_read::<Synced>(&data);
            is_read::<Confirmed>(&data);
            is_read::<Failed>(&data);
        }
    }
}
