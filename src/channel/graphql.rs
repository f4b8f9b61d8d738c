//! The API of channels.

use async_graphql::{Context, ID, Object};
use chrono::NaiveDate;
use entity::vocabulary::{Acknowledgement, ChannelKind};
use entity::{calendar, channel, hook_secret, platform_account, reply_route};

use super::{CreateChannel, RemovePlatformAccount, SavePlatformAccount, UpdateChannel, store};
use crate::auth::Role;
use crate::auth::policy::{Action, require};
use crate::calendar::graphql::Calendar;
use crate::error::Error;
use crate::graphql::ahead;
use crate::graphql::errors::ApiResult;
use crate::graphql::page::{Connection, PageInput};
use crate::graphql::{actor, app, loaders, scalars};
use crate::hook::graphql::HookSecret;
use crate::outbox::retrying;

ahead::selected! {
    channel, always [] {}
}

/// Where reports come from and replies go to. 渠道。
pub struct Channel(pub channel::Model);

impl From<channel::Model> for Channel {
    fn from(row: channel::Model) -> Self {
        Self(row)
    }
}

crate::payload! {
    /// A channel after a change. 变更后的渠道。
    ChannelPayload {
        /// The channel as it now is; null when the change was refused. 变更后的渠道；被拒绝时为空。
        channel: Channel
    }
}

/// Where reports come from and replies go to. 渠道：报告的来源与回复的去向。
#[Object]
impl Channel {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<channel::Entity>(self.0.id)
    }

    /// Stable short name, as tokens and imports use it. 渠道标识。
    async fn key(&self) -> &str {
        &self.0.key
    }

    /// Name shown to people. 名称。
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Kind. 渠道类型。
    async fn kind(&self) -> ChannelKind {
        self.0.kind
    }

    /// Country code, or EU. 法域。
    async fn jurisdiction(&self) -> &str {
        &self.0.jurisdiction
    }

    /// Outside the company's own jurisdiction. 是否境外。
    async fn abroad(&self) -> bool {
        self.0.abroad
    }

    /// Whether each of its reports opens an obligation to reply. 是否要求回复。
    async fn reply_required(&self) -> bool {
        self.0.reply_required
    }

    /// IANA zone in which its working days end. 时区。
    async fn time_zone(&self) -> &str {
        &self.0.time_zone
    }

    /// Which days are worked; the built-in calendar of its jurisdiction unless another was chosen.
    /// 工作日历；未指定时为其法域的内置日历。
    async fn calendar(&self, ctx: &Context<'_>) -> ApiResult<Calendar> {
        let found = loaders::lookup::<calendar::Entity>(ctx, crate::calendar::id_of(&self.0)).await?;
        Ok(found.map(Calendar).ok_or(Error::NotFound)?)
    }

    /// BCP 47 tag of its replies. 回复语言。
    async fn language(&self) -> &str {
        &self.0.language
    }

    /// People and addresses to reach it. 联系方式。
    async fn contacts(&self) -> &[String] {
        &self.0.contacts.0
    }

    /// How its reports are acknowledged, where a rule asks for that. 报告的确认方式。
    async fn acknowledgement(&self) -> Acknowledgement {
        self.0.acknowledgement
    }

    /// False when no new report is accepted through it. 是否启用。
    async fn active(&self) -> bool {
        self.0.active
    }

    /// Version to send as `expectedVersion`. 版本号。
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// The company's accounts on its platform; null unless you are ADMIN, ANALYST, LEADER or AUDITOR.
    /// 公司在该平台的账号；仅 ADMIN、ANALYST、LEADER、AUDITOR 可见，否则为空。
    async fn accounts(&self, ctx: &Context<'_>) -> ApiResult<Option<Vec<PlatformAccount>>> {
        if !actor(ctx).has_any(&[Role::Admin, Role::Analyst, Role::Leader, Role::Auditor]) {
            return Ok(None);
        }
        let rows = loaders::children::<platform_account::Entity>(ctx, self.0.id).await?;
        Ok(Some(rows.iter().cloned().map(PlatformAccount).collect()))
    }

    /// How replies reach it without a person; null when nothing is set, and unless you are ADMIN, ANALYST, LEADER or
    /// AUDITOR. 回复到达该渠道的方式；未设置或无权时为空（仅 ADMIN、ANALYST、LEADER、AUDITOR 可见）。
    async fn reply_route(&self, ctx: &Context<'_>) -> ApiResult<Option<ReplyRoute>> {
        if !actor(ctx).has_any(&[Role::Admin, Role::Analyst, Role::Leader, Role::Auditor]) {
            return Ok(None);
        }
        let rows = loaders::children::<reply_route::Entity>(ctx, self.0.id).await?;
        Ok(rows.first().cloned().map(ReplyRoute))
    }

    /// The secrets with which its platform signs hooks, without the secrets themselves; null unless you are ADMIN or
    /// AUDITOR. 平台回调的签名密钥（不含密钥本身）；仅 ADMIN、AUDITOR 可见，否则为空。
    async fn hook_secrets(&self, ctx: &Context<'_>) -> ApiResult<Option<Vec<HookSecret>>> {
        if !actor(ctx).has_any(&[Role::Admin, Role::Auditor]) {
            return Ok(None);
        }
        let rows = loaders::children::<hook_secret::Entity>(ctx, self.0.id).await?;
        Ok(Some(rows.iter().map(HookSecret::from).collect()))
    }
}

/// The company's account on a platform.
pub struct PlatformAccount(platform_account::Model);

/// The company's registered account on a channel's platform. 公司在渠道平台上的注册账号。
#[Object]
impl PlatformAccount {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<platform_account::Entity>(self.0.id)
    }

    /// Login name. 登录名。
    async fn login(&self) -> &str {
        &self.0.login
    }

    /// Person registered with the platform. 注册联系人。
    async fn registered_contact(&self) -> &str {
        &self.0.registered_contact
    }

    /// Address that the platform sends notices to. 注册邮箱。
    async fn registered_email(&self) -> &str {
        &self.0.registered_email
    }

    /// Reference of the licence document; null when none is recorded. 证照编号。
    async fn licence_document(&self) -> Option<&str> {
        self.0.licence_document.as_deref()
    }

    /// Last day on which it works; null when not known. 有效期至。
    async fn valid_until(&self) -> Option<NaiveDate> {
        self.0.valid_until
    }
}

/// How replies reach a channel.
pub struct ReplyRoute(reply_route::Model);

/// How replies reach a channel without a person. 回复到达渠道的方式。
#[Object]
impl ReplyRoute {
    /// Whether what answers a report that came by mail goes to its reporter. 以邮件收到的报告是否回复至报告人邮箱。
    async fn to_reporter(&self) -> bool {
        self.0.to_reporter
    }

    /// Address that e-mails go to; null when there is none. 收件地址；无则为空。
    async fn email(&self) -> Option<&str> {
        self.0.email.as_deref()
    }

    /// Address that they come from; null for the installation's. 发件地址；使用系统设置时为空。
    async fn from_email(&self) -> Option<&str> {
        self.0.from_email.as_deref()
    }

    /// Host of the platform that takes replies; null when there is none. 接收回复的平台主机；无则为空。
    async fn platform(&self) -> Option<String> {
        self.0.url.as_deref().map(crate::reply::handover::platform::host)
    }
}

/// Queries of channels.
#[derive(Default)]
pub struct ChannelQuery;

/// Queries of channels. 渠道查询。
#[Object]
impl ChannelQuery {
    /// Channels by key. 渠道列表。
    async fn channels(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only of this kind. 渠道类型。")] kind: Option<ChannelKind>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<Channel>> {
        require(actor(ctx), Action::ReadChannels)?;
        let page = store::page(app(ctx), kind, &PageInput { first, after, last, before }).await?;
        Ok(Connection::new(page))
    }
}

/// Changes of channels.
#[derive(Default)]
pub struct ChannelMutation;

/// Changes of channels. 渠道变更。
#[Object]
impl ChannelMutation {
    /// Adds a channel. 新增渠道。
    async fn create_channel(&self, ctx: &Context<'_>, input: CreateChannel) -> ApiResult<ChannelPayload> {
        ChannelPayload::of(retrying(|| super::create(app(ctx), actor(ctx), &input)).await)
    }

    /// Changes a channel's settings. 修改渠道设置。
    async fn update_channel(&self, ctx: &Context<'_>, input: UpdateChannel) -> ApiResult<ChannelPayload> {
        ChannelPayload::of(retrying(|| super::update(app(ctx), actor(ctx), &input)).await)
    }

    /// Records or changes the company's account on a platform. 登记或修改平台账号。
    async fn save_platform_account(
        &self,
        ctx: &Context<'_>,
        input: SavePlatformAccount,
    ) -> ApiResult<ChannelPayload> {
        ChannelPayload::of(retrying(|| super::save_account(app(ctx), actor(ctx), &input)).await)
    }

    /// Removes a platform account. 移除平台账号。
    async fn remove_platform_account(
        &self,
        ctx: &Context<'_>,
        input: RemovePlatformAccount,
    ) -> ApiResult<ChannelPayload> {
        ChannelPayload::of(retrying(|| super::remove_account(app(ctx), actor(ctx), &input)).await)
    }
}
