//! The API of teams and assignments.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entity::vocabulary::{AssignmentState, Function, MemberSource, TeamGroup};
use entity::{assignment, event, team_member};

use super::{AddTeamMember, AnswerAssignment, Assign, RemoveTeamMember, rules};
use crate::event::graphql::{Event, EventPayload};
use crate::graphql::ahead;
use crate::graphql::errors::ApiResult;
use crate::graphql::{self, loaders, scalars};
use crate::outbox::retrying;

ahead::selected! {
    assignment, always [EventId] {
        "id": [Id];
        "function": [Function];
        "subject": [Subject];
        "team": [Team];
        "line": [Line];
        "dueAt": [DueAt];
        "state": [State];
        "version": [Version];
    }
}

ahead::selected! {
    team_member, always [EventId] {}
}

/// Work of one function given to a person or a team.
pub struct Assignment(pub assignment::Model);

impl From<assignment::Model> for Assignment {
    fn from(row: assignment::Model) -> Self {
        Self(row)
    }
}

/// Work of one function given to a person or a team. 分派给个人或团队的任务。
#[Object]
impl Assignment {
    /// Identifies it. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<assignment::Entity>(self.0.id)
    }

    /// The event; null when you may no longer see it. 所属事件；不再可见时为空。
    async fn event(&self, ctx: &Context<'_>) -> ApiResult<Option<Event>> {
        Ok(loaders::lookup::<event::Entity>(ctx, self.0.event_id).await?.map(Event::from))
    }

    /// Whose work it is. 职能。
    async fn function(&self) -> Function {
        self.0.function
    }

    /// The person, by the subject of their token; null when a team is assigned. 被分派人；分派给团队时为空。
    async fn subject(&self) -> Option<&str> {
        self.0.subject.as_deref()
    }

    /// The team; null when a person is assigned. 被分派团队；分派给个人时为空。
    async fn team(&self) -> Option<&str> {
        self.0.team.as_deref()
    }

    /// The product line; never null for R_AND_D. 产品线；职能为研发时必有。
    async fn line(&self) -> Option<&str> {
        self.0.line.as_deref()
    }

    /// When it is due; null when no time was given. 截止时间；未指定时为空。
    async fn due_at(&self) -> Option<DateTime<Utc>> {
        self.0.due_at
    }

    /// Open, accepted, done or declined. 任务状态。
    async fn state(&self) -> AssignmentState {
        self.0.state
    }

    /// What is asked. 说明。
    async fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// Why it was declined; null unless it was. 拒绝原因；未拒绝时为空。
    async fn decline_reason(&self) -> Option<&str> {
        self.0.decline_reason.as_deref()
    }

    /// Subject of who assigned it. 分派人。
    async fn assigned_by(&self) -> &str {
        &self.0.assigned_by
    }

    /// When it was assigned. 分派时间。
    async fn assigned_at(&self) -> DateTime<Utc> {
        self.0.assigned_at
    }

    /// Send it back as `expectedVersion` with an answer. 版本；答复时作为 expectedVersion 传回。
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Whether it is yours to accept, decline or finish. 是否由您答复。
    async fn viewer_can_answer(&self, ctx: &Context<'_>) -> bool {
        let live = matches!(self.0.state, AssignmentState::Open | AssignmentState::Accepted);
        live && rules::is_assignee(graphql::actor(ctx), &self.0)
    }
}

/// A person, team or vacant function on an event's response team.
pub struct TeamMember(pub team_member::Model);

impl From<team_member::Model> for TeamMember {
    fn from(row: team_member::Model) -> Self {
        Self(row)
    }
}

/// A person, team or vacant function on an event's response team. 响应小组成员：个人、团队或空缺职能。
#[Object]
impl TeamMember {
    /// Identifies the membership. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<team_member::Entity>(self.0.id)
    }

    /// The person; null for a team, and while nobody is found for the function. 成员；团队或职能空缺时为空。
    async fn subject(&self) -> Option<&str> {
        self.0.subject.as_deref()
    }

    /// The team; null for a person. 团队；个人时为空。
    async fn team(&self) -> Option<&str> {
        self.0.team.as_deref()
    }

    /// The function on this event. 在本事件中的职能。
    async fn function(&self) -> Option<Function> {
        self.0.function
    }

    /// The working group executes, the leading group decides. 工作小组执行，领导小组决策。
    async fn group(&self) -> TeamGroup {
        self.0.team_group
    }

    /// What brought them here. 加入原因。
    async fn source(&self) -> MemberSource {
        self.0.source
    }

    /// Subject of who added them. 添加人。
    async fn added_by(&self) -> &str {
        &self.0.added_by
    }

    /// When they joined. 加入时间。
    async fn added_at(&self) -> DateTime<Utc> {
        self.0.added_at
    }

    /// Subject of who removed them; null while they are on the team. 移除人；在组时为空。
    async fn removed_by(&self) -> Option<&str> {
        self.0.removed_by.as_deref()
    }

    /// When they left; null while they are on the team. 离开时间；在组时为空。
    async fn removed_at(&self) -> Option<DateTime<Utc>> {
        self.0.removed_at
    }
}

/// Changes of teams and assignments.
#[derive(Default)]
pub struct TeamMutation;

/// Changes of teams and assignments. 响应小组与任务的变更。
#[Object]
impl TeamMutation {
    /// Give work to a person or team and put them on the team; on a TLP:RED event only to who is on it already. ANALYST.
    /// 分派任务并将其加入响应小组；TLP:RED 事件仅可分派给已在组内的人员（安全运营）。
    async fn assign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The work. 任务。")] input: Assign,
    ) -> ApiResult<EventPayload> {
        let (app, actor) = (graphql::app(ctx), graphql::actor(ctx));
        EventPayload::of(retrying(|| super::assign(app, actor, &input)).await)
    }

    /// Accept, decline or finish your own assignment; an ANALYST may mark any DONE.
    /// 接受、拒绝或完成自己的任务；安全运营可将任何任务标记为完成。
    async fn answer_assignment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The answer. 答复。")] input: AnswerAssignment,
    ) -> ApiResult<EventPayload> {
        let (app, actor) = (graphql::app(ctx), graphql::actor(ctx));
        EventPayload::of(retrying(|| super::answer(app, actor, &input)).await)
    }

    /// Add a person to the team. ANALYST, LEADER; of a TLP:RED event LEADER only.
    /// 添加小组成员（安全运营、领导小组；TLP:RED 事件仅领导小组）。
    async fn add_team_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who joins. 加入者。")] input: AddTeamMember,
    ) -> ApiResult<EventPayload> {
        let (app, actor) = (graphql::app(ctx), graphql::actor(ctx));
        EventPayload::of(retrying(|| super::add_member(app, actor, &input)).await)
    }

    /// Take a person or team off the team; their access ends at once and what they have not done is declined.
    /// ANALYST, LEADER; of a TLP:RED event LEADER only.
    /// 移除小组成员，其访问权立即终止，未完成的任务记为拒绝（安全运营、领导小组；TLP:RED 事件仅领导小组）。
    async fn remove_team_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who leaves. 离开者。")] input: RemoveTeamMember,
    ) -> ApiResult<EventPayload> {
        let (app, actor) = (graphql::app(ctx), graphql::actor(ctx));
        EventPayload::of(retrying(|| super::remove_member(app, actor, &input)).await)
    }
}
