//! Any object by its id.
//!
//! Every kind that a client may look up stands in [`nodes!`] with the slice that keeps it, its table, its object,
//! and what of it an actor may see. An id that is none, or of a kind that stands not there, is INVALID_ID;
//! one of a missing and one of an invisible thing are both null. One statement per kind reads all ids of a
//! request.
//!
//! To add a kind: one line in [`nodes!`], and `pub async fn id` on its object.

use std::str::FromStr;

use async_graphql::{Context, ID, Interface, Object};
use entity::vocabulary::Facet;
use sea_orm::sea_query::{Condition, Expr};
use sea_orm::{ColumnTrait, EntityTrait, ModelTrait, QueryFilter, Value};
use uuid::Uuid;

use super::errors::ApiResult;
use super::page::MAX_SIZE;
use super::scalars::Identified;
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{self, Action};
use crate::auth::visibility;
use crate::database::is_one_of;
use crate::error::{Error, Result};
use crate::ids;

macro_rules! nodes {
    ($($slice:ident: $table:ident => $object:ident, $visible:expr;)+) => {
        /// Anything that has an id. 任何带标识的对象。
        #[derive(Interface)]
        #[graphql(field(name = "id", ty = "ID", desc = "Identifies it. 标识。"))]
        pub enum Node {
            $(
                #[doc = concat!("A row of `", stringify!($table), "`.")]
                $object(crate::$slice::graphql::$object),
            )+
        }

        /// Reads what `ids` name (number of the kind, id of the row), each in its place where the actor may see it,
        /// and the events that it hangs on.
        async fn read(app: &App, actor: &Actor, ids: &[(u8, Uuid)]) -> Result<(Vec<Option<Node>>, Vec<Uuid>)> {
            let mut found: Vec<Option<Node>> = ids.iter().map(|_| None).collect();
            let mut events = Vec::new();
            $({
                use entity::$table::{Column, Entity};
                let kind = Entity::KIND as u8;
                let wanted: Vec<_> = ids.iter().filter(|(of, _)| *of == kind).map(|(_, id)| *id).collect();
                if !wanted.is_empty() {
                    let visible: fn(&Actor) -> Condition = $visible;
                    for row in rows::<Entity>(app, Column::Id, wanted, visible(actor)).await? {
                        events.extend(event_of::<Entity>(&row));
                        for (place, _) in ids.iter().enumerate().filter(|(_, id)| **id == (kind, row.id)) {
                            found[place] = Some(Node::$object(row.clone().into()));
                        }
                    }
                }
            })+
            Ok((found, events))
        }

        /// Numbers of the kinds that can be looked up.
        const KINDS: &[u8] = &[$(<entity::$table::Entity as Identified>::KIND as u8,)+];
    };
}

nodes! {
    event: event => Event, |actor| visibility::visible(actor, Facet::Content, entity::event::Column::Id);
    intake: report => Report, visibility::visible_report;
    intake: reporter => Reporter,
        |actor| by_role(actor, Action::ReadReporters).add(crate::intake::store::visible_reporter(actor));
    attachment: attachment => Attachment, crate::attachment::store::visible;
    mail: inbound_mail => ReportMail, crate::mail::store::visible;
    verdict: verdict => GivenVerdict, |actor| on_event(actor, entity::verdict::Column::EventId);
    score: score => Score, |actor| on_event(actor, entity::score::Column::EventId);
    score: technical_severity => TechnicalSeverity,
        |actor| on_event(actor, entity::technical_severity::Column::EventId);
    protection: world_fact => WorldFact, |actor| on_event(actor, entity::world_fact::Column::EventId);
    affected: affected_product => AffectedProduct,
        |actor| on_event(actor, entity::affected_product::Column::EventId);
    affected: affected_customer => AffectedCustomer, |actor| by_role(actor, Action::ReadCustomers)
        .add(on_event(actor, entity::affected_customer::Column::EventId));
    team: assignment => Assignment, |actor| on_event(actor, entity::assignment::Column::EventId);
    team: team_member => TeamMember, |actor| on_event(actor, entity::team_member::Column::EventId);
    decision: decision => Decision, |actor| by_role(actor, Action::ReadDecisions)
        .add(on_event(actor, entity::decision::Column::EventId));
    remediation: remediation => Remediation, |actor| on_event(actor, entity::remediation::Column::EventId);
    remediation: verification => Verification, |actor| on_event(actor, entity::verification::Column::EventId);
    reply: obligation => Obligation, |actor| crate::reply::store::readable(actor, entity::obligation::Column::ChannelId)
        .add(on_event(actor, entity::obligation::Column::EventId));
    reply: reply => Reply, |actor| crate::reply::store::readable_replies(actor)
        .add(on_event(actor, entity::reply::Column::EventId));
    review: review => Review, |actor| on_event(actor, entity::review::Column::EventId);
    review: action_item => ActionItem, crate::review::store::visible;
    comment: comment => Comment, crate::comment::store::visible;
    channel: channel => Channel, |actor| by_role(actor, Action::ReadChannels);
    product: product => Product, |actor| by_role(actor, Action::ReadProducts);
    customer: customer => Customer, |actor| by_role(actor, Action::ReadCustomers);
    calendar: calendar => Calendar, |actor| by_role(actor, Action::ReadCalendars);
    deadline: deadline => Deadline, crate::deadline::store::visible;
    deadline: deadline_policy => DeadlinePolicy, |actor| by_role(actor, Action::ReadDeadlinePolicies);
    duty: duty => Duty, |actor| by_role(actor, Action::ReadDuties);
    webhook: webhook_endpoint => WebhookEndpoint, |actor| by_role(actor, Action::ReadWebhooks);
    webhook: delivery => WebhookDelivery, crate::webhook::store::visible_deliveries;
    payout: payout => Payout, |actor| by_role(actor, Action::ReadPayouts).add(visibility::visible_payout(actor));
    multi_platform: multi_platform => MultiPlatform,
        |actor| by_role(actor, Action::ReadDuplicates).add(crate::multi_platform::store::visible(actor));
    payout: budget => Budget, |actor| by_role(actor, Action::ReadBudgets);
    payout: reward_grid => RewardGrid, |actor| by_role(actor, Action::ReadRewardGrids);
    payout: bonus_run => BonusRun, |actor| by_role(actor, Action::ReadBonusRuns);
    ticket: tracker => Tracker, |actor| by_role(actor, Action::ReadTrackers);
    ticket: ticket => Ticket, |actor| by_role(actor, Action::ReadTickets).add(visibility::visible_ticket(actor));
    rating_policy: rating_policy => RatingPolicy, |actor| by_role(actor, Action::ReadRatingPolicies);
}

/// The row hangs on an event whose content the actor may see.
fn on_event(actor: &Actor, event: impl ColumnTrait) -> Condition {
    visibility::visible(actor, Facet::Content, event)
}

/// The actor's roles allow reading such rows.
fn by_role(actor: &Actor, read: Action) -> Condition {
    Condition::all().add(Expr::value(policy::allows(actor, read)))
}

async fn rows<E>(app: &App, id: E::Column, wanted: Vec<Uuid>, visible: Condition) -> Result<Vec<E::Model>>
where
    E: EntityTrait,
{
    let database = &app.database;
    let select = E::find().filter(is_one_of(database.backend(), id, wanted)).filter(visible);
    Ok(select.all(database.reader()).await?)
}

/// The event that a row hangs on, if its kind hangs on one.
fn event_of<E: EntityTrait>(row: &E::Model) -> Option<Uuid> {
    let column = E::Column::from_str("event_id").ok()?;
    if let Value::Uuid(id) = row.get(column) { id } else { None }
}

/// The kind and the row of each id.
fn decode(field: &str, ids: &[ID]) -> Result<Vec<(u8, Uuid)>> {
    let known = |id: &ID| ids::decode_any(id).filter(|(kind, _)| KINDS.contains(kind));
    let unknown = || Error::InvalidId { field: field.to_owned(), expected: "Node".to_owned() };
    ids.iter().map(|id| known(id).ok_or_else(unknown)).collect()
}

async fn find(ctx: &Context<'_>, field: &str, ids: &[ID]) -> ApiResult<Vec<Option<Node>>> {
    let wanted = decode(field, ids)?;
    // Apart, since it has all kinds in it, and every field of the root would be as large.
    let (found, events) = Box::pin(read(super::app(ctx), super::actor(ctx), &wanted)).await?;
    for event in events {
        super::sensitive::touch(ctx, event);
    }
    for node in found.iter().flatten() {
        if let Node::Event(event) = node {
            super::sensitive::note(ctx, &event.0);
        }
        match node {
            Node::Payout(payout) => {
                payout.0.report_id.into_iter().for_each(|report| super::sensitive::touch_report(ctx, report));
            }
            Node::Attachment(attachment) => super::sensitive::touch_report(ctx, attachment.0.report_id),
            Node::ReportMail(mail) => super::sensitive::touch_report(ctx, mail.0.report_id),
            _ => {}
        }
    }
    Ok(found)
}

/// Looking things up by their id.
#[derive(Default)]
pub struct NodeQuery;

/// Looking things up by their id. 按标识查询。
#[Object]
impl NodeQuery {
    /// The object with this id; null when there is none, or none that you may see.
    /// 具有该标识的对象；不存在或不可见时为空。
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id. 标识。")] id: ID,
    ) -> ApiResult<Option<Node>> {
        Ok(find(ctx, "id", &[id]).await?.pop().flatten())
    }

    /// The objects with these ids, in their order; null where there is none, or none that you may see.
    /// 具有这些标识的对象，顺序一致；不存在或不可见处为空。
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Their ids, at most 100. 标识，最多一百个。")] ids: Vec<ID>,
    ) -> ApiResult<Vec<Option<Node>>> {
        if ids.len() > usize::from(MAX_SIZE) {
            return Err(Error::bad_input("ids", format!("send at most {MAX_SIZE}")).into());
        }
        find(ctx, "ids", &ids).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_graphql::{EmptyMutation, EmptySubscription, Request, Schema};
    use entity::vocabulary::Tlp;
    use serde_json::json;

    use super::*;
    use crate::auth::Role;
    use crate::ids::{Kind, encode};
    use crate::{comment, testing};

    fn id(kind: Kind, number: u128) -> ID {
        ID(encode(kind, Uuid::from_u128(number)))
    }

    async fn ask(app: &testing::TestApp, actor: &Actor, ids: &[String]) -> serde_json::Value {
        let schema = Schema::build(NodeQuery, EmptyMutation, EmptySubscription).finish();
        let variables = async_graphql::Variables::from_json(json!({ "ids": ids }));
        let request = Request::new("query($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }")
            .variables(variables)
            .data(Arc::clone(&app.app))
            .data(actor.clone());
        let response = schema.execute(request).await;
        assert_eq!(response.errors, []);
        response.data.into_json().unwrap()["nodes"].clone()
    }

    #[test]
    fn ids_of_known_kinds_are_split_in_their_order() {
        let ids = [id(Kind::Decision, 2), id(Kind::Event, 1)];
        assert_eq!(decode("ids", &ids).unwrap(), [(18, Uuid::from_u128(2)), (1, Uuid::from_u128(1))]);
    }

    #[test]
    fn an_ill_formed_id_and_one_of_an_unknown_kind_are_invalid() {
        let principal = id(Kind::Principal, 1);
        for wrong in [ID("42".to_owned()), ID(String::new()), principal] {
            let result = decode("ids", &[id(Kind::Event, 1), wrong]);
            assert!(matches!(result, Err(Error::InvalidId { field, .. }) if field == "ids"));
        }
    }

    #[tokio::test]
    async fn missing_and_invisible_are_both_null_and_the_rest_stands_in_its_place() {
        let app = testing::app("node_places").await;
        let event = testing::event(&app, Tlp::Amber).await;
        let analyst = Actor::operator("analyst-1", [Role::Analyst]);
        let input = comment::CommentOnEvent {
            event: super::super::scalars::Id::new(event.id),
            body: "Reproduced on 5.1".to_owned(),
            idempotency_key: Some("once".to_owned()),
        };
        let said = comment::comment(&app, &analyst, &input).await.unwrap();
        let again = comment::comment(&app, &analyst, &input).await.unwrap();
        assert_eq!(again.id, said.id, "the same key says the same thing once");

        let event = encode(Kind::Event, event.id);
        let said = encode(Kind::Comment, said.id);
        let ids = [said.clone(), encode(Kind::Event, Uuid::from_u128(1)), event.clone(), event.clone()];
        let seen = json!({ "id": event, "__typename": "Event" });
        let comment = json!({ "id": said, "__typename": "Comment" });
        assert_eq!(ask(&app, &analyst, &ids).await, json!([comment, null, seen, seen]));
        let engineer = Actor::operator("engineer-1", [Role::Engineer]);
        assert_eq!(ask(&app, &engineer, &ids).await, json!([null, null, null, null]));
    }
}
