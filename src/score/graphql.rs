//! The API of scores and technical severities.

use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::vocabulary::{CvssBand, Level, SeveritySource};
use entity::{rating_policy, score, technical_severity};
use uuid::Uuid;

use super::{AssessSeverity, ScoreEvent, assess_severity, differs, score_event};
use crate::event::graphql::EventPayload;
use crate::graphql::ahead;
use crate::graphql::errors::ApiResult;
use crate::graphql::scalars::{self, Decimal};
use crate::graphql::{actor, app, loaders};
use crate::outbox::retrying;

/// The five factors of a score, each 0.0 to 10.0. 定级五要素。
#[derive(SimpleObject)]
pub struct ScoreFactors {
    /// Importance of the product. 产品重要程度。
    product_importance: Decimal,
    /// Reach of the product. 产品影响范围。
    product_reach: Decimal,
    /// Public opinion. 社会舆论。
    public_opinion: Decimal,
    /// Exploit conditions. 漏洞利用条件。
    exploit_conditions: Decimal,
    /// Actual impact. 漏洞实际影响。
    actual_impact: Decimal,
}

/// What each factor rests on; null where the product's own figure was taken. 各要素的依据；取产品默认值时为空。
#[derive(SimpleObject)]
pub struct ScoreEvidence {
    /// For the product's importance. 产品重要程度的依据。
    product_importance: Option<String>,
    /// For the product's reach. 产品影响范围的依据。
    product_reach: Option<String>,
    /// For public opinion. 社会舆论的依据。
    public_opinion: Option<String>,
    /// For the exploit conditions. 漏洞利用条件的依据。
    exploit_conditions: Option<String>,
    /// For the actual impact. 漏洞实际影响的依据。
    actual_impact: Option<String>,
}

/// The event's current score, as far as it is selected.
///
/// # Errors
/// Of the database.
pub async fn current_of(ctx: &Context<'_>, event: Uuid) -> ApiResult<Option<Score>> {
    let scores = loaders::selected_children::<score::Entity>(ctx, event).await?;
    Ok(scores.iter().find(|score| score.superseded_at.is_none()).cloned().map(Score))
}

ahead::selected! {
    // By the last, the current one is found.
    score, always [EventId, SupersededAt] {
        "id": [Id];
        "pass": [Pass];
        "total": [Total];
        "rounded": [Rounded];
        "level": [Level];
        "reason": [Reason];
        "scoredBy": [ScoredBy];
        "scoredAt": [ScoredAt];
        "supersededAt": [];
    }
}

ahead::selected! {
    technical_severity, always [EventId] {}
}

/// A five-factor rating.
pub struct Score(pub score::Model);

impl From<score::Model> for Score {
    fn from(row: score::Model) -> Self {
        Self(row)
    }
}

/// A five-factor rating. 五要素定级结果。
#[Object]
impl Score {
    /// Identifies the score. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<score::Entity>(self.0.id)
    }

    /// Pass through the procedure in which it was given. 处置轮次。
    async fn pass(&self) -> i32 {
        self.0.pass
    }

    /// The factors. 要素。
    async fn factors(&self) -> ScoreFactors {
        ScoreFactors {
            product_importance: Decimal::from_tenths(self.0.product_importance),
            product_reach: Decimal::from_tenths(self.0.product_reach),
            public_opinion: Decimal::from_tenths(self.0.public_opinion),
            exploit_conditions: Decimal::from_tenths(self.0.exploit_conditions),
            actual_impact: Decimal::from_tenths(self.0.actual_impact),
        }
    }

    /// The exact weighted sum, for example "8.9500". 精确加权总分。
    async fn total(&self) -> Decimal {
        Decimal::from_ten_thousandths(self.0.total)
    }

    /// The total rounded half up to one decimal, for example "9.0". 四舍五入到一位小数的总分。
    async fn rounded(&self) -> Decimal {
        Decimal::from_tenths(self.0.rounded)
    }

    /// The level that the policy's bands give it. 等级。
    async fn level(&self) -> Level {
        self.0.level
    }

    /// What the factors rest on. 依据。
    async fn evidence(&self) -> ScoreEvidence {
        let text = |name: &str| self.0.evidence.get(name).and_then(|text| text.as_str()).map(str::to_owned);
        ScoreEvidence {
            product_importance: text("productImportance"),
            product_reach: text("productReach"),
            public_opinion: text("publicOpinion"),
            exploit_conditions: text("exploitConditions"),
            actual_impact: text("actualImpact"),
        }
    }

    /// Number of the rating policy that it was made with. 所用定级策略的版本号。
    async fn policy_number(&self, ctx: &Context<'_>) -> ApiResult<Option<i32>> {
        let policy = loaders::lookup::<rating_policy::Entity>(ctx, self.0.policy_id).await?;
        Ok(policy.map(|policy| policy.number))
    }

    /// Why the event was scored again; null when nothing was said. 重新定级的原因。
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// Leader who consented to leave RED or ORANGE; null when no consent was needed. 同意降级的领导。
    async fn consented_by(&self) -> Option<&str> {
        self.0.consented_by.as_deref()
    }

    /// Subject who scored. 定级人。
    async fn scored_by(&self) -> &str {
        &self.0.scored_by
    }

    /// When it was scored. 定级时间。
    async fn scored_at(&self) -> DateTime<Utc> {
        self.0.scored_at
    }

    /// When the next one replaced it; null while it holds. 被取代的时间；有效期间为空。
    async fn superseded_at(&self) -> Option<DateTime<Utc>> {
        self.0.superseded_at
    }
}

/// A CVSS assessment, ours or another's.
pub struct TechnicalSeverity(pub technical_severity::Model);

impl From<technical_severity::Model> for TechnicalSeverity {
    fn from(row: technical_severity::Model) -> Self {
        Self(row)
    }
}

/// A CVSS assessment, ours or another's. CVSS 评分，我方或他方。
#[Object]
impl TechnicalSeverity {
    /// Identifies the assessment. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<technical_severity::Entity>(self.0.id)
    }

    /// Ours or another's. 我方或他方。
    async fn source(&self) -> SeveritySource {
        self.0.source
    }

    /// Who assessed. 评分方名称。
    async fn source_name(&self) -> &str {
        &self.0.source_name
    }

    /// Version of CVSS, for example "3.1". CVSS 版本。
    async fn cvss_version(&self) -> &str {
        &self.0.cvss_version
    }

    /// The vector in its canonical form. 规范形式的向量。
    async fn vector(&self) -> &str {
        &self.0.vector
    }

    /// Score of the base metrics. 基础分。
    async fn base(&self) -> Decimal {
        Decimal::from_tenths(self.0.base)
    }

    /// Score with temporal and environmental metrics. 含时间与环境指标的分数。
    async fn score(&self) -> Decimal {
        Decimal::from_tenths(self.0.score)
    }

    /// Qualitative band of the score. 定性等级。
    async fn band(&self) -> CvssBand {
        self.0.band
    }

    /// Weaknesses, for example "CWE-79". 弱点类型。
    async fn cwe(&self) -> &[String] {
        &self.0.cwe.0
    }

    /// Whether it is 1.0 or more, or a band, from our newest assessment; null on ours and while there is none of ours.
    /// 与我方最新评分相差不小于 1.0 或等级不同；我方评分及尚无我方评分时为空。
    async fn differs_from_ours(&self, ctx: &Context<'_>) -> ApiResult<Option<bool>> {
        if self.0.source == SeveritySource::Ours {
            return Ok(None);
        }
        let all = loaders::children::<technical_severity::Entity>(ctx, self.0.event_id).await?;
        let ours = all.iter().find(|row| row.source == SeveritySource::Ours);
        Ok(ours.map(|ours| differs(ours, &self.0)).transpose()?)
    }

    /// Subject who recorded it. 记录人。
    async fn assessed_by(&self) -> &str {
        &self.0.assessed_by
    }

    /// When it was recorded. 记录时间。
    async fn assessed_at(&self) -> DateTime<Utc> {
        self.0.assessed_at
    }
}

/// Mutations of scores and technical severities.
#[derive(Default)]
pub struct ScoreMutation;

/// Mutations of scores and technical severities. 定级与技术评分相关操作。
#[Object]
impl ScoreMutation {
    /// Rates an event by the five factors; level and team follow. 按五要素定级，等级与响应小组随之变化。
    async fn score_event(&self, ctx: &Context<'_>, input: ScoreEvent) -> ApiResult<EventPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        EventPayload::of(retrying(|| score_event(app, actor, &input)).await)
    }

    /// Records a CVSS assessment, ours or another's. 记录 CVSS 评分。
    async fn assess_severity(&self, ctx: &Context<'_>, input: AssessSeverity) -> ApiResult<EventPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        EventPayload::of(retrying(|| assess_severity(app, actor, &input)).await)
    }
}
