//! What was sent, held against the audit trail: the entry of a sending keeps the SHA-256 of each of its files.

use std::collections::{BTreeMap, BTreeSet};

use entity::{audit_entry, reply_file};
use sea_orm::{EntityTrait, QueryOrder, QuerySelect};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::verify::{Fault, Report};
use crate::app::App;
use crate::error::Result;
use crate::reply;

/// What a file is called in a finding.
const KIND: &str = "reply_file";

/// Digests of files by their id, as entries keep them, with the revision of the entry.
#[derive(Debug, Default)]
pub(super) struct Proofs(BTreeMap<Uuid, (Vec<u8>, i64)>);

impl Proofs {
    /// Takes what an entry says of files that were sent.
    pub(super) fn read(&mut self, entry: &audit_entry::Model) {
        // Most entries are of something else, and need not be taken apart.
        if !entry.details.contains(KIND) {
            return;
        }
        let Ok(Value::Array(details)) = serde_json::from_str(&entry.details) else { return };
        for row in details.iter().filter(|row| row["table"] == KIND) {
            let id = row["key"][0].as_str().and_then(|text| text.parse().ok());
            let digest = row["inserted"]["sha256"].as_str().and_then(|text| hex::decode(text).ok());
            if let (Some(id), Some(digest)) = (id, digest) {
                self.0.insert(id, (digest, entry.revision));
            }
        }
    }
}

/// The files that were sent, oldest first.
///
/// # Errors
/// Of the database.
pub(super) async fn files(app: &App) -> Result<Vec<Uuid>> {
    let ids = reply_file::Entity::find()
        .select_only()
        .column(reply_file::Column::Id)
        .order_by_asc(reply_file::Column::Id)
        .into_tuple()
        .all(app.database.reader());
    Ok(ids.await?)
}

/// Holds the bytes of `files` against their proofs, and looks for those of which only a proof is left.
///
/// # Errors
/// Of the database.
pub(super) async fn check(app: &App, report: &mut Report, files: Vec<Uuid>, proofs: &Proofs) -> Result<()> {
    let known: BTreeSet<Uuid> = files.iter().copied().collect();
    // One after the other, since each may be large.
    for id in files {
        report.files += 1;
        match proofs.0.get(&id) {
            None => report.add(Fault::Unknown, KIND, id, 0),
            Some((digest, revision)) if !is_sound(app, id, digest).await? => {
                report.add(Fault::Sent, KIND, id, *revision);
            }
            Some(_) => {}
        }
    }
    // Written while the entries were read, or taken out.
    for (id, (digest, revision)) in proofs.0.iter().filter(|(id, _)| !known.contains(id)) {
        if !is_sound(app, *id, digest).await? {
            report.add(Fault::Sent, KIND, *id, *revision);
        }
    }
    Ok(())
}

/// Whether the file is there with the bytes of this digest, and says so itself.
async fn is_sound(app: &App, id: Uuid, digest: &[u8]) -> Result<bool> {
    let Some(row) = reply_file::Entity::find_by_id(id).one(app.database.reader()).await? else {
        return Ok(false);
    };
    if row.sha256 != digest {
        return Ok(false);
    }
    // One that cannot be read is as good as another one.
    let bytes = reply::files::bytes(app, row).await;
    Ok(bytes.is_ok_and(|bytes| Sha256::digest(bytes).as_slice() == digest))
}
