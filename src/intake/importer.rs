//! Recording a file's records as reports, each on an event of its own.
//!
//! Records are written in batches: one look at what is known, one change set, one commit. While the database takes one
//! batch, the next is read and decided ([`batches`]). A file may be imported again: what is known by number and content
//! is left alone, other content of a known number becomes a version. By default records are history: closed events
//! without obligation or message. A record that comes as a notice later opens what was history: its event is analysed,
//! and its channel owed what it asks for.

mod batch;
mod batches;
mod plan;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use entity::channel;
use entity::texts::Texts;
use entity::vocabulary::ChannelKind;
use sea_orm::DatabaseBackend;

use self::batches::Batches;
use super::import::{FileError, ImportedReport, Item};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Result};
use crate::outbox::{ChangeSet, retrying};

/// What one batch holds at most.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// Records of history.
    records: usize,
    /// Notices: with what is owed for it and its clocks, each has twice the values.
    notices: usize,
    /// Indicators.
    indicators: usize,
}

/// PostgreSQL writes a batch in one statement, which takes 65,535 values: each record of history has some 90 of them, and 8 for
/// each indicator.
const IN_ONE_STATEMENT: Bounds = Bounds { records: 200, notices: 100, indicators: 3_000 };
/// On SQLite a batch touches most pages of the segment that its reports are found by, however many they are: the more at
/// once, the less a record costs. Other writers wait for it a quarter of a second.
const IN_ONE_TRANSACTION: Bounds = Bounds { records: 600, notices: 300, indicators: 9_000 };
impl Bounds {
    fn of(backend: DatabaseBackend) -> Self {
        match backend {
            DatabaseBackend::Postgres => IN_ONE_STATEMENT,
            _ => IN_ONE_TRANSACTION,
        }
    }
}

/// Most indicators that are found in one record's text.
const MOST_FOUND: usize = 8;
/// Bytes of source in one batch.
const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// Refusals and notes that a summary lists; all are counted.
const LISTED: usize = 100;

/// The channel that records come from, made when there is none with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelSpec {
    /// Stable short name.
    pub key: String,
    /// Name shown to people.
    pub name: String,
    /// What it asks for follows from its kind.
    pub kind: ChannelKind,
    /// ISO 3166 country code, or EU.
    pub jurisdiction: String,
    /// Whether it is outside the company's own jurisdiction.
    pub abroad: bool,
    /// BCP 47 tag of its replies.
    pub language: String,
    /// Where its days begin.
    pub time_zone: Tz,
    /// Whether each of its reports opens an obligation to reply.
    pub reply_required: bool,
}

impl ChannelSpec {
    /// The China National Vulnerability Database.
    pub fn cnvd() -> Self {
        Self {
            key: "cnvd".to_owned(),
            name: "CNVD".to_owned(),
            kind: ChannelKind::NationalDatabase,
            jurisdiction: "CN".to_owned(),
            abroad: false,
            language: "zh-CN".to_owned(),
            time_zone: Tz::Asia__Shanghai,
            reply_required: true,
        }
    }

    /// A bounty platform whose spreadsheet is imported.
    ///
    /// # Errors
    /// BAD_USER_INPUT when `jurisdiction` is no country code.
    pub fn platform(key: &str, jurisdiction: &str, abroad: bool) -> Result<Self> {
        Ok(Self {
            key: key.to_owned(),
            name: key.to_owned(),
            kind: ChannelKind::SrcPlatform,
            jurisdiction: crate::channel::rules::jurisdiction(jurisdiction)?,
            abroad,
            ..Self::cnvd()
        })
    }
}

/// How a file is imported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// As notices that still have to be handled and answered, instead of history.
    pub as_notices: bool,
    /// Count only, write nothing. What the file itself repeats is then kept in memory, as 16 bytes for each number and
    /// each content.
    pub dry_run: bool,
    /// Name of the file, for the audit trail.
    pub file_name: String,
}

/// Something about one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordNote {
    /// The line on which the record starts, counted from 1.
    pub line: u64,
    /// The record's number, where it was read.
    pub number: Option<String>,
    /// What is odd or wrong.
    pub text: String,
}

/// Remarks about records: all are counted, the first hundred are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remarks {
    /// How many there are.
    pub count: u64,
    /// The first of them.
    pub first: Vec<RecordNote>,
}

impl Remarks {
    fn add(&mut self, line: u64, number: Option<&str>, text: String) {
        self.count += 1;
        if self.first.len() < LISTED {
            self.first.push(RecordNote { line, number: number.map(str::to_owned), text });
        }
    }
}

/// What became of a file. The records of batches before an error stand.
#[derive(Debug, Default)]
pub struct Summary {
    /// New reports.
    pub received: u64,
    /// Records whose content was known.
    pub already_known: u64,
    /// Records that became a version of a known report.
    pub updated: u64,
    /// Known reports that were history and are to be handled now.
    pub opened: u64,
    /// Records that were left out.
    pub refused: Remarks,
    /// Odd values of records that were accepted.
    pub notes: Remarks,
    /// Why the file could not be read to its end.
    pub stopped: Option<FileError>,
}

/// Records `items` of `spec`'s channel; calls `progress` after each batch.
///
/// # Errors
/// By policy; of the database. Trouble in the file is in the summary.
pub async fn import(
    app: &App,
    actor: &Actor,
    spec: &ChannelSpec,
    items: impl Iterator<Item = std::result::Result<Item, FileError>>,
    options: &ImportOptions,
    mut progress: impl FnMut(&Summary),
) -> Result<Summary> {
    require(actor, Action::ImportReports)?;
    let channel = channel(app, actor, spec, options).await?;
    let zone = channel.time_zone.parse().unwrap_or(spec.time_zone);
    let importer = Importer { app, actor, channel, zone, options };
    let bounds = Bounds::of(app.database.backend());
    let mut batches = Batches::new(&importer);
    let mut summary = Summary::default();
    let mut batch = Vec::new();
    let mut weight = Weight::default();
    for item in items {
        match item {
            Ok(Item::Report(record)) => {
                for note in &record.notes {
                    summary.notes.add(record.line, Some(&record.number), note.clone());
                }
                weight.add(&record);
                batch.push(*record);
            }
            Ok(Item::Refused(refused)) => {
                let text = format!("{}: {}", refused.field, refused.reason);
                summary.refused.add(refused.line, refused.number.as_deref(), text);
            }
            Err(error) => {
                summary.stopped = Some(error);
                break;
            }
        }
        if weight.is_full(bounds, options.as_notices) {
            batches.take(std::mem::take(&mut batch), &mut summary).await?;
            progress(&summary);
            weight = Weight::default();
        }
    }
    batches.take(batch, &mut summary).await?;
    batches.end(&mut summary).await?;
    progress(&summary);
    Ok(summary)
}

/// How much a batch holds.
#[derive(Default)]
struct Weight {
    records: usize,
    indicators: usize,
    bytes: usize,
}

impl Weight {
    fn add(&mut self, record: &ImportedReport) {
        self.records += 1;
        self.indicators += record.indicators.len() + record.products.len() + MOST_FOUND;
        self.bytes += record.source.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
    }

    fn is_full(&self, bounds: Bounds, as_notices: bool) -> bool {
        let records = if as_notices { bounds.notices } else { bounds.records };
        self.records >= records || self.indicators >= bounds.indicators || self.bytes >= BATCH_BYTES
    }
}

struct Importer<'a> {
    app: &'a App,
    actor: &'a Actor,
    channel: channel::Model,
    zone: Tz,
    options: &'a ImportOptions,
}

impl Importer<'_> {
    fn received_at(&self, record: &ImportedReport, now: DateTime<Utc>) -> DateTime<Utc> {
        use super::import::Moment;
        use chrono::SubsecRound;
        match record.received.or(record.published) {
            Some(Moment::Day(day)) => super::rules::start_of_day(self.zone, day),
            Some(Moment::Instant(at)) => at.trunc_subsecs(6),
            None => now,
        }
    }
}

/// The channel with the key of `spec`. A dry run without one works with what would be made.
async fn channel(
    app: &App,
    actor: &Actor,
    spec: &ChannelSpec,
    options: &ImportOptions,
) -> Result<channel::Model> {
    retrying(async || {
        if let Some(channel) = crate::channel::store::by_key(app, &spec.key).await? {
            if channel.active {
                return Ok(channel);
            }
            return Err(Error::bad_input("channel", "it takes no new reports: have it activated first"));
        }
        let mut changes = ChangeSet::new(app, actor, Action::ImportReports);
        let row = new_channel(app, &changes, spec);
        if options.dry_run {
            return Ok(row);
        }
        let row = changes.create(app, row, None);
        app.commit(changes).await?;
        Ok(row)
    })
    .await
}

fn new_channel(app: &App, changes: &ChangeSet, spec: &ChannelSpec) -> channel::Model {
    channel::Model {
        id: app.ids.next(),
        key: spec.key.clone(),
        name: spec.name.clone(),
        kind: spec.kind,
        jurisdiction: spec.jurisdiction.clone(),
        abroad: spec.abroad,
        reply_required: spec.reply_required,
        time_zone: spec.time_zone.name().to_owned(),
        calendar_id: None,
        language: spec.language.clone(),
        contacts: Texts::default(),
        active: true,
        acknowledgement: entity::vocabulary::Acknowledgement::ByHand,
        replan_after: None,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: changes.at(),
        changed_at: changes.at(),
    }
}
