use entity::team_member;
use entity::vocabulary::{Function, Level};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::*;
use crate::auth::Role;
use crate::graphql::scalars::Decimal;
use crate::testing::procedure::{analyst, app, triaging};

#[tokio::test]
async fn a_score_sets_the_level_and_brings_the_team() {
    let app = app("score").await;
    let mut event = triaging(&app).await;
    let before = event.clone();
    event.status = Status::Rating;
    let mut changes = ChangeSet::new(&app, &analyst(), Action::GiveVerdict);
    let event = changes.revise(&app, &before, event, Some(before.id), Bump::Version);
    app.commit(changes).await.unwrap();
    let factor = |text: &str| Some(Decimal(text.to_owned()));
    let evidence = || Some("seen in the lab".to_owned());
    let mut input = ScoreEvent {
        event: Id::new(event.id),
        expected_version: event.version,
        factors: ScoreFactorsInput {
            product_importance: factor("9"),
            product_reach: factor("9"),
            public_opinion: factor("9"),
            exploit_conditions: factor("8.5"),
            actual_impact: factor("9"),
        },
        evidence: ScoreEvidenceInput {
            product_importance: evidence(),
            product_reach: evidence(),
            public_opinion: evidence(),
            exploit_conditions: evidence(),
            actual_impact: evidence(),
        },
        reason: None,
        consent_decision: None,
    };
    let scored = score_event(&app, &analyst(), &input).await.unwrap();
    assert_eq!((scored.level, scored.level_rank, scored.score), (Level::Red, 4, 90));
    let team = team_member::Entity::find()
        .filter(team_member::Column::EventId.eq(event.id))
        .all(app.database.reader())
        .await
        .unwrap();
    let legal = team.iter().find(|member| member.function == Some(Function::Legal)).unwrap();
    assert_eq!((team.len(), legal.subject.as_deref()), (4, Some("legal-1")));
    assert!(events::store::find(&app, &Actor::operator("legal-1", [Role::Legal]), event.id).await.is_ok());
    input.expected_version = scored.version;
    input.factors.public_opinion = factor("3");
    match score_event(&app, &analyst(), &input).await {
        Err(Error::Refused(refusals)) => {
            let fields: Vec<_> = refusals.iter().filter_map(|refusal| refusal.field).collect();
            assert_eq!(fields, ["reason", "consentDecision"]);
        }
        other => panic!("{other:?}"),
    }
}
