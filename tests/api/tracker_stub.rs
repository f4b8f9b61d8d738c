//! Trackers as their documentation says that they answer, on the loopback, with the faults that they have.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::watch;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    headers: HeaderMap,
    pub(crate) body: Value,
}

impl Asked {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Method and path without the query.
    fn call(&self) -> String {
        format!("{} {}", self.method, self.path.split('?').next().unwrap())
    }
}

/// What goes wrong with the next request that changes something.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// It is not done, and answered like this.
    Answer(u16, &'static str),
    /// It is done, and the answer gets lost.
    LostAnswer,
    /// It is not done, and answered as if it were.
    Ignored,
    /// It is done, after somebody else changed the ticket.
    Stale,
    /// It is done, and answered with more than anybody wants to read.
    Huge,
    /// It is done, and never answered.
    Silence,
    /// It is done, and the answer stops in the middle for ever.
    Drip,
}

/// One ticket of the stub.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) made_of: Value,
    pub(crate) status: String,
}

/// What the stub keeps.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) kept: Vec<Kept>,
    /// What was said to people there.
    pub(crate) comments: Vec<String>,
    pub(crate) faults: VecDeque<Fault>,
    pub(crate) asked: Vec<Asked>,
    /// It leaves out what keeps a ticket or a comment from the eyes of others, and labels, without a word.
    pub(crate) is_open: bool,
    /// How often the ticket was changed.
    changes: usize,
}

impl World {
    fn etag(&self) -> String {
        format!("\"{}\"", self.changes)
    }
}

/// How a kind of tracker answers: the contract.
pub(crate) type Contract = fn(&mut World, &Asked) -> (u16, Value);

/// What the tracker does before it answers a request that changed something: it sends its hook, say.
type Interruption = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

pub(crate) struct Stub {
    pub(crate) url: String,
    pub(crate) world: Arc<Mutex<World>>,
    interruption: Arc<Mutex<Option<Interruption>>>,
    /// How many requests that change something have come.
    pub(crate) asked: watch::Sender<usize>,
}

impl Stub {
    pub(crate) async fn start(contract: Contract) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.2:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let world = Arc::<Mutex<World>>::default();
        let shared = Arc::clone(&world);
        let interruption = Arc::<Mutex<Option<Interruption>>>::default();
        let interrupting = Arc::clone(&interruption);
        let asked = watch::Sender::new(0);
        let told = asked.clone();
        let router = Router::new().fallback(move |request: Request| {
            let (shared, told, interrupting) = (Arc::clone(&shared), told.clone(), Arc::clone(&interrupting));
            async move {
                let (parts, body) = request.into_parts();
                let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
                let asked = Asked {
                    method: parts.method.to_string(),
                    path: parts.uri.path_and_query().unwrap().to_string(),
                    headers: parts.headers,
                    body: serde_json::from_slice(&body).unwrap_or_default(),
                };
                let changes = asked.method != "GET";
                let answer = answer(&mut shared.lock().unwrap(), contract, asked);
                let interruption = interrupting.lock().unwrap().clone().filter(|_| changes);
                if let Some(interruption) = interruption {
                    interruption().await;
                }
                told.send_modify(|writes| *writes += usize::from(changes));
                match answer {
                    Some(answer) => answer,
                    None => std::future::pending().await,
                }
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, world, interruption, asked }
    }

    /// Does something before each answer to a request that changed something.
    pub(crate) fn interrupt(&self, with: impl Fn() -> BoxFuture<'static, ()> + Send + Sync + 'static) {
        *self.interruption.lock().unwrap() = Some(Arc::new(with));
    }

    pub(crate) fn fail(&self, faults: &[Fault]) {
        self.world.lock().unwrap().faults.extend(faults);
    }

    /// What somebody does in the tracker itself.
    pub(crate) fn set_status(&self, status: &str) {
        self.world.lock().unwrap().kept[0].status = status.to_owned();
    }

    pub(crate) fn status(&self) -> String {
        self.world.lock().unwrap().kept[0].status.clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.world.lock().unwrap().kept.len()
    }

    /// What was said to people there.
    pub(crate) fn comments(&self) -> Vec<String> {
        self.world.lock().unwrap().comments.clone()
    }

    /// How many requests changed something, or tried to.
    pub(crate) fn writes(&self) -> usize {
        self.world.lock().unwrap().asked.iter().filter(|asked| asked.method != "GET").count()
    }
}

/// None for one that never comes.
fn answer(world: &mut World, contract: Contract, asked: Asked) -> Option<Response> {
    world.asked.push(asked.clone());
    let changes = asked.method != "GET" && !asked.path.ends_with("/tokens");
    let fault = if changes { world.faults.pop_front() } else { None };
    let (status, body) = match fault {
        Some(Fault::Answer(status, words)) => {
            let status = StatusCode::from_u16(status).unwrap();
            let headers = [("retry-after", "120"), ("location", "http://127.0.0.2:9/elsewhere")];
            return Some((status, headers, words).into_response());
        }
        Some(Fault::Ignored) => {
            return Some((StatusCode::OK, "[\"'moon' isn't a valid status\"]").into_response());
        }
        Some(Fault::Silence) => {
            contract(world, &asked);
            return None;
        }
        Some(Fault::Drip) => {
            let (status, _) = contract(world, &asked);
            let drop = futures_util::stream::iter([Ok::<_, std::io::Error>("{")]);
            let body = Body::from_stream(drop.chain(futures_util::stream::pending()));
            return Some((StatusCode::from_u16(status).unwrap(), body).into_response());
        }
        Some(Fault::LostAnswer) => {
            contract(world, &asked);
            (502, json!({ "error": "bad gateway" }))
        }
        Some(Fault::Huge) => {
            let (status, _) = contract(world, &asked);
            (status, json!({ "words": "x".repeat(2 << 20) }))
        }
        Some(Fault::Stale) => {
            world.changes += 1;
            contract(world, &asked)
        }
        None => contract(world, &asked),
    };
    let headers = [("etag", world.etag())];
    Some((StatusCode::from_u16(status).unwrap(), headers, body.to_string()).into_response())
}

fn not_known(asked: &Asked) -> (u16, Value) {
    (404, json!({ "error": format!("no such route: {} {}", asked.method, asked.path) }))
}

fn denied() -> (u16, Value) {
    (401, json!({ "error": "who are you?" }))
}

fn make(world: &mut World, asked: &Asked, status: &str) -> usize {
    world.kept.push(Kept { made_of: asked.body.clone(), status: status.to_owned() });
    world.kept.len()
}

/// The page of what was said there that is asked for, at most a hundred items.
fn page<'a>(said: impl Iterator<Item = &'a String>, asked: &Asked) -> Vec<&'a String> {
    let number = |name: &str| {
        let given = asked.path.split(['?', '&']).find_map(|pair| pair.strip_prefix(name));
        given.unwrap_or_else(|| panic!("{} says no {name}", asked.path)).parse::<usize>().unwrap()
    };
    let size = number("per_page=");
    assert!(size <= 100, "{}", asked.path);
    said.skip((number("page=") - 1) * size).take(size).collect()
}

/// Takes a comment.
fn say(world: &mut World, said: &Value) -> (u16, Value) {
    world.comments.push(said.as_str().expect("a comment has words").to_owned());
    (201, json!({ "id": world.comments.len() }))
}

/// The marker that a search asks for, which has to be in what a found ticket was made of.
fn found(world: &World, asked: &Asked) -> Vec<(usize, Kept)> {
    let at = asked.path.find("vulndesk-").expect("every search names the marker");
    let marker: String =
        asked.path[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    let ours = world.kept.iter().cloned().enumerate();
    ours.filter(|(_, kept)| kept.made_of.to_string().contains(&marker))
        .map(|(at, kept)| (at + 1, kept))
        .collect()
}

pub(crate) fn redmine(world: &mut World, asked: &Asked) -> (u16, Value) {
    const STATUSES: [&str; 6] = ["New", "In Progress", "Resolved", "Feedback", "Closed", "Rejected"];
    if asked.header("x-redmine-api-key") != "a-secret-key" {
        return denied();
    }
    match asked.call().as_str() {
        "GET /issues.json" => {
            assert!(asked.path.contains("project_id=vuln&status_id=*"), "{}", asked.path);
            let items = found(world, asked);
            let items: Vec<_> = items
                .iter()
                .map(|(id, kept)| json!({ "id": id, "subject": kept.made_of["issue"]["subject"] }))
                .collect();
            (200, json!({ "issues": items }))
        }
        "POST /issues.json" => {
            assert_eq!(asked.body["issue"]["is_private"], true, "what is secret stays private there");
            let id = make(world, asked, "New");
            (201, json!({ "issue": { "id": id } }))
        }
        "GET /issues/1.json" => {
            let journals = world.comments.iter();
            let journals: Vec<_> =
                journals.map(|notes| json!({ "notes": notes, "private_notes": !world.is_open })).collect();
            let status = json!({ "name": world.kept[0].status });
            let subject = &world.kept[0].made_of["issue"]["subject"];
            let issue = json!({ "id": 1, "status": status, "subject": subject, "is_private": !world.is_open, "journals": journals });
            (200, json!({ "issue": issue }))
        }
        "PUT /issues/1.json" => {
            if let Some(notes) = asked.body["issue"]["notes"].as_str() {
                assert_eq!(asked.body["issue"]["private_notes"], true);
                world.comments.push(notes.to_owned());
                return (204, Value::Null);
            }
            let wanted: usize = asked.body["issue"]["status_id"].as_str().unwrap().parse().unwrap();
            // An id that it does not know, it ignores, and says 204.
            if let Some(status) = STATUSES.get(wanted - 1) {
                world.kept[0].status = (*status).to_owned();
            }
            (204, Value::Null)
        }
        _ => not_known(asked),
    }
}

fn jira(world: &mut World, asked: &Asked, version: &str, search: &str) -> (u16, Value) {
    const TRANSITIONS: [(&str, &str); 3] = [("11", "To Do"), ("21", "In Progress"), ("31", "Done")];
    let issue = format!("/rest/api/{version}/issue");
    let call = asked.call();
    if call == format!("GET {search}") {
        let items: Vec<_> = found(world, asked)
            .iter()
            .map(|(_, kept)| json!({ "key": "VULN-1", "fields": { "labels": kept.made_of["fields"]["labels"] } }))
            .collect();
        (200, json!({ "issues": items }))
    } else if call == format!("POST {issue}") {
        let fields = &asked.body["fields"];
        assert_eq!(
            (&fields["project"]["key"], &fields["issuetype"]["name"]),
            (&json!("VULN"), &json!("Bug"))
        );
        assert!(!fields["labels"][0].as_str().unwrap().contains(' '), "labels have no spaces");
        if version == "3" {
            assert_eq!(fields["description"]["type"], "doc", "v3 wants documents");
        } else {
            assert!(fields["description"].is_string());
        }
        make(world, asked, "To Do");
        (201, json!({ "id": "10000", "key": "VULN-1" }))
    } else if call == format!("GET {issue}/VULN-1") {
        assert!(asked.path.ends_with("?fields=status,summary,labels,security"), "{}", asked.path);
        let mut fields = world.kept[0].made_of["fields"].clone();
        fields["status"] = json!({ "name": world.kept[0].status });
        if world.is_open {
            fields["security"] = Value::Null;
        }
        (200, json!({ "key": "VULN-1", "fields": fields }))
    } else if call == format!("GET {issue}/VULN-1/transitions") {
        let offered = TRANSITIONS.iter().filter(|(_, name)| *name != world.kept[0].status);
        let offered: Vec<_> = offered
            .map(|(id, name)| json!({ "id": id, "name": format!("to {name}"), "to": { "name": name } }))
            .collect();
        (200, json!({ "transitions": offered }))
    } else if call == format!("POST {issue}/VULN-1/transitions") {
        let id = asked.body["transition"]["id"].as_str().unwrap();
        let Some((_, name)) = TRANSITIONS.iter().find(|(known, _)| *known == id) else {
            return (400, json!({ "errorMessages": ["no such transition"] }));
        };
        world.kept[0].status = (*name).to_owned();
        (204, Value::Null)
    } else if call == format!("GET {issue}/VULN-1/comment") {
        let comments: Vec<_> = world.comments.iter().rev().map(|said| json!({ "body": said })).collect();
        (200, json!({ "comments": comments }))
    } else if call == format!("POST {issue}/VULN-1/comment") {
        let body = &asked.body["body"];
        let said = if version == "3" { &body["content"][0]["content"][0]["text"] } else { body };
        say(world, said)
    } else {
        not_known(asked)
    }
}

pub(crate) fn jira_data_center(world: &mut World, asked: &Asked) -> (u16, Value) {
    if asked.header("authorization") != "Bearer a-secret-key" {
        return denied();
    }
    jira(world, asked, "2", "/rest/api/2/search")
}

pub(crate) fn jira_cloud(world: &mut World, asked: &Asked) -> (u16, Value) {
    // base64 of bot@example.org:a-secret-key
    if asked.header("authorization") != "Basic Ym90QGV4YW1wbGUub3JnOmEtc2VjcmV0LWtleQ==" {
        return denied();
    }
    jira(world, asked, "3", "/rest/api/3/search/jql")
}

pub(crate) fn servicenow(world: &mut World, asked: &Asked) -> (u16, Value) {
    if !asked.header("authorization").starts_with("Basic ") {
        return denied();
    }
    match asked.call().as_str() {
        "GET /api/now/table/incident" => {
            let items: Vec<_> = found(world, asked)
                .iter()
                .map(
                    |(_, kept)| json!({ "sys_id": "abc1", "correlation_id": kept.made_of["correlation_id"] }),
                )
                .collect();
            (200, json!({ "result": items }))
        }
        "POST /api/now/table/incident" => {
            make(world, asked, "1");
            (201, json!({ "result": { "sys_id": "abc1", "number": "INC1" } }))
        }
        "GET /api/now/table/incident/abc1" => {
            let kept = &world.kept[0];
            let id = &kept.made_of["correlation_id"];
            (200, json!({ "result": { "state": kept.status, "correlation_id": id } }))
        }
        "GET /api/now/table/sys_journal_field" => {
            assert!(asked.path.contains("element_id%3Dabc1%5Eelement%3Dwork_notes"), "{}", asked.path);
            let notes: Vec<_> = world.comments.iter().map(|said| json!({ "value": said })).collect();
            (200, json!({ "result": notes }))
        }
        "PATCH /api/now/table/incident/abc1" => {
            if asked.body["work_notes"].is_string() {
                return say(world, &asked.body["work_notes"]);
            }
            world.kept[0].status = asked.body["state"].as_str().unwrap().to_owned();
            (200, json!({ "result": {} }))
        }
        _ => not_known(asked),
    }
}

pub(crate) fn gitlab(world: &mut World, asked: &Asked) -> (u16, Value) {
    if asked.header("private-token") != "a-secret-key" {
        return denied();
    }
    match asked.call().as_str() {
        "GET /api/v4/projects/team%2Fproduct/issues" => {
            let items: Vec<_> = found(world, asked)
                .iter()
                .map(|(id, kept)| json!({ "iid": id, "labels": [kept.made_of["labels"]] }))
                .collect();
            (200, items.into())
        }
        "POST /api/v4/projects/team%2Fproduct/issues" => {
            assert_eq!(asked.body["confidential"], true);
            let id = make(world, asked, "opened");
            (201, json!({ "iid": id }))
        }
        "GET /api/v4/projects/team%2Fproduct/issues/1" => {
            let link = "https://gitlab.example/team/product/-/issues/1";
            let kept = &world.kept[0];
            let (title, labels) = (&kept.made_of["title"], [&kept.made_of["labels"]]);
            let issue = json!({ "iid": 1, "state": kept.status, "web_url": link, "title": title, "labels": labels, "confidential": !world.is_open });
            (200, issue)
        }
        "GET /api/v4/projects/team%2Fproduct/issues/1/notes" => {
            let notes = page(world.comments.iter().rev(), asked).into_iter();
            let notes: Vec<_> =
                notes.map(|said| json!({ "body": said, "internal": !world.is_open })).collect();
            (200, notes.into())
        }
        "POST /api/v4/projects/team%2Fproduct/issues/1/notes" => {
            assert_eq!(asked.body["internal"], true, "what is secret stays inside there");
            say(world, &asked.body["body"])
        }
        "PUT /api/v4/projects/team%2Fproduct/issues/1" => {
            world.kept[0].status = match asked.body["state_event"].as_str() {
                Some("close") => "closed".to_owned(),
                Some("reopen") => "opened".to_owned(),
                other => return (400, json!({ "error": format!("state_event {other:?}") })),
            };
            (200, json!({}))
        }
        _ => not_known(asked),
    }
}

pub(crate) fn github(world: &mut World, asked: &Asked) -> (u16, Value) {
    if asked.header("authorization") != "Bearer a-secret-key" || asked.header("user-agent").is_empty() {
        return denied();
    }
    match asked.call().as_str() {
        "GET /repos/team/product/issues" => {
            let items: Vec<_> = found(world, asked)
                .iter()
                .map(|(id, kept)| json!({ "number": id, "title": kept.made_of["title"] }))
                .collect();
            (200, items.into())
        }
        "POST /repos/team/product/issues" => {
            let id = make(world, asked, "open");
            (201, json!({ "number": id }))
        }
        "GET /repos/team/product/issues/1" => {
            let kept = &world.kept[0];
            // Who may not push to the repository sets no labels.
            let labels = kept.made_of["labels"].as_array().unwrap().iter().filter(|_| !world.is_open);
            let labels: Vec<_> = labels.map(|name| json!({ "name": name })).collect();
            let link = "https://github.example/team/product/issues/1";
            (
                200,
                json!({ "state": kept.status, "html_url": link, "title": kept.made_of["title"], "labels": labels }),
            )
        }
        "GET /repos/team/product/issues/1/comments" => {
            let comments = page(world.comments.iter(), asked).into_iter();
            (200, comments.map(|said| json!({ "body": said })).collect())
        }
        "POST /repos/team/product/issues/1/comments" => say(world, &asked.body["body"]),
        "PATCH /repos/team/product/issues/1" => {
            world.kept[0].status = asked.body["state"].as_str().unwrap().to_owned();
            (200, json!({}))
        }
        _ => not_known(asked),
    }
}

pub(crate) fn zentao(world: &mut World, asked: &Asked) -> (u16, Value) {
    if asked.call() == "POST /api.php/v1/tokens" {
        return if asked.body == json!({ "account": "bot", "password": "a-secret-key" }) {
            (201, json!({ "token": "token-of-one-session" }))
        } else {
            (400, json!({ "error": "login failed" }))
        };
    }
    if asked.header("token") != "token-of-one-session" {
        return denied();
    }
    match asked.call().as_str() {
        "GET /api.php/v1/products/7/bugs" => {
            let items = world.kept.iter().enumerate();
            let items: Vec<_> =
                items.map(|(at, kept)| json!({ "id": at + 1, "title": kept.made_of["title"] })).collect();
            (200, json!({ "bugs": items }))
        }
        "POST /api.php/v1/products/7/bugs" => {
            assert_eq!((&asked.body["severity"], &asked.body["openedBuild"]), (&json!(3), &json!(["trunk"])));
            let id = make(world, asked, "active");
            (201, json!({ "id": id }))
        }
        "GET /api.php/v1/bugs/1" => {
            let kept = &world.kept[0];
            (200, json!({ "id": 1, "status": kept.status, "title": kept.made_of["title"] }))
        }
        call => {
            let status = match call.strip_prefix("POST /api.php/v1/bugs/1/") {
                Some("active") => "active",
                Some("resolve") => "resolved",
                Some("close") => "closed",
                _ => return not_known(asked),
            };
            world.kept[0].status = status.to_owned();
            (200, json!({}))
        }
    }
}

pub(crate) fn request_tracker(world: &mut World, asked: &Asked) -> (u16, Value) {
    const STATUSES: [&str; 6] = ["new", "open", "stalled", "resolved", "rejected", "deleted"];
    if asked.header("authorization") != "token a-secret-key" {
        return denied();
    }
    match asked.call().as_str() {
        "GET /REST/2.0/tickets" => {
            let items: Vec<_> = found(world, asked)
                .iter()
                .map(|(id, kept)| json!({ "id": id.to_string(), "Subject": kept.made_of["Subject"] }))
                .collect();
            (200, json!({ "items": items }))
        }
        "POST /REST/2.0/ticket" => {
            assert_eq!(
                (&asked.body["Queue"], &asked.body["ContentType"]),
                (&json!("General"), &json!("text/plain"))
            );
            let id = make(world, asked, "new");
            (201, json!({ "id": id.to_string(), "type": "ticket" }))
        }
        "GET /REST/2.0/ticket/1" => {
            let kept = &world.kept[0];
            (200, json!({ "id": 1, "Status": kept.status, "Subject": kept.made_of["Subject"] }))
        }
        "PUT /REST/2.0/ticket/1" => {
            if asked.header("if-match") != world.etag() {
                return (412, json!({ "message": "Precondition Failed" }));
            }
            let status = asked.body["Status"].as_str().unwrap();
            if !STATUSES.contains(&status) {
                return (200, json!([format!("'{status}' isn't a valid status for this queue")]));
            }
            world.kept[0].status = status.to_owned();
            world.changes += 1;
            (200, json!([format!("Status changed to '{status}'")]))
        }
        "GET /REST/2.0/ticket/1/attachments" => {
            let items = page(world.comments.iter(), asked).into_iter();
            let items: Vec<_> = items.map(|said| json!({ "Subject": said })).collect();
            (200, json!({ "items": items }))
        }
        "POST /REST/2.0/ticket/1/comment" => {
            world.changes += 1;
            say(world, &asked.body["Subject"])
        }
        _ => not_known(asked),
    }
}
