//! The API of principals.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entity::principal;

use crate::auth::Role;
use crate::auth::policy::{Action, require};
use crate::graphql::errors::ApiResult;
use crate::graphql::page::{Connection, PageInput};
use crate::graphql::{actor, app, scalars};

/// A person or service as last seen in a token. 最近一次令牌中的人员或服务。
pub struct Principal(pub principal::Model);

impl From<principal::Model> for Principal {
    fn from(row: principal::Model) -> Self {
        Self(row)
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

    /// When a token of this subject was last verified, to within five minutes. 最近一次验证令牌的时间，误差五分钟内。
    async fn last_seen_at(&self) -> DateTime<Utc> {
        self.0.last_seen_at
    }

    /// Whether it may no longer act, whatever its token says. 是否已被禁止操作。
    async fn denied(&self) -> bool {
        self.0.denied
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
        Ok(Connection::new(super::page(app(ctx), &PageInput { first, after, last, before }).await?))
    }
}
