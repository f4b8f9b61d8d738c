//! Positions after commit.

use std::sync::Arc;

use entity::{audit_entry, message, sequence_head};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use vulndesk::app::App;
use vulndesk::clock::{Clock, Ids};
use vulndesk::outbox::replicas::exchange;
use vulndesk::outbox::sequencer::{BATCH, Sequenced, run, sequence};

use crate::harness::{TestApp, on_both};

pub(crate) async fn sequence_all(app: &App) {
    while sequence(app).await.unwrap().more {}
}

async fn positions(app: &App) -> (Vec<Option<i64>>, Vec<Option<i64>>) {
    let reader = app.database.reader();
    let messages = message::Entity::find().order_by_asc(message::Column::CreatedAt);
    let messages = messages.order_by_asc(message::Column::Id).all(reader).await.unwrap();
    let entries = audit_entry::Entity::find().order_by_asc(audit_entry::Column::At);
    let entries = entries.order_by_asc(audit_entry::Column::Id).all(reader).await.unwrap();
    (messages.iter().map(|row| row.position).collect(), entries.iter().map(|row| row.position).collect())
}

fn message(app: &App, kind: &str) -> message::Model {
    message::Model {
        id: app.ids.next(),
        kind: kind.to_owned(),
        endpoint_id: None,
        event_id: None,
        data: json!({}),
        created_at: app.clock.now(),
        position: None,
    }
}

async fn insert(db: &impl ConnectionTrait, row: message::Model) {
    message::Entity::insert(row.into_active_model()).exec_without_returning(db).await.unwrap();
}

#[tokio::test]
async fn positions_follow_time_without_a_gap_and_go_on_where_they_were() {
    on_both(|app| async move {
        app.with_company().await;
        app.advance(chrono::TimeDelta::seconds(1));
        app.receive("analyst-1", "src", "1", "AMBER").await;
        let done = sequence(&app.app).await.unwrap();
        let (messages, entries) = positions(&app.app).await;
        assert_eq!((done.messages, done.entries), (messages.len() as u64, entries.len() as u64));
        assert!(!done.more && done.messages > 0 && done.entries > 3, "{done:?}");
        app.advance(chrono::TimeDelta::seconds(1));
        app.receive("analyst-1", "src", "2", "AMBER").await;
        sequence_all(&app.app).await;
        let (messages, entries) = positions(&app.app).await;
        for positions in [messages, entries] {
            let expected: Vec<_> = (1..=positions.len() as i64).map(Some).collect();
            assert_eq!(positions, expected);
        }
        let (idle, statements) = app.statements_of(sequence(&app.app)).await;
        assert_eq!((idle.unwrap(), statements), (Sequenced::default(), 1));
    })
    .await;
}

#[tokio::test]
async fn what_commits_late_comes_after_what_was_seen() {
    on_both(|app| async move {
        let late = message(&app.app, "late");
        app.advance(chrono::TimeDelta::seconds(1));
        insert(app.app.database.writer(), message(&app.app, "early")).await;
        sequence_all(&app.app).await;
        insert(app.app.database.writer(), late).await;
        sequence_all(&app.app).await;
        let rows = message::Entity::find().order_by_asc(message::Column::Position);
        let rows = rows.all(app.app.database.reader()).await.unwrap();
        let kinds: Vec<_> = rows.iter().map(|row| row.kind.as_str()).collect();
        assert_eq!(kinds, ["early", "late"]);
    })
    .await;
}

#[tokio::test]
async fn a_pass_takes_a_batch_and_says_that_more_waits() {
    on_both(|app| async move {
        let rows: Vec<_> = (0..BATCH + 5).map(|_| message(&app.app, "many").into_active_model()).collect();
        for some in rows.chunks(200) {
            let insert = message::Entity::insert_many(some.to_vec());
            insert.exec_without_returning(app.app.database.writer()).await.unwrap();
        }
        let first = sequence(&app.app).await.unwrap();
        assert_eq!(first, Sequenced { messages: BATCH, entries: 0, more: true });
        let second = sequence(&app.app).await.unwrap();
        assert_eq!(second, Sequenced { messages: 5, entries: 0, more: false });
        let head = sequence_head::Entity::find().one(app.app.database.reader()).await.unwrap().unwrap();
        assert_eq!(head.message_position, i64::try_from(BATCH).unwrap() + 5);
    })
    .await;
}

#[tokio::test]
async fn two_replicas_give_each_position_once() {
    on_both(|app| async move {
        for _ in 0..20 {
            insert(app.app.database.writer(), message(&app.app, "one")).await;
        }
        let passes = (0..6).map(|_| sequence(&app.app));
        let done = futures_util::future::try_join_all(passes).await.unwrap();
        assert_eq!(done.iter().map(|pass| pass.messages).sum::<u64>(), 20);
        assert!(done.iter().all(|pass| pass.messages == 20 || pass.more || *pass == Sequenced::default()));
        let placed = message::Entity::find().filter(message::Column::Position.between(1, 20));
        assert_eq!(placed.all(app.app.database.reader()).await.unwrap().len(), 20);
    })
    .await;
}

#[tokio::test]
async fn a_replica_that_holds_the_lock_is_not_waited_for() {
    let app = TestApp::postgres().await;
    insert(app.app.database.writer(), message(&app.app, "one")).await;
    let other = app.app.database.begin_write().await.unwrap();
    let head = sequence_head::Entity::find().lock_exclusive().one(&other).await.unwrap();
    assert!(head.is_some());
    assert_eq!(sequence(&app.app).await.unwrap(), Sequenced { messages: 0, entries: 0, more: true });
    other.rollback().await.unwrap();
    assert_eq!(sequence(&app.app).await.unwrap().messages, 1);
}

/// Another replica over the same database.
pub(crate) async fn replica(app: &TestApp) -> App {
    let clock = Arc::clone(&app.clock) as Arc<dyn Clock>;
    App::new(app.app.database.clone(), Arc::clone(&clock), Ids::seeded(clock, 9)).await.unwrap()
}

#[tokio::test]
async fn a_commit_rouses_the_other_replicas() {
    let here = TestApp::postgres().await;
    let there = replica(&here).await;
    let (stop, mut roused) = (CancellationToken::new(), there.wake.anywhere());
    let test = async {
        // It hears from now on, and looks at what it may have missed.
        roused.roused().await;
        here.with_company().await;
        roused.roused().await;
        stop.cancel();
    };
    let all = async { tokio::join!(exchange(&here.app, &stop), exchange(&there, &stop), test) };
    tokio::time::timeout(std::time::Duration::from_secs(60), all).await.expect("the signal arrives");
}

#[tokio::test]
async fn the_loop_positions_what_is_there_before_it_ends() {
    on_both(|app| async move {
        app.with_company().await;
        app.receive("analyst-1", "src", "1", "AMBER").await;
        let stop = CancellationToken::new();
        stop.cancel();
        run(Arc::clone(&app.app), stop).await;
        let (messages, entries) = positions(&app.app).await;
        assert!(messages.iter().chain(&entries).all(Option::is_some));
    })
    .await;
}
