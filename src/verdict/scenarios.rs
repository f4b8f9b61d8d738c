//! Verdict, score, lines and protection of events in a database of their own.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::vocabulary::{Function, Level, Severity, Status, Tlp};
use entity::{duty, instance, rating_policy, team_member};
use migration::{Migrator, MigratorTrait};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

use super::*;
use crate::auth::Role;
use crate::clock::{Ids, SetClock};
use crate::database::Database;
use crate::graphql::scalars::Decimal;
use crate::protection::{SetTlp, set_tlp};
use crate::score::rules::RatingPolicy;
use crate::score::{ScoreEvent, ScoreEvidenceInput, ScoreFactorsInput, score_event};

fn at(hour: u32) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(&format!("2026-03-02T{hour:02}:00:00Z")).unwrap().to_utc()
}

async fn app(name: &str) -> App {
    let file = std::env::temp_dir().join(format!("vulndesk-{}-{name}.db", std::process::id()));
    let _ = std::fs::remove_file(&file);
    let database = Database::connect(&format!("sqlite://{}", file.display()), 1).await.unwrap();
    Migrator::up(database.writer(), None).await.unwrap();
    let clock: Arc<SetClock> = Arc::new(SetClock::new(at(8)));
    let ids = Ids::seeded(clock.clone(), 7);
    let policy = RatingPolicy::default();
    let row = instance::Model { id: 1, number_key: vec![7; 32], created_at: at(8) };
    instance::Entity::insert(row.into_active_model())
        .exec_without_returning(database.writer())
        .await
        .unwrap();
    let app = App::new(database, clock, ids).await.unwrap();
    let mut changes = ChangeSet::new(&app, &analyst(), Action::GiveVerdict);
    changes.write_row(&rating_policy::Model {
        id: app.ids.next(),
        number: 1,
        weights: serde_json::to_value(policy.weights()).unwrap(),
        bands: serde_json::to_value(policy.bands()).unwrap(),
        created_by: "admin-1".to_owned(),
        created_at: at(8),
    });
    changes.create(
        &app,
        duty::Model {
            id: app.ids.next(),
            function: Function::Legal,
            subject: "legal-1".to_owned(),
            deputy: None,
            starts_at: at(7),
            ends_at: at(20),
            version: 1,
            revision: 1,
            audit_head: Vec::new(),
            created_at: at(8),
            changed_at: at(8),
        },
        None,
    );
    app.commit(changes).await.unwrap();
    app
}

fn analyst() -> Actor {
    Actor::operator("analyst-1", [Role::Analyst])
}

async fn triaging(app: &App) -> event::Model {
    let mut event = events::new(app, "Path traversal in the gateway", at(8), Tlp::Amber).await.unwrap();
    event.status = Status::Triaging;
    let mut changes = ChangeSet::new(app, &analyst(), Action::StartTriage);
    regrant(&mut changes, None, &AccessFacts::new(event.clone()));
    let event = changes.create(app, event.clone(), Some(event.id));
    app.commit(changes).await.unwrap();
    event
}

async fn give(
    app: &App,
    event: &event::Model,
    verdict: Verdict,
    original: Option<&event::Model>,
) -> Result<event::Model> {
    let input = GiveVerdict {
        event: Id::new(event.id),
        expected_version: event.version,
        verdict,
        rationale: "as analysed".to_owned(),
        severity: (verdict == Verdict::Confirmed).then_some(Severity::High),
        report: None,
        original_event: original.map(|original| Id::new(original.id)),
        internal_finding: None,
        first_known_on: None,
        advisory: None,
        fixed_version: None,
        end_of_life_notice: None,
        last_supported_version: None,
        successor: None,
        forwarded_to: None,
    };
    give_verdict(app, &analyst(), &input).await
}

async fn read(app: &App, event: &event::Model) -> event::Model {
    event::Entity::find_by_id(event.id).one(app.database.reader()).await.unwrap().unwrap()
}

#[tokio::test]
async fn duplicates_stay_flat_and_follow_their_original() {
    let app = app("duplicates").await;
    let (first, second, third) = (triaging(&app).await, triaging(&app).await, triaging(&app).await);
    let third = give(&app, &third, Verdict::Duplicate, Some(&second)).await.unwrap();
    assert_eq!((third.status, third.duplicate_of), (Status::Replying, Some(second.id)));
    let own = give(&app, &second, Verdict::Duplicate, Some(&third)).await;
    assert!(matches!(own, Err(Error::Refused(_))), "the original would repeat its duplicate");
    give(&app, &read(&app, &second).await, Verdict::Duplicate, Some(&first)).await.unwrap();
    let third = read(&app, &third).await;
    assert_eq!((third.status, third.duplicate_of), (Status::Replying, Some(first.id)));
    let confirmed = give(&app, &first, Verdict::Confirmed, None).await.unwrap();
    assert_eq!(confirmed.status, Status::Rating);
    let back = event::Model { status: Status::Triaging, ..confirmed.clone() };
    let mut changes = ChangeSet::new(&app, &analyst(), Action::ReturnToTriage);
    let back = changes.revise(&app, &confirmed, back, Some(first.id), Bump::Version);
    app.commit(changes).await.unwrap();
    give(&app, &back, Verdict::NotAVulnerability, None).await.unwrap();
    let third = read(&app, &third).await;
    assert_eq!((third.status, third.pass, third.duplicate_of), (Status::Triaging, 2, Some(first.id)));
}

#[tokio::test]
async fn a_score_sets_the_level_and_brings_the_team() {
    let app = app("score").await;
    let event = triaging(&app).await;
    let event = give(&app, &event, Verdict::Confirmed, None).await.unwrap();
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
    assert!(events::store::find(&app, &analyst(), event.id).await.is_ok(), "who raised it is on the team");
    let other = Actor::operator("analyst-2", [Role::Analyst]);
    assert!(matches!(events::store::find(&app, &other, event.id).await, Err(Error::NotFound)));
}
