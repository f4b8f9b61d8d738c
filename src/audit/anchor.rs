//! The instance chain's newest seal, kept where who can write to the database cannot.
//!
//! Whoever can write to the database can compute every chain anew, and nothing in it shows that. A seal that is kept elsewhere
//! does: it covers all entries up to its own. So at an interval, if anything was sealed since, the newest seal is told as the
//! message `audit.anchored` and added to a file. The row of its position comes first, in the change with the message: each
//! position is anchored at most once, by whichever replica, and what a crash keeps from the file is covered by the next line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use chrono::TimeDelta;
use entity::{audit_anchor, audit_entry, sequence_head};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::{Value, json};

use super::findings::Findings;
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::Action;
use crate::error::Result;
use crate::outbox::message::TrailAnchored;
use crate::outbox::{ChangeSet, Seal as SealField, retrying};

/// Positions that are looked up at once.
const BATCH: usize = 500;

/// How the instance chain is anchored.
#[derive(Clone, Debug)]
pub struct Anchors {
    /// Time between two anchors.
    pub every: TimeDelta,
    /// The file that they are added to.
    pub file: Option<PathBuf>,
}

impl Anchors {
    /// Looks whether the file can be added to, and makes it when there is none.
    ///
    /// # Errors
    /// When it cannot: it is named.
    pub fn expect_file(&self) -> anyhow::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let about = || format!("audit.anchor_file {}", file.display());
        open(file).with_context(about)?;
        // That it is there outlasts a crash too.
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all()).with_context(about)
    }
}

/// Anchors the chain if it is time and anything was sealed since the last time.
///
/// # Errors
/// Of the database. A file that cannot be written is logged: the next anchor covers what this one did.
pub async fn keep_up(app: &App) -> Result<()> {
    let Some(anchors) = &app.anchors else { return Ok(()) };
    let Some(anchor) = retrying(|| Box::pin(claim(app, anchors.every))).await? else { return Ok(()) };
    let Some(file) = anchors.file.clone() else { return Ok(()) };
    let (position, named) = (anchor.position, file.clone());
    let written = tokio::task::spawn_blocking(move || append(&file, &anchor)).await;
    if let Err(error) = written.map_err(io::Error::other).flatten() {
        tracing::error!(position, file = %named.display(), %error, "the audit trail's anchor was not written");
    }
    Ok(())
}

/// Writes down and tells the newest seal; none where it is not time, nothing is new, or another replica was first.
async fn claim(app: &App, every: TimeDelta) -> Result<Option<audit_anchor::Model>> {
    let db = app.database.reader();
    let last = audit_anchor::Entity::find().order_by_desc(audit_anchor::Column::Position).one(db).await?;
    if last.as_ref().is_some_and(|last| app.clock.now() < last.at + every) {
        return Ok(None);
    }
    let Some(head) = sequence_head::Entity::find_by_id(1).one(db).await? else { return Ok(None) };
    if head.entry_position <= last.map_or(0, |last| last.position) {
        return Ok(None);
    }
    let mut changes = ChangeSet::new(app, &Actor::schedule(), Action::AnchorTrail);
    let row = audit_anchor::Model { position: head.entry_position, seal: head.entry_seal, at: changes.at() };
    changes.write_row(&row);
    let message = TrailAnchored { position: row.position, seal: SealField(row.seal.clone()) };
    changes.message(app, None, &message);
    app.commit(changes).await?;
    Ok(Some(row))
}

fn open(file: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(file)
}

/// Adds a line to the file and brings it to the disk.
fn append(file: &Path, anchor: &audit_anchor::Model) -> io::Result<()> {
    let mut opened = open(file)?;
    let length = opened.metadata()?.len();
    let mut line = String::new();
    // What a crash or a full disk cut off before ends here.
    if let Some(last) = length.checked_sub(1) {
        let mut byte = [0];
        opened.read_exact_at(&mut byte, last)?;
        if byte != *b"\n" {
            line.push('\n');
        }
    }
    let said = json!({ "position": anchor.position, "seal": hex::encode(&anchor.seal), "at": anchor.at });
    line.push_str(&format!("{said}\n"));
    opened.write_all(line.as_bytes())?;
    opened.sync_all()
}

/// Anchors that were kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Seals by position. Two at one position are of two histories, as when an older backup was restored.
    seals: BTreeMap<i64, BTreeSet<Vec<u8>>>,
    /// Lines that are no anchor.
    unread: u64,
}

impl Kept {
    /// Reads files of lines in JSON: those that [`keep_up`] adds, or bodies of webhook deliveries of `audit.anchored`.
    ///
    /// # Errors
    /// When a file cannot be read, or there is no anchor in it.
    pub fn read(files: &[PathBuf]) -> anyhow::Result<Self> {
        let mut kept = Self::default();
        for file in files {
            let about = || file.display().to_string();
            let before = kept.len();
            for line in BufReader::new(File::open(file).with_context(about)?).split(b'\n') {
                let line = line.with_context(about)?;
                match parse(&line) {
                    Some((position, seal)) => {
                        kept.seals.entry(position).or_default().insert(seal);
                    }
                    None => kept.unread += u64::from(!line.is_empty()),
                }
            }
            ensure!(kept.len() > before, "{}: there is no anchor in it", file.display());
        }
        Ok(kept)
    }

    fn len(&self) -> usize {
        self.seals.values().map(BTreeSet::len).sum()
    }

    /// Whether `seal` is what was anchored at `position`, if anything was.
    pub(super) fn agrees(&self, position: i64, seal: &[u8]) -> bool {
        self.seals.get(&position).is_none_or(|seals| seals.iter().all(|kept| kept == seal))
    }

    /// How many positions between these two, both included, were anchored.
    pub(super) fn between(&self, first: i64, last: i64) -> usize {
        if first > last { 0 } else { self.seals.range(first..=last).count() }
    }
}

/// The position and the seal of a line.
fn parse(line: &[u8]) -> Option<(i64, Vec<u8>)> {
    let said: Value = serde_json::from_slice(line).ok()?;
    let said = if said["data"].is_object() { &said["data"] } else { &said };
    let seal = hex::decode(said["seal"].as_str()?).ok().filter(|seal| seal.len() == 32)?;
    Some((said["position"].as_i64().filter(|position| *position > 0)?, seal))
}

/// What is wrong at an anchored position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The chain ends before it.
    Beyond,
    /// The chain was another one when it was anchored.
    Other,
}

/// A fault and the anchored position at which it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub fault: Fault,
    /// Where.
    pub position: i64,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let position = self.position;
        match self.fault {
            Fault::Beyond => write!(f, "position {position} was anchored, and the chain ends before it"),
            Fault::Other => write!(f, "position {position}: not the chain that was anchored"),
        }
    }
}

/// What came of holding the chain against anchors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Anchors.
    pub anchors: usize,
    /// Lines that were none.
    pub unread: u64,
    /// Position of the newest.
    pub newest: i64,
    /// Faults found.
    pub findings: Findings<Finding>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} anchors up to position {}", self.anchors, self.newest)?;
        if self.unread > 0 {
            write!(f, " and {} lines that are none", self.unread)?;
        }
        write!(f, ", {}", self.findings)
    }
}

/// Holds the instance chain against anchors that were kept elsewhere. That the chain holds by itself is
/// [`verify`](super::verify::verify)'s.
///
/// # Errors
/// Of the database.
pub async fn check(app: &App, kept: &Kept) -> Result<Report> {
    use audit_entry::Column::{Position, Seal};
    let db = app.database.reader();
    let head = sequence_head::Entity::find_by_id(1).one(db).await?.map_or(0, |head| head.entry_position);
    let mut findings = Findings::default();
    let positions: Vec<i64> = kept.seals.keys().copied().collect();
    for some in positions.chunks(BATCH) {
        let select = audit_entry::Entity::find().select_only().columns([Position, Seal]);
        let rows = select.filter(Position.is_in(some.iter().copied())).into_tuple().all(db).await?;
        let stored: BTreeMap<i64, Option<Vec<u8>>> = rows.into_iter().collect();
        for &position in some {
            let seal = stored.get(&position).and_then(Option::as_deref).unwrap_or_default();
            if position > head {
                findings.add(Finding { fault: Fault::Beyond, position });
            } else if !kept.agrees(position, seal) {
                findings.add(Finding { fault: Fault::Other, position });
            }
        }
    }
    let newest = positions.last().copied().unwrap_or_default();
    Ok(Report { anchors: kept.len(), unread: kept.unread, newest, findings })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchor(position: i64) -> audit_anchor::Model {
        let seal = vec![u8::try_from(position).unwrap(); 32];
        audit_anchor::Model { position, seal, at: crate::testing::now() }
    }

    #[test]
    fn a_line_that_was_cut_off_costs_itself_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("anchors");
        append(&file, &anchor(1)).unwrap();
        let whole = std::fs::read(&file).unwrap();
        std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
        append(&file, &anchor(2)).unwrap();
        append(&file, &anchor(3)).unwrap();
        let kept = Kept::read(&[file]).unwrap();
        assert_eq!(kept.seals.keys().copied().collect::<Vec<_>>(), [2, 3]);
        assert_eq!((kept.unread, kept.between(1, 2), kept.between(3, 1)), (1, 1, 0));
        assert!(kept.agrees(2, &[2; 32]) && !kept.agrees(2, &[3; 32]) && kept.agrees(9, &[3; 32]));
    }

    #[test]
    fn what_a_webhook_told_is_an_anchor_too_and_a_file_without_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let (told, none) = (folder.path().join("told"), folder.path().join("none"));
        let data = json!({ "position": 5, "seal": hex::encode([5; 32]) });
        std::fs::write(&told, json!({ "type": "audit.anchored", "data": data }).to_string()).unwrap();
        assert!(!Kept::read(std::slice::from_ref(&told)).unwrap().agrees(5, &[6; 32]));
        for text in ["", "{}\n", "{\"position\":5,\"seal\":\"05\"}\n", "{\"position\":0}\n", "\u{0}\n"] {
            std::fs::write(&none, text).unwrap();
            let refused = Kept::read(&[told.clone(), none.clone()]).unwrap_err().to_string();
            assert!(refused.contains("none: there is no anchor"), "{text:?}: {refused}");
        }
    }
}
