//! Things hidden at random, from a seed: whatever is done to them, nothing of it is told, by any way, to who may not see it.
//!
//! One installation, in which each day some acts are done to one event, one after the other. What those who are blind to them may
//! ask is asked before and after: the answers are the same, and so are the statements that they took. What names something is
//! asked of what is hidden and of what never was, and takes about as long. Each act is a round; by the last day all that can be
//! asked had its turn.
//! `VULNDESK_TEST_ROUNDS` and `VULNDESK_TEST_SEED` make more of them, and others.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use uuid::Uuid;
use vulndesk::auth::{Actor, Role};
use vulndesk::graphql;
use vulndesk::ids::{Kind, encode};
use vulndesk::{notice::digest, schedule};

use crate::acts::{Act, INSIDE, MONEY, Means, OF_REPORTERS, act};
use crate::deadlines::on_duty;
use crate::generate::{Named, Schema, absent};
use crate::harness::{Kind as Database, START, TestApp};
use crate::hidden_ids::{Refused, alike, named};
use crate::hooks::rotate;
use crate::leaks::{OTHERS, schema_of};
use crate::live::{occasions_since, told_of};
use crate::logs;
use crate::mail_server::MailServer;
use crate::sequencer::sequence_all;
use crate::story::Story;
use crate::surfaces::{Surface, Told, difference};
use crate::tickets::tracker;
use crate::timings::take_as_long;
use crate::webhooks::{portal, with};

/// Acts on each database, unless somebody asks for more.
const ROUNDS: usize = 120;
/// What they are drawn from, unless somebody asks for others. After these all that can be tried was; after others it need not be, since
/// what is done to the open events keeps some changes from being tried.
const SEED: usize = 1;
/// Most acts of a day.
const ACTS: usize = 4;
/// Days after which what is named has its turn.
const NAMED: usize = 4;
/// Days after which another event is hidden.
const A_NEW_ONE: usize = 7;
/// Events of which everybody sees something.
const OPEN: usize = 3;

/// What is in each thing that is hidden.
const WORDS: [&str; 6] = ["hidden", "HIDDEN", "秘密", "whisper", "inside.example", "VE-2026-"];

/// What cannot be tried, and why.
const UNTRIED: [(&str, &str); 14] = [
    // Nothing is hidden from leaders.
    ("eraseReporter of reporter", "leaders alone"),
    ("recordDecision of decision", "leaders alone"),
    ("reversePayout of payout", "leaders alone"),
    ("webhookDeliveries(event)", "leaders and auditors alone"),
    ("webhookDeliveries(event) of what is named", "leaders and auditors alone"),
    ("markPayoutPaid of payout", "who pays sees each event for which something is paid"),
    // `multi_platform` asks for hidden ones.
    ("decideMultiPlatform of multiPlatform", "no field of an event leads to its cases"),
    ("resolveMultiPlatformAppeal of multiPlatform", "no field of an event leads to its cases"),
    ("recordReplySent of proofFiles", "they are looked at where the reply is approved"),
    ("resolveUncertainReply of proofFiles", "they are looked at where the reply is uncertain"),
    // `draftReply` and `reviseReply` take the same, and name what is hidden there.
    ("previewReply(fromTemplate.facts)", "which texts a template takes is its own"),
    ("previewReply(fromTemplate.key)", "the keys of templates are their own"),
    ("previewReply(obligation)", "one that is none of the event's is bad input"),
    ("previewReply(toReporter)", "one that is none of the event's is bad input"),
];

/// Who sees an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// Named people alone.
    Red,
    /// Analysts.
    Amber,
    /// Everybody sees some of it, and only who handles it what is done to it.
    Open,
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
    /// What hangs on it, and whether something was done since that was looked up.
    named: Named,
    is_stale: bool,
}

impl Target {
    fn new(side: Side, reporter: &str) -> Self {
        let (ids, done, named) = (Default::default(), BTreeSet::new(), Named::default());
        Self { side, ids, reporter: reporter.to_owned(), steps: 0, done, named, is_stale: true }
    }

    /// Whether who has this role is not to learn that these are done to it.
    fn is_hidden_from(&self, role: Role, acts: &[Act]) -> bool {
        let ever = |some: &[Act]| some.iter().any(|one| acts.contains(one) || self.done.contains(one));
        match role {
            // Whoever pays sees each event for which something is paid.
            Role::Finance => self.side == Side::Open || !ever(&MONEY),
            Role::Ticketing => self.side != Side::Amber || !ever(&[Act::Ticket]),
            // Who reported something open too is known from that.
            Role::Analyst if self.reporter == "reporter-1" => {
                self.side == Side::Red && !acts.iter().any(|act| OF_REPORTERS.contains(act))
            }
            Role::Analyst => self.side == Side::Red,
            _ => true,
        }
    }

    /// The id of what is hidden of a kind, if there is any; of an event its number.
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

/// Something that was asked before something was done.
struct Asked {
    surface: usize,
    observer: Observer,
    before: Told,
}

/// The installation, who is asked about it, and what came of it.
struct Run {
    app: TestApp,
    api: graphql::Schema,
    schema: Schema,
    mails: MailServer,
    rng: StdRng,
    /// The open events, and those that are hidden.
    targets: Vec<Target>,
    configured: Named,
    /// The products `core-router` and `edge-gateway`, with their lines.
    products: [(String, &'static str); 2],
    feeds: HashMap<&'static str, String>,
    endpoints: Vec<(Role, Uuid)>,
    /// What signs the hooks of the platform `src`.
    hook_secret: String,
    surfaces: Vec<Surface>,
    /// By surface: whether it is to be tried, and who may not or cannot ask it.
    due: Vec<bool>,
    closed: Vec<BTreeSet<Observer>>,
    /// What stands by itself and what names something, in the order of their turns.
    turns: [VecDeque<usize>; 2],
    /// What was tried, by name, and why something else was refused.
    tried: BTreeSet<String>,
    refused: BTreeMap<String, String>,
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

/// What is configured: its ids by kind, and endpoints of a portal, an engineer's program and the platform.
async fn configure(app: &TestApp, router: &str) -> (Named, Vec<(Role, Uuid)>) {
    let admin = app.token(Role::Admin, "admin-1");
    for (key, kind) in [("regulator", "REGULATOR"), ("vendor", "VENDOR")] {
        let channel = json!({
            "key": key, "name": key, "kind": kind, "jurisdiction": "CN", "abroad": false, "replyRequired": true,
        });
        app.made(&admin, "createChannel", channel, "id").await;
    }
    on_duty(app, "SECURITY", "analyst-1").await;
    let customer =
        json!({ "key": "bank", "name": "Bank", "abroad": false, "accountManager": "account-manager-9" });
    let customer = app.made(&admin, "createCustomer", customer, "id").await["id"].clone();
    let cells: Vec<_> = ["CORE", "GENERAL", "EDGE"]
        .map(|tier| json!({ "assetTier": tier, "severity": "HIGH", "minimum": "1", "maximum": "1000" }))
        .into();
    let grid = json!({ "currency": "CNY", "cells": cells });
    let grid = app.made(&admin, "createRewardGrid", grid, "id").await["id"].clone();
    let budget = json!({ "period": "2026", "currency": "CNY", "amount": "500000" });
    app.made(&app.token(Role::Finance, "finance-9"), "createBudget", budget, "id").await;
    // Nobody listens there: what is pushed and kept is not what is asked about.
    let tracker =
        tracker(app, json!({ "baseUrl": "https://127.0.0.2/", "tlpCeiling": "AMBER_STRICT" })).await;
    let src = app.channel("src").await;
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
        (Kind::Product, router.to_owned()),
        (Kind::Tracker, tracker),
        (Kind::Customer, customer.as_str().unwrap().to_owned()),
        (Kind::RewardGrid, grid.as_str().unwrap().to_owned()),
        (Kind::Channel, src),
        (Kind::WebhookEndpoint, encode(Kind::WebhookEndpoint, endpoints[0].1)),
    ];
    let of_kind = of_kind.into_iter().map(|(kind, id)| (kind as u8, id)).collect();
    (Named { of_kind, ..Named::default() }, endpoints)
}

impl Run {
    async fn new(database: Database, seed: u64, is_long: bool) -> Self {
        let mails = MailServer::start().await;
        let app = TestApp::mailing(mails.port, database).await;
        app.with_company().await;
        let router = app.with_core_router().await;
        let (configured, endpoints) = configure(&app, &router).await;
        let admin = app.token(Role::Admin, "admin-1");
        let products = app.graphql(&admin, "{ products { nodes { id line } } }", Value::Null).await;
        let mut products = products["data"]["products"]["nodes"].as_array().unwrap().iter();
        let gateway = products.find(|product| product["line"] == "gateway").unwrap()["id"].as_str().unwrap();
        let products = [(router, "router"), (gateway.to_owned(), "gateway")];
        let hook_secret = rotate(&app, "src", 24).await;

        let schema = schema_of(&app).await;
        let mut rng = StdRng::seed_from_u64(seed);
        let surfaces = Surface::all(&schema);
        let mut order: Vec<_> = (0..surfaces.len()).collect();
        order.shuffle(&mut rng);
        // Unless there is time, each database has its half, and of what asks much nothing for sure.
        let is_due = |one: usize| is_long || (one % 2 == database as usize && !surfaces[one].is_deep());
        let due: Vec<_> = (0..surfaces.len()).map(is_due).collect();
        order.sort_by_key(|one| !due[*one]);
        let (about, alone): (VecDeque<_>, VecDeque<_>) =
            order.into_iter().partition(|one| surfaces[*one].names());
        let mut run = Self {
            app,
            api: graphql::schema(),
            schema,
            mails,
            rng,
            targets: Vec::new(),
            configured,
            products,
            feeds: HashMap::new(),
            endpoints,
            hook_secret,
            closed: vec![BTreeSet::new(); surfaces.len()],
            surfaces,
            due,
            turns: [alone, about],
            tried: BTreeSet::new(),
            refused: BTreeMap::new(),
            done: BTreeSet::new(),
            leaks: Vec::new(),
        };
        run.open().await;
        for side in [Side::Red, Side::Amber, Side::Red, Side::Amber] {
            let index = run.announce(side);
            run.hide(index).await;
        }
        run
    }

    /// What is open: an event that is paid for, one on which all work, and one of a vendor.
    async fn open(&mut self) {
        for (number, channel, reporter) in [
            ("OPEN-1", "src", "reporter-2"),
            ("OPEN-2", "cnvd", "reporter-1"),
            ("OPEN-3", "vendor", "reporter-3"),
        ] {
            self.app.advance(TimeDelta::minutes(7));
            let mut target = Target::new(Side::Open, reporter);
            receive(&self.app, &mut target, number, json!({ "channel": channel, "tlp": "AMBER" })).await;
            self.targets.push(target);
        }
        let app = &self.app;
        let story = self.story(0);
        story.confirm().await;
        for what in [Act::Propose, Act::Approve] {
            assert!(self.act(0, what, 0, 0).await, "{what:?}");
        }
        let story = self.story(1);
        story.confirm().await;
        story.widen().await;
        story.product(&self.products[0].0, "AFFECTED").await;
        for what in [Act::Comment, Act::Upload, Act::Fact, Act::Ask, Act::Draft, Act::Score] {
            assert!(self.act(1, what, 0, 0).await, "{what:?}");
        }
        let mut feeds = HashMap::new();
        for observer in Observer::all() {
            let token = observer.token(app);
            let feed =
                app.change(&token, "createCalendarFeed", "CreateCalendarFeed", json!({}), "path").await;
            if let Some(path) = feed["path"].as_str() {
                feeds.insert(observer.1, path.to_owned());
            }
        }
        self.feeds = feeds;
        self.refresh().await;
    }

    fn story(&self, index: usize) -> Story<'_> {
        let [event, report, number] = self.targets[index].ids.clone();
        Story { app: &self.app, event, report, number }
    }

    /// Looks up anew what hangs on events to which something was done.
    async fn refresh(&mut self) {
        for index in 0..self.targets.len() {
            if self.targets[index].is_stale {
                let mut all = named(&self.story(index), &self.schema).await;
                all.of_kind.extend(self.configured.of_kind.clone());
                if index >= OPEN && self.targets[index].reporter == "reporter-1" {
                    all.of_kind.remove(&(Kind::Reporter as u8));
                }
                self.targets[index].named = all;
                self.targets[index].is_stale = false;
            }
        }
    }

    /// Has a place for an event that is to stay hidden; answers which.
    fn announce(&mut self, side: Side) -> usize {
        let turn = self.targets.len() + 1 - OPEN;
        // Some are known from what is open.
        let reporter =
            if turn.is_multiple_of(3) { "reporter-1".to_owned() } else { format!("finder-{turn}") };
        self.targets.push(Target::new(side, &reporter));
        self.targets.len() - 1
    }

    /// Receives it.
    async fn hide(&mut self, index: usize) {
        let (turn, side) = (index + 1 - OPEN, self.targets[index].side);
        let levels =
            if side == Side::Red { &["RED"][..] } else { &["AMBER_STRICT", "AMBER", "GREEN", "CLEAR"] };
        // Before this month nobody reported anything: what is over is told to outsiders too.
        let first = self.app.now() - TimeDelta::hours(self.rng.random_range(0..48));
        let received_at = first.max(START.parse().unwrap());
        let any = *["cnvd", "regulator", "vendor"].choose(&mut self.rng).unwrap();
        let channel = ["vendor", "regulator", "cnvd", "cnvd"].get(turn - 1).unwrap_or(&any);
        let input = json!({
            "channel": channel,
            "tlp": levels.choose(&mut self.rng).unwrap(), "receivedAt": received_at,
            "title": format!("秘密漏洞 hidden gateway parser {turn}"),
            "text": "The parser of CVE-2026-1000 trusts lengths, as inside.example does",
        });
        receive(&self.app, &mut self.targets[index], &format!("HIDDEN-{turn}"), input).await;
        let leader = self.app.token(Role::Leader, "leader-1");
        for (subject, function) in [
            ("analyst-9", "SECURITY"),
            ("engineer-9", "R_AND_D"),
            ("legal-9", "LEGAL"),
            ("account-manager-9", "ACCOUNT_MANAGEMENT"),
        ] {
            let member = json!({ "subject": subject, "function": function });
            self.story(index).step(&leader, "addTeamMember", member).await;
        }
    }

    /// Does something to an event, where it takes two to the one that `pick` says; answers whether its state allowed it.
    async fn act(&self, index: usize, what: Act, turn: usize, pick: usize) -> bool {
        let target = &self.targets[index];
        let others = (1..self.targets.len()).filter(|one| {
            let other = &self.targets[*one];
            *one != index
                && (other.side == target.side || other.side == Side::Open)
                && !other.ids[0].is_empty()
        });
        let others: Vec<_> = others.collect();
        let other = others.get(pick % others.len().max(1)).map(|one| self.story(*one));
        // Engineers see confirmed events of their products, unless those are for named people.
        let (product, line) = &self.products[usize::from(target.side == Side::Amber)];
        let means = Means {
            product: (product, line),
            customer: &self.configured.of_kind[&(Kind::Customer as u8)],
            tracker: &self.configured.of_kind[&(Kind::Tracker as u8)],
            reporter: &target.reporter,
            other: other.as_ref(),
            turn,
        };
        act(&self.story(index), what, &means).await
    }

    /// What is due at this moment is done.
    async fn settle(&self) {
        sequence_all(&self.app.app).await;
        schedule::sweep(&self.app.app).await.unwrap();
        digest::pass(&self.app.app).await.unwrap();
        sequence_all(&self.app.app).await;
    }

    /// What is done on this day, and to which event.
    fn plan(&mut self, day: usize, is_last: bool) -> (usize, Vec<Act>) {
        if is_last {
            // Nobody but named people knows of it.
            return (self.announce(Side::Red), vec![Act::Comment, Act::Triage, Act::Question, Act::Ask]);
        }
        // The first two go their whole way. Of another one the report is split: that is for the time before a verdict.
        if let Some(acts) = Act::ALL.chunks(ACTS).nth(day / 2) {
            return (OPEN + day % 2, acts.to_vec());
        }
        if !self.done.contains(&Act::Split) {
            return (OPEN + 2, vec![Act::Triage, Act::Split]);
        }
        let count = self.rng.random_range(1..=ACTS);
        if self.rng.random_bool(0.25) {
            let index = self.rng.random_range(0..OPEN);
            // Whoever else works on it sees what is done to it, but for who reported it.
            let some = if index == 0 { &INSIDE[..] } else { &[Act::Rename] };
            return (index, some.sample(&mut self.rng, count).copied().collect());
        }
        let index = if day.is_multiple_of(A_NEW_ONE) {
            self.announce([Side::Red, Side::Amber][day / A_NEW_ONE % 2])
        } else {
            self.rng.random_range(OPEN..self.targets.len())
        };
        let acts = if self.rng.random_bool(0.5) {
            let steps = self.targets[index].steps;
            self.targets[index].steps += count;
            Act::ALL.iter().cycle().skip(steps % Act::ALL.len()).take(count).copied().collect()
        } else {
            (0..count).map(|_| *Act::ALL.choose(&mut self.rng).unwrap()).collect()
        };
        (index, acts)
    }

    /// Some acts, and `count` ways of asking about them, on the last day all that are left; answers how many acts.
    async fn day(&mut self, day: usize, count: usize, is_last: bool) -> usize {
        self.app.forget_sql();
        // What is done makes something else due.
        self.settle().await;
        self.settle().await;
        // By so little time nothing more.
        self.app.advance(TimeDelta::milliseconds(1));
        drop(logs::heard());
        let (mailed, since) = (self.mails.got().len(), self.app.now());
        let (index, acts) = self.plan(day, is_last);
        let mut blind = Observer::all();
        blind.retain(|observer| self.targets[index].is_hidden_from(observer.0, &acts));
        blind.shuffle(&mut self.rng);
        for observer in Observer::all() {
            // The first call of a while is recorded.
            self.app.graphql(&observer.token(&self.app), "{ viewer { subject } }", Value::Null).await;
        }
        let asked = self.ask(&blind, count, is_last).await;

        if self.targets[index].ids[0].is_empty() {
            self.hide(index).await;
        }
        for (step, act) in acts.iter().enumerate() {
            let pick = self.rng.random_range(0..1_000);
            let is_done = self.act(index, *act, day * ACTS + step, pick).await;
            self.settle().await;
            if is_done {
                self.done.insert(*act);
                self.targets[index].done.insert(*act);
            }
        }
        self.targets[index].is_stale = true;

        let who = format!("day {day}, {acts:?} of {:?}", self.targets[index].side);
        for Asked { surface, observer, before } in asked {
            let after = self.told(surface, observer, None).await;
            self.compare(&who, surface, observer, (&before, &after));
        }
        self.listen(&who, &blind, since).await;
        for mail in &self.mails.got()[mailed..] {
            let told = blind.iter().find(|one| one.email().is_some_and(|email| mail.contains(&email)));
            self.leaks.extend(told.map(|observer| format!("{who}: {observer:?} gets {mail}")));
        }
        let log = logs::heard();
        let named = WORDS.iter().find(|word| log.contains(**word));
        self.leaks.extend(named.map(|word| format!("{who}: {word} is in the log: {log}")));
        if is_last || day.is_multiple_of(NAMED) {
            self.refresh().await;
            let count = if is_last { usize::MAX } else { NAMED * count };
            for _ in 0..count.min(self.turns[1].len()) {
                let Some(surface) = self.turns[1].pop_front() else { break };
                if !is_last || self.is_left(surface) {
                    self.name(surface).await;
                }
                self.turns[1].push_back(surface);
            }
        }
        acts.len()
    }

    /// Whether it is still to be tried.
    fn is_left(&self, surface: usize) -> bool {
        self.due[surface] && !self.tried.contains(&self.surfaces[surface].name())
    }

    /// Asks `count` of those whose turn it is, each by one of `blind`, and on the last day all that are left.
    async fn ask(&mut self, blind: &[Observer], count: usize, is_last: bool) -> Vec<Asked> {
        let (mut asked, mut later) = (Vec::new(), VecDeque::new());
        for surface in std::mem::take(&mut self.turns[0]) {
            let is_due = asked.len() < count || is_last && self.is_left(surface);
            let found = if is_due { self.first(surface, blind).await } else { None };
            match found {
                Some(one) => asked.push(one),
                None => later.push_back(surface),
            }
        }
        later.extend(asked.iter().map(|one: &Asked| one.surface));
        self.turns[0] = later;
        asked
    }

    /// Asks any of `blind` who may ask this.
    async fn first(&mut self, surface: usize, blind: &[Observer]) -> Option<Asked> {
        let mut blind = blind.to_vec();
        blind.shuffle(&mut self.rng);
        for observer in blind {
            if self.closed[surface].contains(&observer) {
                continue;
            }
            let before = self.told(surface, observer, None).await;
            if self.is_open(surface, observer, &before) {
                return Some(Asked { surface, observer, before });
            }
        }
        None
    }

    /// Whether they were answered; if not, they are not asked again.
    fn is_open(&mut self, surface: usize, observer: Observer, told: &Told) -> bool {
        if told.open.is_none() {
            self.refused.insert(self.surfaces[surface].name(), told.text.chars().take(400).collect());
        }
        if told.open != Some(true) {
            self.closed[surface].insert(observer);
        }
        told.open == Some(true)
    }

    /// Demands one and the same answer.
    fn compare(&mut self, who: &str, surface: usize, observer: Observer, (one, other): (&Told, &Told)) {
        let name = self.surfaces[surface].name();
        if !one.is_like(other, self.surfaces[surface].is_deep()) {
            self.leaks.push(format!("{who}: {observer:?} by {name}: {}", difference(one, other)));
        }
        self.tried.insert(name);
    }

    /// Demands that nobody is told of what was done since, by a subscription or a webhook.
    async fn listen(&mut self, who: &str, blind: &[Observer], since: DateTime<Utc>) {
        let occasions = occasions_since(&self.app, since).await;
        for root in self.schema.fields_of("Subscription") {
            let (document, _) = self.schema.operation("subscription", &root, 1);
            for observer in blind {
                let told = told_of(&self.app, &self.api, &observer.actor(), &document, &occasions).await;
                let Some(told) = told else { continue };
                if !told.is_empty() {
                    self.leaks.push(format!("{who}: {observer:?} hears {told:?} by {}", root.name));
                }
                self.tried.insert(root.name);
                break;
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

    /// Names what is hidden, and what never was, to somebody who may ask for it.
    async fn name(&mut self, surface: usize) {
        let hidden = OPEN..self.targets.len();
        let mut pairs: Vec<_> = Observer::all()
            .into_iter()
            .flat_map(|one| hidden.clone().map(move |index| (one, index)))
            .collect();
        pairs.shuffle(&mut self.rng);
        for (observer, index) in pairs {
            let target = &self.targets[index];
            if self.closed[surface].contains(&observer) || !target.is_hidden_from(observer.0, &[]) {
                continue;
            }
            let (before, after) = match &self.surfaces[surface] {
                Surface::Change(root, field) => {
                    let token = observer.token(&self.app);
                    let seen = &self.targets[observer.open()].named;
                    let field = (root, field.as_str());
                    match alike(&self.app, &self.schema, &token, field, &target.named, seen).await {
                        Ok(None) => continue,
                        // They were compared there.
                        Ok(Some(Refused::Absent)) => (Told::refused(Some(true), ""), None),
                        Ok(Some(Refused::Role)) => (Told::refused(Some(false), ""), None),
                        Ok(Some(Refused::Otherwise(told))) => (Told::refused(None, &told), None),
                        Err(leak) => {
                            self.leaks.push(format!("{observer:?} {leak}"));
                            self.tried.insert(self.surfaces[surface].name());
                            return;
                        }
                    }
                }
                other => {
                    if other.kind().is_some_and(|kind| target.id(kind).is_none()) {
                        continue;
                    }
                    if matches!(other, Surface::Hook(_)) {
                        // The first that names nothing is told to those who look after it.
                        self.told(surface, observer, None).await;
                    }
                    let before = self.told(surface, observer, None).await;
                    (before, Some(self.told(surface, observer, Some(index)).await))
                }
            };
            if self.is_open(surface, observer, &before) {
                let Some(after) = after else {
                    self.tried.insert(self.surfaces[surface].name());
                    return;
                };
                let who = format!("named is {:?}", self.targets[index].side);
                self.compare(&who, surface, observer, (&before, &after));
                let asked =
                    take_as_long(async |hidden| self.told(surface, observer, hidden.then_some(index)).await);
                if let Err(apart) = asked.await {
                    let name = self.surfaces[surface].name();
                    self.leaks.push(format!("{who}: {observer:?} by {name} {apart}"));
                }
                return;
            }
        }
    }

    /// What an observer is told, of something that is hidden, or of what is open and of what never was.
    async fn told(&self, surface: usize, observer: Observer, hidden: Option<usize>) -> Told {
        let token = observer.token(&self.app);
        let target = hidden.map(|index| &self.targets[index]);
        let id = |kind| target.and_then(|target| target.id(kind));
        let asked = &self.surfaces[surface];
        match asked {
            Surface::Question(question) => {
                let open = &self.targets[observer.open()];
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
                None => Told::refused(Some(false), ""),
            },
            Surface::Hook(kind) => {
                let about = asked.kind().unwrap();
                let id = id(about).unwrap_or_else(|| absent(about));
                self.app.hook(&self.hook_secret, kind, &id).await
            }
            Surface::Download(path, kind) => {
                let absent = if *kind == Kind::Event { "VE-2026-000000".to_owned() } else { absent(*kind) };
                self.app.get(&token, &path.replace("{}", &id(*kind).unwrap_or(absent))).await
            }
            Surface::Change(..) => unreachable!("compared by `alike`"),
        }
    }
}

fn number(name: &str, usual: usize) -> usize {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

async fn nobody_learns_of_it(database: Database) {
    let rounds = number("VULNDESK_TEST_ROUNDS", ROUNDS);
    let seed = number("VULNDESK_TEST_SEED", SEED);
    logs::listen();
    let mut run = Run::new(database, seed as u64, rounds > ROUNDS).await;
    let due = run.due.iter().filter(|due| **due).count();
    let count = (ACTS * due).div_ceil(rounds).max(ACTS);
    // All within one month, whose figures are not over.
    let step = TimeDelta::days(10) / i32::try_from(rounds).unwrap();
    let (mut day, mut done) = (0, 0);
    while done < rounds {
        let acts = run.day(day, count, false).await;
        run.app.advance(step * i32::try_from(acts).unwrap());
        (day, done) = (day + 1, done + acts);
    }
    run.day(day, count, true).await;
    let metrics = run.app.get("", "/metrics").await.text;
    assert!(!WORDS.iter().any(|word| metrics.contains(word)), "{metrics}");
    let undone = Act::ALL.iter().filter(|act| !run.done.contains(act));
    let all = (0..run.surfaces.len()).filter(|one| run.due[*one]).map(|one| run.surfaces[one].name());
    let all = all.chain(run.schema.fields_of("Subscription").into_iter().map(|root| root.name));
    let is_excused = |name: &String| UNTRIED.iter().any(|(excused, _)| excused == name);
    let untried: BTreeSet<_> = all.filter(|name| run.tried.contains(name) == is_excused(name)).collect();
    let untried = untried.into_iter().map(|name| match run.refused.get(&name) {
        Some(told) => format!("tried in vain: {name}: {told}"),
        None => format!("never tried, or in spite of an excuse: {name}"),
    });
    let mut faults = std::mem::take(&mut run.leaks);
    if seed == SEED {
        faults.extend(undone.map(|act| format!("never done: {act:?}")));
        faults.extend(untried);
    }
    assert!(faults.is_empty(), "{database:?} of seed {seed}:\n{}", faults.join("\n"));
}

#[tokio::test]
async fn nothing_hidden_at_random_is_told_by_any_way_on_sqlite() {
    nobody_learns_of_it(Database::Sqlite).await;
}

#[tokio::test]
async fn nothing_hidden_at_random_is_told_by_any_way_on_postgresql() {
    nobody_learns_of_it(Database::Postgres).await;
}
