//! Finding notices, and whom they are for.

use std::collections::{BTreeSet, HashMap};

use entity::vocabulary::{Facet, NoticeKind};
use entity::{deadline, event, notice, principal, reply};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, EntityTrait, Iterable, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::rules::about as about_kind;
use crate::app::App;
use crate::auth::{Actor, Role, visibility};
use crate::database::is_one_of;
use crate::error::{Error, Result};
use crate::graphql::page::{self, Keyset, Page, PageInput};
use crate::ids::Kind;

use notice::Column as C;

/// The actor's own, about no event or one that they may still see; of a clock or reply, as far as that is theirs to read.
fn own(actor: &Actor) -> Condition {
    let about = Condition::any().add(C::EventId.is_null()).add(visibility::or_visible(
        actor,
        Facet::Content,
        C::EventId,
    ));
    let about_id = || Expr::col((notice::Entity, C::AboutId));
    let clock = Query::select()
        .expr(Expr::val(1))
        .from(deadline::Entity)
        .and_where(Expr::col((deadline::Entity, deadline::Column::Id)).eq(about_id()))
        .cond_where(crate::deadline::store::readable(actor))
        .take();
    let reply = Query::select()
        .expr(Expr::val(1))
        .from(reply::Entity)
        .and_where(Expr::col((reply::Entity, reply::Column::Id)).eq(about_id()))
        .cond_where(crate::reply::store::readable_replies(actor))
        .take();
    let of = |kind: Kind| NoticeKind::iter().filter(move |notice| about_kind(*notice) == kind);
    let other =
        NoticeKind::iter().filter(|notice| !matches!(about_kind(*notice), Kind::Deadline | Kind::Reply));
    let readable = Condition::any()
        .add(C::Kind.is_in(other))
        .add(C::Kind.is_in(of(Kind::Deadline)).and(visibility::of_each(clock)))
        .add(C::Kind.is_in(of(Kind::Reply)).and(visibility::of_each(reply)));
    Condition::all().add(C::Subject.eq(&*actor.subject)).add(about).add(readable)
}

/// A page of what the actor was told, the newest first.
///
/// # Errors
/// Those of the page.
pub async fn page(app: &App, actor: &Actor, unread: bool, input: &PageInput) -> Result<Page<notice::Model>> {
    let mut select = notice::Entity::find().filter(own(actor));
    if unread {
        select = select.filter(C::ReadAt.is_null());
    }
    let keyset = Keyset { column: C::CreatedAt, id: C::Id, descending: true };
    page::read(&app.database, select, keyset, input).await
}

/// A notice of the actor's own.
///
/// # Errors
/// NOT_FOUND when it is another's, hidden or absent.
pub async fn find(app: &App, actor: &Actor, id: Uuid) -> Result<notice::Model> {
    let select = notice::Entity::find_by_id(id).filter(own(actor));
    select.one(app.database.reader()).await?.ok_or(Error::NotFound)
}

/// What the actor was told and has not read, the newest first.
///
/// # Errors
/// Of the database.
pub async fn unread(app: &App, actor: &Actor, limit: u64) -> Result<Vec<notice::Model>> {
    let select = notice::Entity::find().filter(own(actor)).filter(C::ReadAt.is_null());
    let select = select.order_by_desc(C::CreatedAt).order_by_desc(C::Id).limit(limit);
    Ok(select.all(app.database.reader()).await?)
}

/// Who was told of what has this key.
///
/// # Errors
/// Of the database.
pub async fn told(app: &App, key: &str) -> Result<BTreeSet<String>> {
    let select = notice::Entity::find().select_only().column(C::Subject).filter(C::OnceKey.eq(key));
    let subjects: Vec<String> = select.into_tuple().all(app.database.reader()).await?;
    Ok(subjects.into_iter().collect())
}

/// The principal's last token had one of these roles.
pub fn has_role(roles: &[Role]) -> Condition {
    roles.iter().fold(Condition::any(), |any, role| {
        // A list of texts in JSON: each stands in quotation marks.
        let named = format!("%\"{}\"%", role.name());
        any.add(Expr::col(principal::Column::Roles).cast_as("text").like(named))
    })
}

/// Principals whose last token had one of these roles.
///
/// # Errors
/// Of the database.
pub async fn with_roles(app: &App, roles: &[Role]) -> Result<Vec<principal::Model>> {
    let select =
        principal::Entity::find().filter(principal::Column::Denied.eq(false)).filter(has_role(roles));
    Ok(select.order_by_asc(principal::Column::Subject).all(app.database.reader()).await?)
}

/// Those of the events whose content is the actor's to see.
///
/// # Errors
/// Of the database.
pub async fn events(
    app: &App,
    actor: &Actor,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, event::Model>> {
    let select = event::Entity::find()
        .filter(is_one_of(app.database.backend(), event::Column::Id, ids))
        .filter(visibility::visible(actor, Facet::Content, event::Column::Id));
    let rows = select.all(app.database.reader()).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}
