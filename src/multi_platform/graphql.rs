//! The API of reports that were sent to several platforms.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::vocabulary::{DuplicateReasonCode, FinderEvidence, MultiPlatformOutcome};
use entity::{multi_platform, multi_platform_appeal, payout, report};
use uuid::Uuid;

use super::{
    AppealMultiPlatform, DecideMultiPlatform, ProposeMultiPlatform, ResolveMultiPlatformAppeal, rules, store,
};
use crate::auth::policy::{Action, allows, require};
use crate::error::Error;
use crate::graphql::errors::{ApiError, ApiResult};
use crate::graphql::loaders::Reader;
use crate::graphql::page::{Connection, PageInput};
use crate::graphql::sensitive::lists_items;
use crate::graphql::{actor, app, loaders, scalars, sensitive};
use crate::intake::graphql::Report;
use crate::outbox::retrying;
use crate::payload;
use crate::payout::graphql::{Payout, PayoutPayload};

/// Two reports of which somebody says that one finder sent them to several platforms.
pub struct MultiPlatform(pub multi_platform::Model);

impl From<multi_platform::Model> for MultiPlatform {
    fn from(row: multi_platform::Model) -> Self {
        Self(row)
    }
}

/// The values that stand for these codes.
fn read<T: serde::de::DeserializeOwned>(codes: &entity::texts::Texts) -> Vec<T> {
    let value = |code: &String| serde_json::from_value(serde_json::Value::String(code.clone())).ok();
    codes.0.iter().filter_map(value).collect()
}

/// Two reports of which somebody says that one finder sent them to several platforms, with what speaks for it. It is there for
/// who sees both events from inside. 一洞多投认定：两份经不同平台提交的报告及其证据；仅对两个事件均可见的人员可见。
#[Object]
impl MultiPlatform {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<multi_platform::Entity>(self.0.id)
    }

    /// The report that was received later; null when you may no longer see it. 较晚收到的报告；不再可见时为空。
    async fn report(&self, ctx: &Context<'_>) -> ApiResult<Option<Report>> {
        Ok(loaders::lookup::<report::Entity>(ctx, self.0.report_id).await?.map(Report))
    }

    /// The report that was received earlier; null when you may no longer see it. 较早收到的报告；不再可见时为空。
    async fn other_report(&self, ctx: &Context<'_>) -> ApiResult<Option<Report>> {
        Ok(loaders::lookup::<report::Entity>(ctx, self.0.other_report_id).await?.map(Report))
    }

    /// What speaks for one finder, in the words of who proposed it. 提出人所述证据。
    async fn evidence(&self) -> &str {
        &self.0.evidence
    }

    /// What the reports had in common when it was proposed. 提出时两份报告的共同点。
    async fn found(&self) -> Vec<DuplicateReasonCode> {
        read(&self.0.found)
    }

    /// What their reporters had in common when it was proposed; null when your roles may not read reporters.
    /// 提出时两名报告人的共同点；无权查看报告人时为空。
    async fn finder(&self, ctx: &Context<'_>) -> Option<Vec<FinderEvidence>> {
        allows(actor(ctx), Action::ReadReporters).then(|| read(&self.0.finder))
    }

    /// How much the reports had in common when it was proposed, in per cent. 提出时的相似程度（百分比）。
    async fn score(&self) -> i32 {
        self.0.score
    }

    /// Subject who proposed it. 提出人。
    async fn proposed_by(&self) -> &str {
        &self.0.proposed_by
    }

    /// When it was proposed. 提出时间。
    async fn proposed_at(&self) -> DateTime<Utc> {
        self.0.proposed_at
    }

    /// Until when unpaid payouts wait at most: ten working days. 未付奖励最迟暂缓至此时（十个工作日）。
    async fn held_until(&self) -> DateTime<Utc> {
        self.0.held_until
    }

    /// When their hold ended without a decision; null when it did not. 未作认定而到期解除暂缓的时间；未到期或已认定时为空。
    async fn hold_ended_at(&self) -> Option<DateTime<Utc>> {
        self.0.hold_ended_at
    }

    /// What was decided; null until it is. 认定结果；未认定时为空。
    async fn outcome(&self) -> Option<MultiPlatformOutcome> {
        self.0.outcome
    }

    /// Why; null until it is decided. 理由；未认定时为空。
    async fn rationale(&self) -> Option<&str> {
        self.0.rationale.as_deref()
    }

    /// Subject who decided it; null until it is decided. 认定人；未认定时为空。
    async fn decided_by(&self) -> Option<&str> {
        self.0.decided_by.as_deref()
    }

    /// When; null until it is decided. 认定时间；未认定时为空。
    async fn decided_at(&self) -> Option<DateTime<Utc>> {
        self.0.decided_at
    }

    /// Until when a payee may appeal against the decision; null where it took nothing from anybody. 对认定提出申诉的截止时间；未影响奖励时为空。
    async fn appeal_by(&self) -> Option<DateTime<Utc>> {
        self.0.appeal_by
    }

    /// The payouts of both reports that you may see, paid ones too, which a LEADER may reverse. 两份报告的奖励（含已支付的，可由领导小组冲销）。
    async fn payouts(&self, ctx: &Context<'_>) -> ApiResult<Vec<Payout>> {
        let mut payouts = crate::payout::graphql::of_report(ctx, self.0.report_id).await?;
        payouts.extend(crate::payout::graphql::of_report(ctx, self.0.other_report_id).await?);
        Ok(payouts)
    }

    /// Version to send with a change. 版本号，变更时需提供。
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it last changed. 最近变更时间。
    async fn changed_at(&self) -> DateTime<Utc> {
        self.0.changed_at
    }
}

/// That a payout waits, or was taken back, since its report is taken for one that was sent to several platforms. Of the other
/// report it says nothing. 因疑似一洞多投而暂缓或取消奖励的情况，不含另一份报告的任何信息。
#[derive(Clone, Debug, SimpleObject)]
pub struct PayoutHold {
    /// Whether it is still looked at, and the payout waits. 是否仍在核查、奖励暂缓。
    waiting: bool,
    /// Until when it waits at most. 最迟暂缓至。
    held_until: DateTime<Utc>,
    /// What was decided; null until it is. 认定结果；未认定时为空。
    outcome: Option<MultiPlatformOutcome>,
    /// Whether the payee may appeal now. 收款人当前是否可申诉。
    may_appeal: bool,
    /// The payee's appeal; null when there is none. 收款人的申诉；没有时为空。
    appeal: Option<PayoutHoldAppeal>,
}

/// What a payee says against it. 收款人对一洞多投认定的申诉。
#[derive(Clone, Debug, SimpleObject)]
pub struct PayoutHoldAppeal {
    /// What the payee says; null to who may not read the report. 申诉理由；无权查看报告时为空。
    grounds: Option<String>,
    /// When. 申诉时间。
    appealed_at: DateTime<Utc>,
    /// Whether it was upheld; null until it is resolved. 是否获支持；未处理时为空。
    upheld: Option<bool>,
    /// Why; null until it is resolved, and to who may not read the report. 处理说明；未处理或无权查看报告时为空。
    resolution: Option<String>,
    /// When it was resolved; null until it is. 处理时间；未处理时为空。
    resolved_at: Option<DateTime<Utc>>,
}

impl PayoutHoldAppeal {
    fn new(row: &multi_platform_appeal::Model, readable: bool) -> Self {
        Self {
            grounds: readable.then(|| row.grounds.clone()),
            appealed_at: row.appealed_at,
            upheld: row.upheld,
            resolution: row.resolution.clone().filter(|_| readable),
            resolved_at: row.resolved_at,
        }
    }
}

/// Key of what is said of a payout: its id, and its report's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Said(Uuid, Uuid);

/// The reports that a case is looked for by, the cases about them, and the payee's appeals.
type Found = (Vec<Uuid>, Vec<multi_platform::Model>, Vec<multi_platform_appeal::Model>);

impl Loader<Said> for Reader {
    type Value = Found;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[Said]) -> Result<HashMap<Said, Found>, Arc<Error>> {
        let reports: Vec<Uuid> = keys.iter().map(|key| key.1).collect();
        let payouts: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let wholes = store::wholes(self.app(), &reports).await.map_err(Arc::new)?;
        let all: Vec<Uuid> = reports.into_iter().chain(wholes.iter().map(|(_, whole)| *whole)).collect();
        let cases = store::about(self.app(), &all).await.map_err(Arc::new)?;
        let appeals = store::appeals_of(self.app(), &payouts).await.map_err(Arc::new)?;
        let of = |key: &Said| {
            let whole = wholes.iter().filter(|(part, _)| *part == key.1).map(|(_, whole)| *whole);
            let reports: Vec<Uuid> = [key.1].into_iter().chain(whole).collect();
            let about = |case: &&multi_platform::Model| {
                reports.contains(&case.report_id) || reports.contains(&case.other_report_id)
            };
            let cases = cases.iter().filter(about).cloned().collect();
            let appeals = appeals.iter().filter(|appeal| appeal.payout_id == key.0).cloned().collect();
            (reports, cases, appeals)
        };
        Ok(keys.iter().map(|key| (*key, of(key))).collect())
    }
}

/// What is said of a payout that the caller has found; `readable` where they may read what an appeal says.
///
/// # Errors
/// Of the database.
pub async fn of_payout(
    ctx: &Context<'_>,
    payout: &payout::Model,
    readable: bool,
) -> ApiResult<Option<PayoutHold>> {
    let Some(report) = payout.report_id else { return Ok(None) };
    let loader = ctx.data_unchecked::<DataLoader<Reader>>();
    let found = loader.load_one(Said(payout.id, report)).await.map_err(ApiError::from)?;
    let Some((reports, cases, appeals)) = found else { return Ok(None) };
    let now = app(ctx).clock.now();
    // What was decided against it comes first, then what is looked at, then what is over.
    let weight = |case: &&multi_platform::Model| {
        (rules::is_against(case, &reports, now), case.outcome.is_some(), case.id)
    };
    Ok(cases.iter().max_by_key(weight).map(|case| PayoutHold {
        waiting: rules::is_holding(case, now),
        held_until: case.held_until,
        outcome: case.outcome,
        may_appeal: rules::may_appeal(case, &reports, now)
            && appeals.iter().all(|appeal| appeal.multi_platform_id != case.id),
        appeal: appeals
            .iter()
            .find(|appeal| appeal.multi_platform_id == case.id)
            .map(|appeal| PayoutHoldAppeal::new(appeal, readable)),
    }))
}

payload! {
    /// A case after a change. 变更后的一洞多投认定。
    MultiPlatformPayload {
        /// The case as it now is; null when the change was refused. 变更后的认定；被拒绝时为空。
        multi_platform: MultiPlatform
    }
}

/// Queries of reports that were sent to several platforms.
#[derive(Default)]
pub struct MultiPlatformQuery;

/// Reports that were sent to several platforms. 一洞多投查询。
#[Object]
impl MultiPlatformQuery {
    /// Cases that you may see, the newest first. 可见的一洞多投认定，由新到旧。
    async fn multi_platforms(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Only those that wait for a decision, or only decided ones; all when left out. 仅未认定或仅已认定的；省略表示不限。"
        )]
        open: Option<bool>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<MultiPlatform>> {
        require(actor(ctx), Action::ReadDuplicates)?;
        let input = PageInput { first, after, last, before };
        let page = store::page(app(ctx), actor(ctx), open, &input).await?;
        if lists_items(ctx) {
            let reports = page.rows.iter().flat_map(|(case, _)| [case.report_id, case.other_report_id]);
            reports.for_each(|report| sensitive::touch_report(ctx, report));
        }
        Ok(Connection::new(page))
    }
}

/// Changes of reports that were sent to several platforms.
#[derive(Default)]
pub struct MultiPlatformMutation;

/// Reports that were sent to several platforms. 一洞多投操作。
#[Object]
impl MultiPlatformMutation {
    /// Proposes that a finder sent one report to several platforms; unpaid payouts wait from then on. ANALYST.
    /// 提出一洞多投认定，未付奖励随即暂缓（安全运营）。
    async fn propose_multi_platform(
        &self,
        ctx: &Context<'_>,
        input: ProposeMultiPlatform,
    ) -> ApiResult<MultiPlatformPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        MultiPlatformPayload::of(retrying(|| super::propose(app, actor, &input)).await)
    }

    /// Decides it, by somebody else than who proposed it unless it is dismissed. ANALYST, LEADER.
    /// 作出认定；除不成立外，须由提出人以外的人员认定（安全运营、领导小组）。
    async fn decide_multi_platform(
        &self,
        ctx: &Context<'_>,
        input: DecideMultiPlatform,
    ) -> ApiResult<MultiPlatformPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        MultiPlatformPayload::of(retrying(|| super::decide(app, actor, &input)).await)
    }

    /// Appeals against it for a payout, once. REPORTER, SRC. 就某笔奖励对一洞多投提出申诉，一次为限（报告人、SRC 平台）。
    async fn appeal_multi_platform(
        &self,
        ctx: &Context<'_>,
        input: AppealMultiPlatform,
    ) -> ApiResult<PayoutPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        PayoutPayload::of(retrying(|| super::appeal(app, actor, &input)).await)
    }

    /// Resolves an appeal, by somebody who neither proposed nor decided it. ANALYST, LEADER.
    /// 处理申诉；须由提出人与认定人以外的人员处理（安全运营、领导小组）。
    async fn resolve_multi_platform_appeal(
        &self,
        ctx: &Context<'_>,
        input: ResolveMultiPlatformAppeal,
    ) -> ApiResult<MultiPlatformPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        MultiPlatformPayload::of(retrying(|| super::resolve(app, actor, &input)).await)
    }
}
