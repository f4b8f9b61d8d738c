use chrono::DateTime;
use entity::vocabulary::DeliveryOrder;
use uuid::Uuid;

use super::*;

pub(in crate::webhook) fn endpoint() -> webhook_endpoint::Model {
    let now = DateTime::from_timestamp(1_772_000_000, 0).unwrap();
    webhook_endpoint::Model {
        id: Uuid::from_u128(1),
        name: "Portal".to_owned(),
        url: "https://hooks.example/in".to_owned(),
        sealed_url: None,
        preset: WebhookPreset::Standard,
        message_types: vec!["*".to_owned()].into(),
        channel_ids: Vec::new().into(),
        lines: Vec::new().into(),
        min_level: None,
        tlp_ceiling: Tlp::Amber,
        payload: WebhookPayload::Thin,
        delivery_order: DeliveryOrder::Any,
        max_concurrency: 4,
        headers: None,
        owner: "admin-1".to_owned(),
        state: EndpointState::Active,
        state_reason: None,
        failing_since: None,
        grant_role: "ANALYST".to_owned(),
        grant_products: Vec::new().into(),
        grant_channel: None,
        grant_tlp_ceiling: Tlp::Amber,
        grant_abroad: false,
        grant_state: GrantState::Confirmed,
        grant_proposed_by: "admin-1".to_owned(),
        grant_confirmed_by: Some("leader-1".to_owned()),
        grant_confirmed_at: Some(now),
        deleted_at: None,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: now,
        changed_at: now,
    }
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn a_wildcard_stands_for_whole_words() {
    for (patterns, kind, wanted) in [
        (&["event.*"][..], "event.scored", true),
        (&["event.*"], "event.status_changed", true),
        (&["event.*"], "eventful.scored", false),
        (&["event.*"], "report.received", false),
        (&["event.sc*"], "event.scored", false),
        (&["reply.changed"], "reply.changed", true),
        (&["reply.changed"], "reply.changed_again", false),
        (&["*"], "webhook.test", true),
        (&["report.*", "reply.sent"], "reply.sent", true),
        (&[], "reply.sent", false),
    ] {
        assert_eq!(subscribes(&texts(patterns), kind), wanted, "{patterns:?} {kind}");
    }
}

#[test]
fn a_pattern_that_means_nothing_is_refused_by_name() {
    assert_eq!(message_types("types", &texts(&["event.*", "*", "event.*"])).unwrap(), ["event.*", "*"]);
    for wrong in ["event", "event.sc*", "Event.*", "nothing.*", "event.*.x", "**", "", "e*"] {
        assert!(message_types("types", &texts(&[wrong])).is_err(), "{wrong}");
    }
    assert!(message_types("types", &[]).is_err());
}

#[test]
fn headers_cannot_break_out_or_take_the_deliverys_own() {
    let one = |name: &str, value: &str| headers([(name, value)].into_iter());
    assert!(one("X-Api-Key", "abc def").is_ok());
    for (name, value) in [
        ("Host", "a"),
        ("webhook-id", "a"),
        ("Content-Length", "1"),
        ("X Key", "a"),
        ("", "a"),
        ("X-Key", ""),
        ("X-Key", "a\r\nX-Other: b"),
        ("X-Key", " a"),
        ("X-Key", "密钥"),
    ] {
        assert!(one(name, value).is_err(), "{name}: {value}");
    }
    assert!(headers([("X-Key", "a"), ("x-key", "b")].into_iter()).is_err());
    let Err(Error::BadInput { message, .. }) = one("X-Key", "s3cret\u{7f}") else { panic!("refused") };
    assert!(!message.contains("s3cret"), "{message}");
}

#[test]
fn each_preset_has_its_own_secret() {
    assert_eq!(secret_source(WebhookPreset::Standard, None).unwrap(), SecretSource::Made);
    assert_eq!(secret_source(WebhookPreset::DingTalk, Some("SECabc123")).unwrap(), SecretSource::Given);
    assert_eq!(secret_source(WebhookPreset::WeCom, None).unwrap(), SecretSource::None);
    assert!(secret_source(WebhookPreset::Standard, Some("SECabc123")).is_err());
    assert!(secret_source(WebhookPreset::Slack, Some("SECabc123")).is_err());
    assert!(secret_source(WebhookPreset::Feishu, Some("short")).is_err());
}

#[test]
fn a_grant_names_exactly_what_its_role_is_scoped_by() {
    let fields = |endpoint: &webhook_endpoint::Model, role| {
        check(endpoint, role).into_iter().map(|refusal| refusal.field.unwrap()).collect::<Vec<_>>()
    };
    assert!(fields(&endpoint(), Role::Analyst).is_empty());
    assert_eq!(fields(&endpoint(), Role::Engineer), ["grant.products"]);
    assert_eq!(fields(&endpoint(), Role::Src), ["grant.channel"]);
    assert_eq!(fields(&endpoint(), Role::Legal), ["grant.role"]);
    let scoped = webhook_endpoint::Model {
        grant_products: texts(&["core-router"]).into(),
        grant_channel: Some("src".to_owned()),
        ..endpoint()
    };
    assert_eq!(fields(&scoped, Role::Analyst), ["grant.products", "grant.channel"]);
    let red = webhook_endpoint::Model { tlp_ceiling: Tlp::Red, grant_tlp_ceiling: Tlp::Red, ..endpoint() };
    assert_eq!(fields(&red, Role::Leader), ["grant.tlpCeiling", "tlpCeiling"]);
    let bot = webhook_endpoint::Model {
        preset: WebhookPreset::Feishu,
        payload: WebhookPayload::Full,
        ..endpoint()
    };
    assert_eq!(fields(&bot, Role::Analyst), ["payload"]);
}

#[test]
fn what_a_role_may_not_read_filters_nothing() {
    let filtered = webhook_endpoint::Model {
        channel_ids: texts(&["00000000-0000-0000-0000-000000000001"]).into(),
        lines: texts(&["router"]).into(),
        min_level: Some(entity::vocabulary::Level::Red),
        grant_channel: Some("src".to_owned()),
        ..endpoint()
    };
    for (role, refused) in [
        (Role::Src, &["channels", "lines", "minLevel"][..]),
        (Role::Ticketing, &["grant.channel", "channels", "minLevel"]),
        (Role::Finance, &["grant.channel", "channels", "lines"]),
        (Role::Analyst, &["grant.channel"]),
    ] {
        let found: Vec<_> =
            check(&filtered, role).into_iter().map(|refusal| refusal.field.unwrap()).collect();
        assert_eq!(found, refused, "{role:?}");
    }
}

#[test]
fn what_widens_the_grant_is_confirmed_anew() {
    let before = endpoint();
    let after = |change: fn(&mut webhook_endpoint::Model)| {
        let mut after = endpoint();
        change(&mut after);
        needs_confirmation(&before, &after)
    };
    assert!(after(|endpoint| endpoint.url.push('2')));
    assert!(after(|endpoint| endpoint.sealed_url = Some(vec![1])));
    assert!(after(|endpoint| endpoint.grant_role = "LEADER".to_owned()));
    assert!(after(|endpoint| endpoint.grant_products.0.push("x".to_owned())));
    assert!(after(|endpoint| endpoint.grant_channel = Some("src".to_owned())));
    assert!(after(|endpoint| endpoint.grant_tlp_ceiling = Tlp::Green));
    assert!(after(|endpoint| endpoint.grant_abroad = true));
    assert!(after(|endpoint| endpoint.payload = WebhookPayload::Full));
    assert!(after(|endpoint| endpoint.tlp_ceiling = Tlp::AmberStrict));
    assert!(!after(|endpoint| endpoint.tlp_ceiling = Tlp::Green));
    assert!(!after(|endpoint| endpoint.name.push('2')));
    assert!(!after(|endpoint| endpoint.message_types.0.clear()));
}

#[test]
fn a_grant_is_confirmed_once_by_somebody_else() {
    let proposed = webhook_endpoint::Model { grant_state: GrantState::Proposed, ..endpoint() };
    assert!(may_confirm(&proposed, "leader-1").is_none());
    assert_eq!(may_confirm(&proposed, "admin-1").unwrap().code, RefusalCode::FourEyes);
    let revoked = webhook_endpoint::Model { grant_state: GrantState::Revoked, ..endpoint() };
    assert_eq!(may_confirm(&revoked, "leader-1").unwrap().code, RefusalCode::Frozen);
    assert_eq!(may_confirm(&endpoint(), "leader-1").unwrap().code, RefusalCode::Frozen);
}

#[test]
fn only_an_active_endpoint_pauses_and_a_stopped_one_resumes() {
    let may = |state, to| may_turn(&webhook_endpoint::Model { state, ..endpoint() }, to).is_none();
    use EndpointState::{Active, Disabled, Paused};
    assert!(may(Active, Paused) && may(Paused, Active) && may(Disabled, Active));
    assert!(!may(Active, Active) && !may(Paused, Paused) && !may(Disabled, Paused));
}

#[test]
fn the_lower_ceiling_counts() {
    let low = webhook_endpoint::Model { tlp_ceiling: Tlp::Green, ..endpoint() };
    assert_eq!(ceiling(&low), Tlp::Green);
    let granted = webhook_endpoint::Model { grant_tlp_ceiling: Tlp::Clear, ..endpoint() };
    assert_eq!(ceiling(&granted), Tlp::Clear);
}
