//! The company's registered accounts on a channel's platform.

use async_graphql::InputObject;
use chrono::NaiveDate;
use entity::{channel, platform_account};
use sea_orm::ColumnTrait;
use sea_orm::sea_query::Query;
use serde_json::json;

use super::store;
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::expect_version;
use crate::graphql::scalars::Id;
use crate::input;
use crate::outbox::{Bump, ChangeSet};

/// A platform account as it is to stand. 平台账号。
#[derive(Clone, Debug, InputObject)]
pub struct SavePlatformAccount {
    /// The channel it belongs to. 所属渠道。
    pub channel: Id<channel::Entity>,
    /// The channel's version that was seen. 所见渠道版本。
    pub expected_version: i32,
    /// The account to change; left out to add one. 要修改的账号；不填则新增。
    pub account: Option<Id<platform_account::Entity>>,
    /// Login name, never a password. 登录名，不是密码。
    pub login: String,
    /// Person registered with the platform. 注册联系人。
    pub registered_contact: String,
    /// Address that the platform sends notices to. 注册邮箱。
    pub registered_email: String,
    /// Reference of the licence document it was registered with. 注册所用证照编号。
    pub licence_document: Option<String>,
    /// Last day on which it works. 有效期至。
    pub valid_until: Option<NaiveDate>,
}

/// A platform account to remove. 要移除的平台账号。
#[derive(Clone, Debug, InputObject)]
pub struct RemovePlatformAccount {
    /// The account. 账号。
    pub account: Id<platform_account::Entity>,
    /// The channel's version that was seen. 所见渠道版本。
    pub expected_version: i32,
}

/// Adds an account to a channel, or changes one.
///
/// # Errors
/// By policy and version; on ill-formed texts; a refusal when the account belongs to another channel.
pub async fn save_account(app: &App, actor: &Actor, input: &SavePlatformAccount) -> Result<channel::Model> {
    require(actor, Action::SavePlatformAccount)?;
    let before = store::find(app, input.channel.0).await?;
    expect_version(before.version, input.expected_version)?;
    let known = match input.account {
        Some(id) => Some(store::find_account(app, id.0).await?),
        None => None,
    };
    if known.as_ref().is_some_and(|account| account.channel_id != before.id) {
        return Err(Error::Refused(vec![Refusal::on(
            RefusalCode::Contradiction,
            "input.account",
            "the account belongs to another channel: send that channel, or leave the account out to add one",
        )]));
    }
    let account = platform_account::Model {
        id: known.as_ref().map_or_else(|| app.ids.next(), |account| account.id),
        channel_id: before.id,
        login: input::one_line("input.login", &input.login, input::NAME)?,
        registered_contact: input::one_line(
            "input.registeredContact",
            &input.registered_contact,
            input::NAME,
        )?,
        registered_email: input::email("input.registeredEmail", &input.registered_email)?,
        licence_document: input::optional_line(
            "input.licenceDocument",
            input.licence_document.as_deref(),
            input::NAME,
        )?,
        valid_until: input.valid_until,
    };
    let mut changes = ChangeSet::new(app, actor, Action::SavePlatformAccount);
    match &known {
        Some(known) => changes.update(known, &account),
        None => changes.insert(&account),
    }
    let after = changes.revise(app, &before, before.clone(), None, Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

/// Removes an account from its channel.
///
/// # Errors
/// By policy and version; NOT_FOUND.
pub async fn remove_account(
    app: &App,
    actor: &Actor,
    input: &RemovePlatformAccount,
) -> Result<channel::Model> {
    require(actor, Action::RemovePlatformAccount)?;
    let account = store::find_account(app, input.account.0).await?;
    let before = store::find(app, account.channel_id).await?;
    expect_version(before.version, input.expected_version)?;
    let mut changes = ChangeSet::new(app, actor, Action::RemovePlatformAccount);
    let delete = Query::delete()
        .from_table(platform_account::Entity)
        .and_where(platform_account::Column::Id.eq(account.id))
        .take();
    changes
        .delete(delete, json!({ "table": "platform_account", "key": [account.id], "login": account.login }));
    let after = changes.revise(app, &before, before.clone(), None, Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}
