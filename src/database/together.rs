//! Statements that requests of one moment share: those that come while one is under way have the next together, and the more
//! requests there are the fewer statements each costs. What each learns was read, and is written, after it asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sea_orm::DbErr;
use tokio::sync::oneshot;

use super::Database;

/// Most requests of one statement.
const AT_ONCE: usize = 200;

/// What a request has of the statement that it shares.
pub trait Share: Send + Sync + Sized + 'static {
    /// What it is told.
    type Answer: std::fmt::Debug + Send + 'static;

    /// Runs the statement for all of these; answers as many, in their order.
    fn run(
        database: &Database,
        shares: &[Self],
    ) -> impl Future<Output = Result<Vec<Self::Answer>, DbErr>> + Send;
}

/// Requests that wait for a statement.
#[derive(Debug)]
pub struct Together<S: Share>(Arc<Mutex<Waiting<S>>>);

#[derive(Debug)]
struct Waiting<S: Share> {
    shares: VecDeque<(S, Answer<S>)>,
    /// Whether a task is at work that answers all of them.
    is_answered: bool,
}

type Answer<S> = oneshot::Sender<Result<<S as Share>::Answer, DbErr>>;

impl<S: Share> Default for Waiting<S> {
    fn default() -> Self {
        Self { shares: VecDeque::new(), is_answered: false }
    }
}

impl<S: Share> Default for Together<S> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<S: Share> Together<S> {
    /// Has this answered with those of others.
    ///
    /// # Errors
    /// Of the database.
    pub async fn ask(&self, database: &Database, share: S) -> Result<S::Answer, DbErr> {
        let (answer, answered) = oneshot::channel();
        let is_first = {
            let mut waiting = locked(&self.0);
            waiting.shares.push_back((share, answer));
            !std::mem::replace(&mut waiting.is_answered, true)
        };
        if is_first {
            // A task of its own, since the request that begins it may be given up while others wait.
            let answering = Answering { waiting: Arc::clone(&self.0), is_over: false };
            tokio::spawn(answering.all(database.clone()));
        }
        let unanswered = |_| Err(DbErr::Custom("nobody answered".to_owned()));
        answered.await.unwrap_or_else(unanswered)
    }
}

/// The one task that answers. However it ends, nobody waits for it then.
struct Answering<S: Share> {
    waiting: Arc<Mutex<Waiting<S>>>,
    is_over: bool,
}

impl<S: Share> Answering<S> {
    async fn all(mut self, database: Database) {
        while let Some((shares, waiting)) = self.next() {
            match S::run(&database, &shares).await {
                Ok(answers) => {
                    for (one, answer) in waiting.into_iter().zip(answers) {
                        let _ = one.send(Ok(answer));
                    }
                }
                Err(error) => {
                    // Who came meanwhile would wait as long for another one to fail.
                    let meanwhile = std::mem::take(&mut locked(&self.waiting).shares);
                    for one in waiting.into_iter().chain(meanwhile.into_iter().map(|(_, one)| one)) {
                        let _ = one.send(Err(error.clone()));
                    }
                }
            }
        }
    }

    /// Those who wait; none when there is nobody, and the next to come has to begin anew.
    fn next(&mut self) -> Option<(Vec<S>, Vec<Answer<S>>)> {
        let mut waiting = locked(&self.waiting);
        if waiting.shares.is_empty() {
            waiting.is_answered = false;
            self.is_over = true;
            return None;
        }
        let count = waiting.shares.len().min(AT_ONCE);
        Some(waiting.shares.drain(..count).unzip())
    }
}

impl<S: Share> Drop for Answering<S> {
    fn drop(&mut self) {
        if !self.is_over {
            *locked(&self.waiting) = Waiting::default();
        }
    }
}

/// A panic elsewhere leaves the list whole.
fn locked<S: Share>(waiting: &Mutex<Waiting<S>>) -> MutexGuard<'_, Waiting<S>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}
