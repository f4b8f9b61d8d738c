//! The API of indicators.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entity::indicator;
use entity::vocabulary::{IndicatorKind, IndicatorSource};

use super::{AddIndicator, DismissIndicator};
use crate::auth::policy::{Action, allows};
use crate::graphql::errors::ApiResult;
use crate::graphql::{actor, app, scalars};
use crate::outbox::retrying;

/// Something that identifies what a report is about. 报告线索。
pub struct Indicator(pub indicator::Model);

impl From<indicator::Model> for Indicator {
    fn from(row: indicator::Model) -> Self {
        Self(row)
    }
}

impl Indicator {
    /// Whether the caller sees it: who sees a report's public side sees what was given with it.
    pub fn is_for(ctx: &Context<'_>, row: &indicator::Model) -> bool {
        row.source == IndicatorSource::Given || allows(actor(ctx), Action::ReadRawReports)
    }
}

/// Something that identifies what a report is about. 报告线索。
#[Object]
impl Indicator {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<indicator::Entity>(self.0.id)
    }

    /// What it is. 类型。
    async fn kind(&self) -> IndicatorKind {
        self.0.kind
    }

    /// Its value as given, or as found. 值。
    async fn value(&self) -> &str {
        &self.0.value
    }

    /// Where it comes from. 来源。
    async fn source(&self) -> IndicatorSource {
        self.0.source
    }

    /// The analyst who added it; null when none did, and to who sees the report's public side only.
    /// 补充该线索的分析人员；非人工补充或仅可见公开侧者为空。
    async fn added_by(&self, ctx: &Context<'_>) -> Option<&str> {
        self.0.added_by.as_deref().filter(|_| allows(actor(ctx), Action::ReadRawReports))
    }

    /// The analyst who dismissed it: it identifies nothing; null when nobody did, and to who sees the public side only.
    /// 排除该线索的分析人员；未排除或仅可见公开侧者为空。
    async fn dismissed_by(&self, ctx: &Context<'_>) -> Option<&str> {
        self.0.dismissed_by.as_deref().filter(|_| allows(actor(ctx), Action::ReadRawReports))
    }

    /// When it was dismissed; null when it was not, and to who sees the public side only. 排除时间；未排除或仅可见公开侧者为空。
    async fn dismissed_at(&self, ctx: &Context<'_>) -> Option<DateTime<Utc>> {
        self.0.dismissed_at.filter(|_| allows(actor(ctx), Action::ReadRawReports))
    }
}

crate::payload! {
    /// An indicator after a change. 变更后的线索。
    IndicatorPayload {
        /// The indicator as it now is; null when the change was refused. 变更后的线索；被拒绝时为空。
        indicator: Indicator
    }
}

/// Changes of indicators.
#[derive(Default)]
pub struct IndicatorMutation;

/// Indicators. 线索操作。
#[Object]
impl IndicatorMutation {
    /// Adds what identifies what a report is about. 补充报告线索。
    async fn add_indicator(&self, ctx: &Context<'_>, input: AddIndicator) -> ApiResult<IndicatorPayload> {
        IndicatorPayload::of(retrying(|| super::add(app(ctx), actor(ctx), &input)).await)
    }

    /// Dismisses what does not identify what a report is about; it stays dismissed. 排除错误的线索，此后不再恢复。
    async fn dismiss_indicator(
        &self,
        ctx: &Context<'_>,
        input: DismissIndicator,
    ) -> ApiResult<IndicatorPayload> {
        IndicatorPayload::of(retrying(|| super::dismiss(app(ctx), actor(ctx), &input)).await)
    }
}
