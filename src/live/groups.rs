//! Who subscribed: subscribers who are alike make a group, and what a principal's groups take is bounded.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use async_graphql::ServerError;
use entity::vocabulary::Facet;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, mpsc};

use super::Occasion;
use super::guests::Who;
use super::operation::{Answer, Operation};
use super::rules::{self, About, Grants, Interest};
use crate::auth::Actor;
use crate::graphql::answer;
use crate::graphql::errors::ErrorCode;

/// Messages that may wait to be told to the subscribers of one document.
const WAITING: usize = 256;
/// Answers that a subscriber may be behind.
const BEHIND: usize = 64;
/// How many executions at once may be one principal's, so that nobody waits long for who follows much.
const AT_ONCE_EACH: usize = 2;
/// Bytes that one principal's subscriptions may keep: documents, and answers that wait to be taken.
const BYTES_EACH: usize = 16 * 1024 * 1024;
/// How many times its text's bytes a parsed document is taken to need.
const PARSED: usize = 8;

/// What makes two subscribers alike: who they are and where, and what they ask.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) who: Who,
    rights: String,
    address: Option<String>,
    query: String,
    name: Option<String>,
    variables: String,
}

impl Key {
    pub(super) fn of(issuer: &str, actor: &Actor, operation: &Operation) -> Self {
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

    /// Bytes of what they ask.
    fn bytes(&self) -> usize {
        self.query.len() + self.variables.len()
    }
}

/// What one principal's subscriptions may take of the process.
#[derive(Debug)]
pub(super) struct Share {
    pub(super) turns: Semaphore,
    bytes: Arc<Semaphore>,
}

impl Share {
    /// Keeps this many bytes for the principal; none when there is no room.
    pub(super) fn keep(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.bytes).try_acquire_many_owned(u32::try_from(bytes).ok()?).ok()
    }
}

/// Subscribers who are alike, and are answered by one execution.
struct Group {
    actor: Actor,
    keys: HashMap<Facet, Vec<String>>,
    interest: Interest,
    waiting: mpsc::Sender<Arc<Occasion>>,
    told: broadcast::Sender<Answer>,
    _document: OwnedSemaphorePermit,
}

/// What telling a group takes.
pub(super) struct Teller {
    pub(super) key: Arc<Key>,
    pub(super) actor: Actor,
    pub(super) operation: Operation,
    pub(super) share: Arc<Share>,
    /// What is to be told.
    pub(super) occasions: mpsc::Receiver<Arc<Occasion>>,
    /// To whom.
    pub(super) told: broadcast::Sender<Answer>,
}

/// All who subscribed.
#[derive(Default)]
pub(super) struct Groups {
    all: HashMap<Arc<Key>, Group>,
    shares: HashMap<Who, Weak<Share>>,
}

impl Groups {
    /// What a principal's subscriptions share.
    fn share(&mut self, who: &Who) -> Arc<Share> {
        if let Some(share) = self.shares.get(who).and_then(Weak::upgrade) {
            return share;
        }
        self.shares.retain(|_, share| share.strong_count() > 0);
        let turns = Semaphore::new(AT_ONCE_EACH);
        let share = Arc::new(Share { turns, bytes: Arc::new(Semaphore::new(BYTES_EACH)) });
        self.shares.insert(who.clone(), Arc::downgrade(&share));
        share
    }
    /// Whether nobody has subscribed.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// How many subscribers there are.
    pub(super) fn subscribers(&self) -> usize {
        self.all.values().map(|group| group.told.receiver_count()).sum()
    }

    /// Adds a subscriber, and answers their ear, and who has to tell where nobody was alike before.
    ///
    /// # Errors
    /// That their principal's subscriptions keep too much.
    pub(super) fn join(
        &mut self,
        key: &Arc<Key>,
        actor: Actor,
        interest: Interest,
        operation: Operation,
    ) -> Result<(broadcast::Receiver<Answer>, Option<Teller>), Vec<ServerError>> {
        if let Some(group) = self.all.get(key) {
            return Ok((group.told.subscribe(), None));
        }
        let share = self.share(&key.who);
        let document = share.keep(key.bytes().saturating_mul(PARSED)).ok_or_else(|| {
            let message =
                "your subscriptions keep too much: complete some first, or ask by shorter documents";
            answer::refusal(ErrorCode::RateLimited, ServerError::new(message, None))
        })?;
        let (waiting, occasions) = mpsc::channel(WAITING);
        let (told, ear) = broadcast::channel(BEHIND);
        let keys = rules::keys(&actor);
        let group =
            Group { actor: actor.clone(), keys, interest, waiting, told: told.clone(), _document: document };
        self.all.insert(Arc::clone(key), group);
        Ok((ear, Some(Teller { key: Arc::clone(key), actor, operation, share, occasions, told })))
    }

    /// Gives up a group in which nobody is left.
    pub(super) fn leave(&mut self, key: &Arc<Key>) {
        if self.all.get(key).is_some_and(|group| group.told.receiver_count() == 0) {
            self.all.remove(key);
        }
    }

    /// Tells nobody of a group any more.
    pub(super) fn give_up(&mut self, teller: &Teller) {
        if self.all.get(&teller.key).is_some_and(|group| group.told.same_channel(&teller.told)) {
            self.all.remove(&teller.key);
            warn(&teller.key);
        }
    }

    /// Passes a message on to all whom it may concern.
    pub(super) fn pass_on(&mut self, occasion: &Arc<Occasion>, grants: &Grants) {
        let about = About { kind: occasion.kind, event: occasion.event };
        self.all.retain(|key, group| {
            if !rules::may_concern(&group.keys, &group.actor, &group.interest, about, grants) {
                return true;
            }
            let kept = group.waiting.try_send(Arc::clone(occasion)).is_ok();
            if !kept {
                warn(key);
            }
            kept
        });
    }
}

fn warn(key: &Key) {
    tracing::warn!(subject = key.who.1, "subscribers fell too far behind and have to ask again");
}
