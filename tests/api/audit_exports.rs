//! Exports of the audit trail prove themselves without the database.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::TimeDelta;
use entity::{access_record, event};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use vulndesk::app::App;
use vulndesk::audit::anchor::{Anchors, Kept, keep_up};
use vulndesk::audit::offline::{Fault, Report, check};
use vulndesk::audit::signing::{SigningKey, make};
use vulndesk::audit::trail::{Manifest, Selection, export};
use vulndesk::auth::{Actor, Role};
use vulndesk::clock::{Clock, Ids};

use crate::anchors::rewrite;
use crate::harness::{TestApp, on_both};
use crate::rich;
use crate::sequencer::sequence_all;

/// A folder with a key, and exports.
struct Desk {
    folder: tempfile::TempDir,
    key: SigningKey,
}

impl Desk {
    fn new(app: &TestApp) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = make(&folder.path().join("audit.key"), &app.app.ids).unwrap();
        Self { folder, key }
    }

    async fn export(&self, app: &TestApp, name: &str, selection: &Selection) -> (PathBuf, Manifest) {
        let file = self.folder.path().join(name);
        let auditor = Actor::operator("auditor-1", [Role::Auditor]);
        let manifest = export(&app.app, &auditor, selection, &self.key, &file).await.unwrap();
        (file, manifest)
    }

    fn check(&self, file: &Path) -> Report {
        check(file, &self.key.public(), &Kept::default()).unwrap()
    }

    /// The same export with other lines, as the manifest says or with one that was put right for them and not signed.
    fn with_lines(&self, file: &Path, lines: &[String], put_right: bool) -> PathBuf {
        let folder = tempfile::tempdir_in(self.folder.path()).unwrap().keep();
        let changed = folder.join("changed");
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(&changed, &text).unwrap();
        let mut manifest = std::fs::read_to_string(beside(file, ".manifest.json")).unwrap();
        if put_right {
            let mut said: Value = serde_json::from_str(&manifest).unwrap();
            said["entries"] = lines.len().into();
            said["sha256"] = hex::encode(Sha256::digest(text.as_bytes())).into();
            manifest = said.to_string();
        }
        std::fs::write(beside(&changed, ".manifest.json"), manifest).unwrap();
        std::fs::copy(beside(file, ".sig"), beside(&changed, ".sig")).unwrap();
        changed
    }
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    format!("{}{ending}", file.display()).into()
}

fn lines(file: &Path) -> Vec<String> {
    std::fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect()
}

/// The faults with their lines.
fn faults(report: &Report) -> Vec<(Fault, u64)> {
    report.findings.listed.iter().map(|finding| (finding.fault, finding.line)).collect()
}

/// A sealed trail of several things.
async fn sealed(app: &TestApp) {
    let _story = rich::event(app, "cnvd", "AMBER").await;
    app.advance(TimeDelta::hours(1));
    app.receive("analyst-1", "src", "2", "AMBER").await;
    sequence_all(&app.app).await;
}

#[tokio::test]
async fn an_export_holds_and_any_change_of_it_is_found() {
    on_both(|app| async move {
        sealed(&app).await;
        let desk = Desk::new(&app);
        let (file, manifest) = desk.export(&app, "trail", &Selection::default()).await;
        let report = desk.check(&file);
        assert_eq!((report.findings.count, report.entries), (0, manifest.entries), "{report}");
        assert_eq!(manifest.entries, manifest.head_position.cast_unsigned());
        let all = lines(&file);
        let count = all.len() as u64;
        assert!(count > 20);

        let changed = |change: &dyn Fn(&mut Vec<String>), put_right| {
            let mut lines = all.clone();
            change(&mut lines);
            faults(&desk.check(&desk.with_lines(&file, &lines, put_right)))
        };
        // Whoever has no key cannot put the manifest right, so each is found twice.
        let edit = |lines: &mut Vec<String>| lines[4] = lines[4].replacen("\"actor\":\"", "\"actor\":\"x", 1);
        assert_eq!(changed(&edit, false), [(Fault::Content, 5), (Fault::File, 0)]);
        assert_eq!(changed(&edit, true), [(Fault::Signature, 0), (Fault::Content, 5)]);
        let take_out = |lines: &mut Vec<String>| drop(lines.remove(4));
        let found = changed(&take_out, false);
        for fault in [(Fault::Missing, 5), (Fault::File, 0), (Fault::Count, 0)] {
            assert!(found.contains(&fault), "{fault:?}: {found:?}");
        }
        let found = changed(&take_out, true);
        assert!(found.contains(&(Fault::Signature, 0)) && found.contains(&(Fault::Missing, 5)), "{found:?}");
        let found = changed(&|lines| lines.swap(4, 5), true);
        assert!(found.contains(&(Fault::Order, 6)), "{found:?}");
        let found = changed(&|lines| lines.insert(4, lines[3].clone()), true);
        assert!(found.contains(&(Fault::Order, 5)), "{found:?}");
        let found = changed(&|lines| drop(lines.pop()), true);
        assert_eq!(found, [(Fault::Signature, 0), (Fault::Missing, 0)]);
        let found = changed(&|lines| lines[4].truncate(40), true);
        assert!(found.contains(&(Fault::Form, 5)), "{found:?}");
        let extra = |lines: &mut Vec<String>| lines[4] = lines[4].replacen('{', "{\"note\":1,", 1);
        assert!(
            changed(&extra, true).contains(&(Fault::Form, 5)),
            "nothing stands there that no digest covers"
        );
        let moved = |lines: &mut Vec<String>| {
            let position = format!("\"position\":{count},");
            let other = format!("\"position\":{},", count + 1);
            let last = lines.last_mut().unwrap();
            *last = last.replacen(&position, &other, 1);
        };
        let found = changed(&moved, true);
        assert!(
            found.contains(&(Fault::Seal, count)) && found.contains(&(Fault::Missing, count)),
            "{found:?}"
        );

        // Somebody else's key signs nothing here, and a manifest is signed as it is.
        let other = Desk::new(&app);
        let report = check(&file, &other.key.public(), &Kept::default()).unwrap();
        assert_eq!(faults(&report), [(Fault::Signature, 0)]);
        let said = std::fs::read_to_string(beside(&file, ".manifest.json")).unwrap();
        std::fs::write(beside(&file, ".manifest.json"), said.replace("\"waiting\": 0", "\"waiting\": 1"))
            .unwrap();
        assert_eq!(faults(&desk.check(&file)), [(Fault::Signature, 0)]);
    })
    .await;
}

#[tokio::test]
async fn a_part_of_the_trail_holds_too_and_has_nothing_else() {
    on_both(|app| async move {
        let middle = app.now() + TimeDelta::minutes(30);
        sealed(&app).await;
        let desk = Desk::new(&app);
        let events = event::Entity::find().order_by_asc(event::Column::Id);
        let events = events.all(app.app.database.reader()).await.unwrap();
        let ofs = |line: &str| serde_json::from_str::<Value>(line).unwrap();
        let (whole, _) = desk.export(&app, "whole", &Selection::default()).await;
        let of_event = |line: &String| ofs(line)["eventId"] == json!(events[0].id);
        let wanted: Vec<String> = lines(&whole).into_iter().filter(of_event).collect();
        let of_one = Selection { event: Some(events[0].clone()), ..Selection::default() };
        let (file, manifest) = desk.export(&app, "one", &of_one).await;
        assert_eq!((lines(&file), manifest.event), (wanted, Some(events[0].number.clone())));
        let report = desk.check(&file);
        assert!(report.findings.count == 0 && report.entries > 5, "{report}");
        let mut cut = lines(&file);
        cut.remove(2);
        let found = faults(&desk.check(&desk.with_lines(&file, &cut, true)));
        assert_eq!(found, [(Fault::Signature, 0)], "what is missing of a part is the signature's to show");

        let (before, after) = (
            Selection { until: Some(middle), ..Selection::default() },
            Selection { from: Some(middle), ..Selection::default() },
        );
        let (before, _) = desk.export(&app, "before", &before).await;
        let (after, _) = desk.export(&app, "after", &after).await;
        for file in [&before, &after] {
            let report = desk.check(file);
            assert!(report.findings.count == 0 && report.entries > 0, "{report}");
        }
        assert_eq!([lines(&before), lines(&after)].concat(), lines(&whole));
        let none = Selection { from: Some(app.now() + TimeDelta::days(1)), ..Selection::default() };
        let (none, manifest) = desk.export(&app, "none", &none).await;
        assert_eq!((desk.check(&none).findings.count, manifest.entries), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn a_rewritten_chain_exported_and_signed_anew_is_found_by_anchors() {
    on_both(|app| async move {
        let desk = Desk::new(&app);
        let anchors = desk.folder.path().join("anchors");
        let clock = Arc::clone(&app.clock) as Arc<dyn Clock>;
        let ids = Ids::seeded(Arc::clone(&clock), 21);
        let mut replica = App::new(app.app.database.clone(), clock, ids).await.unwrap();
        replica.anchors = Some(Anchors { every: TimeDelta::hours(1), file: Some(anchors.clone()) });
        sealed(&app).await;
        keep_up(&replica).await.unwrap();
        let kept = Kept::read(&[anchors]).unwrap();
        let (honest, _) = desk.export(&app, "honest", &Selection::default()).await;
        let report = check(&honest, &desk.key.public(), &kept).unwrap();
        assert_eq!((report.findings.count, report.anchored), (0, 1), "{report}");

        rewrite(&app).await;
        let (file, _) = desk.export(&app, "rewritten", &Selection::default()).await;
        assert_eq!(desk.check(&file).findings.count, 0, "by itself it holds");
        let report = check(&file, &desk.key.public(), &kept).unwrap();
        assert_eq!(faults(&report), [(Fault::Anchor, report.entries)]);
        // A part that ends before the anchor says how far the chain went.
        let part = Selection { until: Some(app.now() - TimeDelta::minutes(30)), ..Selection::default() };
        let (part, _) = desk.export(&app, "part", &part).await;
        assert_eq!(faults(&check(&part, &desk.key.public(), &kept).unwrap()), [(Fault::Anchor, 0)]);
    })
    .await;
}

#[tokio::test]
async fn what_an_export_reads_of_sensitive_events_is_recorded_and_what_waits_is_told() {
    on_both(|app| async move {
        app.with_company().await;
        let red = app.receive("leader-1", "src", "1", "RED").await;
        let amber = app.receive("analyst-1", "src", "2", "AMBER").await;
        sequence_all(&app.app).await;
        app.receive("analyst-1", "src", "3", "AMBER").await;
        let desk = Desk::new(&app);
        let reads = async || {
            let rows = access_record::Entity::find().filter(access_record::Column::Actor.eq("auditor-1"));
            let rows = rows.all(app.app.database.reader()).await.unwrap();
            rows.into_iter().map(|row| row.event_ids.0).collect::<Vec<_>>()
        };
        let event = event::Entity::find().filter(event::Column::Number.eq(&amber.number));
        let event = event.one(app.app.database.reader()).await.unwrap();
        desk.export(&app, "amber", &Selection { event, ..Selection::default() }).await;
        assert_eq!(reads().await.len(), 0);
        let (file, manifest) = desk.export(&app, "all", &Selection::default()).await;
        assert_eq!(reads().await, [vec![red.number]]);
        assert!(manifest.waiting > 0);
        assert_eq!(desk.check(&file).findings.count, 0);
        // Nothing is written over.
        let auditor = Actor::operator("auditor-1", [Role::Auditor]);
        assert!(export(&app.app, &auditor, &Selection::default(), &desk.key, &file).await.is_err());
    })
    .await;
}
