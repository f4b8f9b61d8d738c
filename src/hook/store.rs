//! Finding and keeping hooks and their secrets.

use chrono::{DateTime, Utc};
use entity::vocabulary::{HookSourceKind, HookState};
use entity::{hook_inbox, hook_secret};
use sea_orm::sea_query::{DeleteStatement, Expr, OnConflict, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait,
};
use uuid::Uuid;

use crate::app::App;
use crate::error::{Error, Result};

/// Secrets of a sender, the newest first, expired ones included.
///
/// # Errors
/// Of the database.
pub async fn secrets(app: &App, source: Uuid) -> Result<Vec<hook_secret::Model>> {
    use hook_secret::{Column, Entity};
    let select = Entity::find().filter(Column::SourceId.eq(source));
    let select = select.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id);
    Ok(select.all(app.database.reader()).await?)
}

/// Senders that have secrets, by id.
///
/// # Errors
/// Of the database.
pub async fn sources_with_secrets(app: &App) -> Result<Vec<(HookSourceKind, Uuid)>> {
    use hook_secret::{Column, Entity};
    let select = Entity::find().select_only().column(Column::SourceKind).column(Column::SourceId);
    let select = select.distinct().order_by_asc(Column::SourceId);
    Ok(select.into_tuple().all(app.database.reader()).await?)
}

/// Deletes secrets.
pub fn delete_secrets(ids: &[Uuid]) -> DeleteStatement {
    Query::delete()
        .from_table(hook_secret::Entity)
        .and_where(hook_secret::Column::Id.is_in(ids.iter().copied()))
        .take()
}

/// Writes a hook down; false when its source sent one with this id before.
///
/// # Errors
/// Of the database.
pub async fn write_down(app: &App, row: hook_inbox::Model) -> Result<bool> {
    use hook_inbox::{Column, Entity};
    let mut insert = Entity::insert(row.into_active_model()).into_query();
    let known = [Column::SourceKind, Column::SourceId, Column::HookId];
    insert.on_conflict(OnConflict::columns(known).do_nothing().to_owned());
    Ok(app.database.writer().execute(&insert).await?.rows_affected() == 1)
}

/// The hook that `row` is, as it was written down first.
///
/// # Errors
/// Of the database.
pub async fn known(app: &App, row: &hook_inbox::Model) -> Result<hook_inbox::Model> {
    use hook_inbox::{Column, Entity};
    let select = Entity::find()
        .filter(Column::SourceKind.eq(row.source_kind))
        .filter(Column::SourceId.eq(row.source_id))
        .filter(Column::HookId.eq(row.hook_id.as_str()));
    // Written down a moment ago by another connection: the writer sees it.
    select.one(app.database.writer()).await?.ok_or(Error::Conflict)
}

/// Hooks that wait for somebody to carry them out, the longest waiting first.
///
/// # Errors
/// Of the database.
pub async fn due(app: &App, at: DateTime<Utc>, limit: u64) -> Result<Vec<hook_inbox::Model>> {
    use hook_inbox::{Column, Entity};
    let select = Entity::find()
        .filter(Column::State.eq(HookState::Pending))
        .filter(Column::DueAt.lte(at))
        .order_by_asc(Column::DueAt)
        .order_by_asc(Column::Id)
        .limit(limit);
    Ok(select.all(app.database.reader()).await?)
}

/// Keeps the answer to a hook, and its body no longer, unless it was answered meanwhile.
///
/// # Errors
/// Of the database.
pub async fn settle(
    app: &App,
    id: Uuid,
    state: HookState,
    status: u16,
    answer: &str,
    at: DateTime<Utc>,
) -> Result<()> {
    use hook_inbox::{Column, Entity};
    Entity::update_many()
        .col_expr(Column::State, Expr::value(state.as_str()))
        .col_expr(Column::Status, Expr::value(i32::from(status)))
        .col_expr(Column::Answer, Expr::value(answer))
        .col_expr(Column::ProcessedAt, Expr::value(at))
        .col_expr(Column::Body, Expr::value(Option::<Vec<u8>>::None))
        .filter(Column::Id.eq(id))
        .filter(Column::State.eq(HookState::Pending))
        .exec(app.database.writer())
        .await?;
    Ok(())
}

/// Puts a hook off that could not be carried out.
///
/// # Errors
/// Of the database.
pub async fn put_off(app: &App, id: Uuid, attempts: i32, until: DateTime<Utc>) -> Result<()> {
    use hook_inbox::{Column, Entity};
    Entity::update_many()
        .col_expr(Column::Attempts, Expr::value(attempts))
        .col_expr(Column::DueAt, Expr::value(until))
        .filter(Column::Id.eq(id))
        .filter(Column::State.eq(HookState::Pending))
        .exec(app.database.writer())
        .await?;
    Ok(())
}

/// Hooks that were answered before `before`, by id after `after`.
///
/// # Errors
/// Of the database.
pub async fn answered_before(app: &App, before: DateTime<Utc>, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
    use hook_inbox::{Column, Entity};
    let select = Entity::find()
        .filter(Column::ProcessedAt.lt(before))
        .filter(Column::Id.gt(after))
        .order_by_asc(Column::Id)
        .limit(limit);
    Ok(select.select_only().column(Column::Id).into_tuple().all(app.database.reader()).await?)
}

/// Forgets a hook.
///
/// # Errors
/// Of the database.
pub async fn forget(app: &App, id: Uuid) -> Result<()> {
    hook_inbox::Entity::delete_by_id(id).exec(app.database.writer()).await?;
    Ok(())
}
