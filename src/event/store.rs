//! Finding events, and reading what their moves depend on.

use std::sync::LazyLock;

use entity::vocabulary::{AffectedState, AssignmentState, EventLinkKind, Facet, Function, ObligationState};
use entity::{affected_product, assignment, event, event_link, obligation, remediation, report};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::filter::{EventFilter, EventOrder, EventOrderField};
use super::rules::{LineFacts, MoveFacts};
use crate::app::App;
use crate::auth::{Actor, visibility};
use crate::error::{Error, Result};
use crate::graphql::ahead::{self, Ahead, Plan};
use crate::graphql::page::{self, Listed, Page, PageInput};

/// The event, if its content is the actor's to see.
///
/// # Errors
/// NOT_FOUND when it is hidden or absent, which nobody can tell apart.
pub async fn find(app: &App, actor: &Actor, id: Uuid) -> Result<event::Model> {
    let select = ahead::rows::<event::Entity>().filter(event::Column::Id.eq(id)).filter(visibility::visible(
        actor,
        Facet::Content,
        event::Column::Id,
    ));
    Plan::whole().find(&app.database, select, &Ahead::default()).await?.pop().ok_or(Error::NotFound)
}

/// The event by its number, if its content is the actor's to see.
///
/// # Errors
/// Of the database.
pub async fn by_number(
    app: &App,
    actor: &Actor,
    number: &str,
    plan: &Plan<event::Entity>,
    ahead: &Ahead,
) -> Result<Option<event::Model>> {
    let select = ahead::rows::<event::Entity>()
        .filter(event::Column::Number.eq(number))
        .filter(visibility::visible(actor, Facet::Content, event::Column::Id));
    Ok(plan.find(&app.database, select, ahead).await?.pop())
}

/// Whether somebody related the two events, from either side.
///
/// # Errors
/// Of the database.
pub async fn are_related(app: &App, one: Uuid, other: Uuid) -> Result<bool> {
    let from = |from: Uuid, to: Uuid| {
        Condition::all()
            .add(event_link::Column::EventId.eq(from))
            .add(event_link::Column::OtherEventId.eq(to))
    };
    let select = event_link::Entity::find()
        .filter(event_link::Column::Kind.eq(EventLinkKind::Related))
        .filter(Condition::any().add(from(one, other)).add(from(other, one)));
    Ok(select.one(app.database.reader()).await?.is_some())
}

/// All that hangs on an event and that the conditions of its moves are read from, in one statement.
static ON_EVENT: LazyLock<Plan<event::Entity>> = LazyLock::new(|| {
    Plan::whole()
        .many(Plan::<affected_product::Entity>::whole())
        .many(Plan::<remediation::Entity>::whole())
        .many(Plan::<assignment::Entity>::whole())
        .many(Plan::<obligation::Entity>::whole())
        .many(Plan::<report::Entity>::whole())
});

/// What the conditions of an event's moves are read from.
///
/// # Errors
/// Of the database.
pub async fn move_facts(app: &App, event: Uuid) -> Result<MoveFacts> {
    let ahead = Ahead::default();
    ON_EVENT
        .find(&app.database, ahead::rows::<event::Entity>().filter(event::Column::Id.eq(event)), &ahead)
        .await?;
    let lines = gather(
        &ahead.of::<affected_product::Entity>(event),
        &ahead.of::<remediation::Entity>(event),
        &ahead.of::<assignment::Entity>(event),
    );
    let owed = ahead.of::<obligation::Entity>(event);
    let open = owed.iter().filter(|row| row.state == ObligationState::Open).count();
    Ok(MoveFacts { open_obligations: open, reports: ahead.of::<report::Entity>(event).len(), ..lines })
}

/// What moves depend on of the lines, put together from the rows it follows from: a command hands in the rows as it
/// changed them. Obligations and reports are not among it.
pub fn gather(
    affected: &[affected_product::Model],
    remediations: &[remediation::Model],
    assignments: &[assignment::Model],
) -> MoveFacts {
    let mut lines: Vec<&str> = affected
        .iter()
        .filter(|row| matches!(row.state, AffectedState::Affected | AffectedState::Fixed))
        .map(|row| row.line.as_str())
        .collect();
    lines.sort_unstable();
    lines.dedup();
    let lines = lines.into_iter().map(|line| LineFacts {
        line: line.to_owned(),
        remediation: remediations.iter().find(|row| row.line == line).map(|row| row.state),
        assigned: assignments.iter().any(|row| {
            row.function == Function::RAndD
                && row.line.as_deref() == Some(line)
                && row.state != AssignmentState::Declined
        }),
    });
    let not_looked_yet = affected.iter().filter(|row| row.state == AffectedState::NotLookedYet).count();
    MoveFacts { lines: lines.collect(), not_looked_yet, ..MoveFacts::default() }
}

/// A page of the events that the actor may see.
///
/// # Errors
/// Those of the filter and of the page.
pub async fn page(
    app: &App,
    actor: &Actor,
    filter: &EventFilter,
    order: EventOrder,
    input: &PageInput,
    plan: Plan<event::Entity>,
    ahead: &Ahead,
) -> Result<Page<event::Model>> {
    let condition = filter.condition(app.database.backend(), actor, app.clock.now())?;
    let keyset = order.keyset();
    let in_order = order.field == EventOrderField::ReceivedAt;
    let heads = if in_order { filter.heads(actor, keyset.descending, input)? } else { None };
    let select =
        ahead::rows::<event::Entity>().filter(visibility::visible(actor, Facet::Content, event::Column::Id));
    let listed = Listed { condition, heads };
    page::read_ahead(&app.database, select, listed, keyset, input, plan, ahead).await
}
