//! One task of each process: reads on where messages have their places, and has subscribers told.

use std::collections::HashSet;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_graphql::{Response, ServerError};
use entity::vocabulary::ConfigurationKind;
use serde_json::json;
use tokio::sync::{Semaphore, broadcast};
use tokio_util::sync::CancellationToken;

use super::groups::{Groups, Key, Teller};
use super::guests::{Denials, Guests, Room, Who};
use super::operation::{Answer, Operation, json_of};
use super::{Occasion, store};
use crate::app::App;
use crate::auth::{Actor, Identity};
use crate::error::Result;
use crate::executor;
use crate::graphql::Schema;
use crate::graphql::answer::{self, Settled};
use crate::graphql::errors::ErrorCode;
use crate::http::error::AuthenticationError;
use crate::http::rates::Rates;
use crate::outbox::MessageKind;

/// Messages that are read at once.
const BATCH: u64 = 500;
/// When to look although nobody signalled: for what a lost signal told of, and for tokens that are over.
const SWEEP: Duration = Duration::from_secs(1);
/// When to look for denials although no message told of one.
const DENIALS: Duration = Duration::from_secs(10);
/// Documents that are executed at once, so that other requests find a connection to the database.
const AT_ONCE: usize = 8;

/// Has subscribers told.
pub struct Hub {
    app: Arc<App>,
    schema: Schema,
    rates: Arc<Rates>,
    /// Who is connected.
    pub guests: Arc<Guests>,
    execution_timeout: Duration,
    groups: Mutex<Groups>,
    /// The last place that was read; none while nobody is there.
    read: tokio::sync::Mutex<Option<i64>>,
    denied: Mutex<Arc<Denials>>,
    turns: Semaphore,
}

impl Hub {
    /// A hub with nobody connected.
    pub fn new(
        app: Arc<App>,
        schema: Schema,
        rates: Arc<Rates>,
        room: Room,
        execution_timeout: Duration,
    ) -> Arc<Self> {
        Arc::new(Self {
            app,
            schema,
            rates,
            guests: Arc::new(Guests::new(room)),
            execution_timeout,
            groups: Mutex::default(),
            read: tokio::sync::Mutex::default(),
            denied: Mutex::default(),
            turns: Semaphore::new(AT_ONCE),
        })
    }

    /// Executes a query or mutation.
    ///
    /// # Errors
    /// Why nothing was executed.
    pub async fn execute(
        &self,
        actor: Actor,
        operation: &Operation,
    ) -> std::result::Result<Answer, Vec<ServerError>> {
        let executing = executor::execute(&self.schema, &self.app, actor, operation.request());
        let response = tokio::time::timeout(self.execution_timeout, executing).await;
        operation.settle(response.unwrap_or_else(|_| self.too_slow())).map(Answer::from)
    }

    /// Subscribes: what is committed from now on is told.
    ///
    /// # Errors
    /// Why it is refused.
    pub async fn subscribe(
        self: &Arc<Self>,
        issuer: &str,
        actor: Actor,
        operation: Operation,
    ) -> std::result::Result<Subscription, Vec<ServerError>> {
        let enrolling = executor::enrol(&self.schema, &self.app, actor.clone(), operation.request());
        let enrolled = match tokio::time::timeout(self.execution_timeout, enrolling).await {
            Ok(enrolled) => enrolled,
            Err(_) => Err(self.too_slow()),
        };
        let interest = match enrolled {
            Ok(interest) => interest,
            Err(response) => return Err(errors_of(response)),
        };
        let key = Arc::new(Key::of(issuer, &actor, &operation));
        let mut read = self.read.lock().await;
        if read.is_none() {
            self.begin(&mut read).await.map_err(|error| {
                let error = async_graphql::Error::from(crate::graphql::errors::ApiError::from(error));
                vec![error.into_server_error(async_graphql::Pos::default())]
            })?;
        }
        let (told, teller) = self.groups().join(&key, actor, interest, operation)?;
        if let Some(teller) = teller {
            tokio::spawn(Arc::clone(self).tell_all(teller));
        }
        Ok(Subscription { hub: Arc::clone(self), key, told: Some(told) })
    }

    /// Tells one group, a message after the other, until nobody is left in it.
    async fn tell_all(self: Arc<Self>, mut teller: Teller) {
        while let Some(occasion) = teller.occasions.recv().await {
            if !self.wait_for_points(&teller.key.who, teller.operation.points()).await {
                return;
            }
            let Ok(_own) = teller.share.turns.acquire().await else { return };
            let Ok(_turn) = self.turns.acquire().await else { return };
            // What still waits for who is gone would be read for nobody.
            if teller.told.receiver_count() == 0 {
                return;
            }
            // What is committed after a denial is read after it, so nobody who may no longer act is told of it.
            if self.denied().subjects.contains(&teller.key.who) {
                continue;
            }
            let request = teller.operation.request();
            let telling = executor::tell(&self.schema, &self.app, teller.actor.clone(), request, occasion);
            let response = match tokio::time::timeout(self.execution_timeout, telling).await {
                Ok(Some(response)) => response,
                Ok(None) => continue,
                Err(_) => self.too_slow(),
            };
            let answer = teller.operation.settle(response);
            let answer = answer.unwrap_or_else(|errors| json_of(&json!({ "data": null, "errors": errors })));
            let Some(room) = teller.share.keep(answer.len()) else { return self.groups().give_up(&teller) };
            // Nobody may be left to hear it.
            let _ = teller.told.send(Answer::new(answer, Some(room)));
        }
    }

    /// Takes `points` of a principal's, and waits for them where it has none left: what is told costs as much as what is
    /// asked for. Answers whether it ever can.
    async fn wait_for_points(&self, (issuer, subject): &Who, points: NonZeroU32) -> bool {
        loop {
            match self.rates.charge(issuer, subject, points) {
                Ok(_) => return true,
                Err(AuthenticationError::RateLimited { retry_after, .. }) => {
                    tokio::time::sleep(retry_after).await
                }
                Err(_) => return false,
            }
        }
    }

    /// Reads on, and has everybody told whom it may concern.
    ///
    /// # Errors
    /// Of the database: what was not read is read the next time.
    pub async fn pass(&self) -> Result<()> {
        loop {
            let mut read = self.read.lock().await;
            let nobody_asks = self.groups().is_empty();
            if nobody_asks && self.guests.is_empty() {
                *read = None;
                return Ok(());
            }
            let Some(position) = *read else { return self.begin(&mut read).await };
            let rows = store::after(&self.app, position, BATCH).await?;
            let last = rows.last().and_then(|row| row.position);
            let full = rows.len() as u64 == BATCH;
            let principals = json!({ "kind": ConfigurationKind::Principal.as_str() });
            let is_of_principals = |row: &entity::message::Model| {
                row.kind == MessageKind::ConfigurationChanged.as_str() && row.data == principals
            };
            if rows.iter().any(is_of_principals) {
                self.look_for_denials().await?;
            }
            if !nobody_asks {
                let occasions: Vec<_> = rows.into_iter().filter_map(Occasion::of).collect();
                // Read after the messages: who lost a grant before one of them has lost it here.
                let events: HashSet<_> = occasions.iter().filter_map(|occasion| occasion.event).collect();
                let grants = store::grants(&self.app, events).await?;
                for occasion in occasions {
                    self.groups().pass_on(&Arc::new(occasion), &grants);
                }
            }
            *read = last.or(*read);
            if !full {
                return Ok(());
            }
        }
    }

    /// Begins to read at the last place.
    async fn begin(&self, read: &mut Option<i64>) -> Result<()> {
        let last = store::last_position(&self.app).await?;
        // Of who was denied before, no message will tell.
        self.look_for_denials().await?;
        *read = Some(last);
        Ok(())
    }

    /// Ends the connections of those who may no longer act.
    async fn look_for_denials(&self) -> Result<()> {
        let denied = Arc::new(store::denied(&self.app).await?);
        *self.denied.lock().unwrap_or_else(PoisonError::into_inner) = denied;
        self.let_go();
        Ok(())
    }

    /// Ends the connections of those who may no longer act, as far as it was heard of here, and of those whose token is over.
    fn let_go(&self) {
        self.guests.end(self.app.clock.now(), &self.denied());
    }

    fn denied(&self) -> Arc<Denials> {
        Arc::clone(&self.denied.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether who came with this token may no longer act, or it is accepted no more, as far as it was heard of here.
    pub fn is_denied(&self, identity: &Identity) -> bool {
        self.denied().are_of(identity)
    }

    /// Reads on at each signal and at intervals, until `stop`. Failures are logged and tried again.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut sequenced = self.app.wake.behind_the_sequencer();
        let every = |period| {
            let mut interval = tokio::time::interval(period);
            interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            interval
        };
        let (mut sweep, mut denials) = (every(SWEEP), every(DENIALS));
        loop {
            let passed = tokio::select! {
                () = sequenced.roused() => self.pass().await,
                _ = sweep.tick() => {
                    self.let_go();
                    self.pass().await
                }
                _ = denials.tick() => {
                    // One after the other, so that none puts back what it read before another did.
                    let _alone = self.read.lock().await;
                    self.look_for_denials().await
                }
                () = stop.cancelled() => return,
            };
            if let Err(error) = passed {
                tracing::error!(?error, "subscribers were not told of what happened; it is read again");
            }
        }
    }

    /// How many subscriptions there are.
    pub fn subscribers(&self) -> usize {
        self.groups().subscribers()
    }

    fn groups(&self) -> MutexGuard<'_, Groups> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn too_slow(&self) -> Response {
        let seconds = self.execution_timeout.as_secs();
        let message =
            format!("it took longer than {seconds} s: ask for less; repeat a change with its idempotencyKey");
        Response::from_errors(answer::refusal(ErrorCode::Timeout, ServerError::new(message, None)))
    }
}

/// Why a subscription was refused: whatever is wrong with it, nothing of it goes on.
fn errors_of(response: Response) -> Vec<ServerError> {
    match answer::settle(response) {
        Settled::Refused(errors) => errors,
        Settled::Answered(response) => response.errors,
    }
}

/// A subscriber's ear.
pub struct Subscription {
    hub: Arc<Hub>,
    key: Arc<Key>,
    told: Option<broadcast::Receiver<Answer>>,
}

/// A subscriber fell too far behind, and has to subscribe and ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FellBehind;

impl Subscription {
    /// Waits for the next thing to be told.
    ///
    /// # Errors
    /// When some was missed.
    pub async fn next(&mut self) -> std::result::Result<Answer, FellBehind> {
        let Some(told) = &mut self.told else { return Err(FellBehind) };
        told.recv().await.map_err(|_| FellBehind)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut groups = self.hub.groups();
        // Under the lock, so that nobody joins a group that is just given up.
        self.told = None;
        groups.leave(&self.key);
    }
}
