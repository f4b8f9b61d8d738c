//! Whether callers may still act, asked for many of them at once.
//!
//! Each request's caller is looked up anew, so that a denial holds at once on every replica. Requests that come while one
//! such statement is under way share the next: what each learns was read after it asked, and the more requests there are
//! the fewer statements each costs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use entity::{denied_token, principal};
use sea_orm::{ConnectionTrait, EntityName, Statement};
use serde_json::json;
use tokio::sync::oneshot;

use super::store::token_hash;
use crate::app::App;
use crate::auth::Identity;
use crate::database::{Database, Given, given, given_bytes};
use crate::error::{Error, Result};

/// Most callers of one statement.
const AT_ONCE: usize = 200;

/// Callers that wait to be told whether they may act.
#[derive(Debug, Default)]
pub struct Admission(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    callers: Vec<Caller>,
    /// Whether a task is at work that answers all of them.
    is_answered: bool,
}

#[derive(Debug)]
struct Caller {
    issuer: String,
    subject: String,
    token: Option<Vec<u8>>,
    answer: oneshot::Sender<std::result::Result<bool, Arc<Error>>>,
}

/// Whether the subject may no longer act, whatever its token says, or this token is accepted no more.
///
/// # Errors
/// Of the database.
pub async fn is_denied(app: &App, identity: &Identity) -> std::result::Result<bool, Arc<Error>> {
    let (answer, answered) = oneshot::channel();
    let caller = Caller {
        issuer: identity.issuer.clone(),
        subject: identity.subject.clone(),
        token: identity.token_id.as_deref().map(token_hash),
        answer,
    };
    let is_first = {
        let mut waiting = locked(&app.admission.0);
        waiting.callers.push(caller);
        !std::mem::replace(&mut waiting.is_answered, true)
    };
    if is_first {
        // A task of its own, since the request that begins it may be given up while others wait.
        let answering = Answering { waiting: Arc::clone(&app.admission.0), is_over: false };
        tokio::spawn(answering.all(app.database.clone()));
    }
    answered.await.unwrap_or_else(|_| Err(Arc::new(anyhow::anyhow!("nobody answered").into())))
}

/// The one task that answers callers. However it ends, nobody waits for it then.
struct Answering {
    waiting: Arc<Mutex<Waiting>>,
    is_over: bool,
}

impl Answering {
    async fn all(mut self, database: Database) {
        while let Some(callers) = self.next() {
            match denied(&database, &callers).await {
                Ok(denied) => {
                    for (place, caller) in callers.into_iter().enumerate() {
                        let _ = caller.answer.send(Ok(denied.contains(&place)));
                    }
                }
                Err(error) => {
                    // Who came meanwhile would wait as long for another one to fail.
                    let error = Arc::new(error);
                    let meanwhile = std::mem::take(&mut locked(&self.waiting).callers);
                    for caller in callers.into_iter().chain(meanwhile) {
                        let _ = caller.answer.send(Err(Arc::clone(&error)));
                    }
                }
            }
        }
    }

    /// Those who wait; none when there is nobody, and the next to come has to begin anew.
    fn next(&mut self) -> Option<Vec<Caller>> {
        let mut waiting = locked(&self.waiting);
        if waiting.callers.is_empty() {
            waiting.is_answered = false;
            self.is_over = true;
            return None;
        }
        let callers = waiting.callers.len().min(AT_ONCE);
        Some(waiting.callers.drain(..callers).collect())
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if !self.is_over {
            *locked(&self.waiting) = Waiting::default();
        }
    }
}

/// A panic elsewhere leaves the list whole.
fn locked(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Places of those callers that are denied.
async fn denied(database: &Database, callers: &[Caller]) -> Result<Vec<usize>> {
    let backend = database.backend();
    let columns = [
        ("place", Given::Number),
        ("issuer", Given::Text),
        ("subject", Given::Text),
        ("token", Given::Bytes),
    ];
    let rows = callers.iter().enumerate().map(|(place, caller)| {
        json!({
            "place": place,
            "issuer": caller.issuer,
            "subject": caller.subject,
            "token": caller.token.as_deref().map(given_bytes),
        })
    });
    let sql = format!(
        "SELECT given.place FROM {} WHERE EXISTS (SELECT 1 FROM {principal} WHERE {principal}.issuer = given.issuer \
         AND {principal}.subject = given.subject AND {principal}.denied = TRUE) \
         OR EXISTS (SELECT 1 FROM {token} WHERE {token}.token_hash = given.token)",
        given(backend, "$1", &columns),
        principal = principal::Entity.table_name(),
        token = denied_token::Entity.table_name(),
    );
    let rows = serde_json::Value::from_iter(rows).to_string();
    let statement = Statement::from_sql_and_values(backend, sql, [rows.into()]);
    let found = database.reader().query_all_raw(statement).await?;
    let place = |row: sea_orm::QueryResult| {
        let place: i64 = row.try_get_by_index(0)?;
        usize::try_from(place).map_err(|error| Error::from(anyhow::Error::from(error)))
    };
    found.into_iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use sea_orm::{ActiveModelTrait, IntoActiveModel};

    use super::*;
    use crate::testing::{TestApp, app, app_on_postgres};

    fn identity(app: &App, subject: &str, token: Option<&str>) -> Identity {
        Identity {
            issuer: "https://id.example".to_owned(),
            subject: subject.to_owned(),
            email: None,
            roles: [crate::auth::Role::Analyst].into(),
            products: Vec::new(),
            teams: Vec::new(),
            channel: None,
            expires_at: app.clock.now(),
            token_id: token.map(str::to_owned),
        }
    }

    async fn one_statement_answers(mut test: TestApp) {
        let now = test.clock.now();
        let denied = super::super::unseen(test.ids.next(), "https://id.example", "analyst-2", now);
        let denied = principal::Model { denied: true, ..denied };
        denied.into_active_model().insert(test.database.writer()).await.unwrap();
        let stolen = denied_token::Model {
            id: test.ids.next(),
            token_hash: token_hash("stolen"),
            expires_at: now,
            version: 1,
            revision: 1,
            audit_head: Vec::new(),
            changed_at: now,
        };
        stolen.into_active_model().insert(test.database.writer()).await.unwrap();

        let statements = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&statements);
        let app = Arc::get_mut(&mut test.app).unwrap();
        app.database.observe(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let callers = [
            ("analyst-1", None, false),
            ("analyst-2", None, true),
            ("analyst-1", Some("stolen"), true),
            ("analyst-1", Some("own"), false),
        ];
        let identities = callers.map(|(subject, token, _)| identity(app, subject, token));
        let told = futures_util::future::join_all(identities.iter().map(|identity| is_denied(app, identity)));
        for ((subject, token, denied), told) in callers.into_iter().zip(told.await) {
            assert_eq!(told.unwrap(), denied, "{subject} {token:?}");
        }
        assert_eq!(statements.load(Ordering::Relaxed), 1);
        assert!(is_denied(app, &identities[1]).await.unwrap(), "the next one begins anew");
    }

    #[tokio::test]
    async fn callers_of_one_moment_share_a_statement_and_each_gets_their_own_answer() {
        one_statement_answers(app("admission").await).await;
        one_statement_answers(app_on_postgres("admission").await).await;
    }

    #[tokio::test]
    async fn who_gives_up_takes_nobody_along() {
        let app = app("admission_given_up").await;
        let one = identity(&app, "analyst-1", None);
        let mut first = Box::pin(is_denied(&app, &one));
        assert!(futures_util::poll!(&mut first).is_pending());
        drop(first);
        assert!(!is_denied(&app, &identity(&app, "analyst-2", None)).await.unwrap());
    }
}
