//! Figures as tables: CSV for other programs, and rows for documents.

use entity::vocabulary::TimeMeasure;

use super::board::Board;
use super::rules::share;
use super::store::{DeadlineRow, EventRow, PayoutRow, TimeRow};
use crate::error::{Error, Result};
use crate::money::{Money, Unit};

/// A table: what its columns are called, and its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Names of the columns.
    pub head: Vec<&'static str>,
    /// Its rows.
    pub rows: Vec<Vec<Cell>>,
}

/// A cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Text that somebody wrote.
    Text(String),
    /// A number, or a word of ours.
    Plain(String),
}

impl Cell {
    fn text(text: Option<&String>) -> Self {
        Self::Text(text.cloned().unwrap_or_default())
    }

    fn number(number: i64) -> Self {
        Self::Plain(number.to_string())
    }

    fn share(part: i64, whole: i64) -> Self {
        Self::Plain(share(part, whole).map(tenths).unwrap_or_default())
    }
}

/// Tenths as a decimal.
pub fn tenths(tenths: i32) -> String {
    crate::graphql::scalars::Decimal::from_tenths(tenths).0
}

/// An amount in minor units as its currency writes it.
pub fn amount(minor: i64, currency: &str) -> Result<String> {
    let unit: Unit = currency.parse().map_err(anyhow::Error::from)?;
    Ok(Money { minor, unit }.decimal())
}

/// Events.
pub fn events(rows: &[EventRow], with_origin: bool) -> Table {
    let mut head = vec![
        "group",
        "name",
        "events",
        "judged",
        "duplicates",
        "vulnerabilities",
        "knownInternally",
        "alreadyFixed",
    ];
    if with_origin {
        head.extend(["foundByStaff", "foundByUs", "foundByUsPerCent"]);
    }
    let row = |row: &EventRow| {
        let mut cells = vec![
            Cell::text(row.group_key.as_ref()),
            Cell::text(row.label.as_ref()),
            Cell::number(row.events),
            Cell::number(row.judged),
            Cell::number(row.duplicates),
            Cell::number(row.ours),
            Cell::number(row.known_internally),
            Cell::number(row.already_fixed),
        ];
        if with_origin {
            cells.extend([
                Cell::number(row.found_by_staff),
                Cell::number(row.found_by_us),
                Cell::share(row.found_by_us, row.ours),
            ]);
        }
        cells
    };
    Table { head, rows: rows.iter().map(row).collect() }
}

/// Times.
pub fn times(rows: &[(TimeMeasure, TimeRow)]) -> Table {
    let row = |(measure, row): &(TimeMeasure, TimeRow)| {
        vec![
            Cell::text(row.group_key.as_ref()),
            Cell::text(row.label.as_ref()),
            Cell::Plain(measure.to_string()),
            Cell::number(row.count),
            Cell::number(row.median),
            Cell::number(row.p90),
        ]
    };
    Table {
        head: vec!["group", "name", "measure", "count", "medianSeconds", "p90Seconds"],
        rows: rows.iter().map(row).collect(),
    }
}

/// Deadlines.
pub fn deadlines(rows: &[DeadlineRow]) -> Table {
    let row = |row: &DeadlineRow| {
        vec![
            Cell::text(row.group_key.as_ref()),
            Cell::text(row.label.as_ref()),
            Cell::Plain(row.kind.to_string()),
            Cell::Plain(row.regime.to_string()),
            Cell::number(row.met),
            Cell::number(row.breached),
            Cell::number(row.met_late),
            Cell::number(row.overdue),
            Cell::share(row.met, row.met + row.breached),
        ]
    };
    Table {
        head: vec![
            "group",
            "name",
            "kind",
            "regime",
            "metInTime",
            "breached",
            "metLate",
            "stillOpen",
            "metInTimePerCent",
        ],
        rows: rows.iter().map(row).collect(),
    }
}

/// Payouts.
///
/// # Errors
/// When an amount is in no currency, which no command writes.
pub fn payouts(rows: &[PayoutRow]) -> Result<Table> {
    let row = |row: &PayoutRow| {
        Ok(vec![
            Cell::text(row.group_key.as_ref()),
            Cell::text(row.label.as_ref()),
            Cell::Plain(row.currency.clone()),
            Cell::Plain(row.kind.to_string()),
            Cell::Plain(row.stage.clone()),
            Cell::number(row.count),
            Cell::Plain(amount(row.amount, &row.currency)?),
        ])
    };
    Ok(Table {
        head: vec!["group", "name", "currency", "kind", "stage", "count", "amount"],
        rows: rows.iter().map(row).collect::<Result<_>>()?,
    })
}

/// A board. Its file may go on to others, so it has the names of those alone who chose to be named.
pub fn board(board: &Board) -> Table {
    let number =
        |number: Option<i64>| Cell::Plain(number.map(|number| number.to_string()).unwrap_or_default());
    let rows = board.places.iter().map(|place| {
        vec![
            Cell::number(place.place),
            Cell::text(place.name.as_ref()),
            number(place.accepted),
            number(place.points),
        ]
    });
    Table { head: vec!["place", "name", "accepted", "points"], rows: rows.collect() }
}

impl Table {
    /// The table as CSV (RFC 4180, UTF-8 without a mark). A text that a spreadsheet would take for a formula has an
    /// apostrophe before it.
    ///
    /// # Errors
    /// Of the writer.
    pub fn csv(&self) -> Result<String> {
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        writer.write_record(&self.head).map_err(anyhow::Error::from)?;
        for row in &self.rows {
            let cells = row.iter().map(|cell| match cell {
                Cell::Text(text) => guarded(text),
                Cell::Plain(text) => text.clone(),
            });
            writer.write_record(cells).map_err(anyhow::Error::from)?;
        }
        let bytes = writer.into_inner().map_err(|error| anyhow::anyhow!("{error}"))?;
        String::from_utf8(bytes).map_err(|error| Error::Internal(error.into()))
    }
}

/// What begins so is a formula to one spreadsheet or another, also in full-width forms.
fn guarded(text: &str) -> String {
    let formula = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    if text.starts_with(formula) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_a_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"] {
            assert_eq!(guarded(text), format!("'{text}"));
        }
        assert_eq!(guarded("a=1"), "a=1");
        assert_eq!(guarded(""), "");
    }

    #[test]
    fn csv_is_quoted_as_rfc_4180_says() {
        let row = EventRow {
            group_key: Some("=cmd()".to_owned()),
            label: Some("网关 \"edge\", 二代\nx".to_owned()),
            events: 4,
            judged: 4,
            duplicates: 1,
            ours: 3,
            found_by_us: 1,
            ..EventRow::default()
        };
        assert_eq!(
            events(&[row], true).csv().unwrap(),
            "group,name,events,judged,duplicates,vulnerabilities,knownInternally,alreadyFixed,foundByStaff,foundByUs,foundByUsPerCent\r\n\
             '=cmd(),\"网关 \"\"edge\"\", 二代\nx\",4,4,1,3,0,0,0,1,33.3\r\n"
        );
    }

    #[test]
    fn amounts_are_of_their_currency() {
        assert_eq!(amount(10_005, "CNY").unwrap(), "100.05");
        assert_eq!(amount(10_005, "JPY").unwrap(), "10005");
        assert_eq!(amount(40, "POINTS").unwrap(), "40");
    }
}
