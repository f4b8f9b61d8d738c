//! Hidden things made at random, from a seed: whatever is done to them, nothing of it is in what those are told, by any
//! way, who may not see it.
//!
//! The same things happen in three installations: nothing else in the first, events of named people in the second, and in
//! the third events of any kind and work inside an event of which some see the public side. Whoever is blind to what
//! another one has on top of the first is told the same by both, with as many statements. `VULNDESK_TEST_ROUNDS` and
//! `VULNDESK_TEST_SEED` make it longer and another one.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use vulndesk::ids::Kind;

use crate::acts::{Act, INSIDE, MONEY, PROCEDURE};
use crate::generate::{Named, Schema, absent};
use crate::harness::Kind as Database;
use crate::hidden_ids::{alike, named};
use crate::leaks::schema_of;
use crate::live::{occasions_since, told_of};
use crate::logs;
use crate::probes::{Probe, Told, difference, masked};
use crate::worlds::{Observer, Secret, World};

/// Rounds on each database, unless somebody asks for more.
const ROUNDS: usize = 70;
/// What is asked in a round.
const PROBES: usize = 14;
/// Rounds after which another event is hidden.
const A_NEW_ONE: usize = 9;

/// What is in each thing that is hidden.
const WORDS: [&str; 6] = ["hidden", "HIDDEN", "秘密", "whisper", "inside.example", "VE-2026-"];

/// Three installations, and who is asked about them.
struct Run {
    schema: Schema,
    plain: World,
    others: [(Secret, World); 2],
    rng: StdRng,
    done: BTreeSet<Act>,
    leaks: Vec<String>,
    /// By probe: who may not ask it, and whether somebody did.
    closed: Vec<Vec<Observer>>,
    tried: Vec<bool>,
}

/// What is hidden at the moment, in one of the worlds.
struct Hidden {
    number: String,
    named: Named,
}

impl Hidden {
    /// The id of what is hidden of a kind, or one of nothing.
    fn id(&self, kind: Kind) -> String {
        self.named.of_kind.get(&(kind as u8)).cloned().unwrap_or_else(|| absent(kind))
    }
}

impl Run {
    async fn new(database: Database, seed: u64) -> Self {
        let plain = World::new(database).await;
        let schema = schema_of(&plain.app).await;
        let others = [
            (Secret::OfNamedPeople, World::new(database).await),
            (Secret::OfColleagues, World::new(database).await),
        ];
        let rng = StdRng::seed_from_u64(seed);
        Self {
            schema,
            plain,
            others,
            rng,
            done: BTreeSet::new(),
            leaks: Vec::new(),
            closed: Vec::new(),
            tried: Vec::new(),
        }
    }

    /// Something happens in each of the worlds: more in the others than in the plain one.
    async fn happen(&mut self, round: usize) {
        for index in 0..self.others.len() {
            let (secret, world) = &mut self.others[index];
            if round % A_NEW_ONE == 0 {
                world.hide(*secret, &mut self.rng).await;
            }
            for turn in [2 * round, 2 * round + 1] {
                let event = world.hidden.len() - 1 - self.rng.random_range(0..world.hidden.len().min(3));
                let what = if self.rng.random_bool(0.45) {
                    world.steps[event] += 1;
                    PROCEDURE[(world.steps[event] - 1) % PROCEDURE.len()]
                } else {
                    *Act::ALL.choose(&mut self.rng).unwrap()
                };
                let paid = *secret == Secret::OfColleagues && MONEY.contains(&what);
                if !paid && world.act(*secret, event, what, turn).await {
                    self.done.insert(what);
                }
            }
            if *secret == Secret::OfColleagues {
                let what = *INSIDE.choose(&mut self.rng).unwrap();
                world.act_on(*secret, &world.story(&world.open[0]), what, None, round).await;
            }
        }
        // And what all of them see.
        let what = [Act::Comment, Act::Message, Act::Upload, Act::Fact, Act::Ask, Act::Draft][round % 6];
        let mut outcomes = Vec::new();
        for world in self.worlds() {
            let story = world.story(&world.open[1 + round % 2]);
            outcomes.push(world.act_on(Secret::OfColleagues, &story, what, None, round).await);
            world.settle().await;
        }
        assert!(outcomes.iter().all(|done| *done == outcomes[0]), "{what:?} of what is open: {outcomes:?}");
    }

    fn worlds(&self) -> [&World; 3] {
        [&self.plain, &self.others[0].1, &self.others[1].1]
    }

    /// Demands that nobody is written to otherwise than without what is hidden.
    fn compare_mails(&mut self, round: usize) {
        let plain = self.plain.mailed();
        for (secret, world) in &mut self.others {
            let all = world.mailed();
            for observer in Observer::all().into_iter().filter(|observer| secret.is_from(observer.0)) {
                let theirs = |mails: &[(String, String)]| -> Vec<String> {
                    let to = observer.email();
                    let own = mails.iter().filter(|(recipient, _)| Some(recipient) == to.as_ref());
                    own.map(|(_, text)| text.clone()).collect()
                };
                let (before, after) = (theirs(&plain), theirs(&all));
                if before != after {
                    self.leaks
                        .push(format!("{round} {secret:?}: {observer:?} gets {after:?} and not {before:?}"));
                }
            }
        }
    }

    /// Demands that neither the log nor the metrics name what is hidden.
    fn compare_logs(&mut self, round: usize) {
        let log = logs::heard();
        let named = WORDS.iter().find(|word| log.contains(**word));
        self.leaks.extend(named.map(|word| format!("{round}: {word} is in the log: {log}")));
    }

    /// Tries `probe` on somebody for whom it is open.
    async fn probe(
        &mut self,
        round: usize,
        since: DateTime<Utc>,
        hidden: &[Hidden; 2],
        index: usize,
        probe: &Probe,
    ) {
        let mut observers = Observer::all();
        observers.retain(|observer| !self.closed[index].contains(observer));
        observers.shuffle(&mut self.rng);
        for observer in observers {
            let which: Vec<usize> = (0..2)
                .filter(|other| self.others[*other].0.is_from(probe.reader(observer, &self.plain)))
                .collect();
            let Some(&which) = which.choose(&mut self.rng) else { continue };
            let (secret, world) = &self.others[which];
            let outcome = match probe {
                Probe::Change(root, field) => {
                    self.warm(world, observer).await;
                    let token = observer.token(&world.app);
                    let seen = &world.named[observer.open()];
                    alike(&world.app, &self.schema, &token, (root, field), &hidden[which].named, seen).await
                }
                _ => {
                    let ask = async || {
                        let before = self.told(&self.plain, probe, observer, None, since).await;
                        (before, self.told(world, probe, observer, Some(&hidden[which]), since).await)
                    };
                    let (mut before, mut after) = ask().await;
                    if before.text == after.text && before.sql != after.sql {
                        // What a process keeps in memory of its configuration is there by now.
                        (before, after) = ask().await;
                    }
                    if before == after {
                        let named = probe
                            .about()
                            .is_none_or(|kind| hidden[which].named.of_kind.contains_key(&(kind as u8)));
                        Ok(named.then_some(after.open))
                    } else {
                        Err(difference(&before, &after))
                    }
                }
            };
            match outcome {
                Ok(Some(true)) => {
                    self.tried[index] = true;
                    return;
                }
                Ok(Some(false)) => self.closed[index].push(observer),
                // There is nothing hidden of this kind by now.
                Ok(None) => return,
                Err(leak) => {
                    self.leaks.push(format!("{round} {secret:?}: {observer:?} by {}: {leak}", probe.name()));
                    self.tried[index] = true;
                    return;
                }
            }
        }
    }

    /// Calls as `observer`: the first call of a while is recorded.
    async fn warm(&self, world: &World, observer: Observer) {
        world.app.graphql(&observer.token(&world.app), "{ viewer { subject } }", Value::Null).await;
    }

    async fn told(
        &self,
        world: &World,
        probe: &Probe,
        observer: Observer,
        hidden: Option<&Hidden>,
        since: DateTime<Utc>,
    ) -> Told {
        self.warm(world, observer).await;
        let token = observer.token(&world.app);
        let nothing = Hidden { number: "VE-2026-000000".to_owned(), named: Named::default() };
        let about = hidden.unwrap_or(&nothing);
        match probe {
            Probe::Ask(question, true) => {
                world
                    .ask(
                        &token,
                        &question.document,
                        question.about(&world.with_configured(&about.named), &about.number),
                    )
                    .await
            }
            Probe::Ask(question, false) => {
                let open = observer.open();
                let variables = question.about(&world.named[open], &world.open[open][2]);
                world.ask(&token, &question.document, variables).await
            }
            Probe::Pages(name) => world.pages(&token, name).await,
            Probe::Hear(_, document) => {
                let occasions = occasions_since(&world.app, since).await;
                let told = told_of(&world.app, &observer.actor(), document, &occasions).await;
                let open = told.is_some();
                Told { text: masked(&json!(told).to_string()), sql: Vec::new(), open }
            }
            Probe::Feed => match world.feeds.get(observer.1) {
                Some(path) => world.get("", path).await,
                None => Told { text: String::new(), sql: Vec::new(), open: false },
            },
            Probe::Hook(kind) => world.hook(kind, &about.id(probe.about().unwrap())).await,
            Probe::Download(path, kind) => {
                let id = match kind {
                    Kind::Event => about.number.clone(),
                    _ => about.id(*kind),
                };
                let mut told = world.get(&token, &path.replace("{}", &id)).await;
                told.open = !told.text.starts_with("403");
                told
            }
            Probe::Webhook(index) => {
                let left = world.app.leaving_since(world.endpoints[*index].1, since).await;
                Told { text: masked(&json!(left).to_string()), sql: Vec::new(), open: true }
            }
            Probe::Change(..) => unreachable!("compared within one world"),
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
    let mut run = Run::new(database, seed).await;
    let mut probes = Probe::all(&run.schema);
    probes.shuffle(&mut run.rng);
    (run.closed, run.tried) = (vec![Vec::new(); probes.len()], vec![false; probes.len()]);
    // All within one month, whose figures are not over.
    let step = TimeDelta::days(20) / i32::try_from(rounds).unwrap();
    let mut next = 0;
    for round in 0..rounds {
        let since = run.plain.app.now();
        for world in run.worlds() {
            world.app.forget_sql();
            world.app.advance(step);
        }
        run.happen(round).await;
        run.compare_mails(round);
        run.compare_logs(round);
        let hidden = run.hidden().await;
        for _ in 0..PROBES.max(probes.len().div_ceil(rounds)) {
            run.probe(round, since, &hidden, next, &probes[next]).await;
            next = (next + 1) % probes.len();
        }
    }
    for (_, world) in &run.others {
        let metrics = world.get("", "/metrics").await.text;
        assert!(!WORDS.iter().any(|word| metrics.contains(word)), "{metrics}");
    }
    assert!(run.leaks.is_empty(), "{database:?} of seed {seed}:\n{}", run.leaks.join("\n"));
    let untried = probes.iter().enumerate().filter(|(index, _)| !run.tried[*index]);
    let untried: BTreeMap<String, usize> =
        untried.map(|(index, probe)| (probe.name(), run.closed[index].len())).collect();
    assert_eq!(untried, BTreeMap::new());
    let undone: Vec<_> = Act::ALL.iter().filter(|act| !run.done.contains(act)).collect();
    assert!(undone.is_empty(), "never done: {undone:?}");
}

impl Run {
    /// One hidden event of each world, with all that hangs on it.
    async fn hidden(&mut self) -> [Hidden; 2] {
        let mut found = Vec::new();
        for (_, world) in &self.others {
            let event = world.hidden.choose(&mut self.rng).unwrap();
            let named = named(&world.story(event), &self.schema).await;
            found.push(Hidden { number: event[2].clone(), named });
        }
        found.try_into().unwrap_or_else(|_| unreachable!("two worlds"))
    }
}

#[tokio::test]
async fn nothing_hidden_at_random_is_told_by_any_way_on_sqlite() {
    nobody_learns_of_it(Database::Sqlite).await;
}

#[tokio::test]
async fn nothing_hidden_at_random_is_told_by_any_way_on_postgresql() {
    nobody_learns_of_it(Database::Postgres).await;
}
