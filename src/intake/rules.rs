//! Pure decisions: what recognises a report again, what a later arrival means, where a report may go.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use entity::vocabulary::{IndicatorKind, NoticeType, Origin, Severity, Status, Tlp};
use entity::{event, report};
use sha2::{Digest, Sha256};

use super::import::{self, ImportedReport, ImportedSeverity, VulnerabilityKind};
use crate::error::{Refusal, RefusalCode};

/// Most parts that one report is split into.
pub const MAX_PARTS: usize = 50;

/// What recognises a report of one channel again: its number, else its Message-ID, else its content.
pub fn identity_key(number: Option<&str>, message_id: Option<&str>, content_hash: &[u8]) -> String {
    match (number, message_id) {
        (Some(number), _) => format!("n:{number}"),
        (None, Some(message_id)) => format!("m:{message_id}"),
        (None, None) => format!("h:{}", hex::encode(content_hash)),
    }
}

/// The key of part `number` of the report with the key `whole`. No arrival has such a key by itself.
pub fn part_key(whole: &str, number: i32) -> String {
    format!("p:{whole}#{number}")
}

/// What the keys begin with under which the arrivals of `first` are kept that came from people who may not see it.
pub fn unseen_prefix(first: &report::Model) -> String {
    format!("u:{}:", first.id)
}

/// SHA-256 over title, text and source, each with its length, so that no two contents share their bytes.
pub fn content_hash(title: &str, text: &str, source: &serde_json::Value) -> Vec<u8> {
    let mut hash = Sha256::new();
    for part in [title, text, &source.to_string()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().to_vec()
}

/// A record's fields as they are kept: by name in the file's order, without those that name the reporter,
/// whose name stands in one erasable place.
pub fn kept_source(imported: &ImportedReport) -> serde_json::Value {
    let reporter = imported.reporter_name.as_deref().map(str::trim);
    let fields = imported.source.iter().filter(|(_, value)| reporter.is_none_or(|name| value.trim() != name));
    fields.map(|(name, value)| serde_json::json!([name, value])).collect()
}

/// Staff reports are internal, whatever channel they come through.
pub fn origin(staff: bool) -> Origin {
    if staff { Origin::Internal } else { Origin::External }
}

/// The first instant of `day` in `zone`.
pub fn start_of_day(zone: Tz, day: NaiveDate) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    let first = |hours| zone.from_local_datetime(&(midnight + TimeDelta::hours(hours))).earliest();
    // Where clocks go forward at midnight the day begins an hour later.
    first(0).or_else(|| first(1)).map_or_else(|| midnight.and_utc(), |at| at.to_utc())
}

/// Whether an arrival may be put on `target`: what is received under a stricter level does not join a looser event.
///
/// # Errors
/// A refusal that names the remedy.
pub fn may_join(tlp: Tlp, target: &event::Model) -> Result<(), Refusal> {
    if tlp <= target.tlp {
        return Ok(());
    }
    let message = format!("{} is TLP:{}: raise it to TLP:{tlp} first (setTlp)", target.number, target.tlp);
    Err(Refusal::on(RefusalCode::Contradiction, "event", message))
}

/// Whether a report may still leave its event, or be taken apart: until the analysis has given a verdict.
///
/// # Errors
/// A refusal that names the remedy.
pub fn may_rearrange(event: &event::Model) -> Result<(), Refusal> {
    if event.verdict.is_none() && matches!(event.status, Status::Received | Status::Triaging) {
        return Ok(());
    }
    let message = format!(
        "reports are joined and split while their event is analysed; {} is {}: return it to the analysis first (returnToTriage), or link the events (linkEvents)",
        event.number, event.status
    );
    Err(Refusal::new(RefusalCode::MoveNotAllowed, message))
}

/// Whether a report's leaving ends the event that it leaves: nothing is left to handle and nothing is owed.
pub fn is_emptied(remaining_reports: usize, remaining_obligations: usize) -> bool {
    remaining_reports == 0 && remaining_obligations == 0
}

/// Whether `report` may be split into `parts`.
///
/// # Errors
/// Every reason against it.
pub fn may_split(report: &report::Model, parts: usize) -> Result<(), Vec<Refusal>> {
    let mut refusals = Vec::new();
    if report.split || report.part_of.is_some() {
        let message = "the report was split already: split none of its parts again";
        refusals.push(Refusal::on(RefusalCode::AlreadyExists, "report", message));
    }
    if !(2..=MAX_PARTS).contains(&parts) {
        let message = format!("send 2 to {MAX_PARTS} parts");
        refusals.push(Refusal::on(RefusalCode::Contradiction, "parts", message));
    }
    if refusals.is_empty() { Ok(()) } else { Err(refusals) }
}

/// Whether what arrived is what an event waits for.
pub fn answers_question(event: &event::Model, report: &report::Model) -> bool {
    event.status == Status::NeedsInformation && event.asked_report_id == Some(report.id)
}

/// What an imported record says that identifies what it is about. A Bugtraq number stays in the source only.
pub fn indicators(imported: &ImportedReport) -> Vec<(IndicatorKind, String)> {
    let declared = imported.indicators.iter().filter_map(|indicator| {
        let kind = match indicator.kind {
            import::IndicatorKind::Cve => IndicatorKind::Cve,
            import::IndicatorKind::Cnvd => IndicatorKind::Cnvd,
            import::IndicatorKind::Cnnvd => IndicatorKind::Cnnvd,
            import::IndicatorKind::Url => IndicatorKind::Url,
            import::IndicatorKind::Bugtraq => return None,
        };
        Some((kind, indicator.value.clone()))
    });
    let products = imported.products.iter().map(|name| (IndicatorKind::Product, name.clone()));
    let weakness = imported.weakness.iter().map(|name| (IndicatorKind::Weakness, name.clone()));
    declared.chain(products).chain(weakness).collect()
}

/// What an imported record's kind is called here.
pub fn notice_type(imported: VulnerabilityKind) -> NoticeType {
    match imported {
        VulnerabilityKind::Generic => NoticeType::Generic,
        VulnerabilityKind::EventType => NoticeType::EventType,
    }
}

/// A channel's rating on the scale of ours.
pub fn severity(imported: ImportedSeverity) -> Severity {
    match imported {
        ImportedSeverity::Critical => Severity::Critical,
        ImportedSeverity::High => Severity::High,
        ImportedSeverity::Medium => Severity::Medium,
        ImportedSeverity::Low => Severity::Low,
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::{America, Asia};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_goes_before_a_message_id_and_that_before_the_content() {
        assert_eq!(identity_key(Some("CNVD-2031-1"), Some("<a@b>"), &[1]), "n:CNVD-2031-1");
        assert_eq!(identity_key(None, Some("<a@b>"), &[1]), "m:<a@b>");
        assert_eq!(identity_key(None, None, &[0xab, 1]), "h:ab01");
    }

    #[test]
    fn no_number_can_be_taken_for_a_part() {
        let part = part_key(&identity_key(Some("1"), None, &[]), 2);
        assert_eq!(part, "p:n:1#2");
        assert_ne!(part, identity_key(Some("1#2"), None, &[]));
    }

    #[test]
    fn contents_differ_by_where_title_ends_and_by_source() {
        let none = json!([]);
        assert_eq!(content_hash("a", "b", &none), content_hash("a", "b", &none));
        assert_ne!(content_hash("ab", "", &none), content_hash("a", "b", &none));
        assert_ne!(content_hash("a", "b", &none), content_hash("a", "b", &json!([["n", "1"]])));
    }

    #[test]
    fn the_source_does_not_keep_the_reporters_name() {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let imported = ImportedReport {
            reporter_name: Some("researcher-1".to_owned()),
            source: vec![field("number", "N-1"), field("discovererName", " researcher-1 ")],
            ..ImportedReport::default()
        };
        assert_eq!(kept_source(&imported), json!([["number", "N-1"]]));
    }

    #[test]
    fn a_day_starts_where_the_channel_is() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(start_of_day(Asia::Shanghai, day("2031-04-15")).to_rfc3339(), "2031-04-14T16:00:00+00:00");
        // Clocks went from 24:00 to 01:00.
        assert_eq!(
            start_of_day(America::Sao_Paulo, day("2018-11-04")).to_rfc3339(),
            "2018-11-04T03:00:00+00:00"
        );
    }

    #[test]
    fn indicators_keep_what_the_record_declares() {
        let imported = ImportedReport {
            indicators: vec![
                import::Indicator { kind: import::IndicatorKind::Cve, value: "CVE-2031-1".to_owned() },
                import::Indicator { kind: import::IndicatorKind::Bugtraq, value: "7".to_owned() },
            ],
            products: vec!["gateway 2".to_owned()],
            ..ImportedReport::default()
        };
        assert_eq!(
            indicators(&imported),
            [(IndicatorKind::Cve, "CVE-2031-1".to_owned()), (IndicatorKind::Product, "gateway 2".to_owned())]
        );
    }
}
