//! The fields of one CNVD record, and the report they make.

use crate::intake::import::field_text::FieldText;
use crate::intake::import::interpret::{long_number, one_line, too_long};
use crate::intake::import::{
    FIELD_LIMIT, ImportedReport, IndicatorKind, Item, RECORD_LIMIT, RefusedRecord, values,
};

use super::RECORD;

/// Fields that hold one text and no elements.
const SINGLE: [&str; 8] =
    ["number", "title", "serverity", "severity", "isEvent", "submitTime", "openTime", "discovererName"];

/// What a field counts beside its characters, so that the number of fields is bounded too.
const FIELD_COST: usize = 512;

/// A record while it is read.
pub(super) struct RawRecord {
    line: u64,
    /// Path and text, in the file's order.
    fields: Vec<(String, String)>,
    size: usize,
    removed: usize,
    refusal: Option<(String, String)>,
}

impl RawRecord {
    pub(super) fn new(line: u64) -> Self {
        Self { line, fields: Vec::new(), size: 0, removed: 0, refusal: None }
    }

    /// Refuses the record for the first reason given, and drops what it held but for its number.
    pub(super) fn refuse(&mut self, field: &str, reason: String) {
        if self.refusal.is_none() {
            self.refusal = Some((field.to_owned(), reason));
            self.fields.retain(|(name, _)| name == "number");
        }
    }

    /// Refuses an element where only text belongs.
    pub(super) fn check_nesting(&mut self, path: &str, child: &str) {
        if child == RECORD {
            self.refuse(child, "a record inside a record; close the first one before it".to_owned());
        } else if SINGLE.contains(&path) {
            self.refuse(path, format!("holds an element <{child}> where only text belongs"));
        }
    }

    /// Adds the text of the element at `path`; a blank one only if `keep_blank`.
    pub(super) fn add_text(&mut self, path: &str, text: FieldText, keep_blank: bool) {
        if text.is_blank() && !keep_blank {
            self.removed += text.removed;
            return;
        }
        let name = if path.is_empty() { RECORD } else { path };
        self.add(name, text);
    }

    /// Adds the attributes of the element at `path`, as `path/@name`.
    pub(super) fn add_attributes(&mut self, path: &str, attributes: Vec<(String, FieldText)>) {
        let separator = if path.is_empty() { "" } else { "/" };
        for (name, value) in attributes {
            self.add(&format!("{path}{separator}@{name}"), value);
        }
    }

    fn add(&mut self, name: &str, text: FieldText) {
        if self.refusal.is_some() {
            return;
        }
        self.removed += text.removed;
        if text.over {
            return self.refuse(name, format!("is longer than {FIELD_LIMIT} bytes; shorten it or attach it"));
        }
        if let Some(reference) = text.bad_reference {
            let reason = format!("`{reference}` stands for no character; write `&amp;` for an ampersand");
            return self.refuse(name, reason);
        }
        let value = text.into_string();
        self.size += name.len() + value.len() + FIELD_COST;
        if self.size > RECORD_LIMIT {
            return self
                .refuse(name, format!("the record exceeds {RECORD_LIMIT} bytes; split or shorten it"));
        }
        self.fields.push((name.to_owned(), value));
    }

    /// The first value of a field that is not blank, trimmed.
    fn first(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .filter(|(field, _)| field == name)
            .map(|(_, value)| value.trim())
            .find(|value| !value.is_empty())
    }

    /// The report, or the reason why there is none.
    pub(super) fn into_item(mut self) -> Item {
        let number = self.first("number").map(one_line);
        let title = self.first("title").map(one_line);
        let missing = "is missing or empty; every record needs it";
        if number.is_none() {
            self.refuse("number", missing.to_owned());
        } else if self.fields.iter().any(|(name, value)| name == "number" && Some(one_line(value)) != number)
        {
            self.refuse("number", "is given twice with different values; keep one".to_owned());
        } else if title.is_none() {
            self.refuse("title", missing.to_owned());
        } else if number.as_deref().is_some_and(too_long) {
            self.refuse("number", long_number());
        }
        if let Some((field, reason)) = self.refusal {
            return Item::Refused(RefusedRecord { line: self.line, number, field, reason });
        }
        let mut report = ImportedReport {
            line: self.line,
            number: number.unwrap_or_default(),
            title: title.unwrap_or_default(),
            ..ImportedReport::default()
        };
        if let [(kind, own)] = values::numbers_in(&report.number).as_slice() {
            report.add_indicator(*kind, own.as_str());
        }
        for (_, description) in self.fields.iter().filter(|(name, _)| name == "description") {
            report.add_section(None, description);
        }
        for (name, value) in &self.fields {
            self.interpret(&mut report, name, value);
        }
        report.finish(self.removed);
        report.source = self.fields;
        Item::Report(Box::new(report))
    }

    fn interpret(&self, report: &mut ImportedReport, name: &str, value: &str) {
        if SINGLE.contains(&name) && !value.trim().is_empty() && Some(value.trim()) != self.first(name) {
            return report.note(name, value, "was left out: the field came before with another value");
        }
        match name {
            "number" | "title" | "description" => {}
            "serverity" | "severity" => report.read_severity(name, value),
            "isEvent" => report.read_kind(name, value),
            "submitTime" => report.received = report.read_moment(name, value),
            "openTime" => report.published = report.read_moment(name, value),
            "discovererName" => {
                report.reporter_name = Some(one_line(value)).filter(|reporter| !reporter.is_empty());
            }
            "products/product" => report.add_product(value),
            "cves/cve/cveNumber" => report.read_numbers(name, value),
            "cves/cve/cveUrl" => report.read_links(value),
            "bids/bid/bidNumber" => {
                for number in value.split_whitespace() {
                    report.add_indicator(IndicatorKind::Bugtraq, number);
                }
            }
            "referenceLink" => {
                report.read_links(value);
                report.add_section(Some("参考链接："), value);
            }
            "formalWay" => report.add_section(Some("解决方案："), value),
            "patchName" => report.add_section(Some("补丁："), value),
            "patchDescription" => report.add_section(Some("补丁说明："), value),
            other => report.add_section(Some(&format!("{other}：")), value),
        }
    }
}
