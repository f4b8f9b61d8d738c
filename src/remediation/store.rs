//! Finding the fixes of product lines.

use chrono::{DateTime, Utc};
use entity::vocabulary::{AffectedState, AssignmentState, Facet, Function, RemediationState};
use entity::{affected_product, assignment, decision, event, product, remediation};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::app::App;
use crate::auth::visibility::visible;
use crate::auth::{Actor, Role};
use crate::database::is_one_of;
use crate::error::{Error, Result};

/// The fix with its event, if the actor may see the event and works on the line.
///
/// # Errors
/// NOT_FOUND when it is hidden, absent or another line's.
pub async fn find(app: &App, actor: &Actor, id: Uuid) -> Result<(event::Model, remediation::Model)> {
    let seen = visible(actor, Facet::Content, remediation::Column::EventId);
    let fix = remediation::Entity::find_by_id(id).filter(seen).one(app.database.reader()).await?;
    let fix = fix.ok_or(Error::NotFound)?;
    let event = crate::event::store::find(app, actor, fix.event_id).await?;
    if actor.is(Role::Analyst) || works_on(app, actor, &fix).await? {
        Ok((event, fix))
    } else {
        Err(Error::NotFound)
    }
}

/// Whether an engineer's scope holds a product of the line that is not said to be unaffected, or they have its R_AND_D assignment.
async fn works_on(app: &App, actor: &Actor, fix: &remediation::Model) -> Result<bool> {
    let db = app.database.reader();
    let affected = affected_product::Entity::find()
        .filter(affected_product::Column::EventId.eq(fix.event_id))
        .filter(affected_product::Column::Line.eq(fix.line.as_str()))
        .filter(affected_product::Column::State.ne(AffectedState::NotAffected))
        .all(db);
    let assigned = assignment::Entity::find()
        .filter(assignment::Column::EventId.eq(fix.event_id))
        .filter(assignment::Column::Line.eq(fix.line.as_str()))
        .filter(assignment::Column::Function.eq(Function::RAndD))
        .filter(assignment::Column::State.ne(AssignmentState::Declined))
        .all(db);
    let (affected, assigned) = tokio::try_join!(affected, assigned)?;
    let theirs = |row: &assignment::Model| {
        row.subject.as_deref() == Some(&*actor.subject)
            || row.team.as_ref().is_some_and(|team| actor.teams.contains(team))
    };
    if assigned.iter().any(theirs) {
        return Ok(true);
    }
    let ids =
        is_one_of(app.database.backend(), product::Column::Id, affected.iter().map(|row| row.product_id));
    let products = product::Entity::find().filter(ids).all(db).await?;
    Ok(products.iter().any(|product| actor.products.contains(&product.key)))
}

/// All fixes of an event.
///
/// # Errors
/// Of the database.
pub async fn of_event(app: &App, event: Uuid) -> Result<Vec<remediation::Model>> {
    let select = remediation::Entity::find().filter(remediation::Column::EventId.eq(event));
    Ok(select.all(app.database.reader()).await?)
}

/// The fix's products and the assignments of its event.
///
/// # Errors
/// Of the database.
pub async fn surroundings(
    app: &App,
    event: Uuid,
) -> Result<(Vec<affected_product::Model>, Vec<assignment::Model>)> {
    let db = app.database.reader();
    let affected =
        affected_product::Entity::find().filter(affected_product::Column::EventId.eq(event)).all(db);
    let assigned = assignment::Entity::find().filter(assignment::Column::EventId.eq(event)).all(db);
    Ok(tokio::try_join!(affected, assigned)?)
}

/// Up to `limit` fixes whose accepted risk has ended at `at`, or is about to and that was not announced, by id.
///
/// # Errors
/// Of the database.
pub async fn ending_risks(app: &App, at: DateTime<Utc>, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
    use decision::Column;
    let over = Condition::all().add(Column::ExpiresAt.lte(at));
    let near = Condition::all()
        .add(Column::ExpiresAt.lte(at + crate::decision::rules::EXPIRY_NOTICE))
        .add(Column::ExpiryToldAt.is_null());
    let ending = Query::select()
        .expr(Expr::val(1))
        .from(decision::Entity)
        .and_where(
            Expr::col((decision::Entity, Column::Id))
                .eq(Expr::col((remediation::Entity, remediation::Column::RiskDecisionId))),
        )
        .cond_where(Condition::any().add(over).add(near))
        .take();
    let select = remediation::Entity::find()
        .select_only()
        .column(remediation::Column::Id)
        .filter(remediation::Column::State.eq(RemediationState::RiskAccepted))
        .filter(remediation::Column::Id.gt(after))
        .filter(Expr::exists(ending))
        .order_by_asc(remediation::Column::Id)
        .limit(limit);
    Ok(select.into_tuple().all(app.database.reader()).await?)
}
