//! The API of fixes and their verification.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, NaiveDate, Utc};
use entity::vocabulary::RemediationState;
use entity::{event, remediation, verification};

use super::{AcceptRisk, PlanFix, RecordRelease, SubmitFix, VerifyFix};
use crate::event::graphql::Event;
use crate::graphql::ahead;
use crate::graphql::errors::ApiResult;
use crate::graphql::{actor, app, loaders, scalars};
use crate::outbox::retrying;

ahead::selected! {
    remediation, always [EventId] {}
}

ahead::selected! {
    verification, always [EventId] {}
}

/// The fix of one product line.
pub struct Remediation(pub remediation::Model);

impl From<remediation::Model> for Remediation {
    fn from(row: remediation::Model) -> Self {
        Self(row)
    }
}

crate::payload! {
    /// A line's fix after a change. 变更后的产品线修复。
    RemediationPayload {
        /// The fix as it now is; null when the change was refused. 变更后的修复；被拒绝时为空。
        remediation: Remediation
    }
}

/// The fix of one product line. 一条产品线的修复。
#[Object]
impl Remediation {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<remediation::Entity>(self.0.id)
    }

    /// The product line. 产品线。
    async fn line(&self) -> &str {
        &self.0.line
    }

    /// Where it stands. 状态。
    async fn state(&self) -> RemediationState {
        self.0.state
    }

    /// Plan of the fix; null while there is none. 修复方案。
    async fn fix_plan(&self) -> Option<&str> {
        self.0.fix_plan.as_deref()
    }

    /// Planned fix date; null while there is none. 计划修复日期。
    async fn planned_for(&self) -> Option<NaiveDate> {
        self.0.planned_for
    }

    /// Reference of the patch; null until it is submitted. 补丁引用。
    async fn patch(&self) -> Option<&str> {
        self.0.patch.as_deref()
    }

    /// Mitigation before the fix; null when there is none. 缓解措施。
    async fn mitigation(&self) -> Option<&str> {
        self.0.mitigation.as_deref()
    }

    /// When the mitigation was available; null when there is none. 缓解措施可用时间。
    async fn mitigation_available_at(&self) -> Option<DateTime<Utc>> {
        self.0.mitigation_available_at
    }

    /// Subject who submitted the fix; null until then. 提交人。
    async fn submitted_by(&self) -> Option<&str> {
        self.0.submitted_by.as_deref()
    }

    /// When it was submitted; null until then. 提交时间。
    async fn submitted_at(&self) -> Option<DateTime<Utc>> {
        self.0.submitted_at
    }

    /// Versions that carry the fix; null until the release is recorded. 修复版本。
    async fn release_versions(&self) -> Option<&str> {
        self.0.release_versions.as_deref()
    }

    /// Advisory of the release; null when there is none. 安全公告。
    async fn advisory(&self) -> Option<&str> {
        self.0.advisory.as_deref()
    }

    /// When the fix was available; null until the release is recorded. 修复可用时间。
    async fn available_at(&self) -> Option<DateTime<Utc>> {
        self.0.available_at
    }

    /// Version to send as `expectedVersion`. 版本号。
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// The event as it now is. 所属事件。
    async fn event(&self, ctx: &Context<'_>) -> ApiResult<Option<Event>> {
        Ok(loaders::lookup::<event::Entity>(ctx, self.0.event_id).await?.map(Event))
    }
}

/// The answers to the three questions.
pub struct Verification(pub verification::Model);

impl From<verification::Model> for Verification {
    fn from(row: verification::Model) -> Self {
        Self(row)
    }
}

/// The answers to the three questions of a verification. 修复验证记录。
#[Object]
impl Verification {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<verification::Entity>(self.0.id)
    }

    /// Id of the fix that was verified. 被验证的修复。
    async fn remediation_id(&self) -> ID {
        scalars::id::<remediation::Entity>(self.0.remediation_id)
    }

    /// Is it fully fixed? 是否完全修复。
    async fn fully_fixed(&self) -> bool {
        self.0.fully_fixed
    }

    /// Evidence. 证据。
    async fn fully_fixed_evidence(&self) -> &str {
        &self.0.fully_fixed_evidence
    }

    /// Can the fix be bypassed? 修复是否可被绕过。
    async fn bypassable(&self) -> bool {
        self.0.bypassable
    }

    /// Evidence. 证据。
    async fn bypass_evidence(&self) -> &str {
        &self.0.bypass_evidence
    }

    /// Does the fix bring a new security problem? 是否引入新的安全问题。
    async fn new_problem(&self) -> bool {
        self.0.new_problem
    }

    /// Evidence. 证据。
    async fn new_problem_evidence(&self) -> &str {
        &self.0.new_problem_evidence
    }

    /// Yes, no, no. 是否通过。
    async fn passed(&self) -> bool {
        self.0.passed
    }

    /// The event opened for a new problem; null when there is none, or none that you may see. 为新问题新建的事件。
    async fn new_event(&self, ctx: &Context<'_>) -> ApiResult<Option<Event>> {
        match self.0.new_event_id {
            Some(id) => Ok(loaders::lookup::<event::Entity>(ctx, id).await?.map(Event)),
            None => Ok(None),
        }
    }

    /// Subject of the verifier. 验证人。
    async fn verified_by(&self) -> &str {
        &self.0.verified_by
    }

    /// When. 验证时间。
    async fn verified_at(&self) -> DateTime<Utc> {
        self.0.verified_at
    }
}

/// Changes of fixes.
#[derive(Default)]
pub struct RemediationMutation;

/// Changes of fixes. 修复变更。
#[Object]
impl RemediationMutation {
    /// Plans a line's fix or records a mitigation. 制定修复计划或记录缓解措施。
    async fn plan_fix(&self, ctx: &Context<'_>, input: PlanFix) -> ApiResult<RemediationPayload> {
        RemediationPayload::of(retrying(|| super::plan(app(ctx), actor(ctx), &input)).await)
    }

    /// Submits fix plan and patch. 提交修复方案与补丁。
    async fn submit_fix(&self, ctx: &Context<'_>, input: SubmitFix) -> ApiResult<RemediationPayload> {
        RemediationPayload::of(retrying(|| super::submit(app(ctx), actor(ctx), &input)).await)
    }

    /// Verifies a submitted fix; the verifier is not the fixer. 验证修复；验证人不得为修复人。
    async fn verify_fix(&self, ctx: &Context<'_>, input: VerifyFix) -> ApiResult<RemediationPayload> {
        RemediationPayload::of(retrying(|| super::verify(app(ctx), actor(ctx), &input)).await)
    }

    /// Applies a decision to accept a line's risk. 依决定接受产品线风险。
    async fn accept_risk(&self, ctx: &Context<'_>, input: AcceptRisk) -> ApiResult<RemediationPayload> {
        RemediationPayload::of(retrying(|| super::accept_risk(app(ctx), actor(ctx), &input)).await)
    }

    /// Records the release that carries the fix. 记录携带修复的发布版本。
    async fn record_release(&self, ctx: &Context<'_>, input: RecordRelease) -> ApiResult<RemediationPayload> {
        RemediationPayload::of(retrying(|| super::record_release(app(ctx), actor(ctx), &input)).await)
    }
}
