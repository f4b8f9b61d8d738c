use entity::vocabulary::{DeadlineKind, NoDeadline, Status};
use entity::{
    audit_entry, deadline, event, event_access, event_number_block, indicator, message, obligation, report,
    report_version, reporter, status_change,
};

use super::*;
use crate::intake::import::{CnvdReader, Mapping, TableFormat, TableReader};
use crate::intake::test_bed::Bed;
use crate::intake::{ReceiveReport, receive_report};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};

const CNVD: &[u8] = include_bytes!("../../../tests/fixtures/import/cnvd-quirks.xml");
const TABLE: &[u8] = include_bytes!("../../../tests/fixtures/import/table-quirks.csv");

async fn run(bed: &Bed, spec: &ChannelSpec, file: &[u8], options: &ImportOptions) -> Summary {
    if spec.key == "cnvd" {
        let items = CnvdReader::new(file);
        return import(&bed.app, &bed.analyst, spec, items, options, |_| {}).await.unwrap();
    }
    let mapping = ["number=Link", "title=Summary", "text=Details", "severity=Rating", "bounty=Paid"];
    let mapping = Mapping::from_arguments(mapping).unwrap();
    let items = TableReader::new(file, TableFormat::default(), &mapping).unwrap();
    import(&bed.app, &bed.analyst, spec, items, options, |_| {}).await.unwrap()
}

/// A notice of the number 10002 in another wording.
const REISSUED: &[u8] = "<vulnerabilitys><vulnerability><number>CNVD-2031-10002</number>\
    <title>青石市某系统存在弱口令漏洞</title><description>登录页与后台均存在弱口令。</description></vulnerability></vulnerabilitys>"
    .as_bytes();

/// The event of the report with this number.
async fn event_of(bed: &Bed, number: &str) -> event::Model {
    let reports = bed.all::<report::Entity>().await;
    let report = reports.into_iter().find(|row| row.channel_number.as_deref() == Some(number)).unwrap();
    bed.all::<event::Entity>().await.into_iter().find(|row| row.id == report.event_id).unwrap()
}

fn counts(summary: &Summary) -> (u64, u64, u64, u64) {
    (summary.received, summary.updated, summary.already_known, summary.refused.count)
}

#[tokio::test]
async fn a_file_imported_again_changes_nothing() {
    for bed in Bed::on_both().await {
        let options = ImportOptions { file_name: "week.xml".to_owned(), ..ImportOptions::default() };
        let first = run(&bed, &ChannelSpec::cnvd(), CNVD, &options).await;
        // 10001 comes twice with other content; four records have no number, no title or broken markup.
        assert_eq!(counts(&first), (3, 1, 0, 4));
        assert!(first.stopped.is_none() && first.notes.count > 0);
        let audits = bed.count::<audit_entry::Entity>().await;
        let again = run(&bed, &ChannelSpec::cnvd(), CNVD, &options).await;
        assert_eq!(counts(&again), (0, 0, 4, 4));
        assert_eq!(bed.count::<audit_entry::Entity>().await, audits);
        assert_eq!(bed.count::<report::Entity>().await, 3);
        assert_eq!(bed.count::<report_version::Entity>().await, 4);
    }
}

#[tokio::test]
async fn history_is_closed_and_owes_nothing() {
    for bed in Bed::on_both().await {
        run(&bed, &ChannelSpec::cnvd(), CNVD, &ImportOptions::default()).await;
        for event in bed.all::<event::Entity>().await {
            assert!(event.history && event.status == Status::Closed);
            assert_eq!(event.closed_at, Some(event.received_at));
        }
        assert_eq!(bed.count::<obligation::Entity>().await, 0);
        let told: Vec<_> = bed.all::<message::Entity>().await.into_iter().map(|row| row.kind).collect();
        assert_eq!(told, ["configuration.changed"], "the channel that was made, and nothing of the records");
        assert_eq!(bed.count::<status_change::Entity>().await, 3);
        let reporter = bed.all::<reporter::Entity>().await.remove(0);
        assert_eq!(reporter.name.as_deref(), Some("researcher-1"));
        let versions = bed.all::<report_version::Entity>().await;
        assert!(versions.iter().all(|row| !row.source.to_string().contains("researcher-1")));
        assert!(bed.count::<indicator::Entity>().await > 0);
    }
}

#[tokio::test]
async fn notices_are_owed_a_reply() {
    for bed in Bed::on_both().await {
        let options = ImportOptions { as_notices: true, ..ImportOptions::default() };
        run(&bed, &ChannelSpec::cnvd(), CNVD, &options).await;
        assert_eq!(bed.count::<obligation::Entity>().await, 3);
        let told = bed.all::<message::Entity>().await;
        let of = |kind: &str| told.iter().filter(|row| row.kind == kind).count();
        assert_eq!((of("report.received"), of("obligation.changed")), (3, 3));
        // Readers and the channel.
        assert_eq!(bed.count::<event_access::Entity>().await, 6);
    }
}

/// Text that nothing makes shorter, of characters of four bytes.
fn incompressible(bed: &Bed, characters: usize) -> String {
    let mut bytes = vec![0; characters * 2];
    bed.app.ids.fill(&mut bytes);
    let code = |pair: &[u8]| 0x2_0000 + u32::from(pair[0]) * 256 % 0xa000 + u32::from(pair[1]);
    bytes.chunks(2).filter_map(|pair| char::from_u32(code(pair))).collect()
}

#[tokio::test]
async fn what_is_too_long_to_be_found_by_costs_a_record_or_a_note_and_no_file() {
    for bed in Bed::on_both().await {
        let long = incompressible(&bed, 501);
        let fits = incompressible(&bed, 500);
        let record = |number: &str, name: &str| {
            format!(
                "<vulnerability><number>{number}</number><title>A hole</title><discovererName>{name}</discovererName>\
                 <products><product>{name}</product></products></vulnerability>"
            )
        };
        let records = [record("CNVD-2031-1", &long), record(&long, "b"), record(&fits, &fits)].concat();
        let file = format!("<vulnerabilitys>{records}</vulnerabilitys>");
        let summary = run(&bed, &ChannelSpec::cnvd(), file.as_bytes(), &ImportOptions::default()).await;
        assert_eq!(counts(&summary), (2, 0, 0, 1));
        assert!(summary.refused.first[0].text.starts_with("number: is longer than 500"));
        assert_eq!((summary.notes.count, summary.stopped.is_none()), (2, true));
        let names: Vec<_> = bed.all::<reporter::Entity>().await.into_iter().map(|row| row.name).collect();
        assert_eq!(names, [Some(fits)]);
        assert!(bed.all::<report_version::Entity>().await[0].source.to_string().contains(&long));
    }
}

#[tokio::test]
async fn a_batch_of_long_notices_is_no_more_than_a_statement_takes() {
    for bed in Bed::on_both().await {
        let record = |number: usize| {
            let products: String =
                (0..12).map(|product| format!("<product>Part {number} of {product}</product>")).collect();
            format!(
                "<vulnerability><number>CNVD-2031-{number}</number><title>A hole {number}</title>\
                 <discovererName>finder-{number}</discovererName><products>{products}</products></vulnerability>"
            )
        };
        let records: String = (0..250).map(record).collect();
        let file = format!("<vulnerabilitys>{records}</vulnerabilitys>");
        let options = ImportOptions { as_notices: true, ..ImportOptions::default() };
        let summary = run(&bed, &ChannelSpec::cnvd(), file.as_bytes(), &options).await;
        assert_eq!(counts(&summary), (250, 0, 0, 0));
        assert_eq!(bed.count::<obligation::Entity>().await, 250);
    }
}

#[tokio::test]
async fn a_dry_run_tells_the_same_and_writes_nothing() {
    for bed in Bed::on_both().await {
        let dry = ImportOptions { dry_run: true, ..ImportOptions::default() };
        let summary = run(&bed, &ChannelSpec::cnvd(), CNVD, &dry).await;
        assert_eq!(counts(&summary), (3, 1, 0, 4));
        assert!(crate::channel::store::by_key(&bed.app, "cnvd").await.unwrap().is_none());
        for rows in [
            bed.count::<event::Entity>().await,
            bed.count::<audit_entry::Entity>().await,
            bed.count::<event_number_block::Entity>().await,
        ] {
            assert_eq!(rows, 0);
        }
    }
}

#[tokio::test]
async fn a_spreadsheets_rating_is_what_the_reporter_was_told() {
    for bed in Bed::on_both().await {
        let summary =
            run(&bed, &ChannelSpec::platform("src", "CN", false).unwrap(), TABLE, &ImportOptions::default())
                .await;
        assert_eq!((summary.received, summary.updated), (4, 0));
        let rows = bed.all::<report::Entity>().await;
        let told =
            rows.iter().find(|row| row.channel_number.as_deref() == Some("reports.example/1")).unwrap();
        assert_eq!(told.severity, Some(entity::vocabulary::Severity::High));
    }
}

#[tokio::test]
async fn what_was_history_and_comes_as_a_notice_is_opened_once() {
    for bed in Bed::on_both().await {
        let notices =
            ImportOptions { as_notices: true, file_name: "week.xml".to_owned(), ..ImportOptions::default() };
        run(&bed, &ChannelSpec::cnvd(), CNVD, &ImportOptions::default()).await;
        let dry = ImportOptions { dry_run: true, ..notices.clone() };
        for options in [dry, notices.clone()] {
            assert_eq!(bed.count::<obligation::Entity>().await, 0);
            let opened = run(&bed, &ChannelSpec::cnvd(), CNVD, &options).await;
            assert_eq!((counts(&opened), opened.opened), ((0, 0, 4, 4), 3), "what is in it was known");
        }
        for event in bed.all::<event::Entity>().await {
            assert!(!event.history && event.closed_at.is_none());
            assert_eq!((event.status, event.pass), (Status::Triaging, 2), "it is analysed");
        }
        assert!(bed.all::<report::Entity>().await.iter().all(|row| !row.history));
        assert_eq!(bed.count::<obligation::Entity>().await, 3);
        let deadlines = bed.all::<deadline::Entity>().await;
        let replies = deadlines.iter().filter(|row| row.kind == DeadlineKind::Reply);
        let none: Vec<_> = replies.map(|row| row.none_reason).collect();
        assert_eq!(none, [Some(NoDeadline::NoNoticeDate); 3], "a clock says that the notice has no date");
        let told = bed.all::<message::Entity>().await;
        assert_eq!(told.iter().filter(|row| row.kind == "report.received").count(), 3);
        let changes = bed.all::<status_change::Entity>().await;
        let reopened = changes.iter().filter(|row| row.to_status == Status::Triaging);
        assert!(reopened.clone().all(|row| row.reason.as_deref() == Some("week.xml came as a notice")));
        assert_eq!(reopened.count(), 3);

        let again = run(&bed, &ChannelSpec::cnvd(), CNVD, &notices).await;
        assert_eq!((counts(&again), again.opened), ((0, 0, 4, 4), 0));
        assert_eq!(bed.count::<obligation::Entity>().await, 3);
    }
}

#[tokio::test]
async fn history_that_comes_as_a_notice_with_other_words_is_opened_with_them() {
    for bed in Bed::on_both().await {
        run(&bed, &ChannelSpec::cnvd(), CNVD, &ImportOptions::default()).await;
        let notices = ImportOptions { as_notices: true, ..ImportOptions::default() };
        let opened = run(&bed, &ChannelSpec::cnvd(), REISSUED, &notices).await;
        assert_eq!((counts(&opened), opened.opened), ((0, 1, 0, 0), 1));
        let event = event_of(&bed, "CNVD-2031-10002").await;
        assert_eq!((event.status, event.history), (Status::Triaging, false));
        let reports = bed.all::<report::Entity>().await;
        let report = reports.iter().find(|row| row.event_id == event.id).unwrap();
        assert_eq!((report.current_version, report.history), (2, false));
        assert_eq!(reports.iter().filter(|row| row.history).count(), 2, "the others stay history");
        assert_eq!(bed.count::<obligation::Entity>().await, 1);
    }
}

/// Puts the event of a notice to NEEDS_INFORMATION, its report being the one that was asked about.
async fn ask(bed: &Bed, number: &str) {
    let event = event_of(bed, number).await;
    let reports = bed.all::<report::Entity>().await;
    let asked = reports.iter().find(|row| row.event_id == event.id).map(|row| row.id);
    let waiting = event::Model {
        status: Status::NeedsInformation,
        asked_report_id: asked,
        asked_at: Some(bed.app.clock.now()),
        ..event
    };
    waiting.into_active_model().reset_all().update(bed.app.database.writer()).await.unwrap();
}

#[tokio::test]
async fn a_notice_issued_again_answers_the_question_whichever_way_it_comes() {
    for by_import in [true, false] {
        for bed in Bed::on_both().await {
            let notices = ImportOptions { as_notices: true, ..ImportOptions::default() };
            run(&bed, &ChannelSpec::cnvd(), CNVD, &notices).await;
            ask(&bed, "CNVD-2031-10002").await;
            // A clock that was counted from something that is no more so is counted anew.
            let event = event_of(&bed, "CNVD-2031-10002").await;
            let deadlines = bed.all::<deadline::Entity>().await;
            let clock = deadlines.into_iter().find(|row| row.event_id == event.id).unwrap();
            let right = clock.none_reason;
            let wrong = deadline::Model {
                anchor_at: Some(event.received_at - chrono::TimeDelta::days(9)),
                ..clock.clone()
            };
            wrong.into_active_model().reset_all().update(bed.app.database.writer()).await.unwrap();
            if by_import {
                let summary = run(&bed, &ChannelSpec::cnvd(), REISSUED, &notices).await;
                assert_eq!((counts(&summary), summary.opened), ((0, 1, 0, 0), 0));
            } else {
                let input = ReceiveReport {
                    channel: "cnvd".to_owned(),
                    number: Some("CNVD-2031-10002".to_owned()),
                    title: "青石市某系统存在弱口令漏洞".to_owned(),
                    text: Some("登录页与后台均存在弱口令。".to_owned()),
                    message_id: None,
                    notice_type: None,
                    received_at: None,
                    reporter: None,
                    indicators: Vec::new(),
                    tlp: None,
                    join_event: None,
                    idempotency_key: None,
                };
                let report = receive_report(&bed.app, &bed.analyst, &input).await.unwrap();
                assert_eq!(report.current_version, 2);
            }
            let way = if by_import { "imported" } else { "received" };
            assert_eq!(event_of(&bed, "CNVD-2031-10002").await.status, Status::Triaging, "{way}");
            let clock_now =
                deadline::Entity::find_by_id(clock.id).one(bed.app.database.reader()).await.unwrap();
            let clock_now = clock_now.unwrap();
            assert_eq!(
                (clock_now.anchor_at, clock_now.none_reason),
                (clock.anchor_at, right),
                "{way}: planned anew"
            );
            // Others wait on: what arrived is not theirs.
            ask(&bed, "CNVD-2031-10008").await;
            run(&bed, &ChannelSpec::cnvd(), CNVD, &notices).await;
            assert_eq!(event_of(&bed, "CNVD-2031-10008").await.status, Status::NeedsInformation, "{way}");
        }
    }
}

/// So many records of a finder, as a file has them.
fn records_of(finder: &str, numbers: std::ops::RangeInclusive<usize>) -> Vec<u8> {
    let record = |number: usize| {
        format!(
            "<vulnerability><number>CNVD-2031-{number}</number><title>A hole {number}</title>\
             <discovererName>{finder}</discovererName></vulnerability>"
        )
    };
    format!("<vulnerabilitys>{}</vulnerabilitys>", numbers.map(record).collect::<String>()).into_bytes()
}

#[tokio::test]
async fn batches_that_follow_each_other_share_reporters_and_numbers() {
    for bed in Bed::on_both().await {
        let records = Bounds::of(bed.app.database.backend()).records;
        let file = records_of("finder-1", 1..=2 * records + 10);
        let again =
            String::from_utf8(records_of("finder-1", 150..=260)).unwrap().replace("A hole", "Another hole");
        let body = |file: &str| file.replace("<vulnerabilitys>", "").replace("</vulnerabilitys>", "");
        let both = body(std::str::from_utf8(&file).unwrap()) + &body(&again);
        let both = format!("<vulnerabilitys>{both}</vulnerabilitys>");
        let summary = run(&bed, &ChannelSpec::cnvd(), both.as_bytes(), &ImportOptions::default()).await;
        let received = 2 * records as u64 + 10;
        assert_eq!(counts(&summary), (received, 111, 0, 0));
        assert_eq!(bed.count::<reporter::Entity>().await, 1);
        assert_eq!(bed.count::<report_version::Entity>().await, received + 111);
        assert_eq!(
            counts(&run(&bed, &ChannelSpec::cnvd(), both.as_bytes(), &ImportOptions::default()).await).0,
            0
        );
    }
}

/// The database holds up the first batch until the second one is read, and then refuses it.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_loses_a_race_is_decided_anew_and_so_is_what_follows() {
    for bed in Bed::on_both().await {
        // Numbers of events are taken beforehand, ever more at once: after so many the next thousand is there.
        let records = Bounds::of(bed.app.database.backend()).records;
        let first = records_of("finder-1", 9_001..=9_961);
        run(&bed, &ChannelSpec::cnvd(), &first, &ImportOptions::default()).await;
        let row = bed.all::<report::Entity>().await.remove(0);
        let key = crate::intake::rules::identity_key(Some("CNVD-2031-50"), None, &[]);
        let other = bed.app.database.begin_write().await.unwrap();
        let taken = report::Model { id: bed.app.ids.next(), identity_key: key, ..row };
        let taken = taken.into_active_model().reset_all();
        report::Entity::insert(taken).exec_without_returning(&other).await.unwrap();
        let mut other = Some(other);
        let file = records_of("finder-2", 1..=records + 50);
        let items = CnvdReader::new(file.as_slice()).enumerate().map(|(index, item)| {
            if let Some(other) = other.take_if(|_| index == records + 20) {
                let handle = tokio::runtime::Handle::current();
                tokio::task::block_in_place(|| handle.block_on(other.commit())).unwrap();
            }
            item
        });
        let options = ImportOptions::default();
        let summary =
            import(&bed.app, &bed.analyst, &ChannelSpec::cnvd(), items, &options, |_| {}).await.unwrap();
        assert_eq!(counts(&summary), (records as u64 + 49, 1, 0, 0), "what came meanwhile gets a version");
        let names: Vec<_> = bed.all::<reporter::Entity>().await.into_iter().map(|row| row.name).collect();
        assert_eq!(names, [Some("finder-1".to_owned()), Some("finder-2".to_owned())]);
    }
}
