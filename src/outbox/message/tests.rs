use entity::vocabulary::DecisionKind;

use super::*;

#[test]
fn names_are_dotted_unique_and_found_again() {
    for (at, kind) in MessageKind::ALL.iter().enumerate() {
        assert_eq!(MessageKind::parse(kind.as_str()), Some(*kind));
        assert!(MessageKind::ALL[..at].iter().all(|other| other.as_str() != kind.as_str()), "{kind:?}");
        let parts: Vec<_> = kind.as_str().split('.').collect();
        let word = |part: &&str| part.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        assert!(parts.len() == 2 && parts.iter().all(word), "{kind:?}");
    }
}

#[test]
fn everything_is_described_in_both_languages() {
    for kind in MessageKind::ALL {
        let texts = kind.all_fields().into_iter().map(|field| field.description);
        for text in texts.chain([kind.description()]) {
            let chinese = text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
            assert!(chinese && text.starts_with(|c: char| c.is_ascii_alphabetic()), "{kind:?}: {text}");
        }
    }
}

#[test]
fn no_type_has_a_field_twice_and_what_is_not_always_there_is_not_required() {
    for kind in MessageKind::ALL {
        let fields = kind.all_fields();
        for (at, field) in fields.iter().enumerate() {
            let taken = fields[..at].iter().any(|other| other.name == field.name) || field.name == "content";
            assert!(!taken, "{kind:?}: {}", field.name);
        }
        let required = |name: &str| fields.iter().any(|field| field.name == name && field.required);
        let without_event = kind.audiences().iter().any(|audience| audience.facet.is_none());
        assert!(!(without_event && required("event")), "{kind:?} may be about no event");
    }
}

#[test]
fn content_is_described_where_there_is_some_and_has_what_is_described() {
    use content::{EventContent, ReportContent, ReportsContent};

    use crate::outbox::{Field, OrNull};

    let of = |kind: MessageKind| kind.content_schema().map(|schema| schema["anyOf"].is_array());
    assert_eq!(of(MessageKind::ReportReceived), Some(true), "told to the team and to its channel");
    assert_eq!(of(MessageKind::EventScored), Some(false));
    assert_eq!(of(MessageKind::WebhookTest), None);
    let report = ReportContent {
        report: Opaque::new(uuid::Uuid::nil()),
        channel_number: OrNull(None),
        status: entity::vocabulary::PublicStatus::Received,
        severity: OrNull(None),
    };
    let held = ReportsContent { reports: vec![report] }.value().unwrap();
    assert_eq!(held["reports"][0]["severity"], Value::Null, "there, and null");
    let schema = ReportsContent::schema();
    let items = &schema["properties"]["reports"]["items"];
    let named: Vec<_> = items["properties"].as_object().unwrap().keys().collect();
    assert_eq!(named, held["reports"][0].as_object().unwrap().keys().collect::<Vec<_>>());
    assert_eq!(items["required"].as_array().unwrap().len(), named.len(), "all is always there");
    let event = EventContent::schema();
    for described in [&event, &event["properties"]["products"]["items"], items] {
        let fields = described["properties"].as_object().unwrap().values();
        for text in fields.map(|field| field["description"].as_str().unwrap()) {
            assert!(text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{text}");
        }
    }
}

#[test]
fn data_have_the_fields_of_the_schema() {
    let message = DecisionChanged {
        decision: Opaque::new(uuid::Uuid::nil()),
        kind: DecisionKind::ReportAbroad,
        decided: false,
        granted: None,
        expiring: false,
    };
    let data = message.data();
    assert_eq!(data["kind"], "REPORT_ABROAD");
    assert!(data.get("granted").is_none(), "what is not known is left out: {data}");
    let schema = MessageKind::DecisionChanged.schema();
    let properties = &schema["properties"]["data"]["properties"];
    assert!(data.as_object().unwrap().keys().all(|name| properties.get(name).is_some()));
    assert!(properties["event"].is_object() && properties.get("reports").is_none());
    let required = schema["properties"]["data"]["required"].to_string();
    assert!(required.contains("decided") && !required.contains("granted"), "{required}");
    assert_eq!(MessageKind::DecisionChanged.example()["data"]["granted"], true);
    assert_eq!(camel_case("approved_on_duty"), "approvedOnDuty");
}
