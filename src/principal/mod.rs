//! Principals: people and services as last seen in a token, the source for what runs without one.

pub mod graphql;

mod cache;

pub use cache::Cache;

use entity::principal;
use sea_orm::sea_query::{OnConflict, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait, Set};

use crate::app::App;
use crate::auth::{Identity, Role};
use crate::error::Result;
use crate::graphql::page::{self, Keyset, Page, PageInput};
use crate::outbox::ChangeSet;
use cache::Scope;

/// Records that a verified token of this identity was seen. Written at most every five minutes per subject, or at
/// once when its roles or scope changed.
///
/// # Errors
/// Of the database.
pub async fn seen(app: &App, identity: &Identity) -> Result<()> {
    use principal::{ActiveModel, Column, Entity};
    let now = app.clock.now();
    let scope = Scope::of(identity);
    if !app.principals.is_due(identity, &scope, now) {
        return Ok(());
    }
    let row = ActiveModel {
        id: Set(app.ids.next()),
        issuer: Set(identity.issuer.clone()),
        subject: Set(identity.subject.clone()),
        email: Set(scope.email.clone()),
        roles: Set(scope.roles.clone().into()),
        products: Set(scope.products.clone().into()),
        teams: Set(scope.teams.clone().into()),
        channel: Set(scope.channel.clone()),
        last_seen_at: Set(now),
        denied: Set(false),
    };
    let mut insert = Entity::insert(row).into_query();
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

/// Whether the subject may no longer act, whatever its token says. Read anew each time, so that it holds at once.
///
/// # Errors
/// Of the database.
pub async fn is_denied(app: &App, issuer: &str, subject: &str) -> Result<bool> {
    let denied: Option<bool> = principal::Entity::find()
        .select_only()
        .column(principal::Column::Denied)
        .filter(principal::Column::Issuer.eq(issuer))
        .filter(principal::Column::Subject.eq(subject))
        .into_tuple()
        .one(app.database.reader())
        .await?;
    Ok(denied.unwrap_or(false))
}

/// Forgets, inside the caller's change, who is known as nothing but a reporter. One who may no longer act is kept, by
/// subject alone, since that is what refuses them.
///
/// # Errors
/// Of the database.
pub async fn forget_reporter(app: &App, changes: &mut ChangeSet, subject: &str) -> Result<()> {
    use principal::{Column, Entity};
    let known = Entity::find().filter(Column::Subject.eq(subject)).all(app.database.reader()).await?;
    for row in known.iter().filter(|row| row.roles.0 == [Role::Reporter.name()]) {
        let this = Column::Id.eq(row.id);
        if row.denied {
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

/// A page of principals by subject.
///
/// # Errors
/// Those of the page.
pub async fn page(app: &App, input: &PageInput) -> Result<Page<principal::Model>> {
    let keyset = Keyset { column: principal::Column::Subject, id: principal::Column::Id, descending: false };
    page::read(&app.database, principal::Entity::find(), keyset, input).await
}

#[cfg(test)]
mod tests {
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
        assert!(!is_denied(&app, &identity.issuer, "analyst-1").await.unwrap());
        let deny = principal::Entity::update_many()
            .col_expr(principal::Column::Denied, sea_orm::sea_query::Expr::value(true));
        deny.exec(app.database.writer()).await.unwrap();
        identity.roles.insert(Role::Leader);
        seen(&app, &identity).await.unwrap();
        let rows = principal::Entity::find().all(app.database.reader()).await.unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].roles.0, ["ANALYST", "LEADER"]);
        assert!(is_denied(&app, &identity.issuer, "analyst-1").await.unwrap());
    }
}
