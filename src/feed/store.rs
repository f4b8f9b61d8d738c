//! Finding feeds, and what stands in them.

use std::collections::HashMap;

use entity::vocabulary::{ActionItemState, AssignmentState, Facet};
use entity::{action_item, assignment, calendar_feed, event, principal};
use sea_orm::sea_query::Condition;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::rules::{Due, Duty};
use crate::app::App;
use crate::auth::{Actor, visibility};
use crate::database::is_one_of;
use crate::error::Result;
use crate::ids::{Kind, encode};

/// Most assignments, most action items, and most clocks in a feed: the next ones due.
const MOST: u64 = 500;

/// The feed of a principal, ended or not.
pub(super) async fn of_principal(app: &App, principal: Uuid) -> Result<Option<calendar_feed::Model>> {
    let of = calendar_feed::Entity::find().filter(calendar_feed::Column::PrincipalId.eq(principal));
    Ok(of.one(app.database.reader()).await?)
}

/// The feed with this hash that is not ended.
pub(super) async fn living(app: &App, hash: &[u8]) -> Result<Option<calendar_feed::Model>> {
    let of = calendar_feed::Entity::find().filter(calendar_feed::Column::SecretHash.eq(hash));
    Ok(of.filter(calendar_feed::Column::RevokedAt.is_null()).one(app.database.reader()).await?)
}

/// Whose feed it is.
pub(super) async fn principal(app: &App, id: Uuid) -> Result<Option<principal::Model>> {
    Ok(principal::Entity::find_by_id(id).one(app.database.reader()).await?)
}

/// What the actor has to do and may see.
pub(super) async fn duties(app: &App, actor: &Actor) -> Result<Vec<Duty>> {
    let (assignments, items) = (assignments(app, actor).await?, action_items(app, actor).await?);
    let clocks = crate::deadline::store::of_person(app, actor, None, MOST).await?;
    let ids = assignments.iter().map(|row| row.event_id);
    let ids = ids.chain(items.iter().map(|row| row.event_id)).chain(clocks.iter().map(|row| row.event_id));
    let ids = ids.collect();
    let events = events(app, actor, ids).await?;
    let mut duties: Vec<Duty> = assignments
        .into_iter()
        .filter_map(|row| {
            Some(Duty {
                uid: uid(Kind::Assignment, row.id),
                event: events.get(&row.event_id).cloned(),
                kind: format!("{} 任务 assignment", row.function),
                due: Due::At(row.due_at?),
                given_at: row.assigned_at,
                version: row.version,
            })
        })
        .collect();
    duties.extend(items.into_iter().map(|row| Duty {
        uid: uid(Kind::ActionItem, row.id),
        event: events.get(&row.event_id).cloned(),
        kind: "改进项 action item".to_owned(),
        due: Due::On(row.due_on),
        given_at: row.created_at,
        version: row.version,
    }));
    duties.extend(clocks.into_iter().filter_map(|row| {
        Some(Duty {
            uid: uid(Kind::Deadline, row.id),
            event: events.get(&row.event_id).cloned(),
            kind: format!("{} 时限 deadline", row.kind),
            due: Due::At(row.due_at?),
            given_at: row.opened_at,
            version: 1,
        })
    }));
    Ok(duties)
}

/// Unanswered and accepted work of the actor and their teams, on events whose content is theirs to see.
async fn assignments(app: &App, actor: &Actor) -> Result<Vec<assignment::Model>> {
    use assignment::Column as C;
    let theirs =
        Condition::any().add(C::Subject.eq(&*actor.subject)).add(C::Team.is_in(actor.teams.iter().cloned()));
    let select = assignment::Entity::find()
        .filter(visibility::visible(actor, Facet::Content, C::EventId))
        .filter(theirs)
        .filter(C::State.is_in([AssignmentState::Open, AssignmentState::Accepted]))
        .filter(C::DueAt.is_not_null());
    let select = select.order_by_asc(C::DueAt).order_by_asc(C::Id).limit(MOST);
    Ok(select.all(app.database.reader()).await?)
}

/// The actor's own open action items: an owner has them also without seeing the event.
async fn action_items(app: &App, actor: &Actor) -> Result<Vec<action_item::Model>> {
    use action_item::Column as C;
    let select = action_item::Entity::find()
        .filter(C::Owner.eq(&*actor.subject))
        .filter(C::State.eq(ActionItemState::Open));
    let select = select.order_by_asc(C::DueOn).order_by_asc(C::Id).limit(MOST);
    Ok(select.all(app.database.reader()).await?)
}

/// Those of the events whose content is the actor's to see.
async fn events(app: &App, actor: &Actor, ids: Vec<Uuid>) -> Result<HashMap<Uuid, event::Model>> {
    let select = event::Entity::find()
        .filter(is_one_of(app.database.backend(), event::Column::Id, ids))
        .filter(visibility::visible(actor, Facet::Content, event::Column::Id));
    let rows = select.all(app.database.reader()).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

fn uid(kind: Kind, id: Uuid) -> String {
    format!("{}@vulndesk", encode(kind, id))
}
