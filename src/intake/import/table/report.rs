//! One record of a table, and the report it makes.

use std::io::BufRead;

use crate::intake::import::interpret::{long_number, one_line, too_long};
use crate::intake::import::mapping::Field;
use crate::intake::import::{ImportedReport, Item, RefusedRecord, values};

use super::TableReader;
use super::records::Record;

impl<R: BufRead> TableReader<R> {
    /// The report, or the reason why there is none.
    pub(super) fn item(&self, mut record: Record) -> Item {
        let number = self.single(&record, Field::Number).map(one_line);
        let title = self.single(&record, Field::Title).map(one_line);
        let missing = "is empty; every record needs it".to_owned();
        let refusal = if let Some((position, reason)) = record.refusal.take() {
            Some((self.header.get(position).map_or("columns", String::as_str), reason))
        } else if record.fields.len() != self.header.len() {
            let (found, expected) = (record.fields.len(), self.header.len());
            let reason =
                format!("{found} instead of {expected}; quote fields that hold the delimiter or a line end");
            Some(("columns", reason))
        } else if number.is_none() {
            Some((self.column(Field::Number), missing))
        } else if title.is_none() {
            Some((self.column(Field::Title), missing))
        } else if number.as_deref().is_some_and(too_long) {
            Some((self.column(Field::Number), long_number()))
        } else {
            None
        };
        if let Some((field, reason)) = refusal {
            return Item::Refused(RefusedRecord {
                line: record.line,
                number,
                field: field.to_owned(),
                reason,
            });
        }
        let mut report = ImportedReport {
            line: record.line,
            number: number.unwrap_or_default(),
            title: title.unwrap_or_default(),
            ..ImportedReport::default()
        };
        if let [(kind, own)] = values::numbers_in(&report.number).as_slice() {
            report.add_indicator(*kind, own.as_str());
        }
        for (field, index) in &self.columns {
            self.interpret(&mut report, *field, &self.header[*index], &record.fields[*index], &record);
        }
        report.finish(record.removed);
        report.source = self.header.iter().cloned().zip(record.fields).collect();
        Item::Report(Box::new(report))
    }

    fn interpret(
        &self,
        report: &mut ImportedReport,
        field: Field,
        column: &str,
        value: &str,
        record: &Record,
    ) {
        match field {
            // The currency is read with the bounty.
            Field::Number | Field::Title | Field::Currency => {}
            Field::Text => {
                let several = self.columns.iter().filter(|(field, _)| *field == Field::Text).count() > 1;
                report.add_section(several.then(|| format!("{column}:")).as_deref(), value);
            }
            Field::Reporter => report.reporter_name = Some(one_line(value)).filter(|name| !name.is_empty()),
            Field::ReceivedAt => report.received = report.read_moment(column, value),
            Field::PublishedAt => report.published = report.read_moment(column, value),
            Field::Severity => report.read_severity(column, value),
            Field::Bounty => {
                let currency = self.single(record, Field::Currency).unwrap_or(&self.currency);
                report.read_bounty(column, value, currency);
            }
            Field::Weakness => {
                report.weakness = Some(one_line(value)).filter(|weakness| !weakness.is_empty())
            }
            Field::Product => report.add_product(value),
            Field::Url => report.read_links(value),
            Field::Identifier => report.read_numbers(column, value),
        }
    }

    /// The trimmed value of a field that takes one column; none where it is blank.
    fn single<'a>(&self, record: &'a Record, field: Field) -> Option<&'a str> {
        let (_, index) = self.columns.iter().find(|(mapped, _)| *mapped == field)?;
        record.fields.get(*index).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    fn column(&self, field: Field) -> &str {
        let mapped = self.columns.iter().find(|(mapped, _)| *mapped == field);
        mapped.map_or("columns", |(_, index)| self.header[*index].as_str())
    }
}
