//! One event on its way through the procedure, as an API's callers take it there.

use std::collections::HashMap;

use serde_json::{Value, json};
use tokio::sync::OnceCell;
use vulndesk::auth::Role;
use vulndesk::channel;
use vulndesk::ids::{Kind, encode};

use crate::harness::TestApp;

/// What a mutation takes and answers.
struct Mutation {
    input: String,
    /// Whether the input names a version that was seen.
    versioned: bool,
    /// The thing in the payload.
    thing: String,
}

/// Every mutation by its name.
async fn mutations() -> &'static HashMap<String, Mutation> {
    static MUTATIONS: OnceCell<HashMap<String, Mutation>> = OnceCell::const_new();
    MUTATIONS
        .get_or_init(|| async {
            let document = "{ __type(name: \"Mutation\") { fields { name
                args { type { ofType { name inputFields { name } } } } type { ofType { fields { name } } } } } }";
            let answer = vulndesk::graphql::schema().execute(document).await.data.into_json().unwrap();
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let fields = answer["__type"]["fields"].as_array().unwrap();
            let parts = fields.iter().map(|field| {
                let things = field["type"]["ofType"]["fields"].as_array().unwrap();
                let thing = things.iter().find(|thing| thing["name"] != "userErrors").unwrap();
                let input = &field["args"][0]["type"]["ofType"];
                let versioned =
                    input["inputFields"].as_array().unwrap().iter().any(|field| field["name"] == "expectedVersion");
                let mutation =
                    Mutation { input: text(&input["name"]), versioned, thing: text(&thing["name"]) };
                (text(&field["name"]), mutation)
            });
            parts.collect()
        })
        .await
}

impl TestApp {
    /// Calls `mutation` and answers its payload, or the whole answer when there is none.
    pub(crate) async fn call(&self, token: &str, mutation: &str, input: Value, fields: &str) -> Value {
        let Mutation { input: kind, thing, .. } = &mutations().await[mutation];
        self.change(token, mutation, kind, input, &format!("{thing} {{ {fields} }}")).await
    }

    /// Calls `mutation`, which has to be done, and answers the thing it changed.
    pub(crate) async fn made(&self, token: &str, mutation: &str, input: Value, fields: &str) -> Value {
        let payload = self.call(token, mutation, input, fields).await;
        assert_eq!(payload["userErrors"], json!([]), "{mutation}: {payload}");
        payload[&mutations().await[mutation].thing].clone()
    }

    /// Adds `core-router`, which the tokens of [`TestApp::token_in_scope`] have in scope, and answers its id.
    pub(crate) async fn with_core_router(&self) -> String {
        self.with_router("core-router", "Core Router").await
    }

    /// Adds a product of the line `router`, and answers its id.
    pub(crate) async fn with_router(&self, key: &str, name: &str) -> String {
        let input = json!({
            "key": key, "name": name, "line": "router", "ownerTeam": "router-team",
            "providerEntity": "Example Networks", "kind": "PRODUCT", "importance": "5.0", "reach": "5.0",
            "assetTier": "GENERAL", "lifecycle": "SUPPORTED",
        });
        let made = self.made(&self.token(Role::Admin, "admin-1"), "createProduct", input, "id").await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// The id of the channel with this key.
    pub(crate) async fn channel(&self, key: &str) -> String {
        encode(Kind::Channel, channel::store::by_key(&self.app, key).await.unwrap().unwrap().id)
    }

    /// What `token` sees of the node `id`.
    pub(crate) async fn node(&self, token: &str, id: &str, kind: &str, fields: &str) -> Value {
        let document = format!("query($id: ID!) {{ node(id: $id) {{ ... on {kind} {{ {fields} }} }} }}");
        let answer = self.graphql(token, &document, json!({ "id": id })).await;
        assert!(answer["errors"].is_null(), "{answer}");
        answer["data"]["node"].clone()
    }
}

/// An event on its way. The people who take it are analyst-1, analyst-2 and engineer-1.
pub(crate) struct Story<'a> {
    pub(crate) app: &'a TestApp,
    pub(crate) event: String,
    pub(crate) report: String,
    pub(crate) number: String,
}

impl<'a> Story<'a> {
    /// Receives a report as analyst-1; `input` adds to, or replaces, what it says.
    pub(crate) async fn receive(app: &'a TestApp, number: &str, input: Value) -> Self {
        let mut whole = json!({
            "channel": "cnvd", "number": number, "title": format!("A hole {number}"), "text": "Steps",
        });
        whole.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
        let analyst = app.token(Role::Analyst, "analyst-1");
        let report = app.made(&analyst, "receiveReport", whole, "id event { id number }").await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            app,
            report: text(&report["id"]),
            event: text(&report["event"]["id"]),
            number: text(&report["event"]["number"]),
        }
    }

    /// What the leader sees of the event.
    pub(crate) async fn look(&self, fields: &str) -> Value {
        self.app.node(&self.app.token(Role::Leader, "leader-1"), &self.event, "Event", fields).await
    }

    pub(crate) async fn version(&self) -> Value {
        self.look("version").await["version"].clone()
    }

    pub(crate) async fn status(&self) -> String {
        self.look("status").await["status"].as_str().unwrap().to_owned()
    }

    /// Calls a mutation on the event with its present version, and answers the payload or error.
    pub(crate) async fn attempt(&self, token: &str, mutation: &str, mut input: Value) -> Value {
        input["event"] = json!(self.event);
        if mutations().await[mutation].versioned {
            input["expectedVersion"] = self.version().await;
        }
        self.app.call(token, mutation, input, "id").await
    }

    /// Calls a mutation on the event that has to be done.
    pub(crate) async fn step(&self, token: &str, mutation: &str, input: Value) -> Value {
        let payload = self.attempt(token, mutation, input).await;
        assert_eq!(payload["userErrors"], json!([]), "{mutation}: {payload}");
        payload
    }

    /// Calls an analyst's mutation on the event that has to be done.
    pub(crate) async fn analyst(&self, mutation: &str, input: Value) -> Value {
        self.step(&self.app.token(Role::Analyst, "analyst-1"), mutation, input).await
    }

    pub(crate) async fn confirm(&self) {
        self.analyst("startTriage", json!({})).await;
        self.analyst("giveVerdict", confirmed()).await;
    }

    /// Says how a product stands to the event.
    pub(crate) async fn product(&self, product: &str, state: &str) {
        let payload = self.try_product(product, state).await;
        assert_eq!(payload["userErrors"], json!([]), "setAffectedProduct: {payload}");
    }

    /// Tries to say how a product stands to the event, and answers the payload or error.
    pub(crate) async fn try_product(&self, product: &str, state: &str) -> Value {
        let rows = self.look("affectedProducts { version product { id } }").await;
        let known =
            rows["affectedProducts"].as_array().unwrap().iter().find(|row| row["product"]["id"] == product);
        let reason = (state == "NOT_AFFECTED").then_some("the code is not in it");
        let mut input = json!({ "event": self.event, "product": product, "state": state, "reason": reason });
        if let Some(known) = known {
            input["expectedVersion"] = known["version"].clone();
        }
        let analyst = self.app.token(Role::Analyst, "analyst-1");
        self.app.call(&analyst, "setAffectedProduct", input, "id").await
    }

    pub(crate) async fn assign(&self, function: &str, subject: &str, line: Option<&str>) {
        self.analyst("assign", json!({ "function": function, "subject": subject, "line": line })).await;
    }

    /// Puts those on it who have neither analysed nor fix it: `support-1`, `account-manager-1`, `legal-1` and
    /// `public-relations-1`.
    pub(crate) async fn widen(&self) {
        for (function, subject) in [
            ("TECHNICAL_SERVICE", "support-1"),
            ("ACCOUNT_MANAGEMENT", "account-manager-1"),
            ("LEGAL", "legal-1"),
            ("PUBLIC_RELATIONS", "public-relations-1"),
        ] {
            self.assign(function, subject, None).await;
        }
    }

    /// Takes a confirmed event with one affected product of `line` to REMEDIATING.
    pub(crate) async fn remediate(&self, product: &str, line: &str) {
        self.product(product, "AFFECTED").await;
        self.analyst("scoreEvent", scored("5")).await;
        self.assign("R_AND_D", "engineer-1", Some(line)).await;
        self.analyst("startRemediation", json!({})).await;
    }

    /// The one line's fix, with its version.
    pub(crate) async fn fix(&self) -> Value {
        self.look("remediations { id version state }").await["remediations"][0].clone()
    }

    /// Submits the one line's fix.
    pub(crate) async fn submit(&self, token: &str) -> Value {
        let fix = self.fix().await;
        let input = json!({
            "remediation": fix["id"], "expectedVersion": fix["version"], "fixPlan": "Encode", "patch": "change-1",
        });
        self.app.call(token, "submitFix", input, "id").await
    }

    /// Verifies the one line's fix with the three answers that pass.
    pub(crate) async fn verify(&self, token: &str) -> Value {
        let fix = self.fix().await;
        let input = json!({
            "remediation": fix["id"], "expectedVersion": fix["version"],
            "fullyFixed": true, "fullyFixedEvidence": "The proof of concept fails",
            "bypassable": false, "bypassEvidence": "Variants tried",
            "newProblem": false, "newProblemEvidence": "Regression run",
        });
        self.app.call(token, "verifyFix", input, "id").await
    }

    /// Drafts a reply to the event's open obligations of one kind as analyst-1 and answers it.
    pub(crate) async fn draft(&self, kind: &str) -> Value {
        let rows = self.look("version obligations { id state kind }").await;
        let open = rows["obligations"].as_array().unwrap().iter();
        let open = open.filter(|row| row["state"] == "OPEN" && row["kind"] == kind);
        let input = json!({
            "event": self.event, "expectedVersion": rows["version"], "kind": kind,
            "obligations": open.map(|row| row["id"].clone()).collect::<Vec<_>>(),
            "subject": "Our verdict", "body": "We looked at it.", "facts": facts(),
        });
        let analyst = self.app.token(Role::Analyst, "analyst-1");
        self.app.made(&analyst, "draftReply", input, "id version needsApproval").await
    }

    /// Waives every notice that customers are owed.
    pub(crate) async fn waive_notices(&self) {
        let rows = self.look("obligations { id state regime }").await;
        let owed = rows["obligations"].as_array().unwrap().iter();
        for row in owed.filter(|row| row["state"] == "OPEN" && row["regime"] == "CUSTOMER") {
            let waive = json!({
                "obligation": row["id"], "expectedVersion": self.version().await, "reason": "told by telephone",
            });
            let analyst = self.app.token(Role::Analyst, "analyst-1");
            self.app.made(&analyst, "waiveObligation", waive, "state").await;
        }
    }

    /// Waives every answer to a channel's question.
    pub(crate) async fn waive_questions(&self) {
        let rows = self.look("obligations { id state kind }").await;
        let owed = rows["obligations"].as_array().unwrap().iter();
        for row in owed.filter(|row| row["state"] == "OPEN" && row["kind"] == "FOLLOW_UP") {
            let waive = json!({
                "obligation": row["id"], "expectedVersion": self.version().await, "reason": "answered by telephone",
                "legalGround": "it was taken back",
            });
            let leader = self.app.token(Role::Leader, "leader-1");
            self.app.made(&leader, "waiveObligation", waive, "state").await;
        }
    }

    /// Drafts, has approved by legal-1 and records as sent what answers the verdicts that are owed.
    pub(crate) async fn answer(&self) {
        let app = self.app;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let mut reply = self.draft("VERDICT").await;
        if reply["needsApproval"] == true {
            let ask =
                json!({ "reply": reply["id"], "expectedVersion": reply["version"], "reviewer": "legal-1" });
            reply = app.made(&analyst, "requestReplyReview", ask, "id version").await;
            let approve =
                json!({ "reply": reply["id"], "expectedVersion": reply["version"], "outcome": "APPROVED" });
            let legal = app.token(Role::Legal, "legal-1");
            reply = app.made(&legal, "reviewReply", approve, "id version").await;
        }
        let sent = json!({
            "reply": reply["id"], "expectedVersion": reply["version"], "via": "BY_HAND", "receiptNumber": "R-1",
            "proof": "a screenshot",
        });
        app.made(&analyst, "recordReplySent", sent, "id").await;
    }
}

/// What a database's form asks for and an event may not hold.
pub(crate) fn facts() -> Value {
    let fact = |name: &str, value: &str| json!({ "name": name, "value": value });
    json!([
        fact("contact", "psirt@example.com"),
        fact("reproduced", "yes"),
        fact("product_names", "Core Router"),
        fact("affected_versions", "5.1"),
    ])
}

/// The input of a verdict that makes the event ours.
pub(crate) fn confirmed() -> Value {
    json!({ "verdict": "CONFIRMED", "severity": "HIGH", "rationale": "Reproduced" })
}

/// The input of a score that gives each factor the same value.
pub(crate) fn scored(value: &str) -> Value {
    let all = |text: &str| {
        json!({
            "productImportance": text, "productReach": text, "publicOpinion": text,
            "exploitConditions": text, "actualImpact": text,
        })
    };
    json!({ "factors": all(value), "evidence": all("shown in the lab") })
}
