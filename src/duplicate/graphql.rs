//! The API of duplicates.

use async_graphql::dataloader::DataLoader;
use async_graphql::{Context, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::vocabulary::{CandidateKind, DuplicateOutcome, DuplicateReasonCode};
use entity::{duplicate_decision, event, report};
use uuid::Uuid;

use super::decide::DecideDuplicate;
use super::{Candidate, Lookups, rank, rules, store};
use crate::auth::policy::{Action, allows, require};
use crate::event::graphql::Event;
use crate::graphql::errors::ApiResult;
use crate::graphql::loaders::Reader;
use crate::graphql::{actor, app, loaders, sensitive};
use crate::intake::graphql::Report;
use crate::outbox::retrying;

/// An earlier report that may be the same. 可能重复的较早报告。
pub struct DuplicateCandidate(Candidate);

/// An earlier report that may be the same, and why. 可能重复的较早报告及理由。
#[Object]
impl DuplicateCandidate {
    /// The earlier report. 较早的报告。
    async fn report(&self) -> Report {
        Report(self.0.report.clone())
    }

    /// Its event; null when you may not see it. 该报告所属的事件；不可见时为空。
    async fn event(&self, ctx: &Context<'_>) -> ApiResult<Option<Event>> {
        Ok(loaders::lookup::<event::Entity>(ctx, self.0.report.event_id).await?.map(Event))
    }

    /// How sure it is. 确定程度。
    async fn kind(&self) -> CandidateKind {
        self.0.likeness.kind
    }

    /// How much they have in common, in per cent. 相似程度（百分比）。
    async fn score(&self) -> i32 {
        i32::try_from(self.0.likeness.score).unwrap_or(i32::MAX)
    }

    /// What they have in common, the most telling first. 共同点，由强到弱。
    async fn reasons(&self) -> Vec<DuplicateReason> {
        self.0.likeness.reasons.iter().map(DuplicateReason::from).collect()
    }
}

/// Something that two reports have in common. 两份报告的一个共同点。
#[derive(Clone, Debug, SimpleObject)]
pub struct DuplicateReason {
    /// What it is. 类型。
    code: DuplicateReasonCode,
    /// What is the same, in the words of the report that was asked about; null where it has none. 相同的内容；无则为空。
    value: Option<String>,
    /// How much is the same, in per cent; null where it is all or nothing. 相同比例（百分比）；不分程度时为空。
    share: Option<i32>,
    /// The reason in English. 英文说明。
    english: String,
    /// The reason in Chinese. 中文说明。
    chinese: String,
}

impl From<&rank::Reason> for DuplicateReason {
    fn from(reason: &rank::Reason) -> Self {
        Self {
            code: reason.code,
            value: reason.value.clone(),
            share: reason.share.and_then(|share| i32::try_from(share).ok()),
            english: rules::english(reason),
            chinese: rules::chinese(reason),
        }
    }
}

/// What a person decided of two reports. 人工重复判定。
pub struct DuplicateDecision(pub duplicate_decision::Model);

impl From<duplicate_decision::Model> for DuplicateDecision {
    fn from(row: duplicate_decision::Model) -> Self {
        Self(row)
    }
}

/// What a person decided of two reports; it is not asked again. 对两份报告的人工判定，不再重复提示。
#[Object]
impl DuplicateDecision {
    /// The report that came later; null when you may not see it. 较晚的报告；不可见时为空。
    async fn report(&self, ctx: &Context<'_>) -> ApiResult<Option<Report>> {
        Ok(loaders::lookup::<report::Entity>(ctx, self.0.report_id).await?.map(Report))
    }

    /// The report that came earlier; null when you may not see it. 较早的报告；不可见时为空。
    async fn other_report(&self, ctx: &Context<'_>) -> ApiResult<Option<Report>> {
        Ok(loaders::lookup::<report::Entity>(ctx, self.0.other_report_id).await?.map(Report))
    }

    /// What was decided. 判定结果。
    async fn outcome(&self) -> DuplicateOutcome {
        self.0.outcome
    }

    /// Why. 理由。
    async fn rationale(&self) -> &str {
        &self.0.rationale
    }

    /// With which score the pair was shown, in per cent; null when it was not shown. 提示时的相似程度；未曾提示时为空。
    async fn score(&self) -> Option<i32> {
        self.0.score
    }

    /// Subject who decided. 判定人。
    async fn decided_by(&self) -> &str {
        &self.0.decided_by
    }

    /// When. 判定时间。
    async fn decided_at(&self) -> DateTime<Utc> {
        self.0.decided_at
    }
}

/// How often what was shown was right. 重复提示的准确程度。
#[derive(Clone, Debug, SimpleObject)]
pub struct DuplicateFigures {
    /// Pairs that were shown as candidates and decided. 已判定的候选数。
    decided: u64,
    /// Those of them that were decided to be duplicates. 其中判为重复的数量。
    duplicates: u64,
    /// Those of them that were decided to be related. 其中判为相关的数量。
    related: u64,
    /// Those of them that were decided to be distinct. 其中判为不同的数量。
    distinct: u64,
    /// The share of duplicates in per cent; null while nothing was decided. 判为重复的占比（百分比）；尚无判定时为空。
    precision: Option<u64>,
    /// The same by each reason with which pairs were shown; one pair may have several. 按提示理由统计，同一对报告可有多个理由。
    by_reason: Vec<DuplicateFiguresOfReason>,
    /// The same by score, in tens. 按相似程度分段统计。
    by_score: Vec<DuplicateFiguresOfScore>,
}

/// How often what was shown with a reason was right. 某一提示理由的准确程度。
#[derive(Clone, Debug, SimpleObject)]
pub struct DuplicateFiguresOfReason {
    /// The reason. 提示理由。
    code: DuplicateReasonCode,
    /// Pairs that were shown with it and decided. 已判定数。
    decided: u64,
    /// Those of them that were decided to be duplicates. 其中判为重复的数量。
    duplicates: u64,
    /// Their share in per cent; never null where a pair was decided. 占比（百分比）；有判定时必有值。
    precision: Option<u64>,
}

/// How often what was shown with a score was right. 某一相似程度分段的准确程度。
#[derive(Clone, Debug, SimpleObject)]
pub struct DuplicateFiguresOfScore {
    /// Least score of the band. 分段下限（含）。
    from: i32,
    /// Most score of the band. 分段上限（含）。
    to: i32,
    /// Pairs that were shown with such a score and decided. 已判定数。
    decided: u64,
    /// Those of them that were decided to be duplicates. 其中判为重复的数量。
    duplicates: u64,
    /// Their share in per cent; never null where a pair was decided. 占比（百分比）；有判定时必有值。
    precision: Option<u64>,
}

/// Candidates for a report that the caller has found; null for who is shown none.
pub async fn of_report(
    ctx: &Context<'_>,
    report: &report::Model,
    first: Option<i32>,
) -> ApiResult<Option<Vec<DuplicateCandidate>>> {
    if !loaders::inside(ctx, report.event_id, Action::ReadDuplicates).await? {
        return Ok(None);
    }
    let found = super::candidates(app(ctx), actor(ctx), lookups(ctx), report, super::wanted(first)?).await?;
    Ok(Some(shown(ctx, found)))
}

/// Candidates for the reports of an event that the caller has found; null for who is shown none.
pub async fn of_event(
    ctx: &Context<'_>,
    event: Uuid,
    first: Option<i32>,
) -> ApiResult<Option<Vec<DuplicateCandidate>>> {
    if !allows(actor(ctx), Action::ReadDuplicates) {
        return Ok(None);
    }
    let first = super::wanted(first)?;
    let found = super::candidates_of_event(app(ctx), actor(ctx), lookups(ctx), event, first).await?;
    Ok(Some(shown(ctx, found)))
}

/// What this request looked up so far.
fn lookups<'a>(ctx: &'a Context<'_>) -> &'a Lookups {
    ctx.data_unchecked::<DataLoader<Reader>>().loader().lookups()
}

fn shown(ctx: &Context<'_>, found: Vec<Candidate>) -> Vec<DuplicateCandidate> {
    found.iter().for_each(|candidate| sensitive::touch(ctx, candidate.report.event_id));
    found.into_iter().map(DuplicateCandidate).collect()
}

/// What was decided of a report that the caller has found, as far as they see the other one; null for who is shown none.
pub async fn decisions_of(
    ctx: &Context<'_>,
    report: &report::Model,
) -> ApiResult<Option<Vec<DuplicateDecision>>> {
    if !loaders::inside(ctx, report.event_id, Action::ReadDuplicates).await? {
        return Ok(None);
    }
    let rows = store::decisions_of(app(ctx), &[report.id]).await?;
    let both = rows.iter().flat_map(|row| [row.report_id, row.other_report_id]);
    let visible = store::visible(app(ctx), actor(ctx), both).await?;
    let seen = rows
        .into_iter()
        .filter(|row| visible.contains(&row.report_id) && visible.contains(&row.other_report_id));
    Ok(Some(seen.map(DuplicateDecision).collect()))
}

crate::payload! {
    /// A decision of two reports. 重复判定结果。
    DuplicateDecisionPayload {
        /// The decision; null when it was refused. 判定；被拒绝时为空。
        decision: DuplicateDecision
    }
}

/// Queries of duplicates.
#[derive(Default)]
pub struct DuplicateQuery;

/// Duplicates. 重复报告查询。
#[Object]
impl DuplicateQuery {
    /// How often candidates that were shown were decided to be duplicates, among what you may see.
    /// 提示的候选被判为重复的比例（仅限您可见的）。
    async fn duplicate_figures(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only what was decided from then on. 仅此时（含）之后的判定。")] from: Option<
            DateTime<Utc>,
        >,
        #[graphql(desc = "Only what was decided before then. 仅此时之前的判定。")] until: Option<
            DateTime<Utc>,
        >,
    ) -> ApiResult<DuplicateFigures> {
        require(actor(ctx), Action::ReadDuplicates)?;
        let (by_score, by_reason) = store::figures(app(ctx), actor(ctx), (from, until)).await?;
        let all = rules::tallies(&by_score, |_| ()).remove(&()).unwrap_or_default();
        let by_reason = rules::tallies(&by_reason, |code| code).into_iter();
        let by_score = rules::tallies(&by_score, rules::band).into_iter();
        Ok(DuplicateFigures {
            decided: all.decided(),
            duplicates: all.duplicates,
            related: all.related,
            distinct: all.distinct,
            precision: rules::per_cent(all.duplicates, all.decided()),
            by_reason: by_reason
                .map(|(code, tally)| DuplicateFiguresOfReason {
                    code,
                    decided: tally.decided(),
                    duplicates: tally.duplicates,
                    precision: rules::per_cent(tally.duplicates, tally.decided()),
                })
                .collect(),
            by_score: by_score
                .map(|(from, tally)| DuplicateFiguresOfScore {
                    from,
                    to: if from == 100 { 100 } else { from + 9 },
                    decided: tally.decided(),
                    duplicates: tally.duplicates,
                    precision: rules::per_cent(tally.duplicates, tally.decided()),
                })
                .collect(),
        })
    }
}

/// Changes of duplicates.
#[derive(Default)]
pub struct DuplicateMutation;

/// Duplicates. 重复报告操作。
#[Object]
impl DuplicateMutation {
    /// Decides whether two reports are the same vulnerability. 判定两份报告是否为同一漏洞。
    async fn decide_duplicate(
        &self,
        ctx: &Context<'_>,
        input: DecideDuplicate,
    ) -> ApiResult<DuplicateDecisionPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        DuplicateDecisionPayload::of(retrying(|| super::decide::decide(app, actor, &input)).await)
    }
}
