//! Installations in which the same happened, but for what is hidden in some of them.

use std::collections::HashMap;

use chrono::TimeDelta;
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};
use uuid::Uuid;
use vulndesk::auth::{Actor, Role};
use vulndesk::ids::{Kind, encode};
use vulndesk::{notice::digest, schedule};

use crate::acts::{Act, Means, act};
use crate::deadlines::on_duty;
use crate::generate::Named;
use crate::harness::{Kind as Database, TestApp};
use crate::hidden_ids::named;
use crate::hooks::rotate;
use crate::leaks::{OTHERS, schema_of};
use crate::mail_server::MailServer;
use crate::sequencer::sequence_all;
use crate::story::Story;
use crate::tickets::tracker;
use crate::webhooks::{portal, with};

/// An installation, and what is hidden in it.
pub(crate) struct World {
    pub(crate) app: TestApp,
    pub(crate) mails: MailServer,
    pub(crate) read: usize,
    /// Open events: of reporter-2 through `src`, and of colleagues.
    pub(crate) open: Vec<[String; 3]>,
    pub(crate) hidden: Vec<[String; 3]>,
    /// Steps of the procedure that were tried on each hidden event.
    pub(crate) steps: Vec<usize>,
    pub(crate) configured: Named,
    pub(crate) feeds: HashMap<&'static str, String>,
    pub(crate) endpoints: Vec<(Role, Uuid)>,
    /// What signs the hooks of the platform `src`.
    pub(crate) hook_secret: String,
    /// What hangs on the open events, with what is configured.
    pub(crate) named: Vec<Named>,
}

/// What sets a world apart from the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secret {
    /// Events of named people, and what is paid for them.
    OfNamedPeople,
    /// Events that are not the concern of who is asked, and work inside an open one.
    OfColleagues,
}

impl Secret {
    /// Whether somebody with this role is not to learn of it.
    pub(crate) fn is_from(self, role: Role) -> bool {
        match self {
            // Who pays sees each payout.
            Self::OfNamedPeople => role != Role::Finance,
            // Analysts see all that is not for named people; a service that keeps tickets sees events with one.
            Self::OfColleagues => !matches!(role, Role::Analyst | Role::Ticketing),
        }
    }
}

/// Somebody who is not to learn of what is hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Observer(pub(crate) Role, pub(crate) &'static str);

impl Observer {
    pub(crate) fn all() -> Vec<Self> {
        let others = OTHERS.iter().map(|&(role, subject)| Self(role, subject));
        others.chain([Self(Role::Analyst, "analyst-2")]).collect()
    }

    pub(crate) fn email(self) -> Option<String> {
        (!matches!(self.0, Role::Src | Role::Ticketing)).then(|| format!("{}@example.com", self.1))
    }

    pub(crate) fn token(self, app: &TestApp) -> String {
        let products: &[&str] = if self.0 == Role::Engineer { &["core-router"] } else { &[] };
        let channel = (self.0 == Role::Src).then_some("src");
        app.mint_with_email(&[self.0], self.1, products, channel, self.email().as_deref())
    }

    pub(crate) fn actor(self) -> Actor {
        Actor {
            products: if self.0 == Role::Engineer { ["core-router".to_owned()].into() } else { [].into() },
            channel: (self.0 == Role::Src).then(|| "src".into()),
            ..Actor::operator(self.1, [self.0])
        }
    }

    /// Which of the open events is theirs to see, if any.
    pub(crate) fn open(self) -> usize {
        usize::from(!matches!(self.0, Role::Reporter | Role::Src | Role::Finance))
    }
}

fn ids(story: &Story<'_>) -> [String; 3] {
    [story.event.clone(), story.report.clone(), story.number.clone()]
}

impl World {
    pub(crate) async fn new(database: Database) -> Self {
        let mails = MailServer::start().await;
        let app = TestApp::mailing(mails.port, database).await;
        app.with_company().await;
        let router = app.with_core_router().await;
        let (admin, analyst) = (app.token(Role::Admin, "admin-1"), app.token(Role::Analyst, "analyst-1"));
        for (key, kind) in [("regulator", "REGULATOR"), ("vendor", "VENDOR")] {
            let channel = json!({
                "key": key, "name": key, "kind": kind, "jurisdiction": "CN", "abroad": false, "replyRequired": true,
            });
            app.made(&admin, "createChannel", channel, "id").await;
        }
        on_duty(&app, "SECURITY", "analyst-1").await;
        let customer =
            json!({ "key": "bank", "name": "Bank", "abroad": false, "accountManager": "account-manager-9" });
        let customer = app.made(&admin, "createCustomer", customer, "id").await["id"].clone();
        let cells: Vec<_> = ["CORE", "GENERAL", "EDGE"]
            .map(|tier| json!({ "assetTier": tier, "severity": "HIGH", "minimum": "1", "maximum": "1000" }))
            .into();
        app.made(&admin, "createRewardGrid", json!({ "currency": "CNY", "cells": cells }), "id").await;
        let budget = json!({ "period": "2026", "currency": "CNY", "amount": "500000" });
        app.made(&app.token(Role::Finance, "finance-9"), "createBudget", budget, "id").await;
        // Nobody listens there: what is pushed and kept is not what is asked about.
        let tracker = tracker(&app, json!({ "baseUrl": "https://127.0.0.2/" })).await;

        let mut of_kind: HashMap<u8, String> =
            [(Kind::Product as u8, router.clone()), (Kind::Tracker as u8, tracker)].into();
        of_kind.insert(Kind::Customer as u8, customer.as_str().unwrap().to_owned());
        let channels = app.graphql(&admin, "{ channels { nodes { id key } } }", Value::Null).await;
        let channels = channels["data"]["channels"]["nodes"].as_array().unwrap().clone();
        let src = channels.iter().find(|channel| channel["key"] == "src").unwrap()["id"].clone();
        of_kind.insert(Kind::Channel as u8, channels[0]["id"].as_str().unwrap().to_owned());

        let mut endpoints = Vec::new();
        for (role, grant) in [
            (Role::Analyst, json!({ "role": "ANALYST", "tlpCeiling": "AMBER_STRICT", "abroad": false })),
            (
                Role::Engineer,
                json!({ "role": "ENGINEER", "tlpCeiling": "AMBER_STRICT", "abroad": false, "products": [router] }),
            ),
            (
                Role::Src,
                json!({ "role": "SRC", "tlpCeiling": "AMBER_STRICT", "abroad": false, "channel": src }),
            ),
        ] {
            let input = with(portal(), json!({ "grant": grant, "payload": "FULL" }));
            endpoints.push((role, app.confirmed(input).await));
        }
        of_kind.insert(Kind::WebhookEndpoint as u8, encode(Kind::WebhookEndpoint, endpoints[0].1));

        let hook_secret = rotate(&app, "src", 24).await;

        // What is open: one event of each side.
        let mut open = Vec::new();
        for (number, channel, reporter) in [
            ("OPEN-1", "src", "reporter-2"),
            ("OPEN-2", "cnvd", "reporter-1"),
            ("OPEN-3", "vendor", "reporter-3"),
        ] {
            app.advance(TimeDelta::minutes(7));
            let story = Story::receive(
                &app,
                number,
                json!({
                    "channel": channel, "tlp": "AMBER", "text": "The parser of CVE-2026-1000 trusts lengths",
                    "reporter": { "name": reporter, "subject": reporter },
                    "indicators": [{ "kind": "CVE", "value": "CVE-2026-1000" }],
                }),
            )
            .await;
            open.push(ids(&story));
        }
        let mut world = Self {
            app,
            mails,
            read: 0,
            open,
            hidden: Vec::new(),
            steps: Vec::new(),
            configured: Named { of_kind, ..Named::default() },
            feeds: HashMap::new(),
            endpoints,
            hook_secret,
            named: Vec::new(),
        };
        let app = &world.app;
        let story = world.story(&world.open[0]);
        story.confirm().await;
        let proposal = json!({
            "kind": "BOUNTY", "report": story.report, "amount": "500.00", "currency": "CNY", "rationale": "By the grid",
            "assetTier": "CORE",
        });
        let payout = app.made(&analyst, "proposePayout", proposal, "id version").await;
        let approve = json!({ "payout": payout["id"], "expectedVersion": payout["version"] });
        app.made(&app.token(Role::Analyst, "analyst-9"), "approvePayout", approve, "id").await;
        let story = world.story(&world.open[1]);
        story.confirm().await;
        for (function, subject) in [
            ("TECHNICAL_SERVICE", "support-1"),
            ("ACCOUNT_MANAGEMENT", "account-manager-1"),
            ("LEGAL", "legal-1"),
            ("PUBLIC_RELATIONS", "public-relations-1"),
        ] {
            story.assign(function, subject, None).await;
        }
        story.product(&router, "AFFECTED").await;
        for observer in Observer::all() {
            let token = observer.token(app);
            let feed =
                app.change(&token, "createCalendarFeed", "CreateCalendarFeed", json!({}), "path").await;
            if let Some(path) = feed["path"].as_str() {
                world.feeds.insert(observer.1, path.to_owned());
            }
        }
        let schema = schema_of(&world.app).await;
        for index in 0..world.open.len() {
            let of_event = named(&world.story(&world.open[index]), &schema).await;
            let of_event = world.with_configured(&of_event);
            world.named.push(of_event);
        }
        world
    }

    /// These ids, and those of what is configured.
    pub(crate) fn with_configured(&self, named: &Named) -> Named {
        let mut all = named.clone();
        all.of_kind.extend(self.configured.of_kind.clone());
        all
    }

    pub(crate) fn story(&self, [event, report, number]: &[String; 3]) -> Story<'_> {
        Story { app: &self.app, event: event.clone(), report: report.clone(), number: number.clone() }
    }

    /// Receives an event that is to stay hidden, of a reporter who is known from an open one.
    pub(crate) async fn hide(&mut self, secret: Secret, rng: &mut StdRng) {
        let turn = self.hidden.len() + 1;
        let of_named = secret == Secret::OfNamedPeople;
        let tlp =
            if of_named { "RED" } else { *["AMBER_STRICT", "AMBER", "GREEN", "CLEAR"].choose(rng).unwrap() };
        let received = self.app.now() - TimeDelta::hours(rng.random_range(0..48));
        let channel = *["cnvd", "regulator", "vendor"].choose(rng).unwrap();
        let input = json!({
            "channel": channel, "tlp": tlp, "receivedAt": received,
            "title": format!("秘密漏洞 hidden gateway parser {turn}"),
            "text": "The parser of CVE-2026-1000 trusts lengths, as inside.example does",
            "reporter": { "subject": "reporter-1" },
            "indicators": [{ "kind": "CVE", "value": "CVE-2026-1000" }],
        });
        let story = Story::receive(&self.app, &format!("HIDDEN-{turn}"), input).await;
        let leader = self.app.token(Role::Leader, "leader-1");
        for (subject, function) in [
            ("analyst-9", "SECURITY"),
            ("engineer-9", "R_AND_D"),
            ("legal-9", "LEGAL"),
            ("account-manager-9", "ACCOUNT_MANAGEMENT"),
        ] {
            story.step(&leader, "addTeamMember", json!({ "subject": subject, "function": function })).await;
        }
        let ids = ids(&story);
        self.hidden.push(ids);
        self.steps.push(0);
    }

    /// Does one act to a hidden event; answers whether it could be done.
    pub(crate) async fn act(&self, secret: Secret, event: usize, what: Act, turn: usize) -> bool {
        let other = (event > 0).then(|| self.story(&self.hidden[event - 1]));
        let story = self.story(&self.hidden[event]);
        self.act_on(secret, &story, what, other.as_ref(), turn).await
    }

    pub(crate) async fn act_on(
        &self,
        secret: Secret,
        story: &Story<'_>,
        what: Act,
        other: Option<&Story<'_>>,
        turn: usize,
    ) -> bool {
        // Engineers see confirmed events of their products, unless those are for named people.
        let admin = self.app.token(Role::Admin, "admin-9");
        let products = self.app.graphql(&admin, "{ products { nodes { id line } } }", Value::Null).await;
        let products = products["data"]["products"]["nodes"].as_array().unwrap();
        let line = if secret == Secret::OfNamedPeople && turn % 2 == 0 { "router" } else { "gateway" };
        let product = products.iter().find(|product| product["line"] == line).unwrap();
        let means = Means {
            product: (product["id"].as_str().unwrap(), line),
            customer: &self.configured.of_kind[&(Kind::Customer as u8)],
            tracker: &self.configured.of_kind[&(Kind::Tracker as u8)],
            other,
            turn,
        };
        act(story, what, &means).await
    }

    /// What is due at this moment is done.
    pub(crate) async fn settle(&self) {
        sequence_all(&self.app.app).await;
        schedule::sweep(&self.app.app).await.unwrap();
        digest::pass(&self.app.app).await.unwrap();
        sequence_all(&self.app.app).await;
    }
}
