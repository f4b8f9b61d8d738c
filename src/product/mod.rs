//! Products and services of the company: what events are about.
//!
//! A product's key stands in engineers' tokens and never changes. Its line is what is remediated and assigned as
//! one; its importance and reach are where scores start from.

pub mod graphql;
pub mod store;

pub use store::keys;

use async_graphql::{InputObject, MaybeUndefined};
use chrono::NaiveDate;
use entity::product;
use entity::vocabulary::{AssetTier, Lifecycle, ProductKind, RmsvLibrary};
use serde::Serialize;

use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::channel::key;
use crate::error::{Error, RefusalCode, Result};
use crate::event::{expect_version, optional_text, require_text};
use crate::graphql::scalars::{Decimal, Id};
use crate::idempotency::{Replay, replay};
use crate::outbox::{Bump, ChangeSet};
use crate::score::rules::Factor;

/// Longest name, in characters.
const SHORT: usize = 200;

/// A new product. 新产品。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct CreateProduct {
    /// Stable short name: lower-case letters, digits and hyphens. 产品标识。
    pub key: String,
    /// Name shown to people. 名称。
    pub name: String,
    /// Product line: what is remediated and assigned as one. 产品线。
    pub line: String,
    /// Team that owns it. 责任团队。
    pub owner_team: String,
    /// Legal entity that provides it. 提供者主体。
    pub provider_entity: String,
    /// Product or own service. 产品类别。
    pub kind: ProductKind,
    /// Importance, 0.0 to 10.0: where scores start from. 产品重要程度默认值。
    pub importance: Decimal,
    /// Reach, 0.0 to 10.0: where scores start from. 产品影响范围默认值。
    pub reach: Decimal,
    /// Who uses it, in words. 客户覆盖情况。
    #[graphql(default)]
    pub customer_coverage: String,
    /// Tier of the reward grid. 资产等级。
    pub asset_tier: AssetTier,
    /// Where it stands in its life. 生命周期。
    pub lifecycle: Lifecycle,
    /// Notice that announced its end. 退市公告。
    pub end_of_life_notice: Option<String>,
    /// Last version that was supported. 最后支持版本。
    pub last_supported_version: Option<String>,
    /// What replaces it. 替代产品。
    pub successor: Option<String>,
    /// Library of the MIIT platform, when RMSV applies. 工信部漏洞平台专业库。
    pub rmsv_library: Option<RmsvLibrary>,
    /// Whether the EU Cyber Resilience Act applies. 是否适用欧盟 CRA。
    #[graphql(default)]
    pub cra_in_scope: bool,
    /// Member states where it is available. 欧盟销售成员国。
    #[graphql(default)]
    pub cra_member_states: Vec<String>,
    /// Last day of its support period under the CRA. CRA 支持期截止日。
    pub cra_support_until: Option<NaiveDate>,
    /// Used by operators of critical information infrastructure. 是否用于关键信息基础设施。
    #[graphql(default)]
    pub critical_infrastructure: bool,
    /// Run by or for a central organ of the state, or what it administers. 是否属于中央和国家机关及其管理的企事业单位。
    #[graphql(default)]
    pub central_organ: bool,
    /// Recognises the creation when it is sent again. 幂等键。
    pub idempotency_key: Option<String>,
}

/// Adds a product.
///
/// # Errors
/// By policy; BAD_USER_INPUT on ill-formed values; a refusal when the key is taken.
pub async fn create(app: &App, actor: &Actor, input: &CreateProduct) -> Result<product::Model> {
    require(actor, Action::CreateProduct)?;
    let once = input.idempotency_key.as_deref();
    let once = match replay(app, actor, Action::CreateProduct, once, input).await? {
        Replay::Done(id) => return store::find(app, id).await,
        Replay::First(once) => once,
    };
    let now = app.clock.now();
    let row = product::Model {
        id: app.ids.next(),
        key: key("input.key", &input.key)?,
        name: require_text("input.name", &input.name, SHORT)?,
        line: require_text("input.line", &input.line, SHORT)?,
        owner_team: require_text("input.ownerTeam", &input.owner_team, SHORT)?,
        provider_entity: require_text("input.providerEntity", &input.provider_entity, SHORT)?,
        kind: input.kind,
        importance: tenths("input.importance", &input.importance)?,
        reach: tenths("input.reach", &input.reach)?,
        customer_coverage: customer_coverage(&input.customer_coverage)?,
        asset_tier: input.asset_tier,
        lifecycle: input.lifecycle,
        end_of_life_notice: optional_text("input.endOfLifeNotice", input.end_of_life_notice.as_ref(), SHORT)?,
        last_supported_version: optional_text(
            "input.lastSupportedVersion",
            input.last_supported_version.as_ref(),
            SHORT,
        )?,
        successor: optional_text("input.successor", input.successor.as_ref(), SHORT)?,
        rmsv_library: input.rmsv_library,
        cra_in_scope: input.cra_in_scope,
        cra_member_states: member_states(&input.cra_member_states)?.into(),
        cra_support_until: input.cra_support_until,
        critical_infrastructure: input.critical_infrastructure,
        central_organ: input.central_organ,
        replan_after: None,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: now,
        changed_at: now,
    };
    if store::by_key(app, &row.key).await?.is_some() {
        return Err(Error::refused(
            RefusalCode::AlreadyExists,
            "there is a product with this key: choose another",
        ));
    }
    let mut changes = ChangeSet::new(app, actor, Action::CreateProduct);
    crate::search::index_product(&mut changes, &row);
    let row = changes.create(app, row, None);
    if let Some(once) = &once {
        changes.remember(once, row.id);
    }
    app.commit(changes).await?;
    Ok(row)
}

fn tenths(field: &str, value: &Decimal) -> Result<i32> {
    let factor: Factor = value.0.parse().map_err(|error| Error::bad_input(field, format!("{error}")))?;
    Ok(factor.tenths().into())
}

fn customer_coverage(text: &String) -> Result<String> {
    Ok(optional_text("input.customerCoverage", Some(text), 2_000)?.unwrap_or_default())
}

fn member_states(states: &[String]) -> Result<Vec<String>> {
    let fits = |state: &String| state.len() == 2 && state.chars().all(|c| c.is_ascii_uppercase());
    if states.len() <= 27 && states.iter().all(fits) {
        Ok(states.to_vec())
    } else {
        Err(Error::bad_input("input.craMemberStates", "send country codes of two capital letters"))
    }
}

/// Changes to a product; what is left out stays, null clears. 产品变更；未提供的保持不变，null 表示清除。
#[derive(Clone, Debug, InputObject)]
pub struct UpdateProduct {
    /// The product. 产品。
    pub product: Id<product::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// Name shown to people. 名称。
    pub name: Option<String>,
    /// Team that owns it. 责任团队。
    pub owner_team: Option<String>,
    /// Legal entity that provides it. 提供者主体。
    pub provider_entity: Option<String>,
    /// Product or own service. 产品类别。
    pub kind: Option<ProductKind>,
    /// Who uses it, in words. 客户覆盖情况。
    pub customer_coverage: Option<String>,
    /// Importance, 0.0 to 10.0. 产品重要程度默认值。
    pub importance: Option<Decimal>,
    /// Reach, 0.0 to 10.0. 产品影响范围默认值。
    pub reach: Option<Decimal>,
    /// Tier of the reward grid. 资产等级。
    pub asset_tier: Option<AssetTier>,
    /// Where it stands in its life. 生命周期。
    pub lifecycle: Option<Lifecycle>,
    /// Notice that announced its end. 退市公告。
    pub end_of_life_notice: MaybeUndefined<String>,
    /// Last version that was supported. 最后支持版本。
    pub last_supported_version: MaybeUndefined<String>,
    /// What replaces it. 替代产品。
    pub successor: MaybeUndefined<String>,
    /// Library of the MIIT platform, when RMSV applies. 工信部漏洞平台专业库。
    pub rmsv_library: MaybeUndefined<RmsvLibrary>,
    /// Whether the EU Cyber Resilience Act applies. 是否适用欧盟 CRA。
    pub cra_in_scope: Option<bool>,
    /// Member states where it is available. 欧盟销售成员国。
    pub cra_member_states: Option<Vec<String>>,
    /// Last day of its support period under the CRA. CRA 支持期截止日。
    pub cra_support_until: MaybeUndefined<NaiveDate>,
    /// Used by operators of critical information infrastructure. 是否用于关键信息基础设施。
    pub critical_infrastructure: Option<bool>,
    /// Run by or for a central organ of the state, or what it administers. 是否属于中央和国家机关及其管理的企事业单位。
    pub central_organ: Option<bool>,
}

/// Changes a product; never its key or line. Where a legal duty depends on what changes, the clocks of its open events
/// follow in the same change; of very many, those that are left follow by the next sweep.
///
/// # Errors
/// By policy and version; BAD_USER_INPUT on ill-formed values.
pub async fn update(app: &App, actor: &Actor, input: &UpdateProduct) -> Result<product::Model> {
    require(actor, Action::UpdateProduct)?;
    let before = store::find(app, input.product.0).await?;
    expect_version(before.version, input.expected_version)?;
    let mut after = before.clone();
    if let Some(name) = &input.name {
        after.name = require_text("input.name", name, SHORT)?;
    }
    if let Some(team) = &input.owner_team {
        after.owner_team = require_text("input.ownerTeam", team, SHORT)?;
    }
    if let Some(entity) = &input.provider_entity {
        after.provider_entity = require_text("input.providerEntity", entity, SHORT)?;
    }
    after.kind = input.kind.unwrap_or(before.kind);
    if let Some(coverage) = &input.customer_coverage {
        after.customer_coverage = customer_coverage(coverage)?;
    }
    if let Some(importance) = &input.importance {
        after.importance = tenths("input.importance", importance)?;
    }
    if let Some(reach) = &input.reach {
        after.reach = tenths("input.reach", reach)?;
    }
    after.asset_tier = input.asset_tier.unwrap_or(before.asset_tier);
    after.lifecycle = input.lifecycle.unwrap_or(before.lifecycle);
    let texts = [
        ("input.endOfLifeNotice", &input.end_of_life_notice, &mut after.end_of_life_notice),
        ("input.lastSupportedVersion", &input.last_supported_version, &mut after.last_supported_version),
        ("input.successor", &input.successor, &mut after.successor),
    ];
    for (field, given, kept) in texts {
        match given {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => *kept = None,
            MaybeUndefined::Value(text) => *kept = optional_text(field, Some(text), SHORT)?,
        }
    }
    if !input.rmsv_library.is_undefined() {
        after.rmsv_library = input.rmsv_library.as_opt_ref().flatten().copied();
    }
    after.cra_in_scope = input.cra_in_scope.unwrap_or(before.cra_in_scope);
    if let Some(states) = &input.cra_member_states {
        after.cra_member_states = member_states(states)?.into();
    }
    if !input.cra_support_until.is_undefined() {
        after.cra_support_until = input.cra_support_until.as_opt_ref().flatten().copied();
    }
    after.critical_infrastructure = input.critical_infrastructure.unwrap_or(before.critical_infrastructure);
    after.central_organ = input.central_organ.unwrap_or(before.central_organ);
    let mut changes = ChangeSet::new(app, actor, Action::UpdateProduct);
    crate::deadline::product_changed(app, &mut changes, &before, &mut after).await?;
    crate::search::index_product(&mut changes, &after);
    let after = changes.revise(app, &before, after, None, Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}
