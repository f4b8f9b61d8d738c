//! The API of indicators.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entity::indicator;
use entity::vocabulary::{IndicatorKind, IndicatorSource};

use super::{AddIndicator, DismissIndicator};
use crate::graphql::errors::ApiResult;
use crate::graphql::{actor, app, scalars};
use crate::outbox::retrying;

/// Something that identifies what a report is about. 报告线索。
pub struct Indicator {
    /// The row.
    pub row: indicator::Model,
    /// Whether the caller sees its report from inside.
    pub inside: bool,
}

impl From<indicator::Model> for Indicator {
    /// For who changed it.
    fn from(row: indicator::Model) -> Self {
        Self { row, inside: true }
    }
}

/// Something that identifies what a report is about. 报告线索。
#[Object]
impl Indicator {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<indicator::Entity>(self.row.id)
    }

    /// What it is. 类型。
    async fn kind(&self) -> IndicatorKind {
        self.row.kind
    }

    /// Its value as given, or as found. 值。
    async fn value(&self) -> &str {
        &self.row.value
    }

    /// Where it comes from. 来源。
    async fn source(&self) -> IndicatorSource {
        self.row.source
    }

    /// The analyst who added it or vouched for it; null when none did, and to who sees the report's public side only.
    /// 补充或确认该线索的分析人员；无人补充或确认以及仅可见公开侧者为空。
    async fn added_by(&self) -> Option<&str> {
        self.row.added_by.as_deref().filter(|_| self.inside)
    }

    /// The analyst who dismissed it: it identifies nothing; null when nobody did, and to who sees the public side only.
    /// 排除该线索的分析人员；未排除或仅可见公开侧者为空。
    async fn dismissed_by(&self) -> Option<&str> {
        self.row.dismissed_by.as_deref().filter(|_| self.inside)
    }

    /// When it was dismissed; null when it was not, and to who sees the public side only. 排除时间；未排除或仅可见公开侧者为空。
    async fn dismissed_at(&self) -> Option<DateTime<Utc>> {
        self.row.dismissed_at.filter(|_| self.inside)
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
    /// Adds what identifies what a report is about, or says that what was found in its text or given with it does: advisories
    /// name the CVE numbers alone that are said so, or that a notice of a database, a regulator or a vendor gave. What is added
    /// is found by `search` wherever it stands in the text. 补充报告线索，或确认从正文中提取或随报告提供的线索；安全公告仅列出经确认的
    /// CVE 编号，以及漏洞库、监管单位或厂商通知中提供的编号；补充的线索无论位于正文何处均可搜索。
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
