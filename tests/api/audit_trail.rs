//! What is done to the audit trail by hand, in the database, is found.

use sea_orm::ConnectionTrait;
use vulndesk::audit::instance::{Fault, Finding};
use vulndesk::audit::verify::{Report, verify};

use crate::harness::{TestApp, on_both};
use crate::sequencer::sequence_all;

/// A product whose audit trail is sealed, and the position of its newest entry.
async fn sealed(app: &TestApp) -> i64 {
    app.with_company().await;
    app.receive("analyst-1", "src", "1", "AMBER").await;
    sequence_all(&app.app).await;
    let report = verify(&app.app).await.unwrap();
    assert!(report.is_sound() && report.instance.waiting == 0, "{report}");
    assert_eq!(report.instance.head.0, i64::try_from(report.entries).unwrap());
    report.instance.head.0
}

async fn by_hand(app: &TestApp, statements: &[&str]) -> Report {
    for statement in statements {
        app.owner().execute_unprepared(statement).await.unwrap();
    }
    let report = verify(&app.app).await.unwrap();
    assert!(!report.is_sound(), "{statements:?} was not found");
    report
}

fn finding(fault: Fault, position: i64) -> Finding {
    Finding { fault, position }
}

#[tokio::test]
async fn an_edit_is_found_even_when_the_digest_was_computed_anew() {
    on_both(|app| async move {
        sealed(&app).await;
        let report = by_hand(&app, &["UPDATE audit_entry SET reason = 'another' WHERE position = 2"]).await;
        assert_eq!((report.faults, report.instance.faults), (1, 0), "{report}");
        let digest = "UPDATE audit_entry SET digest = (SELECT other.digest FROM audit_entry AS other WHERE other.position = 1)
            WHERE position = 2";
        let report = by_hand(&app, &[digest]).await;
        assert_eq!(report.instance.findings, [finding(Fault::Seal, 2)], "{report}");
    })
    .await;
}

#[tokio::test]
async fn a_deletion_is_found_in_the_middle_and_at_the_end() {
    on_both(|app| async move {
        let head = sealed(&app).await;
        let report = by_hand(&app, &["DELETE FROM audit_entry WHERE position = 2"]).await;
        assert_eq!(report.instance.findings, [finding(Fault::Missing(1), 3)], "{report}");
        let newest = format!("DELETE FROM audit_entry WHERE position = {head}");
        let report = by_hand(&app, &[&newest]).await;
        let found = [finding(Fault::Missing(1), 3), finding(Fault::Missing(1), head + 1)];
        assert_eq!(report.instance.findings, found, "{report}");
    })
    .await;
}

#[tokio::test]
async fn exchanged_entries_are_found() {
    on_both(|app| async move {
        sealed(&app).await;
        let report = by_hand(
            &app,
            &[
                "UPDATE audit_entry SET position = -1 WHERE position = 1",
                "UPDATE audit_entry SET position = 1 WHERE position = 2",
                "UPDATE audit_entry SET position = 2 WHERE position = -1",
            ],
        )
        .await;
        assert_eq!(report.faults, 0, "each chain of its own still holds: {report}");
        let found = [1, 2, 3].map(|position| finding(Fault::Seal, position));
        assert_eq!(report.instance.findings, found, "{report}");
    })
    .await;
}

#[tokio::test]
async fn an_entry_unsealed_and_one_sealed_by_hand_are_found() {
    on_both(|app| async move {
        let head = sealed(&app).await;
        let unsealed = "UPDATE audit_entry SET position = NULL, seal = NULL WHERE position = 2";
        by_hand(&app, &[unsealed]).await;
        sequence_all(&app.app).await;
        let report = verify(&app.app).await.unwrap();
        assert_eq!(
            report.instance.findings,
            [finding(Fault::Missing(1), 3)],
            "sealed again at the end: {report}"
        );
        let beyond = format!("UPDATE audit_entry SET position = {} WHERE position = {}", head + 5, head + 1);
        let report = by_hand(&app, &[&beyond]).await;
        let found = [
            finding(Fault::Missing(1), 3),
            finding(Fault::Missing(1), head + 2),
            finding(Fault::Head, head + 5),
        ];
        assert_eq!(report.instance.findings, found, "{report}");
    })
    .await;
}

#[tokio::test]
async fn what_waits_for_its_seal_is_told_with_its_age() {
    on_both(|app| async move {
        sealed(&app).await;
        app.receive("analyst-1", "src", "2", "AMBER").await;
        app.advance(chrono::TimeDelta::seconds(90));
        let report = verify(&app.app).await.unwrap();
        assert!(report.is_sound(), "{report}");
        assert!(report.to_string().ends_with("1 entries not sealed yet, the oldest for 90 s"), "{report}");
    })
    .await;
}
