//! Principals: people and services as last seen in a token, the source for what runs without one.
//!
//! What a token once said goes stale when its subject has not called for the configured time. An administrator may
//! deny a subject, also one that never called: its tokens are refused at once, on every replica. One [`token`] that got
//! into wrong hands can be denied by its id, without its subject.

pub mod admission;
pub mod graphql;
pub mod rules;
pub mod store;
pub mod token;

mod cache;
mod settings;

pub use admission::Admission;
pub use cache::Cache;
pub use settings::PrincipalSettings;

use async_graphql::InputObject;
use chrono::{DateTime, Utc};
use entity::principal;
use sea_orm::sea_query::{OnConflict, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryTrait};
use uuid::Uuid;

use crate::app::App;
use crate::auth::policy::{Action, require};
use crate::auth::{Actor, Identity, Origin, Role};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::require_text;
use crate::outbox::{Bump, ChangeSet};
use cache::Scope;

/// Longest issuer and subject, in characters.
const SHORT: usize = 255;
/// Longest reason, in characters.
const NOTE: usize = 2_000;

/// Records that a verified token of this identity was seen. Written at most every five minutes per subject, or at
/// once when its roles or scope changed.
///
/// # Errors
/// Of the database.
pub async fn seen(app: &App, identity: &Identity) -> Result<()> {
    use principal::{Column, Entity};
    let now = app.clock.now();
    let scope = Scope::of(identity);
    if !app.principals.is_due(identity, &scope, now) {
        return Ok(());
    }
    let row = principal::Model {
        email: scope.email.clone(),
        roles: scope.roles.clone().into(),
        products: scope.products.clone().into(),
        teams: scope.teams.clone().into(),
        channel: scope.channel.clone(),
        last_seen_at: Some(now),
        ..unseen(app.ids.next(), &identity.issuer, &identity.subject, now)
    };
    let mut insert = Entity::insert(row.into_active_model()).into_query();
    // Whether a subject is denied, no token changes.
    let changed =
        [Column::Email, Column::Roles, Column::Products, Column::Teams, Column::Channel, Column::LastSeenAt];
    insert.on_conflict(
        OnConflict::columns([Column::Issuer, Column::Subject]).update_columns(changed).to_owned(),
    );
    app.database.writer().execute(&insert).await?;
    app.principals.written(identity, scope, now);
    Ok(())
}

/// Who acts for a principal where there is no token: with the roles and scope last seen in one. Nobody when the subject
/// may no longer act, or has not called for so long that what its token said does not count.
pub fn acting(app: &App, row: &principal::Model, origin: Origin) -> Option<Actor> {
    if row.denied || rules::is_stale(row, app.principal_settings.stale_after_days, app.clock.now()) {
        return None;
    }
    Some(Actor {
        subject: row.subject.as_str().into(),
        roles: row.roles.0.iter().filter_map(|name| name.parse().ok()).collect(),
        products: row.products.0.clone().into(),
        teams: row.teams.0.clone().into(),
        channel: row.channel.as_deref().map(Into::into),
        origin,
    })
}

/// A subject that may no longer act. 待禁止操作的主体。
#[derive(Clone, Debug, InputObject)]
pub struct DenyPrincipal {
    /// Who vouches for the subject, as `principals` shows it. 令牌签发方。
    pub issuer: String,
    /// The token's subject; it need not have called yet. 主体标识，可尚未调用过。
    pub subject: String,
    /// Why. 原因。
    pub reason: String,
}

/// Forgets, inside the caller's change, who is known as nothing but a reporter. One whom an administrator denied, or
/// allowed again, is kept by subject alone: it is what refuses them, and the trail of it names the row.
///
/// # Errors
/// Of the database.
pub async fn forget_reporter(app: &App, changes: &mut ChangeSet, subject: &str) -> Result<()> {
    use principal::{Column, Entity};
    let known = Entity::find().filter(Column::Subject.eq(subject)).all(app.database.reader()).await?;
    for row in known.iter().filter(|row| row.roles.0 == [Role::Reporter.name()]) {
        let this = Column::Id.eq(row.id);
        if row.revision > 0 {
            let no_address = Query::update()
                .table(Entity)
                .value(Column::Email, Option::<String>::None)
                .and_where(this)
                .take();
            changes.write_update(no_address);
        } else {
            changes.write_delete(Query::delete().from_table(Entity).and_where(this).take());
        }
    }
    Ok(())
}

/// Refuses every later request of a subject, whatever its token says, and ends what runs for it without one. Denying
/// who is denied changes nothing.
///
/// # Errors
/// By policy; refused for oneself and for an issuer of whom nobody is known.
pub async fn deny(app: &App, actor: &Actor, input: &DenyPrincipal) -> Result<principal::Model> {
    require(actor, Action::DenyPrincipal)?;
    let reason = require_text("input.reason", &input.reason, NOTE)?;
    require_exact("input.issuer", &input.issuer)?;
    require_exact("input.subject", &input.subject)?;
    rules::may_deny(&actor.subject, &input.subject).map_err(|refusal| Error::Refused(vec![refusal]))?;
    let before = store::find(app, &input.issuer, &input.subject).await?;
    let mut changes = ChangeSet::new(app, actor, Action::DenyPrincipal).because(Some(reason));
    let after = match before {
        Some(denied) if denied.denied => return Ok(denied),
        Some(before) => {
            let after = principal::Model { denied: true, ..before.clone() };
            changes.revise(app, &before, after, None, Bump::Version)
        }
        // A mistyped issuer would deny nobody and look as if it had.
        None if !store::knows_issuer(app, &input.issuer).await? => {
            let message = "nobody of this issuer has ever called: copy the issuer from principals";
            return Err(Error::Refused(vec![Refusal::on(
                RefusalCode::UnknownReference,
                "input.issuer",
                message,
            )]));
        }
        None => {
            let row = unseen(app.ids.next(), &input.issuer, &input.subject, changes.at());
            changes.create(app, principal::Model { denied: true, ..row }, None)
        }
    };
    app.commit(changes).await?;
    Ok(after)
}

/// A subject that may act again. 恢复操作的主体。
#[derive(Clone, Debug, InputObject)]
pub struct AllowPrincipal {
    /// Who vouches for the subject. 令牌签发方。
    pub issuer: String,
    /// The token's subject. 主体标识。
    pub subject: String,
    /// Why. 原因。
    pub reason: String,
}

/// Ends a denial. Allowing who is not denied changes nothing.
///
/// # Errors
/// By policy; NOT_FOUND when the subject is not known.
pub async fn allow(app: &App, actor: &Actor, input: &AllowPrincipal) -> Result<principal::Model> {
    require(actor, Action::AllowPrincipal)?;
    let reason = require_text("input.reason", &input.reason, NOTE)?;
    let before = store::find(app, &input.issuer, &input.subject).await?.ok_or(Error::NotFound)?;
    if !before.denied {
        return Ok(before);
    }
    let mut changes = ChangeSet::new(app, actor, Action::AllowPrincipal).because(Some(reason));
    let after = principal::Model { denied: false, ..before.clone() };
    let after = changes.revise(app, &before, after, None, Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

/// Demands a text that can be compared byte by byte with what a token says.
fn require_exact(field: &str, text: &str) -> Result<()> {
    if require_text(field, text, SHORT)? == text {
        return Ok(());
    }
    Err(Error::bad_input(field, "send it exactly as in the token, without spaces around it"))
}

/// A principal who has not been seen.
fn unseen(id: Uuid, issuer: &str, subject: &str, at: DateTime<Utc>) -> principal::Model {
    principal::Model {
        id,
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
        email: None,
        roles: Vec::new().into(),
        products: Vec::new().into(),
        teams: Vec::new().into(),
        channel: None,
        last_seen_at: None,
        denied: false,
        digest_off: false,
        version: 1,
        revision: 0,
        audit_head: Vec::new(),
        changed_at: at,
    }
}

#[cfg(test)]
mod tests {
    use super::admission::is_denied;
    use super::*;

    #[tokio::test]
    async fn a_token_updates_what_is_known_and_never_lifts_a_denial() {
        let app = crate::testing::app("principal-seen").await;
        let mut identity = Identity {
            issuer: "https://id.example".to_owned(),
            subject: "analyst-1".to_owned(),
            email: None,
            roles: [Role::Analyst].into(),
            products: Vec::new(),
            teams: Vec::new(),
            channel: None,
            expires_at: app.clock.now(),
            token_id: None,
        };
        seen(&app, &identity).await.unwrap();
        assert!(!is_denied(&app, &identity).await.unwrap());
        let deny = principal::Entity::update_many()
            .col_expr(principal::Column::Denied, sea_orm::sea_query::Expr::value(true));
        deny.exec(app.database.writer()).await.unwrap();
        identity.roles.insert(Role::Leader);
        seen(&app, &identity).await.unwrap();
        let rows = principal::Entity::find().all(app.database.reader()).await.unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].roles.0, ["ANALYST", "LEADER"]);
        assert!(is_denied(&app, &identity).await.unwrap());
    }
}
