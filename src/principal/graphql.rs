//! The API of principals.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entity::{denied_token, principal};

use super::token::DenyToken;
use super::{AllowPrincipal, DenyPrincipal, rules, store};
use crate::auth::Role;
use crate::auth::policy::{Action, require};
use crate::graphql::errors::ApiResult;
use crate::graphql::page::{Connection, PageInput};
use crate::graphql::{actor, app, scalars};
use crate::outbox::retrying;

/// A person or service as last seen in a token. 最近一次令牌中的人员或服务。
pub struct Principal(pub principal::Model);

impl From<principal::Model> for Principal {
    fn from(row: principal::Model) -> Self {
        Self(row)
    }
}

crate::payload! {
    /// A principal after a change. 变更后的人员或服务。
    PrincipalPayload {
        /// It as it now is; null when the change was refused. 变更后的人员或服务；被拒绝时为空。
        principal: Principal
    }
}

/// A person or service as last seen in a token. 最近一次令牌中的人员或服务。
#[Object]
impl Principal {
    /// Identifies it. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<principal::Entity>(self.0.id)
    }

    /// Who vouched for the subject. 令牌签发方。
    async fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// The token's subject. 主体标识。
    async fn subject(&self) -> &str {
        &self.0.subject
    }

    /// Address last seen. 最近的邮箱。
    async fn email(&self) -> Option<&str> {
        self.0.email.as_deref()
    }

    /// Roles last seen. 最近的角色。
    async fn roles(&self) -> Vec<Role> {
        self.0.roles.0.iter().filter_map(|name| name.parse().ok()).collect()
    }

    /// Keys of the products in scope. 范围内产品的短名。
    async fn products(&self) -> &[String] {
        &self.0.products.0
    }

    /// Teams in scope. 范围内的团队。
    async fn teams(&self) -> &[String] {
        &self.0.teams.0
    }

    /// Key of a service's channel. 服务所属渠道的短名。
    async fn channel(&self) -> Option<&str> {
        self.0.channel.as_deref()
    }

    /// When a token of this subject was last verified, to within five minutes; null for one who was denied before ever
    /// calling. 最近一次验证令牌的时间，误差五分钟内；从未调用过时为空。
    async fn last_seen_at(&self) -> Option<DateTime<Utc>> {
        self.0.last_seen_at
    }

    /// Whether it has not called for the configured time: then nothing runs for it without a token.
    /// 是否已过期：超过配置的时间未调用，不再为其执行无令牌的操作。
    async fn stale(&self, ctx: &Context<'_>) -> bool {
        let app = app(ctx);
        rules::is_stale(&self.0, app.principal_settings.stale_after_days, app.clock.now())
    }

    /// Whether it may no longer act, whatever its token says. 是否已被禁止操作。
    async fn denied(&self) -> bool {
        self.0.denied
    }
}

/// A token that is accepted no more. 不再接受的令牌。
pub struct TokenDenial(pub denied_token::Model);

impl From<denied_token::Model> for TokenDenial {
    fn from(row: denied_token::Model) -> Self {
        Self(row)
    }
}

/// A token that is accepted no more. 不再接受的令牌。
#[Object]
impl TokenDenial {
    /// When it was denied, or denied for longer. 禁止或延长禁止的时间。
    async fn denied_at(&self) -> DateTime<Utc> {
        self.0.changed_at
    }

    /// Until when it is refused at least: when it ends by itself. 至少拒绝到此时，即令牌自身的到期时间。
    async fn until(&self) -> DateTime<Utc> {
        self.0.expires_at
    }
}

crate::payload! {
    /// A token after it was denied. 令牌被禁止后的状态。
    TokenDenialPayload {
        /// Its denial; null when the change was refused. 禁止情况；被拒绝时为空。
        denial: TokenDenial
    }
}

/// Reading who has called.
#[derive(Default)]
pub struct PrincipalQuery;

/// Reading who has called. 查询调用方。
#[Object]
impl PrincipalQuery {
    /// People and services that have called, by their subject. 曾调用的人员与服务，按主体标识排序。
    async fn principals(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, 1 to 100. 从前往后的条数。")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<Principal>> {
        require(actor(ctx), Action::ReadPrincipals)?;
        Ok(Connection::new(store::page(app(ctx), &PageInput { first, after, last, before }).await?))
    }
}

/// Denying and allowing who calls.
#[derive(Default)]
pub struct PrincipalMutation;

/// Denying and allowing who calls. 禁止与恢复调用方。
#[Object]
impl PrincipalMutation {
    /// Refuses every later request of a subject, whatever its token says, at once. Denying who is denied changes
    /// nothing; nobody denies themselves. 立即拒绝该主体此后的一切请求，不论其令牌内容；不可禁止自己。
    async fn deny_principal(&self, ctx: &Context<'_>, input: DenyPrincipal) -> ApiResult<PrincipalPayload> {
        PrincipalPayload::of(retrying(|| super::deny(app(ctx), actor(ctx), &input)).await)
    }

    /// Refuses one token by its id (`jti`) from now on, and no other of its subject. A token without `jti` cannot be named:
    /// deny its subject. There is no way back: the issuer gives another token. Denying what is denied changes nothing, or
    /// lasts for longer. 立即按 `jti` 拒绝单个令牌，不影响该主体的其他令牌；不可撤销。无 `jti` 的令牌请禁止其主体。重复禁止不产生变更，或延长期限。
    async fn deny_token(&self, ctx: &Context<'_>, input: DenyToken) -> ApiResult<TokenDenialPayload> {
        TokenDenialPayload::of(retrying(|| super::token::deny(app(ctx), actor(ctx), &input)).await)
    }

    /// Ends a denial of a subject. Allowing who is not denied changes nothing. 解除禁止。
    async fn allow_principal(&self, ctx: &Context<'_>, input: AllowPrincipal) -> ApiResult<PrincipalPayload> {
        PrincipalPayload::of(retrying(|| super::allow(app(ctx), actor(ctx), &input)).await)
    }
}
