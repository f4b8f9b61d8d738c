//! Checking an exported audit trail ([`trail`](super::trail)) from its files alone.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, ensure};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::anchor::Kept;
use super::chain;
use super::findings::Findings;
use super::signing::PublicKey;
use super::trail::{FORMAT, Line, MANIFEST, Manifest, SIGNATURE, VERSION, beside};

/// More bytes than any manifest, and than any line has.
const LARGEST: u64 = 64 << 20;

/// What is wrong with an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The manifest is not what was signed, or somebody else signed it.
    Signature,
    /// The file is not the one that the manifest is of.
    File,
    /// The file has another number of entries than the manifest says.
    Count,
    /// A line is no entry.
    Form,
    /// An entry is not what its digest was computed over.
    Content,
    /// An entry's seal is not one over the seal before, its position and its digest.
    Seal,
    /// An entry does not come after the one before it, or does not follow its seal.
    Order,
    /// An entry does not follow the one before it of the same thing.
    Link,
    /// Entries before this one, or at the end, are gone from a file that has to have all.
    Missing,
    /// The chain was another one when it was anchored.
    Anchor,
}

/// A fault and the line at which it shows; 0 where it is of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub fault: Fault,
    /// Where, from 1.
    pub line: u64,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = match self.fault {
            Fault::Signature => "the manifest was not signed with this key as it is",
            Fault::File => "the file is not the one that the manifest is of",
            Fault::Count => "the file has another number of entries than the manifest says",
            Fault::Form => "is no entry of the audit trail",
            Fault::Content => "was changed after it was written",
            Fault::Seal => "is not the entry that was sealed",
            Fault::Order => "does not follow the line before it",
            Fault::Link => "does not follow the entry before it of the same thing",
            Fault::Missing => "entries are missing before it",
            Fault::Anchor => "is not of the chain that was anchored",
        };
        if self.line > 0 { write!(f, "line {}: {fault}", self.line) } else { f.write_str(fault) }
    }
}

/// The outcome of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What the export says of itself; worth as much as its signature.
    pub manifest: Manifest,
    /// Entries read.
    pub entries: u64,
    /// Anchored positions that the entries were held against.
    pub anchored: usize,
    /// Faults found.
    pub findings: Findings<Finding>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { manifest, entries, anchored, findings } = self;
        write!(f, "{entries} entries, written at {}", manifest.written_at)?;
        if let Some(event) = &manifest.event {
            write!(f, ", of event {event}")?;
        }
        if let Some(from) = manifest.from {
            write!(f, ", made from {from}")?;
        }
        if let Some(until) = manifest.until {
            write!(f, ", made before {until}")?;
        }
        write!(f, "; the chain went up to position {}", manifest.head_position)?;
        if *anchored > 0 {
            write!(f, "; held against {anchored} anchors")?;
        }
        write!(f, "; {findings}")
    }
}

/// A revision of a thing.
type Revision = (Uuid, i64);

/// Follows the entries of a file.
struct Walk<'a> {
    manifest: &'a Manifest,
    anchors: &'a Kept,
    line: u64,
    position: i64,
    seal: Vec<u8>,
    first: i64,
    /// Digests of entries whose next one was not seen yet.
    ends: HashMap<Revision, Vec<u8>>,
    /// Digests that entries name of those before them which were not seen yet, and their lines: within a pass of the
    /// sequencer entries stand by their times, and clocks differ.
    wanted: HashMap<Revision, (Vec<u8>, u64)>,
    findings: Findings<Finding>,
}

impl Walk<'_> {
    fn add(&mut self, fault: Fault) {
        self.findings.add(Finding { fault, line: self.line });
    }

    fn step(&mut self, line: &Line) {
        if chain::digest(&line.entry()) != line.digest {
            self.add(Fault::Content);
        }
        if chain::seal(&line.seal_before, line.position, &line.digest) != line.seal {
            self.add(Fault::Seal);
        }
        let next = line.position == self.position + 1;
        if line.position <= self.position || (next && line.seal_before != self.seal) {
            self.add(Fault::Order);
        } else if !next && self.manifest.is_whole() {
            self.add(Fault::Missing);
        }
        if !self.anchors.agrees(line.position, &line.seal)
            || !self.anchors.agrees(line.position - 1, &line.seal_before)
        {
            self.add(Fault::Anchor);
        }
        if self.line == 1 {
            self.first = line.position;
        }
        (self.position, self.seal) = (line.position, line.seal.clone());
        self.link(line);
    }

    /// Holds an entry against those before and after it of the same thing, as far as they are there.
    fn link(&mut self, line: &Line) {
        let of = |revision| (line.aggregate_id, revision);
        if line.revision <= 1 {
            if !line.previous.is_empty() {
                self.add(Fault::Link);
            }
        } else if let Some(digest) = self.ends.remove(&of(line.revision - 1)) {
            if digest != line.previous {
                self.add(Fault::Link);
            }
        } else {
            self.wanted.insert(of(line.revision - 1), (line.previous.clone(), self.line));
        }
        match self.wanted.remove(&of(line.revision)) {
            Some((digest, _)) if digest != line.digest => self.add(Fault::Link),
            Some(_) => {}
            None => {
                self.ends.insert(of(line.revision), line.digest.clone());
            }
        }
    }

    fn end(&mut self) {
        let manifest = self.manifest;
        if manifest.is_whole() {
            let mut lines: Vec<u64> = self.wanted.values().map(|(_, line)| *line).collect();
            lines.sort_unstable();
            lines.into_iter().for_each(|line| self.findings.add(Finding { fault: Fault::Link, line }));
            self.line = 0;
            if self.position != manifest.head_position {
                self.add(Fault::Missing);
            } else if hex::encode(&self.seal) != manifest.head_seal {
                self.add(Fault::Seal);
            }
        }
        self.line = 0;
        let head = hex::decode(&manifest.head_seal).unwrap_or_default();
        if manifest.head_position > self.position && !self.anchors.agrees(manifest.head_position, &head) {
            self.add(Fault::Anchor);
        }
    }
}

/// Checks an export: that its manifest was signed with `key`, that the file is what the manifest says, and that every digest,
/// seal and link in it holds; and, where there are `anchors`, that it is of the chain which they are of.
///
/// # Errors
/// When a file cannot be read, or is of a newer form.
pub fn check(file: &Path, key: &PublicKey, anchors: &Kept) -> anyhow::Result<Report> {
    let text = read(&beside(file, MANIFEST))?;
    let manifest = parse(&beside(file, MANIFEST), &text)?;
    let signature = read(&beside(file, SIGNATURE))?;
    let mut walk = Walk {
        manifest: &manifest,
        anchors,
        line: 0,
        position: 0,
        seal: Vec::new(),
        first: 0,
        ends: HashMap::new(),
        wanted: HashMap::new(),
        findings: Findings::default(),
    };
    if !key.verifies(&text, &signature) {
        walk.add(Fault::Signature);
    }
    let about = || file.display().to_string();
    let mut lines = BufReader::with_capacity(1 << 20, File::open(file).with_context(about)?);
    let (mut hash, mut line) = (Sha256::new(), Vec::new());
    loop {
        line.clear();
        lines.by_ref().take(LARGEST).read_until(b'\n', &mut line).with_context(about)?;
        if line.is_empty() {
            break;
        }
        hash.update(&line);
        walk.line += 1;
        match line.strip_suffix(b"\n").map(serde_json::from_slice::<Line>) {
            Some(Ok(line)) => walk.step(&line),
            _ => walk.add(Fault::Form),
        }
    }
    let entries = std::mem::take(&mut walk.line);
    if hex::encode(hash.finalize()) != manifest.sha256 {
        walk.add(Fault::File);
    }
    if entries != manifest.entries {
        walk.add(Fault::Count);
    }
    walk.end();
    let anchored = anchors.between(walk.first, walk.position);
    let findings = walk.findings;
    Ok(Report { entries, anchored, findings, manifest })
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let about = || file.display().to_string();
    File::open(file).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes)).with_context(about)?;
    Ok(bytes)
}

fn parse(file: &Path, text: &[u8]) -> anyhow::Result<Manifest> {
    let about = || file.display().to_string();
    // The version first: what a newer form says besides is not known here.
    let head: serde_json::Value = serde_json::from_slice(text).with_context(about)?;
    ensure!(head["format"] == FORMAT, "{}: it is of no export of an audit trail", file.display());
    ensure!(
        head["formatVersion"].as_u64().is_some_and(|version| version <= VERSION.into()),
        "{}: it is of form {}, this vulndesk reads up to {VERSION}: use a newer vulndesk",
        file.display(),
        head["formatVersion"]
    );
    serde_json::from_slice(text).with_context(about)
}
