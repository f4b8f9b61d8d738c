//! What is sent again is not done again.

use serde_json::{Value, json};
use vulndesk::auth::Role;

use crate::harness::on_both;

#[tokio::test]
async fn a_creation_sent_again_answers_what_the_first_one_made() {
    on_both(|product| async move {
        product.with_company().await;
        let admin = product.token(Role::Admin, "admin-1");
        let band = |level: &str, from: &str, to: &str| json!({ "level": level, "from": from, "to": to });
        let creations = [
            ("createChannel", "CreateChannel", "channel { id }", json!({
                "key": "phone", "name": "Phone", "kind": "CUSTOMER", "jurisdiction": "CN", "abroad": false,
                "replyRequired": false,
            })),
            ("createCustomer", "CreateCustomer", "customer { id }", json!({
                "key": "bank", "name": "A bank", "abroad": false,
            })),
            ("createProduct", "CreateProduct", "product { id }", json!({
                "key": "core-switch", "name": "Core Switch", "line": "switch", "ownerTeam": "switch-team",
                "providerEntity": "Example Networks", "kind": "PRODUCT", "importance": "5.0", "reach": "5.0",
                "assetTier": "GENERAL", "lifecycle": "SUPPORTED",
            })),
            ("addDuty", "AddDuty", "duty { id }", json!({
                "function": "LEGAL", "subject": "legal-1",
                "startsAt": "2026-03-02T00:00:00Z", "endsAt": "2026-03-09T00:00:00Z",
            })),
            ("createRatingPolicy", "CreateRatingPolicy", "ratingPolicy { id }", json!({
                "productImportance": "10.0", "productReach": "20.0", "publicOpinion": "30.0",
                "exploitConditions": "10.0", "actualImpact": "30.0",
                "bands": [
                    band("NONE", "0.0", "2.9"), band("BLUE", "3.0", "6.9"), band("YELLOW", "7.0", "7.9"),
                    band("ORANGE", "8.0", "8.9"), band("RED", "9.0", "10.0"),
                ],
            })),
        ];
        for (mutation, kind, fields, mut input) in creations {
            input["idempotencyKey"] = json!("once");
            let first = product.done(&admin, mutation, kind, input.clone(), fields).await;
            let again = product.done(&admin, mutation, kind, input, fields).await;
            assert_eq!(first, again, "{mutation}");
        }
    })
    .await;
}

#[tokio::test]
async fn events_are_related_once_from_whichever_side_it_is_said() {
    on_both(|product| async move {
        product.with_company().await;
        let analyst = product.token(Role::Analyst, "analyst-1");
        let one = product.receive("analyst-1", "cnvd", "CNVD-1", "AMBER").await.event;
        let other = product.receive("analyst-1", "cnvd", "CNVD-2", "AMBER").await.event;
        for (event, other) in [(&one, &other), (&one, &other), (&other, &one)] {
            let input = json!({ "event": event, "other": other });
            product.done(&analyst, "linkEvents", "LinkEvents", input, "event { id }").await;
        }
        let query = "query($id: ID!) { node(id: $id) { ... on Event { relatedEvents { id } } } }";
        let links: Value = product.graphql(&analyst, query, json!({ "id": one })).await;
        assert_eq!(links["data"]["node"]["relatedEvents"], json!([{ "id": other }]), "{links}");
    })
    .await;
}
