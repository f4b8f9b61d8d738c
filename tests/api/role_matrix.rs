//! Who may call what, found by calling everything as everybody.

use std::fmt::Write;

use serde_json::Value;
use vulndesk::auth::Role;

use crate::generate::{INTROSPECTION, Schema};
use crate::harness::TestApp;

/// How an answer reads in the matrix: `-` when the role may never, `yes` when something else decides.
fn outcome(answer: &Value) -> &'static str {
    let codes =
        answer["errors"].as_array().into_iter().flatten().map(|error| error["extensions"]["code"].as_str());
    let mut outcome = "yes";
    for code in codes {
        match code {
            Some("FORBIDDEN") => return "-",
            Some("NOT_FOUND" | "BAD_USER_INPUT" | "CONFLICT") => {}
            // An id of another kind would hide whether the role may: name the argument in generate.rs.
            other => panic!("unexpected code {other:?} in {answer}"),
        }
        outcome = "yes";
    }
    outcome
}

#[tokio::test]
async fn every_operation_is_refused_to_whom_the_snapshot_says() {
    let app = TestApp::sqlite().await;
    let admin = app.token(Role::Admin, "admin-1");
    let schema = Schema::new(&app.graphql(&admin, INTROSPECTION, Value::Null).await);
    let mut matrix = String::new();
    for (kind, root) in [("query", "Query"), ("mutation", "Mutation")] {
        for field in schema.fields_of(root) {
            let (document, variables) = schema.operation(kind, &field, 1);
            let mut may = Vec::new();
            for role in Role::ALL {
                let token = app.token(role, &format!("{}-1", role.name().to_lowercase()));
                let answer = app.graphql(&token, &document, variables.clone()).await;
                if outcome(&answer) == "yes" {
                    may.push(role.name());
                }
            }
            let _ = writeln!(matrix, "{kind} {:24} {}", field.name, may.join(" "));
        }
    }
    insta::assert_snapshot!(matrix);
}
