//! Every way by which somebody may ask an installation something, made from the schema where it is an operation.

use std::collections::BTreeSet;
use std::fmt::Write;

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};
use vulndesk::hook::message as hook;
use vulndesk::ids::Kind;

use crate::generate::{CONFIGURED, RootField, Schema, kind_of};
use crate::harness::TestApp;
use crate::hooks::Hook;
use crate::questions::Question;

/// What somebody was told.
pub(crate) struct Told {
    pub(crate) text: String,
    /// The statements of the database that it took, each once: what is read at once comes in any order, and what is looked up
    /// for several goes in one batch or two as the tasks fall.
    pub(crate) sql: Vec<String>,
    /// Whether it is theirs to ask; none when it was refused before anything was looked up.
    pub(crate) open: Option<bool>,
}

impl Told {
    /// An answer that says no more than this.
    pub(crate) fn refused(open: Option<bool>, text: &str) -> Self {
        Self { text: text.to_owned(), sql: Vec::new(), open }
    }

    /// Whether they cannot be told apart. What is deep down is read together or one after the other, as it comes.
    pub(crate) fn is_like(&self, other: &Self, is_deep: bool) -> bool {
        let once = |sql: &[String]| sql.iter().cloned().collect::<BTreeSet<_>>();
        let same = self.sql == other.sql || is_deep && once(&self.sql) == once(&other.sql);
        self.text == other.text && same
    }
}

/// One way of asking something.
pub(crate) enum Surface {
    /// A question about what the asker sees.
    Question(Question),
    /// A list, page by page.
    Pages(String),
    /// One's calendar feed.
    Feed,
    /// A question about something that is named.
    About(Question),
    /// A change of something that is named by this field.
    Change(RootField, String),
    /// A path, made of the id of this kind.
    Download(&'static str, Kind),
    /// A platform's hook of this type, about a report or a payout.
    Hook(&'static str),
}

impl Surface {
    /// All of them.
    pub(crate) fn all(schema: &Schema) -> Vec<Self> {
        assert_eq!(schema.with_arguments(), ["Calendar", "Mutation", "Query", "Statistics", "Subscription"]);
        let mut all = vec![Self::Feed];
        // Who called last is no event's secret.
        for question in schema.questions().into_iter().filter(|one| !one.name.starts_with("principals")) {
            if question.names() {
                all.push(Self::About(question.clone()));
            }
            all.push(Self::Question(question));
        }
        let paged = schema.paged().into_iter().map(|root| root.name).filter(|name| name != "principals");
        all.extend(paged.map(Self::Pages));
        for root in schema.fields_of("Mutation") {
            let fields =
                schema.ids_in(&root).into_iter().filter(|field| !CONFIGURED.contains(&kind_of(field)));
            all.extend(fields.map(|field| Self::Change(root.clone(), field)));
        }
        // A report that is submitted names nothing.
        all.extend(hook::TYPES.into_iter().filter(|kind| *kind != "report.submitted").map(Self::Hook));
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
            Self::Question(question) => question.name.clone(),
            Self::Pages(name) => format!("{name} by pages"),
            Self::Feed => "the feed".to_owned(),
            Self::About(question) => format!("{} of what is named", question.name),
            Self::Change(root, field) => format!("{} of {field}", root.name),
            Self::Download(path, kind) => format!("{path} of {kind:?}"),
            Self::Hook(kind) => format!("hook {kind}"),
        }
    }

    /// Whether much is asked at once.
    pub(crate) fn is_deep(&self) -> bool {
        matches!(self, Self::Question(question) | Self::About(question) if question.deep)
    }

    /// The kind of what it names, where it names one thing.
    pub(crate) fn kind(&self) -> Option<Kind> {
        match self {
            Self::Download(_, kind) => Some(*kind),
            Self::Hook(kind) => Some(if kind.starts_with("payout.") { Kind::Payout } else { Kind::Report }),
            _ => None,
        }
    }

    /// Whether it names something.
    pub(crate) fn names(&self) -> bool {
        !matches!(self, Self::Question(_) | Self::Pages(_) | Self::Feed)
    }
}

impl TestApp {
    /// Runs `work`, and answers its statements each once, but for what is written down of a read: of what is under embargo each is,
    /// also of who sees some of it and goes on seeing that.
    async fn distinct_sql_of<T>(&self, work: impl Future<Output = T>) -> (T, Vec<String>) {
        let (result, mut sql) = self.sorted_sql_of(work).await;
        sql.dedup();
        sql.retain(|sql| !sql.starts_with("INSERT INTO access_record"));
        (result, sql)
    }

    pub(crate) async fn ask(&self, token: &str, document: &str, variables: Value) -> Told {
        let (answer, sql) = self.distinct_sql_of(self.graphql(token, document, variables)).await;
        let open = match answer["errors"][0]["extensions"]["code"].as_str() {
            Some("FORBIDDEN") => Some(false),
            Some("BAD_USER_INPUT" | "QUERY_TOO_COMPLEX" | "GRAPHQL_VALIDATION_FAILED") => None,
            _ => Some(true),
        };
        Told { text: answer.to_string(), sql, open }
    }

    /// A list from both ends, item by item.
    pub(crate) async fn pages(&self, token: &str, name: &str) -> Told {
        let document = format!(
            "query($first: Int, $last: Int, $after: String, $before: String) {{
                {name}(first: $first, last: $last, after: $after, before: $before) {{
                    edges {{ cursor node {{ __typename }} }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
                }} }}"
        );
        let mut all = Told { text: String::new(), sql: Vec::new(), open: Some(true) };
        for (size, from, cursor) in [("first", "after", "endCursor"), ("last", "before", "startCursor")] {
            let mut place = Value::Null;
            for _ in 0..3 {
                let told = self.ask(token, &document, json!({ size: 1, from: place })).await;
                let answer: Value = serde_json::from_str(&told.text).unwrap();
                let _ = writeln!(all.text, "{answer}");
                all.sql.extend(told.sql);
                all.open = told.open;
                place = answer["data"][name]["pageInfo"][cursor].clone();
                if place.is_null() {
                    break;
                }
            }
        }
        all
    }

    /// What is under a path.
    pub(crate) async fn get(&self, token: &str, path: &str) -> Told {
        let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
        let (response, sql) = self.distinct_sql_of(self.respond(request.body(Body::empty()).unwrap())).await;
        let open = (response.status() != 400).then_some(response.status() != 403);
        let head = format!("{} {:?}", response.status(), response.headers().get(header::CONTENT_LENGTH));
        let body = axum::body::to_bytes(response.into_body(), 16 << 20).await.unwrap();
        Told { text: format!("{head} {}", String::from_utf8_lossy(&body)), sql, open }
    }

    /// Sends a hook of the platform `src` about what has this id.
    pub(crate) async fn hook(&self, secret: &str, kind: &str, about: &str) -> Told {
        let mut data = match kind {
            "report.added" => json!({ "text": "More" }),
            "report.withdrawn" => json!({ "reason": "A mistake" }),
            "payout.accepted" => json!({}),
            "payout.appealed" => json!({ "grounds": "It is worse" }),
            "payout.synced" => json!({ "attempt": 1 }),
            "payout.failed" => json!({ "attempt": 1, "reason": "No account" }),
            "payout.confirmed" => json!({
                "externalReference": "R-1", "paidAt": self.now(), "amount": "500.00", "currency": "CNY",
            }),
            _ => panic!("nothing is said by {kind}"),
        };
        data[kind.split('.').next().unwrap()] = json!(about);
        let id = format!("msg_{}", self.app.ids.next());
        let (answer, sql) = self.distinct_sql_of(Hook::new(self, secret, &id, kind, data).send()).await;
        Told { text: format!("{answer:?}"), sql, open: Some(true) }
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
    let statement = |sql: &[String]| sql.get(at).cloned();
    format!(
        "{} statements without and {} with, number {at} is\n  without: {:?}\n  with:    {:?}",
        before.sql.len(),
        after.sql.len(),
        statement(&before.sql),
        statement(&after.sql)
    )
}
