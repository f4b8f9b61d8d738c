//! Reading principals.

use entity::principal::{self, Column, Entity};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::app::App;
use crate::error::Result;
use crate::graphql::page::{self, Keyset, Page, PageInput};

/// What is known of a subject of an issuer.
///
/// # Errors
/// Of the database.
pub async fn find(app: &App, issuer: &str, subject: &str) -> Result<Option<principal::Model>> {
    let of_issuer = Entity::find().filter(Column::Issuer.eq(issuer));
    Ok(of_issuer.filter(Column::Subject.eq(subject)).one(app.database.reader()).await?)
}

/// The principal with this subject who called last. One installation has one issuer at a time, so it is the one who
/// is calling.
///
/// # Errors
/// Of the database.
pub async fn latest(app: &App, subject: &str) -> Result<Option<principal::Model>> {
    let seen = Entity::find().filter(Column::Subject.eq(subject)).filter(Column::LastSeenAt.is_not_null());
    Ok(seen.order_by_desc(Column::LastSeenAt).one(app.database.reader()).await?)
}

/// Whether any principal of this issuer is known.
///
/// # Errors
/// Of the database.
pub async fn knows_issuer(app: &App, issuer: &str) -> Result<bool> {
    let one = Entity::find().select_only().column(Column::Id).filter(Column::Issuer.eq(issuer));
    Ok(one.into_tuple::<uuid::Uuid>().one(app.database.reader()).await?.is_some())
}

/// Whether the subject may no longer act, whatever its token says. Read anew each time, so that it holds at once on
/// every replica.
///
/// # Errors
/// Of the database.
pub async fn is_denied(app: &App, issuer: &str, subject: &str) -> Result<bool> {
    let denied: Option<bool> = Entity::find()
        .select_only()
        .column(Column::Denied)
        .filter(Column::Issuer.eq(issuer))
        .filter(Column::Subject.eq(subject))
        .into_tuple()
        .one(app.database.reader())
        .await?;
    Ok(denied.unwrap_or(false))
}

/// A page of principals by subject.
///
/// # Errors
/// Those of the page.
pub async fn page(app: &App, input: &PageInput) -> Result<Page<principal::Model>> {
    let keyset = Keyset { column: Column::Subject, id: Column::Id, descending: false };
    page::read(&app.database, Entity::find(), keyset, input).await
}
