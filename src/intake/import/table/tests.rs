use std::io::{BufReader, Cursor, Read};

use encoding_rs::{GBK, UTF_16LE};
use proptest::prelude::*;

use super::*;
use crate::intake::import::{
    Amount, DecodeError, FIELD_LIMIT, ImportedReport, ImportedSeverity, Indicator, IndicatorKind, Moment,
    RefusedRecord,
};

const QUIRKS: &str = include_str!("../../../../tests/fixtures/import/table-quirks.csv");

fn mapping(arguments: &[&str]) -> Mapping {
    Mapping::from_arguments(arguments).unwrap()
}

fn quirks_mapping() -> Mapping {
    mapping(&[
        "number=Link",
        "title=Summary",
        "text=Details",
        "text=Steps",
        "bounty=Paid",
        "severity=Rating",
        "weakness=Class",
    ])
}

fn plain() -> Mapping {
    mapping(&["number=n", "title=t"])
}

fn open<R: BufRead>(source: R, format: TableFormat, mapping: &Mapping) -> TableReader<R> {
    TableReader::new(source, format, mapping).map_err(|error| error.to_string()).unwrap()
}

fn items(bytes: &[u8], format: TableFormat, mapping: &Mapping) -> Vec<Item> {
    open(bytes, format, mapping).map(Result::unwrap).collect()
}

fn failure(bytes: &[u8], mapping: &Mapping) -> FileError {
    match TableReader::new(bytes, TableFormat::default(), mapping) {
        Ok(mut reader) => reader.find_map(Result::err).unwrap(),
        Err(error) => error,
    }
}

fn report(item: &Item) -> &ImportedReport {
    match item {
        Item::Report(report) => report,
        Item::Refused(refused) => panic!("{refused:?}"),
    }
}

fn refused(item: &Item) -> &RefusedRecord {
    match item {
        Item::Refused(refused) => refused,
        Item::Report(report) => panic!("{report:?}"),
    }
}

#[test]
fn rows_become_reports_with_every_column_kept() {
    let items = items(QUIRKS.as_bytes(), TableFormat::default(), &quirks_mapping());
    let first = report(&items[0]);
    assert_eq!((first.line, first.number.as_str()), (2, "reports.example/1"));
    assert_eq!(first.title, "Cookie \"theft\", by script");
    assert_eq!(first.text, "Details:\nLine one\nline two\n\nSteps:\nOpen the page");
    assert_eq!(first.bounty, Some(Amount { minor_units: 134_685, currency: "USD".into() }));
    assert_eq!(first.severity, Some(ImportedSeverity::High));
    assert_eq!(first.weakness.as_deref(), Some("Cross-site Scripting"));
    assert_eq!(first.source.len(), 8);
    assert_eq!(first.source[7], ("Team".into(), "Alpha".into()));
    assert!(first.notes.is_empty());
    let second = report(&items[1]);
    assert_eq!((second.line, &second.bounty, second.severity), (5, &None, None));
    assert!(second.notes.is_empty() && second.weakness.is_none());
}

#[test]
fn amounts_that_are_not_exact_cost_a_note() {
    let items = items(QUIRKS.as_bytes(), TableFormat::default(), &quirks_mapping());
    let third = report(&items[2]);
    assert_eq!(third.bounty, None);
    assert!(third.notes[0].starts_with("Paid: `1,000` was not taken as the bounty: "), "{:?}", third.notes);
    assert_eq!(third.notes[1], "Rating: `extreme` is not a known severity");
    let fourth = report(&items[3]);
    assert_eq!((&fourth.bounty, fourth.notes.len()), (&None, 1));
    assert!(fourth.notes[0].ends_with("USD has 2 decimal places"));
}

#[test]
fn bad_rows_refuse_themselves() {
    let items = items(QUIRKS.as_bytes(), TableFormat::default(), &quirks_mapping());
    assert_eq!(items.len(), 7);
    let of = |index: usize| {
        let refused = refused(&items[index]);
        (refused.line, refused.number.as_deref(), refused.field.as_str())
    };
    assert_eq!(of(4), (8, Some("reports.example/5"), "columns"));
    assert_eq!(of(5), (9, None, "Link"));
    assert_eq!(of(6), (10, Some("reports.example/7"), "Summary"));
}

#[test]
fn all_fields_are_read_by_their_meaning() {
    let mapping = mapping(&[
        "number=n",
        "title=t",
        "reporter=r",
        "receivedAt=d",
        "publishedAt=p",
        "bounty=b",
        "currency=c",
        "product=x",
        "product=y",
        "url=u",
        "identifier=i",
    ]);
    let table = "n\tt\tr\td\tp\tb\tc\tx\ty\tu\ti\n\
                 cnvd-2031-1234\tT\t reporter-1 \t2031-01-02T03:04:05Z\t2031/02/03\t1500\tJPY\tA\tB\t\
                 https://a.example https://b.example\tCVE-2031-5678\n";
    let format = TableFormat::default().with_delimiter("tab").unwrap();
    let items = items(table.as_bytes(), format, &mapping);
    let found = report(&items[0]);
    assert_eq!(found.reporter_name.as_deref(), Some("reporter-1"));
    assert_eq!(found.received, "2031-01-02T03:04:05Z".parse().ok().map(Moment::Instant));
    assert_eq!(found.published, "2031-02-03".parse().ok().map(Moment::Day));
    assert_eq!(found.bounty, Some(Amount { minor_units: 1_500, currency: "JPY".into() }));
    assert_eq!(found.products, ["A", "B"]);
    let indicator = |kind, value: &str| Indicator { kind, value: value.to_owned() };
    let expected = [
        indicator(IndicatorKind::Cnvd, "CNVD-2031-1234"),
        indicator(IndicatorKind::Url, "https://a.example"),
        indicator(IndicatorKind::Url, "https://b.example"),
        indicator(IndicatorKind::Cve, "CVE-2031-5678"),
    ];
    assert_eq!(found.indicators, expected);
}

#[test]
fn encodings_and_invalid_bytes() {
    let table = "n,t\n1,漏洞\n";
    let format = TableFormat { encoding: GBK, ..TableFormat::default() };
    assert_eq!(report(&items(&GBK.encode(table).0, format, &plain())[0]).title, "漏洞");
    let utf16: Vec<u8> = table.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let format = TableFormat { encoding: UTF_16LE, ..TableFormat::default() };
    assert_eq!(report(&items(&utf16, format, &plain())[0]).title, "漏洞");
    let error = failure(&GBK.encode("n,t\n1,a\n2,漏洞\n").0, &plain());
    assert_eq!(error.line, 3);
    assert!(matches!(error.problem, FileProblem::Decode(DecodeError::InvalidBytes { encoding: "UTF-8" })));
}

#[test]
fn headers_must_have_the_mapped_columns_once() {
    let column = |bytes: &str| match failure(bytes.as_bytes(), &plain()).problem {
        FileProblem::Column { column, times, header } => (column, times, header),
        other => panic!("{other}"),
    };
    assert_eq!(column("n,T\n"), ("t".into(), 0, "n, T".into()));
    assert_eq!(column("n,t,n\n"), ("n".into(), 2, "n, t, n".into()));
    for empty in ["", "\n\r\n", "\u{FEFF}"] {
        assert!(matches!(failure(empty.as_bytes(), &plain()).problem, FileProblem::NoHeader));
    }
    for bad in ["", "\"", "\n", "，", ",,"] {
        assert!(TableFormat::default().with_delimiter(bad).is_err(), "{bad}");
    }
}

#[test]
fn an_unclosed_quote_swallows_nothing_in_silence() {
    let mut reader = open("n,t\n1,a\n2,\"b\n3,c\n4,d\n".as_bytes(), TableFormat::default(), &plain());
    assert_eq!(report(&reader.next().unwrap().unwrap()).number, "1");
    let error = reader.next().unwrap().unwrap_err();
    assert_eq!(error.line, 3);
    assert!(matches!(error.problem, FileProblem::UnclosedQuote));
    assert!(reader.next().is_none());
    for (last, title) in [("2,\"b\"", "b"), ("2,b", "b"), ("2,b\r", "b"), ("2,\"b\"\"\"", "b\"")] {
        let table = format!("n,t\n{last}");
        assert_eq!(report(&items(table.as_bytes(), TableFormat::default(), &plain())[0]).title, title);
    }
    assert_eq!(refused(&items(b"n,t\n2,", TableFormat::default(), &plain())[0]).field, "t");
}

#[test]
fn a_field_over_the_limit_is_skipped_and_not_held() {
    let source = Cursor::new("n,t,x\n1,a,b\n2,c,\"")
        .chain(std::io::repeat(b'y').take(100 * FIELD_LIMIT as u64))
        .chain(Cursor::new("\"\n3,d,e\n"));
    let items: Vec<_> =
        open(BufReader::new(source), TableFormat::default(), &plain()).map(Result::unwrap).collect();
    assert_eq!(report(&items[0]).number, "1");
    let too_long = refused(&items[1]);
    assert_eq!((too_long.line, too_long.number.as_deref(), too_long.field.as_str()), (3, Some("2"), "x"));
    assert_eq!((report(&items[2]).line, items.len()), (4, 3));
    let exact = format!("n,t,x\n1,a,{}\n", "y".repeat(FIELD_LIMIT));
    let items = self::items(exact.as_bytes(), TableFormat::default(), &plain());
    assert_eq!(report(&items[0]).source[2].1.len(), FIELD_LIMIT);
}

#[test]
fn columns_without_end_are_bounded() {
    let source =
        Cursor::new("n,t\n1,a").chain(std::io::repeat(b',').take(1_000_000)).chain(Cursor::new("\n2,b"));
    let items: Vec<_> =
        open(BufReader::new(source), TableFormat::default(), &plain()).map(Result::unwrap).collect();
    assert_eq!(refused(&items[0]).field, "columns");
    assert_eq!(report(&items[1]).number, "2");
    let header = BufReader::new(std::io::repeat(b',').take(1_000_000));
    let error = TableReader::new(header, TableFormat::default(), &plain()).err().unwrap();
    assert!(matches!(error.problem, FileProblem::HeaderTooLarge));
}

fn terminates(bytes: &[u8]) -> Result<(), TestCaseError> {
    let source = BufReader::with_capacity(3, bytes);
    if let Ok(mut reader) = TableReader::new(source, TableFormat::default(), &plain()) {
        prop_assert!(reader.by_ref().count() <= bytes.len() + 1);
        prop_assert!(reader.next().is_none());
    }
    Ok(())
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        terminates(&bytes)?;
        terminates(&[b"n,t\n".as_slice(), &bytes].concat())?;
    }

    #[test]
    fn arbitrary_text_never_panics(text in "[a,\"\r\n漏\u{FEFF}\0]{0,60}") {
        terminates(format!("n,t\n{text}").as_bytes())?;
    }

    #[test]
    fn bent_files_never_panic(bytes in crate::testing::bent("csv")) {
        terminates(&bytes)?;
    }

    #[test]
    fn quoted_fields_come_back_as_they_were(title in "[a-z,\"漏]{1,20}") {
        let table = format!("n,t\n1,\"{}\"", title.replace('"', "\"\""));
        let items = items(table.as_bytes(), TableFormat::default(), &plain());
        prop_assert_eq!(&report(&items[0]).title, &title);
    }
}
