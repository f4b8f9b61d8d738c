//! The API of TLP, embargo and world facts.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entity::vocabulary::WorldFactKind;
use entity::world_fact;

use super::{RecordWorldFact, SetEmbargo, SetTlp, record_world_fact, set_embargo, set_tlp};
use crate::event::graphql::EventPayload;
use crate::graphql::ahead;
use crate::graphql::errors::ApiResult;
use crate::graphql::{actor, app, scalars};
use crate::outbox::retrying;

ahead::selected! {
    world_fact, always [EventId] {}
}

/// What the world knows or does, whatever we do.
pub struct WorldFact(pub world_fact::Model);

impl From<world_fact::Model> for WorldFact {
    fn from(row: world_fact::Model) -> Self {
        Self(row)
    }
}

/// What the world knows or does, whatever we do. 外部事实。
#[Object]
impl WorldFact {
    /// Identifies the fact. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<world_fact::Entity>(self.0.id)
    }

    /// What it is. 类型。
    async fn kind(&self) -> WorldFactKind {
        self.0.kind
    }

    /// When it happened; null when that is unknown. 发生时间；未知为空。
    async fn occurred_at(&self) -> Option<DateTime<Utc>> {
        self.0.occurred_at
    }

    /// When we learned of it: what clocks count from. 获知时间，各时限由此起算。
    async fn learned_at(&self) -> DateTime<Utc> {
        self.0.learned_at
    }

    /// Where it is known from. 来源。
    async fn source(&self) -> &str {
        &self.0.source
    }

    /// Subject who recorded it. 记录人。
    async fn recorded_by(&self) -> &str {
        &self.0.recorded_by
    }

    /// When it was recorded. 记录时间。
    async fn recorded_at(&self) -> DateTime<Utc> {
        self.0.recorded_at
    }
}

/// Mutations of TLP, embargo and world facts.
#[derive(Default)]
pub struct ProtectionMutation;

/// Mutations of TLP, embargo and world facts. TLP、保密期与外部事实相关操作。
#[Object]
impl ProtectionMutation {
    /// Sets the TLP level; only a LEADER lowers RED. 设置 TLP 级别，仅领导小组可降低 RED。
    async fn set_tlp(&self, ctx: &Context<'_>, input: SetTlp) -> ApiResult<EventPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        EventPayload::of(retrying(|| set_tlp(app, actor, &input)).await)
    }

    /// Sets when the embargo ends, or ends it now. 设置或立即结束保密期。
    async fn set_embargo(&self, ctx: &Context<'_>, input: SetEmbargo) -> ApiResult<EventPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        EventPayload::of(retrying(|| set_embargo(app, actor, &input)).await)
    }

    /// Records what the world knows or does; under an embargo the leading group is asked whether it ends.
    /// 记录外部事实；保密期内将提请领导小组决定是否结束保密。
    async fn record_world_fact(&self, ctx: &Context<'_>, input: RecordWorldFact) -> ApiResult<EventPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        EventPayload::of(retrying(|| record_world_fact(app, actor, &input)).await)
    }
}
