//! Advisories: who may write one, what it says, and what it never says.

use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::harness::{TestApp, on_both};
use crate::replies::secretive;
use crate::sides::records;
use crate::story::{Story, scored};

const EXPORT: &str = "query($number: String!, $format: AdvisoryFormat!, $language: AdvisoryLanguage! = EN) {
    exportAdvisory(number: $number, format: $format, language: $language) {
        advisory { format text mediaType fileName version } userErrors { code field message } } }";

const FORMATS: [&str; 4] = ["CSAF_2_0", "CSAF_2_1", "CVE_5_1", "OSV"];

/// What stands inside and never in an advisory.
const INSIDE: [&str; 12] = [
    "Grace Whistle",
    "whistle.example",
    "INTERNAL-WORD",
    "RAW-OF-ANOTHER",
    "Own title",
    "Own text",
    "RATIONALE-WORD",
    "MESSAGE-WORD",
    "Send the file",
    "REASON-WORD",
    "SOURCE-WORD",
    "analyst-1",
];

async fn export(app: &TestApp, token: &str, number: &str, format: &str) -> Value {
    let answer = app.graphql(token, EXPORT, json!({ "number": number, "format": format })).await;
    assert!(answer["errors"].is_null(), "{answer}");
    answer["data"]["exportAdvisory"].clone()
}

/// The document; it has to be written.
async fn document(app: &TestApp, token: &str, number: &str, format: &str) -> (Value, String) {
    let exported = export(app, token, number, format).await;
    assert_eq!(exported["userErrors"], json!([]), "{format}: {exported}");
    let text = exported["advisory"]["text"].as_str().unwrap().to_owned();
    (serde_json::from_str(&text).unwrap(), text)
}

/// Codes and words of what it lacks.
async fn lacks(app: &TestApp, token: &str, number: &str, format: &str) -> (Vec<String>, String) {
    let exported = export(app, token, number, format).await;
    assert!(exported["advisory"].is_null(), "{format}: {exported}");
    let errors = exported["userErrors"].as_array().unwrap();
    let text = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
    let codes = errors.iter().map(|error| text(error, "code")).collect();
    (codes, errors.iter().map(|error| text(error, "message")).collect::<Vec<_>>().join(" "))
}

/// The event with something of everything that must stay inside, its versions said, and a second product.
async fn told(app: &TestApp) -> Story<'_> {
    let story = secretive(app).await;
    let analyst = app.token(Role::Analyst, "analyst-1");
    let rows = story.look("affectedProducts { version product { id } }").await["affectedProducts"][0].clone();
    let affected = json!({
        "event": story.event, "product": rows["product"]["id"], "expectedVersion": rows["version"],
        "state": "AFFECTED", "reason": "REASON-WORD", "affectedVersions": "4.9.1, >= 5.0 < 5.2",
    });
    app.made(&analyst, "setAffectedProduct", affected, "id").await;
    vouch(&story, &story.report, "CVE-2026-2000").await;
    story
}

/// Has an analyst vouch for a CVE number of a report.
async fn vouch(story: &Story<'_>, report: &str, number: &str) {
    let analyst = story.app.token(Role::Analyst, "analyst-1");
    let said = json!({ "report": report, "kind": "CVE", "value": number });
    story.app.made(&analyst, "addIndicator", said, "id").await;
}

/// The number of an event on core-router, which is there, of which an advisory can be written.
pub(crate) async fn ready(app: &TestApp) -> String {
    let story = Story::receive(app, "ADVISORY-1", json!({})).await;
    let words = json!({ "title": "Overflow in the parser", "description": "A parser trusts lengths" });
    story.analyst("describeEvent", words).await;
    story.confirm().await;
    let admin = app.token(Role::Admin, "admin-1");
    let products = app.graphql(&admin, "{ products(first: 100) { nodes { id key } } }", Value::Null).await;
    let nodes = products["data"]["products"]["nodes"].as_array().unwrap();
    let router = nodes.iter().find(|node| node["key"] == "core-router").unwrap();
    story.product(router["id"].as_str().unwrap(), "AFFECTED").await;
    story.number
}

#[tokio::test]
async fn an_advisory_says_what_is_public_and_nothing_from_inside() {
    on_both(|app| async move {
        let story = told(&app).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let severity = json!({
            "source": "OURS", "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "cwe": ["CWE-787"],
        });
        story.analyst("assessSeverity", severity).await;
        let theirs = json!({ "source": "THEIRS", "sourceName": "SOURCE-WORD", "vector": "CVSS:3.1/AV:L/AC:L/PR:N/UI:N/S:U/C:L/I:L/A:L" });
        story.analyst("assessSeverity", theirs).await;
        story.analyst("setTlp", json!({ "tlp": "CLEAR" })).await;
        let fact = json!({ "kind": "PUBLICLY_KNOWN", "learnedAt": "2026-03-01T00:00:00Z", "source": "SOURCE-WORD" });
        story.analyst("recordWorldFact", fact).await;
        for format in FORMATS {
            let (_, text) = document(&app, &analyst, &story.number, format).await;
            for word in INSIDE {
                assert!(!text.contains(word), "{format} says {word}: {text}");
            }
            for word in ["Overflow in the parser", "A parser trusts lengths", "CVE-2026-2000", "CVSS:3.1/AV:N"] {
                assert!(text.contains(word), "{format} lacks {word}: {text}");
            }
            assert!(!text.contains("CVE-2026-1000"), "that is no number: {text}");
        }
        let (csaf, _) = document(&app, &analyst, &story.number, "CSAF_2_1").await;
        let vulnerability = &csaf["vulnerabilities"][0];
        assert_eq!(
            vulnerability["product_status"],
            json!({ "known_affected": ["core-router:4.9.1", "core-router:>=5.0|<5.2"] })
        );
        assert_eq!(vulnerability["metrics"][0]["content"]["cvss_v3"]["baseScore"].to_string(), "9.8");
        assert_eq!(vulnerability["remediations"][0]["category"], "none_available");
        assert_eq!(csaf["document"]["distribution"]["tlp"]["label"], "CLEAR");
        assert_eq!(csaf["document"]["tracking"]["id"], json!(story.number));
        let (old, _) = document(&app, &analyst, &story.number, "CSAF_2_0").await;
        assert_eq!(old["document"]["distribution"]["tlp"]["label"], "WHITE");
        let (osv, _) = document(&app, &analyst, &story.number, "OSV").await;
        assert_eq!(osv["affected"][0]["versions"], json!(["4.9.1"]));
        assert_eq!(osv["affected"][0]["ranges"][0]["events"], json!([{ "introduced": "5.0.0" }, { "fixed": "5.2.0" }]));
    })
    .await;
}

#[tokio::test]
async fn its_version_rises_with_each_change_of_what_it_says_once_it_was_published() {
    on_both(|app| async move {
        let story = told(&app).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let tracking = async || {
            let (csaf, _) = document(&app, &analyst, &story.number, "CSAF_2_1").await;
            let tracking = &csaf["document"]["tracking"];
            let history = tracking["revision_history"].as_array().unwrap().len();
            (
                tracking["status"].as_str().unwrap().to_owned(),
                tracking["version"].as_str().unwrap().to_owned(),
                history,
            )
        };
        assert_eq!(tracking().await, ("draft".to_owned(), "0".to_owned(), 1));
        app.advance(chrono::TimeDelta::minutes(1));
        story.analyst("describeEvent", json!({ "description": "A parser trusts lengths." })).await;
        assert_eq!(tracking().await.1, "0", "still a draft");
        app.advance(chrono::TimeDelta::minutes(1));
        story.analyst("setTlp", json!({ "tlp": "CLEAR" })).await;
        let fact =
            json!({ "kind": "PUBLICLY_KNOWN", "learnedAt": "2026-03-01T00:00:00Z", "source": "press" });
        story.analyst("recordWorldFact", fact).await;
        assert_eq!(tracking().await, ("interim".to_owned(), "1".to_owned(), 1));
        app.advance(chrono::TimeDelta::minutes(1));
        story.analyst("scoreEvent", scored("5")).await;
        assert_eq!(tracking().await.1, "1", "it says nothing of the score");
        story.analyst("describeEvent", json!({ "description": "A parser trusts the lengths." })).await;
        assert_eq!(tracking().await, ("interim".to_owned(), "2".to_owned(), 2));
    })
    .await;
}

#[tokio::test]
async fn its_version_follows_embargoes_names_and_the_status_as_well() {
    on_both(|app| async move {
        let story = told(&app).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let tracking = async || {
            let (csaf, _) = document(&app, &analyst, &story.number, "CSAF_2_1").await;
            csaf["document"]["tracking"].clone()
        };
        story.analyst("setTlp", json!({ "tlp": "CLEAR" })).await;
        let fact =
            json!({ "kind": "PUBLICLY_KNOWN", "learnedAt": "2026-03-01T00:00:00Z", "source": "press" });
        story.analyst("recordWorldFact", fact).await;
        let mut history = tracking().await["revision_history"].clone();
        let known = async |history: &mut Value, summary: &str| {
            let tracking = tracking().await;
            let all = tracking["revision_history"].as_array().unwrap().clone();
            let (last, before) = all.split_last().unwrap();
            assert_eq!((&json!(before), &last["summary"]), (&*history, &json!(summary)), "{tracking}");
            assert_eq!(tracking["version"], last["number"]);
            assert_eq!(tracking["current_release_date"], last["date"]);
            *history = json!(all);
        };
        let products = async |input: Value| {
            let admin = app.token(Role::Admin, "admin-1");
            let rows = story.look("affectedProducts { product { id version } }").await;
            let product = rows["affectedProducts"][0]["product"].clone();
            let mut update = json!({ "product": product["id"], "expectedVersion": product["version"] });
            update.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
            app.made(&admin, "updateProduct", update, "id").await;
        };
        app.advance(chrono::TimeDelta::minutes(1));
        products(json!({ "customerCoverage": "banks" })).await;
        assert_eq!(tracking().await["revision_history"], history, "it says nothing of that");
        products(json!({ "name": "Core Router X" })).await;
        known(&mut history, "Product name changed").await;
        app.advance(chrono::TimeDelta::minutes(1));
        products(json!({ "providerEntity": "Example Networks Ltd" })).await;
        known(&mut history, "Product name changed").await;
        // While an embargo holds a document that says CLEAR is refused: its beginning and its end are versions of the next one.
        app.advance(chrono::TimeDelta::minutes(1));
        let began = app.now();
        let end = began + chrono::TimeDelta::minutes(30);
        story.analyst("setEmbargo", json!({ "until": end, "reason": "coordinated" })).await;
        let (codes, words) = lacks(&app, &analyst, &story.number, "CSAF_2_1").await;
        assert_eq!(codes, ["CONTRADICTION"], "{words}");
        app.advance(chrono::TimeDelta::minutes(31));
        let all = tracking().await["revision_history"].as_array().unwrap().clone();
        let text = |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let dates: Vec<_> = all[all.len() - 2..].iter().map(|one| one["date"].clone()).collect();
        assert_eq!(dates, [json!(text(began)), json!(text(end))]);
        assert!(all.iter().rev().take(2).all(|one| one["summary"] == "Disclosure changed"), "{all:?}");
    })
    .await;
}

#[tokio::test]
async fn a_number_that_a_text_mentions_is_none_of_the_advisory_until_a_person_says_so() {
    on_both(|app| async move {
        let story = told(&app).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        story.analyst("setTlp", json!({ "tlp": "CLEAR" })).await;
        let fact =
            json!({ "kind": "PUBLICLY_KNOWN", "learnedAt": "2026-03-01T00:00:00Z", "source": "press" });
        story.analyst("recordWorldFact", fact).await;
        let known = async || {
            let (csaf, text) = document(&app, &analyst, &story.number, "CSAF_2_1").await;
            let cve = csaf["vulnerabilities"][0]["cve"].clone();
            (csaf["document"]["tracking"]["version"].as_str().unwrap().to_owned(), cve, text)
        };
        assert_eq!(known().await.1, "CVE-2026-2000");
        // What a finder gives is their word: a person vouches for it or not.
        app.advance(chrono::TimeDelta::minutes(1));
        let finder = json!({
            "channel": "src", "number": "SRC-2", "title": "RAW-OF-ANOTHER title", "text": "RAW-OF-ANOTHER text",
            "indicators": [{ "kind": "CVE", "value": "CVE-2026-6000" }], "joinEvent": story.event,
        });
        let theirs = app.made(&analyst, "receiveReport", finder, "id").await;
        let (version, cve, text) = known().await;
        assert_eq!((version.as_str(), cve), ("1", json!("CVE-2026-2000")), "{text}");
        assert!(!text.contains("CVE-2026-6000"), "{text}");
        // The database sends its notice again, and it mentions another vulnerability.
        app.advance(chrono::TimeDelta::minutes(1));
        let again = |text: &str, given: Value| {
            json!({
                "channel": "cnvd", "number": "CNVD-2026-00001", "title": "Own title", "text": text,
                "indicators": given,
            })
        };
        let mentions = again("Own text. It is like CVE-2021-44228.", json!([]));
        let report = app.made(&analyst, "receiveReport", mentions, "id").await;
        let (version, cve, text) = known().await;
        assert_eq!(
            (version.as_str(), cve),
            ("1", json!("CVE-2026-2000")),
            "nothing that it says has changed"
        );
        assert!(!text.contains("44228"), "{text}");
        let (record, _) = document(&app, &analyst, &story.number, "CVE_5_1").await;
        assert_eq!(record["cveMetadata"]["cveId"], "CVE-2026-2000");
        // What an arrival gives changes the document, and is a version.
        app.advance(chrono::TimeDelta::minutes(1));
        let given = json!([{ "kind": "CVE", "value": "CVE-2026-3000" }]);
        app.made(&analyst, "receiveReport", again("Own text once more.", given), "id").await;
        assert_eq!((known().await.0.as_str(), known().await.1), ("2", Value::Null), "there are two");
        let (_, words) = lacks(&app, &analyst, &story.number, "CVE_5_1").await;
        assert!(words.contains("CVE-2026-2000, CVE-2026-3000") && !words.contains("44228"), "{words}");
        // Said by a person, it is the event's.
        app.advance(chrono::TimeDelta::minutes(1));
        let said = json!({ "report": report["id"], "kind": "CVE", "value": " cve-2021-44228" });
        let said = app.made(&analyst, "addIndicator", said, "value source addedBy").await;
        assert_eq!(said, json!({ "value": "CVE-2021-44228", "source": "ADDED", "addedBy": "analyst-1" }));
        assert_eq!(known().await.0, "3");
        let (_, words) = lacks(&app, &analyst, &story.number, "CVE_5_1").await;
        assert!(words.contains("CVE-2021-44228, CVE-2026-2000, CVE-2026-3000"), "{words}");
        app.advance(chrono::TimeDelta::minutes(1));
        let vouched = json!({ "report": theirs["id"], "kind": "CVE", "value": "CVE-2026-6000" });
        let vouched = app.made(&analyst, "addIndicator", vouched, "id source addedBy").await;
        assert_eq!((&vouched["source"], &vouched["addedBy"]), (&json!("GIVEN"), &json!("analyst-1")));
        assert_eq!(known().await.0, "4");
        let (_, words) = lacks(&app, &analyst, &story.number, "CVE_5_1").await;
        assert!(words.contains("CVE-2026-6000"), "{words}");
        app.advance(chrono::TimeDelta::minutes(1));
        app.made(&analyst, "dismissIndicator", json!({ "indicator": vouched["id"] }), "id").await;
        assert_eq!(known().await.0, "5");
    })
    .await;
}

#[tokio::test]
async fn its_sharing_level_is_never_widened() {
    on_both(|app| async move {
        let story = told(&app).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let label = async |format: &str| {
            let (csaf, _) = document(&app, &analyst, &story.number, format).await;
            csaf["document"]["distribution"]["tlp"]["label"].as_str().unwrap().to_owned()
        };
        for (tlp, old, new) in [("GREEN", Some("GREEN"), "GREEN"), ("AMBER_STRICT", None, "AMBER+STRICT"), ("AMBER", Some("AMBER"), "AMBER"), ("RED", Some("RED"), "RED")] {
            story.analyst("setTlp", json!({ "tlp": tlp })).await;
            assert_eq!(label("CSAF_2_1").await, new);
            match old {
                Some(old) => assert_eq!(label("CSAF_2_0").await, old),
                None => {
                    let (codes, words) = lacks(&app, &analyst, &story.number, "CSAF_2_0").await;
                    assert_eq!(codes, ["CONTRADICTION"], "{words}");
                    assert!(words.contains("CSAF 2.1") && words.contains("setTlp"), "{words}");
                }
            }
            for format in ["CVE_5_1", "OSV"] {
                let (codes, words) = lacks(&app, &analyst, &story.number, format).await;
                assert!(codes.contains(&"NEEDS_LEADER".to_owned()), "{tlp} {format}: {words}");
            }
        }
        // A level alone makes nothing public, and neither does the world while an embargo holds.
        let leader = app.token(Role::Leader, "leader-1");
        story.step(&leader, "setTlp", json!({ "tlp": "CLEAR" })).await;
        let embargo = json!({ "until": "2026-03-05T00:00:00Z", "reason": "coordinated" });
        for setting in [None, Some(embargo)] {
            if let Some(embargo) = setting {
                let fact = json!({ "kind": "PUBLICLY_KNOWN", "learnedAt": "2026-03-01T00:00:00Z", "source": "press" });
                story.analyst("recordWorldFact", fact).await;
                story.analyst("setEmbargo", embargo).await;
            }
            for format in ["CSAF_2_0", "CSAF_2_1"] {
                let (codes, words) = lacks(&app, &analyst, &story.number, format).await;
                assert_eq!(codes, ["CONTRADICTION"], "{words}");
            }
        }
        app.clock.set("2026-03-05T00:00:00Z".parse().unwrap());
        let analyst = app.token(Role::Analyst, "analyst-1");
        let (csaf, _) = document(&app, &analyst, &story.number, "CSAF_2_1").await;
        assert_eq!(csaf["vulnerabilities"][0]["disclosure_date"], "2026-03-05T00:00:00Z", "its end is when it was");
    })
    .await;
}

#[tokio::test]
async fn who_may_not_see_the_event_gets_what_one_gets_for_no_event() {
    on_both(|app| async move {
        let story = told(&app).await;
        let outsiders = [
            app.mint(&[Role::Engineer], "engineer-9", &["home-camera"], None),
            app.token(Role::Legal, "legal-9"),
            app.token(Role::PublicRelations, "public-relations-9"),
            app.token(Role::Support, "support-9"),
            app.token(Role::AccountManager, "account-manager-9"),
        ];
        for token in &outsiders {
            for number in [story.number.as_str(), "VE-2026-999999"] {
                for format in FORMATS {
                    assert_eq!(export(&app, token, number, format).await, Value::Null);
                }
            }
        }
        for role in [Role::Reporter, Role::Src, Role::Finance, Role::Ticketing, Role::Admin] {
            let token = app.token_in_scope(role, "grace-subject");
            let codes = async |number: &str| {
                let answer =
                    app.graphql(&token, EXPORT, json!({ "number": number, "format": "CSAF_2_1" })).await;
                (answer["errors"][0]["extensions"]["code"].clone(), answer["errors"][0]["message"].clone())
            };
            let hidden = codes(&story.number).await;
            assert_eq!(hidden.0, "FORBIDDEN", "{role}");
            assert_eq!(hidden, codes("VE-2026-999999").await, "{role}");
        }
        // Those on the event, and the engineer of its product, may.
        story.assign("PUBLIC_RELATIONS", "public-relations-9", None).await;
        for token in [
            &outsiders[2],
            &app.token_in_scope(Role::Engineer, "engineer-1"),
            &app.token(Role::Auditor, "auditor-1"),
        ] {
            document(&app, token, &story.number, "CSAF_2_1").await;
        }
        story.analyst("setTlp", json!({ "tlp": "RED" })).await;
        for token in [app.token_in_scope(Role::Engineer, "engineer-1"), app.token(Role::Analyst, "analyst-2")]
        {
            assert_eq!(export(&app, &token, &story.number, "CSAF_2_1").await, Value::Null);
        }
    })
    .await;
}

#[tokio::test]
async fn a_read_of_a_sensitive_event_is_recorded_also_where_a_document_lacks_something() {
    on_both(|app| async move {
        let story = told(&app).await;
        let leader = app.token(Role::Leader, "leader-7");
        document(&app, &leader, &story.number, "CSAF_2_1").await;
        story
            .analyst("setEmbargo", json!({ "until": "2026-03-05T00:00:00Z", "reason": "coordinated" }))
            .await;
        let of_leader =
            async || records(&app).await.into_iter().filter(|(actor, _)| actor == "leader-7").count();
        assert_eq!(of_leader().await, 0);
        document(&app, &leader, &story.number, "CSAF_2_1").await;
        assert_eq!(of_leader().await, 1);
        lacks(&app, &leader, &story.number, "OSV").await;
        assert_eq!(of_leader().await, 2);
    })
    .await;
}

#[tokio::test]
async fn what_is_missing_is_named_and_versions_are_not_guessed() {
    on_both(|app| async move {
        app.with_company().await;
        let story = Story::receive(&app, "CNVD-1", json!({})).await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let (codes, words) = lacks(&app, &analyst, &story.number, "CSAF_2_1").await;
        assert_eq!(codes, ["MISSING_FACT"; 4], "{words}");
        for mutation in ["giveVerdict", "describeEvent", "setAffectedProduct"] {
            assert!(words.contains(mutation), "{words}");
        }
        assert!(!words.contains("A hole"), "the title as received: {words}");
        let product = app.with_core_router().await;
        story
            .analyst("describeEvent", json!({ "title": "A flaw", "description": "A parser trusts lengths" }))
            .await;
        story.confirm().await;
        let set = async |versions: &str, version: Option<i32>| {
            let input = json!({
                "event": story.event, "product": product, "state": "AFFECTED", "expectedVersion": version,
                "affectedVersions": versions,
            });
            app.made(&analyst, "setAffectedProduct", input, "id").await;
        };
        set("the older ones", None).await;
        let (codes, words) = lacks(&app, &analyst, &story.number, "CSAF_2_1").await;
        assert_eq!(codes, ["MISSING_FACT"]);
        assert!(words.contains("the older ones") && words.contains("core-router"), "{words}");
        set("5.2 之前版本", Some(1)).await;
        let (csaf, _) = document(&app, &analyst, &story.number, "CSAF_2_1").await;
        let branch = &csaf["product_tree"]["branches"][0]["branches"][0]["branches"][0];
        assert_eq!(
            (&branch["category"], &branch["name"]),
            (&json!("product_version_range"), &json!("vers:generic/<5.2"))
        );
    })
    .await;
}
