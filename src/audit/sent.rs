//! What was sent, held against the audit trail: the entry of a sending keeps the SHA-256 of each file that was rendered for
//! it, and of the reply's content, which names each file that went with it by its own.

use std::collections::{BTreeMap, BTreeSet};

use entity::vocabulary::ReplyState;
use entity::{audit_entry, reply as sent_reply, reply_file, reply_proof};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::verify::{Fault, Report};
use crate::app::App;
use crate::error::Result;
use crate::reply;

/// What a rendered file is called in a finding.
const FILE: &str = "reply_file";
/// What a file that went with a reply is called there.
const ATTACHED: &str = "reply_attachment";
/// What a file that proves a sending is called there, and in entries.
const PROOF: &str = "reply_proof";
/// What a reply is called there.
const REPLY: &str = "reply";
/// The column of a reply's hash, as entries name it.
const HASH: &str = "content_hash";

/// Digests by what they are of, as entries keep them, with the revision of the entry.
#[derive(Debug, Default)]
pub(super) struct Proofs {
    files: BTreeMap<Uuid, (Vec<u8>, i64)>,
    /// Files that prove a sending.
    proofs: BTreeMap<Uuid, (Vec<u8>, i64)>,
    /// The newest of each reply.
    replies: BTreeMap<Uuid, (Vec<u8>, i64)>,
}

impl Proofs {
    /// Takes what an entry says of what was sent.
    pub(super) fn read(&mut self, entry: &audit_entry::Model) {
        // Most entries are of something else, and need not be taken apart.
        if ![FILE, PROOF, HASH].iter().any(|word| entry.details.contains(word)) {
            return;
        }
        let Ok(Value::Array(details)) = serde_json::from_str(&entry.details) else { return };
        let digest = |value: &Value| value.as_str().and_then(|text| hex::decode(text).ok());
        for row in &details {
            let Some(id) = row["key"][0].as_str().and_then(|text| text.parse().ok()) else { continue };
            match row["table"].as_str() {
                Some(FILE) => {
                    if let Some(digest) = digest(&row["inserted"]["sha256"]) {
                        self.files.insert(id, (digest, entry.revision));
                    }
                }
                Some(PROOF) => {
                    if let Some(digest) = digest(&row["inserted"]["sha256"]) {
                        self.proofs.insert(id, (digest, entry.revision));
                    }
                }
                Some(REPLY) => {
                    // An acknowledgement is written and frozen at once.
                    let hash = digest(&row["changed"][HASH][1]).or(digest(&row["inserted"][HASH]));
                    if let Some(hash) = hash {
                        self.replies.insert(id, (hash, entry.revision));
                    } else if row["changed"][HASH].is_array() {
                        // What failed is free again.
                        self.replies.remove(&id);
                    }
                }
                _ => {}
            }
        }
    }
}

/// What was sent.
#[derive(Debug)]
pub(super) struct Sent {
    /// Rendered files, oldest first.
    files: Vec<Uuid>,
    /// Files that prove sendings, oldest first.
    proofs: Vec<Uuid>,
    /// Replies in the version in which they were sent, oldest first.
    replies: Vec<(Uuid, i32)>,
}

/// Lists what was sent.
///
/// # Errors
/// Of the database.
pub(super) async fn list(app: &App) -> Result<Sent> {
    let db = app.database.reader();
    let files = reply_file::Entity::find()
        .select_only()
        .column(reply_file::Column::Id)
        .order_by_asc(reply_file::Column::Id)
        .into_tuple()
        .all(db);
    let replies = sent_reply::Entity::find()
        .select_only()
        .columns([sent_reply::Column::Id, sent_reply::Column::Version])
        .filter(sent_reply::Column::State.eq(ReplyState::Sent))
        .order_by_asc(sent_reply::Column::Id)
        .into_tuple()
        .all(db);
    let proofs = reply_proof::Entity::find()
        .select_only()
        .column(reply_proof::Column::Id)
        .order_by_asc(reply_proof::Column::Id)
        .into_tuple()
        .all(db);
    let (files, proofs, replies) = tokio::try_join!(files, proofs, replies)?;
    Ok(Sent { files, proofs, replies })
}

/// Holds what was sent against its proofs, and looks for that of which only a proof is left.
///
/// # Errors
/// Of the database.
pub(super) async fn check(app: &App, report: &mut Report, sent: Sent, proofs: &Proofs) -> Result<()> {
    let known: BTreeSet<Uuid> = sent.files.iter().copied().collect();
    // One after the other, since each may be large.
    for id in sent.files {
        report.files += 1;
        match proofs.files.get(&id) {
            None => report.add(Fault::Unknown, FILE, id, 0),
            Some((digest, revision)) if !is_sound(app, id, digest).await? => {
                report.add(Fault::Sent, FILE, id, *revision);
            }
            Some(_) => {}
        }
    }
    // Written while the entries were read, or taken out.
    for (id, (digest, revision)) in proofs.files.iter().filter(|(id, _)| !known.contains(id)) {
        if !is_sound(app, *id, digest).await? {
            report.add(Fault::Sent, FILE, *id, *revision);
        }
    }
    let known: BTreeSet<Uuid> = sent.replies.iter().map(|(id, _)| *id).collect();
    for (id, version) in sent.replies {
        check_reply(app, report, (id, version), proofs).await?;
    }
    check_proofs(app, report, &sent.proofs, proofs).await?;
    for (id, (_, revision)) in proofs.replies.iter().filter(|(id, _)| !known.contains(id)) {
        if sent_reply::Entity::find_by_id(*id).one(app.database.reader()).await?.is_none() {
            report.add(Fault::Sent, REPLY, *id, *revision);
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

/// Holds a reply and the files that went with it against its hash, by whichever way it left.
async fn check_reply(
    app: &App,
    report: &mut Report,
    (id, version): (Uuid, i32),
    proofs: &Proofs,
) -> Result<()> {
    let row = sent_reply::Entity::find_by_id(id).one(app.database.reader()).await?;
    // One that came back meanwhile is not sent any more.
    let Some(row) = row.filter(|row| row.version == version) else { return Ok(()) };
    let Some((digest, revision)) = proofs.replies.get(&id) else {
        report.add(Fault::Unknown, REPLY, id, 0);
        return Ok(());
    };
    let attached = reply::store::attachments(app, id).await?;
    let says = row.content_hash.as_ref().is_some_and(|hash| hash == digest);
    if !says || reply::rules::content_hash(&row, &attached) != *digest {
        report.add(Fault::Sent, REPLY, id, *revision);
    }
    for file in &attached {
        report.files += 1;
        if app.files.verify(&reply::kept(file)?).await.is_err() {
            report.add(Fault::Sent, ATTACHED, file.id, *revision);
        }
    }
    Ok(())
}

/// Holds the files that prove sendings against what entries say of them, and looks for those of which none does.
async fn check_proofs(app: &App, report: &mut Report, there: &[Uuid], proofs: &Proofs) -> Result<()> {
    let db = app.database.reader();
    for id in there.iter().filter(|id| !proofs.proofs.contains_key(id)) {
        report.add(Fault::Unknown, PROOF, *id, 0);
    }
    for (id, (digest, revision)) in &proofs.proofs {
        report.files += 1;
        let row = reply_proof::Entity::find_by_id(*id).one(db).await?.filter(|row| row.sha256 == *digest);
        let is_sound = match &row {
            Some(row) => app.files.verify(&reply::proof_file(row)?).await.is_ok(),
            None => false,
        };
        if !is_sound {
            report.add(Fault::Sent, PROOF, *id, *revision);
        }
    }
    Ok(())
}
