//! The API of the caller's own rights.

use async_graphql::{Context, Object, SimpleObject};

use crate::auth::Role;
use crate::auth::policy::{Action, allows};
use crate::graphql::actor;

/// Who is asking. 当前调用者。
#[derive(SimpleObject)]
pub struct Viewer {
    /// The token's subject. 令牌主体。
    subject: String,
    /// Roles; rights are their union. 角色，权限取并集。
    roles: Vec<Role>,
    /// Keys of the products in scope. 范围内的产品标识。
    products: Vec<String>,
    /// Teams in scope. 范围内的团队。
    teams: Vec<String>,
    /// Key of a service's channel; null for people. 服务对应的渠道标识；人员为空。
    channel: Option<String>,
    /// Names of what the roles allow; mutations by their own names. 角色允许的操作名称。
    actions: Vec<&'static str>,
}

/// Queries of the caller.
#[derive(Default)]
pub struct ViewerQuery;

/// Queries of the caller. 当前调用者查询。
#[Object]
impl ViewerQuery {
    /// Who is asking, as the token says. 当前调用者。
    async fn viewer(&self, ctx: &Context<'_>) -> Viewer {
        let actor = actor(ctx);
        let actions = Action::ALL.iter().filter(|action| allows(actor, **action)).map(|action| action.name());
        Viewer {
            subject: actor.subject.to_string(),
            roles: actor.roles.iter().copied().collect(),
            products: actor.products.to_vec(),
            teams: actor.teams.to_vec(),
            channel: actor.channel.as_deref().map(str::to_owned),
            actions: actions.collect(),
        }
    }
}
