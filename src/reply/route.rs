//! How replies reach a channel without a person: an address, a platform, or both.

use async_graphql::InputObject;
use entity::{channel, reply_route};
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use uuid::Uuid;

use super::handover::store;
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::channel::{email, store as channels};
use crate::error::{Error, Result};
use crate::event::expect_version;
use crate::graphql::scalars::Id;
use crate::outbox::{Bump, ChangeSet, retrying};
use crate::secret::{Column, Place};
use crate::webhook::sign::{Key, new_secret};

/// How replies reach a channel; what is left out is taken away. 回复到达渠道的方式；未提供的将被移除。
#[derive(Clone, Debug, InputObject)]
pub struct SetReplyRoute {
    /// The channel. 渠道。
    pub channel: Id<channel::Entity>,
    /// The version of the channel that was seen. 所见的渠道版本。
    pub expected_version: i32,
    /// Whether what answers a report that came by mail, and what is written to its reporter, goes to the reporter's own
    /// address, in the thread of their mails. 以邮件收到的报告，其回复与消息是否发送至报告人邮箱（接续其邮件往来）。
    #[graphql(default)]
    pub to_reporter: bool,
    /// Address that e-mails go to. 收件地址。
    pub email: Option<String>,
    /// Address that they come from; the installation's when left out. 发件地址；省略时用系统设置。
    pub from_email: Option<String>,
    /// Where the channel's platform takes replies; requests are signed with a secret that is made with the first
    /// URL. 渠道平台接收回复的地址；请求以首次设置时生成的密钥签名。
    pub url: Option<String>,
    /// Whether to make a new secret for the platform. 是否更换平台签名密钥。
    #[graphql(default)]
    pub rotate_secret: bool,
}

/// A channel's route, with the secret that was just made: the only time that it is shown.
#[derive(Debug)]
pub struct Routed {
    /// The channel as it now is.
    pub channel: channel::Model,
    /// The secret just made, if one was.
    pub secret: Option<SecretString>,
}

fn place(row: Uuid) -> Place {
    Column::ReplyRoute.of(row)
}

/// Sets how replies reach a channel.
///
/// # Errors
/// By policy and version; BAD_USER_INPUT on what is no address; a refusal without a key to keep the secret with.
pub async fn set_reply_route(app: &App, actor: &Actor, input: &SetReplyRoute) -> Result<Routed> {
    require(actor, Action::SetReplyRoute)?;
    let address = |field, text: &Option<String>| text.as_deref().map(|text| email(field, text)).transpose();
    let email = address("input.email", &input.email)?;
    let from_email = address("input.fromEmail", &input.from_email)?;
    for (field, text) in [("input.email", &email), ("input.fromEmail", &from_email)] {
        if text.as_deref().is_some_and(|text| super::handover::mail::address(text).is_none()) {
            return Err(Error::bad_input(field, "send one e-mail address"));
        }
    }
    let url = input.url.as_deref().map(|text| checked_url(app, text)).transpose()?;
    let before = channels::find(app, input.channel.0).await?;
    expect_version(before.version, input.expected_version)?;
    let found = store::route(app, before.id).await?;
    let id = found.as_ref().map_or_else(|| app.ids.next(), |row| row.id);
    let kept = found.as_ref().and_then(|row| row.sealed.clone()).filter(|_| !input.rotate_secret);
    let (sealed, secret) = match (&url, kept) {
        (None, _) => (None, None),
        (Some(_), Some(sealed)) => (Some(sealed), None),
        (Some(_), None) => {
            let secret = new_secret(&app.ids);
            let sealed = app.secrets.seal(&app.ids, place(id), secret.expose_secret().as_bytes())?;
            (Some(sealed), Some(secret))
        }
    };
    let to_reporter = input.to_reporter;
    let row = reply_route::Model { id, channel_id: before.id, to_reporter, email, from_email, url, sealed };
    let mut changes = ChangeSet::new(app, actor, Action::SetReplyRoute);
    match &found {
        Some(found) => changes.update(found, &row),
        None => changes.insert(&row),
    }
    let channel = changes.revise(app, &before, before.clone(), None, Bump::Version);
    app.commit(changes).await?;
    Ok(Routed { channel, secret })
}

fn checked_url(app: &App, text: &str) -> Result<String> {
    let url = Url::parse(text).ok().filter(|url| url.query().is_none() && url.fragment().is_none());
    let url =
        url.ok_or_else(|| Error::bad_input("input.url", "send an https URL without query and fragment"))?;
    app.outbound
        .check_url(&url)
        .map_err(|refusal| Error::bad_input("input.url", format!("it may not be asked: {refusal}")))?;
    Ok(url.into())
}

/// The key that requests to a route's platform are signed with.
///
/// # Errors
/// When the route has none, or it does not open.
pub(super) fn key(app: &App, route: &reply_route::Model) -> anyhow::Result<Key> {
    let sealed = route.sealed.as_ref().ok_or_else(|| anyhow::anyhow!("the route has no secret"))?;
    let opened = app.secrets.open(place(route.id), sealed)?;
    Ok(Key::parse(std::str::from_utf8(opened.expose_secret())?)?)
}

/// Seals every route's secret with the first key; answers how many were changed.
///
/// # Errors
/// By policy; when there is no key or one is missing that sealed something; of the database.
pub async fn reseal(app: &App, actor: &Actor) -> Result<usize> {
    require(actor, Action::RotateSecretKey)?;
    let mut changed = 0;
    for channel in store::channels_with_secrets(app).await? {
        changed += usize::from(retrying(|| reseal_one(app, actor, channel)).await?);
    }
    Ok(changed)
}

async fn reseal_one(app: &App, actor: &Actor, channel: Uuid) -> Result<bool> {
    let before = channels::find(app, channel).await?;
    let Some(route) = store::route(app, channel).await? else { return Ok(false) };
    let Some(sealed) = &route.sealed else { return Ok(false) };
    let Some(sealed) = app.secrets.reseal(&app.ids, place(route.id), sealed)? else { return Ok(false) };
    let mut changes = ChangeSet::new(app, actor, Action::RotateSecretKey);
    changes.update(&route, &reply_route::Model { sealed: Some(sealed), ..route.clone() });
    changes.revise(app, &before, before.clone(), None, Bump::RevisionOnly);
    app.commit(changes).await?;
    Ok(true)
}
