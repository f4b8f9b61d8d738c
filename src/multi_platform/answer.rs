//! What a payee says against a case, and what becomes of it.

use async_graphql::InputObject;
use entity::vocabulary::{MultiPlatformOutcome, PayoutChangeKind};
use entity::{multi_platform, multi_platform_appeal, payout};
use uuid::Uuid;

use super::{close, refused, rules, store};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, RefusalCode, Result};
use crate::event::{expect_version, require_text};
use crate::graphql::scalars::Id;
use crate::outbox::{Bump, ChangeSet};
use crate::payout as payouts;

/// Longest grounds of an appeal, in characters.
const GROUNDS: usize = 20_000;
/// Longest resolution, in characters.
const RESOLUTION: usize = 2_000;

/// An appeal against a payout's being on hold, or taken back, since the report is taken for one that was sent to several
/// platforms. 对因一洞多投而暂缓或取消奖励提出申诉。
#[derive(Clone, Debug, InputObject)]
pub struct AppealMultiPlatform {
    /// The payout. 奖励。
    pub payout: Id<payout::Entity>,
    /// Why it is not so. 申诉理由。
    pub grounds: String,
}

/// What becomes of such an appeal. 一洞多投申诉的处理。
#[derive(Clone, Debug, InputObject)]
pub struct ResolveMultiPlatformAppeal {
    /// The case that the appeal is against. 认定申请。
    pub multi_platform: Id<multi_platform::Entity>,
    /// The payout whose payee appealed. 申诉所涉奖励。
    pub payout: Id<payout::Entity>,
    /// The version of the case that was seen. 所见的认定申请版本。
    pub expected_version: i32,
    /// Whether it is upheld: then the case is dismissed. 是否支持申诉；支持即认定不成立。
    pub upheld: bool,
    /// Why, for the payee to read: say nothing of the other report. 处理说明，收款人可见，请勿提及另一份报告。
    pub resolution: String,
}

/// Appeals, once for a payout and a case; sent again with the same grounds it changes nothing.
///
/// # Errors
/// By policy and visibility; refusals where nothing waits or was taken back, the time has passed, or an appeal was made.
pub async fn appeal(app: &App, actor: &Actor, input: &AppealMultiPlatform) -> Result<payout::Model> {
    require(actor, Action::AppealMultiPlatform)?;
    let grounds = require_text("input.grounds", &input.grounds, GROUNDS)?;
    let loaded = payouts::store::find(app, actor, input.payout.0).await?;
    let mut changes = payouts::for_payee(app, actor, Action::AppealMultiPlatform, &loaded)?;
    let Some((report, _)) = &loaded.earned_by else { return Err(nothing_to_appeal_against()) };
    let of: Vec<Uuid> = [report.id].into_iter().chain(report.part_of).collect();
    let now = changes.at();
    let cases = store::about(app, &of).await?;
    // What decided the payout's fate comes before what is still looked at.
    let against = cases.iter().filter(|case| rules::may_appeal(case, &of, now));
    let Some(case) = against.min_by_key(|case| (case.outcome.is_none(), std::cmp::Reverse(case.id))) else {
        return Err(nothing_to_appeal_against());
    };
    if let Some(made) = store::appeal(app, case.id, loaded.payout.id).await? {
        if made.grounds == grounds {
            return Ok(loaded.payout);
        }
        return Err(Error::refused(RefusalCode::Frozen, "the one appeal was made already"));
    }
    changes.insert(&multi_platform_appeal::Model {
        id: app.ids.next(),
        multi_platform_id: case.id,
        payout_id: loaded.payout.id,
        grounds,
        appealed_by: changes.actor().to_owned(),
        appealed_at: changes.at(),
        upheld: None,
        resolution: None,
        resolved_by: None,
        resolved_at: None,
    });
    let on_record = super::on_record(app, case).await?;
    changes.revise(app, case, case.clone(), Some(on_record), Bump::Version);
    let after = told(app, &mut changes, &loaded, PayoutChangeKind::Appealed, None);
    app.commit(changes).await?;
    Ok(after)
}

fn nothing_to_appeal_against() -> Error {
    let message = "nothing waits, or was taken back lately, for a report that was sent to several platforms";
    Error::refused(RefusalCode::MissingFact, message)
}

/// Puts a step on the payout's record by which it does not move.
fn told(
    app: &App,
    changes: &mut ChangeSet,
    loaded: &payouts::store::Loaded,
    kind: PayoutChangeKind,
    reason: Option<&str>,
) -> payout::Model {
    payouts::step(app, changes, loaded, loaded.payout.clone(), kind, reason)
}

/// Resolves an appeal by somebody who neither proposed nor decided the case. One that is upheld dismisses the case, and with it
/// ends every appeal against it; else the case goes on, or stands.
///
/// # Errors
/// By policy, visibility and version; FOUR_EYES; a refusal when no appeal of this payout is open.
pub async fn resolve(
    app: &App,
    actor: &Actor,
    input: &ResolveMultiPlatformAppeal,
) -> Result<multi_platform::Model> {
    require(actor, Action::ResolveMultiPlatformAppeal)?;
    let resolution = require_text("input.resolution", &input.resolution, RESOLUTION)?;
    let case = store::find(app, actor, input.multi_platform.0).await?;
    expect_version(case.version, input.expected_version)?;
    rules::may_resolve(&case, &actor.subject).map_err(refused)?;
    let open = store::open_appeals(app, case.id).await?;
    if open.iter().all(|appeal| appeal.payout_id != input.payout.0) {
        return Err(Error::refused(RefusalCode::MissingFact, "no appeal of this payout is open"));
    }
    let mut changes = ChangeSet::new(app, actor, Action::ResolveMultiPlatformAppeal);
    let ended = open.iter().filter(|appeal| input.upheld || appeal.payout_id == input.payout.0);
    for appeal in ended {
        let resolved = multi_platform_appeal::Model {
            upheld: Some(input.upheld),
            resolution: Some(resolution.clone()),
            resolved_by: Some(changes.actor().to_owned()),
            resolved_at: Some(changes.at()),
            ..appeal.clone()
        };
        changes.update(appeal, &resolved);
    }
    if input.upheld {
        return close(app, actor, changes, case, MultiPlatformOutcome::Dismissed, resolution).await;
    }
    let events = super::events_of(app, &case).await?;
    super::refuse_reporters(app, actor, &events).await?;
    let reports = store::with_parts(app, &[case.report_id, case.other_report_id]).await?;
    payouts::platforms::refuse_payee(app, actor, &reports).await?;
    let on_record = Some(rules::on_record(&events));
    let after = changes.revise(app, &case, case.clone(), on_record, Bump::Version);
    let loaded = payouts::store::find(app, actor, input.payout.0).await?;
    told(app, &mut changes, &loaded, PayoutChangeKind::AppealDismissed, Some(&resolution));
    app.commit(changes).await?;
    Ok(after)
}
