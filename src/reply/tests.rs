//! The commands, over a database of their own.

use std::sync::Arc;

use chrono::{Duration, TimeZone, Utc};
use entity::vocabulary::{
    ChannelKind, Level, ObligationState, ReplyKind, ReplyState, ReviewOutcome, Tlp, Verdict,
};
use entity::{channel, event, instance, obligation, reply, team_member};
use migration::{Migrator, MigratorTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

use super::*;
use crate::auth::visibility::{AccessFacts, regrant};
use crate::clock::{Clock, Ids, SetClock};
use crate::database::Database;
use crate::error::RefusalCode;
use crate::graphql::scalars::Id;

/// One event with one open VERDICT obligation.
pub(super) struct Desk {
    pub(super) app: App,
    pub(super) clock: Arc<SetClock>,
    pub(super) event: event::Model,
    pub(super) channel: channel::Model,
    obligation: obligation::Model,
    _folder: Folder,
}

/// A folder that goes away with its test.
struct Folder(std::path::PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed lies in the system's temporary folder.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(super) fn person(subject: &str, role: Role) -> Actor {
    Actor::operator(subject, [role])
}

fn codes<T: std::fmt::Debug>(outcome: Result<T>) -> Vec<RefusalCode> {
    match outcome {
        Err(Error::Refused(refusals)) => refusals.into_iter().map(|refusal| refusal.code).collect(),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// What the form of a database asks for and the desk's event does not hold.
fn supplied() -> Vec<crate::template::SuppliedFact> {
    let names = ["report_number", "verdict", "reproduced", "product_names", "affected_versions", "contact"];
    let fact = |name: &str| crate::template::SuppliedFact { name: name.to_owned(), value: "yes".to_owned() };
    names.map(fact).to_vec()
}

impl Desk {
    pub(super) async fn new(name: &str, kind: ChannelKind) -> Self {
        let folder =
            Folder(std::env::temp_dir().join(format!("vulndesk-reply-{name}-{}", std::process::id())));
        std::fs::create_dir_all(&folder.0).unwrap();
        let url = format!("sqlite://{}", folder.0.join("desk.db").display());
        let database = Database::connect(&url, 1).await.unwrap();
        Migrator::up(database.whole(), None).await.unwrap();
        instance::Entity::delete_many().exec(database.writer()).await.unwrap();
        let row = instance::Model { id: 1, number_key: vec![7; 32], created_at: Utc.timestamp_nanos(0) };
        instance::Entity::insert(row.into_active_model()).exec(database.writer()).await.unwrap();
        let clock = Arc::new(SetClock::new(Utc.with_ymd_and_hms(2026, 3, 2, 9, 0, 0).unwrap()));
        let ids = Ids::seeded(clock.clone(), 1);
        let app = App::new(database, clock.clone(), ids).await.unwrap();

        let analyst = person("analyst-1", Role::Analyst);
        let mut changes = ChangeSet::new(&app, &analyst, Action::ReceiveReport);
        let channel = channel::Model {
            id: app.ids.next(),
            key: "cnvd".to_owned(),
            name: "CNVD".to_owned(),
            kind,
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
            created_at: clock.now(),
            changed_at: clock.now(),
        };
        let channel = changes.create(&app, channel, None);
        let event = crate::event::new(&app, "Overflow", clock.now(), Tlp::Amber).await.unwrap();
        let obligation = obligation::Model {
            id: app.ids.next(),
            event_id: event.id,
            report_id: None,
            channel_id: channel.id,
            product_id: None,
            customer_id: None,
            kind: ReplyKind::Verdict,
            trigger: "report received".to_owned(),
            slot: None,
            regime: None,
            stage: None,
            state: ObligationState::Open,
            opened_at: clock.now(),
            met_at: None,
            met_by_reply_id: None,
            waived_by: None,
            waived_at: None,
            waive_reason: None,
            legal_ground: None,
        };
        changes.insert(&obligation);
        regrant(&mut changes, None, &AccessFacts::new(event.clone()));
        let id = event.id;
        let event = changes.create(&app, event, Some(id));
        app.commit(changes).await.unwrap();
        Self { app, clock, event, channel, obligation, _folder: folder }
    }

    async fn event(&self) -> event::Model {
        event::Entity::find_by_id(self.event.id).one(self.app.database.reader()).await.unwrap().unwrap()
    }

    async fn obligation(&self) -> obligation::Model {
        let found = obligation::Entity::find_by_id(self.obligation.id).one(self.app.database.reader());
        found.await.unwrap().unwrap()
    }

    pub(super) async fn set(&self, verdict: Option<Verdict>, level: Level) {
        let mut row = self.event().await.into_active_model();
        row.verdict = sea_orm::Set(verdict);
        row.level = sea_orm::Set(level);
        row.update(self.app.database.writer()).await.unwrap();
    }

    pub(super) async fn draft(&self, kind: ReplyKind, meets: bool) -> DraftReply {
        DraftReply {
            to_reporter: None,
            event: Id::new(self.event.id),
            expected_version: self.event().await.version,
            channel: Some(Id::new(self.channel.id)),
            obligations: meets.then(|| vec![Id::new(self.obligation.id)]),
            kind,
            language: None,
            subject: Some("Our verdict".to_owned()),
            body: Some("It is confirmed.".to_owned()),
            from_template: None,
            facts: Some(supplied()),
            via: None,
            to: None,
            attach: None,
            idempotency_key: None,
        }
    }

    async fn ask(&self, by: &Actor, reply: &reply::Model, reviewer: &str) -> Result<reply::Model> {
        let input = RequestReplyReview {
            reply: Id::new(reply.id),
            expected_version: reply.version,
            reviewer: reviewer.to_owned(),
        };
        request_reply_review(&self.app, by, &input).await
    }

    async fn approve(&self, by: &Actor, reply: &reply::Model) -> Result<reply::Model> {
        let input = ReviewReply {
            reply: Id::new(reply.id),
            expected_version: reply.version,
            outcome: ReviewOutcome::Approved,
            note: None,
        };
        review_reply(&self.app, by, &input).await
    }

    async fn revise(&self, by: &Actor, reply: &reply::Model) -> Result<reply::Model> {
        let input = ReviseReply {
            to_reporter: None,
            reply: Id::new(reply.id),
            expected_version: reply.version,
            subject: None,
            body: Some("It is confirmed and fixed.".to_owned()),
            facts: None,
            attach: None,
            detach: None,
            via: None,
            to: None,
        };
        revise_reply(&self.app, by, &input).await
    }

    pub(super) async fn sent(&self, by: &Actor, reply: &reply::Model) -> Result<reply::Model> {
        let input = RecordReplySent {
            proof_files: None,
            reply: Id::new(reply.id),
            expected_version: reply.version,
            via: None,
            sent_at: None,
            receipt_number: Some("R-1".to_owned()),
            proof: None,
            formats: None,
        };
        record_reply_sent(&self.app, by, &input).await
    }
}

#[tokio::test]
async fn a_database_is_answered_by_two_people_and_the_level_counts_when_it_leaves() {
    let desk = Desk::new("database", ChannelKind::NationalDatabase).await;
    let drafter = person("analyst-1", Role::Analyst);
    let second = person("analyst-2", Role::Analyst);
    let legal = person("legal-1", Role::Legal);
    let input = desk.draft(ReplyKind::Verdict, true).await;
    let reply = draft_reply(&desk.app, &drafter, &input).await.unwrap();
    assert_eq!((reply.state, reply.language.as_str()), (ReplyState::Draft, "zh-CN"));
    assert_eq!(codes(desk.sent(&drafter, &reply).await), [RefusalCode::FourEyes]);
    assert!(matches!(desk.approve(&legal, &reply).await, Err(Error::NotFound)), "not on the team yet");
    assert_eq!(codes(desk.ask(&drafter, &reply, "analyst-1").await), [RefusalCode::FourEyes]);

    let asked = desk.ask(&drafter, &reply, "legal-1").await.unwrap();
    assert_eq!((asked.state, asked.version), (ReplyState::InReview, 2));
    let members = team_member::Entity::find().filter(team_member::Column::EventId.eq(desk.event.id));
    let members = members.all(desk.app.database.reader()).await.unwrap();
    assert_eq!(members.iter().map(|row| row.subject.as_deref()).collect::<Vec<_>>(), [Some("legal-1")]);
    assert_eq!(codes(desk.ask(&drafter, &asked, "legal-1").await), [RefusalCode::AlreadyExists]);
    assert_eq!(codes(desk.approve(&drafter, &asked).await), [RefusalCode::FourEyes]);
    assert_eq!(codes(desk.approve(&legal, &asked).await), [RefusalCode::MissingFact], "no verdict yet");

    desk.set(Some(Verdict::Confirmed), Level::Yellow).await;
    let approved = desk.approve(&second, &asked).await.unwrap();
    assert_eq!(approved.approved_by.as_deref(), Some("analyst-2"));
    desk.set(Some(Verdict::Confirmed), Level::Orange).await;
    assert_eq!(codes(desk.sent(&drafter, &approved).await), [RefusalCode::NeedsLeader]);

    let revised = desk.revise(&drafter, &approved).await.unwrap();
    assert_eq!((revised.state, revised.approved_by.clone()), (ReplyState::Draft, None));
    let asked = desk.ask(&drafter, &revised, "legal-1").await.unwrap();
    assert_eq!(codes(desk.approve(&second, &asked).await), [RefusalCode::NeedsLeader]);
    let approved = desk.approve(&legal, &asked).await.unwrap();
    desk.clock.advance(Duration::hours(1));
    let sent = desk.sent(&drafter, &approved).await.unwrap();
    assert_eq!(sent.content_hash, Some(rules::content_hash(&approved, &[])));
    let met = desk.obligation().await;
    assert_eq!(
        (met.state, met.met_at, met.met_by_reply_id),
        (ObligationState::Met, sent.sent_at, Some(sent.id))
    );
    assert_eq!(codes(desk.revise(&drafter, &sent).await), [RefusalCode::Frozen]);
}

#[tokio::test]
async fn a_customer_is_answered_at_once_and_only_with_proof() {
    let desk = Desk::new("customer", ChannelKind::Customer).await;
    desk.set(Some(Verdict::Confirmed), Level::Red).await;
    let analyst = person("analyst-1", Role::Analyst);
    let mut input = desk.draft(ReplyKind::Verdict, true).await;
    input.idempotency_key = Some("once".to_owned());
    let reply = draft_reply(&desk.app, &analyst, &input).await.unwrap();
    let again = draft_reply(&desk.app, &analyst, &input).await.unwrap();
    assert_eq!(again, reply, "the same key drafts one reply");
    let record = |sent_at, receipt_number: Option<&str>| RecordReplySent {
        proof_files: None,
        reply: Id::new(reply.id),
        expected_version: reply.version,
        via: None,
        sent_at,
        receipt_number: receipt_number.map(str::to_owned),
        proof: None,
        formats: None,
    };
    for (sent_at, receipt, field) in [
        (None, None, "input.proof"),
        (Some(desk.clock.now() + Duration::seconds(1)), Some("R-1"), "input.sentAt"),
        (Some(desk.clock.now() - Duration::seconds(1)), Some("R-1"), "input.sentAt"),
    ] {
        match record_reply_sent(&desk.app, &analyst, &record(sent_at, receipt)).await {
            Err(Error::BadInput { field: found, .. }) => assert_eq!(found, field),
            other => panic!("expected {field}, got {other:?}"),
        }
    }
    let revised = desk.revise(&analyst, &reply).await.unwrap();
    assert!(matches!(desk.sent(&analyst, &reply).await, Err(Error::Conflict)), "a stale version");
    let sent = desk.sent(&analyst, &revised).await.unwrap();
    assert_eq!((sent.state, sent.version), (ReplyState::Sent, 3));
}

#[tokio::test]
async fn obligations_and_reply_fit_together() {
    let desk = Desk::new("fit", ChannelKind::Customer).await;
    let analyst = person("analyst-1", Role::Analyst);
    let thanks = desk.draft(ReplyKind::Thanks, true).await;
    let contradiction = draft_reply(&desk.app, &analyst, &thanks).await;
    assert_eq!(codes(contradiction), [RefusalCode::Contradiction], "thanks pay no verdict");
    let mut unknown = desk.draft(ReplyKind::Verdict, true).await;
    unknown.obligations = Some(vec![Id::new(desk.event.id)]);
    let unknown = draft_reply(&desk.app, &analyst, &unknown).await;
    assert_eq!(codes(unknown), [RefusalCode::UnknownReference]);
    let mut nobody = desk.draft(ReplyKind::Verdict, false).await;
    nobody.channel = None;
    let nobody = draft_reply(&desk.app, &analyst, &nobody).await;
    assert!(matches!(nobody, Err(Error::BadInput { field, .. }) if field == "input.channel"));
}

#[tokio::test]
async fn public_relations_write_statements_only() {
    let desk = Desk::new("statement", ChannelKind::Media).await;
    let (first, second) = (person("pr-1", Role::PublicRelations), person("pr-2", Role::PublicRelations));
    let verdict = desk.draft(ReplyKind::Verdict, false).await;
    let refused = draft_reply(&desk.app, &first, &verdict).await;
    assert!(matches!(refused, Err(Error::Forbidden { action: "draftReply" })));
    let analyst = person("analyst-1", Role::Analyst);
    let input = desk.draft(ReplyKind::Statement, false).await;
    let reply = draft_reply(&desk.app, &analyst, &input).await.unwrap();
    let asked = desk.ask(&analyst, &reply, "pr-1").await.unwrap();
    let revised = desk.revise(&first, &asked).await.unwrap();
    let asked = desk.ask(&first, &revised, "pr-2").await.unwrap();
    assert_eq!(codes(desk.approve(&first, &asked).await), [RefusalCode::FourEyes]);
    let approved = desk.approve(&second, &asked).await.unwrap();
    assert_eq!(approved.state, ReplyState::Approved);
}

#[tokio::test]
async fn a_duty_toward_a_database_is_waived_by_a_leader_on_a_legal_ground() {
    let desk = Desk::new("waiver", ChannelKind::NationalDatabase).await;
    let (analyst, leader) = (person("analyst-1", Role::Analyst), person("leader-1", Role::Leader));
    let waiver = |legal_ground: Option<&str>| WaiveObligation {
        obligation: Id::new(desk.obligation.id),
        expected_version: desk.event.version,
        reason: "withdrawn".to_owned(),
        legal_ground: legal_ground.map(str::to_owned),
    };
    let refused = waive_obligation(&desk.app, &analyst, &waiver(Some("article 9"))).await;
    assert_eq!(codes(refused), [RefusalCode::NeedsLeader]);
    let refused = waive_obligation(&desk.app, &leader, &waiver(None)).await;
    assert_eq!(codes(refused), [RefusalCode::MissingFact]);
    let waived = waive_obligation(&desk.app, &leader, &waiver(Some("article 9"))).await.unwrap();
    assert_eq!(desk.obligation().await, waived);
    assert_eq!(waived.waived_by.as_deref(), Some("leader-1"));
    let stale = waive_obligation(&desk.app, &leader, &waiver(Some("article 9"))).await;
    assert!(matches!(stale, Err(Error::Conflict)), "the event moved on");
}
