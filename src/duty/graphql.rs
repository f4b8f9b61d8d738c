//! The API of the duty roster.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entity::duty;
use entity::vocabulary::Function;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{AddDuty, EndDuty, store};
use crate::auth::policy::{Action, require};
use crate::graphql::errors::ApiResult;
use crate::graphql::page::{self, Connection, Keyset, PageInput};
use crate::graphql::{actor, app, scalars};
use crate::outbox::retrying;

/// Who is responsible for a function between two instants. 值班安排。
pub struct Duty(pub duty::Model);

impl From<duty::Model> for Duty {
    fn from(row: duty::Model) -> Self {
        Self(row)
    }
}

/// Who is responsible for a function between two instants. 值班安排。
#[Object]
impl Duty {
    /// Identifies it. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<duty::Entity>(self.0.id)
    }

    /// What the person is on duty for. 值班职能。
    async fn function(&self) -> Function {
        self.0.function
    }

    /// Subject of the person on duty. 值班人的主体标识。
    async fn subject(&self) -> &str {
        &self.0.subject
    }

    /// Subject of who stands in. 替补人的主体标识。
    async fn deputy(&self) -> Option<&str> {
        self.0.deputy.as_deref()
    }

    /// First instant of the duty. 开始时刻。
    async fn starts_at(&self) -> DateTime<Utc> {
        self.0.starts_at
    }

    /// First instant after it. 结束时刻。
    async fn ends_at(&self) -> DateTime<Utc> {
        self.0.ends_at
    }

    /// Counts changes; to be sent back with the next one. 版本号，修改时须带回。
    async fn version(&self) -> i32 {
        self.0.version
    }
}

crate::payload! {
    /// A roster entry after a change. 变更后的值班安排。
    DutyPayload {
        /// The entry as it now is; null when the change was refused. 变更后的值班安排；被拒绝时为空。
        duty: Duty
    }
}

/// Reading the duty roster.
#[derive(Default)]
pub struct DutyQuery;

/// Reading the duty roster. 查询值班表。
#[Object]
impl DutyQuery {
    /// Roster entries, the latest start first. 值班安排，最近开始的在前。
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn duties(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, 1 to 100. 从前往后的条数。")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
        #[graphql(desc = "Only for this function. 仅该职能。")] function: Option<Function>,
        #[graphql(desc = "Only who is on duty at this instant. 仅该时刻在值班的。")] at: Option<
            DateTime<Utc>,
        >,
    ) -> ApiResult<Connection<Duty>> {
        require(actor(ctx), Action::ReadDuties)?;
        let mut select = duty::Entity::find();
        if let Some(function) = function {
            select = select.filter(duty::Column::Function.eq(function));
        }
        if let Some(at) = at {
            select = select.filter(store::covers(at));
        }
        let keyset = Keyset { column: duty::Column::StartsAt, id: duty::Column::Id, descending: true };
        let input = PageInput { first, after, last, before };
        Ok(Connection::new(page::read(&app(ctx).database, select, keyset, &input).await?))
    }
}

/// Configuring the duty roster.
#[derive(Default)]
pub struct DutyMutation;

/// Configuring the duty roster. 配置值班表。
#[Object]
impl DutyMutation {
    /// Puts a person on the roster. 新增值班安排。
    async fn add_duty(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The entry. 值班安排。")] input: AddDuty,
    ) -> ApiResult<DutyPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        DutyPayload::of(retrying(|| super::add(app, actor, &input)).await)
    }

    /// Ends a duty before its time. 提前结束值班。
    async fn end_duty(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which and when. 值班安排与时刻。")] input: EndDuty,
    ) -> ApiResult<DutyPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        DutyPayload::of(retrying(|| super::end(app, actor, &input)).await)
    }
}
