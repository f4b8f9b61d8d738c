//! What is read ahead is what is read one by one: a page answers of each field what a look at the thing itself answers.

use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::harness::on_both;
use crate::leaks::schema_of;
use crate::rich;

#[tokio::test]
async fn each_field_alone_answers_on_a_page_what_it_answers_of_the_thing_itself() {
    on_both(|app| async move {
        let story = rich::event(&app, "src", "AMBER").await;
        rich::money(&app, &story).await;
        let schema = schema_of(&app).await;
        let fields = schema.single_fields("Event", 2);
        assert!(fields.len() > 200, "{}", fields.len());
        for role in [Role::Leader, Role::Engineer] {
            let token =
                app.token_in_scope(role, if role == Role::Engineer { "engineer-1" } else { "leader-1" });
            for field in &fields {
                let page = format!("{{ events(first: 5) {{ nodes {{ id {field} }} }} }}");
                let page = app.graphql(&token, &page, Value::Null).await;
                let nodes =
                    page["data"]["events"]["nodes"].as_array().unwrap_or_else(|| panic!("{field}: {page}"));
                let listed = nodes.iter().find(|node| node["id"] == story.event).unwrap();
                // What is found by its id is read as a whole, and what hangs on it by the loaders.
                let one = format!("query($id: ID!) {{ node(id: $id) {{ ... on Event {{ id {field} }} }} }}");
                let one = app.graphql(&token, &one, json!({ "id": story.event })).await;
                assert_eq!(*listed, one["data"]["node"], "{role:?}: {field}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_page_with_what_hangs_on_its_events_is_one_statement() {
    on_both(|app| async move {
        let story = rich::event(&app, "src", "AMBER").await;
        let leader = app.token(Role::Leader, "leader-1");
        let fields = "id title affectedProducts { state product { name } } currentScore { rounded } \
            assignments { subject state } replies { kind state channel { name } } reports { channelName } \
            verdicts { verdict } team { subject } statusChanges { toStatus } obligations { kind } deadlines { kind }";
        let page = format!("{{ events {{ nodes {{ {fields} }} edges {{ node {{ tlp }} }} }} }}");
        let one = format!("query($number: String!) {{ event(number: $number) {{ {fields} }} }}");
        let number = story.look("number").await["number"].clone();
        for (document, variables) in [(page, Value::Null), (one, json!({ "number": number }))] {
            let (answer, sql) = app.sql_of(app.graphql(&leader, &document, variables)).await;
            assert!(answer["errors"].is_null(), "{answer}");
            let of_the_answer: Vec<_> = sql.iter().filter(|sql| !sql.contains("denied")).collect();
            assert_eq!(of_the_answer.len(), 1, "{of_the_answer:#?}");
        }
    })
    .await;
}
