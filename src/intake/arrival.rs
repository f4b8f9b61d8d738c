//! The rows that an arrival becomes, whether it is received, split off or imported.

use chrono::{DateTime, Utc};
use entity::vocabulary::{IndicatorKind, IndicatorSource, NoticeType, Origin, Severity};
use entity::{channel, event, report, report_version, reporter};

use super::rules;
use crate::app::App;
use crate::auth::visibility::{AccessFacts, regrant};
use crate::deadline::Clocks;
use crate::duplicate;
use crate::error::Result;
use crate::event as events;
use crate::indicator::rules::found;
use crate::outbox::{ChangeSet, Opaque, message};
use crate::search::{self, fields::Said};

/// Title and text as received, with the fields they came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) title: String,
    pub(super) text: String,
    pub(super) source: serde_json::Value,
    pub(super) hash: Vec<u8>,
}

impl Content {
    pub(super) fn new(title: String, text: String, source: serde_json::Value) -> Self {
        let hash = rules::content_hash(&title, &text, &source);
        Self { title, text, source, hash }
    }
}

/// What comes with an arrival beside its words, written in the same change.
pub trait Enclosed: std::fmt::Debug + Sync {
    /// SHA-256 of each file that comes with it.
    fn digests(&self) -> Vec<Vec<u8>>;

    /// Writes it as children of `report`, before the report's event is.
    fn write(&self, app: &App, changes: &mut ChangeSet, report: &report::Model);
}

/// One arrival that is not known yet.
#[derive(Clone, Debug)]
pub(super) struct Arrival<'a> {
    pub(super) channel: &'a channel::Model,
    pub(super) number: Option<String>,
    pub(super) identity_key: String,
    pub(super) reporter: Option<&'a reporter::Model>,
    pub(super) origin: Origin,
    pub(super) received_at: DateTime<Utc>,
    /// Handled before it was recorded here: no obligation, no message.
    pub(super) history: bool,
    pub(super) severity: Option<Severity>,
    /// What the database that sent it calls the vulnerability.
    pub(super) notice_type: Option<NoticeType>,
    /// The whole that this is part of, with its number.
    pub(super) part: Option<(uuid::Uuid, i32)>,
    /// In the order of arrival, at least one.
    pub(super) contents: Vec<Content>,
    pub(super) indicators: Indicated,
    /// What comes with it.
    pub(super) enclosed: Option<&'a dyn Enclosed>,
}

impl Arrival<'_> {
    /// Writes the report with its versions and indicators as children of `event`.
    pub(super) fn record(&self, app: &App, changes: &mut ChangeSet, event: &event::Model) -> report::Model {
        let row = report::Model {
            id: app.ids.next(),
            event_id: event.id,
            channel_id: self.channel.id,
            channel_number: self.number.clone(),
            identity_key: self.identity_key.clone(),
            reporter_id: self.reporter.map(|reporter| reporter.id),
            origin: self.origin,
            received_at: self.received_at,
            recorded_at: changes.at(),
            recorded_by: changes.actor().to_owned(),
            current_version: 0,
            history: self.history,
            part_of: self.part.map(|(whole, _)| whole),
            part_number: self.part.map(|(_, number)| number),
            withdrawn_at: None,
            withdrawal_reason: None,
            split: false,
            severity: self.severity,
            notice_type: self.notice_type,
        };
        let versions = version_rows(app, changes, &row, &self.contents, self.received_at);
        let row = report::Model { current_version: last_number(&versions), ..row };
        changes.insert(&row);
        versions.iter().for_each(|version| changes.insert(version));
        self.indicators.write(app, changes, &row);
        if let Some(enclosed) = self.enclosed {
            enclosed.write(app, changes, &row);
        }
        let files = self.enclosed.map(Enclosed::digests).unwrap_or_default();
        index(app, changes, &row, &versions, &self.indicators, &files);
        search::index_report(changes, &row, &said(&versions, &self.indicators));
        if !self.history {
            tell_received(app, changes, &row);
        }
        row
    }

    /// Writes the report on `event`, which is new, with the first status, the first grants and the first clocks.
    ///
    /// # Errors
    /// Of the database.
    pub(super) async fn open(
        &self,
        app: &App,
        changes: &mut ChangeSet,
        mut event: event::Model,
        members: Vec<entity::team_member::Model>,
    ) -> Result<report::Model> {
        events::record_first_status(app, changes, &event);
        for member in &members {
            changes.insert(member);
            crate::team::tell_of_member(app, changes, member);
        }
        let report = self.record(app, changes, &event);
        let event_id = event.id;
        let mut access = AccessFacts::new(event.clone());
        access.members = members;
        access.reports.push(self.access(&report));
        regrant(changes, None, &access);
        // A part is answered with its whole, and history was answered before it came here.
        if !self.history && self.part.is_none() {
            let mut clocks = Clocks::new(app, &event).await?;
            clocks.facts.arrived(report.clone(), self.channel);
            clocks.replan(app, changes, &mut event)?;
        }
        changes.create(app, event, Some(event_id));
        Ok(report)
    }

    /// What access to the report's public side follows from.
    pub(super) fn access(&self, report: &report::Model) -> (report::Model, String, Option<String>) {
        let subject = self.reporter.and_then(|reporter| reporter.subject.clone());
        (report.clone(), self.channel.key.clone(), subject)
    }
}

/// Adds what arrived later to a report, with the indicators that are new and what comes with it; the caller revises the
/// event.
pub(super) async fn add_versions(
    app: &App,
    changes: &mut ChangeSet,
    report: &report::Model,
    contents: &[Content],
    received_at: DateTime<Utc>,
    indicators: &Indicated,
    enclosed: Option<&dyn Enclosed>,
) -> Result<report::Model> {
    let after = with_versions(app, changes, report, contents, received_at, indicators, enclosed).await?;
    changes.update(report, &after);
    if !report.history {
        let told = message::ReportUpdated { report: Opaque::new(report.id), version: after.current_version };
        changes.message(app, Some(report.event_id), &told);
    }
    Ok(after)
}

/// Makes a report that was history one to be handled, with what arrived for it since, if anything did.
pub(super) async fn open_history(
    app: &App,
    changes: &mut ChangeSet,
    report: &report::Model,
    contents: &[Content],
    received_at: DateTime<Utc>,
    indicators: &Indicated,
) -> Result<report::Model> {
    let after = with_versions(app, changes, report, contents, received_at, indicators, None).await?;
    let after = report::Model { history: false, ..after };
    changes.update(report, &after);
    tell_received(app, changes, &after);
    Ok(after)
}

fn tell_received(app: &App, changes: &mut ChangeSet, report: &report::Model) {
    let told =
        message::ReportReceived { report: Opaque::new(report.id), channel: Opaque::new(report.channel_id) };
    changes.message(app, Some(report.event_id), &told);
}

/// Writes further versions of a report, with the indicators that are new, and answers the report as it then is.
async fn with_versions(
    app: &App,
    changes: &mut ChangeSet,
    report: &report::Model,
    contents: &[Content],
    received_at: DateTime<Utc>,
    indicators: &Indicated,
    enclosed: Option<&dyn Enclosed>,
) -> Result<report::Model> {
    let versions = version_rows(app, changes, report, contents, received_at);
    versions.iter().for_each(|version| changes.insert(version));
    indicators.write(app, changes, report);
    if let Some(enclosed) = enclosed {
        enclosed.write(app, changes, report);
    }
    let more = |material: &mut duplicate::Material| {
        material.versions.extend_from_slice(&versions);
        material.indicators.extend(indicators.all().cloned());
        material.files.extend(enclosed.map(Enclosed::digests).unwrap_or_default());
    };
    duplicate::index_anew(app, changes, report, more).await?;
    let new = said(&versions, indicators);
    let more = |said: &mut Said| {
        said.versions.extend(new.versions);
        said.given.extend(new.given);
    };
    search::index_report_anew(app, changes, report, more).await?;
    let current_version = versions.last().map_or(report.current_version, |version| version.number);
    Ok(report::Model { current_version, ..report.clone() })
}

/// What an arrival identifies: what was given with it, and what its text says beside that.
#[derive(Clone, Debug, Default)]
pub(super) struct Indicated {
    given: Vec<(IndicatorKind, String)>,
    found: Vec<(IndicatorKind, String)>,
}

impl Indicated {
    /// What is new beside `known`, and at most `most` of what the newest of `contents` says. What was dismissed is known.
    pub(super) fn new(
        mut given: Vec<(IndicatorKind, String)>,
        contents: &[Content],
        known: &[(IndicatorKind, String)],
        most: usize,
    ) -> Self {
        given.retain(|indicator| !known.contains(indicator));
        let newest = contents.last();
        let mut found = newest.map(|content| found(&content.title, &content.text)).unwrap_or_default();
        found.retain(|indicator| !known.contains(indicator) && !given.contains(indicator));
        found.truncate(most);
        Self { given, found }
    }

    /// What it identifies beside what was known.
    pub(super) fn all(&self) -> impl Iterator<Item = &(IndicatorKind, String)> {
        self.given.iter().chain(&self.found)
    }

    /// What was given.
    pub(super) fn given(&self) -> impl Iterator<Item = &(IndicatorKind, String)> {
        self.given.iter()
    }

    pub(super) fn write(&self, app: &App, changes: &mut ChangeSet, report: &report::Model) {
        let row = |(kind, value): &(IndicatorKind, String), source| {
            crate::indicator::row(app, report, *kind, value.clone(), source)
        };
        for given in &self.given {
            changes.insert(&row(given, IndicatorSource::Given));
        }
        // What a text says follows from it, and the text is in the trail.
        for found in &self.found {
            changes.write_row(&row(found, IndicatorSource::Extracted));
        }
    }
}

/// What these versions say, as far as it is searched.
fn said(versions: &[report_version::Model], indicators: &Indicated) -> Said {
    let version = |row: &report_version::Model| (row.number, row.title.clone(), row.text.clone());
    let mut said = Said {
        versions: versions.iter().map(version).collect(),
        given: indicators.given().map(|(_, value)| value.clone()).collect(),
        added: Vec::new(),
    };
    said.keep_newest();
    said
}

/// Lets a report be found by what these versions say.
fn index(
    app: &App,
    changes: &mut ChangeSet,
    report: &report::Model,
    versions: &[report_version::Model],
    indicators: &Indicated,
    files: &[Vec<u8>],
) {
    let indicators: Vec<_> = indicators.all().cloned().collect();
    for version in versions {
        let said = duplicate::features::Said {
            title: &version.title,
            text: &version.text,
            indicators: &indicators,
            number: report.channel_number.as_deref(),
            files,
        };
        duplicate::index(app, changes, report.id, version.number, &said);
    }
}

fn version_rows(
    app: &App,
    changes: &ChangeSet,
    report: &report::Model,
    contents: &[Content],
    received_at: DateTime<Utc>,
) -> Vec<report_version::Model> {
    let numbers = report.current_version + 1..;
    let rows = numbers.zip(contents).map(|(number, content)| report_version::Model {
        id: app.ids.next(),
        report_id: report.id,
        number,
        title: content.title.clone(),
        text: content.text.clone(),
        content_hash: content.hash.clone(),
        source: content.source.clone(),
        received_at,
        recorded_by: changes.actor().to_owned(),
    });
    rows.collect()
}

fn last_number(versions: &[report_version::Model]) -> i32 {
    versions.last().map_or(0, |version| version.number)
}
