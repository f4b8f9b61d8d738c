//! Documents that are named by their SHA-256 instead of sent.
//!
//! Without a list, a client sends a document once beside its digest, and the digest alone from then on (automatic
//! persisted queries, as Apollo's clients speak them); the newest are kept in memory, in each process. With a list,
//! no other document is answered, sent or named.

use std::{
    collections::HashMap,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use async_graphql::Value;
use lru::LruCache;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::parameters::Parameters;

/// SHA-256 of a document's text.
pub(super) type Digest = [u8; 32];

/// Bytes of the documents that are kept because somebody sent them.
const KEPT_BYTES: usize = 8 * 1024 * 1024;
/// How many of them there are at most.
const KEPT: NonZeroUsize = NonZeroUsize::new(2_000).expect("two thousand are not none");

/// Why a list of documents cannot be used.
#[derive(Debug, Error)]
pub enum DocumentsError {
    /// The file cannot be read.
    #[error("http.documents = {0}: {1}")]
    Unreadable(PathBuf, std::io::Error),
    /// It is no object of texts.
    #[error("http.documents = {0}: not a JSON object of documents by their SHA-256: {1}")]
    IllFormed(PathBuf, serde_json::Error),
    /// A document has another digest than it is listed under.
    #[error(
        "http.documents = {0}: the document under {1:?} has another SHA-256: list each under its own in hexadecimal \
         (Relay: persistConfig with sha256; graphql-codegen: persistedDocuments with hashAlgorithm sha256)"
    )]
    WrongDigest(PathBuf, String),
}

/// The documents that can be named.
#[derive(Debug)]
pub struct Documents {
    allowed: Option<HashMap<Digest, Box<str>>>,
    sent: Mutex<Sent>,
}

#[derive(Debug)]
struct Sent {
    texts: LruCache<Digest, Box<str>>,
    bytes: usize,
}

/// Why a request has no document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoDocument {
    /// Neither a text nor a digest came.
    Missing,
    /// What should be a digest is none.
    IllFormed,
    /// The text has another digest.
    Differs,
    /// The digest is of no document that is known here.
    Unknown,
    /// The list does not have it.
    NotListed,
}

impl Documents {
    /// Those of the list in `file`, if one is named.
    ///
    /// # Errors
    /// When the file is no such list.
    pub fn read(file: Option<&Path>) -> Result<Self, DocumentsError> {
        let allowed = file.map(listed).transpose()?;
        let sent = Mutex::new(Sent { texts: LruCache::new(KEPT), bytes: 0 });
        Ok(Self { allowed, sent })
    }

    /// The document of a request, and under which digest it may be kept once it is known to be one.
    pub(super) fn find(&self, parameters: &mut Parameters) -> Result<(String, Option<Digest>), NoDocument> {
        let named = named(parameters)?;
        let text = parameters.query.take();
        if let (Some(text), Some(named)) = (&text, named)
            && named != digest(text)
        {
            return Err(NoDocument::Differs);
        }
        if let Some(allowed) = &self.allowed {
            let named = named.or_else(|| text.as_deref().map(digest)).ok_or(NoDocument::Missing)?;
            let listed = allowed.get(&named).ok_or(NoDocument::NotListed)?;
            return Ok((listed.to_string(), None));
        }
        match (text, named) {
            (Some(text), named) => Ok((text, named)),
            (None, Some(named)) => {
                let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
                sent.texts.get(&named).map(|text| (text.to_string(), None)).ok_or(NoDocument::Unknown)
            }
            (None, None) => Err(NoDocument::Missing),
        }
    }

    /// Keeps a document that was sent beside its digest; others that were not asked for go when there are too many.
    pub(super) fn keep(&self, digest: Digest, text: &str) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.bytes += text.len();
        // Either the same document or the oldest is given back.
        if let Some((_, gone)) = sent.texts.push(digest, text.into()) {
            sent.bytes -= gone.len();
        }
        while sent.bytes > KEPT_BYTES
            && let Some((_, gone)) = sent.texts.pop_lru()
        {
            sent.bytes -= gone.len();
        }
    }
}

fn digest(text: &str) -> Digest {
    Sha256::digest(text.as_bytes()).into()
}

/// The digest that a request names its document by.
fn named(parameters: &Parameters) -> Result<Option<Digest>, NoDocument> {
    let extension = parameters.extensions.as_ref().and_then(|extensions| extensions.get("persistedQuery"));
    let hash = match (extension, &parameters.document_id) {
        (Some(Value::Object(fields)), None) => match (fields.get("version"), fields.get("sha256Hash")) {
            (Some(Value::Number(version)), Some(Value::String(hash))) if version.as_u64() == Some(1) => hash,
            _ => return Err(NoDocument::IllFormed),
        },
        (None | Some(Value::Null), Some(id)) => id.strip_prefix("sha256:").ok_or(NoDocument::IllFormed)?,
        (None | Some(Value::Null), None) => return Ok(None),
        _ => return Err(NoDocument::IllFormed),
    };
    let mut digest = Digest::default();
    hex::decode_to_slice(hash, &mut digest).map_err(|_| NoDocument::IllFormed)?;
    Ok(Some(digest))
}

fn listed(file: &Path) -> Result<HashMap<Digest, Box<str>>, DocumentsError> {
    let text = std::fs::read(file).map_err(|error| DocumentsError::Unreadable(file.to_owned(), error))?;
    let texts: HashMap<String, Box<str>> =
        serde_json::from_slice(&text).map_err(|error| DocumentsError::IllFormed(file.to_owned(), error))?;
    let listed = texts.into_iter().map(|(hash, text)| {
        let digest = digest(&text);
        let hash = hash.strip_prefix("sha256:").map(str::to_owned).unwrap_or(hash);
        match hash.eq_ignore_ascii_case(&hex::encode(digest)) {
            true => Ok((digest, text)),
            false => Err(DocumentsError::WrongDigest(file.to_owned(), hash)),
        }
    });
    listed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(documents: &Documents, body: &str) -> Result<String, NoDocument> {
        let mut parameters = Parameters::from_json(body.as_bytes()).unwrap();
        let (text, keep) = documents.find(&mut parameters)?;
        if let Some(digest) = keep {
            documents.keep(digest, &text);
        }
        Ok(text)
    }

    fn hash(text: &str) -> String {
        hex::encode(digest(text))
    }

    fn by_hash(hash: &str) -> String {
        format!(r#"{{"extensions": {{"persistedQuery": {{"version": 1, "sha256Hash": "{hash}"}}}}}}"#)
    }

    #[test]
    fn a_document_is_named_once_it_was_sent_with_its_digest() {
        let documents = Documents::read(None).unwrap();
        let hash = hash("{ a }");
        assert_eq!(find(&documents, &by_hash(&hash)), Err(NoDocument::Unknown));
        assert_eq!(find(&documents, r#"{"query": "{ a }"}"#).unwrap(), "{ a }");
        assert_eq!(find(&documents, &by_hash(&hash)), Err(NoDocument::Unknown), "nobody asked to keep it");
        let id = format!(r#"{{"documentId": "sha256:{hash}", "query": "{{ a }}"}}"#);
        assert_eq!(find(&documents, &id).unwrap(), "{ a }");
        assert_eq!(find(&documents, &by_hash(&hash.to_uppercase())).unwrap(), "{ a }");
        assert_eq!(
            find(&documents, &id.replace("{ a }", "{ b }")),
            Err(NoDocument::Differs),
            "nothing is kept under another's digest"
        );
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        let documents = Documents::read(None).unwrap();
        for body in [
            by_hash("00"),
            by_hash(&"g".repeat(64)),
            by_hash(&hash("a")).replace(": 1", ": 2"),
            r#"{"extensions": {"persistedQuery": {"version": 1}}}"#.to_owned(),
            r#"{"extensions": {"persistedQuery": "00"}}"#.to_owned(),
            format!(r#"{{"documentId": "{}"}}"#, hash("a")),
        ] {
            assert_eq!(find(&documents, &body), Err(NoDocument::IllFormed), "{body}");
        }
        assert_eq!(find(&documents, "{}"), Err(NoDocument::Missing));
    }

    #[test]
    fn what_is_kept_is_bounded_by_number_and_by_bytes() {
        let documents = Documents::read(None).unwrap();
        for index in 0..KEPT.get() + 10 {
            let text = format!("{{ a{index} }}");
            documents.keep(digest(&text), &text);
            documents.keep(digest(&text), &text);
        }
        let held = |documents: &Documents| {
            let sent = documents.sent.lock().unwrap();
            assert_eq!(sent.bytes, sent.texts.iter().map(|(_, text)| text.len()).sum::<usize>());
            (sent.texts.len(), sent.bytes)
        };
        assert_eq!(held(&documents).0, KEPT.get());
        for index in 0..200 {
            let text = format!("{index}{}", " ".repeat(64 * 1024));
            documents.keep(digest(&text), &text);
        }
        let (number, bytes) = held(&documents);
        assert!(bytes <= KEPT_BYTES && number == KEPT_BYTES / (64 * 1024 + 3), "{number} of {bytes}");
    }

    #[test]
    fn with_a_list_nothing_else_is_answered() {
        let file = tempfile(&format!(
            r#"{{"{}": "{{ a }}", "sha256:{}": "{{ b }}"}}"#,
            hash("{ a }"),
            hash("{ b }")
        ));
        let documents = Documents::read(Some(&file)).unwrap();
        std::fs::remove_file(&file).unwrap();
        for text in ["{ a }", "{ b }"] {
            assert_eq!(find(&documents, &by_hash(&hash(text))).unwrap(), text);
            assert_eq!(find(&documents, &format!(r#"{{"query": "{text}"}}"#)).unwrap(), text);
        }
        for body in
            [by_hash(&hash("{ c }")), r#"{"query": "{ c }"}"#.to_owned(), r#"{"query": "{ a  }"}"#.to_owned()]
        {
            assert_eq!(find(&documents, &body), Err(NoDocument::NotListed), "{body}");
        }
    }

    #[test]
    fn a_list_that_is_none_is_refused_with_what_to_do() {
        for (text, said) in [
            ("[]", "not a JSON object"),
            (r#"{"0cc175b9c0f1b6a831c399e269772661": "{ a }"}"#, "another SHA-256"),
        ] {
            let file = tempfile(text);
            let error = Documents::read(Some(&file)).unwrap_err().to_string();
            std::fs::remove_file(&file).unwrap();
            assert!(error.contains(said), "{error}");
        }
        let error = Documents::read(Some(Path::new("/nowhere.json"))).unwrap_err();
        assert!(matches!(error, DocumentsError::Unreadable(..)));
    }

    fn tempfile(text: &str) -> PathBuf {
        let name = format!("vulndesk-documents-{}-{}", std::process::id(), &hash(text)[..16]);
        let file = std::env::temp_dir().join(name);
        std::fs::write(&file, text).unwrap();
        file
    }
}
