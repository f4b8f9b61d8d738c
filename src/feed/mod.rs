//! What a person has to do and when, for their calendar program.
//!
//! A calendar program cannot carry a token, so a feed is read under a link that nobody can guess: 256 random bits, of
//! which the database keeps a hash alone. The link speaks for the principal who made it, and is decided anew at every
//! read: by the roles and the scope that their last token had, by whether they may still act, and by the same
//! visibility as everywhere. Whoever may not, finds what a wrong link finds. As calendars are shown on many screens and
//! kept by others, a feed says number, kind and time, and no title; of a TLP:RED event number and time alone. What it says of events under embargo or TLP:RED is
//! recorded like every read of them.
//!
//! A person has one feed. Making it again replaces the link, so a link whose answer was lost is no harm.

pub mod graphql;
pub mod http;
mod rules;
mod store;

use async_graphql::InputObject;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::calendar_feed;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::auth::policy::{Action, allows, require};
use crate::auth::{Actor, Origin};
use crate::error::{Error, RefusalCode, Result};
use crate::event::{expect_version, optional_text};
use crate::graphql::scalars::Id;
use crate::graphql::sensitive::SensitiveReads;
use crate::outbox::{Bump, ChangeSet};
use crate::principal;

/// Random bytes in a link.
const SECRET_BYTES: usize = 32;
/// Longest name, in characters.
const SHORT: usize = 200;
/// Name of a feed that was given none.
const NAME: &str = "vulndesk";

/// A feed to make. 新建日历订阅。
#[derive(Clone, Debug, InputObject)]
pub struct CreateCalendarFeed {
    /// Name that calendar programs show; "vulndesk" when left out. 日历程序中显示的名称；省略时为 "vulndesk"。
    pub name: Option<String>,
}

/// A feed with the secret that was just made for it: the only time that it is shown.
#[derive(Debug)]
pub struct NewFeed {
    /// The feed as it now is.
    pub row: calendar_feed::Model,
    /// The path of its link, below the address of the API.
    pub path: SecretString,
}

/// Makes the actor's feed, or gives it a new link in place of the one before.
///
/// # Errors
/// By policy; BAD_USER_INPUT on an ill-formed name.
pub async fn create(app: &App, actor: &Actor, input: &CreateCalendarFeed) -> Result<NewFeed> {
    require(actor, Action::CreateCalendarFeed)?;
    let name = optional_text("input.name", input.name.as_ref(), SHORT)?.unwrap_or_else(|| NAME.to_owned());
    if name.chars().any(char::is_control) {
        return Err(Error::bad_input("input.name", "send it on one line"));
    }
    let principal = principal::store::latest(app, &actor.subject).await?;
    let principal = principal.ok_or_else(|| anyhow::anyhow!("the caller was not recorded as a principal"))?;
    let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
    app.ids.fill(bytes.as_mut_slice());
    let secret = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()));
    let path = SecretString::from(http::path(&secret));
    let mut changes = ChangeSet::new(app, actor, Action::CreateCalendarFeed);
    let row = match store::of_principal(app, principal.id).await? {
        Some(before) => {
            let after =
                calendar_feed::Model { name, secret_hash: hash(&secret), revoked_at: None, ..before.clone() };
            changes.revise(app, &before, after, None, Bump::Version)
        }
        None => {
            let row = calendar_feed::Model {
                id: app.ids.next(),
                principal_id: principal.id,
                name,
                secret_hash: hash(&secret),
                revoked_at: None,
                version: 1,
                revision: 1,
                audit_head: Vec::new(),
                created_at: changes.at(),
                changed_at: changes.at(),
            };
            changes.create(app, row, None)
        }
    };
    app.commit(changes).await?;
    Ok(NewFeed { row, path })
}

/// A feed to end. 待撤销的日历订阅。
#[derive(Clone, Debug, InputObject)]
pub struct RevokeCalendarFeed {
    /// The feed. 日历订阅。
    pub feed: Id<calendar_feed::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
}

/// Ends the actor's own feed: its link answers nobody from now on.
///
/// # Errors
/// By policy and version; NOT_FOUND for another person's feed; a refusal when it is ended already.
pub async fn revoke(app: &App, actor: &Actor, input: &RevokeCalendarFeed) -> Result<calendar_feed::Model> {
    require(actor, Action::RevokeCalendarFeed)?;
    let before = own(app, actor).await?.filter(|row| row.id == input.feed.0).ok_or(Error::NotFound)?;
    expect_version(before.version, input.expected_version)?;
    if before.revoked_at.is_some() {
        return Err(Error::refused(
            RefusalCode::Frozen,
            "the feed is ended already: make it again for a new link",
        ));
    }
    let mut changes = ChangeSet::new(app, actor, Action::RevokeCalendarFeed);
    let after = calendar_feed::Model { revoked_at: Some(changes.at()), ..before.clone() };
    let after = changes.revise(app, &before, after, None, Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

/// The actor's own feed, ended or not.
///
/// # Errors
/// Of the database.
pub async fn own(app: &App, actor: &Actor) -> Result<Option<calendar_feed::Model>> {
    match principal::store::latest(app, &actor.subject).await? {
        Some(principal) => store::of_principal(app, principal.id).await,
        None => Ok(None),
    }
}

/// A feed as it is read.
struct Feed {
    /// For whom.
    actor: Actor,
    /// iCalendar text.
    text: String,
    /// What it tells of events that have to be recorded as read before it leaves.
    reads: SensitiveReads,
}

/// What a link answers; none where it answers nobody, for whatever reason.
async fn read(app: &App, secret: &str, origin: Origin) -> Result<Option<Feed>> {
    let Some(row) = store::living(app, &hash(secret)).await? else { return Ok(None) };
    let Some(principal) = store::principal(app, row.principal_id).await? else { return Ok(None) };
    let Some(actor) = principal::acting(app, &principal, origin) else { return Ok(None) };
    if !allows(&actor, Action::CreateCalendarFeed) {
        return Ok(None);
    }
    let duties = store::duties(app, &actor).await?;
    let reads = SensitiveReads::new(app.clock.now());
    duties.iter().filter_map(|duty| duty.event.as_ref()).for_each(|event| reads.note(event));
    Ok(Some(Feed { text: rules::calendar(&row.name, &duties), actor, reads }))
}

fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// Shows a link once.
fn shown(path: &SecretString) -> String {
    path.expose_secret().to_owned()
}
