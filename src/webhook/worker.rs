//! Delivers what is due: claims, sends, settles.
//!
//! One task keeps the state and never waits for the database or a receiver: it claims ahead for each endpoint, starts
//! attempts as far as the endpoint's room goes, and is told what came of each. An endpoint has a lane of its own, so
//! that one which is slow or dead holds up nobody else. Several workers may run over one PostgreSQL database.
//!
//! A delivery is prepared when it is claimed, which is when it is checked what may leave. One that waits in its lane
//! for longer than a moment is given back instead of sent, and checked anew when it is claimed again. Endpoints take
//! turns in being prepared for (see [`Turn`]), so that a slow database slows all and stops none.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::delivery;
use entity::vocabulary::{DeliveryOrder, DeliveryState, GrantState, WebhookPayload};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::attempt::Attempt;
use super::deliver;
use super::payload::{self, Letter, Withheld};
use super::queue::{self, Pulse, Settled, Wanted};
use super::receiver::{self, Receiver, Receivers};
use super::schedule::{self, Health, Next, Outcome};
use super::settler::{self, Settlement, Work};
use super::turn::Turn;
use crate::app::App;
use crate::error::Result;
use crate::outbound::{Client, ClientError};

/// How long to wait after a failure.
const AGAIN: Duration = Duration::from_secs(2);
/// When to look although nobody signalled and the sequencer, which looks for both, was not heard of.
const SWEEP: Duration = Duration::from_secs(5);
/// How soon a signal is followed by another look, so that many commits share one.
const GATHER: Duration = Duration::from_millis(2);
/// How often leases are renewed.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// How long a prepared delivery may wait before what may leave has to be asked again.
const FRESH: Duration = Duration::from_secs(1);
/// Bounds on what is claimed ahead for one endpoint: it grows while the endpoint is quick, and shrinks to its
/// concurrency while it is slow.
const FIRST_WINDOW: usize = 16;
const LARGEST_WINDOW: usize = 1_024;
/// The same for an endpoint that gets full content.
const LARGEST_FULL_WINDOW: usize = 128;
/// How long one look may prepare before it hands over what it has.
const PREPARING: Duration = Duration::from_millis(500);
/// When what could not be put together is tried again.
const UNPREPARED: TimeDelta = TimeDelta::minutes(1);
/// Most deliveries held at once, over all endpoints.
const MOST_HELD: usize = 4_096;
/// Bytes of bodies waiting in lanes from which on no more is claimed, and how soon that is asked again.
const MOST_BYTES: usize = 64 * 1024 * 1024;
const CROWDED: Duration = Duration::from_millis(100);

/// Delivers until `stop`, then gives back what it has not begun and waits for what it has.
///
/// # Errors
/// When the HTTP client cannot be made.
pub async fn run(app: Arc<App>, stop: CancellationToken) -> std::result::Result<(), ClientError> {
    let client = Client::new(app.outbound.clone())?;
    work(app, client, stop, false).await;
    Ok(())
}

/// Delivers until nothing is due at the clock's present instant.
///
/// # Errors
/// When the HTTP client cannot be made.
pub async fn drain(app: Arc<App>) -> std::result::Result<(), ClientError> {
    let client = Client::new(app.outbound.clone())?;
    work(app, client, CancellationToken::new(), true).await;
    Ok(())
}

/// A claimed delivery with its body.
struct Ready {
    delivery: delivery::Model,
    receiver: Arc<Receiver>,
    body: Vec<u8>,
    prepared_at: Instant,
}

/// What one look at the queue brought.
struct Look {
    version: i64,
    receivers: Arc<Receivers>,
    ready: Vec<Ready>,
    /// What was claimed and is not sent now.
    unsent: Vec<Settled>,
    /// Endpoints for which something was wanted.
    asked: Vec<Uuid>,
    /// Those of which as much was claimed as was wanted: there may be more.
    full: HashSet<Uuid>,
    /// Whose turn it is next.
    turn: Turn,
    /// Not all endpoints had their turn.
    is_cut: bool,
    next_due: Option<DateTime<Utc>>,
}

enum News {
    Looked(Result<Look>),
    Tried(Box<Tried>),
    Written(Vec<Uuid>),
}

/// What came of one attempt.
struct Tried {
    ready: Ready,
    outcome: Outcome,
    attempt: Attempt,
}

/// One endpoint's deliveries in this worker.
struct Lane {
    waiting: VecDeque<Ready>,
    under_way: usize,
    window: usize,
    health: Health,
    full: bool,
}

struct Worker {
    app: Arc<App>,
    client: Client,
    id: Uuid,
    receivers: Arc<Receivers>,
    version: Option<i64>,
    lanes: HashMap<Uuid, Lane>,
    /// What is leased to this worker, from the claim to the written outcome.
    held: HashMap<Uuid, Instant>,
    news: mpsc::UnboundedSender<News>,
    settler: mpsc::UnboundedSender<Work>,
    turn: Turn,
    looking: bool,
    look_at: Instant,
    looked_at: Instant,
    /// Deliveries were queued since the last look.
    is_told: bool,
    /// The last look brought nothing.
    is_empty: bool,
}

async fn work(app: Arc<App>, client: Client, stop: CancellationToken, until_empty: bool) {
    let id = app.ids.next();
    let (news, mut inbox) = mpsc::unbounded_channel();
    let (settler, work) = mpsc::unbounded_channel();
    let told = news.clone();
    let written = move |ids| {
        // Nobody listens any more once the worker has ended.
        let _ = told.send(News::Written(ids));
    };
    let settling = tokio::spawn(settler::run(Arc::clone(&app), id, work, written));
    let mut queued = app.wake.deliveries();
    let mut pulses = app.wake.pulses();
    let mut heartbeat = tokio::time::interval(HEARTBEAT);
    let mut worker = Worker {
        app,
        client,
        id,
        receivers: Arc::default(),
        version: None,
        lanes: HashMap::new(),
        held: HashMap::new(),
        news,
        settler,
        turn: Turn::default(),
        looking: false,
        look_at: Instant::now(),
        looked_at: Instant::now(),
        is_told: false,
        is_empty: false,
    };
    let mut stopping = false;
    loop {
        let idle = worker.held.is_empty() && !worker.looking;
        if idle && (stopping || until_empty && worker.is_empty) {
            break;
        }
        if idle && until_empty {
            worker.look_at = Instant::now();
        }
        if !stopping && !worker.looking && worker.held.len() < MOST_HELD && worker.look_at <= Instant::now() {
            worker.look();
        }
        tokio::select! {
            Some(news) = inbox.recv() => worker.hear(news, stopping),
            () = queued.roused(), if !stopping => {
                worker.is_told = true;
                worker.look_soon();
            }
            pulse = pulses.next(), if !stopping => worker.feel(pulse),
            () = tokio::time::sleep_until(worker.look_at), if !worker.looking && !stopping
                && worker.held.len() < MOST_HELD => {}
            _ = heartbeat.tick() => {
                worker.renew();
                worker.sweep();
            }
            () = stop.cancelled(), if !stopping => {
                stopping = true;
                worker.give_back_all();
            }
        }
    }
    drop(worker);
    if let Err(error) = settling.await {
        tracing::error!(%error, "the task that writes outcomes of deliveries ended early");
    }
}

impl Worker {
    /// Starts a look at the queue.
    fn look(&mut self) {
        let waiting = self.lanes.values().flat_map(|lane| &lane.waiting);
        if waiting.map(|ready| ready.body.len()).sum::<usize>() >= MOST_BYTES {
            self.look_at = Instant::now() + CROWDED;
            return;
        }
        self.looking = true;
        self.looked_at = Instant::now();
        self.look_at = self.looked_at + SWEEP;
        let now = self.app.clock.now();
        let share = self.share();
        let rooms: HashMap<Uuid, usize> = self
            .lanes
            .iter()
            .map(|(id, lane)| {
                let taken = lane.waiting.len() + lane.under_way;
                (*id, lane.health.room(lane.window.min(share), now).saturating_sub(taken))
            })
            .collect();
        let (app, id, news) = (Arc::clone(&self.app), self.id, self.news.clone());
        let known = Known {
            version: self.version,
            receivers: Arc::clone(&self.receivers),
            turn: self.turn,
            is_told: std::mem::take(&mut self.is_told),
            is_more: self.lanes.values().any(|lane| lane.full),
        };
        tokio::spawn(async move {
            let looked = look(&app, id, known, &rooms).await;
            // Nobody listens any more once the worker has ended.
            let _ = news.send(News::Looked(looked));
        });
    }

    /// Is told how the queue is, by who looked at it anyway.
    fn feel(&mut self, pulse: Pulse) {
        match rest(self.version, pulse, self.app.clock.now()) {
            Some(rest) if self.held.is_empty() && !self.looking && !self.is_told => {
                self.look_at = Instant::now() + rest;
            }
            Some(_) => {}
            None => self.look_soon(),
        }
    }

    fn look_soon(&mut self) {
        self.look_at = self.look_at.min(self.looked_at + GATHER);
    }

    fn hear(&mut self, news: News, stopping: bool) {
        match news {
            News::Looked(Ok(look)) => self.take(look, stopping),
            News::Looked(Err(error)) => {
                tracing::error!(?error, "the queue of webhook deliveries cannot be read");
                (self.looking, self.is_empty) = (false, true);
                self.look_at = self.look_at.min(Instant::now() + AGAIN);
            }
            News::Tried(tried) => self.tried(*tried),
            News::Written(ids) => {
                for id in &ids {
                    self.held.remove(id);
                }
                // The next of an event is free only now.
                if self
                    .receivers
                    .by_id
                    .values()
                    .any(|receiver| receiver.row.delivery_order == DeliveryOrder::PerEvent)
                {
                    self.look_at = Instant::now();
                }
            }
        }
    }

    fn take(&mut self, look: Look, stopping: bool) {
        self.looking = false;
        self.receivers = look.receivers;
        if self.version != Some(look.version) {
            self.version = Some(look.version);
            self.give_back_changed();
        }
        self.turn = look.turn;
        self.is_empty = look.ready.is_empty() && look.unsent.is_empty() && !look.is_cut;
        if look.is_cut {
            self.look_at = Instant::now();
        }
        self.lanes.retain(|id, lane| self.receivers.by_id.contains_key(id) || lane.under_way > 0);
        for settled in look.unsent {
            self.held.insert(settled.id, Instant::now());
            self.settle(settled, None);
        }
        for endpoint in &look.asked {
            if let Some(lane) = self.lanes.get_mut(endpoint) {
                lane.full = false;
            }
        }
        for ready in look.ready {
            self.held.insert(ready.delivery.id, ready.prepared_at);
            let window = ready.receiver.concurrency().max(FIRST_WINDOW);
            let lane = self.lanes.entry(ready.receiver.row.id).or_insert_with(|| Lane {
                waiting: VecDeque::new(),
                under_way: 0,
                window,
                health: Health::default(),
                full: false,
            });
            if !lane.full && look.full.contains(&ready.receiver.row.id) {
                lane.full = true;
                // It ran dry before more came.
                if lane.waiting.is_empty() {
                    lane.window = (lane.window * 2).min(largest_window(&ready.receiver));
                }
            }
            lane.waiting.push_back(ready);
        }
        if stopping {
            self.give_back_all();
            return;
        }
        for endpoint in self.lanes.keys().copied().collect::<Vec<_>>() {
            self.start(endpoint);
        }
        let now = self.app.clock.now();
        let holds = self.lanes.values().filter_map(|lane| lane.health.hold_until(now));
        let next = holds.chain(look.next_due.filter(|due| *due > now)).min();
        if let Some(wait) = next.and_then(|next| next.signed_duration_since(now).to_std().ok()) {
            self.look_at = self.look_at.min(Instant::now() + wait);
        }
    }

    /// What is held for one endpoint at most. Whoever hangs leaves room for one more.
    fn share(&self) -> usize {
        let busy = self.lanes.values().filter(|lane| lane.under_way + lane.waiting.len() > 0).count();
        MOST_HELD / (busy + 1)
    }

    /// Starts attempts of an endpoint as far as its room goes.
    fn start(&mut self, endpoint: Uuid) {
        let Some(lane) = self.lanes.get_mut(&endpoint) else { return };
        let now = self.app.clock.now();
        let mut back = Vec::new();
        while let Some(ready) = lane.waiting.front() {
            let room = lane.health.room(ready.receiver.concurrency(), now);
            let is_fresh = ready.prepared_at.elapsed() < FRESH;
            if is_fresh && room > 0 && lane.under_way >= room {
                break;
            }
            let Some(ready) = lane.waiting.pop_front() else { break };
            if !is_fresh || room == 0 {
                lane.window = (lane.window / 2).max(ready.receiver.concurrency());
                back.push(ready);
                continue;
            }
            lane.under_way += 1;
            let (app, client, news) = (Arc::clone(&self.app), self.client.clone(), self.news.clone());
            tokio::spawn(async move {
                let Ready { delivery, receiver, body, prepared_at } = ready;
                let (outcome, attempt) = deliver::attempt(&app, &client, &receiver, &delivery, body).await;
                let ready = Ready { delivery, receiver, body: Vec::new(), prepared_at };
                // Nobody listens any more once the worker has ended.
                let _ = news.send(News::Tried(Box::new(Tried { ready, outcome, attempt })));
            });
        }
        let taken = lane.waiting.len() + lane.under_way;
        let room = lane.health.room(lane.window, now);
        if lane.full && lane.waiting.len() * 2 <= lane.window && room.min(self.share()) > taken {
            self.look_at = Instant::now();
        }
        for ready in back {
            self.give_back(ready);
        }
    }

    fn tried(&mut self, tried: Tried) {
        let Tried { ready, outcome, attempt } = tried;
        let now = self.app.clock.now();
        let endpoint = ready.receiver.row.id;
        if let Some(lane) = self.lanes.get_mut(&endpoint) {
            lane.under_way = lane.under_way.saturating_sub(1);
            lane.health = lane.health.after(outcome, now);
        }
        let mut random = [0; 4];
        self.app.ids.fill(&mut random);
        let attempts = ready.delivery.attempts + 1;
        let (state, due_at) = match schedule::next(outcome, attempts, now, u32::from_ne_bytes(random)) {
            Next::Delivered => (DeliveryState::Delivered, None),
            Next::Again(due) => (DeliveryState::Pending, Some(due)),
            Next::Dead => (DeliveryState::Dead, None),
        };
        let note = (state == DeliveryState::Dead).then(|| format!("not taken in {attempts} attempts"));
        let settled = Settled {
            state,
            due_at,
            attempts,
            note,
            attempt: Some(attempt),
            earlier: Attempt::last_of(&ready.delivery),
            ..untouched(&ready.delivery)
        };
        self.settle(settled, Some((outcome, ready.receiver)));
        self.start(endpoint);
    }

    fn give_back(&mut self, ready: Ready) {
        let settled = untouched(&ready.delivery);
        self.settle(settled, None);
    }

    /// Gives back what was prepared for endpoints that have changed since.
    fn give_back_changed(&mut self) {
        let receivers = Arc::clone(&self.receivers);
        let is_current = |ready: &Ready| {
            let now = receivers.by_id.get(&ready.receiver.row.id);
            now.is_some_and(|now| now.row.revision == ready.receiver.row.revision)
        };
        let mut changed = Vec::new();
        for lane in self.lanes.values_mut() {
            let (kept, back): (Vec<_>, Vec<_>) = lane.waiting.drain(..).partition(is_current);
            lane.waiting = kept.into();
            changed.extend(back);
        }
        for ready in changed {
            self.give_back(ready);
        }
    }

    fn give_back_all(&mut self) {
        let waiting: Vec<Ready> = self.lanes.values_mut().flat_map(|lane| lane.waiting.drain(..)).collect();
        for ready in waiting {
            self.give_back(ready);
        }
    }

    fn settle(&self, settled: Settled, tried: Option<(Outcome, Arc<Receiver>)>) {
        self.write(Work::Settle(Box::new(Settlement { settled, tried })));
    }

    /// Gives back what has grown stale behind attempts that hang.
    fn sweep(&mut self) {
        for endpoint in self.lanes.keys().copied().collect::<Vec<_>>() {
            self.start(endpoint);
        }
    }

    /// Keeps the leases of what has been held for a while.
    fn renew(&self) {
        let held = self.held.iter().filter(|(_, since)| since.elapsed() >= HEARTBEAT);
        let held: Vec<Uuid> = held.map(|(id, _)| *id).collect();
        if !held.is_empty() {
            self.write(Work::Renew(held));
        }
    }

    fn write(&self, work: Work) {
        if self.settler.send(work).is_err() {
            tracing::error!("the task that writes outcomes of deliveries has ended");
        }
    }
}

/// How long a worker that knows the endpoints as of `version` need not look; `None` when it has to now.
fn rest(version: Option<i64>, pulse: Pulse, now: DateTime<Utc>) -> Option<Duration> {
    if version != Some(pulse.version) {
        return None;
    }
    let Some(due) = pulse.next_due else { return Some(SWEEP) };
    let wait = due.signed_duration_since(now).to_std().ok()?;
    (!wait.is_zero()).then_some(wait.min(SWEEP))
}

/// How much is claimed ahead for an endpoint at most.
fn largest_window(receiver: &Receiver) -> usize {
    match receiver.row.payload {
        WebhookPayload::Thin => LARGEST_WINDOW,
        WebhookPayload::Full => LARGEST_FULL_WINDOW,
    }
}

/// What a worker knows before it looks.
struct Known {
    version: Option<i64>,
    receivers: Arc<Receivers>,
    turn: Turn,
    /// That something was queued.
    is_told: bool,
    /// That of what is due not all was claimed last.
    is_more: bool,
}

/// Looks at the queue, claims what is due within `rooms` for those whose turn it is, and prepares it. Who knows that something
/// waits claims while it looks, instead of after.
async fn look(app: &App, owner: Uuid, known: Known, rooms: &HashMap<Uuid, usize>) -> Result<Look> {
    let now = app.clock.now();
    let Known { version, mut receivers, turn, is_told, is_more } = known;
    let (mut wanted, mut endpoints) = wanted(&receivers, rooms, turn);
    let is_early = (is_told || is_more) && !wanted.is_empty();
    let early = async {
        if is_early { queue::claim(&app.database, owner, &wanted, now).await.map(Some) } else { Ok(None) }
    };
    // When the next is due is not looked for as long as more is due than is claimed.
    let goes_on = is_early && is_more && !is_told;
    let pulse = async {
        if !goes_on {
            return queue::pulse(&app.database).await;
        }
        Ok(Pulse { version: queue::version(&app.database).await?, next_due: None })
    };
    let (pulse, early) = tokio::try_join!(pulse, early)?;
    let is_changed = version != Some(pulse.version) || receivers.until.is_some_and(|until| until <= now);
    if is_changed {
        receivers = Arc::new(receiver::load(app).await?);
    }
    let mut look = Look {
        version: pulse.version,
        receivers,
        ready: Vec::new(),
        unsent: Vec::new(),
        asked: Vec::new(),
        full: HashSet::new(),
        turn,
        is_cut: false,
        next_due: pulse.next_due,
    };
    let rows = match early {
        // By what was known of the endpoints before: not asked for any more.
        Some(rows) if is_changed => {
            look.unsent.extend(rows.iter().map(untouched));
            look.is_cut = true;
            return Ok(look);
        }
        Some(rows) => rows,
        None if pulse.next_due.is_none_or(|due| due > now) => return Ok(look),
        None => {
            (wanted, endpoints) = self::wanted(&look.receivers, rooms, turn);
            queue::claim(&app.database, owner, &wanted, now).await?
        }
    };
    let Some(last) = wanted.last().map(|wanted| wanted.endpoint) else { return Ok(look) };
    look.asked = wanted.iter().map(|wanted| wanted.endpoint).collect();
    let mut claimed: HashMap<Uuid, Vec<delivery::Model>> = HashMap::new();
    for delivery in rows {
        claimed.entry(delivery.endpoint_id).or_default().push(delivery);
    }
    let started = Instant::now();
    let mut letters = Vec::new();
    let mut served = (last, wanted.len());
    for (index, wanted) in wanted.iter().enumerate() {
        let Some(deliveries) = claimed.remove(&wanted.endpoint) else { continue };
        let Some(receiver) = look.receivers.by_id.get(&wanted.endpoint) else { continue };
        if deliveries.len() >= wanted.room {
            look.full.insert(wanted.endpoint);
        }
        match payload::letters(app, wanted.endpoint, &deliveries).await {
            Ok(decided) => {
                for (delivery, letter) in deliveries.into_iter().zip(decided) {
                    match letter {
                        Ok(letter) => letters.push((delivery, Arc::clone(receiver), letter)),
                        // Changed since it was claimed: it waits until somebody lets it go on.
                        Err(Withheld::NotConfirmed | Withheld::AtRest) => {
                            look.unsent.push(untouched(&delivery))
                        }
                        Err(reason) => look.unsent.push(Settled {
                            state: DeliveryState::Cancelled,
                            note: Some(reason.as_str().to_owned()),
                            ..untouched(&delivery)
                        }),
                    }
                }
            }
            // What is wrong with one endpoint stays with it.
            Err(error) => {
                tracing::error!(endpoint = %wanted.endpoint, ?error, "deliveries cannot be put together");
                let later = |delivery| Settled { due_at: Some(now + UNPREPARED), ..untouched(delivery) };
                look.unsent.extend(deliveries.iter().map(later));
            }
        }
        if started.elapsed() >= PREPARING && !claimed.is_empty() {
            served = (wanted.endpoint, index + 1);
            look.unsent.extend(claimed.drain().flat_map(|(_, rows)| rows).map(|row| untouched(&row)));
            look.is_cut = true;
            break;
        }
    }
    if goes_on && look.full.len() < wanted.len() {
        // What was claimed goes on without it.
        look.next_due = queue::pulse(&app.database).await.ok().and_then(|pulse| pulse.next_due);
    }
    look.turn = turn.next(served.0, served.1, look.is_cut);
    look.is_cut |= wanted.len() < endpoints;
    look.ready = numbered(app, owner, letters).await?;
    Ok(look)
}

/// What may be claimed for those whose turn it is, and how many have room at all.
fn wanted(receivers: &Receivers, rooms: &HashMap<Uuid, usize>, turn: Turn) -> (Vec<Wanted>, usize) {
    let room = |receiver: &Receiver| {
        rooms.get(&receiver.row.id).copied().unwrap_or_else(|| receiver.concurrency().max(FIRST_WINDOW))
    };
    let all = receivers.by_id.values().map(|receiver| Wanted {
        endpoint: receiver.row.id,
        room: room(receiver),
        per_event: receiver.row.delivery_order == DeliveryOrder::PerEvent,
        only_tests: receiver.row.grant_state == GrantState::Proposed,
    });
    let all: Vec<_> = all.filter(|wanted| wanted.room > 0).collect();
    let endpoints = all.len();
    (turn.pick(all, |wanted| wanted.endpoint), endpoints)
}

/// Numbers what leaves for the first time, and writes the bodies. What was leased away meanwhile is left out.
async fn numbered(
    app: &App,
    owner: Uuid,
    letters: Vec<(delivery::Model, Arc<Receiver>, Letter)>,
) -> Result<Vec<Ready>> {
    let first: Vec<_> =
        letters.iter().map(|(delivery, ..)| delivery).filter(|row| row.sequence.is_none()).collect();
    let numbers =
        if first.is_empty() { HashMap::new() } else { queue::number(&app.database, owner, &first).await? };
    let prepared_at = Instant::now();
    let ready = letters.into_iter().filter_map(|(delivery, receiver, letter)| {
        let sequence = delivery.sequence.or_else(|| numbers.get(&delivery.id).copied())?;
        Some(Ready { delivery, receiver, body: letter.body(sequence), prepared_at })
    });
    Ok(ready.collect())
}

/// A delivery that was claimed and not tried: as it was.
fn untouched(delivery: &delivery::Model) -> Settled {
    Settled {
        id: delivery.id,
        endpoint: delivery.endpoint_id,
        state: DeliveryState::Pending,
        due_at: None,
        attempts: delivery.attempts,
        note: None,
        attempt: None,
        earlier: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_told_that_nothing_is_due_does_not_ask() {
        let now = DateTime::from_timestamp(1_900_000_000, 0).unwrap();
        let pulse = |version, due: Option<i64>| Pulse {
            version,
            next_due: due.map(|millis| now + TimeDelta::milliseconds(millis)),
        };
        assert_eq!(rest(Some(7), pulse(7, None), now), Some(SWEEP));
        assert_eq!(rest(Some(7), pulse(7, Some(60_000)), now), Some(SWEEP));
        assert_eq!(rest(Some(7), pulse(7, Some(300)), now), Some(Duration::from_millis(300)));
        for told in [pulse(7, Some(0)), pulse(7, Some(-1)), pulse(8, None), pulse(8, Some(300))] {
            assert_eq!(rest(Some(7), told, now), None, "{told:?}");
        }
        assert_eq!(rest(None, pulse(0, None), now), None);
    }
}
