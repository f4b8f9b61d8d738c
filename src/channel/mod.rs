//! Where reports come from and replies go to.
//!
//! A channel's key stands in tokens and imports and never changes. The company's accounts on a channel's
//! platform are kept with it, so that notices are seen there first and an account about to lapse is noticed.
//! Whom the built-in deadline policy names is there from the first start.

pub mod builtin;
pub mod graphql;
mod lapse;
pub mod rules;
pub mod store;

use async_graphql::{InputObject, MaybeUndefined};
use chrono::NaiveDate;
use entity::vocabulary::{Acknowledgement, ChannelKind};
use entity::{calendar, channel, platform_account};
use sea_orm::sea_query::{ExprTrait, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::{expect_version, optional_text, require_text};
use crate::graphql::scalars::Id;
use crate::idempotency::{Replay, replay};
use crate::outbox::{Bump, ChangeSet};

pub use lapse::AccountLapse;

/// Longest name, in characters.
const SHORT: usize = 200;

/// A new channel. 新渠道。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct CreateChannel {
    /// Stable short name: lower-case letters, digits and hyphens. 渠道标识：小写字母、数字与连字符。
    pub key: String,
    /// Name shown to people. 名称。
    pub name: String,
    /// Kind. 渠道类型。
    pub kind: ChannelKind,
    /// ISO 3166 country code, or EU. 法域：国家代码或 EU。
    pub jurisdiction: String,
    /// Whether it is outside the company's own jurisdiction. 是否境外。
    pub abroad: bool,
    /// Whether each of its reports opens an obligation to reply. 是否要求回复。
    pub reply_required: bool,
    /// IANA zone in which its working days end. 时区。
    #[graphql(default = "Asia/Shanghai")]
    pub time_zone: String,
    /// Its calendar; the built-in one of its jurisdiction when left out (CN: china, EU: eu, else none, in which every
    /// day is worked). 工作日历；省略时按法域取内置日历（CN 为 china，EU 为 eu，其余为 none，即每日均为工作日）。
    pub calendar: Option<Id<calendar::Entity>>,
    /// BCP 47 tag of its replies. 回复语言。
    #[graphql(default = "zh-CN")]
    pub language: String,
    /// People and addresses to reach it. 联系方式。
    #[graphql(default)]
    pub contacts: Vec<String>,
    /// How its reports are acknowledged, where a rule asks for that; BY_HAND when left out. 报告的确认方式，默认人工。
    pub acknowledgement: Option<Acknowledgement>,
    /// Recognises the creation when it is sent again. 幂等键。
    pub idempotency_key: Option<String>,
}

/// Adds a channel.
///
/// # Errors
/// By policy; BAD_USER_INPUT on ill-formed values; a refusal when the key is taken.
pub async fn create(app: &App, actor: &Actor, input: &CreateChannel) -> Result<channel::Model> {
    require(actor, Action::CreateChannel)?;
    let key = input.idempotency_key.as_deref();
    let key = match replay(app, actor, Action::CreateChannel, key, input).await? {
        Replay::Done(id) => return store::find(app, id).await,
        Replay::First(key) => key,
    };
    let now = app.clock.now();
    let row = channel::Model {
        id: app.ids.next(),
        key: rules::key("input.key", &input.key)?,
        name: require_text("input.name", &input.name, SHORT)?,
        kind: input.kind,
        jurisdiction: rules::jurisdiction(&input.jurisdiction)?,
        abroad: input.abroad,
        reply_required: input.reply_required,
        time_zone: rules::time_zone("input.timeZone", &input.time_zone)?,
        calendar_id: calendar(app, input.calendar).await?,
        language: rules::language(&input.language)?,
        contacts: rules::contacts(&input.contacts)?.into(),
        active: true,
        acknowledgement: acknowledgement(input.kind, input.acknowledgement)?,
        replan_after: None,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: now,
        changed_at: now,
    };
    if store::by_key(app, &row.key).await?.is_some() {
        return Err(Error::refused(
            RefusalCode::AlreadyExists,
            "there is a channel with this key: choose another, or change that one (updateChannel)",
        ));
    }
    let mut changes = ChangeSet::new(app, actor, Action::CreateChannel);
    let row = changes.create(app, row, None);
    if let Some(key) = &key {
        changes.remember(key, row.id);
    }
    app.commit(changes).await?;
    Ok(row)
}

/// How reports through a channel of this kind are acknowledged, as it was asked for.
fn acknowledgement(kind: ChannelKind, asked: Option<Acknowledgement>) -> Result<Acknowledgement> {
    let asked = asked.unwrap_or(Acknowledgement::ByHand);
    if asked == Acknowledgement::Automatic && crate::reply::rules::is_official(kind) {
        let message = "what a database or regulator is told needs an approval: choose DRAFTED, and have the draft reviewed";
        return Err(Error::Refused(vec![Refusal::on(RefusalCode::FourEyes, "acknowledgement", message)]));
    }
    Ok(asked)
}

/// The calendar that an input names, if it names one.
async fn calendar(app: &App, named: Option<Id<calendar::Entity>>) -> Result<Option<Uuid>> {
    let Some(named) = named else { return Ok(None) };
    let unknown = || {
        let text = "there is no such calendar: look it up under `calendars`";
        Error::Refused(vec![Refusal::on(RefusalCode::UnknownReference, "input.calendar", text)])
    };
    match crate::calendar::store::find(app, named.0).await {
        Ok(row) => Ok(Some(row.id)),
        Err(Error::NotFound) => Err(unknown()),
        Err(error) => Err(error),
    }
}

/// Changes to a channel; what is left out stays. 渠道变更；未提供的保持不变。
#[derive(Clone, Debug, InputObject)]
pub struct UpdateChannel {
    /// The channel. 渠道。
    pub channel: Id<channel::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// Name shown to people. 名称。
    pub name: Option<String>,
    /// Whether each of its reports opens an obligation to reply. 是否要求回复。
    pub reply_required: Option<bool>,
    /// IANA zone in which its working days end. 时区。
    pub time_zone: Option<String>,
    /// ISO 3166 country code, or EU. 法域：国家代码或 EU。
    pub jurisdiction: Option<String>,
    /// Whether it is outside the company's own jurisdiction: what is not public goes there only after a decision.
    /// 是否境外：未公开内容须经决策方可提供。
    pub abroad: Option<bool>,
    /// Its calendar; null for the built-in one of its jurisdiction. 工作日历；null 表示按法域取内置日历。
    pub calendar: MaybeUndefined<Id<calendar::Entity>>,
    /// BCP 47 tag of its replies. 回复语言。
    pub language: Option<String>,
    /// People and addresses to reach it. 联系方式。
    pub contacts: Option<Vec<String>>,
    /// How its reports are acknowledged. 报告的确认方式。
    pub acknowledgement: Option<Acknowledgement>,
    /// False when no new report is accepted through it. 是否启用。
    pub active: Option<bool>,
}

/// Changes a channel's settings; never its key or kind.
///
/// # Errors
/// By policy and version; BAD_USER_INPUT on ill-formed values.
pub async fn update(app: &App, actor: &Actor, input: &UpdateChannel) -> Result<channel::Model> {
    require(actor, Action::UpdateChannel)?;
    let before = store::find(app, input.channel.0).await?;
    expect_version(before.version, input.expected_version)?;
    let mut after = before.clone();
    if let Some(name) = &input.name {
        after.name = require_text("input.name", name, SHORT)?;
    }
    if let Some(zone) = &input.time_zone {
        after.time_zone = rules::time_zone("input.timeZone", zone)?;
    }
    if let Some(jurisdiction) = &input.jurisdiction {
        after.jurisdiction = rules::jurisdiction(jurisdiction)?;
    }
    after.abroad = input.abroad.unwrap_or(before.abroad);
    if !input.calendar.is_undefined() {
        after.calendar_id = calendar(app, input.calendar.as_opt_ref().flatten().copied()).await?;
    }
    if let Some(language) = &input.language {
        after.language = rules::language(language)?;
    }
    if let Some(contacts) = &input.contacts {
        after.contacts = rules::contacts(contacts)?.into();
    }
    after.reply_required = input.reply_required.unwrap_or(before.reply_required);
    after.active = input.active.unwrap_or(before.active);
    if input.acknowledgement.is_some() {
        after.acknowledgement = acknowledgement(before.kind, input.acknowledgement)?;
    }
    crate::deadline::channel_changed(&before, &mut after);
    let mut changes = ChangeSet::new(app, actor, Action::UpdateChannel);
    let after = changes.revise(app, &before, after, None, Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

/// The company's account on a channel's platform; one login once. 公司在渠道平台上的注册账号。
#[derive(Clone, Debug, InputObject)]
pub struct SavePlatformAccount {
    /// The channel. 渠道。
    pub channel: Id<channel::Entity>,
    /// The channel's version that was seen. 所见渠道版本。
    pub expected_version: i32,
    /// Login name, never a password. 登录名，切勿填写密码。
    pub login: String,
    /// Person registered with the platform. 注册联系人。
    pub registered_contact: String,
    /// Address that the platform sends notices to. 注册邮箱。
    pub registered_email: String,
    /// Reference of the licence document. 证照编号。
    pub licence_document: Option<String>,
    /// Last day on which it works. 有效期至。
    pub valid_until: Option<NaiveDate>,
}

/// Records the account with this login, or changes it.
///
/// # Errors
/// By policy and the channel's version; BAD_USER_INPUT on ill-formed values.
pub async fn save_account(app: &App, actor: &Actor, input: &SavePlatformAccount) -> Result<channel::Model> {
    require(actor, Action::SavePlatformAccount)?;
    let before = store::find(app, input.channel.0).await?;
    expect_version(before.version, input.expected_version)?;
    let login = require_text("input.login", &input.login, SHORT)?;
    let found = platform_account::Entity::find()
        .filter(platform_account::Column::ChannelId.eq(before.id))
        .filter(platform_account::Column::Login.eq(login.as_str()))
        .one(app.database.reader())
        .await?;
    let row = platform_account::Model {
        id: found.as_ref().map_or_else(|| app.ids.next(), |row| row.id),
        channel_id: before.id,
        login,
        registered_contact: require_text("input.registeredContact", &input.registered_contact, SHORT)?,
        registered_email: rules::email("input.registeredEmail", &input.registered_email)?,
        licence_document: optional_text("input.licenceDocument", input.licence_document.as_ref(), SHORT)?,
        valid_until: input.valid_until,
        lapse_told_for: found.as_ref().and_then(|row| row.lapse_told_for),
    };
    let mut changes = ChangeSet::new(app, actor, Action::SavePlatformAccount);
    match &found {
        Some(found) => changes.update(found, &row),
        None => changes.insert(&row),
    }
    let after = changes.revise(app, &before, before.clone(), None, Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

/// An account to remove. 待移除的平台账号。
#[derive(Clone, Debug, InputObject)]
pub struct RemovePlatformAccount {
    /// The account. 平台账号。
    pub account: Id<platform_account::Entity>,
}

/// Removes a platform account.
///
/// # Errors
/// By policy; NOT_FOUND when there is none.
pub async fn remove_account(
    app: &App,
    actor: &Actor,
    input: &RemovePlatformAccount,
) -> Result<channel::Model> {
    require(actor, Action::RemovePlatformAccount)?;
    let account = platform_account::Entity::find_by_id(input.account.0).one(app.database.reader()).await?;
    let account = account.ok_or(Error::NotFound)?;
    let before = store::find(app, account.channel_id).await?;
    let mut changes = ChangeSet::new(app, actor, Action::RemovePlatformAccount);
    let delete = Query::delete()
        .from_table(platform_account::Entity)
        .and_where(sea_orm::sea_query::Expr::col(platform_account::Column::Id).eq(account.id))
        .take();
    changes.delete(delete, json!({ "platform_account": account.id, "login": account.login }));
    let after = changes.revise(app, &before, before.clone(), None, Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

pub use rules::{email, key, language, time_zone};
