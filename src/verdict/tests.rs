use entity::vocabulary::Status;
use sea_orm::EntityTrait;

use super::*;
use crate::testing::procedure::{analyst, app, triaging};

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
        fixing_event: None,
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
