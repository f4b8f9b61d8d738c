//! One task of each process: reads on where messages have their places, and has subscribers told.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_graphql::parser::types::{ExecutableDocument, OperationType};
use async_graphql::{Request, Response, ServerError, Variables};
use entity::vocabulary::{ConfigurationKind, Facet};
use serde_json::json;
use tokio::sync::{Semaphore, broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use super::guests::{Guests, Room, Who};
use super::rules::{self, About, Interest};
use super::{Occasion, store};
use crate::app::App;
use crate::auth::Actor;
use crate::error::Result;
use crate::executor;
use crate::graphql::Schema;
use crate::graphql::answer::{self, Settled};
use crate::graphql::errors::ErrorCode;
use crate::graphql::guard::{self, Cost, GuardLimits};
use crate::graphql::loaders::ObjectLimit;
use crate::graphql::places;
use crate::outbox::MessageKind;

/// Messages that are read at once.
const BATCH: u64 = 500;
/// When to look although nobody signalled: for what a lost signal told of, for tokens that are over and for denials.
const SWEEP: Duration = Duration::from_secs(1);
/// Messages that may wait to be told to the subscribers of one document.
const WAITING: usize = 256;
/// Answers that a subscriber may be behind.
const BEHIND: usize = 64;
/// Documents that are executed at once, so that other requests find a connection to the database.
const AT_ONCE: usize = 8;

/// An operation as a client sent it, let through by the guard.
#[derive(Debug)]
pub struct Operation {
    /// Whether it reads, changes or follows.
    pub kind: OperationType,
    /// What it came to when it was measured.
    pub cost: Cost,
    query: String,
    name: Option<String>,
    variables: Variables,
    document: ExecutableDocument,
    objects: u64,
}

/// What a request is answered: JSON.
pub type Answer = Arc<str>;

impl Operation {
    /// Parses and measures what a client sent.
    ///
    /// # Errors
    /// Why it may not run.
    pub fn new(
        query: String,
        name: Option<String>,
        variables: Variables,
        limits: &GuardLimits,
    ) -> std::result::Result<Self, Vec<ServerError>> {
        let document = guard::parse(&query, limits).map_err(answer::parse_errors)?;
        let cost = guard::check(&document, &variables, name.as_deref(), limits)
            .map_err(|error| answer::guard_errors(&error))?;
        let Some(operation) = guard::selected_operation(&document, name.as_deref()) else {
            let error = ServerError::new("name the operation that is to run: operationName", None);
            return Err(answer::refusal(ErrorCode::GraphqlValidationFailed, error));
        };
        let kind = operation.ty;
        Ok(Self { kind, cost, query, name, variables, document, objects: limits.objects })
    }

    /// Its document's text.
    pub fn query(&self) -> &str {
        &self.query
    }

    /// A request to execute it once.
    fn request(&self) -> Request {
        // The engine reads the text only where there is no document.
        let mut request = Request::new(String::new()).variables(self.variables.clone());
        request.operation_name.clone_from(&self.name);
        request.set_parsed_query(self.document.clone());
        request.data(ObjectLimit(self.objects))
    }

    /// What leaves of a result: an answer, or why there is none.
    fn settle(&self, mut response: Response) -> std::result::Result<Answer, Vec<ServerError>> {
        if places::concern_values(&response.errors) {
            places::name_values(&mut response.errors, &self.document, self.name.as_deref(), &self.variables);
        }
        match answer::settle(response) {
            Settled::Refused(errors) => Err(errors),
            Settled::Answered(response) => Ok(json_of(&response)),
        }
    }
}

/// What is sent as JSON.
fn json_of(value: &impl serde::Serialize) -> Answer {
    serde_json::to_string(value)
        .unwrap_or_else(|error| {
            tracing::error!(%error, "a GraphQL result could not be written as JSON");
            r#"{"data":null,"errors":[{"message":"Internal error.","extensions":{"code":"INTERNAL"}}]}"#
                .to_owned()
        })
        .into()
}

/// What makes two subscribers alike: who they are and where, and what they ask.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    who: Who,
    rights: String,
    address: Option<String>,
    query: String,
    name: Option<String>,
    variables: String,
}

impl Key {
    fn of(issuer: &str, actor: &Actor, operation: &Operation) -> Self {
        let scope = json!([actor.role_names(), &*actor.products, &*actor.teams, actor.channel.as_deref()]);
        Self {
            who: (issuer.to_owned(), actor.subject.to_string()),
            rights: scope.to_string(),
            address: actor.origin.address.clone(),
            query: operation.query.clone(),
            name: operation.name.clone(),
            variables: serde_json::to_string(&operation.variables).unwrap_or_default(),
        }
    }
}

/// Subscribers who are alike, and are answered by one execution.
struct Group {
    actor: Actor,
    keys: HashMap<Facet, Vec<String>>,
    interest: Interest,
    waiting: mpsc::Sender<Arc<Occasion>>,
    told: broadcast::Sender<Answer>,
}

/// Has subscribers told.
pub struct Hub {
    app: Arc<App>,
    schema: Schema,
    /// Who is connected.
    pub guests: Arc<Guests>,
    execution_timeout: Duration,
    groups: Mutex<HashMap<Arc<Key>, Group>>,
    /// The last place that was read; none while nobody is subscribed.
    read: tokio::sync::Mutex<Option<i64>>,
    denied: Mutex<Arc<HashSet<Who>>>,
    turns: Semaphore,
}

impl Hub {
    /// A hub with nobody connected.
    pub fn new(app: Arc<App>, schema: Schema, room: Room, execution_timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            app,
            schema,
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
        operation.settle(response.unwrap_or_else(|_| self.too_slow()))
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
            let last = store::last_position(&self.app).await.map_err(|error| {
                let error = async_graphql::Error::from(crate::graphql::errors::ApiError::from(error));
                vec![error.into_server_error(async_graphql::Pos::default())]
            })?;
            *read = Some(last);
        }
        let mut groups = self.groups();
        if let Some(group) = groups.get(&key) {
            let told = Some(group.told.subscribe());
            return Ok(Subscription { hub: Arc::clone(self), key, told });
        }
        let (waiting, occasions) = mpsc::channel(WAITING);
        let (told, receiver) = broadcast::channel(BEHIND);
        let keys = rules::keys(&actor);
        let teller =
            Arc::clone(self).tell_all(Arc::clone(&key), actor.clone(), operation, occasions, told.clone());
        groups.insert(Arc::clone(&key), Group { actor, keys, interest, waiting, told });
        drop(groups);
        tokio::spawn(teller);
        Ok(Subscription { hub: Arc::clone(self), key, told: Some(receiver) })
    }

    /// Tells one group, a message after the other, until nobody is left in it.
    async fn tell_all(
        self: Arc<Self>,
        key: Arc<Key>,
        actor: Actor,
        operation: Operation,
        mut occasions: mpsc::Receiver<Arc<Occasion>>,
        told: broadcast::Sender<Answer>,
    ) {
        while let Some(occasion) = occasions.recv().await {
            let Ok(_turn) = self.turns.acquire().await else { return };
            // What is committed after a denial is read after it, so nobody who may no longer act is told of it.
            if self.is_denied(&key.who) {
                continue;
            }
            let telling =
                executor::tell(&self.schema, &self.app, actor.clone(), operation.request(), occasion);
            let response = match tokio::time::timeout(self.execution_timeout, telling).await {
                Ok(Some(response)) => response,
                Ok(None) => continue,
                Err(_) => self.too_slow(),
            };
            let answer = operation.settle(response);
            let answer = answer.unwrap_or_else(|errors| json_of(&json!({ "data": null, "errors": errors })));
            // Nobody may be left to hear it.
            let _ = told.send(answer);
        }
    }

    /// Reads on, and has everybody told whom it may concern.
    ///
    /// # Errors
    /// Of the database: what was not read is read the next time.
    pub async fn pass(&self) -> Result<()> {
        loop {
            let mut read = self.read.lock().await;
            if self.groups().is_empty() {
                *read = None;
                return Ok(());
            }
            let Some(position) = *read else { return Ok(()) };
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
            let occasions: Vec<_> = rows.into_iter().filter_map(Occasion::of).collect();
            // Read after the messages: who lost a grant before one of them has lost it here.
            let events: HashSet<_> = occasions.iter().filter_map(|occasion| occasion.event).collect();
            let grants = store::grants(&self.app, events).await?;
            for occasion in occasions {
                self.pass_on(Arc::new(occasion), &grants);
            }
            *read = last.or(*read);
            if !full {
                return Ok(());
            }
        }
    }

    fn pass_on(&self, occasion: Arc<Occasion>, grants: &rules::Grants) {
        let about = About { kind: occasion.kind, event: occasion.event };
        self.groups().retain(|key, group| {
            if !rules::may_concern(&group.keys, &group.actor, &group.interest, about, grants) {
                return true;
            }
            let kept = group.waiting.try_send(Arc::clone(&occasion)).is_ok();
            if !kept {
                tracing::warn!(subject = key.who.1, "subscribers fell too far behind and have to ask again");
            }
            kept
        });
    }

    /// Ends the connections of those who may no longer act and of those whose token is over.
    async fn look_for_denials(&self) -> Result<()> {
        let denied = Arc::new(store::denied(&self.app).await?);
        *self.denied.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&denied);
        self.guests.end(self.app.clock.now(), &denied);
        Ok(())
    }

    /// Whether somebody may no longer act, as far as it was heard of here.
    pub fn is_denied(&self, who: &Who) -> bool {
        self.denied.lock().unwrap_or_else(PoisonError::into_inner).contains(who)
    }

    /// Reads on at each signal and at intervals, until `stop`. Failures are logged and tried again.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut sequenced = self.app.wake.behind_the_sequencer();
        let mut sweep = tokio::time::interval(SWEEP);
        sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let swept = tokio::select! {
                () = sequenced.roused() => false,
                _ = sweep.tick() => true,
                () = stop.cancelled() => return,
            };
            if self.guests.is_empty() {
                continue;
            }
            let passed = async {
                if swept {
                    self.look_for_denials().await?;
                }
                self.pass().await
            };
            if let Err(error) = passed.await {
                tracing::error!(?error, "subscribers were not told of what happened; it is read again");
            }
        }
    }

    /// How many subscriptions there are.
    pub fn subscribers(&self) -> usize {
        self.groups().values().map(|group| group.told.receiver_count()).sum()
    }

    fn groups(&self) -> MutexGuard<'_, HashMap<Arc<Key>, Group>> {
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
        if groups.get(&self.key).is_some_and(|group| group.told.receiver_count() == 0) {
            groups.remove(&self.key);
        }
    }
}
