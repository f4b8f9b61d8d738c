use entity::{
    audit_entry, channel, event, event_access, event_number_block, indicator, message, obligation, report,
    report_version, reporter, status_change,
};

use super::*;
use crate::intake::import::{CnvdReader, Mapping, TableFormat, TableReader};
use crate::intake::test_bed::Bed;

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

fn counts(summary: &Summary) -> (u64, u64, u64, u64) {
    (summary.received, summary.updated, summary.already_known, summary.refused.count)
}

#[tokio::test]
async fn a_file_imported_again_changes_nothing() {
    let bed = Bed::new().await;
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

#[tokio::test]
async fn history_is_closed_and_owes_nothing() {
    let bed = Bed::new().await;
    run(&bed, &ChannelSpec::cnvd(), CNVD, &ImportOptions::default()).await;
    for event in bed.all::<event::Entity>().await {
        assert!(event.history && event.status == entity::vocabulary::Status::Closed);
        assert_eq!(event.closed_at, Some(event.received_at));
    }
    assert_eq!(bed.count::<obligation::Entity>().await, 0);
    assert_eq!(bed.count::<message::Entity>().await, 0);
    assert_eq!(bed.count::<status_change::Entity>().await, 3);
    let reporter = bed.all::<reporter::Entity>().await.remove(0);
    assert_eq!(reporter.name.as_deref(), Some("researcher-1"));
    let versions = bed.all::<report_version::Entity>().await;
    assert!(versions.iter().all(|row| !row.source.to_string().contains("researcher-1")));
    assert!(bed.count::<indicator::Entity>().await > 0);
}

#[tokio::test]
async fn notices_are_owed_a_reply() {
    let bed = Bed::new().await;
    let options = ImportOptions { as_notices: true, ..ImportOptions::default() };
    run(&bed, &ChannelSpec::cnvd(), CNVD, &options).await;
    assert_eq!(bed.count::<obligation::Entity>().await, 3);
    assert_eq!(bed.count::<message::Entity>().await, 6, "of each report and of what is owed for it");
    // Readers and the channel.
    assert_eq!(bed.count::<event_access::Entity>().await, 6);
}

#[tokio::test]
async fn a_dry_run_tells_the_same_and_writes_nothing() {
    let bed = Bed::new().await;
    let dry = ImportOptions { dry_run: true, ..ImportOptions::default() };
    let summary = run(&bed, &ChannelSpec::cnvd(), CNVD, &dry).await;
    assert_eq!(counts(&summary), (3, 1, 0, 4));
    for rows in [
        bed.count::<event::Entity>().await,
        bed.count::<channel::Entity>().await,
        bed.count::<audit_entry::Entity>().await,
        bed.count::<event_number_block::Entity>().await,
    ] {
        assert_eq!(rows, 0);
    }
}

#[tokio::test]
async fn a_spreadsheets_rating_is_what_the_reporter_was_told() {
    let bed = Bed::new().await;
    let summary = run(&bed, &ChannelSpec::platform("src"), TABLE, &ImportOptions::default()).await;
    assert_eq!((summary.received, summary.updated), (4, 0));
    let rows = bed.all::<report::Entity>().await;
    let told = rows.iter().find(|row| row.channel_number.as_deref() == Some("reports.example/1")).unwrap();
    assert_eq!(told.severity, Some(entity::vocabulary::Severity::High));
}
