//! The API of the duty roster.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entity::duty;
use entity::vocabulary::Function;

use super::{AddDuty, EndDuty, store};
use crate::auth::policy::{Action, require};
use crate::graphql::errors::ApiResult;
use crate::graphql::page::{Connection, PageInput};
use crate::graphql::{actor, app, scalars};
use crate::outbox::retrying;

/// Who is responsible for a function between two instants.
pub struct Duty(pub duty::Model);

impl From<duty::Model> for Duty {
    fn from(row: duty::Model) -> Self {
        Self(row)
    }
}

crate::payload! {
    /// A duty after a change. 变更后的值班安排。
    DutyPayload {
        /// It as it now is; null when the change was refused. 变更后的值班安排；被拒绝时为空。
        duty: Duty
    }
}

/// Who is responsible for a function between two instants. 值班安排。
#[Object]
impl Duty {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<duty::Entity>(self.0.id)
    }

    /// What the person is on duty for. 职能。
    async fn function(&self) -> Function {
        self.0.function
    }

    /// Subject of the person. 值班人。
    async fn subject(&self) -> &str {
        &self.0.subject
    }

    /// Subject of who stands in; null when nobody does. 替班人。
    async fn deputy(&self) -> Option<&str> {
        self.0.deputy.as_deref()
    }

    /// First instant of the duty. 开始时间。
    async fn starts_at(&self) -> DateTime<Utc> {
        self.0.starts_at
    }

    /// First instant after it. 结束时间。
    async fn ends_at(&self) -> DateTime<Utc> {
        self.0.ends_at
    }

    /// Version to send as `expectedVersion`. 版本号。
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// Queries of the roster.
#[derive(Default)]
pub struct DutyQuery;

/// Queries of the duty roster. 值班查询。
#[Object]
impl DutyQuery {
    /// Duties, the latest start first. 值班安排列表。
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn duties(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only of this function. 职能。")] function: Option<Function>,
        #[graphql(desc = "Only those on duty at this instant. 指定时刻在值的安排。")] at: Option<
            DateTime<Utc>,
        >,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<Duty>> {
        require(actor(ctx), Action::ReadDuties)?;
        let input = PageInput { first, after, last, before };
        Ok(Connection::new(store::page(app(ctx), function, at, &input).await?))
    }
}

/// Changes of the duty roster.
#[derive(Default)]
pub struct DutyMutation;

/// Changes of the duty roster. 值班变更。
#[Object]
impl DutyMutation {
    /// Puts a person on the duty roster. 新增值班安排。
    async fn add_duty(&self, ctx: &Context<'_>, input: AddDuty) -> ApiResult<DutyPayload> {
        DutyPayload::of(retrying(|| super::add(app(ctx), actor(ctx), &input)).await)
    }

    /// Ends a duty now. 提前结束值班。
    async fn end_duty(&self, ctx: &Context<'_>, input: EndDuty) -> ApiResult<DutyPayload> {
        DutyPayload::of(retrying(|| super::end(app(ctx), actor(ctx), &input)).await)
    }
}
