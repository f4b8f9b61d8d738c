//! Whether callers may still act, asked for many of them at once.
//!
//! Each request's caller is looked up anew, so that a denial holds at once on every replica.

use entity::{denied_token, principal};
use sea_orm::{ConnectionTrait, DbErr, EntityName, Statement};

use super::store::token_hash;
use crate::app::App;
use crate::auth::Identity;
use crate::database::given::{self, Given};
use crate::database::{Database, Share, Together};

/// Callers that wait to be told whether they may act.
pub type Admission = Together<Caller>;

/// Who wants to be let in.
#[derive(Debug)]
pub struct Caller {
    issuer: String,
    subject: String,
    token: Option<Vec<u8>>,
}

/// Whether the subject may no longer act, whatever its token says, or this token is accepted no more.
///
/// # Errors
/// Of the database.
pub async fn is_denied(app: &App, identity: &Identity) -> Result<bool, DbErr> {
    let caller = Caller {
        issuer: identity.issuer.clone(),
        subject: identity.subject.clone(),
        token: identity.token_id.as_deref().map(token_hash),
    };
    app.admission.ask(&app.database, caller).await
}

impl Share for Caller {
    type Answer = bool;

    async fn run(database: &Database, callers: &[Self]) -> Result<Vec<bool>, DbErr> {
        let backend = database.backend();
        let columns = Given([
            given::number("place"),
            given::text("issuer"),
            given::text("subject"),
            given::bytes("token").or_null(),
        ]);
        let rows = (0_i64..).zip(callers).map(|(place, Self { issuer, subject, token })| {
            [place.into(), issuer.as_str().into(), subject.as_str().into(), token.clone().into()]
        });
        let sql = format!(
            "SELECT given.place FROM {} WHERE EXISTS (SELECT 1 FROM {principal} WHERE {principal}.issuer = given.issuer \
             AND {principal}.subject = given.subject AND {principal}.denied = TRUE) \
             OR EXISTS (SELECT 1 FROM {token} WHERE {token}.token_hash = given.token)",
            columns.source(backend, 1),
            principal = principal::Entity.table_name(),
            token = denied_token::Entity.table_name(),
        );
        let statement = Statement::from_sql_and_values(backend, sql, columns.bind(backend, rows));
        let found = database.reader().query_all_raw(statement).await?;
        let mut denied = vec![false; callers.len()];
        for row in found {
            let place: i64 = row.try_get_by_index(0)?;
            // What cannot be told is no permission.
            let caller = usize::try_from(place).ok().and_then(|place| denied.get_mut(place));
            *caller.ok_or_else(|| DbErr::Custom(format!("nobody asked at place {place}")))? = true;
        }
        Ok(denied)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
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
