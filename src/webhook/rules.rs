//! What decides about endpoints: how they may be described, what they subscribe to, and under which grant.

use chrono::{DateTime, TimeDelta, Utc};
use entity::vocabulary::{AbroadExtent, EndpointState, GrantState, Tlp, WebhookPayload, WebhookPreset};
use entity::webhook_endpoint;

use crate::auth::{Role, visibility};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::outbox::MessageKind;

/// Most types, channels, lines or products in one list.
pub const MOST: usize = 50;
/// Most custom headers.
const MOST_HEADERS: usize = 20;
/// Longest value of a custom header, in bytes.
const HEADER_BYTES: usize = 2_000;

/// For how long after its last change an endpoint at rest goes on gathering what it misses.
const GATHERS: TimeDelta = TimeDelta::days(30);

/// Roles that a grant may give. Those of people who are put on single events are no use to a program.
pub const GRANTABLE: [Role; 8] = [
    Role::Admin,
    Role::Analyst,
    Role::Leader,
    Role::Engineer,
    Role::Finance,
    Role::Auditor,
    Role::Ticketing,
    Role::Src,
];

/// Headers that belong to the delivery itself, or to the connection.
const RESERVED: [&str; 11] = [
    "host",
    "content-length",
    "content-type",
    "content-encoding",
    "connection",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "user-agent",
];

/// Whether an endpoint with these patterns wants messages of type `kind`: by name, by `event.*`, or by `*`.
pub fn subscribes(patterns: &[String], kind: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, kind))
}

fn matches(pattern: &str, kind: &str) -> bool {
    match pattern.strip_suffix('*') {
        None => pattern == kind,
        Some("") => true,
        Some(prefix) => prefix.ends_with('.') && kind.starts_with(prefix),
    }
}

/// Patterns of `field` that each mean at least one known type.
///
/// # Errors
/// BAD_USER_INPUT naming the pattern that means none.
pub fn message_types(field: &str, patterns: &[String]) -> Result<Vec<String>> {
    if patterns.is_empty() || patterns.len() > MOST {
        return Err(Error::bad_input(
            field,
            format!("send 1 to {MOST}, for example event.* or reply.changed"),
        ));
    }
    let mut kept: Vec<String> = Vec::new();
    for pattern in patterns {
        if !MessageKind::ALL.iter().any(|kind| matches(pattern, kind.as_str())) {
            let message = format!(
                "{pattern:?} means no message type: send a name of webhookMessageTypes, or a wildcard such as event.*"
            );
            return Err(Error::bad_input(field, message));
        }
        if !kept.contains(pattern) {
            kept.push(pattern.clone());
        }
    }
    Ok(kept)
}

/// Names and values of custom headers.
///
/// # Errors
/// BAD_USER_INPUT naming the header, never its value.
pub fn headers<'a>(headers: impl ExactSizeIterator<Item = (&'a str, &'a str)>) -> Result<()> {
    const FIELD: &str = "input.headers";
    if headers.len() > MOST_HEADERS {
        return Err(Error::bad_input(FIELD, format!("send at most {MOST_HEADERS}")));
    }
    let mut seen: Vec<String> = Vec::new();
    for (name, value) in headers {
        let lower = name.to_ascii_lowercase();
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.is_empty() || name.len() > 100 || !name.chars().all(token) {
            return Err(Error::bad_input(FIELD, "send a header name of letters, digits and hyphens"));
        }
        if RESERVED.contains(&lower.as_str()) || lower.starts_with("webhook-") || lower.starts_with("proxy-")
        {
            return Err(Error::bad_input(
                FIELD,
                format!("{name} is set by the delivery itself: leave it out"),
            ));
        }
        if seen.contains(&lower) {
            return Err(Error::bad_input(FIELD, format!("{name} stands twice: send each once")));
        }
        let printable = value.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
        if value.is_empty() || value.len() > HEADER_BYTES || !printable || value.trim() != value {
            let message =
                format!("the value of {name} has to be 1 to {HEADER_BYTES} printable ASCII characters");
            return Err(Error::bad_input(FIELD, message));
        }
        seen.push(lower);
    }
    Ok(())
}

/// Whether a receiver of this kind is reached by a URL that is itself the secret.
pub fn has_secret_url(preset: WebhookPreset) -> bool {
    preset != WebhookPreset::Standard
}

/// Where the secret of an endpoint comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// Made here, shown once.
    Made,
    /// Given by the receiver's platform.
    Given,
    /// There is none: the URL is the secret.
    None,
}

/// Where the secret of a new or replaced one comes from.
///
/// # Errors
/// BAD_USER_INPUT when a secret is given to one that takes none.
pub fn secret_source(preset: WebhookPreset, given: Option<&str>) -> Result<SecretSource> {
    const FIELD: &str = "input.secret";
    match (preset, given) {
        (WebhookPreset::Standard, None) => Ok(SecretSource::Made),
        (WebhookPreset::Standard, Some(_)) => {
            Err(Error::bad_input(FIELD, "a STANDARD endpoint's secret is made here: leave it out"))
        }
        (WebhookPreset::WeCom | WebhookPreset::Slack, Some(_)) => Err(Error::bad_input(
            FIELD,
            format!("{preset} signs nothing, its URL is the secret: leave it out"),
        )),
        (WebhookPreset::Feishu | WebhookPreset::DingTalk, Some(secret)) => {
            let fits =
                (8..=200).contains(&secret.len()) && secret.bytes().all(|byte| byte.is_ascii_graphic());
            if fits {
                Ok(SecretSource::Given)
            } else {
                Err(Error::bad_input(FIELD, "send the bot's signing secret as its platform shows it"))
            }
        }
        (_, None) => Ok(SecretSource::None),
    }
}

/// Whether a grant of this role may receive messages of this type at all. Whether it may know of an event, only the
/// moment of sending tells.
pub fn may_be_told(role: Role, kind: MessageKind) -> bool {
    kind.audiences().iter().any(|audience| {
        audience.action.roles().contains(&role)
            && audience.facet.is_none_or(|facet| visibility::may_see(role, facet))
    })
}

/// Whether an endpoint's messages become deliveries, to leave now or once it goes on. One that is paused, disabled or
/// waits for a changed grant gathers them for a while; one whose grant was never confirmed or was taken away, nothing.
pub fn gathers(endpoint: &webhook_endpoint::Model, now: DateTime<Utc>) -> bool {
    let is_granted = match endpoint.grant_state {
        GrantState::Confirmed => true,
        GrantState::Proposed => endpoint.grant_confirmed_at.is_some(),
        GrantState::Revoked => false,
    };
    let flows = endpoint.state == EndpointState::Active && endpoint.grant_state == GrantState::Confirmed;
    is_granted && (flows || now - endpoint.changed_at <= GATHERS)
}

/// How much of an event may go to a receiver abroad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abroad {
    /// That it is there and changed.
    Thin,
    /// Its content.
    Full,
}

/// What a decision lets go abroad. One of before extents were recorded lets nothing go.
pub fn abroad(extent: Option<AbroadExtent>, is_reported_at_home: bool) -> Option<Abroad> {
    match extent? {
        AbroadExtent::Allow => Some(Abroad::Full),
        AbroadExtent::AllowReduced => Some(Abroad::Thin),
        AbroadExtent::AllowAfterDomesticReport => is_reported_at_home.then_some(Abroad::Full),
        AbroadExtent::Refuse => None,
    }
}

/// Highest TLP level of which anything is sent.
pub fn ceiling(endpoint: &webhook_endpoint::Model) -> Tlp {
    endpoint.tlp_ceiling.min(endpoint.grant_tlp_ceiling)
}

/// What of an event deliveries to a role may be filtered by: what it may read, since what arrives and what does not tells
/// it.
struct Filter {
    channels: bool,
    lines: bool,
    level: bool,
}

impl Filter {
    fn of(role: Role) -> Self {
        let (channels, lines, level) = match role {
            // Of other channels' reports, lines and levels a platform is told nothing.
            Role::Src => (false, false, false),
            Role::Ticketing => (false, true, false),
            Role::Finance => (false, false, true),
            _ => (true, true, true),
        };
        Self { channels, lines, level }
    }
}

/// Why an endpoint cannot be as described; empty when it can.
pub fn check(endpoint: &webhook_endpoint::Model, role: Role) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let mut refuse = |field, message: &str| {
        refusals.push(Refusal::on(RefusalCode::Contradiction, field, message));
    };
    if !GRANTABLE.contains(&role) {
        refuse("grant.role", "an endpoint cannot be granted this role: it is for people on single events");
    }
    if (role == Role::Engineer) == endpoint.grant_products.0.is_empty() {
        refuse("grant.products", "an ENGINEER's grant names its products, any other names none");
    }
    if (role == Role::Src) == endpoint.grant_channel.is_none() {
        refuse("grant.channel", "an SRC's grant names its channel, any other names none");
    }
    if endpoint.grant_tlp_ceiling == Tlp::Red {
        refuse("grant.tlpCeiling", "TLP:RED is for named people, an endpoint is none: at most AMBER_STRICT");
    }
    if endpoint.tlp_ceiling == Tlp::Red {
        refuse("tlpCeiling", "TLP:RED is for named people, an endpoint is none: at most AMBER_STRICT");
    }
    let filter = Filter::of(role);
    for (is_used, may_be_used, field) in [
        (!endpoint.channel_ids.0.is_empty(), filter.channels, "channels"),
        (!endpoint.lines.0.is_empty(), filter.lines, "lines"),
        (endpoint.min_level.is_some(), filter.level, "minLevel"),
    ] {
        if is_used && !may_be_used {
            refuse(
                field,
                "the granted role may not read this of an event, and what arrives would tell it: leave it out",
            );
        }
    }
    if endpoint.payload == WebhookPayload::Full && endpoint.preset != WebhookPreset::Standard {
        refuse("payload", "a chat bot gets number and link only: send THIN");
    }
    refusals
}

/// Whether `after` may receive what `before` was not confirmed for, so that a leader has to confirm anew.
pub fn needs_confirmation(before: &webhook_endpoint::Model, after: &webhook_endpoint::Model) -> bool {
    let grant = |endpoint: &webhook_endpoint::Model| {
        (
            endpoint.grant_role.clone(),
            endpoint.grant_products.clone(),
            endpoint.grant_channel.clone(),
            endpoint.grant_tlp_ceiling,
            endpoint.grant_abroad,
        )
    };
    before.url != after.url
        || before.sealed_url != after.sealed_url
        || grant(before) != grant(after)
        || after.tlp_ceiling > before.tlp_ceiling
        || (before.payload != after.payload && after.payload == WebhookPayload::Full)
}

/// Why a leader cannot confirm the grant as it stands.
pub fn may_confirm(endpoint: &webhook_endpoint::Model, by: &str) -> Option<Refusal> {
    match endpoint.grant_state {
        GrantState::Proposed if endpoint.grant_proposed_by == by => Some(Refusal::new(
            RefusalCode::FourEyes,
            "you proposed this grant: another LEADER has to confirm it",
        )),
        GrantState::Proposed => None,
        GrantState::Confirmed => Some(Refusal::new(RefusalCode::Frozen, "the grant is confirmed already")),
        GrantState::Revoked => Some(Refusal::new(
            RefusalCode::Frozen,
            "the grant was taken away: an ADMIN has to propose it anew (updateWebhookEndpoint with grant)",
        )),
    }
}

/// Why deliveries cannot be paused or resumed.
pub fn may_turn(endpoint: &webhook_endpoint::Model, to: EndpointState) -> Option<Refusal> {
    let message = match (endpoint.state, to) {
        (EndpointState::Active, EndpointState::Paused) | (_, EndpointState::Active)
            if endpoint.state != to =>
        {
            return None;
        }
        (state, EndpointState::Paused) => format!("it is {state} and delivers nothing already"),
        (state, _) => format!("it is {state} already"),
    };
    Some(Refusal::new(RefusalCode::MoveNotAllowed, message))
}

#[cfg(test)]
mod tests;
