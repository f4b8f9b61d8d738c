//! What stands in a package: each kind of content is a function that answers its files.

use std::collections::BTreeSet;

use entity::vocabulary::DispatchState;
use entity::{
    audit_entry, channel, customer, decision, event, inbound_mail, obligation, product, reply,
    reply_dispatch, reply_draft, reply_obligation, reply_review, report, report_version, verdict,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};

use super::{Content, Piece, piece};
use crate::app::App;
use crate::attachment;
use crate::database::is_one_of;
use crate::error::Result;
use crate::graphql::scalars;
use crate::reply::{evidence, files};

/// The files of an event's package.
///
/// # Errors
/// Of the database.
pub(super) async fn contents(app: &App, event: &event::Model) -> Result<Vec<Piece>> {
    let mut pieces = vec![summary(app, event).await?];
    pieces.extend(received(app, event).await?);
    pieces.extend(answered(app, event).await?);
    pieces.push(piece("clocks.json", &crate::deadline::evidence::clocks(app, event).await?)?);
    pieces.push(piece("entered.json", &crate::deadline::evidence::entered(app, event).await?)?);
    pieces.push(piece("messages.json", &evidence::messages(app, event).await?)?);
    pieces.push(piece("handling.json", &evidence::handling(app, event).await?)?);
    pieces.push(trail(app, event).await?);
    Ok(pieces)
}

async fn summary(app: &App, event: &event::Model) -> Result<Piece> {
    let db = app.database.reader();
    let verdicts = verdict::Entity::find()
        .filter(verdict::Column::EventId.eq(event.id))
        .order_by_asc(verdict::Column::GivenAt)
        .all(db);
    let decisions = decision::Entity::find()
        .filter(decision::Column::EventId.eq(event.id))
        .order_by_asc(decision::Column::AskedAt)
        .all(db);
    let obligations = obligation::Entity::find()
        .filter(obligation::Column::EventId.eq(event.id))
        .order_by_asc(obligation::Column::OpenedAt)
        .all(db);
    let (verdicts, decisions, obligations) = tokio::try_join!(verdicts, decisions, obligations)?;
    let value = json!({
        "number": event.number,
        "title": if event.described { Some(&event.title) } else { None },
        "description": event.description,
        "status": event.status,
        "verdict": event.verdict,
        "level": event.level,
        "highestLevel": event.highest_level,
        "tlp": event.tlp,
        "embargoUntil": event.embargo_until,
        "receivedAt": event.received_at,
        "closedAt": event.closed_at,
        "verdicts": verdicts.iter().map(|row| json!({
            "verdict": row.verdict, "severity": row.severity, "rationale": row.rationale,
            "givenBy": row.given_by, "givenAt": row.given_at, "supersededAt": row.superseded_at,
        })).collect::<Vec<_>>(),
        "decisions": decisions.iter().map(|row| json!({
            "kind": row.kind, "question": row.question, "outcome": row.outcome, "granted": row.granted,
            "extent": row.extent, "askedBy": row.asked_by, "askedAt": row.asked_at,
            "decidedBy": row.decided_by, "decidedAt": row.decided_at,
        })).collect::<Vec<_>>(),
        "obligations": obligations.iter().map(|row| json!({
            "id": scalars::id::<obligation::Entity>(row.id).as_str(), "kind": row.kind, "state": row.state,
            "product": row.product_id.map(|id| scalars::id::<product::Entity>(id).to_string()),
            "customer": row.customer_id.map(|id| scalars::id::<customer::Entity>(id).to_string()),
            "trigger": row.trigger, "openedAt": row.opened_at, "metAt": row.met_at,
            "metBy": row.met_by_reply_id.map(|id| scalars::id::<reply::Entity>(id).to_string()),
            "waivedBy": row.waived_by, "waivedAt": row.waived_at, "waiveReason": row.waive_reason,
            "legalGround": row.legal_ground,
        })).collect::<Vec<_>>(),
    });
    piece("event.json", &value)
}

/// Reports as they were received: each version, their files, and the mails about them.
async fn received(app: &App, event: &event::Model) -> Result<Vec<Piece>> {
    let (db, backend) = (app.database.reader(), app.database.backend());
    let reports = report::Entity::find()
        .filter(report::Column::EventId.eq(event.id))
        .order_by_asc(report::Column::ReceivedAt)
        .order_by_asc(report::Column::Id)
        .all(db)
        .await?;
    let versions = report_version::Entity::find()
        .filter(is_one_of(backend, report_version::Column::ReportId, reports.iter().map(|row| row.id)))
        .order_by_asc(report_version::Column::Number)
        .all(db)
        .await?;
    let mails = inbound_mail::Entity::find()
        .filter(is_one_of(backend, inbound_mail::Column::ReportId, reports.iter().map(|row| row.id)))
        .order_by_asc(inbound_mail::Column::ReceivedAt)
        .order_by_asc(inbound_mail::Column::Id)
        .all(db)
        .await?;
    let channels = channels(app, reports.iter().map(|row| row.channel_id)).await?;
    let mut pieces = Vec::new();
    for (place, report) in reports.iter().enumerate() {
        let key = key_of(&channels, report.channel_id);
        for version in versions.iter().filter(|version| version.report_id == report.id) {
            let value = json!({
                "report": scalars::id::<report::Entity>(report.id).as_str(),
                "channel": key,
                "channelNumber": report.channel_number,
                "reporter": report.reporter_id.map(|id| scalars::id::<entity::reporter::Entity>(id).to_string()),
                "version": version.number,
                "title": version.title,
                "text": version.text,
                "fields": version.source,
                "receivedAt": version.received_at,
                "recordedBy": version.recorded_by,
                "contentHash": hex::encode(&version.content_hash),
            });
            let name = format!("received/{:03}-{key}-v{}.json", place + 1, version.number);
            pieces.push(piece(name, &value)?);
        }
        for (number, file) in (1..).zip(attachment::store::files_of(app, report.id).await?) {
            // Under a name of ours, since no program that opens the package should follow the sender's.
            let name = format!("received/{:03}-{key}-file{number}", place + 1);
            let value = json!({
                "report": scalars::id::<report::Entity>(report.id).as_str(),
                "name": file.name,
                "mediaType": file.media_type,
                "size": file.size,
                "sha256": hex::encode(&file.sha256),
                "receivedAt": file.received_at,
            });
            pieces.push(piece(format!("{name}.json"), &value)?);
            let content = Content::Kept(attachment::store::file_of(&file)?);
            pieces.push(Piece { name: format!("{name}.bin"), content });
        }
        let mails = mails.iter().filter(|mail| mail.report_id == report.id);
        for (number, mail) in (1..).zip(mails) {
            // Not from whom: of a reporter nothing stands here. Their words are a message, or the report itself.
            let value = json!({
                "report": scalars::id::<report::Entity>(report.id).as_str(),
                "subject": mail.subject,
                "text": mail.text,
                "fromReporter": mail.from_reporter,
                "verification": mail.verification,
                "receivedAt": mail.received_at,
                "recordedAt": mail.recorded_at,
                "recordedBy": mail.recorded_by,
                "contentHash": hex::encode(&mail.content_hash),
            });
            pieces.push(piece(format!("received/{:03}-{key}-mail{number}.json", place + 1), &value)?);
        }
    }
    Ok(pieces)
}

/// Replies: their drafts, reviews, dispatches, and the very bytes that were sent.
async fn answered(app: &App, event: &event::Model) -> Result<Vec<Piece>> {
    let (db, backend) = (app.database.reader(), app.database.backend());
    let replies = reply::Entity::find()
        .filter(reply::Column::EventId.eq(event.id))
        .order_by_asc(reply::Column::CreatedAt)
        .order_by_asc(reply::Column::Id)
        .all(db)
        .await?;
    let ids: Vec<_> = replies.iter().map(|row| row.id).collect();
    let of = |column| is_one_of(backend, column, ids.iter().copied());
    let drafts = reply_draft::Entity::find().filter(of(reply_draft::Column::ReplyId)).all(db).await?;
    let drafts = sorted(drafts, |row: &reply_draft::Model| row.number);
    let of = |column| is_one_of(backend, column, ids.iter().copied());
    let reviews = reply_review::Entity::find().filter(of(reply_review::Column::ReplyId)).all(db).await?;
    let reviews = sorted(reviews, |row: &reply_review::Model| row.requested_at);
    let of = |column| is_one_of(backend, column, ids.iter().copied());
    let dispatches =
        reply_dispatch::Entity::find().filter(of(reply_dispatch::Column::ReplyId)).all(db).await?;
    let dispatches = sorted(dispatches, |row: &reply_dispatch::Model| row.requested_at);
    let of = |column| is_one_of(backend, column, ids.iter().copied());
    let links =
        reply_obligation::Entity::find().filter(of(reply_obligation::Column::ReplyId)).all(db).await?;
    let channels = channels(app, replies.iter().map(|row| row.channel_id)).await?;
    let mut pieces = Vec::new();
    for (place, reply) in replies.iter().enumerate() {
        let key = key_of(&channels, reply.channel_id);
        let kind = reply.kind.as_str().to_ascii_lowercase().replace('_', "-");
        let folder = format!("replies/{:03}-{key}-{kind}", place + 1);
        let attached = crate::reply::store::readable_attachments(app, reply.id).await?;
        let proofs = crate::reply::store::proofs(app, reply.id).await?;
        let mut value = json!({
            "reply": scalars::id::<reply::Entity>(reply.id).as_str(),
            "channel": key,
            "kind": reply.kind,
            "state": reply.state,
            "language": reply.language,
            "template": reply.template,
            "templateNumber": reply.template_number,
            "supplied": reply.supplied,
            "asMade": reply.as_made,
            "writtenAt": { "verdict": reply.verdict_id, "extent": reply.extent },
            "via": reply.via,
            "recipient": reply.recipient,
            "approvedBy": reply.approved_by,
            "approvedAt": reply.approved_at,
            "sentBy": reply.sent_by,
            "sentAt": reply.sent_at,
            "sentVia": reply.sent_via,
            "receiptNumber": reply.receipt_number,
            "proof": reply.proof,
            "contentHash": reply.content_hash.as_ref().map(hex::encode),
            "obligations": links.iter().filter(|row| row.reply_id == reply.id)
                .map(|row| scalars::id::<obligation::Entity>(row.obligation_id).to_string()).collect::<Vec<_>>(),
            "attachments": attached.iter().map(|row| json!({
                "name": row.name, "mediaType": row.media_type, "size": row.size, "sha256": hex::encode(&row.sha256),
                "addedBy": row.added_by, "addedAt": row.added_at,
            })).collect::<Vec<_>>(),
            "drafts": drafts.iter().filter(|row| row.reply_id == reply.id).map(|row| json!({
                "number": row.number, "subject": row.subject, "body": row.body, "author": row.author,
                "createdAt": row.created_at,
            })).collect::<Vec<_>>(),
            "reviews": reviews.iter().filter(|row| row.reply_id == reply.id).map(|row| json!({
                "reviewer": row.reviewer, "requestedBy": row.requested_by, "requestedAt": row.requested_at,
                "outcome": row.outcome, "note": row.note, "answeredAt": row.answered_at,
            })).collect::<Vec<_>>(),
            "dispatches": dispatches.iter().filter(|row| row.reply_id == reply.id).map(|row| json!({
                "via": row.via, "recipient": row.recipient, "messageId": row.message_id, "state": row.state,
                "sha256": hex::encode(&row.sha256), "attempts": row.attempts, "answer": row.answer,
                "requestedBy": row.requested_by, "requestedAt": row.requested_at, "contentBeganAt": row.data_at,
                "settledAt": row.settled_at, "bouncedAt": row.bounced_at, "bounceStatus": row.bounce_status,
                "bounceWords": row.bounce_words,
            })).collect::<Vec<_>>(),
        });
        value["toReporterOf"] =
            reply.report_id.map(|id| scalars::id::<report::Entity>(id).to_string()).into();
        value["proofFiles"] = proofs
            .iter()
            .map(|row| {
                json!({
                    "name": row.name, "mediaType": row.media_type, "size": row.size,
                    "sha256": hex::encode(&row.sha256), "addedBy": row.added_by, "addedAt": row.added_at,
                    "provesSentAt": row.proves_at,
                })
            })
            .collect();
        pieces.push(piece(format!("{folder}/reply.json"), &value)?);
        let mut names = BTreeSet::new();
        for (file, dispatch) in crate::reply::handover::store::left_files(app, reply.id).await? {
            let name = file.name.clone();
            let mut name = match dispatch.filter(|row| row.state != DispatchState::Taken) {
                None => format!("{folder}/{name}"),
                // What may have arrived stands apart from what did.
                Some(row) => {
                    format!("{folder}/{}-{}/{name}", row.state.as_str().to_ascii_lowercase(), row.id)
                }
            };
            while !names.insert(name.clone()) {
                name.push_str(".again");
            }
            let content = match files::to_pack(file)? {
                Ok(bytes) => Content::Made(bytes),
                Err(file) => Content::Kept(file),
            };
            pieces.push(Piece { name, content });
        }
        for (number, row) in (1..).zip(&attached) {
            // Under a name of ours, as files of reports are.
            let name = format!("{folder}/attached{number}.bin");
            pieces.push(Piece { name, content: Content::Kept(crate::reply::attach::kept(row)?) });
        }
        for (number, row) in (1..).zip(&proofs) {
            let name = format!("{folder}/proof{number}.bin");
            pieces.push(Piece { name, content: Content::Kept(crate::reply::proof_file(row)?) });
        }
    }
    Ok(pieces)
}

/// The event's audit entries, oldest first, with their digests: one JSON object a line.
async fn trail(app: &App, event: &event::Model) -> Result<Piece> {
    let entries = audit_entry::Entity::find()
        .filter(audit_entry::Column::EventId.eq(event.id))
        .order_by_asc(audit_entry::Column::At)
        .order_by_asc(audit_entry::Column::Id)
        .all(app.database.reader())
        .await?;
    let mut lines = String::new();
    for entry in entries {
        let details: Value = serde_json::from_str(&entry.details).unwrap_or(Value::Null);
        let line = json!({
            "id": scalars::id::<audit_entry::Entity>(entry.id).as_str(),
            "aggregate": entry.aggregate_kind,
            "revision": entry.revision,
            "at": entry.at,
            "actor": entry.actor,
            "roles": entry.roles,
            "action": entry.action,
            "reason": entry.reason,
            "details": details,
            "previous": hex::encode(&entry.previous),
            // Its place among all entries would count those of events that the reader may not see.
            "digest": hex::encode(&entry.digest),
        });
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    Ok(Piece::made("audit.jsonl", lines.into_bytes()))
}

fn sorted<T, K: Ord>(mut rows: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    rows.sort_by_key(key);
    rows
}

async fn channels(app: &App, ids: impl Iterator<Item = uuid::Uuid>) -> Result<Vec<channel::Model>> {
    let of = is_one_of(app.database.backend(), channel::Column::Id, ids);
    Ok(channel::Entity::find().filter(of).all(app.database.reader()).await?)
}

fn key_of(channels: &[channel::Model], id: uuid::Uuid) -> &str {
    channels.iter().find(|row| row.id == id).map_or("", |row| &row.key)
}
