//! The audit trail as a file that proves itself: JSON Lines, a manifest and a detached signature.
//!
//! `FILE` has one sealed entry a line, in the order of the instance chain, with all that its digest covers and the seal before
//! its own: so each digest, each seal and the links between entries can be computed anew from the file alone. `FILE.manifest.json`
//! says what was asked for, how many entries that is, the file's SHA-256 and the chain's newest seal; `FILE.sig` is the
//! Ed25519 signature of the manifest's bytes. Entries that wait for their seal are not in it.

use std::collections::HashMap;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use entity::{audit_entry, event, sequence_head};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::instance;
use super::signing::SigningKey;
use crate::app::App;
use crate::auth::Actor;
use crate::error::{Error, Result};
use crate::graphql::sensitive::SensitiveReads;
use crate::instance::create;

/// What a manifest is.
pub(super) const FORMAT: &str = "vulndesk audit trail";
/// The newest form that is written and read.
pub(super) const VERSION: u32 = 1;
/// Entries read at once.
const PAGE: u64 = 1_000;

/// Which entries are wanted: all, unless something narrows them.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Those of this event.
    pub event: Option<event::Model>,
    /// Those made at or after this instant.
    pub from: Option<DateTime<Utc>>,
    /// Those made before this instant.
    pub until: Option<DateTime<Utc>>,
}

impl Selection {
    fn condition(&self, head: i64) -> Condition {
        use audit_entry::Column::{At, EventId, Position};
        Condition::all()
            .add(Position.lte(head))
            .add_option(self.event.as_ref().map(|event| EventId.eq(event.id)))
            .add_option(self.from.map(|from| At.gte(from)))
            .add_option(self.until.map(|until| At.lt(until)))
    }
}

/// What an export says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    pub(super) format: String,
    pub(super) format_version: u32,
    /// The vulndesk that wrote it.
    pub written_by: String,
    /// When.
    pub written_at: DateTime<Utc>,
    /// Number of the event that it was narrowed to.
    pub event: Option<String>,
    /// Instant that it was narrowed to begin with.
    pub from: Option<DateTime<Utc>>,
    /// Instant that it was narrowed to end before.
    pub until: Option<DateTime<Utc>>,
    /// Entries.
    pub entries: u64,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Position of the newest sealed entry of the installation at that moment.
    pub head_position: i64,
    /// Its seal.
    pub head_seal: String,
    /// Entries that waited for their seal then, and are not in it.
    pub waiting: u64,
}

impl Manifest {
    /// Whether nothing narrows it: it has every sealed entry from the first on.
    pub(super) fn is_whole(&self) -> bool {
        self.event.is_none() && self.from.is_none() && self.until.is_none()
    }
}

/// The file beside an export of this ending.
pub(super) fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// What a manifest's file ends in.
pub(super) const MANIFEST: &str = ".manifest.json";
/// What a signature's file ends in.
pub(super) const SIGNATURE: &str = ".sig";

/// A sealed entry as a line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Line {
    pub(super) position: i64,
    #[serde(with = "digits")]
    pub(super) seal_before: Vec<u8>,
    #[serde(with = "digits")]
    pub(super) seal: Vec<u8>,
    id: Uuid,
    aggregate_kind: String,
    pub(super) aggregate_id: Uuid,
    event_id: Option<Uuid>,
    pub(super) revision: i64,
    at: DateTime<Utc>,
    actor: String,
    roles: String,
    address: Option<String>,
    request_id: Option<String>,
    action: String,
    reason: Option<String>,
    details: String,
    #[serde(with = "digits")]
    pub(super) previous: Vec<u8>,
    #[serde(with = "digits")]
    pub(super) digest: Vec<u8>,
}

/// Bytes as hexadecimal digits.
mod digits {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        hex::decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Line {
    fn new(entry: audit_entry::Model, seal_before: Vec<u8>) -> Self {
        Self {
            position: entry.position.unwrap_or_default(),
            seal_before,
            seal: entry.seal.unwrap_or_default(),
            id: entry.id,
            aggregate_kind: entry.aggregate_kind,
            aggregate_id: entry.aggregate_id,
            event_id: entry.event_id,
            revision: entry.revision,
            at: entry.at,
            actor: entry.actor,
            roles: entry.roles,
            address: entry.address,
            request_id: entry.request_id,
            action: entry.action,
            reason: entry.reason,
            details: entry.details,
            previous: entry.previous,
            digest: entry.digest,
        }
    }

    /// The entry that it is.
    pub(super) fn entry(&self) -> audit_entry::Model {
        audit_entry::Model {
            id: self.id,
            aggregate_kind: self.aggregate_kind.clone(),
            aggregate_id: self.aggregate_id,
            event_id: self.event_id,
            revision: self.revision,
            at: self.at,
            actor: self.actor.clone(),
            roles: self.roles.clone(),
            address: self.address.clone(),
            request_id: self.request_id.clone(),
            action: self.action.clone(),
            reason: self.reason.clone(),
            details: self.details.clone(),
            previous: self.previous.clone(),
            digest: self.digest.clone(),
            position: Some(self.position),
            seal: Some(self.seal.clone()),
        }
    }
}

/// Writes the entries of a selection, with their manifest and its signature, to files that were not there, for their owner
/// alone. What is read of events under embargo or TLP:RED is recorded before.
///
/// # Errors
/// When a file is there or cannot be written, or of the database. What was written until then stays, without a signature.
pub async fn export(
    app: &App,
    actor: &Actor,
    selection: &Selection,
    key: &SigningKey,
    file: &Path,
) -> anyhow::Result<Manifest> {
    use audit_entry::Column::Position;
    let db = app.database.reader();
    let (waiting, _) = instance::waiting(app).await.map_err(Error::told)?;
    let head = sequence_head::Entity::find_by_id(1).one(db).await?;
    let head = head.ok_or_else(|| anyhow::anyhow!("the sequencer's row is missing"))?;
    let wanted = selection.condition(head.entry_position);
    record_reads(app, actor, &wanted).await.map_err(Error::told)?;
    let mut out = BufWriter::with_capacity(1 << 20, create(file)?);
    let (mut hash, mut entries) = (Sha256::new(), 0);
    let (mut last, mut last_seal) = (0, Vec::new());
    loop {
        let page = audit_entry::Entity::find().filter(wanted.clone()).filter(Position.gt(last));
        let page = page.order_by_asc(Position).limit(PAGE).all(db).await?;
        if page.is_empty() {
            break;
        }
        let before = seals_before(app, &page, last).await.map_err(Error::told)?;
        for entry in page {
            let position = entry.position.unwrap_or_default();
            let seal = entry.seal.clone().unwrap_or_default();
            let seal_before = match before.get(&(position - 1)) {
                Some(seal) => seal.clone(),
                None if position - 1 == last => last_seal,
                // There is nothing before the first; where an entry was taken out, the check finds it.
                None => Vec::new(),
            };
            (last, last_seal) = (position, seal);
            let text = format!("{}\n", serde_json::to_string(&Line::new(entry, seal_before))?);
            hash.update(text.as_bytes());
            out.write_all(text.as_bytes())?;
            entries += 1;
        }
    }
    out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        format_version: VERSION,
        written_by: env!("CARGO_PKG_VERSION").to_owned(),
        written_at: app.clock.now(),
        event: selection.event.as_ref().map(|event| event.number.clone()),
        from: selection.from,
        until: selection.until,
        entries,
        sha256: hex::encode(hash.finalize()),
        head_position: head.entry_position,
        head_seal: hex::encode(&head.entry_seal),
        waiting,
    };
    let text = format!("{}\n", serde_json::to_string_pretty(&manifest)?);
    for (ending, bytes) in [(MANIFEST, text.as_bytes()), (SIGNATURE, &key.sign(text.as_bytes()))] {
        let mut written = create(&beside(file, ending))?;
        written.write_all(bytes)?;
        written.sync_all()?;
    }
    Ok(manifest)
}

/// Seals before those entries of a page that do not follow the one before them, nor `last`, by position.
async fn seals_before(app: &App, page: &[audit_entry::Model], last: i64) -> Result<HashMap<i64, Vec<u8>>> {
    use audit_entry::Column::{Position, Seal};
    let positions = page.iter().filter_map(|entry| entry.position);
    let followed = std::iter::once(last).chain(positions.clone());
    let gaps: Vec<i64> =
        positions.zip(followed).filter(|(at, last)| at - 1 != *last).map(|(at, _)| at - 1).collect();
    if gaps.is_empty() {
        return Ok(HashMap::new());
    }
    let select = audit_entry::Entity::find().select_only().columns([Position, Seal]);
    let rows: Vec<(i64, Option<Vec<u8>>)> =
        select.filter(Position.is_in(gaps)).into_tuple().all(app.database.reader()).await?;
    Ok(rows.into_iter().map(|(position, seal)| (position, seal.unwrap_or_default())).collect())
}

/// Records the read of all sensitive events among those of `wanted`.
async fn record_reads(app: &App, actor: &Actor, wanted: &Condition) -> Result<()> {
    use audit_entry::Column::EventId;
    let events = audit_entry::Entity::find().select_only().column(EventId).distinct();
    let events = events.filter(wanted.clone()).filter(EventId.is_not_null());
    let events: Vec<Uuid> = events.into_tuple().all(app.database.reader()).await?;
    let reads = SensitiveReads::new(app.clock.now());
    events.into_iter().for_each(|event| reads.touch(event));
    reads.record(app, actor).await
}
