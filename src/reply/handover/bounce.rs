//! E-mails that come back (RFC 3464).
//!
//! A bounce is believed only where it names the `Message-ID` of an e-mail of ours, which nobody can guess. It changes
//! nothing of what was sent: it is recorded on the dispatch, and people are told. A person then says whether the reply
//! arrived all the same (`confirmNonDelivery`).

use entity::vocabulary::NoticeKind;
use entity::{reply, reply_dispatch};
use mail_parser::{MessageParser, MimeHeaders, PartType};

use super::store;
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Result};
use crate::outbox::{Bump, ChangeSet, Opaque, message};
use crate::reply::to_reporter::{self, rules::without_address};

/// Longest words that are kept, in characters.
const WORDS: usize = 500;
/// Largest bounce that is read, in bytes.
const MOST: usize = 10 << 20;

/// What a bounce says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounce {
    /// Whether it failed for good; else it is only late.
    pub failed: bool,
    /// Enhanced status (RFC 3463).
    pub status: Option<String>,
    /// What the other server said.
    pub words: Option<String>,
    /// Addresses that it was for: `Final-Recipient` and `Original-Recipient`.
    pub recipients: Vec<String>,
    /// `Message-ID`s that stand in what came back, each in angle brackets.
    pub message_ids: Vec<String>,
}

/// Reads a bounce; none when it is no delivery status report.
pub fn read(bytes: &[u8]) -> Option<Bounce> {
    let mail = MessageParser::default().parse(bytes)?;
    let mut bounce =
        Bounce { failed: false, status: None, words: None, recipients: Vec::new(), message_ids: Vec::new() };
    let mut is_report = false;
    for part in &mail.parts {
        let kind = part.content_type().map(|kind| {
            let sub = kind.subtype().unwrap_or_default();
            format!("{}/{sub}", kind.ctype()).to_ascii_lowercase()
        });
        let text = match &part.body {
            PartType::Text(text) | PartType::Html(text) => text.to_string(),
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
                String::from_utf8_lossy(bytes).into_owned()
            }
            PartType::Message(inner) => {
                let id = inner.message_id().map(|id| format!("<{id}>"));
                bounce.message_ids.extend(id);
                continue;
            }
            PartType::Multipart(_) => continue,
        };
        match kind.as_deref() {
            Some("message/delivery-status" | "message/global-delivery-status") => {
                is_report = true;
                for (name, value) in fields(&text) {
                    match name.as_str() {
                        "action" => bounce.failed |= value.eq_ignore_ascii_case("failed"),
                        "final-recipient" | "original-recipient" => {
                            // A type of address stands before it: rfc822; desk@example.org
                            let address = value.rsplit(';').next().unwrap_or_default().trim();
                            bounce.recipients.push(address.trim_matches(['<', '>']).to_owned());
                        }
                        "status" => bounce.status = Some(value),
                        "diagnostic-code" => bounce.words = Some(value.chars().take(WORDS).collect()),
                        _ => {}
                    }
                }
            }
            Some(
                "text/rfc822-headers"
                | "message/rfc822"
                | "message/rfc822-headers"
                | "message/global-headers",
            ) => {
                let ids = fields(&text).into_iter().filter(|(name, _)| name == "message-id");
                bounce.message_ids.extend(ids.map(|(_, value)| value));
            }
            _ => {}
        }
    }
    is_report.then_some(bounce)
}

/// Header-like lines, with folded ones put together.
fn fields(text: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    fields
}

/// Records that an e-mail came back; none when it is no bounce of an e-mail of ours to whom it went, or the same was
/// recorded before. Each that says something else takes the last one's place, which the audit trail keeps.
///
/// # Errors
/// By policy; BAD_USER_INPUT when it is too large.
pub async fn take_bounce(app: &App, actor: &Actor, bytes: &[u8]) -> Result<Option<reply::Model>> {
    require(actor, Action::RecordBounce)?;
    if bytes.len() > MOST {
        return Err(Error::bad_input("file", format!("send at most {MOST} bytes")));
    }
    let Some(bounce) = read(bytes).filter(|bounce| bounce.failed) else { return Ok(None) };
    for id in &bounce.message_ids {
        let Some(before) = store::by_message_id(app, id).await? else { continue };
        let Some((event, reply)) = store::reply(app, before.reply_id).await? else { return Ok(None) };
        let (to, bounce) = match reply.report_id {
            None => (before.recipient.clone(), bounce.clone()),
            // Nothing of a reporter's address stands anywhere but with them.
            Some(report) => {
                let Some(to) = to_reporter::address(app, report).await? else { return Ok(None) };
                let kept = |words: &Option<String>| words.as_deref().map(|text| without_address(text, &to));
                let (status, words) = (kept(&bounce.status), kept(&bounce.words));
                (to, Bounce { status, words, ..bounce.clone() })
            }
        };
        // One for somebody to whom the recipient passed it on says nothing of ours.
        let is_for_it = bounce.recipients.iter().any(|named| named.eq_ignore_ascii_case(&to));
        let is_known = before.bounced_at.is_some()
            && (&before.bounce_status, &before.bounce_words) == (&bounce.status, &bounce.words);
        // Nothing comes back of what never went out.
        if !is_for_it || is_known || before.data_at.is_none() {
            return Ok(None);
        }
        let mut changes = ChangeSet::new(app, actor, Action::RecordBounce);
        let after = reply_dispatch::Model {
            bounced_at: Some(changes.at()),
            bounce_status: bounce.status.clone(),
            bounce_words: bounce.words.clone(),
            ..before.clone()
        };
        changes.update(&before, &after);
        let told = message::ReplyBounced { reply: Opaque::new(reply.id), kind: reply.kind };
        changes.message(app, Some(event.id), &told);
        super::tell(app, &mut changes, &event, &reply, before.id, NoticeKind::ReplyBounced).await?;
        changes.revise(app, &event, event.clone(), Some(event.id), Bump::Version);
        app.commit(changes).await?;
        return Ok(Some(reply));
    }
    Ok(None)
}
