//! A reply as files: what leaves, to the byte.

use chrono::{DateTime, Utc};
use entity::vocabulary::ReplyFormat;
use entity::{event, reply, reply_file};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::store;
use crate::app::App;
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::files::Kept;
use crate::http::download::Content;
use crate::outbox::ChangeSet;
use crate::render::{RenderError, docx, html, pdf, text};

/// Formats of a reply that names none.
const USUAL: [ReplyFormat; 2] = [ReplyFormat::Text, ReplyFormat::Html];

/// One rendered file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its form.
    pub format: ReplyFormat,
    /// Name to save it under.
    pub name: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// The formats that a reply is rendered to.
pub fn formats(reply: &reply::Model) -> Vec<ReplyFormat> {
    let own = reply.formats.as_ref().map(|formats| crate::template::formats_of(&formats.0));
    own.filter(|formats| !formats.is_empty()).unwrap_or_else(|| USUAL.to_vec())
}

/// The end of a file's name and its media type.
pub fn form(format: ReplyFormat) -> (&'static str, &'static str) {
    match format {
        ReplyFormat::Text => ("txt", "text/plain; charset=utf-8"),
        ReplyFormat::Html => ("html", "text/html; charset=utf-8"),
        ReplyFormat::Docx => {
            ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document")
        }
        ReplyFormat::Pdf => ("pdf", "application/pdf"),
        ReplyFormat::Mail => ("eml", "message/rfc822"),
        ReplyFormat::Json => ("json", "application/json"),
    }
}

/// The name of a reply's file: the event's number and the kind, in characters that every system takes.
pub fn name(event: &event::Model, reply: &reply::Model, format: ReplyFormat) -> String {
    let kind = reply.kind.as_str().to_ascii_lowercase().replace('_', "-");
    format!("{}-{kind}.{}", event.number, form(format).0)
}

/// Renders a reply to its formats, on a thread of its own.
///
/// # Errors
/// A refusal when there is no font for it, or it is too large.
pub async fn render(app: &App, event: &event::Model, reply: &reply::Model) -> Result<Vec<File>> {
    let named: Vec<_> =
        formats(reply).into_iter().map(|format| (format, name(event, reply, format))).collect();
    let (fonts, subject, language, body) =
        (app.replies.fonts.clone(), reply.subject.clone(), reply.language.clone(), reply.body.clone());
    // A message is as its author typed it, and no Markdown.
    let is_message = reply.comment_id.is_some();
    let rendered = tokio::task::spawn_blocking(move || {
        named
            .into_iter()
            .map(|(format, name)| {
                let bytes = match format {
                    ReplyFormat::Html => html::page(&subject, &language, &body).into_bytes(),
                    ReplyFormat::Docx => docx::render(&body)?,
                    ReplyFormat::Pdf => pdf::render(&subject, &language, &body, &fonts)?,
                    _ if is_message => body.clone().into_bytes(),
                    _ => text::render(&body).into_bytes(),
                };
                Ok(File { format, name, bytes })
            })
            .collect::<std::result::Result<Vec<_>, RenderError>>()
    });
    let files = rendered.await.map_err(|error| Error::Internal(error.into()))?;
    let files = files.map_err(|error| match error {
        RenderError::Writer(_) => Error::Internal(error.into()),
        other => Error::Refused(vec![refusal(&other)]),
    })?;
    let attached = store::attachments(app, reply.id).await?;
    let attached: i64 = attached.iter().map(|file| file.size).sum();
    bounded(&files, usize::try_from(attached).unwrap_or(usize::MAX), app.replies.attachment_bytes)?;
    Ok(files)
}

fn refusal(error: &RenderError) -> Refusal {
    Refusal::new(RefusalCode::MissingFact, error.to_string())
}

/// Why a reply cannot be rendered; empty when it can. It is rendered to find out, since some of it shows by nothing else.
///
/// # Errors
/// Of the database and of the writers.
pub async fn refusals(app: &App, event: &event::Model, reply: &reply::Model) -> Result<Vec<Refusal>> {
    match render(app, event, reply).await {
        Ok(_) => Ok(Vec::new()),
        Err(Error::Refused(refusals)) => Ok(refusals),
        Err(other) => Err(other),
    }
}

/// The same as far as its text tells without being written, which costs little enough for whoever looks at it.
///
/// # Errors
/// When the thread for it fails.
pub async fn of_text(app: &App, reply: &reply::Model) -> Result<Vec<Refusal>> {
    let mut formats = formats(reply);
    formats.retain(|format| matches!(format, ReplyFormat::Docx | ReplyFormat::Pdf));
    if formats.is_empty() {
        return Ok(Vec::new());
    }
    let (fonts, body) = (app.replies.fonts.clone(), reply.body.clone());
    let checked = tokio::task::spawn_blocking(move || {
        let check = |format| match format {
            ReplyFormat::Pdf => pdf::check(&body, &fonts),
            _ => docx::check(&body),
        };
        formats.into_iter().filter_map(|format| check(format).err()).map(|error| refusal(&error)).collect()
    });
    checked.await.map_err(|error| Error::Internal(error.into()))
}

/// # Errors
/// A refusal that names the bound.
fn bounded(files: &[File], attached: usize, most: usize) -> Result<()> {
    let rendered: usize = files.iter().map(|file| file.bytes.len()).sum();
    let size = rendered.saturating_add(attached);
    if size <= most {
        return Ok(());
    }
    let message = format!(
        "its files have {size} bytes and may have {most}: shorten it or leave formats out (replies.attachment_bytes)"
    );
    Err(Error::Refused(vec![Refusal::new(RefusalCode::Contradiction, message)]))
}

/// A file as it is kept.
pub fn row(
    app: &App,
    reply: Uuid,
    dispatch: Option<Uuid>,
    file: File,
    at: DateTime<Utc>,
) -> reply_file::Model {
    let size = i64::try_from(file.bytes.len()).unwrap_or(i64::MAX);
    reply_file::Model {
        id: app.ids.next(),
        reply_id: reply,
        dispatch_id: dispatch,
        format: file.format,
        name: file.name,
        sha256: Sha256::digest(&file.bytes).to_vec(),
        bytes: file.bytes,
        file_id: None,
        size,
        created_at: at,
    }
}

/// Writes a file of a reply with its digest in the audit trail, which the bytes are held against.
pub fn write(changes: &mut ChangeSet, row: &reply_file::Model) {
    changes.insert_proving(row, &["reply_id", "dispatch_id", "format", "name", "size", "sha256"]);
}

/// The file of an envelope that is kept outside the database.
fn kept(row: &reply_file::Model) -> Result<Option<Kept>> {
    let Some(name) = row.file_id else { return Ok(None) };
    let size = u64::try_from(row.size).map_err(anyhow::Error::from)?;
    Ok(Some(Kept { name, size, sha256: row.sha256.clone() }))
}

/// The bytes of a file of a reply, to be sent.
///
/// # Errors
/// Our own fault when they are not there.
pub async fn bytes(app: &App, row: reply_file::Model) -> Result<Vec<u8>> {
    match kept(&row)? {
        Some(file) => Ok(app.files.open(&file).await?.into_bytes().await?),
        None => Ok(row.bytes),
    }
}

/// The same to be downloaded.
///
/// # Errors
/// Our own fault when they are not there.
pub async fn content(app: &App, row: reply_file::Model) -> Result<Content> {
    match kept(&row)? {
        Some(file) => Ok(Content::Streamed(app.files.open(&file).await?)),
        None => Ok(Content::Whole(row.bytes)),
    }
}

/// The same to be packed: its bytes, or the file that has them.
///
/// # Errors
/// When its size is none.
pub fn to_pack(row: reply_file::Model) -> Result<std::result::Result<Vec<u8>, Kept>> {
    Ok(kept(&row)?.map_or(Ok(row.bytes), Err))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_megabytes_are_refused_with_the_bound() {
        let file = |size| File { format: ReplyFormat::Pdf, name: "a.pdf".to_owned(), bytes: vec![0; size] };
        assert!(bounded(&[file(5 << 20), file(5 << 20)], 0, 10 << 20).is_ok());
        assert!(bounded(&[file(5 << 20)], 6 << 20, 10 << 20).is_err(), "what goes with it counts too");
        match bounded(&[file(30 << 20)], 0, 10 << 20) {
            Err(Error::Refused(refusals)) => assert!(refusals[0].message.contains("10485760")),
            other => panic!("{other:?}"),
        }
    }
}
