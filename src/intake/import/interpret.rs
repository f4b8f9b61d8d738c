//! Field values as received into a report's fields. What cannot be read becomes a note, never a refusal.

use super::{Amount, ImportedReport, Indicator, IndicatorKind, Moment, values};
use crate::event::INDEXED;

/// The most products and the most indicators that a report lists; what exceeds them stays in its source.
const LIST_LIMIT: usize = 1000;

/// The most notes kept on a report.
const NOTE_LIMIT: usize = 100;

/// How much of an odd value a note quotes, in characters.
const QUOTED: usize = 80;

impl ImportedReport {
    /// Says what is odd about the value of `field`.
    pub(super) fn note(&mut self, field: &str, value: &str, reason: &str) {
        if self.notes.len() >= NOTE_LIMIT {
            return;
        }
        let mut quoted: String = value.chars().take(QUOTED).collect();
        if quoted.len() < value.len() {
            quoted.push('…');
        }
        self.notes.push(format!("{field}: `{quoted}` {reason}"));
    }

    /// Ends the reading of a record: notes the control characters removed, cuts lists to their limit and leaves out
    /// what is too long to be a name or a number, which stays in its source.
    pub(super) fn finish(&mut self, removed: usize) {
        let mut long: Vec<String> = Vec::new();
        long.extend(self.reporter_name.take_if(|name| too_long(name)));
        long.extend(self.weakness.take_if(|name| too_long(name)));
        long.extend(self.products.extract_if(.., |name| too_long(name)));
        let indicators = self.indicators.extract_if(.., |indicator| too_long(&indicator.value));
        long.extend(indicators.map(|indicator| indicator.value));
        for value in long {
            self.note("names", &value, &format!("was left out: it is longer than {INDEXED} characters"));
        }
        if removed > 0 {
            self.notes.push(format!("control characters removed: {removed}"));
        }
        // Both lists may hold one more than the limit, which tells that there was more.
        if self.products.len() > LIST_LIMIT || self.indicators.len() > LIST_LIMIT {
            self.products.truncate(LIST_LIMIT);
            self.indicators.truncate(LIST_LIMIT);
            self.notes.push(format!("only the first {LIST_LIMIT} products and indicators were taken"));
        }
    }

    /// A moment; none for a blank value.
    pub(super) fn read_moment(&mut self, field: &str, value: &str) -> Option<Moment> {
        let moment = values::moment(value);
        if moment.is_none() && !value.trim().is_empty() {
            self.note(field, value, "is not a date");
        }
        moment
    }

    /// The channel's rating.
    pub(super) fn read_severity(&mut self, field: &str, value: &str) {
        self.severity = values::severity(value);
        if self.severity.is_none() && !value.trim().is_empty() {
            self.note(field, value, "is not a known severity");
        }
    }

    /// CNVD's kind of vulnerability.
    pub(super) fn read_kind(&mut self, field: &str, value: &str) {
        self.kind = values::vulnerability_kind(value);
        if self.kind.is_none() && !value.trim().is_empty() {
            self.note(field, value, "is not a known kind of vulnerability");
        }
    }

    /// What the channel paid.
    pub(super) fn read_bounty(&mut self, field: &str, value: &str, currency: &str) {
        let value = value.trim();
        if value.is_empty() {
            return;
        }
        match Amount::parse(value, currency) {
            Ok(amount) => self.bounty = Some(amount).filter(|amount| amount.minor_units != 0),
            Err(error) => self.note(field, value, &format!("was not taken as the bounty: {error}")),
        }
    }

    /// Numbers of public databases.
    pub(super) fn read_numbers(&mut self, field: &str, value: &str) {
        let numbers = values::numbers_in(value);
        if numbers.is_empty() && !value.trim().is_empty() {
            self.note(field, value, "is not a CVE, CNVD or CNNVD number");
        }
        for (kind, number) in numbers {
            self.add_indicator(kind, number);
        }
    }

    /// Links.
    pub(super) fn read_links(&mut self, value: &str) {
        for link in values::links_in(value) {
            self.add_indicator(IndicatorKind::Url, link);
        }
    }

    /// A product, unless it is blank or there already.
    pub(super) fn add_product(&mut self, name: &str) {
        let name = name.trim();
        if name.is_empty()
            || self.products.len() > LIST_LIMIT
            || self.products.iter().any(|known| known == name)
        {
            return;
        }
        self.products.push(name.to_owned());
    }

    /// An indicator, unless it is there already.
    pub(super) fn add_indicator(&mut self, kind: IndicatorKind, value: impl Into<String>) {
        if self.indicators.len() > LIST_LIMIT {
            return;
        }
        let indicator = Indicator { kind, value: value.into() };
        if !self.indicators.contains(&indicator) {
            self.indicators.push(indicator);
        }
    }

    /// A part of the text, under a heading on its own line if it has one.
    pub(super) fn add_section(&mut self, heading: Option<&str>, value: &str) {
        let value = value.trim();
        if value.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        if let Some(heading) = heading {
            self.text.push_str(heading);
            self.text.push('\n');
        }
        self.text.push_str(value);
    }
}

/// Whether a text is too long to find reports by it.
pub(super) fn too_long(text: &str) -> bool {
    text.chars().nth(INDEXED).is_some()
}

/// Why a record is refused whose number is.
pub(super) fn long_number() -> String {
    format!("is longer than {INDEXED} characters, so it is no number; check the column")
}

/// A title on one line.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
