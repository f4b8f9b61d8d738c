//! The schema as checked in is the schema as built, and says everything in both languages.

#![allow(clippy::unwrap_used, missing_docs)]

use serde_json::Value;

#[test]
fn the_checked_in_schema_is_the_present_one() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.graphql");
    let kept = std::fs::read_to_string(file).unwrap();
    assert!(
        kept == vulndesk::graphql::sdl(),
        "run `cargo run -- schema > schema.graphql` and review the difference"
    );
}

/// By the specification such a default makes leaving a field out the same as clearing it.
#[test]
fn no_input_defaults_to_null() {
    assert!(!vulndesk::graphql::sdl().contains("= null"));
}

#[test]
fn the_checked_in_words_for_receivers_are_the_present_ones() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/WEBHOOKS.md");
    let kept = std::fs::read_to_string(file).unwrap();
    assert!(
        kept == vulndesk::webhook::document::document(),
        "run `cargo run -- webhooks doc > docs/WEBHOOKS.md` and review the difference"
    );
}

#[test]
fn the_checked_in_moves_are_those_of_the_code() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/PROCEDURE.md");
    let kept = std::fs::read_to_string(file).unwrap();
    assert!(
        kept == vulndesk::event::document::document(),
        "run `cargo run -- moves doc > docs/PROCEDURE.md` and review the difference"
    );
}

#[tokio::test]
async fn everything_is_described_in_english_and_chinese() {
    let document =
        "{ __schema { types { kind name description fields { name description args { name description } }
        inputFields { name description } enumValues { name description } } } }";
    let answer = vulndesk::graphql::schema().execute(document).await.data.into_json().unwrap();
    let mut poor = Vec::new();
    let mut check = |path: String, described: &Value| {
        let text = described["description"].as_str().unwrap_or_default();
        let chinese = text.chars().any(|character| ('\u{4e00}'..='\u{9fff}').contains(&character));
        if !chinese || !text.chars().any(|character| character.is_ascii_alphabetic()) {
            poor.push(path);
        }
    };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    for kind in list(&answer["__schema"]["types"]) {
        let type_name = name(&kind);
        // The specification's own types are described by the library.
        if type_name.starts_with("__")
            || ["String", "Int", "Float", "Boolean", "ID", "DateTime", "NaiveDate"]
                .contains(&type_name.as_str())
        {
            continue;
        }
        check(type_name.clone(), &kind);
        for field in list(&kind["fields"]) {
            check(format!("{type_name}.{}", name(&field)), &field);
            // A mutation's one `input` is described by its type.
            for argument in list(&field["args"]).iter().filter(|argument| name(argument) != "input") {
                check(format!("{type_name}.{}({})", name(&field), name(argument)), argument);
            }
        }
        for field in list(&kind["inputFields"]).iter().chain(&list(&kind["enumValues"])) {
            check(format!("{type_name}.{}", name(field)), field);
        }
    }
    assert!(poor.is_empty(), "not described in both languages: {poor:#?}");
}

/// Mutations that say what is, so that saying it again changes nothing, or replaces what the first one made.
const NATURALLY_REPEATABLE: [&str; 21] = [
    "acceptPayout",
    "addIndicator",
    "allowPrincipal",
    "appealMultiPlatform",
    "appealPayout",
    "computeBonusRun",
    "confirmPayout",
    "createCalendarFeed",
    "denyPrincipal",
    "denyToken",
    "dismissIndicator",
    "failPayout",
    "linkCustomer",
    "linkEvents",
    "markNoticeRead",
    "markPayoutSynced",
    "removePlatformAccount",
    "setLeaderboardName",
    "setNoticeDigest",
    "unlinkCustomer",
    "withdrawReport",
];

#[tokio::test]
async fn every_mutation_can_be_sent_again_without_doing_it_twice() {
    let document = "{ __schema { mutationType { fields { name args { name type { ofType { inputFields { name } } } } } } } }";
    let answer = vulndesk::graphql::schema().execute(document).await.data.into_json().unwrap();
    let mut unsafe_to_repeat = Vec::new();
    for mutation in answer["__schema"]["mutationType"]["fields"].as_array().unwrap() {
        let fields = mutation["args"][0]["type"]["ofType"]["inputFields"].as_array().unwrap();
        let guarded = fields
            .iter()
            .any(|field| ["expectedVersion", "idempotencyKey"].contains(&field["name"].as_str().unwrap()));
        if !guarded {
            unsafe_to_repeat.push(mutation["name"].as_str().unwrap());
        }
    }
    unsafe_to_repeat.sort_unstable();
    assert_eq!(unsafe_to_repeat, NATURALLY_REPEATABLE);
}
