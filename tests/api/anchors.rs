//! Seals that are kept elsewhere show a chain that was computed anew in the database.

use std::path::Path;
use std::sync::Arc;

use chrono::TimeDelta;
use entity::{audit_anchor, audit_entry, event, message, sequence_head};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use vulndesk::app::App;
use vulndesk::audit::anchor::{Anchors, Fault, Finding, Kept, check, keep_up};
use vulndesk::audit::chain;
use vulndesk::audit::verify::verify;
use vulndesk::auth::{Actor, Role};
use vulndesk::clock::{Clock, Ids};
use vulndesk::outbox::MessageKind;
use vulndesk::outbox::audience::may_receive;

use crate::harness::{TestApp, on_both};
use crate::sequencer::sequence_all;

/// A replica that anchors to this file once an hour.
async fn replica(app: &TestApp, seed: u64, file: &Path) -> App {
    let clock = Arc::clone(&app.clock) as Arc<dyn Clock>;
    let ids = Ids::seeded(Arc::clone(&clock), seed);
    let mut replica = App::new(app.app.database.clone(), clock, ids).await.unwrap();
    replica.anchors = Some(Anchors { every: TimeDelta::hours(1), file: Some(file.to_owned()) });
    replica
}

/// Receives a report and seals what it wrote.
async fn receive(app: &TestApp, number: &str) {
    app.receive("analyst-1", "src", number, "AMBER").await;
    sequence_all(&app.app).await;
}

/// The positions in a file of anchors.
fn positions(file: &Path) -> Vec<i64> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let line = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["position"].as_i64();
    text.lines().map(|text| line(text).unwrap()).collect()
}

/// Changes the first entry of an event, and computes all anew that hangs on it, as somebody can who has the database and this
/// product's source.
pub(crate) async fn rewrite(app: &TestApp) {
    let db = app.owner();
    let mut entries =
        audit_entry::Entity::find().order_by_asc(audit_entry::Column::Revision).all(db).await.unwrap();
    let changed = entries.iter().find(|entry| entry.aggregate_kind == "event").unwrap().clone();
    let mut previous = Vec::new();
    // A thing's chain goes by its revisions: of one instant, entries may be sealed in another order.
    for entry in entries.iter_mut().filter(|entry| entry.aggregate_id == changed.aggregate_id) {
        if entry.id == changed.id {
            entry.actor = "somebody-else".to_owned();
        }
        entry.previous = previous;
        entry.digest = chain::digest(entry);
        previous = entry.digest.clone();
    }
    entries.sort_by_key(|entry| entry.position);
    let mut seal = Vec::new();
    for mut entry in entries {
        seal = chain::seal(&seal, entry.position.unwrap(), &entry.digest);
        entry.seal = Some(seal.clone());
        entry.into_active_model().reset_all().update(db).await.unwrap();
    }
    let mut row = event::Entity::find_by_id(changed.aggregate_id).one(db).await.unwrap().unwrap();
    row.audit_head = previous;
    row.into_active_model().reset_all().update(db).await.unwrap();
    let mut head = sequence_head::Entity::find_by_id(1).one(db).await.unwrap().unwrap();
    head.entry_seal = seal;
    head.into_active_model().reset_all().update(db).await.unwrap();
}

#[tokio::test]
async fn a_chain_rewritten_as_a_whole_is_found_by_its_anchors_alone() {
    on_both(|app| async move {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("anchors");
        let replica = replica(&app, 21, &file).await;
        app.with_company().await;
        sequence_all(&app.app).await;
        keep_up(&replica).await.unwrap();
        receive(&app, "1").await;
        app.advance(TimeDelta::hours(1));
        keep_up(&replica).await.unwrap();
        let kept = Kept::read(std::slice::from_ref(&file)).unwrap();
        let report = check(&app.app, &kept).await.unwrap();
        assert_eq!((report.anchors, report.findings.count), (2, 0), "{report}");

        rewrite(&app).await;
        let alone = verify(&app.app).await.unwrap();
        assert!(alone.is_sound(), "by itself it holds: {alone}");
        let report = check(&app.app, &kept).await.unwrap();
        let newest = positions(&file)[1];
        assert_eq!(report.findings.listed, [Finding { fault: Fault::Other, position: newest }], "{report}");
    })
    .await;
}

#[tokio::test]
async fn a_chain_cut_off_and_one_that_grew_again_after_it_are_found() {
    on_both(|app| async move {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("anchors");
        let replica = replica(&app, 21, &file).await;
        app.with_company().await;
        sequence_all(&app.app).await;
        // A channel's entry has no other after it.
        let (db, last) = (app.owner(), verify(&app.app).await.unwrap().instance.head.0);
        keep_up(&replica).await.unwrap();
        let kept = Kept::read(&[file]).unwrap();
        audit_entry::Entity::delete_many()
            .filter(audit_entry::Column::Position.eq(last))
            .exec(db)
            .await
            .unwrap();
        let before = audit_entry::Entity::find().filter(audit_entry::Column::Position.eq(last - 1));
        let before = before.one(db).await.unwrap().unwrap();
        let mut head = sequence_head::Entity::find_by_id(1).one(db).await.unwrap().unwrap();
        (head.entry_position, head.entry_seal) = (last - 1, before.seal.unwrap());
        head.into_active_model().reset_all().update(db).await.unwrap();
        let report = check(&app.app, &kept).await.unwrap();
        assert_eq!(report.findings.listed, [Finding { fault: Fault::Beyond, position: last }], "{report}");
        receive(&app, "1").await;
        let report = check(&app.app, &kept).await.unwrap();
        assert_eq!(report.findings.listed, [Finding { fault: Fault::Other, position: last }], "{report}");
    })
    .await;
}

#[tokio::test]
async fn a_position_is_anchored_once_whatever_the_number_of_replicas() {
    on_both(|app| async move {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("anchors");
        let replicas = [replica(&app, 21, &file).await, replica(&app, 22, &file).await];
        let all = async || {
            let both = replicas.iter().chain(&replicas).map(keep_up);
            futures_util::future::try_join_all(both).await.unwrap();
        };
        let told = async || {
            let told = message::Entity::find().filter(message::Column::Kind.eq("audit.anchored"));
            told.all(app.app.database.reader()).await.unwrap().len()
        };
        all().await;
        assert_eq!(positions(&file), [0; 0], "nothing was sealed yet");
        app.with_company().await;
        sequence_all(&app.app).await;
        all().await;
        all().await;
        let first = positions(&file);
        assert_eq!((first.len(), told().await), (1, 1));
        receive(&app, "1").await;
        app.advance(TimeDelta::minutes(59));
        all().await;
        assert_eq!(positions(&file), first, "it is not time");
        app.advance(TimeDelta::minutes(1));
        all().await;
        let second = positions(&file);
        assert_eq!((second.len(), told().await), (2, 2));
        assert!(second[1] > second[0]);
        app.advance(TimeDelta::days(1));
        sequence_all(&app.app).await;
        all().await;
        assert_eq!(positions(&file), second, "that it was anchored is no news");
        let rows = audit_anchor::Entity::find().order_by_asc(audit_anchor::Column::Position);
        let rows = rows.all(app.app.database.reader()).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.position).collect::<Vec<_>>(), second);
        let report = verify(&app.app).await.unwrap();
        assert!(report.is_sound(), "{report}");
    })
    .await;
}

#[tokio::test]
async fn a_file_that_cannot_be_written_stops_nothing_and_the_next_anchor_covers_it() {
    let app = TestApp::sqlite().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("there/anchors");
    let replica = replica(&app, 21, &file).await;
    let refused = format!("{:#}", replica.anchors.as_ref().unwrap().expect_file().unwrap_err());
    assert!(refused.contains("audit.anchor_file") && refused.contains("there/anchors"), "{refused}");
    app.with_company().await;
    sequence_all(&app.app).await;
    keep_up(&replica).await.unwrap();
    std::fs::create_dir(folder.path().join("there")).unwrap();
    replica.anchors.as_ref().unwrap().expect_file().unwrap();
    receive(&app, "1").await;
    app.advance(TimeDelta::hours(1));
    keep_up(&replica).await.unwrap();
    let head = verify(&app.app).await.unwrap().instance.head.0;
    assert_eq!(positions(&file), [head]);
}

#[test]
fn how_far_the_trail_has_come_is_told_to_those_alone_from_whom_nothing_is_hidden() {
    let hears: Vec<Role> = Role::ALL
        .into_iter()
        .filter(|role| may_receive(&Actor::operator("somebody-1", [*role]), MessageKind::TrailAnchored, None))
        .collect();
    assert_eq!(hears, [Role::Leader, Role::Auditor]);
}
