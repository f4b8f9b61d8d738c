//! Things hidden at random, from a seed: whatever is done to them, nothing of it is told, by any way, to who may not see it.
//!
//! One installation, in which each day something is done to one event: some acts, one after the other. What those who are blind to them
//! may ask is asked before and after: the answers are the same, and so are the statements that they took. What names
//! something is asked after, of what is hidden and of what never was. Each act is a round; all that can be asked has its turn,
//! and of the deep questions some. `VULNDESK_TEST_ROUNDS` and `VULNDESK_TEST_SEED` make more of them, and others.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use uuid::Uuid;
use vulndesk::auth::{Actor, Role};
use vulndesk::graphql;
use vulndesk::ids::{Kind, decode_any, encode};
use vulndesk::{notice::digest, schedule};

use crate::acts::{Act, INSIDE, MONEY, Means, OF_REPORTERS, act};
use crate::deadlines::on_duty;
use crate::generate::{Named, Schema, absent};
use crate::harness::{Kind as Database, TestApp};
use crate::hidden_ids::alike;
use crate::hooks::rotate;
use crate::leaks::{OTHERS, schema_of};
use crate::live::{occasions_since, told_of};
use crate::logs;
use crate::mail_server::MailServer;
use crate::sequencer::sequence_all;
use crate::story::Story;
use crate::surfaces::{Surface, Told, difference};
use crate::tickets::tracker;
use crate::webhooks::{portal, with};
use crate::withdrawn::ids_in;

/// Acts on each database, unless somebody asks for more.
const ROUNDS: usize = 120;
/// Most acts of a day.
const ACTS: usize = 4;
/// Least that is asked about a day.
const ASKED: usize = 6;
/// Days after which another event is hidden.
const A_NEW_ONE: usize = 7;

/// What is in each thing that is hidden.
const WORDS: [&str; 6] = ["hidden", "HIDDEN", "秘密", "whisper", "inside.example", "VE-2026-"];

/// What is done something to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// An event of named people.
    OfNamedPeople,
    /// An event that is the concern of analysts.
    OfAnalysts,
    /// The inside of an event of which some see the public side.
    Inside,
    /// What is known of the reporter of an event on which many work.
    OfReporter,
}

/// An event, and what was done to it.
struct Target {
    side: Side,
    /// Ids of the event and its report, and its number; empty until it is received.
    ids: [String; 3],
    reporter: String,
    /// Acts of the way that were tried.
    steps: usize,
    done: BTreeSet<Act>,
    /// What hangs on it.
    named: Named,
}

impl Target {
    fn new(side: Side, reporter: &str) -> Self {
        let (ids, done, named) = (Default::default(), BTreeSet::new(), Named::default());
        Self { side, ids, reporter: reporter.to_owned(), steps: 0, done, named }
    }

    /// Whether who has this role is not to learn that these are done to it.
    fn is_hidden_from(&self, role: Role, acts: &[Act]) -> bool {
        let ever = |some: &[Act]| some.iter().any(|one| acts.contains(one) || self.done.contains(one));
        match role {
            // Whoever pays sees each event for which something is paid.
            Role::Finance => self.side == Side::Inside || !ever(&MONEY),
            Role::Ticketing => self.side == Side::OfNamedPeople || !ever(&[Act::Ticket]),
            // Who reported something open too is known from that.
            Role::Analyst if self.reporter == "reporter-1" => {
                self.side == Side::OfNamedPeople && !acts.iter().any(|act| OF_REPORTERS.contains(act))
            }
            Role::Analyst => self.side == Side::OfNamedPeople,
            _ => true,
        }
    }

    /// The id of what is hidden of a kind, if there is any.
    fn id(&self, kind: Kind) -> Option<String> {
        if kind == Kind::Event {
            return Some(self.ids[2].clone());
        }
        self.named.of_kind.get(&(kind as u8)).cloned()
    }
}

/// Somebody who is not to learn of what is hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Observer(Role, &'static str);

impl Observer {
    fn all() -> Vec<Self> {
        let others = OTHERS.iter().map(|&(role, subject)| Self(role, subject));
        others.chain([Self(Role::Analyst, "analyst-2")]).collect()
    }

    fn email(self) -> Option<String> {
        (!matches!(self.0, Role::Src | Role::Ticketing)).then(|| format!("{}@example.com", self.1))
    }

    fn token(self, app: &TestApp) -> String {
        let products: &[&str] = if self.0 == Role::Engineer { &["core-router"] } else { &[] };
        let channel = (self.0 == Role::Src).then_some("src");
        app.mint_with_email(&[self.0], self.1, products, channel, self.email().as_deref())
    }

    fn actor(self) -> Actor {
        Actor {
            products: if self.0 == Role::Engineer { ["core-router".to_owned()].into() } else { [].into() },
            channel: (self.0 == Role::Src).then(|| "src".into()),
            ..Actor::operator(self.1, [self.0])
        }
    }

    /// Which of the open events is theirs to see, if any.
    fn open(self) -> usize {
        usize::from(!matches!(self.0, Role::Reporter | Role::Src | Role::Finance))
    }
}

/// The installation, who is asked about it, and what came of it.
struct Run {
    app: TestApp,
    api: graphql::Schema,
    schema: Schema,
    mails: MailServer,
    rng: StdRng,
    /// Events whose inside, or whose reporter, is hidden from those who see the rest.
    open: Vec<Target>,
    hidden: Vec<Target>,
    configured: Named,
    feeds: HashMap<&'static str, String>,
    endpoints: Vec<(Role, Uuid)>,
    /// What signs the hooks of the platform `src`.
    hook_secret: String,
    surfaces: Vec<Surface>,
    /// By surface: who may not ask it, and whether it was tried.
    closed: Vec<BTreeSet<Observer>>,
    tried: Vec<bool>,
    /// The subscriptions, by whether they were tried.
    heard: BTreeMap<String, bool>,
    /// What has its turn first, and what had one.
    fresh: VecDeque<usize>,
    again: VecDeque<usize>,
    done: BTreeSet<Act>,
    leaks: Vec<String>,
}

/// Receives what its reporter reports.
async fn receive(app: &TestApp, target: &mut Target, number: &str, input: Value) {
    let whole = json!({
        "text": "The parser of CVE-2026-1000 trusts lengths", "indicators": [{ "kind": "CVE", "value": "CVE-2026-1000" }],
        "reporter": { "name": target.reporter, "subject": target.reporter },
    });
    let story = Story::receive(app, number, with(whole, input)).await;
    target.ids = [story.event, story.report, story.number];
}

impl Run {
    async fn new(database: Database, seed: u64, is_long: bool) -> Self {
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
        let tracker =
            tracker(&app, json!({ "baseUrl": "https://127.0.0.2/", "tlpCeiling": "AMBER_STRICT" })).await;
        let configured = app.graphql(&admin, "{ channels { nodes { id key } } }", Value::Null).await;
        let channels = configured["data"]["channels"]["nodes"].as_array().unwrap();
        let src = channels.iter().find(|channel| channel["key"] == "src").unwrap()["id"].clone();

        let mut endpoints = Vec::new();
        for (role, more) in [
            (Role::Analyst, json!({})),
            (Role::Engineer, json!({ "products": [router] })),
            (Role::Src, json!({ "channel": src })),
        ] {
            let grant =
                json!({ "role": role.name().to_uppercase(), "tlpCeiling": "AMBER_STRICT", "abroad": false });
            let input = with(portal(), json!({ "grant": with(grant, more), "payload": "FULL" }));
            endpoints.push((role, app.confirmed(input).await));
        }
        let of_kind = [
            (Kind::Product, router.clone()),
            (Kind::Tracker, tracker),
            (Kind::Customer, customer.as_str().unwrap().to_owned()),
            (Kind::Channel, src.as_str().unwrap().to_owned()),
            (Kind::WebhookEndpoint, encode(Kind::WebhookEndpoint, endpoints[0].1)),
        ];
        let of_kind = of_kind.into_iter().map(|(kind, id)| (kind as u8, id)).collect();
        let configured = Named { of_kind, ..Named::default() };
        let hook_secret = rotate(&app, "src", 24).await;

        let mut open = Vec::new();
        for (number, side, channel, reporter) in [
            ("OPEN-1", Side::Inside, "src", "reporter-2"),
            ("OPEN-2", Side::OfReporter, "cnvd", "reporter-1"),
            ("OPEN-3", Side::OfReporter, "vendor", "reporter-3"),
        ] {
            app.advance(TimeDelta::minutes(7));
            let mut target = Target::new(side, reporter);
            receive(&app, &mut target, number, json!({ "channel": channel, "tlp": "AMBER" })).await;
            open.push(target);
        }
        let schema = schema_of(&app).await;
        let mut rng = StdRng::seed_from_u64(seed);
        let surfaces = Surface::all(&schema);
        let mut all: Vec<_> = (0..surfaces.len()).collect();
        all.shuffle(&mut rng);
        // Unless there is time, each database has its half, and of what asks much some.
        let is_due = |one: &usize| is_long || (one % 2 == database as usize && !surfaces[*one].is_deep());
        let (fresh, again): (VecDeque<_>, VecDeque<_>) = all.into_iter().partition(is_due);
        let heard = schema.fields_of("Subscription").into_iter().map(|root| (root.name, false)).collect();
        let (closed, tried) = (vec![BTreeSet::new(); surfaces.len()], vec![false; surfaces.len()]);
        let mut run = Self {
            app,
            api: graphql::schema(),
            schema,
            mails,
            rng,
            open,
            hidden: Vec::new(),
            configured,
            feeds: HashMap::new(),
            endpoints,
            hook_secret,
            surfaces,
            closed,
            tried,
            heard,
            fresh,
            again,
            done: BTreeSet::new(),
            leaks: Vec::new(),
        };
        let app = &run.app;
        let story = run.story(&run.open[0]);
        story.confirm().await;
        let proposal = json!({
            "kind": "BOUNTY", "report": story.report, "amount": "500.00", "currency": "CNY", "rationale": "By the grid",
            "assetTier": "CORE",
        });
        let payout = app.made(&analyst, "proposePayout", proposal, "id version").await;
        let approve = json!({ "payout": payout["id"], "expectedVersion": payout["version"] });
        app.made(&app.token(Role::Analyst, "analyst-9"), "approvePayout", approve, "id").await;
        let story = run.story(&run.open[1]);
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
        for what in [Act::Comment, Act::Upload, Act::Fact, Act::Ask, Act::Draft, Act::Score] {
            assert!(run.act(&run.open[1], what, 0).await, "{what:?}");
        }
        for observer in Observer::all() {
            let token = observer.token(app);
            let feed =
                app.change(&token, "createCalendarFeed", "CreateCalendarFeed", json!({}), "path").await;
            if let Some(path) = feed["path"].as_str() {
                run.feeds.insert(observer.1, path.to_owned());
            }
        }
        for index in 0..run.open.len() {
            run.open[index].named = run.named(&run.open[index]).await;
        }
        for _ in 0..2 {
            for side in [Side::OfNamedPeople, Side::OfAnalysts] {
                let index = run.announce(side);
                run.hide(index).await;
            }
        }
        run
    }

    fn story(&self, target: &Target) -> Story<'_> {
        let [event, report, number] = target.ids.clone();
        Story { app: &self.app, event, report, number }
    }

    /// What hangs on an event, and what is configured.
    async fn named(&self, target: &Target) -> Named {
        let story = self.story(target);
        let mut ids = BTreeSet::from([story.report.clone()]);
        for selection in self.schema.ids_below("Event", 3) {
            ids_in(&story.look(&selection).await, &mut ids);
        }
        let configured = [
            Kind::Channel,
            Kind::Calendar,
            Kind::Product,
            Kind::Customer,
            Kind::RatingPolicy,
            Kind::PlatformAccount,
        ];
        let of_kind = ids.into_iter().map(|id| (decode_any(&id).unwrap().0, id));
        let of_kind =
            of_kind.filter(|(kind, _)| !configured.iter().any(|other| *other as u8 == *kind)).collect();
        let version = story.version().await.as_i64().unwrap();
        let mut all = Named { of_kind, of_field: HashMap::new(), version };
        all.of_kind.insert(Kind::Event as u8, story.event.clone());
        all.of_kind.insert(Kind::Report as u8, story.report.clone());
        all.of_kind.extend(self.configured.of_kind.clone());
        all
    }

    /// Has a place for an event that is to stay hidden; answers which.
    fn announce(&mut self, side: Side) -> usize {
        let turn = self.hidden.len() + 1;
        // Some are known from what is open.
        let reporter =
            if turn.is_multiple_of(3) { "reporter-1".to_owned() } else { format!("finder-{turn}") };
        self.hidden.push(Target::new(side, &reporter));
        turn - 1
    }

    /// Receives it.
    async fn hide(&mut self, index: usize) {
        let (turn, side) = (index + 1, self.hidden[index].side);
        let named_people = side == Side::OfNamedPeople;
        let levels = if named_people { &["RED"][..] } else { &["AMBER_STRICT", "AMBER", "GREEN", "CLEAR"] };
        // Before this month nobody reported anything: what is over is told to outsiders too.
        let first = self.app.now() - TimeDelta::hours(self.rng.random_range(0..48));
        let received_at = first.max(crate::harness::START.parse().unwrap());
        let any = *["cnvd", "regulator", "vendor"].choose(&mut self.rng).unwrap();
        let channel = ["vendor", "regulator", "cnvd", "cnvd"].get(turn - 1).unwrap_or(&any);
        let input = json!({
            "channel": channel,
            "tlp": levels.choose(&mut self.rng).unwrap(), "receivedAt": received_at,
            "title": format!("秘密漏洞 hidden gateway parser {turn}"),
            "text": "The parser of CVE-2026-1000 trusts lengths, as inside.example does",
        });
        receive(&self.app, &mut self.hidden[index], &format!("HIDDEN-{turn}"), input).await;
        let leader = self.app.token(Role::Leader, "leader-1");
        for (subject, function) in [
            ("analyst-9", "SECURITY"),
            ("engineer-9", "R_AND_D"),
            ("legal-9", "LEGAL"),
            ("account-manager-9", "ACCOUNT_MANAGEMENT"),
        ] {
            let member = json!({ "subject": subject, "function": function });
            self.story(&self.hidden[index]).step(&leader, "addTeamMember", member).await;
        }
        self.hidden[index].named = self.named(&self.hidden[index]).await;
    }

    /// Does something to an event; answers whether its state allowed it.
    async fn act(&self, target: &Target, what: Act, turn: usize) -> bool {
        // Engineers see confirmed events of their products, unless those are for named people.
        let router = self.configured.of_kind[&(Kind::Product as u8)].as_str();
        let products = self
            .app
            .graphql(
                &self.app.token(Role::Admin, "admin-9"),
                "{ products { nodes { id line } } }",
                Value::Null,
            )
            .await;
        let products = products["data"]["products"]["nodes"].as_array().unwrap();
        let other = products.iter().find(|product| product["line"] == "gateway").unwrap();
        let mut others = self.hidden.iter().filter(|one| one.side == target.side && one.ids != target.ids);
        let related = others.next().map(|one| self.story(one));
        let means = Means {
            product: match target.side {
                Side::OfNamedPeople => (router, "router"),
                _ => (other["id"].as_str().unwrap(), "gateway"),
            },
            customer: &self.configured.of_kind[&(Kind::Customer as u8)],
            tracker: &self.configured.of_kind[&(Kind::Tracker as u8)],
            reporter: &target.reporter,
            other: related.as_ref(),
            turn,
        };
        act(&self.story(target), what, &means).await
    }

    /// What is due at this moment is done.
    async fn settle(&self) {
        sequence_all(&self.app.app).await;
        schedule::sweep(&self.app.app).await.unwrap();
        digest::pass(&self.app.app).await.unwrap();
        sequence_all(&self.app.app).await;
    }

    /// What is done on this day: to what, in which of the lists it is, and what.
    fn plan(&mut self, day: usize) -> (bool, usize, Vec<Act>) {
        // The first two go their whole way. Of another one the report is split: that is for the time before a verdict.
        if let Some(acts) = Act::ALL.chunks(ACTS).nth(day / 2) {
            return (true, day % 2, acts.to_vec());
        }
        if !self.done.contains(&Act::Split) {
            return (true, 2, vec![Act::Triage, Act::Split]);
        }
        let count = self.rng.random_range(1..=ACTS);
        if self.rng.random_bool(0.25) {
            let index = self.rng.random_range(0..self.open.len());
            let some = if self.open[index].side == Side::Inside { &INSIDE[..] } else { &[Act::Rename] };
            return (false, index, some.sample(&mut self.rng, count).copied().collect());
        }
        let index = if day.is_multiple_of(A_NEW_ONE) {
            self.announce([Side::OfNamedPeople, Side::OfAnalysts][day / A_NEW_ONE % 2])
        } else {
            self.rng.random_range(0..self.hidden.len())
        };
        let acts = if self.rng.random_bool(0.5) {
            let steps = self.hidden[index].steps;
            self.hidden[index].steps += count;
            Act::ALL.iter().cycle().skip(steps % Act::ALL.len()).take(count).copied().collect()
        } else {
            (0..count).map(|_| *Act::ALL.choose(&mut self.rng).unwrap()).collect()
        };
        (true, index, acts)
    }

    fn target(&mut self, is_hidden: bool, index: usize) -> &mut Target {
        if is_hidden { &mut self.hidden[index] } else { &mut self.open[index] }
    }

    /// Some acts, and `count` ways of asking about them; answers how many acts.
    async fn day(&mut self, day: usize, count: usize) -> usize {
        self.app.forget_sql();
        // What is done makes something else due.
        self.settle().await;
        self.settle().await;
        self.app.advance(TimeDelta::seconds(1));
        drop(logs::heard());
        let mailed = self.mails.got().len();
        let (is_hidden, index, acts) = self.plan(day);
        let mut blind = Observer::all();
        let target = self.target(is_hidden, index);
        blind.retain(|observer| target.is_hidden_from(observer.0, &acts));
        let who = format!("day {day}, {acts:?} of {:?}", target.side);
        for observer in &blind {
            // The first call of a while is recorded.
            self.app.graphql(&observer.token(&self.app), "{ viewer { subject } }", Value::Null).await;
        }

        let turn = (0..count).map_while(|_| self.fresh.pop_front().or_else(|| self.again.pop_front()));
        let mut turn: Vec<_> = turn.collect();
        turn.extend(self.again.pop_front());
        let (about, alone): (Vec<_>, Vec<_>) =
            turn.iter().copied().partition(|surface| self.surfaces[*surface].names());
        let mut standing = Vec::new();
        for surface in alone {
            blind.shuffle(&mut self.rng);
            standing.extend(self.first(surface, &blind).await);
        }

        let since = self.app.now();
        if is_hidden && self.hidden[index].ids[0].is_empty() {
            self.hide(index).await;
        }
        for (step, act) in acts.iter().enumerate() {
            let target = if is_hidden { &self.hidden[index] } else { &self.open[index] };
            let done = self.act(target, *act, day * ACTS + step).await;
            self.settle().await;
            if done {
                self.done.insert(*act);
                self.target(is_hidden, index).done.insert(*act);
            }
        }

        for (surface, observer, before) in standing {
            let after = self.told(surface, observer, None).await;
            if !before.is_like(&after, self.surfaces[surface].is_deep()) {
                let name = self.surfaces[surface].name();
                self.leaks.push(format!("{who}: {observer:?} by {name}: {}", difference(&before, &after)));
            }
            self.tried[surface] = true;
        }
        if is_hidden {
            if day % 4 < 2 {
                self.hidden[index].named = self.named(&self.hidden[index]).await;
            }
            for surface in about {
                blind.shuffle(&mut self.rng);
                self.name(&who, surface, &blind, index).await;
            }
        }
        for surface in turn {
            if self.tried[surface] {
                self.again.push_back(surface);
            } else if self.closed[surface].len() < Observer::all().len() {
                self.fresh.push_back(surface);
            }
        }
        self.listen(&who, &blind, since).await;
        for mail in &self.mails.got()[mailed..] {
            let told = blind.iter().find(|one| one.email().is_some_and(|email| mail.contains(&email)));
            self.leaks.extend(told.map(|observer| format!("{who}: {observer:?} gets {mail}")));
        }
        let log = logs::heard();
        let named = WORDS.iter().find(|word| log.contains(**word));
        self.leaks.extend(named.map(|word| format!("{who}: {word} is in the log: {log}")));
        acts.len()
    }

    /// Asks the first of `blind` who may ask this.
    async fn first(&mut self, surface: usize, blind: &[Observer]) -> Option<(usize, Observer, Told)> {
        for &observer in blind {
            if self.closed[surface].contains(&observer) {
                continue;
            }
            let told = self.told(surface, observer, None).await;
            match told.open {
                Some(true) => return Some((surface, observer, told)),
                Some(false) => {
                    self.closed[surface].insert(observer);
                }
                None => {}
            }
        }
        None
    }

    /// Demands that nobody is told of what was done since, by a subscription or a webhook.
    async fn listen(&mut self, who: &str, blind: &[Observer], since: DateTime<Utc>) {
        let occasions = occasions_since(&self.app, since).await;
        for root in self.schema.fields_of("Subscription") {
            let Some(observer) = blind.choose(&mut self.rng) else { return };
            let (document, _) = self.schema.operation("subscription", &root, 1);
            let told = told_of(&self.app, &self.api, &observer.actor(), &document, &occasions).await;
            *self.heard.get_mut(&root.name).unwrap() |= told.is_some();
            if told.as_ref().is_some_and(|told| !told.is_empty()) {
                self.leaks.push(format!("{who}: {observer:?} hears {told:?} by {}", root.name));
            }
        }
        for (role, endpoint) in &self.endpoints {
            if blind.iter().any(|observer| observer.0 == *role) {
                let left = self.app.leaving_since(*endpoint, since).await;
                if !left.is_empty() {
                    self.leaks.push(format!("{who}: to the webhook of {role} leaves {left:?}"));
                }
            }
        }
    }

    /// Names what is hidden, and what never was.
    async fn name(&mut self, who: &str, surface: usize, blind: &[Observer], index: usize) {
        for &observer in blind {
            if self.closed[surface].contains(&observer) {
                continue;
            }
            let target = &self.hidden[index];
            let outcome = match &self.surfaces[surface] {
                Surface::Change(root, field) => {
                    let token = observer.token(&self.app);
                    let seen = &self.open[observer.open()].named;
                    alike(&self.app, &self.schema, &token, (root, field.as_str()), &target.named, seen).await
                }
                other => {
                    if matches!(other, Surface::Hook(_)) {
                        // The first that names nothing is told to those who look after it.
                        self.told(surface, observer, None).await;
                    }
                    let before = self.told(surface, observer, None).await;
                    let after = self.told(surface, observer, Some(target)).await;
                    if before.is_like(&after, self.surfaces[surface].is_deep()) {
                        Ok(after.open)
                    } else {
                        Err(difference(&before, &after))
                    }
                }
            };
            match outcome {
                Ok(Some(true)) => self.tried[surface] = true,
                Ok(Some(false)) => {
                    self.closed[surface].insert(observer);
                    continue;
                }
                // There is nothing hidden of this kind by now.
                Ok(None) => return,
                Err(leak) => {
                    let name = self.surfaces[surface].name();
                    self.leaks.push(format!("{who}: {observer:?} by {name}: {leak}"));
                    self.tried[surface] = true;
                }
            }
            return;
        }
        // Nobody may ask it from whom it is hidden, be they analysts.
        self.tried[surface] |= self.hidden[index].side == Side::OfNamedPeople;
    }

    /// What an observer is told, of what is hidden, or of what is open and of what never was.
    async fn told(&self, surface: usize, observer: Observer, target: Option<&Target>) -> Told {
        let token = observer.token(&self.app);
        let id = |kind| target.and_then(|target| target.id(kind));
        match &self.surfaces[surface] {
            Surface::Question(question) => {
                let open = &self.open[observer.open()];
                self.app.ask(&token, &question.document, question.about(&open.named, &open.ids[2])).await
            }
            Surface::About(question) => {
                let (named, number) = match target {
                    Some(target) => (&target.named, target.ids[2].as_str()),
                    None => (&self.configured, "VE-2026-000000"),
                };
                let mut told = self.app.ask(&token, &question.document, question.about(named, number)).await;
                // What was sent may come back.
                told.text = told.text.replace(number, "that number");
                told
            }
            Surface::Pages(name) => self.app.pages(&token, name).await,
            Surface::Feed => match self.feeds.get(observer.1) {
                Some(path) => self.app.get("", path).await,
                None => Told { text: String::new(), sql: Vec::new(), open: Some(false) },
            },
            Surface::Hook(kind) => {
                let about = if kind.starts_with("payout.") { Kind::Payout } else { Kind::Report };
                let mut told =
                    self.app.hook(&self.hook_secret, kind, &id(about).unwrap_or_else(|| absent(about))).await;
                if target.is_some() && id(about).is_none() {
                    told.open = None;
                }
                told
            }
            Surface::Download(path, kind) => {
                let absent = if *kind == Kind::Event { "VE-2026-000000".to_owned() } else { absent(*kind) };
                let about = id(*kind);
                let mut told =
                    self.app.get(&token, &path.replace("{}", about.as_ref().unwrap_or(&absent))).await;
                if target.is_some() && about.is_none() {
                    told.open = None;
                }
                told
            }
            Surface::Change(..) => unreachable!("compared by `alike`"),
        }
    }
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

async fn nobody_learns_of_it(database: Database) {
    let rounds = usize::try_from(number("VULNDESK_TEST_ROUNDS", ROUNDS as u64)).unwrap();
    let seed = number("VULNDESK_TEST_SEED", 1);
    logs::listen();
    let mut run = Run::new(database, seed, rounds > ROUNDS).await;
    let count = ASKED.max((3 * run.fresh.len() * ACTS).div_ceil(2 * rounds));
    // All within one month, whose figures are not over.
    let step = TimeDelta::days(10) / i32::try_from(rounds).unwrap();
    let (mut day, mut done) = (0, 0);
    // What had no turn yet waits for a day on which somebody is blind who may ask it.
    while done < rounds || (!run.fresh.is_empty() && done < 2 * rounds) {
        let acts = run.day(day, count).await;
        run.app.advance(step * i32::try_from(acts).unwrap());
        (day, done) = (day + 1, done + acts);
    }
    let metrics = run.app.get("", "/metrics").await.text;
    assert!(!WORDS.iter().any(|word| metrics.contains(word)), "{metrics}");
    assert!(run.leaks.is_empty(), "{database:?} of seed {seed}:\n{}", run.leaks.join("\n"));
    let undone: Vec<_> = Act::ALL.iter().filter(|act| !run.done.contains(act)).collect();
    assert!(undone.is_empty(), "never done: {undone:?}");
    // What nobody from whom something is hidden may ask tells them nothing.
    let untried: Vec<_> = run
        .fresh
        .iter()
        .map(|surface| run.surfaces[*surface].name())
        .chain(run.heard.iter().filter(|(_, tried)| !**tried).map(|(name, _)| name.clone()))
        .collect();
    assert!(untried.is_empty(), "never tried: {untried:?}");
}

#[tokio::test]
async fn nothing_hidden_at_random_is_told_by_any_way_on_sqlite() {
    nobody_learns_of_it(Database::Sqlite).await;
}

#[tokio::test]
async fn nothing_hidden_at_random_is_told_by_any_way_on_postgresql() {
    nobody_learns_of_it(Database::Postgres).await;
}
