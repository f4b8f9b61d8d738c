//! The API of channels.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, NaiveDate, Utc};
use entity::vocabulary::ChannelKind;
use entity::{channel, platform_account};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{CreateChannel, RemovePlatformAccount, SavePlatformAccount, UpdateChannel};
use crate::auth::policy::{Action, allows, require};
use crate::graphql::errors::ApiResult;
use crate::graphql::page::{self, Connection, Keyset, PageInput};
use crate::graphql::{actor, app, loaders, scalars};
use crate::outbox::retrying;

/// Where reports come from and replies go to. 报告来源与回复去向。
pub struct Channel(pub channel::Model);

impl From<channel::Model> for Channel {
    fn from(row: channel::Model) -> Self {
        Self(row)
    }
}

/// Where reports come from and replies go to. 报告来源与回复去向。
#[Object]
impl Channel {
    /// Identifies it. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<channel::Entity>(self.0.id)
    }

    /// Stable short name, for tokens and imports. 固定短名，用于令牌与导入。
    async fn key(&self) -> &str {
        &self.0.key
    }

    /// Name shown to people. 名称。
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Its kind: what it asks for follows from it. 渠道类型。
    async fn kind(&self) -> ChannelKind {
        self.0.kind
    }

    /// ISO 3166 country code, or EU. 司法辖区（国家代码或 EU）。
    async fn jurisdiction(&self) -> &str {
        &self.0.jurisdiction
    }

    /// Whether it lies outside the company's own jurisdiction. 是否在境外。
    async fn abroad(&self) -> bool {
        self.0.abroad
    }

    /// Whether each of its reports asks for a reply. 是否须回复。
    async fn reply_required(&self) -> bool {
        self.0.reply_required
    }

    /// IANA zone in which its days end. 时区。
    async fn time_zone(&self) -> &str {
        &self.0.time_zone
    }

    /// BCP 47 language tag of its replies. 回复语言。
    async fn language(&self) -> &str {
        &self.0.language
    }

    /// People and addresses to reach it; null for roles that may not read channels.
    /// 联系方式；无权查看渠道的角色为空。
    async fn contacts(&self, ctx: &Context<'_>) -> Option<&[String]> {
        allows(actor(ctx), Action::ReadChannels).then_some(self.0.contacts.0.as_slice())
    }

    /// Whether new reports are accepted through it. 是否接收新报告。
    async fn active(&self) -> bool {
        self.0.active
    }

    /// The company's registered accounts on its platform; null for all but ADMIN, ANALYST, LEADER and AUDITOR.
    /// 公司在该平台注册的账号；仅 ADMIN、ANALYST、LEADER、AUDITOR 可见，其他为空。
    async fn accounts(&self, ctx: &Context<'_>) -> ApiResult<Option<Vec<PlatformAccount>>> {
        if !allows(actor(ctx), Action::ReadPlatformAccounts) {
            return Ok(None);
        }
        let rows = loaders::children::<platform_account::Entity>(ctx, self.0.id).await?;
        Ok(Some(rows.iter().cloned().map(PlatformAccount).collect()))
    }

    /// Counts changes; to be sent back with the next one. 版本号，修改时须带回。
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was recorded. 记录时间。
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it last changed. 最后变更时间。
    async fn changed_at(&self) -> DateTime<Utc> {
        self.0.changed_at
    }
}

/// The company's registered account on a channel's platform. 公司在渠道平台上的注册账号。
pub struct PlatformAccount(platform_account::Model);

/// The company's registered account on a channel's platform. 公司在渠道平台上的注册账号。
#[Object]
impl PlatformAccount {
    /// Identifies it. 标识。
    async fn id(&self) -> ID {
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

    /// Reference of the licence document it was registered with. 注册所用证照编号。
    async fn licence_document(&self) -> Option<&str> {
        self.0.licence_document.as_deref()
    }

    /// Last day on which it works; null when it does not end. 有效期至；长期有效为空。
    async fn valid_until(&self) -> Option<NaiveDate> {
        self.0.valid_until
    }
}

crate::payload! {
    /// A channel after a change. 变更后的渠道。
    ChannelPayload {
        /// The channel as it now is; null when the change was refused. 变更后的渠道；被拒绝时为空。
        channel: Channel
    }
}

/// Reading channels.
#[derive(Default)]
pub struct ChannelQuery;

/// Reading channels. 查询渠道。
#[Object]
impl ChannelQuery {
    /// Channels by their key. 渠道列表，按短名排序。
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn channels(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, 1 to 100. 从前往后的条数。")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
        #[graphql(desc = "Only of this kind. 仅该类型。")] kind: Option<ChannelKind>,
    ) -> ApiResult<Connection<Channel>> {
        require(actor(ctx), Action::ReadChannels)?;
        let mut select = channel::Entity::find();
        if let Some(kind) = kind {
            select = select.filter(channel::Column::Kind.eq(kind));
        }
        let keyset = Keyset { column: channel::Column::Key, id: channel::Column::Id, descending: false };
        let input = PageInput { first, after, last, before };
        Ok(Connection::new(page::read(&app(ctx).database, select, keyset, &input).await?))
    }
}

/// Configuring channels.
#[derive(Default)]
pub struct ChannelMutation;

/// Configuring channels. 配置渠道。
#[Object]
impl ChannelMutation {
    /// Adds a channel. 新增渠道。
    async fn create_channel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The channel. 渠道。")] input: CreateChannel,
    ) -> ApiResult<ChannelPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        ChannelPayload::of(retrying(|| super::create(app, actor, &input)).await)
    }

    /// Changes a channel's settings; its key never changes. 修改渠道；短名不可更改。
    async fn update_channel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What changes. 修改内容。")] input: UpdateChannel,
    ) -> ApiResult<ChannelPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        ChannelPayload::of(retrying(|| super::update(app, actor, &input)).await)
    }

    /// Adds a platform account to a channel, or changes one. 新增或修改平台账号。
    async fn save_platform_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account. 账号。")] input: SavePlatformAccount,
    ) -> ApiResult<ChannelPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        ChannelPayload::of(retrying(|| super::save_account(app, actor, &input)).await)
    }

    /// Removes a platform account from its channel. 移除平台账号。
    async fn remove_platform_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account. 账号。")] input: RemovePlatformAccount,
    ) -> ApiResult<ChannelPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        ChannelPayload::of(retrying(|| super::remove_account(app, actor, &input)).await)
    }
}
