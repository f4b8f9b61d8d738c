//! One batch: what is known of it, and what it writes.

use std::collections::HashMap;

use entity::vocabulary::{ChannelKind, Status, Tlp};
use entity::{event, report, report_version, reporter};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::plan::{Entry, Outcome, Plan, Seen};
use super::{Importer, MOST_FOUND};
use crate::app::App;
use crate::auth::policy::Action;
use crate::database::is_one_of;
use crate::deadline::Clocks;
use crate::error::Result;
use crate::event as events;
use crate::event::rules::Cause;
use crate::intake::arrival::{Arrival, Indicated, add_versions, open_history};
use crate::intake::import::ImportedReport;
use crate::intake::receive::revise_after_arrival;
use crate::intake::{reporters, rules, store};
use crate::outbox::{Bump, ChangeSet};

/// Most indicators of one record; those beyond stay in its source.
const MAX_INDICATORS: usize = 1_000;

/// What the channel knows of the batch's numbers.
pub(super) async fn known(app: &App, channel: Uuid, batch: &[ImportedReport]) -> Result<Seen> {
    let reports = reports(app, channel, batch).await?;
    let keys: HashMap<Uuid, &str> =
        reports.iter().map(|report| (report.id, report.identity_key.as_str())).collect();
    let mut seen = Seen::default();
    reports.iter().for_each(|report| seen.add_report(&report.identity_key, report.history));
    let hashes: Vec<(Uuid, Vec<u8>)> = report_version::Entity::find()
        .select_only()
        .columns([report_version::Column::ReportId, report_version::Column::ContentHash])
        .filter(is_one_of(app.database.backend(), report_version::Column::ReportId, keys.keys().copied()))
        .into_tuple()
        .all(app.database.reader())
        .await?;
    for (report, hash) in hashes {
        if let Some(key) = keys.get(&report) {
            seen.add_content(key, &hash);
        }
    }
    Ok(seen)
}

async fn reports(app: &App, channel: Uuid, batch: &[ImportedReport]) -> Result<Vec<report::Model>> {
    let keys = batch.iter().map(|record| rules::identity_key(Some(&record.number), None, &[]));
    let select = report::Entity::find()
        .filter(report::Column::ChannelId.eq(channel))
        .filter(report::Column::IdentityKey.is_in(keys));
    Ok(select.all(app.database.reader()).await?)
}

/// A batch that is decided, and what it writes.
pub(super) struct Decided {
    /// Writes it; none where all of it is known.
    pub(super) write: Option<BoxFuture<'static, Result<()>>>,
    /// What becomes of its records.
    pub(super) outcome: Outcome,
    /// Reporters that it makes, by name.
    pub(super) made: HashMap<String, reporter::Model>,
}

impl Importer<'_> {
    /// Decides a batch from what is known now, and from the reporters that the batch before it is about to make.
    pub(super) async fn decide(
        &self,
        batch: &[ImportedReport],
        about_to_be: &HashMap<String, reporter::Model>,
    ) -> Result<Decided> {
        let known = known(self.app, self.channel.id, batch).await?;
        let plan = Plan::new(batch, &known, self.options.as_notices);
        let mut decided = Decided { write: None, outcome: plan.outcome(), made: HashMap::new() };
        if plan.0.is_empty() {
            return Ok(decided);
        }
        let reason = format!("import of {}", self.options.file_name);
        let mut changes = ChangeSet::new(self.app, self.actor, Action::ImportReports).because(Some(reason));
        let (old, new): (Vec<_>, Vec<_>) = plan.0.iter().partition(|entry| entry.known);
        self.update(&mut changes, batch, &old).await?;
        decided.made = self.open(&mut changes, &new, about_to_be).await?;
        decided.write = Some(self.app.committing(changes).boxed());
        Ok(decided)
    }

    /// Decides a batch and writes it.
    pub(super) async fn write(&self, batch: &[ImportedReport]) -> Result<Outcome> {
        let decided = self.decide(batch, &HashMap::new()).await?;
        if let Some(write) = decided.write {
            write.await?;
        }
        Ok(decided.outcome)
    }

    /// Adds versions to known reports, opens those that are history no longer, and revises each of their events once.
    async fn update(
        &self,
        changes: &mut ChangeSet,
        batch: &[ImportedReport],
        entries: &[&Entry<'_>],
    ) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let entries: HashMap<&str, &Entry<'_>> =
            entries.iter().map(|entry| (entry.key.as_str(), *entry)).collect();
        let mut by_event: HashMap<Uuid, Vec<(report::Model, &Entry<'_>)>> = HashMap::new();
        for report in reports(self.app, self.channel.id, batch).await? {
            if let Some(entry) = entries.get(report.identity_key.as_str()) {
                by_event.entry(report.event_id).or_default().push((report, entry));
            }
        }
        let now = changes.at();
        for event in store::events(self.app, by_event.keys().copied()).await? {
            let mut opened = Vec::new();
            let mut updated = Vec::new();
            for (report, entry) in by_event.remove(&event.id).unwrap_or_default() {
                let known = store::indicators(self.app, report.id).await?;
                let new = Indicated::new(Vec::new(), &entry.contents, &known, MOST_FOUND);
                if entry.opens {
                    opened.push(open_history(self.app, changes, &report, &entry.contents, now, &new).await?);
                } else {
                    updated.push(
                        add_versions(self.app, changes, &report, &entry.contents, now, &new, None).await?,
                    );
                }
            }
            if opened.is_empty() {
                revise_after_arrival(self.app, changes, &event, &updated).await?;
            } else {
                self.reopen(changes, &event, &opened, &updated).await?;
            }
        }
        Ok(())
    }

    /// Lets an event whose reports were history be handled: it is analysed, and its channels are owed what they ask for.
    async fn reopen(
        &self,
        changes: &mut ChangeSet,
        before: &event::Model,
        opened: &[report::Model],
        updated: &[report::Model],
    ) -> Result<()> {
        let mut after = event::Model { history: false, ..before.clone() };
        if before.history && before.status == Status::Closed {
            let reason = format!("{} came as a notice", self.options.file_name);
            let to = Status::Triaging;
            events::transition(self.app, changes, &mut after, to, Cause::Reopen, Some(&reason))?;
        } else if updated.iter().any(|report| rules::answers_question(before, report)) {
            events::transition(self.app, changes, &mut after, Status::Triaging, Cause::ResumeTriage, None)?;
        }
        let mut clocks = Clocks::load(self.app, before).await?;
        for report in &mut clocks.facts.reports {
            report.history &= opened.iter().all(|row| row.id != report.id);
        }
        clocks.replan(self.app, changes, &mut after)?;
        changes.revise(self.app, before, after, Some(before.id), Bump::Version);
        Ok(())
    }

    /// Opens an event for each new number, and answers the reporters that are made for them.
    async fn open(
        &self,
        changes: &mut ChangeSet,
        entries: &[&Entry<'_>],
        about_to_be: &HashMap<String, reporter::Model>,
    ) -> Result<HashMap<String, reporter::Model>> {
        let known = self.known_reporters(entries).await?;
        let made = self.make_reporters(changes, entries, |name| {
            known.contains_key(name) || about_to_be.contains_key(name)
        });
        let by_name =
            |name: &String| known.get(name).or_else(|| about_to_be.get(name)).or_else(|| made.get(name));
        let history = !self.options.as_notices;
        for entry in entries {
            let record = entry.record;
            let received_at = self.received_at(record, changes.at());
            let reporter = record.reporter_name.as_ref().and_then(by_name);
            let staff = self.channel.kind == ChannelKind::Internal || reporter.is_some_and(|row| row.staff);
            // What a platform told the reporter then is what we told them; a database's rating is its own.
            let told = history && self.channel.kind == ChannelKind::SrcPlatform;
            let mut indicators = rules::indicators(record);
            indicators.truncate(MAX_INDICATORS);
            let indicators = Indicated::new(indicators, &entry.contents, &[], MOST_FOUND);
            let arrival = Arrival {
                channel: &self.channel,
                number: Some(record.number.clone()),
                identity_key: entry.key.clone(),
                reporter,
                origin: rules::origin(staff),
                received_at,
                history,
                severity: record.severity.filter(|_| told).map(rules::severity),
                notice_type: record.kind.map(rules::notice_type),
                part: None,
                contents: entry.contents.clone(),
                indicators,
                enclosed: None,
            };
            let event = self.event(record, received_at, history).await?;
            arrival.open(self.app, changes, event, Vec::new()).await?;
        }
        Ok(made)
    }

    async fn event(
        &self,
        record: &ImportedReport,
        received_at: chrono::DateTime<chrono::Utc>,
        history: bool,
    ) -> Result<event::Model> {
        let event = events::new(self.app, &record.title, received_at, Tlp::Amber).await?;
        if !history {
            return Ok(event);
        }
        Ok(event::Model { status: Status::Closed, history, closed_at: Some(received_at), ..event })
    }

    /// The reporters whom the records name, as far as the channel knows them, by name.
    async fn known_reporters(&self, entries: &[&Entry<'_>]) -> Result<HashMap<String, reporter::Model>> {
        let names = names(entries);
        if names.is_empty() {
            return Ok(HashMap::new());
        }
        let known = store::unlinked_reporters(self.app, self.channel.id, &names).await?;
        Ok(known.into_iter().filter_map(|row| row.name.clone().map(|name| (name, row))).collect())
    }

    /// Makes those who are not known.
    fn make_reporters(
        &self,
        changes: &mut ChangeSet,
        entries: &[&Entry<'_>],
        is_known: impl Fn(&str) -> bool,
    ) -> HashMap<String, reporter::Model> {
        let staff = self.channel.kind == ChannelKind::Internal;
        let mut made = HashMap::new();
        for name in names(entries).into_iter().filter(|name| !is_known(name)) {
            let name = name.to_owned();
            let row = reporters::new_reporter(
                self.app,
                changes,
                &self.channel,
                Some(name.clone()),
                None,
                None,
                staff,
            );
            made.insert(name, changes.create(self.app, row, None));
        }
        made
    }
}

/// The names of the reporters of these records, each once.
fn names<'a>(entries: &[&'a Entry<'_>]) -> Vec<&'a str> {
    let mut names: Vec<&str> =
        entries.iter().filter_map(|entry| entry.record.reporter_name.as_deref()).collect();
    names.sort_unstable();
    names.dedup();
    names
}
