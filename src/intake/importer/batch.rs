//! One batch: what is known of it, and what it writes.

use std::collections::HashMap;

use entity::vocabulary::{ChannelKind, Status, Tlp};
use entity::{event, report, report_version, reporter};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::plan::{Entry, Plan, Seen};
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

impl Importer<'_> {
    /// Decides a batch from what is known now and writes it.
    pub(super) async fn write<'b>(&self, batch: &'b [ImportedReport]) -> Result<Plan<'b>> {
        let known = known(self.app, self.channel.id, batch).await?;
        let plan = Plan::new(batch, &known, self.options.as_notices);
        if plan.0.is_empty() {
            return Ok(plan);
        }
        let reason = format!("import of {}", self.options.file_name);
        let mut changes = ChangeSet::new(self.app, self.actor, Action::ImportReports).because(Some(reason));
        let (old, new): (Vec<_>, Vec<_>) = plan.0.iter().partition(|entry| entry.known);
        self.update(&mut changes, batch, &old).await?;
        self.open(&mut changes, &new).await?;
        self.app.commit(changes).await?;
        Ok(plan)
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

    /// Opens an event for each new number.
    async fn open(&self, changes: &mut ChangeSet, entries: &[&Entry<'_>]) -> Result<()> {
        let reporters = self.reporters(changes, entries).await?;
        let history = !self.options.as_notices;
        for entry in entries {
            let record = entry.record;
            let received_at = self.received_at(record, changes.at());
            let reporter = record.reporter_name.as_ref().and_then(|name| reporters.get(name));
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
        Ok(())
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

    /// The reporters whom the records name, by name; those that are not known are made.
    async fn reporters(
        &self,
        changes: &mut ChangeSet,
        entries: &[&Entry<'_>],
    ) -> Result<HashMap<String, reporter::Model>> {
        let mut names: Vec<&str> =
            entries.iter().filter_map(|entry| entry.record.reporter_name.as_deref()).collect();
        names.sort_unstable();
        names.dedup();
        if names.is_empty() {
            return Ok(HashMap::new());
        }
        let known = store::unlinked_reporters(self.app, self.channel.id, &names).await?;
        let mut reporters: HashMap<String, reporter::Model> =
            known.into_iter().filter_map(|row| row.name.clone().map(|name| (name, row))).collect();
        let staff = self.channel.kind == ChannelKind::Internal;
        for name in names {
            if !reporters.contains_key(name) {
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
                reporters.insert(name, changes.create(self.app, row, None));
            }
        }
        Ok(reporters)
    }
}
