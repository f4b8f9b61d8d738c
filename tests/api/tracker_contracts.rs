//! Every preset against what its tracker's documentation says that it answers, and against what goes wrong there.

use std::time::Duration;

use chrono::TimeDelta;
use entity::vocabulary::NoticeKind;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use vulndesk::auth::Role;
use vulndesk::outbound::Client;
use vulndesk::ticket::worker;

use crate::harness::{TestApp, on_both};
use crate::story::Story;
use crate::tickets::{fail_verification, keep, look, open, story, tracker};
use crate::tracker_stub::{self as stub, Contract, Fault, Stub};

/// What has to be configured for a preset, its contract, and its statuses for PLANNED, SUBMITTED, FAILED, PASSED and
/// RISK_ACCEPTED.
pub(crate) struct Preset {
    pub(crate) name: &'static str,
    pub(crate) parameters: Value,
    pub(crate) credentials: Value,
    contract: Contract,
    reads: [&'static str; 5],
}

fn pairs(pairs: &[(&str, &str)]) -> Value {
    pairs.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

pub(crate) fn presets() -> Vec<Preset> {
    let preset = |name, parameters: &[_], credentials: &[_], contract, reads| Preset {
        name,
        parameters: pairs(parameters),
        credentials: pairs(credentials),
        contract,
        reads,
    };
    let token = [("token", "a-secret-key")];
    let jira = [("project", "VULN"), ("issue_type", "Bug"), ("security", "Team")];
    let jira_reads = ["To Do", "Done", "In Progress", "Done", "Done"];
    let cloud = [("email", "bot@example.org"), ("token", "a-secret-key")];
    vec![
        preset("JIRA_CLOUD", &jira, &cloud, stub::jira_cloud, jira_reads),
        preset("JIRA_DATA_CENTER", &jira, &token, stub::jira_data_center, jira_reads),
        preset(
            "SERVICENOW",
            &[("table", "incident")],
            &[("user", "bot"), ("password", "a-secret-key")],
            stub::servicenow,
            ["1", "6", "2", "7", "8"],
        ),
        preset(
            "GITLAB",
            &[("project", "team/product")],
            &token,
            stub::gitlab,
            ["opened", "closed", "opened", "closed", "closed"],
        ),
        preset(
            "GITHUB",
            &[("owner", "team"), ("repository", "product")],
            &token,
            stub::github,
            ["open", "closed", "open", "closed", "closed"],
        ),
        preset(
            "REDMINE",
            &[("project", "vuln")],
            &[("key", "a-secret-key")],
            stub::redmine,
            ["New", "Resolved", "Feedback", "Closed", "Rejected"],
        ),
        preset(
            "REQUEST_TRACKER",
            &[("queue", "General")],
            &token,
            stub::request_tracker,
            ["new", "resolved", "open", "resolved", "rejected"],
        ),
        preset(
            "ZENTAO",
            &[("product", "7")],
            &[("account", "bot"), ("password", "a-secret-key")],
            stub::zentao,
            ["active", "resolved", "active", "closed", "closed"],
        ),
    ]
}

pub(crate) fn preset(name: &str) -> Preset {
    presets().into_iter().find(|preset| preset.name == name).unwrap_or_else(|| panic!("no preset {name}"))
}

/// A ticket that was opened, and the tracker that it is to be made in.
struct Opened {
    preset: Preset,
    stub: Stub,
    ticket: String,
}

impl Opened {
    async fn new(app: &TestApp, story: &Story<'_>, preset: Preset) -> Self {
        let stub = Stub::start(preset.contract).await;
        let tracker = tracker(app, json!({ "preset": preset.name, "baseUrl": stub.url })).await;
        let ticket = open(app, story, &tracker).await;
        Self { preset, stub, ticket }
    }

    async fn all(app: &TestApp, story: &Story<'_>) -> Vec<Self> {
        let mut all = Vec::new();
        for preset in presets() {
            all.push(Self::new(app, story, preset).await);
        }
        all
    }

    /// What was told last is there, and nothing was taken for a proposal.
    async fn stands(&self, app: &TestApp, state: &str, index: usize) {
        let (name, reads) = (self.preset.name, self.preset.reads[index]);
        let seen = look(app, &self.ticket).await;
        assert_eq!(
            (
                &seen["state"],
                &seen["toldState"],
                &seen["seenStatus"],
                &seen["proposal"],
                &*self.stub.status()
            ),
            (&json!("LINKED"), &json!(state), &json!(reads), &Value::Null, reads),
            "{name}: {seen}"
        );
        assert_eq!(self.stub.count(), 1, "{name}");
    }

    async fn retry(&self, app: &TestApp) {
        let seen = look(app, &self.ticket).await;
        let retry = json!({ "ticket": self.ticket, "expectedVersion": seen["version"] });
        app.made(&app.token(Role::Analyst, "analyst-1"), "retryTicket", retry, "id").await;
    }
}

async fn submit(app: &TestApp, story: &Story<'_>) {
    let engineer = app.token_in_scope(Role::Engineer, "engineer-1");
    assert_eq!(story.submit(&engineer).await["userErrors"], json!([]));
    keep(app).await;
}

#[tokio::test]
async fn every_preset_says_every_state_and_speaks_to_who_works_there() {
    let app = TestApp::sqlite().await;
    let story = story(&app).await;
    let all = Opened::all(&app, &story).await;
    keep(&app).await;
    for one in &all {
        one.stands(&app, "PLANNED", 0).await;
    }
    submit(&app, &story).await;
    for one in &all {
        one.stands(&app, "SUBMITTED", 1).await;
    }
    fail_verification(&app, &story).await;
    keep(&app).await;
    for one in &all {
        one.stands(&app, "FAILED", 2).await;
        let said = one.stub.comments();
        let takes_comments = one.preset.name != "ZENTAO";
        assert_eq!(said.len(), usize::from(takes_comments), "{}: {said:?}", one.preset.name);
        assert!(said.iter().all(|said| said.contains("-failed-")), "{}: {said:?}", one.preset.name);
    }
    submit(&app, &story).await;
    let verified = story.verify(&app.token(Role::Analyst, "analyst-2")).await;
    assert_eq!(verified["userErrors"], json!([]), "{verified}");
    keep(&app).await;
    for one in &all {
        one.stands(&app, "PASSED", 3).await;
    }
}

#[tokio::test]
async fn every_preset_says_that_a_risk_was_accepted() {
    let app = TestApp::sqlite().await;
    let story = story(&app).await;
    let all = Opened::all(&app, &story).await;
    keep(&app).await;
    let (analyst, leader) = (app.token(Role::Analyst, "analyst-1"), app.token(Role::Leader, "leader-1"));
    let ask =
        json!({ "event": story.event, "kind": "ACCEPT_RISK", "line": "router", "question": "May it stay?" });
    let asked = app.made(&analyst, "askDecision", ask, "id").await;
    let record = json!({
        "decision": asked["id"], "expectedVersion": 1, "granted": true, "outcome": "accepted",
        "expiresAt": app.now() + TimeDelta::days(60),
    });
    app.made(&leader, "recordDecision", record, "id").await;
    let fix = story.fix().await;
    let accept =
        json!({ "remediation": fix["id"], "expectedVersion": fix["version"], "decision": asked["id"] });
    app.made(&analyst, "acceptRisk", accept, "id").await;
    keep(&app).await;
    for one in &all {
        one.stands(&app, "RISK_ACCEPTED", 4).await;
    }
}

#[tokio::test]
async fn no_preset_makes_two_tickets_or_believes_a_yes() {
    let app = TestApp::sqlite().await;
    let story = story(&app).await;
    // What goes wrong with the creation; whether a person has to look; and with the status that is told next.
    let faults = [
        (Fault::LostAnswer, false, Fault::LostAnswer),
        (Fault::Answer(429, "slow down"), false, Fault::Answer(429, "slow down")),
        (Fault::Answer(500, "oops"), false, Fault::Answer(503, "oops")),
        (Fault::Answer(422, "no such field"), true, Fault::Ignored),
        (Fault::Ignored, true, Fault::Answer(403, "not yours")),
        // Nobody is led elsewhere.
        (Fault::Answer(302, "over there"), true, Fault::Answer(307, "over there")),
    ];
    let mut all = Vec::new();
    for (fault, is_refused, next) in faults {
        for one in Opened::all(&app, &story).await {
            one.stub.fail(&[fault]);
            all.push((one, fault, is_refused, next));
        }
    }
    keep(&app).await;
    for (one, fault, is_refused, _) in &all {
        let seen = look(&app, &one.ticket).await;
        let expected = if *is_refused { ("REFUSED", 0) } else { ("PENDING", 1) };
        let found = (seen["state"].as_str().unwrap(), seen["attempts"].as_i64().unwrap());
        assert_eq!(found, expected, "{} {fault:?}: {seen}", one.preset.name);
        assert!(seen["note"].is_string(), "{} {fault:?}: {seen}", one.preset.name);
        if *is_refused {
            assert_eq!(one.stub.count(), 0, "{} {fault:?}", one.preset.name);
            one.retry(&app).await;
        }
    }
    app.advance(TimeDelta::minutes(10));
    keep(&app).await;
    for (one, _, _, next) in &all {
        one.stands(&app, "PLANNED", 0).await;
        one.stub.fail(&[*next]);
    }
    submit(&app, &story).await;
    for (one, _, _, next) in &all {
        let seen = look(&app, &one.ticket).await;
        let is_refused = matches!(next, Fault::Ignored | Fault::Answer(403 | 307, _));
        assert_eq!(seen["state"] == "REFUSED", is_refused, "{} {next:?}: {seen}", one.preset.name);
        if matches!(next, Fault::Ignored) {
            let note = seen["note"].as_str().unwrap();
            assert!(note.contains("isn't a valid status"), "{}: {note}", one.preset.name);
        }
        if is_refused {
            one.retry(&app).await;
        }
    }
    app.advance(TimeDelta::minutes(10));
    keep(&app).await;
    for (one, ..) in &all {
        one.stands(&app, "SUBMITTED", 1).await;
    }
}

#[tokio::test]
async fn an_answer_is_read_as_far_as_it_has_sense() {
    let app = TestApp::sqlite().await;
    let story = story(&app).await;
    let one = Opened::new(&app, &story, preset("REDMINE")).await;
    one.stub.fail(&[Fault::Huge]);
    keep(&app).await;
    let seen = look(&app, &one.ticket).await;
    let note = seen["note"].as_str().unwrap();
    assert!(note.contains("more than 1048576 bytes") && note.len() < 600, "{note}");
    one.retry(&app).await;
    keep(&app).await;
    one.stands(&app, "PLANNED", 0).await;
}

#[tokio::test]
async fn no_preset_waits_for_ever() {
    let app = TestApp::sqlite().await;
    let story = story(&app).await;
    let all = Opened::all(&app, &story).await;
    for one in &all {
        one.stub.fail(&[Fault::Silence]);
    }
    let client = Client::new(app.app.outbound.clone()).unwrap().with_deadline(Duration::from_millis(500));
    while worker::pass(&app.app, &client).await.unwrap() > 0 {}
    for one in &all {
        let seen = look(&app, &one.ticket).await;
        assert_eq!((&seen["state"], &seen["attempts"]), (&json!("PENDING"), &json!(1)), "{seen}");
        assert!(seen["note"].as_str().unwrap().contains("no answer within"), "{}: {seen}", one.preset.name);
    }
    app.advance(TimeDelta::minutes(10));
    keep(&app).await;
    for one in &all {
        one.stands(&app, "PLANNED", 0).await;
    }
}

#[tokio::test]
async fn a_change_of_somebody_else_is_read_before_ours_is_written() {
    on_both(|app| async move {
        let story = story(&app).await;
        let one = Opened::new(&app, &story, preset("REQUEST_TRACKER")).await;
        keep(&app).await;
        one.stub.fail(&[Fault::Stale]);
        submit(&app, &story).await;
        let seen = look(&app, &one.ticket).await;
        assert_eq!((&seen["attempts"], &*one.stub.status()), (&json!(1), "new"), "{seen}");
        assert!(seen["note"].as_str().unwrap().starts_with("412"), "{seen}");
        app.advance(TimeDelta::minutes(10));
        keep(&app).await;
        one.stands(&app, "SUBMITTED", 1).await;
    })
    .await;
}

#[tokio::test]
async fn a_ticket_that_more_may_see_than_should_is_handed_to_a_person_at_once() {
    on_both(|app| async move {
        let story = story(&app).await;
        for (name, words) in [
            ("REDMINE", "/issue/is_private was to be true and is false"),
            ("GITLAB", "/confidential was to be true and is false"),
            ("JIRA_CLOUD", "/fields/security/name was to be \"Team\" and is null"),
            ("GITHUB", "/labels was to be"),
        ] {
            let one = Opened::new(&app, &story, preset(name)).await;
            one.stub.world.lock().unwrap().is_open = true;
            keep(&app).await;
            let seen = look(&app, &one.ticket).await;
            assert_eq!(
                (&seen["state"], &seen["externalId"].is_null()),
                (&json!("REFUSED"), &false),
                "{seen}"
            );
            assert!(seen["note"].as_str().unwrap().starts_with(words), "{name}: {seen}");
            let (_, id) = vulndesk::ids::decode_any(&one.ticket).unwrap();
            let told = entity::notice::Entity::find().all(app.app.database.reader()).await.unwrap();
            let told: Vec<_> = told.iter().filter(|row| row.about_id == id).collect();
            assert!(told.iter().any(|row| row.subject == "engineer-1"), "{name}: who opened it: {told:?}");
            assert!(told.iter().all(|row| row.kind == NoticeKind::TicketRefused), "{told:?}");
            let count = told.len();

            // Made as it should be by a person there, it is tried again.
            one.stub.world.lock().unwrap().is_open = false;
            keep(&app).await;
            assert_eq!(look(&app, &one.ticket).await["state"], "REFUSED", "nothing goes on by itself");
            one.retry(&app).await;
            keep(&app).await;
            one.stands(&app, "PLANNED", 0).await;
            let told = entity::notice::Entity::find().all(app.app.database.reader()).await.unwrap();
            assert_eq!(told.iter().filter(|row| row.about_id == id).count(), count, "each is told once");
        }
    })
    .await;
}

#[tokio::test]
async fn a_ticket_that_is_opened_to_others_later_is_told_nothing_more() {
    let app = TestApp::sqlite().await;
    let story = story(&app).await;
    let one = Opened::new(&app, &story, preset("REDMINE")).await;
    keep(&app).await;
    one.stub.world.lock().unwrap().is_open = true;
    let writes = one.stub.writes();
    submit(&app, &story).await;
    let seen = look(&app, &one.ticket).await;
    assert_eq!((&seen["state"], one.stub.writes()), (&json!("REFUSED"), writes), "{seen}");
}

#[tokio::test]
async fn a_comment_is_read_back() {
    on_both(|app| async move {
        let story = story(&app).await;
        let one = Opened::new(&app, &story, preset("GITLAB")).await;
        keep(&app).await;
        submit(&app, &story).await;
        one.stub.fail(&[Fault::Ignored]);
        one.stub.set_status("opened");
        fail_verification(&app, &story).await;
        keep(&app).await;
        let seen = look(&app, &one.ticket).await;
        let note = seen["note"].as_str().unwrap();
        assert!(note.contains("takes no comment") && note.contains("it is not there"), "{seen}");
        assert_eq!((&seen["state"], one.stub.comments().len()), (&json!("LINKED"), 0), "{seen}");
    })
    .await;
}

#[tokio::test]
async fn our_words_are_found_among_more_than_one_page() {
    let app = TestApp::sqlite().await;
    let story = story(&app).await;
    let mut all = Vec::new();
    for (name, others) in
        [("GITHUB", 250), ("GITLAB", 250), ("REQUEST_TRACKER", 250), ("GITHUB", 199), ("GITHUB", 200)]
    {
        let one = Opened::new(&app, &story, preset(name)).await;
        let said = (0..others).map(|number| format!("comment {number}"));
        one.stub.world.lock().unwrap().comments.extend(said);
        all.push((one, others));
    }
    keep(&app).await;
    submit(&app, &story).await;
    for (one, _) in &all {
        // Only the comment is still to be made.
        one.stub.set_status(one.preset.reads[2]);
        one.stub.fail(&[Fault::LostAnswer]);
    }
    fail_verification(&app, &story).await;
    keep(&app).await;
    for (one, _) in &all {
        assert_eq!(look(&app, &one.ticket).await["attempts"], 1, "{}: nobody heard it", one.preset.name);
    }
    app.advance(TimeDelta::minutes(10));
    keep(&app).await;
    for (one, others) in &all {
        one.stands(&app, "FAILED", 2).await;
        assert_eq!(look(&app, &one.ticket).await["note"], Value::Null, "{}", one.preset.name);
        let said = one.stub.comments();
        assert_eq!(said.len(), others + 1, "{}: said once", one.preset.name);
    }
}

#[tokio::test]
async fn jira_without_security_levels_is_asked_for_none() {
    let app = TestApp::sqlite().await;
    let story = story(&app).await;
    let stub = Stub::start(stub::jira_cloud).await;
    let parameters = pairs(&[("project", "VULN"), ("issue_type", "Bug")]);
    let tracker =
        tracker(&app, json!({ "preset": "JIRA_CLOUD", "baseUrl": stub.url, "parameters": parameters })).await;
    let ticket = open(&app, &story, &tracker).await;
    keep(&app).await;
    assert_eq!(look(&app, &ticket).await["state"], "LINKED");
    let made_of = stub.world.lock().unwrap().kept[0].made_of["fields"].clone();
    assert_eq!(made_of.get("security"), None, "{made_of}");
}

#[tokio::test]
async fn a_template_that_cannot_be_filled_is_named_and_nothing_is_sent() {
    on_both(|app| async move {
        let story = story(&app).await;
        let stub = Stub::start(stub::github).await;
        let profile = json!({
            "headers": { "Authorization": "Bearer a-secret-key" },
            "search": { "method": "GET", "url": "/repos/team/product/issues?labels={{ marker }}", "list": "", "id": "/number", "text": "/title" },
            "create": { "method": "POST", "url": "/issues", "id": "/number", "body": { "title": "{{ marker.x.y }}" } },
            "read": { "method": "GET", "url": "/issues/{{ id }}", "status": "/state" },
            "update": { "method": "PATCH", "url": "/issues/{{ id }}", "body": { "state": "{{ status }}" } },
            "statuses": { "PLANNED": { "write": "open", "read": "open" } },
        });
        let made = json!({ "preset": "CUSTOM", "profile": profile.to_string(), "baseUrl": stub.url, "parameters": [],
            "credentials": [] });
        let made = tracker(&app, made).await;
        let ticket = open(&app, &story, &made).await;
        keep(&app).await;
        let seen = look(&app, &ticket).await;
        assert_eq!(seen["state"], "REFUSED", "{seen}");
        let note = seen["note"].as_str().unwrap();
        assert!(note.contains(r#"in the template "{{ marker.x.y }}""#) && !note.contains("<string>"), "{note}");
        assert_eq!((stub.writes(), stub.count()), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn a_custom_tracker_is_spoken_to_as_its_own_profile_says() {
    on_both(|app| async move {
        let story = story(&app).await;
        let stub = Stub::start(stub::github).await;
        let issues = "/repos/{{ parameters.where }}/product/issues";
        let profile = json!({
            "headers": { "Authorization": "Bearer {{ credentials.pass }}" },
            "search": { "method": "GET", "url": format!("{issues}?labels={{{{ marker }}}}"), "list": "", "id": "/number", "text": "/title" },
            "create": { "method": "POST", "url": issues, "id": "/number",
                "body": { "title": "{{ subject }}", "body": "{{ text }}", "labels": ["{{ marker }}"] } },
            "read": { "method": "GET", "url": format!("{issues}/{{{{ id }}}}"), "status": "/state" },
            "update": { "method": "PATCH", "url": format!("{issues}/{{{{ id }}}}"), "body": { "state": "{{ status }}" } },
            "statuses": { "PLANNED": { "write": "open", "read": "open" }, "SUBMITTED": { "write": "closed", "read": "closed" } },
        });
        let made = tracker(
            &app,
            json!({
                "preset": "CUSTOM", "profile": profile.to_string(), "baseUrl": stub.url,
                "parameters": pairs(&[("where", "team")]), "credentials": pairs(&[("pass", "a-secret-key")]),
            }),
        )
        .await;
        let ticket = open(&app, &story, &made).await;
        keep(&app).await;
        let seen = look(&app, &ticket).await;
        assert_eq!((&seen["state"], &seen["seenStatus"]), (&json!("LINKED"), &json!("open")), "{seen}");
        submit(&app, &story).await;
        assert_eq!(stub.status(), "closed");
    })
    .await;
}
