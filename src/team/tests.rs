use entity::vocabulary::Tlp;
use sea_orm::EntityTrait;

use super::*;
use crate::auth::Role;
use crate::event::store::find;
use crate::outbox::MessageKind;
use crate::testing;

fn analyst() -> Actor {
    Actor::operator("analyst-1", [Role::Analyst])
}

fn leader() -> Actor {
    Actor::operator("leader-1", [Role::Leader])
}

fn engineer() -> Actor {
    Actor::operator("engineer-1", [Role::Engineer])
}

fn work(event: &event::Model) -> Assign {
    Assign {
        event: Id::new(event.id),
        expected_version: event.version,
        function: Function::RAndD,
        subject: Some("engineer-1".to_owned()),
        team: None,
        line: Some("gateway".to_owned()),
        due_at: None,
        note: None,
    }
}

fn joining(event: &event::Model, subject: &str, function: Function) -> AddTeamMember {
    let subject = subject.to_owned();
    AddTeamMember {
        event: Id::new(event.id),
        expected_version: event.version,
        subject,
        function,
        group: None,
    }
}

fn code(error: Error) -> RefusalCode {
    match error {
        Error::Refused(refusals) => refusals[0].code,
        other => panic!("{other:?}"),
    }
}

async fn members(app: &App) -> Vec<team_member::Model> {
    team_member::Entity::find().all(app.database.reader()).await.unwrap()
}

#[tokio::test]
async fn an_assignment_opens_the_event_and_leaving_the_team_closes_it_at_once() {
    let app = testing::app("assignment_opens").await;
    let event = testing::event(&app, Tlp::Amber).await;
    assert!(matches!(find(&app, &engineer(), event.id).await, Err(Error::NotFound)));

    let event = assign(&app, &analyst(), &work(&event)).await.unwrap();
    assert_eq!(event.version, 2);
    assert!(find(&app, &engineer(), event.id).await.is_ok());
    assert!(matches!(assign(&app, &analyst(), &work(&stale(&event))).await, Err(Error::Conflict)));

    let team = members(&app).await;
    assert_eq!(team.len(), 1);
    assert_eq!(team[0].source, MemberSource::Assignment);
    let leave = RemoveTeamMember {
        member: Id::new(team[0].id),
        expected_version: event.version,
        reason: Some("moved to another product".to_owned()),
    };
    remove_member(&app, &analyst(), &leave).await.unwrap();
    assert!(matches!(find(&app, &engineer(), event.id).await, Err(Error::NotFound)));
    let left = assignment::Entity::find().one(app.database.reader()).await.unwrap().unwrap();
    assert_eq!((left.state, left.version), (AssignmentState::Declined, 2));
    assert!(left.decline_reason.unwrap().ends_with("moved to another product"));
    let told = testing::messages(&app, MessageKind::AssignmentChanged).await;
    assert_eq!((&told[1]["state"], &told[1]["allDeclined"]), (&"DECLINED".into(), &true.into()));
    let told = testing::messages(&app, MessageKind::TeamChanged).await;
    assert_eq!(
        told.iter().map(|data| data["present"].as_bool()).collect::<Vec<_>>(),
        [Some(true), Some(false)]
    );
}

fn stale(event: &event::Model) -> event::Model {
    event::Model { version: event.version - 1, ..event.clone() }
}

#[tokio::test]
async fn when_all_of_a_line_declined_the_message_says_so() {
    let app = testing::app("all_declined").await;
    let event = testing::event(&app, Tlp::Amber).await;
    assign(&app, &analyst(), &work(&event)).await.unwrap();
    let given = assignment::Entity::find().one(app.database.reader()).await.unwrap().unwrap();
    let decline = AnswerAssignment {
        assignment: Id::new(given.id),
        expected_version: 1,
        answer: Answer::Decline,
        reason: Some("the line is not ours".to_owned()),
    };
    let without_reason = AnswerAssignment { reason: None, ..decline.clone() };
    assert!(matches!(answer(&app, &engineer(), &without_reason).await, Err(Error::BadInput { .. })));
    answer(&app, &engineer(), &decline).await.unwrap();
    assert!(matches!(answer(&app, &engineer(), &decline).await, Err(Error::Conflict)));

    let told = testing::messages(&app, MessageKind::AssignmentChanged).await;
    assert_eq!(told[0]["allDeclined"], false);
    assert_eq!((&told[1]["state"], &told[1]["allDeclined"]), (&"DECLINED".into(), &true.into()));
}

#[tokio::test]
async fn only_a_leader_changes_the_team_of_a_red_event_and_its_last_analyst_stays() {
    let app = testing::app("red_team").await;
    let event = testing::event(&app, Tlp::Red).await;
    let joins = joining(&event, "analyst-1", Function::Security);
    assert!(matches!(add_member(&app, &analyst(), &joins).await, Err(Error::NotFound)));
    let event = add_member(&app, &leader(), &joins).await.unwrap();

    let joins = joining(&event, "legal-1", Function::Legal);
    assert_eq!(code(add_member(&app, &analyst(), &joins).await.unwrap_err()), RefusalCode::NeedsLeader);
    let to_team = Assign { subject: None, team: Some("gateway-team".to_owned()), ..work(&event) };
    assert_eq!(code(assign(&app, &analyst(), &to_team).await.unwrap_err()), RefusalCode::Contradiction);
    assert_eq!(code(assign(&app, &analyst(), &work(&event)).await.unwrap_err()), RefusalCode::NeedsLeader);
    let event = add_member(&app, &leader(), &joining(&event, "engineer-1", Function::RAndD)).await.unwrap();
    let event = assign(&app, &analyst(), &work(&event)).await.unwrap();
    assert!(find(&app, &engineer(), event.id).await.is_ok());

    let team = members(&app).await;
    let analyst_1 = team.iter().find(|row| row.subject.as_deref() == Some("analyst-1")).unwrap();
    let leave =
        RemoveTeamMember { member: Id::new(analyst_1.id), expected_version: event.version, reason: None };
    assert_eq!(code(remove_member(&app, &leader(), &leave).await.unwrap_err()), RefusalCode::MissingFact);
}
