use chrono::Duration;
use entity::decision;
use entity::vocabulary::{DecisionKind, Tlp, WorldFactKind};
use sea_orm::EntityTrait;

use super::*;
use crate::auth::{Actor, Role};
use crate::error::Error;
use crate::event::store;
use crate::graphql::scalars::Id;
use crate::testing::procedure::{analyst, app, at, triaging};

#[tokio::test]
async fn red_is_for_named_people_only() {
    let app = app("red").await;
    let event = triaging(&app).await;
    let input = SetTlp {
        event: Id::new(event.id),
        expected_version: event.version,
        tlp: Tlp::Red,
        reason: Some("the press called".to_owned()),
    };
    set_tlp(&app, &analyst(), &input).await.unwrap();
    assert!(store::find(&app, &analyst(), event.id).await.is_ok(), "who raised it is on the team");
    let other = Actor::operator("analyst-2", [Role::Analyst]);
    assert!(matches!(store::find(&app, &other, event.id).await, Err(Error::NotFound)));
}

#[tokio::test]
async fn a_public_exploit_asks_once_whether_the_embargo_ends() {
    let app = app("embargo").await;
    let event = triaging(&app).await;
    let embargo = SetEmbargo {
        event: Id::new(event.id),
        expected_version: event.version,
        until: Some(at(8) + Duration::days(30)),
        reason: None,
    };
    set_embargo(&app, &analyst(), &embargo).await.unwrap();
    let mut fact = RecordWorldFact {
        event: Id::new(event.id),
        kind: WorldFactKind::ExploitPublic,
        occurred_at: None,
        learned_at: at(8),
        source: "a mailing list".to_owned(),
        idempotency_key: Some("fact-1".to_owned()),
    };
    let first = record_world_fact(&app, &analyst(), &fact).await.unwrap();
    let again = record_world_fact(&app, &analyst(), &fact).await.unwrap();
    assert_eq!(first.revision, again.revision, "the same key writes once");
    fact.kind = WorldFactKind::PubliclyKnown;
    fact.idempotency_key = None;
    record_world_fact(&app, &analyst(), &fact).await.unwrap();
    let asked = decision::Entity::find().all(app.database.reader()).await.unwrap();
    let kinds: Vec<_> = asked.iter().map(|decision| decision.kind).collect();
    assert_eq!(kinds, [DecisionKind::Disclose]);
}

#[tokio::test]
async fn clear_is_public_without_an_embargo_and_when_the_world_knows_or_a_leader_said_so() {
    let app = app("clear").await;
    let mut event = triaging(&app).await;
    event.tlp = Tlp::Clear;
    let now = at(8);
    assert!(!rules::is_disclosed(&event, false, false, now), "one analyst's word");
    assert!(rules::is_disclosed(&event, true, false, now) && rules::is_disclosed(&event, false, true, now));
    event.embargo_until = Some(at(9));
    assert!(!rules::is_disclosed(&event, true, true, now));
    assert!(rules::is_disclosed(&event, true, true, at(9)), "it is over");
    event.tlp = Tlp::Green;
    assert!(!rules::is_disclosed(&event, true, true, at(9)));
}
