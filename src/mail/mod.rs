//! Inbound mail: what becomes a report, what belongs to one, and what is left alone.
//!
//! A mail comes from a mailbox of a channel, as a file or over IMAP. A program's mail opens nothing: two programs that
//! answer each other would never end. A delivery report about a reply of ours is recorded on that reply. What a person
//! wrote belongs to an earlier report when it answers a reply of ours, whose `Message-ID` nobody has who has not got it;
//! or when it comes from the address of an earlier mail or report that it names. All else is a new report.
//!
//! Anybody can write any sender. So a sender's address alone opens nothing, shows nothing, and never puts words into a
//! thread without also naming something of it; what a trusted mail server found of it stands beside each mail, and a
//! sender that was found forged names nobody. What is not from a report's reporter becomes no message between team and
//! reporter: it is kept for those who read reports as received.
//!
//! Each mail is recorded once, by its `Message-ID` or its bytes, in the change that it makes. So mailboxes may be read
//! again, by several processes at once, and be cut off at any point.

pub mod graphql;
pub mod imap;
pub mod read;
pub mod rules;
pub mod settings;
pub mod source;
pub mod store;
pub mod trouble;
pub mod worker;

use chrono::{DateTime, SubsecRound, Utc};
use entity::vocabulary::{AttachmentKind, ChannelKind, MailVerification, NoticeKind};
use entity::{channel, inbound_mail, report};
use serde_json::json;
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::app::App;
use crate::attachment::content::Placed;
use crate::attachment::{self, Described, File};
use crate::auth::policy::{Action, require};
use crate::auth::{Actor, Role};
use crate::duplicate;
use crate::error::{Error, Refusal, Result};
use crate::files::Kept;
use crate::intake::{self, Arrived, Enclosed, ReceiveReport, ReporterInput};
use crate::notice;
use crate::outbox::{Bump, ChangeSet, Opaque, message, retrying};
use crate::reply::handover::bounce;
use read::Letter;
use rules::Automatic;
use settings::Mailroom;

/// The title of a report by a mail without a subject.
const UNTITLED: &str = "(no subject / 无主题)";

/// Who reads a channel's mailbox: what its service may, and recording bounces.
pub fn reader(subject: &str, channel: &str) -> Actor {
    Actor { channel: Some(channel.into()), ..Actor::operator(subject, [Role::Analyst, Role::Src]) }
}

/// What became of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is a new report.
    Received,
    /// It belongs to a report that is there.
    Joined,
    /// It was recorded before.
    AlreadyKnown,
    /// It says that a reply of ours came back, and is recorded on that.
    Bounced,
    /// No person wrote it to us.
    Automatic(Automatic),
    /// It was left out, for this reason.
    Refused(String),
}

/// A mail as a mailbox gives it.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// When the mailbox got it, if that knows.
    pub received_at: Option<DateTime<Utc>>,
}

/// What becomes of a mail that is longer than it may be, of which no more than that is read.
fn too_large(most: usize) -> Outcome {
    Outcome::Refused(format!("it has more than {most} bytes (intake.mail.message_bytes)"))
}

/// Takes one mail of the channel's mailbox. What is wrong with it is its outcome, and holds up no other.
///
/// # Errors
/// By policy; a refusal when the channel takes no reports; of the database.
pub async fn take(
    app: &App,
    actor: &Actor,
    channel: &str,
    incoming: &Incoming,
    dry_run: bool,
) -> Result<Outcome> {
    require(actor, Action::TakeMail)?;
    let channel = intake::open_channel(app, actor, channel).await?;
    let most = app.mailroom.message_bytes;
    if incoming.bytes.len() > most {
        return Ok(too_large(most));
    }
    let bytes = incoming.bytes.clone();
    // On a thread of its own, which is all that ends if a mail is too much for the parser.
    let read = tokio::task::spawn_blocking(move || read::read(&bytes)).await;
    let letter = match read {
        Ok(Some(letter)) => letter,
        Ok(None) => return Ok(Outcome::Refused("it is no mail: it has no header".to_owned())),
        Err(_) => return Ok(Outcome::Refused("it cannot be read".to_owned())),
    };
    let Mailroom { lists, own_addresses, .. } = &*app.mailroom;
    let own = [own_addresses.clone(), store::own_addresses(app).await?].concat();
    if rules::is_own(&letter, &own) {
        return Ok(Outcome::Automatic(Automatic::Own));
    }
    if let Some(reason) = rules::automatic(&letter.signs, lists) {
        if reason == Automatic::DeliveryReport && !dry_run {
            let bounced = retrying(|| bounce::take_bounce(app, actor, &incoming.bytes)).await;
            match bounced {
                Ok(Some(_)) => return Ok(Outcome::Bounced),
                Ok(None) => {}
                Err(error) => return refused(error),
            }
        }
        return Ok(Outcome::Automatic(reason));
    }
    let kept = OnceCell::new();
    let taken = retrying(|| place(app, actor, &channel, &letter, incoming, dry_run, &kept)).await;
    let names: Vec<Uuid> = kept.get().into_iter().flatten().map(|(_, file)| file.name).collect();
    attachment::content::forget_unused(app, &names, &taken).await;
    taken.or_else(refused)
}

/// What is wrong with the mail itself, as its outcome.
fn refused(error: Error) -> Result<Outcome> {
    match error {
        Error::BadInput { field, message } => Ok(Outcome::Refused(format!("{field}: {message}"))),
        Error::Refused(refusals) => {
            let words: Vec<_> = refusals.into_iter().map(|Refusal { message, .. }| message).collect();
            Ok(Outcome::Refused(words.join("; ")))
        }
        Error::Conflict => {
            Ok(Outcome::Refused("its report is being changed all the time: take it again".to_owned()))
        }
        other => Err(other),
    }
}

/// What is kept of the files of a mail, once for all attempts to put it where it belongs.
type KeptFiles = OnceCell<Vec<(Described, Kept)>>;

/// Keeps a mail and the files in it.
async fn keep(app: &App, letter: &Letter, original: &[u8]) -> Result<Vec<(Described, Kept)>> {
    let original = File {
        kind: AttachmentKind::OriginalMail,
        name: Some("mail.eml".to_owned()),
        media_type: "message/rfc822".to_owned(),
        bytes: original.to_vec(),
    };
    let mut kept = attachment::content::keep(app, &[original]).await?;
    kept.extend(attachment::content::keep(app, &letter.files).await?);
    Ok(kept)
}

/// Finds where a mail belongs, and puts it there.
async fn place(
    app: &App,
    actor: &Actor,
    channel: &channel::Model,
    letter: &Letter,
    incoming: &Incoming,
    dry_run: bool,
    kept: &KeptFiles,
) -> Result<Outcome> {
    let mut identity = rules::identity(letter);
    // An earlier mail or report of the same Message-ID that says something else.
    let mut same_id = None;
    if let Some(known) = store::known(app, channel.id, &identity).await? {
        if known.content_hash == letter.content_hash() {
            return Ok(Outcome::AlreadyKnown);
        }
        // Some programs use an id twice: what is said then must not be lost.
        identity = rules::digest_identity(letter);
        if store::known(app, channel.id, &identity).await?.is_some() {
            return Ok(Outcome::AlreadyKnown);
        }
        same_id = letter.message_id.clone();
    }
    let verification = rules::verification(letter, &app.mailroom.trusted_servers);
    let found = thread(app, channel, letter, same_id.as_ref(), verification).await?;
    let now = app.clock.now();
    let received_at = incoming.received_at.or(letter.received_at).map_or(now, |at| at.trunc_subsecs(6));
    let mut post = Post {
        letter,
        files: Vec::new(),
        row: inbound_mail::Model {
            id: app.ids.next(),
            channel_id: channel.id,
            identity,
            message_id: letter.message_id.clone(),
            content_hash: letter.content_hash(),
            report_id: Uuid::nil(),
            comment_id: None,
            subject: letter.subject.clone(),
            text: None,
            sender: letter.sender.as_ref().map(|sender| sender.address.clone()),
            from_reporter: true,
            verification,
            received_at: received_at.min(now),
            recorded_at: now,
            recorded_by: actor.subject.to_string(),
        },
    };
    if dry_run {
        return Ok(if found.is_some() { Outcome::Joined } else { Outcome::Received });
    }
    let kept = kept.get_or_try_init(|| keep(app, letter, &incoming.bytes)).await?;
    post.files = attachment::content::place_all(app, kept).await?;
    match found {
        Some((report, from_reporter)) => {
            post.row.from_reporter = from_reporter;
            join(app, actor, &report, post).await
        }
        None => open(app, actor, channel, post).await,
    }
}

/// The report that a mail belongs to, and whether it is from that one's reporter. Message-IDs and numbers are no secret:
/// where a mail server could have vouched for the sender, it has to, or the mail is for the team alone.
async fn thread(
    app: &App,
    channel: &channel::Model,
    letter: &Letter,
    same_id: Option<&String>,
    verification: MailVerification,
) -> Result<Option<(report::Model, bool)>> {
    // A forged sender is nobody.
    let sender = letter.sender.as_ref().filter(|_| verification != MailVerification::Failed);
    let sender = sender.map(|sender| sender.address.as_str());
    let is_vouched = verification == MailVerification::Verified || app.mailroom.trusted_servers.is_empty();
    let is_theirs = |found: &store::Candidate| {
        is_vouched
            && found
                .address
                .as_deref()
                .is_some_and(|address| sender.is_some_and(|sender| sender.eq_ignore_ascii_case(address)))
    };
    let answered = store::answered(app, &letter.references).await?;
    let first = answered.iter().find(|found| is_theirs(found)).or(answered.first());
    if let Some(found) = first {
        return Ok(Some((found.report.clone(), is_theirs(found))));
    }
    let Some(address) = sender else { return Ok(None) };
    let named: Vec<String> = same_id.into_iter().chain(&letter.references).cloned().collect();
    let mut found = store::continued(app, channel.id, &named, address).await?;
    if let Some(found) = found.drain(..).next() {
        let from_reporter = is_theirs(&found);
        return Ok(Some((found.report, from_reporter)));
    }
    let numbered = store::numbered(app, channel.id, &rules::event_numbers(&letter.subject)).await?;
    Ok(numbered.into_iter().find(is_theirs).map(|found| (found.report, true)))
}

/// A mail on its way to its report.
#[derive(Debug)]
struct Post<'a> {
    letter: &'a Letter,
    /// The mail itself and the files in it.
    files: Vec<(Described, Placed)>,
    row: inbound_mail::Model,
}

impl Enclosed for Post<'_> {
    fn digests(&self) -> Vec<Vec<u8>> {
        self.letter.files.iter().map(File::sha256).collect()
    }

    fn write(&self, app: &App, changes: &mut ChangeSet, report: &report::Model) {
        let row = inbound_mail::Model { report_id: report.id, ..self.row.clone() };
        changes.insert(&row);
        attachment::enclose(app, changes, &row, &self.files);
    }
}

/// Opens a report.
async fn open(app: &App, actor: &Actor, channel: &channel::Model, post: Post<'_>) -> Result<Outcome> {
    let letter = post.letter;
    let message_id = own_id(app, channel, letter).await?;
    let attached = letter
        .files
        .iter()
        .map(|file| json!([file.kept_name(), format!("sha256:{}", hex::encode(file.sha256()))]));
    let source = attached.collect();
    let reporter = letter.sender.as_ref().filter(|_| post.row.verification != MailVerification::Failed);
    let input = ReceiveReport {
        channel: channel.key.clone(),
        number: None,
        message_id,
        title: Some(letter.subject.clone())
            .filter(|title| !title.is_empty())
            .unwrap_or_else(|| UNTITLED.to_owned()),
        text: Some(letter.text.clone()),
        received_at: Some(post.row.received_at),
        reporter: reporter.map(|sender| ReporterInput {
            name: sender.name.clone(),
            email: Some(sender.address.clone()),
            staff: channel.kind == ChannelKind::Internal,
            subject: None,
        }),
        indicators: Vec::new(),
        tlp: None,
        join_event: None,
        idempotency_key: None,
        notice_type: None,
    };
    match intake::receive_with(app, actor, &input, source, &post).await? {
        (_, Arrived::New) => Ok(Outcome::Received),
        (_, Arrived::Version) => Ok(Outcome::Joined),
        (_, Arrived::Known) => Ok(Outcome::AlreadyKnown),
    }
}

/// The Message-ID by which a mail's report is recognised, unless it would be taken for a report of somebody else.
async fn own_id(app: &App, channel: &channel::Model, letter: &Letter) -> Result<Option<String>> {
    let Some(id) = &letter.message_id else { return Ok(None) };
    let key = intake::rules::identity_key(None, Some(id), &[]);
    let Some(other) = intake::store::by_identity(app, channel.id, &key).await? else {
        return Ok(Some(id.clone()));
    };
    let address = store::reporter_address(app, &other).await?;
    let is_theirs = letter.sender.as_ref().map(|sender| sender.address.as_str()) == address.as_deref();
    Ok(Some(id.clone()).filter(|_| is_theirs && address.is_some()))
}

/// Puts a mail with the report that it belongs to: its reporter's words as a message, all others for the team alone.
async fn join(app: &App, actor: &Actor, report: &report::Model, mut post: Post<'_>) -> Result<Outcome> {
    let before = intake::store::event_of(app, report).await?;
    let mut changes = ChangeSet::new(app, actor, Action::TakeMail);
    let letter = post.letter;
    if post.row.from_reporter && !letter.text.is_empty() {
        let words =
            crate::comment::write_from_reporter(app, &mut changes, &before, report, letter.text.clone());
        post.row.comment_id = Some(words.id);
    } else {
        post.row.text = Some(letter.text.clone());
        let told = message::ReportMail { report: Opaque::new(report.id), mail: Opaque::new(post.row.id) };
        changes.message(app, Some(before.id), &told);
        let told = notice::Told {
            kind: NoticeKind::ReportMail,
            percent: None,
            event: Some(before.id),
            about: report.id,
            once: Some(notice::rules::daily("mail", report.id, changes.at())),
        };
        let people = notice::answerable(app, &before, None).await?;
        notice::tell_once(app, &mut changes, people, &told).await?;
    }
    post.write(app, &mut changes, report);
    if !letter.files.is_empty() {
        let more = |material: &mut duplicate::Material| material.files.extend(post.digests());
        duplicate::index_anew(app, &mut changes, report, more).await?;
    }
    if post.row.from_reporter {
        intake::revise_after_arrival(app, &mut changes, &before, std::slice::from_ref(report)).await?;
    } else {
        changes.revise(app, &before, before.clone(), Some(before.id), Bump::Version);
    }
    app.commit(changes).await?;
    Ok(Outcome::Joined)
}
