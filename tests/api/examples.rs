//! The queries that the page offers are answered to the role that each is offered to.

use serde_json::Value;
use vulndesk::auth::Role;

use crate::harness::TestApp;

/// The page's examples: the name of a role and its query. Two of them are one text for several roles.
fn examples() -> Vec<(String, String)> {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("web/src/examples.ts");
    let text = std::fs::read_to_string(file).unwrap();
    let literal = |after: &str| after.split('`').nth(1).unwrap().to_owned();
    let shared = |name: &str| literal(text.split(&format!("const {name} = ")).nth(1).unwrap());
    let offered = text.split("role: \"").skip(1).filter_map(|rest| rest.split_once('"'));
    offered
        .map(|(role, rest)| {
            let (_, query) = rest.split_once("query: ").unwrap();
            let query = match query.split_once('(') {
                Some((name, _)) if ["assigned", "noEvents"].contains(&name) => {
                    shared(name).replace("${role}", role)
                }
                _ => literal(query),
            };
            (role.to_owned(), query)
        })
        .collect()
}

#[tokio::test]
async fn each_role_is_answered_its_example() {
    let app = TestApp::sqlite().await;
    app.with_company().await;
    app.receive("analyst-1", "cnvd", "CNVD-2026-00001", "AMBER").await;
    let examples = examples();
    let offered: Vec<_> = examples.iter().map(|(role, _)| role.as_str()).collect();
    assert_eq!(offered, Role::ALL.map(Role::name), "an example for each role");
    for (role, query) in examples {
        assert!(query.contains(&format!("query {role} ")), "{query}");
        let token = app.token_in_scope(role.parse().unwrap(), "somebody-1");
        let answer = app.graphql(&token, &query, Value::Null).await;
        assert!(answer["errors"].is_null(), "{role}: {answer}");
        assert!(
            answer["data"].as_object().unwrap().values().all(|value| !value.is_null()),
            "{role}: {answer}"
        );
    }
}
