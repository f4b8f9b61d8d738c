use entity::vocabulary::{ChannelKind, ObligationState, Status, Tlp};
use entity::{
    channel, comment, event, event_access, event_link, obligation, report, report_version, reporter,
};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};

use super::test_bed::Bed;
use super::*;
use crate::auth::policy::Action;
use crate::auth::{Actor, Role};
use crate::error::{Error, RefusalCode};
use crate::graphql::scalars::Id;
use crate::outbox::ChangeSet;

async fn bed_with_channel() -> Bed {
    let bed = Bed::new().await;
    let mut changes = ChangeSet::new(&bed.app, &bed.analyst, Action::CreateChannel);
    let row = channel::Model {
        id: bed.app.ids.next(),
        key: "src".to_owned(),
        name: "SRC".to_owned(),
        kind: ChannelKind::SrcPlatform,
        jurisdiction: "CN".to_owned(),
        abroad: false,
        reply_required: true,
        time_zone: "Asia/Shanghai".to_owned(),
        calendar_id: None,
        language: "zh-CN".to_owned(),
        contacts: Vec::new().into(),
        active: true,
        acknowledgement: entity::vocabulary::Acknowledgement::ByHand,
        replan_after: None,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: changes.at(),
        changed_at: changes.at(),
    };
    changes.create(&bed.app, row, None);
    bed.app.commit(changes).await.unwrap();
    bed
}

fn arrival(number: &str, text: &str) -> ReceiveReport {
    ReceiveReport {
        notice_type: None,
        channel: "src".to_owned(),
        number: Some(number.to_owned()),
        message_id: None,
        title: "Title".to_owned(),
        text: Some(text.to_owned()),
        received_at: None,
        reporter: Some(ReporterInput { name: Some("researcher-1".to_owned()), ..ReporterInput::default() }),
        indicators: Vec::new(),
        tlp: None,
        join_event: None,
        idempotency_key: None,
    }
}

fn service(channel: &str) -> Actor {
    let mut actor = Actor::operator("service-1", [Role::Src]);
    actor.channel = Some(channel.into());
    actor
}

async fn event_of(bed: &Bed, report: &report::Model) -> event::Model {
    event::Entity::find_by_id(report.event_id).one(bed.app.database.reader()).await.unwrap().unwrap()
}

async fn put(bed: &Bed, event: event::Model, status: Status) -> event::Model {
    let row = event::Model { status, ..event }.into_active_model().reset_all();
    row.update(bed.app.database.writer()).await.unwrap()
}

#[tokio::test]
async fn the_same_number_answers_the_first_report_and_other_content_is_a_version() {
    let bed = bed_with_channel().await;
    let first = receive_report(&bed.app, &bed.analyst, &arrival("1", "a")).await.unwrap();
    let again = receive_report(&bed.app, &service("src"), &arrival("1", "a")).await.unwrap();
    assert_eq!(again, first);
    let changed = receive_report(&bed.app, &bed.analyst, &arrival("1", "b")).await.unwrap();
    assert_eq!((changed.id, changed.current_version), (first.id, 2));
    assert_eq!(bed.count::<event::Entity>().await, 1);
    assert_eq!(bed.count::<obligation::Entity>().await, 2, "an acknowledgement and a verdict");
    assert_eq!(bed.count::<reporter::Entity>().await, 1);
}

#[tokio::test]
async fn a_service_sends_through_its_own_channel_only() {
    let bed = bed_with_channel().await;
    let refused = receive_report(&bed.app, &service("other"), &arrival("1", "a")).await;
    assert!(
        matches!(refused, Err(Error::Refused(refusals)) if refusals[0].code == RefusalCode::UnknownReference)
    );
}

#[tokio::test]
async fn who_may_not_see_the_first_report_is_acknowledged_as_if_it_were_new() {
    let bed = bed_with_channel().await;
    let secret = ReceiveReport { tlp: Some(Tlp::Red), ..arrival("1", "a") };
    let first = receive_report(&bed.app, &bed.analyst, &secret).await.unwrap();
    let other = Actor::operator("analyst-2", [Role::Analyst]);
    let seen = receive_report(&bed.app, &other, &arrival("1", "b")).await.unwrap();
    assert_ne!(seen.id, first.id);
    assert_eq!((seen.channel_number.as_deref(), seen.current_version), (Some("1"), 1));
    // It is known to those who see both, and a replay stays where it is.
    let link = bed.all::<event_link::Entity>().await.remove(0);
    assert_eq!((link.event_id, link.other_event_id), (first.event_id, seen.event_id));
    assert_eq!(bed.count::<report_version::Entity>().await, 3);
    assert_eq!(receive_report(&bed.app, &other, &arrival("1", "b")).await.unwrap().id, seen.id);
    assert_eq!(receive_report(&bed.app, &bed.analyst, &arrival("1", "b")).await.unwrap().id, first.id);
}

#[tokio::test]
async fn an_obligation_calls_a_closed_event_back() {
    let bed = bed_with_channel().await;
    let first = receive_report(&bed.app, &bed.analyst, &arrival("1", "a")).await.unwrap();
    let event = event_of(&bed, &first).await;
    put(&bed, event, Status::Closed).await;
    let join = ReceiveReport { join_event: Some(Id::new(first.event_id)), ..arrival("2", "b") };
    receive_report(&bed.app, &bed.analyst, &join).await.unwrap();
    let event = event_of(&bed, &first).await;
    assert_eq!((event.status, event.closed_at), (Status::Replying, None));
}

#[tokio::test]
async fn what_is_received_as_red_joins_no_looser_event() {
    let bed = bed_with_channel().await;
    let first = receive_report(&bed.app, &bed.analyst, &arrival("1", "a")).await.unwrap();
    let join = Some(Id::new(first.event_id));
    let secret = ReceiveReport { tlp: Some(Tlp::Red), join_event: join, ..arrival("2", "b") };
    let refused = receive_report(&bed.app, &bed.analyst, &secret).await;
    assert!(matches!(refused, Err(Error::Refused(_))));
}

#[tokio::test]
async fn a_linked_reporter_sees_their_report_until_they_are_erased() {
    let bed = bed_with_channel().await;
    let report = receive_report(&bed.app, &bed.analyst, &arrival("1", "a")).await.unwrap();
    let finder = Actor::operator("finder-1", [Role::Reporter]);
    assert!(matches!(store::find(&bed.app, &finder, report.id).await, Err(Error::NotFound)));
    let link = |subject: &str, expected_version| LinkReporter {
        report: Id::new(report.id),
        subject: subject.to_owned(),
        expected_version,
    };
    let linked = link_reporter(&bed.app, &service("src"), &link("finder-1", None)).await.unwrap();
    assert_eq!(store::find(&bed.app, &finder, report.id).await.unwrap().id, report.id);
    let moved = async |version| link_reporter(&bed.app, &bed.analyst, &link("finder-2", version)).await;
    assert!(
        matches!(moved(None).await, Err(Error::BadInput { field, .. }) if field == "input.expectedVersion")
    );
    assert!(matches!(moved(Some(linked.version - 1)).await, Err(Error::Conflict)));

    let event = event_of(&bed, &report).await;
    let waiting = event::Model { asked_report_id: Some(report.id), ..event };
    put(&bed, waiting, Status::NeedsInformation).await;
    let words = AddToReport {
        report: Id::new(report.id),
        title: None,
        text: "More words".to_owned(),
        indicators: Vec::new(),
        idempotency_key: None,
    };
    add_to_report(&bed.app, &finder, &words).await.unwrap();
    assert_eq!(event_of(&bed, &report).await.status, Status::Triaging);
    assert!(bed.all::<comment::Entity>().await[0].from_reporter);

    let leader = Actor::operator("leader-1", [Role::Leader]);
    let reason = "asked for by the person".to_owned();
    let erase = EraseReporter { reporter: Id::new(linked.id), expected_version: linked.version, reason };
    let erased = erase_reporter(&bed.app, &leader, &erase).await.unwrap();
    assert_eq!((erased.name, erased.subject), (None, None));
    assert!(matches!(store::find(&bed.app, &finder, report.id).await, Err(Error::NotFound)));
}

#[tokio::test]
async fn a_report_moves_with_what_is_owed_for_it() {
    let bed = bed_with_channel().await;
    let first = receive_report(&bed.app, &bed.analyst, &arrival("1", "a")).await.unwrap();
    let second = receive_report(&bed.app, &bed.analyst, &arrival("2", "b")).await.unwrap();
    let event = Id::new(first.event_id);
    let join = JoinReport { report: Id::new(second.id), event, expected_version: 1 };
    let moved = join_report(&bed.app, &bed.analyst, &join).await.unwrap();
    assert_eq!(moved.event_id, first.event_id);
    assert!(bed.all::<obligation::Entity>().await.iter().all(|row| row.event_id == first.event_id));
    let grants = bed.all::<event_access::Entity>().await;
    assert!(grants.iter().filter(|row| row.report_id == second.id).all(|row| row.event_id == first.event_id));
    assert!(grants.iter().any(|row| row.report_id == second.id));
}

#[tokio::test]
async fn parts_have_events_of_their_own_under_the_obligations_of_the_whole() {
    let bed = bed_with_channel().await;
    let whole = receive_report(&bed.app, &bed.analyst, &arrival("1", "a")).await.unwrap();
    let part = |title: &str| ReportPart { title: title.to_owned(), text: None };
    let input = SplitReport {
        report: Id::new(whole.id),
        expected_version: 1,
        parts: vec![part("First"), part("Second"), part("Third")],
        idempotency_key: Some("k".to_owned()),
    };
    let split = split_report(&bed.app, &bed.analyst, &input).await.unwrap();
    assert!(split.split);
    assert_eq!(split_report(&bed.app, &bed.analyst, &input).await.unwrap().id, whole.id);
    let mut parts = bed.all::<report::Entity>().await;
    parts.retain(|report| report.part_of == Some(whole.id));
    parts.sort_by_key(|part| part.part_number);
    let events: std::collections::BTreeSet<_> = parts.iter().map(|part| part.event_id).collect();
    assert_eq!((parts.len(), events.len()), (3, 3));
    assert_eq!(parts[0].event_id, whole.event_id);
    let obligations = bed.all::<obligation::Entity>().await;
    assert_eq!(obligations.len(), 2, "an acknowledgement and a verdict, each once");
    let of_whole =
        |row: &obligation::Model| (row.report_id, row.state) == (Some(whole.id), ObligationState::Open);
    assert!(obligations.iter().all(of_whole), "{obligations:?}");
}
