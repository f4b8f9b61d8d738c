//! A vulnerability event: what the team handles, whatever channels it was heard of through.
//!
//! An event's handling status moves by the table in [`rules`] and nowhere else: a slice whose change moves it
//! calls [`transition`]. All that hangs on an event (verdicts, scores, assignments, fixes, replies) is changed
//! together with the event's row: its revision guards them all and its audit chain records them all. A caller
//! that depends on what it saw sends the version it saw ([`expect_version`]).

pub mod document;
pub mod filter;
pub mod graphql;
pub mod number;
pub mod rules;
pub mod store;

mod moves;

pub use moves::{
    AskReporter, DescribeEvent, EventMove, LinkEvents, ask_reporter, describe, link, reopen, resume_triage,
    return_to_triage, start_remediation, start_review, start_triage,
};

use entity::vocabulary::{EventLinkKind, Level, Status, Tlp};
use entity::{event, event_link, status_change};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use uuid::Uuid;

use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, allows};
use crate::error::{Error, Result};
use crate::outbox::{ChangeSet, message};
use rules::Cause;

/// Demands that the caller saw the present version.
///
/// # Errors
/// [`Error::Conflict`].
pub fn expect_version(found: i32, expected: i32) -> Result<()> {
    if found == expected { Ok(()) } else { Err(Error::Conflict) }
}

/// A new event as it is before its first change is written: RECEIVED, unrated. Its number is drawn here.
///
/// # Errors
/// Of the database.
pub async fn new(
    app: &App,
    title: &str,
    received_at: chrono::DateTime<chrono::Utc>,
    tlp: Tlp,
) -> Result<event::Model> {
    let now = app.clock.now();
    let number = app.numbers.next(&app.database, chrono::Datelike::year(&now)).await?;
    Ok(event::Model {
        id: app.ids.next(),
        number,
        title: title.to_owned(),
        described: false,
        description: String::new(),
        steps: String::new(),
        status: Status::Received,
        verdict: None,
        level: Level::None,
        highest_level: Level::None,
        level_rank: 0,
        score: -1,
        tlp,
        embargo_until: None,
        received_at,
        history: false,
        pass: 1,
        duplicate_of: None,
        asked_report_id: None,
        asked_at: None,
        closed_at: None,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: now,
        changed_at: now,
    })
}

/// The title as the actor may read it: until an analyst has written one it is the report's, as received, which is
/// not for everybody on the event; others then read its number.
pub fn title<'a>(actor: &Actor, event: &'a event::Model) -> &'a str {
    if event.described || allows(actor, Action::ReadRawReports) { &event.title } else { &event.number }
}

/// Records the first status of a new event.
pub fn record_first_status(app: &App, changes: &mut ChangeSet, event: &event::Model) {
    let row = status_change::Model {
        id: app.ids.next(),
        event_id: event.id,
        pass: event.pass,
        from_status: None,
        to_status: event.status,
        reason: None,
        changed_by: changes.actor().to_owned(),
        changed_at: changes.at(),
    };
    changes.write_row(&row);
}

/// Moves an event: the one place where a status changes. `event` is the row as the command will revise it.
///
/// # Errors
/// A refusal that names the current status and the moves allowed.
pub fn transition(
    app: &App,
    changes: &mut ChangeSet,
    event: &mut event::Model,
    to: Status,
    cause: Cause,
    reason: Option<&str>,
) -> Result<()> {
    if !rules::is_move(event.status, to, cause) {
        return Err(Error::Refused(vec![rules::not_a_move(event, to)]));
    }
    if matches!(cause, Cause::ReturnToTriage | Cause::Reopen) {
        event.pass += 1;
    }
    let from = event.status;
    event.status = to;
    event.closed_at = (to == Status::Closed).then(|| changes.at());
    let row = status_change::Model {
        id: app.ids.next(),
        event_id: event.id,
        pass: event.pass,
        from_status: Some(from),
        to_status: to,
        reason: reason.map(str::to_owned),
        changed_by: changes.actor().to_owned(),
        changed_at: changes.at(),
    };
    changes.write_row(&row);
    changes.message(app, Some(event.id), &message::EventStatusChanged { from, to });
    let status = rules::public_status(to);
    if status != rules::public_status(from) {
        changes.message(app, Some(event.id), &message::ReportStatusChanged { status });
    }
    Ok(())
}

/// A report of the event was received at `at`: where that is before all others, the event was received then, and that is written
/// beside all that lists of events are found by.
pub fn received(changes: &mut ChangeSet, event: &mut event::Model, at: chrono::DateTime<chrono::Utc>) {
    if at >= event.received_at {
        return;
    }
    event.received_at = at;
    for table in ["event_access", "affected_product", "assignment"] {
        let beside = Query::update()
            .table(table)
            .value("received_at", at)
            .and_where(Expr::col("event_id").eq(event.id))
            .take();
        changes.write_update(beside);
    }
}

/// A link from `event` to `other`, to be inserted with the change of `event`.
pub fn link_row(
    app: &App,
    changes: &ChangeSet,
    event: Uuid,
    other: Uuid,
    kind: EventLinkKind,
) -> event_link::Model {
    event_link::Model {
        id: app.ids.next(),
        event_id: event,
        other_event_id: other,
        kind,
        linked_by: changes.actor().to_owned(),
        linked_at: changes.at(),
    }
}

/// Most characters of a text that stands in an index: PostgreSQL takes no index entry over 2,704 bytes, and a character
/// has up to four.
pub const INDEXED: usize = 500;

/// A text that has to say something.
///
/// # Errors
/// BAD_USER_INPUT naming `field` when it is blank or longer than `max` characters.
pub fn require_text(field: &str, text: &str, max: usize) -> Result<String> {
    let text = text.trim();
    let length = text.chars().count();
    if text.is_empty() || length > max {
        return Err(Error::bad_input(field, format!("send 1 to {max} characters, not only spaces")));
    }
    if text.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\t' | '\r')) {
        return Err(Error::bad_input(field, "send text without control characters"));
    }
    Ok(text.to_owned())
}

/// The same for a text that may be left out; a blank one counts as left out.
///
/// # Errors
/// Those of [`require_text`].
pub fn optional_text(field: &str, text: Option<&String>, max: usize) -> Result<Option<String>> {
    match text.filter(|text| !text.trim().is_empty()) {
        None => Ok(None),
        Some(text) => require_text(field, text, max).map(Some),
    }
}
