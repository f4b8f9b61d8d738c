//! What bounds uploads, and what becomes of one whose sender is gone.

use std::time::Duration;

use axum::body::{Body, Bytes};
use chrono::TimeDelta;
use futures_util::{StreamExt, stream};
use serde_json::Value;
use vulndesk::attachment::settings::UploadSettings;
use vulndesk::auth::Role;

use crate::files::{answer, answer_of, bounded, bounded_over, on_disk, request, rows, target, upload};
use crate::harness::on_both;

#[tokio::test]
async fn a_report_and_a_sender_have_so_many_bytes() {
    on_both(|app| async move {
        app.with_company().await;
        let report = app.receive("analyst-1", "src", "1", "AMBER").await.report;
        let other = app.receive("analyst-1", "src", "2", "AMBER").await.report;
        let (one, two) = (app.token(Role::Analyst, "analyst-1"), app.token(Role::Analyst, "analyst-2"));
        let settings =
            UploadSettings { bytes_per_report: 10, bytes_per_day: 12, ..UploadSettings::default() };
        let (_other, router) = bounded(&app, settings).await;
        let send = async |token: &str, report: &str, size: u8| {
            let body = Body::from(vec![size; size.into()]);
            answer_of(&router, request(token, &target(report, "a"), body)).await
        };
        assert_eq!(send(&one, &report, 6).await.0, 201);
        let (status, words) = send(&two, &report, 5).await;
        assert!(status == 400 && words.contains("uploads.bytes_per_report"), "{words}");
        assert_eq!(send(&two, &report, 4).await.0, 201, "up to the bound");
        let (status, words) = send(&one, &other, 7).await;
        assert!(status == 400 && words.contains("uploads.bytes_per_day"), "{words}");
        assert_eq!(on_disk(app.app.files.folder()).len(), 2, "what was refused is not kept");
        app.advance(TimeDelta::days(1));
        let one = app.token(Role::Analyst, "analyst-1");
        assert_eq!(send(&one, &other, 7).await.0, 201, "the next day");
    })
    .await;
}

#[tokio::test]
async fn nothing_is_taken_in_below_the_floor_of_free_bytes() {
    on_both(|app| async move {
        app.with_company().await;
        let report = app.receive("analyst-1", "src", "1", "AMBER").await.report;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let files = app.app.files.clone().keeping_free(u64::MAX);
        let (_other, full) = bounded_over(&app, UploadSettings::default(), files).await;
        let (status, words) = answer_of(&full, request(&analyst, &target(&report, "a"), "evidence")).await;
        assert!(status == 507 && words.contains("UNAVAILABLE"), "{status} {words}");
        assert!(!words.contains("free_bytes"), "nothing of the inside is told");
        assert_eq!(on_disk(app.app.files.folder()), Vec::<Vec<u8>>::new());
        assert_eq!(upload(&app, &analyst, &report, b"evidence").await.0, 201);
    })
    .await;
}

#[tokio::test]
async fn one_reporter_leaves_turns_to_others_and_a_dripping_upload_ends() {
    on_both(|app| async move {
        app.with_company().await;
        let report = app.receive("analyst-1", "src", "1", "AMBER").await.report;
        let (one, two) = (app.token(Role::Analyst, "analyst-1"), app.token(Role::Analyst, "analyst-2"));
        let settings = UploadSettings {
            idle_seconds: 1,
            least_rate: 1_000_000,
            at_once_each: 1,
            ..UploadSettings::default()
        };
        let (_other, router) = bounded(&app, settings).await;
        let (begun, has_begun) = tokio::sync::oneshot::channel::<()>();
        // Something arrives within each pause, and never enough.
        let first = stream::once(async move {
            let _ = begun.send(());
            Ok::<_, std::io::Error>(Bytes::from_static(b"x"))
        });
        let drip = stream::unfold(tokio::time::interval(Duration::from_millis(100)), |mut often| async {
            often.tick().await;
            Some((Ok(Bytes::from_static(b"x")), often))
        });
        let dripping = tokio::spawn({
            let (router, request) =
                (router.clone(), request(&one, &target(&report, "a"), Body::from_stream(first.chain(drip))));
            async move { answer_of(&router, request).await }
        });
        has_begun.await.unwrap();
        assert_eq!(answer_of(&router, request(&one, &target(&report, "b"), "b")).await.0, 429);
        assert_eq!(answer_of(&router, request(&two, &target(&report, "c"), "c")).await.0, 201);
        let (status, words) = dripping.await.unwrap();
        assert!(status == 408 && words.contains("uploads.least_rate"), "{status} {words}");
        assert_eq!(
            answer_of(&router, request(&one, &target(&report, "b"), "b")).await.0,
            201,
            "its turn is free"
        );
    })
    .await;
}

#[tokio::test]
async fn a_file_that_arrived_is_added_though_its_sender_is_gone() {
    on_both(|app| async move {
        app.with_company().await;
        let report = app.receive("analyst-1", "src", "1", "AMBER").await.report;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let (over, is_over) = tokio::sync::oneshot::channel::<()>();
        let end = stream::once(async move {
            let _ = over.send(());
            Ok::<_, std::io::Error>(Bytes::new())
        });
        let body = stream::once(async { Ok(Bytes::from_static(b"all of it")) }).chain(end);
        let sending = answer(&app, request(&analyst, &target(&report, "a"), Body::from_stream(body)));
        tokio::select! {
            biased;
            _ = sending => panic!("it was answered before its sender left"),
            outcome = is_over => outcome.unwrap(),
        }
        let added = async {
            while rows(&app).await != (1, 1) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), added).await.expect("it is added all the same");
        assert_eq!(on_disk(app.app.files.folder()), [b"all of it"]);
        let listed = app.node(&analyst, &report, "Report", "attachments { totalCount }").await;
        assert_eq!(listed["attachments"]["totalCount"], Value::from(1));
    })
    .await;
}
