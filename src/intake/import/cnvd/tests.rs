use std::io::{BufReader, Cursor, Read};

use chrono::NaiveDate;
use encoding_rs::GB18030;
use proptest::prelude::*;

use super::*;
use crate::intake::import::{
    DecodeError, FIELD_LIMIT, ImportedReport, ImportedSeverity, Indicator, IndicatorKind, Moment,
    VulnerabilityKind,
};

const QUIRKS: &str = include_str!("../../../../tests/fixtures/import/cnvd-quirks.xml");

fn read(bytes: &[u8]) -> Vec<Result<Item, FileError>> {
    CnvdReader::new(bytes).collect()
}

fn items(bytes: &[u8]) -> Vec<Item> {
    read(bytes).into_iter().map(Result::unwrap).collect()
}

fn report(item: &Item) -> &ImportedReport {
    match item {
        Item::Report(report) => report,
        Item::Refused(refused) => panic!("{refused:?}"),
    }
}

fn refusal(item: &Item) -> (u64, Option<&str>, &str) {
    match item {
        Item::Refused(refused) => (refused.line, refused.number.as_deref(), refused.field.as_str()),
        Item::Report(report) => panic!("{report:?}"),
    }
}

/// A file around `records`.
fn file(records: &str) -> String {
    format!("<vulnerabilitys>{records}</vulnerabilitys>")
}

fn good(number: u32) -> String {
    format!("<vulnerability><number>N-{number}</number><title>T</title></vulnerability>")
}

/// The numbers of what was accepted, and the problem that ended the file.
fn outcome(reader: impl BufRead) -> (Vec<String>, Option<FileError>) {
    let mut numbers = Vec::new();
    for item in CnvdReader::new(reader) {
        match item {
            Ok(Item::Report(report)) => numbers.push(report.number),
            Ok(Item::Refused(_)) => {}
            Err(error) => return (numbers, Some(error)),
        }
    }
    (numbers, None)
}

fn day(year: i32, month: u32, day: u32) -> Option<Moment> {
    NaiveDate::from_ymd_opt(year, month, day).map(Moment::Day)
}

#[test]
fn a_full_record_keeps_every_field() {
    let items = items(QUIRKS.as_bytes());
    let first = report(&items[0]);
    assert_eq!((first.line, first.number.as_str()), (2, "CNVD-2031-10001"));
    assert_eq!(first.title, "云杉网关存在命令执行漏洞 & 信息泄露");
    assert_eq!(first.severity, Some(ImportedSeverity::High));
    assert_eq!(first.kind, Some(VulnerabilityKind::Generic));
    assert_eq!((first.received, first.published), (day(2031, 3, 1), day(2031, 4, 15)));
    assert_eq!(first.reporter_name.as_deref(), Some("researcher-1"));
    assert_eq!(first.products, ["云杉科技 云杉网关 <=2.4", "云杉科技 云杉网关 3.0"]);
    let indicator = |kind, value: &str| Indicator { kind, value: value.to_owned() };
    let expected = [
        indicator(IndicatorKind::Cnvd, "CNVD-2031-10001"),
        indicator(IndicatorKind::Cve, "CVE-2031-20001"),
        indicator(IndicatorKind::Url, "https://cve.example/CVE-2031-20001"),
        indicator(IndicatorKind::Cve, "CVE-2031-20002"),
        indicator(IndicatorKind::Url, "https://a.example/1"),
        indicator(IndicatorKind::Bugtraq, "777001"),
    ];
    assert_eq!(first.indicators, expected);
    assert_eq!(
        first.text,
        "云杉网关是一款网关。\n\n攻击者可执行命令。\n\n\
         参考链接：\nhttps://a.example/1\nhttps://cve.example/CVE-2031-20001\n\n\
         解决方案：\n请升级至2.5版本：\nhttps://yunshan.example/\n\n\
         补丁：\n补丁2.5\n\n补丁说明：\n修复了“ping”接口。"
    );
    assert!(first.notes.is_empty(), "{:?}", first.notes);
    assert_eq!(first.source.len(), 19);
    assert_eq!(first.source[1], ("cves/cve/cveNumber".into(), "CVE-2031-20001".into()));
    assert!(first.bounty.is_none() && first.weakness.is_none());
}

#[test]
fn missing_and_odd_values_cost_at_most_a_note() {
    let items = items(QUIRKS.as_bytes());
    let event = report(&items[1]);
    assert_eq!((event.line, event.kind, event.severity), (7, Some(VulnerabilityKind::EventType), None));
    assert_eq!((event.received, event.published), (None, None));
    assert!(event.products.is_empty() && event.reporter_name.is_none());
    assert_eq!(event.notes, ["submitTime: `2031-13-01` is not a date"]);
    let again = report(&items[2]);
    assert_eq!((again.line, again.number.as_str()), (8, "CNVD-2031-10001"));
    assert_eq!(
        again.notes,
        [
            "serverity: `极高` is not a known severity",
            "isEvent: `未知` is not a known kind of vulnerability",
            "cves/cve/cveNumber: `无` is not a CVE, CNVD or CNNVD number",
        ]
    );
}

#[test]
fn a_bad_record_refuses_itself_and_no_other() {
    let items = items(QUIRKS.as_bytes());
    assert_eq!(items.len(), 8);
    assert_eq!(refusal(&items[3]), (9, None, "number"));
    assert_eq!(refusal(&items[4]), (10, Some("CNVD-2031-10005"), "title"));
    assert_eq!(refusal(&items[5]), (12, Some("CNVD-2031-10006"), "title"));
    assert_eq!(refusal(&items[6]), (13, Some("CNVD-2031-10007"), "title"));
    let last = report(&items[7]);
    assert_eq!((last.line, last.title.as_str()), (14, "A <b> & B"));
    assert_eq!(last.text, "@id：\n7\n\nextra/@lang：\nzh\n\nextra/note：\n备注");
    assert_eq!(last.notes, ["control characters removed: 1"]);
}

#[test]
fn what_is_no_record_is_refused_where_it_stands() {
    let records = format!("{}\nstray{}<other><x>1</x></other>{}", good(1), good(2), good(3));
    let found = items(file(&records).as_bytes());
    assert_eq!(found.len(), 5);
    assert_eq!(report(&found[0]).number, "N-1");
    assert_eq!(refusal(&found[1]), (2, None, "text"));
    assert_eq!(report(&found[2]).number, "N-2");
    assert_eq!(refusal(&found[3]), (2, None, "other"));
    assert_eq!(report(&found[4]).number, "N-3");
    let nested =
        "<vulnerability><number>N-1</number><title>T</title>".to_owned() + &good(2) + "</vulnerability>";
    let found = items(file(&(nested + &good(3))).as_bytes());
    assert_eq!(refusal(&found[0]), (1, Some("N-1"), "vulnerability"));
    assert_eq!(report(&found[1]).number, "N-3");
}

#[test]
fn repeated_fields_are_told() {
    let twice = "<vulnerability><number>N-1</number><title>A</title><title>B</title></vulnerability>";
    let found = items(file(twice).as_bytes());
    assert_eq!(report(&found[0]).title, "A");
    assert_eq!(
        report(&found[0]).notes,
        ["title: `B` was left out: the field came before with another value"]
    );
    let numbers = "<vulnerability><number>N-1</number><number>N-2</number><title>A</title></vulnerability>";
    assert_eq!(refusal(&items(file(numbers).as_bytes())[0]), (1, Some("N-1"), "number"));
}

#[test]
fn damage_ends_the_file_after_the_records_before_it() {
    let first = format!("<vulnerabilitys>{}\n", good(1));
    let cases = [
        (format!("{first}<vulnerability><number>N-2</title>"), 2),
        (format!("{first}<vulnerability><number>N-2"), 2),
        (format!("{first}\n"), 3),
        (format!("{first}<vulnerability a=b></vulnerability>"), 2),
        (format!("{first}<!-- never closed"), 2),
        (format!("{first}<vulnerability><![CDATA[never closed"), 2),
        (format!("{first}</vulnerabilitys>\n<vulnerabilitys></vulnerabilitys>"), 3),
        (format!("{first}</vulnerabilitys>\n\ntail"), 4),
        (format!("{first}<"), 2),
    ];
    for (text, line) in cases {
        let (numbers, error) = outcome(text.as_bytes());
        let error = error.unwrap();
        assert_eq!((numbers, error.line), (vec!["N-1".to_owned()], line), "{text}: {error}");
        assert!(matches!(error.problem, FileProblem::MalformedXml(_)), "{text}: {error}");
    }
    for empty in ["", "\n", "<?xml version='1.0'?>"] {
        assert!(matches!(outcome(empty.as_bytes()).1.unwrap().problem, FileProblem::MalformedXml(_)));
    }
    let other = outcome("<rss></rss>".as_bytes()).1.unwrap();
    assert!(matches!(other.problem, FileProblem::NotCnvd { found } if found == "rss"));
    let mut ended = CnvdReader::new("<rss>".as_bytes());
    assert!(ended.next().unwrap().is_err());
    assert!(ended.next().is_none());
}

#[test]
fn encodings_are_decoded_and_invalid_bytes_name_their_line() {
    let text = QUIRKS.replace("UTF-8", "GB18030");
    assert_eq!(items(&GB18030.encode(&text).0), items(QUIRKS.as_bytes()));
    let utf16: Vec<u8> = format!("\u{FEFF}{QUIRKS}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(items(&utf16), items(QUIRKS.as_bytes()));
    assert_eq!(items(format!("\u{FEFF}{QUIRKS}").as_bytes()), items(QUIRKS.as_bytes()));
    let undeclared = file(&format!("{}\n<vulnerability><title>漏洞</title></vulnerability>", good(1)));
    let (numbers, error) = outcome(&*GB18030.encode(&undeclared).0);
    let error = error.unwrap();
    assert_eq!((numbers.len(), error.line), (1, 2));
    assert!(matches!(error.problem, FileProblem::Decode(DecodeError::InvalidBytes { encoding: "UTF-8" })));
}

#[test]
fn entities_never_grow() {
    let laughs = "<?xml version='1.0'?>\n<!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'>]>\n<l>&b;</l>";
    let error = outcome(laughs.as_bytes()).1.unwrap();
    assert!(matches!(error.problem, FileProblem::DocumentType), "{error}");
    assert_eq!(error.line, 2);
}

/// `unit` again and again, made while it is read.
struct Repeated {
    unit: &'static [u8],
    given: usize,
    total: usize,
}

impl Read for Repeated {
    fn read(&mut self, target: &mut [u8]) -> std::io::Result<usize> {
        let length = target.len().min(self.total - self.given);
        for byte in &mut target[..length] {
            *byte = self.unit[self.given % self.unit.len()];
            self.given += 1;
        }
        Ok(length)
    }
}

/// `head`, then `unit` for `count` times, then `tail`.
fn generated(head: &str, unit: &'static str, count: usize, tail: &str) -> impl BufRead + use<> {
    let repeated = Repeated { unit: unit.as_bytes(), given: 0, total: unit.len() * count };
    BufReader::new(Cursor::new(head.to_owned()).chain(repeated).chain(Cursor::new(tail.to_owned())))
}

#[test]
fn a_field_of_100_megabytes_is_skipped_and_not_held() {
    let head = format!("<vulnerabilitys>{}<vulnerability><number>N-2</number><description>", good(1));
    let tail = format!("</description><title>T</title></vulnerability>{}</vulnerabilitys>", good(3));
    let items: Vec<_> =
        CnvdReader::new(generated(&head, "漏x", 25 * FIELD_LIMIT, &tail)).map(Result::unwrap).collect();
    assert_eq!(refusal(&items[1]), (1, Some("N-2"), "description"));
    assert_eq!(report(&items[2]).number, "N-3");
    for (open, close) in [("<![CDATA[", "]]>"), ("&amp;", "&#65;")] {
        let source = generated(&(head.clone() + open), "y]", FIELD_LIMIT, &(close.to_owned() + &tail));
        let (numbers, error) = outcome(source);
        assert_eq!(numbers, ["N-1", "N-3"], "{error:?}");
    }
}

#[test]
fn many_small_fields_are_bounded_too() {
    let head = format!("<vulnerabilitys>{}<vulnerability><number>N-2</number><title>T</title>", good(1));
    let tail = format!("</vulnerability>{}</vulnerabilitys>", good(3));
    let source = generated(&head, "<p/>", 20_000, &tail);
    assert_eq!(outcome(source).0, ["N-1", "N-3"]);
}

#[test]
fn depth_and_tags_are_bounded() {
    let head = format!("<vulnerabilitys>{}<vulnerability>", good(1));
    let (numbers, error) = outcome(generated(&head, "<deep>", 1_000_000, ""));
    assert_eq!(numbers, ["N-1"]);
    assert!(matches!(error.unwrap().problem, FileProblem::TooDeep { .. }));
    let (numbers, error) = outcome(generated(&(head + "<t a='"), "x", 100 * FIELD_LIMIT, "'/>"));
    assert_eq!(numbers, ["N-1"]);
    assert!(matches!(error.unwrap().problem, FileProblem::TagTooLong { .. }));
}

#[test]
fn comments_of_any_length_are_skipped() {
    let head = format!("<vulnerabilitys>{}<!--", good(1));
    let tail = format!("-->{}</vulnerabilitys>", good(2));
    assert_eq!(outcome(generated(&head, "漏->", FIELD_LIMIT, &tail)).0, ["N-1", "N-2"]);
}

fn terminates(bytes: &[u8]) -> Result<(), TestCaseError> {
    let mut reader = CnvdReader::new(BufReader::with_capacity(3, bytes));
    let count = reader.by_ref().count();
    prop_assert!(count <= bytes.len() + 1);
    prop_assert!(reader.next().is_none());
    Ok(())
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        terminates(&bytes)?;
    }

    #[test]
    fn arbitrary_pieces_of_xml_never_panic(pieces in prop::collection::vec(prop::sample::select(vec![
        "<vulnerabilitys>", "</vulnerabilitys>", "<vulnerability>", "</vulnerability>", "<number>", "</number>",
        "<title a='&lt;&x'>", "</title>", "<a/>", "<![CDATA[", "]]>", "<!--", "-->", "&amp;", "&", ";", "&#0;",
        "x", "漏", " ", "\r\n", "<?", "?>", "<!", "<", ">", "'", "<!DOCTYPE x>", "\u{FEFF}", "\0",
    ]), 0..60)) {
        terminates(("<vulnerabilitys>".to_owned() + &pieces.concat()).as_bytes())?;
        terminates(pieces.concat().as_bytes())?;
    }

    #[test]
    fn bent_files_never_panic(bytes in crate::testing::bent("xml")) {
        terminates(&bytes)?;
    }

    #[test]
    fn damaged_files_never_panic(position in 0..QUIRKS.len(), byte: u8) {
        let mut bytes = QUIRKS.as_bytes().to_vec();
        bytes[position] = byte;
        terminates(&bytes)?;
    }
}
