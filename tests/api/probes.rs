//! Every way of learning something from an installation, and what it tells.

use std::fmt::Write;

use axum::body::Body;
use axum::http::{Request, header};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use mail_parser::MessageParser;
use regex::{Captures, Regex};
use serde_json::{Value, json};
use uuid::Uuid;
use vulndesk::auth::Role;
use vulndesk::hook::message as hook;
use vulndesk::ids::{Kind, decode_any};

use crate::generate::{RootField, Schema};
use crate::hooks::Hook;
use crate::questions::Question;
use crate::worlds::{Observer, World};

/// What somebody was told.
#[derive(PartialEq)]
pub(crate) struct Told {
    pub(crate) text: String,
    pub(crate) sql: Vec<String>,
    /// Whether it is theirs to ask.
    pub(crate) open: bool,
}

/// A text without what names things by chance: each id is replaced by the order in which it comes.
pub(crate) fn masked(text: &str) -> String {
    thread_local! {
        static TOKEN: Regex = Regex::new("[A-Za-z0-9_-]{23,}").unwrap();
    }
    let mut known: Vec<Uuid> = Vec::new();
    let mut place = |id: Uuid| {
        known.iter().position(|other| *other == id).unwrap_or_else(|| {
            known.push(id);
            known.len() - 1
        })
    };
    let replace = |token: &Captures<'_>| {
        let token = &token[0];
        let row = token.strip_prefix("msg_").unwrap_or(token);
        if let Some((kind, id)) = decode_any(token) {
            return format!("{kind}#{}", place(id));
        }
        if let Ok(id) = Uuid::parse_str(row) {
            return format!("#{}", place(id));
        }
        let cursor =
            URL_SAFE_NO_PAD.decode(token).ok().and_then(|json| serde_json::from_slice::<Value>(&json).ok());
        match cursor.as_ref().map(|cursor| (cursor, cursor["i"].as_str().and_then(|id| id.parse().ok()))) {
            Some((cursor, Some(id))) => format!("{} {} #{}", cursor["o"], cursor["k"], place(id)),
            _ => token.to_owned(),
        }
    };
    TOKEN.with(|regex| regex.replace_all(text, replace).into_owned())
}

/// One way of learning something.
pub(crate) enum Probe {
    /// A question about what is open, or about what is hidden in the second world and absent in the first.
    Ask(Question, bool),
    /// A list, page by page.
    Pages(String),
    /// Changing what is hidden and what is absent.
    Change(RootField, String),
    /// A subscription.
    Hear(String, String),
    /// One's feed.
    Feed,
    /// A path, made of the id of this kind.
    Download(&'static str, Kind),
    /// A webhook.
    Webhook(usize),
    /// A hook of this type, about a report or a payout.
    Hook(&'static str),
}

impl Probe {
    /// Everything there is to try.
    pub(crate) fn all(schema: &Schema) -> Vec<Self> {
        assert_eq!(schema.with_arguments(), ["Calendar", "Mutation", "Query", "Statistics", "Subscription"]);
        let mut all = vec![Self::Feed, Self::Webhook(0), Self::Webhook(1), Self::Webhook(2)];
        // Who called last is no event's secret.
        for question in
            schema.questions().into_iter().filter(|question| !question.name.starts_with("principals"))
        {
            if question.names() {
                all.push(Self::Ask(question.clone(), true));
            }
            all.push(Self::Ask(question, false));
        }
        for root in schema.paged().into_iter().filter(|root| root.name != "principals") {
            all.push(Self::Pages(root.name));
        }
        for root in schema.fields_of("Mutation") {
            for field in schema.ids_in(&root) {
                all.push(Self::Change(root.clone(), field));
            }
        }
        // A report that is submitted names nothing.
        all.extend(hook::TYPES.into_iter().filter(|kind| *kind != "report.submitted").map(Self::Hook));
        for root in schema.fields_of("Subscription") {
            let (document, _) = schema.operation("subscription", &root, 1);
            all.push(Self::Hear(root.name, document));
        }
        for (path, kind) in [
            ("/files/{}", Kind::Attachment),
            ("/files/{}", Kind::ReplyAttachment),
            ("/replies/{}/sent?format=TEXT", Kind::Reply),
            ("/replies/{}/rendered?format=TEXT", Kind::Reply),
            ("/events/{}/package.zip", Kind::Event),
        ] {
            all.push(Self::Download(path, kind));
        }
        all
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Self::Ask(question, about) => {
                format!("{}{}", question.name, if *about { " of the hidden" } else { "" })
            }
            Self::Pages(name) => format!("{name} by pages"),
            Self::Change(root, field) => format!("{} of {field}", root.name),
            Self::Hear(name, _) => format!("hearing {name}"),
            Self::Feed => "the feed".to_owned(),
            Self::Download(path, kind) => format!("{path} of {kind:?}"),
            Self::Webhook(index) => format!("webhook {index}"),
            Self::Hook(kind) => format!("hook {kind}"),
        }
    }

    /// Whose rights decide what is told.
    pub(crate) fn reader(&self, observer: Observer, world: &World) -> Role {
        match self {
            Self::Webhook(index) => world.endpoints[*index].0,
            Self::Hook(_) => Role::Src,
            _ => observer.0,
        }
    }

    /// The kind of thing that has to be hidden for it to be tried.
    pub(crate) fn about(&self) -> Option<Kind> {
        match self {
            Self::Download(_, kind) => Some(*kind),
            Self::Hook(kind) => Some(if kind.starts_with("payout.") { Kind::Payout } else { Kind::Report }),
            _ => None,
        }
    }
}

impl World {
    /// Subject and text of the e-mails that came since the last look, by whom they are to.
    pub(crate) fn mailed(&mut self) -> Vec<(String, String)> {
        let got = self.mails.got();
        let read = got[self.read..].iter().map(|mail| {
            let mail = MessageParser::default().parse(mail.as_bytes()).unwrap();
            let to = mail.to().unwrap().first().unwrap().address().unwrap().to_owned();
            (to, masked(&format!("{}\n{}", mail.subject().unwrap(), mail.body_text(0).unwrap())))
        });
        let mut read: Vec<_> = read.collect();
        read.sort();
        self.read = got.len();
        read
    }

    /// Answer and statements of a path.
    pub(crate) async fn get(&self, token: &str, path: &str) -> Told {
        let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
        let (response, sql) = self.app.sql_of(self.app.respond(request.body(Body::empty()).unwrap())).await;
        let head = format!("{} {:?}", response.status(), response.headers().get(header::CONTENT_LENGTH));
        let body = axum::body::to_bytes(response.into_body(), 16 << 20).await.unwrap();
        Told { text: masked(&format!("{head} {}", String::from_utf8_lossy(&body))), sql, open: true }
    }

    /// Sends a hook of the platform `src` about what has this id.
    pub(crate) async fn hook(&self, kind: &str, about: &str) -> Told {
        let mut data = match kind {
            "report.added" => json!({ "text": "More" }),
            "report.withdrawn" => json!({ "reason": "A mistake" }),
            "payout.accepted" => json!({}),
            "payout.appealed" => json!({ "grounds": "It is worse" }),
            "payout.synced" => json!({ "attempt": 1 }),
            "payout.failed" => json!({ "attempt": 1, "reason": "No account" }),
            "payout.confirmed" => json!({
                "externalReference": "R-1", "paidAt": self.app.now(), "amount": "500.00", "currency": "CNY",
            }),
            _ => panic!("nothing is said by {kind}"),
        };
        data[kind.split('.').next().unwrap()] = json!(about);
        let id = format!("msg_{kind}_{}", self.app.now().timestamp_micros());
        let hook = Hook::new(&self.app, &self.hook_secret, &id, kind, data);
        let (answer, sql) = self.app.sql_of(hook.send()).await;
        Told { text: masked(&format!("{answer:?}")), sql, open: true }
    }

    pub(crate) async fn ask(&self, token: &str, document: &str, variables: Value) -> Told {
        let (answer, sql) = self.app.sql_of(self.app.graphql(token, document, variables)).await;
        let code = answer["errors"][0]["extensions"]["code"].as_str();
        let open = !matches!(code, Some("FORBIDDEN" | "BAD_USER_INPUT" | "INVALID_ID"));
        Told { text: masked(&answer.to_string()), sql, open }
    }

    /// A list from both ends, item by item.
    pub(crate) async fn pages(&self, token: &str, name: &str) -> Told {
        let document = format!(
            "query($first: Int, $last: Int, $after: String, $before: String) {{
                {name}(first: $first, last: $last, after: $after, before: $before) {{
                    edges {{ cursor node {{ __typename }} }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
                }} }}"
        );
        let mut all = Told { text: String::new(), sql: Vec::new(), open: true };
        for (size, from, cursor) in [("first", "after", "endCursor"), ("last", "before", "startCursor")] {
            let mut place = Value::Null;
            for _ in 0..3 {
                let variables = json!({ size: 1, from: place });
                let (answer, sql) = self.app.sql_of(self.app.graphql(token, &document, variables)).await;
                let _ = writeln!(all.text, "{}", masked(&answer.to_string()));
                all.sql.extend(sql);
                all.open &= answer["errors"].is_null();
                place = answer["data"][name]["pageInfo"][cursor].clone();
                if place.is_null() {
                    break;
                }
            }
        }
        all
    }
}

/// Where two answers part.
pub(crate) fn difference(before: &Told, after: &Told) -> String {
    let around =
        |text: &str, at: usize| -> String { text.chars().skip(at.saturating_sub(300)).take(600).collect() };
    if before.text != after.text {
        let at = before.text.chars().zip(after.text.chars()).take_while(|(one, other)| one == other).count();
        return format!("\n  without: {}\n  with:    {}", around(&before.text, at), around(&after.text, at));
    }
    let at = before.sql.iter().zip(&after.sql).take_while(|(one, other)| one == other).count();
    format!(
        "{} statements and not {}, the first other one is {:?} and not {:?}",
        after.sql.len(),
        before.sql.len(),
        after.sql.get(at),
        before.sql.get(at)
    )
}
