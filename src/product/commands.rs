//! Adding and changing products.

use async_graphql::{InputObject, MaybeUndefined};
use chrono::NaiveDate;
use entity::product;
use entity::texts::Texts;
use entity::vocabulary::{AssetTier, Lifecycle, ProductKind, RmsvLibrary};
use serde::Serialize;

use super::store;
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::{expect_version, optional_text};
use crate::graphql::scalars::{Decimal, Id};
use crate::idempotency::{self, Replay};
use crate::input;
use crate::outbox::{Bump, ChangeSet};
use crate::score::rules::Factor;

/// A new product. 新产品。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct CreateProduct {
    /// Stable short name: 2 to 64 lowercase letters, digits and hyphens; it never changes. 固定短名，不可更改。
    pub key: String,
    /// Name shown to people. 名称。
    pub name: String,
    /// Product line: what is remediated and assigned as one. 产品线。
    pub line: String,
    /// Team that owns it. 责任团队。
    pub owner_team: String,
    /// Legal entity that provides it. 提供主体。
    pub provider_entity: String,
    /// Product or own service. 产品类别。
    pub kind: ProductKind,
    /// Default factor, 0.0 to 10.0. 产品重要程度默认值。
    pub importance: Decimal,
    /// Default factor, 0.0 to 10.0. 产品影响范围默认值。
    pub reach: Decimal,
    /// Who uses it, in words. 客户覆盖说明。
    pub customer_coverage: Option<String>,
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
    /// Library of the MIIT platform, when RMSV applies. 工信部漏洞平台专业库（适用时）。
    pub rmsv_library: Option<RmsvLibrary>,
    /// Whether the EU Cyber Resilience Act applies. 是否适用欧盟《网络弹性法案》。
    #[graphql(default)]
    pub cra_in_scope: bool,
    /// Member states where it is available, by country code. 投放的欧盟成员国。
    pub cra_member_states: Option<Vec<String>>,
    /// Last day of its support period. 支持期截止日。
    pub cra_support_until: Option<NaiveDate>,
    /// Whether operators of critical information infrastructure use it. 是否用于关键信息基础设施。
    #[graphql(default)]
    pub critical_infrastructure: bool,
    /// Makes sending the same request again safe. 幂等键。
    pub idempotency_key: Option<String>,
}

/// A product's changed data; what is left out stays, null clears. 修改产品；未填写的保持不变，空值清除。
#[derive(Clone, Debug, InputObject)]
pub struct UpdateProduct {
    /// The product. 产品。
    pub product: Id<product::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// Name shown to people. 名称。
    pub name: Option<String>,
    /// Product line: what is remediated and assigned as one. 产品线。
    pub line: Option<String>,
    /// Team that owns it. 责任团队。
    pub owner_team: Option<String>,
    /// Legal entity that provides it. 提供主体。
    pub provider_entity: Option<String>,
    /// Product or own service. 产品类别。
    pub kind: Option<ProductKind>,
    /// Default factor, 0.0 to 10.0. 产品重要程度默认值。
    pub importance: Option<Decimal>,
    /// Default factor, 0.0 to 10.0. 产品影响范围默认值。
    pub reach: Option<Decimal>,
    /// Who uses it, in words. 客户覆盖说明。
    pub customer_coverage: Option<String>,
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
    /// Library of the MIIT platform, when RMSV applies. 工信部漏洞平台专业库（适用时）。
    pub rmsv_library: MaybeUndefined<RmsvLibrary>,
    /// Whether the EU Cyber Resilience Act applies. 是否适用欧盟《网络弹性法案》。
    pub cra_in_scope: Option<bool>,
    /// Member states where it is available, all of them. 投放的欧盟成员国（全部）。
    pub cra_member_states: Option<Vec<String>>,
    /// Last day of its support period. 支持期截止日。
    pub cra_support_until: MaybeUndefined<NaiveDate>,
    /// Whether operators of critical information infrastructure use it. 是否用于关键信息基础设施。
    pub critical_infrastructure: Option<bool>,
}

/// Adds a product.
///
/// # Errors
/// By policy; on ill-formed values; a refusal when the key is taken.
pub async fn create(app: &App, actor: &Actor, input: &CreateProduct) -> Result<product::Model> {
    let action = Action::CreateProduct;
    require(actor, action)?;
    let key = match idempotency::replay(app, actor, action, input.idempotency_key.as_deref(), input).await? {
        Replay::Done(id) => return store::find(app, id).await,
        Replay::First(key) => key,
    };
    if store::find_by_key(app, &input.key).await?.is_some() {
        return Err(Error::Refused(vec![Refusal::on(
            RefusalCode::AlreadyExists,
            "input.key",
            "another product has this key: choose one that is free",
        )]));
    }
    let mut changes = ChangeSet::new(app, actor, action);
    let row = new_row(app, &changes, input)?;
    let product = changes.create(app, row, None);
    if let Some(key) = &key {
        changes.remember(key, product.id);
    }
    app.commit(changes).await?;
    Ok(product)
}

fn new_row(app: &App, changes: &ChangeSet, input: &CreateProduct) -> Result<product::Model> {
    let line = |field, text: &str| input::one_line(field, text, input::NAME);
    let note = |field, text: &Option<String>| input::optional_line(field, text.as_deref(), input::NAME);
    Ok(product::Model {
        id: app.ids.next(),
        key: input::key("input.key", &input.key)?,
        name: line("input.name", &input.name)?,
        line: line("input.line", &input.line)?,
        owner_team: line("input.ownerTeam", &input.owner_team)?,
        provider_entity: line("input.providerEntity", &input.provider_entity)?,
        kind: input.kind,
        importance: factor("input.importance", &input.importance)?,
        reach: factor("input.reach", &input.reach)?,
        customer_coverage: coverage(input.customer_coverage.as_ref())?,
        asset_tier: input.asset_tier,
        lifecycle: input.lifecycle,
        end_of_life_notice: note("input.endOfLifeNotice", &input.end_of_life_notice)?,
        last_supported_version: note("input.lastSupportedVersion", &input.last_supported_version)?,
        successor: note("input.successor", &input.successor)?,
        rmsv_library: input.rmsv_library,
        cra_in_scope: input.cra_in_scope,
        cra_member_states: countries(input.cra_member_states.as_deref().unwrap_or_default())?,
        cra_support_until: input.cra_support_until,
        critical_infrastructure: input.critical_infrastructure,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: changes.at(),
        changed_at: changes.at(),
    })
}

/// Changes a product.
///
/// # Errors
/// By policy and version; on ill-formed values.
pub async fn update(app: &App, actor: &Actor, input: &UpdateProduct) -> Result<product::Model> {
    require(actor, Action::UpdateProduct)?;
    let before = store::find(app, input.product.0).await?;
    expect_version(before.version, input.expected_version)?;
    let mut after = before.clone();
    change(&mut after, input)?;
    let mut changes = ChangeSet::new(app, actor, Action::UpdateProduct);
    let after = changes.revise(app, &before, after, None, Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

fn change(row: &mut product::Model, input: &UpdateProduct) -> Result<()> {
    for (target, field, text) in [
        (&mut row.name, "input.name", &input.name),
        (&mut row.line, "input.line", &input.line),
        (&mut row.owner_team, "input.ownerTeam", &input.owner_team),
        (&mut row.provider_entity, "input.providerEntity", &input.provider_entity),
    ] {
        if let Some(text) = text {
            *target = input::one_line(field, text, input::NAME)?;
        }
    }
    for (target, field, value) in [
        (&mut row.importance, "input.importance", &input.importance),
        (&mut row.reach, "input.reach", &input.reach),
    ] {
        if let Some(value) = value {
            *target = factor(field, value)?;
        }
    }
    for (target, field, text) in [
        (&mut row.end_of_life_notice, "input.endOfLifeNotice", &input.end_of_life_notice),
        (&mut row.last_supported_version, "input.lastSupportedVersion", &input.last_supported_version),
        (&mut row.successor, "input.successor", &input.successor),
    ] {
        input::set_or_clear(target, field, text, input::NAME)?;
    }
    if input.customer_coverage.is_some() {
        row.customer_coverage = coverage(input.customer_coverage.as_ref())?;
    }
    if let Some(states) = &input.cra_member_states {
        row.cra_member_states = countries(states)?;
    }
    if !input.rmsv_library.is_undefined() {
        row.rmsv_library = input.rmsv_library.value().copied();
    }
    if !input.cra_support_until.is_undefined() {
        row.cra_support_until = input.cra_support_until.value().copied();
    }
    input::set(&mut row.kind, input.kind);
    input::set(&mut row.asset_tier, input.asset_tier);
    input::set(&mut row.lifecycle, input.lifecycle);
    input::set(&mut row.cra_in_scope, input.cra_in_scope);
    input::set(&mut row.critical_infrastructure, input.critical_infrastructure);
    Ok(())
}

/// The tenths of a factor.
fn factor(field: &str, value: &Decimal) -> Result<i32> {
    let factor: Factor = value.0.parse().map_err(|error| Error::bad_input(field, format!("{error}")))?;
    Ok(factor.tenths().into())
}

fn coverage(text: Option<&String>) -> Result<String> {
    Ok(optional_text("input.customerCoverage", text, input::NOTE)?.unwrap_or_default())
}

fn countries(codes: &[String]) -> Result<Texts> {
    let field = "input.craMemberStates";
    let mut known = Vec::new();
    for code in codes {
        let code = input::country(field, code)?;
        if !known.contains(&code) {
            known.push(code);
        }
    }
    Ok(known.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_exact_tenths() {
        let decimal = |text: &str| Decimal(text.to_owned());
        assert_eq!(factor("input.reach", &decimal("8.5")).unwrap(), 85);
        assert_eq!(factor("input.reach", &decimal("10")).unwrap(), 100);
        for wrong in ["10.1", "8.55", "-1", "1e1", ""] {
            let error = factor("input.reach", &decimal(wrong)).unwrap_err();
            assert!(matches!(error, Error::BadInput { field, .. } if field == "input.reach"), "{wrong:?}");
        }
    }

    #[test]
    fn a_member_state_is_named_once() {
        let named = ["DE", "FR", "DE"].map(str::to_owned);
        assert_eq!(countries(&named).unwrap().0, ["DE", "FR"]);
        assert!(countries(&["Germany".to_owned()]).is_err());
    }
}
