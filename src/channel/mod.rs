//! Channels: where reports come from and replies go to, with the company's accounts on their platforms.
//!
//! What a channel asks for follows from its kind ([`rules`]). Its key never changes, since tokens and imports
//! name it. Platform accounts hang on the channel: its revision guards them and its audit chain records them,
//! without the person's data.

pub mod graphql;
pub mod rules;
pub mod store;

mod account;

pub use account::{RemovePlatformAccount, SavePlatformAccount, remove_account, save_account};
pub use store::find_by_key;

use async_graphql::InputObject;
use entity::channel;
use entity::vocabulary::ChannelKind;
use serde::Serialize;

use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::expect_version;
use crate::graphql::scalars::Id;
use crate::idempotency::{self, Replay};
use crate::input;
use crate::outbox::{Bump, ChangeSet};

/// A new channel. 新渠道。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct CreateChannel {
    /// Stable short name: 2 to 64 lowercase letters, digits and hyphens; it never changes. 固定短名，不可更改。
    pub key: String,
    /// Name shown to people. 名称。
    pub name: String,
    /// Its kind: what it asks for follows from it. 渠道类型。
    pub kind: ChannelKind,
    /// ISO 3166 country code, or EU. 司法辖区（国家代码或 EU）。
    pub jurisdiction: String,
    /// Whether it lies outside the company's own jurisdiction. 是否在境外。
    pub abroad: bool,
    /// Whether each of its reports asks for a reply; left out, its kind says so. 是否须回复；不填则由类型决定。
    pub reply_required: Option<bool>,
    /// IANA zone in which its days end; Asia/Shanghai when left out. 时区，默认 Asia/Shanghai。
    pub time_zone: Option<String>,
    /// BCP 47 language tag of its replies; zh-CN when left out. 回复语言，默认 zh-CN。
    pub language: Option<String>,
    /// People and addresses to reach it. 联系方式。
    pub contacts: Option<Vec<String>>,
    /// Makes sending the same request again safe. 幂等键。
    pub idempotency_key: Option<String>,
}

/// A channel's changed settings; what is left out stays. 修改渠道；未填写的保持不变。
#[derive(Clone, Debug, InputObject)]
pub struct UpdateChannel {
    /// The channel. 渠道。
    pub channel: Id<channel::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// Name shown to people. 名称。
    pub name: Option<String>,
    /// Its kind. 渠道类型。
    pub kind: Option<ChannelKind>,
    /// ISO 3166 country code, or EU. 司法辖区（国家代码或 EU）。
    pub jurisdiction: Option<String>,
    /// Whether it lies outside the company's own jurisdiction. 是否在境外。
    pub abroad: Option<bool>,
    /// Whether each of its reports asks for a reply. 是否须回复。
    pub reply_required: Option<bool>,
    /// IANA zone in which its days end. 时区。
    pub time_zone: Option<String>,
    /// BCP 47 language tag of its replies. 回复语言。
    pub language: Option<String>,
    /// People and addresses to reach it, all of them. 联系方式（全部）。
    pub contacts: Option<Vec<String>>,
    /// Whether new reports are accepted through it. 是否接收新报告。
    pub active: Option<bool>,
}

/// Adds a channel.
///
/// # Errors
/// By policy; on ill-formed texts; a refusal when the key is taken or the kind always asks for replies.
pub async fn create(app: &App, actor: &Actor, input: &CreateChannel) -> Result<channel::Model> {
    let action = Action::CreateChannel;
    require(actor, action)?;
    let key = match idempotency::replay(app, actor, action, input.idempotency_key.as_deref(), input).await? {
        Replay::Done(id) => return store::find(app, id).await,
        Replay::First(key) => key,
    };
    if find_by_key(app, &input.key).await?.is_some() {
        return Err(Error::Refused(vec![Refusal::on(
            RefusalCode::AlreadyExists,
            "input.key",
            "another channel has this key: choose one that is free",
        )]));
    }
    let mut changes = ChangeSet::new(app, actor, action);
    let channel = create_row(app, &mut changes, input)?;
    if let Some(key) = &key {
        changes.remember(key, channel.id);
    }
    app.commit(changes).await?;
    Ok(channel)
}

/// Writes a new channel into a change whose earlier rows are closed by their own aggregates: how an import brings
/// the channel that its records name. That the key is free is checked by whoever commits.
///
/// # Errors
/// On ill-formed texts; a refusal when the kind always asks for replies.
pub fn create_row(app: &App, changes: &mut ChangeSet, input: &CreateChannel) -> Result<channel::Model> {
    let row = channel::Model {
        id: app.ids.next(),
        key: input::key("input.key", &input.key)?,
        name: input::one_line("input.name", &input.name, input::NAME)?,
        kind: input.kind,
        jurisdiction: input::country("input.jurisdiction", &input.jurisdiction)?,
        abroad: input.abroad,
        reply_required: input.reply_required.unwrap_or_else(|| rules::asks_for_replies(input.kind)),
        time_zone: input::time_zone(
            "input.timeZone",
            input.time_zone.as_deref().unwrap_or(rules::DEFAULT_TIME_ZONE),
        )?,
        language: input::language(
            "input.language",
            input.language.as_deref().unwrap_or(rules::DEFAULT_LANGUAGE),
        )?,
        contacts: input::lines("input.contacts", input.contacts.as_deref().unwrap_or_default())?,
        active: true,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: changes.at(),
        changed_at: changes.at(),
    };
    rules::check(&row)?;
    Ok(changes.create(app, row, None))
}

/// Changes a channel's settings.
///
/// # Errors
/// By policy and version; on ill-formed texts; a refusal when the kind always asks for replies.
pub async fn update(app: &App, actor: &Actor, input: &UpdateChannel) -> Result<channel::Model> {
    require(actor, Action::UpdateChannel)?;
    let before = store::find(app, input.channel.0).await?;
    expect_version(before.version, input.expected_version)?;
    let mut after = before.clone();
    if let Some(name) = &input.name {
        after.name = input::one_line("input.name", name, input::NAME)?;
    }
    if let Some(jurisdiction) = &input.jurisdiction {
        after.jurisdiction = input::country("input.jurisdiction", jurisdiction)?;
    }
    if let Some(time_zone) = &input.time_zone {
        after.time_zone = input::time_zone("input.timeZone", time_zone)?;
    }
    if let Some(language) = &input.language {
        after.language = input::language("input.language", language)?;
    }
    if let Some(contacts) = &input.contacts {
        after.contacts = input::lines("input.contacts", contacts)?;
    }
    input::set(&mut after.kind, input.kind);
    input::set(&mut after.abroad, input.abroad);
    input::set(&mut after.reply_required, input.reply_required);
    input::set(&mut after.active, input.active);
    rules::check(&after)?;
    let mut changes = ChangeSet::new(app, actor, Action::UpdateChannel);
    let after = changes.revise(app, &before, after, None, Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}
