//! Reading principals, and which subjects and tokens are denied.

use chrono::{DateTime, Utc};
use entity::denied_token;
use entity::principal::{self, Column, Entity};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sha2::{Digest, Sha256};
use uuid::Uuid;

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

/// What is kept of a token's id.
pub fn token_hash(token_id: &str) -> Vec<u8> {
    Sha256::digest(token_id.as_bytes()).to_vec()
}

/// The denial of the token with this hash, if there is one.
pub(super) async fn denied_token(app: &App, token_hash: &[u8]) -> Result<Option<denied_token::Model>> {
    let of_token = denied_token::Entity::find().filter(denied_token::Column::TokenHash.eq(token_hash));
    Ok(of_token.one(app.database.reader()).await?)
}

/// Denials of tokens that ended before an instant, by id.
pub(super) async fn ended_before(
    app: &App,
    before: DateTime<Utc>,
    after: Uuid,
    limit: u64,
) -> Result<Vec<Uuid>> {
    use denied_token::Column as C;
    let ended = denied_token::Entity::find().filter(C::ExpiresAt.lt(before)).filter(C::Id.gt(after));
    let ended = ended.order_by_asc(C::Id).limit(limit).select_only().column(C::Id);
    Ok(ended.into_tuple().all(app.database.reader()).await?)
}

/// Forgets a denial, where its token ended before an instant.
pub(super) async fn forget_token(app: &App, id: Uuid, before: DateTime<Utc>) -> Result<()> {
    use denied_token::Column as C;
    let ended = denied_token::Entity::delete_many().filter(C::Id.eq(id)).filter(C::ExpiresAt.lt(before));
    ended.exec(app.database.writer()).await?;
    Ok(())
}

/// A page of principals by subject.
///
/// # Errors
/// Those of the page.
pub async fn page(app: &App, input: &PageInput) -> Result<Page<principal::Model>> {
    let keyset = Keyset { column: Column::Subject, id: Column::Id, descending: false };
    page::read(&app.database, Entity::find(), keyset, input).await
}
