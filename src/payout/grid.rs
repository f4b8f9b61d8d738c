//! Reward grids: what a severity in an asset tier earns. A version is never changed, only followed by the next; each
//! payout keeps the version that priced it.

use std::collections::HashSet;

use async_graphql::InputObject;
use entity::vocabulary::{AssetTier, Severity};
use entity::{channel, reward_grid, reward_grid_cell};
use serde::Serialize;

use super::propose::channel as find_channel;
use super::{store, unit};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Result};
use crate::graphql::scalars::{Decimal, Id};
use crate::idempotency::{self, Replay};
use crate::money::{Money, Unit};
use crate::outbox::ChangeSet;

/// What reports earn from now on. 新版奖励标准。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct CreateRewardGrid {
    /// The channel it is for; all channels without a grid of their own when left out. 适用渠道；省略时适用于没有专属标准的渠道。
    pub channel: Option<Id<channel::Entity>>,
    /// ISO 4217 code, or POINTS. 货币代码，或 POINTS（积分）。
    pub currency: String,
    /// Ranges, each tier and severity once. 各等级与严重程度的区间，不得重复。
    pub cells: Vec<RewardGridCellInput>,
    /// Sent again with the same input, it answers the first grid. 幂等键；相同输入返回首次结果。
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

/// The range of one severity in one tier. 某资产等级下某严重程度的奖励区间。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct RewardGridCellInput {
    /// Tier of the asset. 资产等级。
    pub asset_tier: AssetTier,
    /// Severity told to the reporter. 严重程度。
    pub severity: Severity,
    /// Least. 下限。
    pub minimum: Decimal,
    /// Most. 上限。
    pub maximum: Decimal,
}

/// Introduces a version of the reward grid.
///
/// # Errors
/// By policy; BAD_USER_INPUT on an unknown currency, an inexact amount, an empty or repeated cell or a range that ends
/// before it begins; a refusal on an unknown channel.
pub async fn create(app: &App, actor: &Actor, input: &CreateRewardGrid) -> Result<reward_grid::Model> {
    require(actor, Action::CreateRewardGrid)?;
    let unit = unit("input.currency", &input.currency)?;
    let ranges = ranges(&input.cells, unit)?;
    let key = input.idempotency_key.as_deref();
    let key = match idempotency::replay(app, actor, Action::CreateRewardGrid, key, input).await? {
        Replay::Done(id) => return store::grid(app, id).await,
        Replay::First(key) => key,
    };
    let channel_id = match input.channel {
        Some(channel) => Some(find_channel(app, "channel", channel.0).await?.id),
        None => None,
    };
    let mut changes = ChangeSet::new(app, actor, Action::CreateRewardGrid);
    let row = reward_grid::Model {
        id: app.ids.next(),
        // Two at once take the same number: the unique key lets one of them try again.
        number: store::newest_grid_number(app).await? + 1,
        channel_id,
        currency: unit.code().to_owned(),
        created_by: actor.subject.to_string(),
        created_at: changes.at(),
    };
    changes.insert(&row);
    for (cell, (minimum, maximum)) in input.cells.iter().zip(ranges) {
        changes.insert(&reward_grid_cell::Model {
            id: app.ids.next(),
            grid_id: row.id,
            asset_tier: cell.asset_tier,
            severity: cell.severity,
            minimum,
            maximum,
        });
    }
    if let Some(key) = &key {
        changes.remember(key, row.id);
    }
    changes.record(app, "reward_grid", row.id);
    app.commit(changes).await?;
    Ok(row)
}

/// The ranges in minor units, in the order of the cells.
fn ranges(cells: &[RewardGridCellInput], unit: Unit) -> Result<Vec<(i64, i64)>> {
    if cells.is_empty() {
        return Err(Error::bad_input("input.cells", "send the range of at least one tier and severity"));
    }
    let mut seen = HashSet::new();
    let amount = |field: &str, amount: &Decimal| {
        Money::parse(&amount.0, unit).map_err(|error| Error::bad_input(field, format!("{error}")))
    };
    let range = |(index, cell): (usize, &RewardGridCellInput)| {
        let minimum = amount(&format!("input.cells.{index}.minimum"), &cell.minimum)?.minor;
        let maximum = amount(&format!("input.cells.{index}.maximum"), &cell.maximum)?.minor;
        if minimum > maximum || maximum == 0 {
            return Err(Error::bad_input(
                format!("input.cells.{index}.maximum"),
                "send a maximum above zero and not below the minimum",
            ));
        }
        if !seen.insert((cell.asset_tier, cell.severity)) {
            let message = format!("send {} and {} once", cell.asset_tier, cell.severity);
            return Err(Error::bad_input(format!("input.cells.{index}"), message));
        }
        Ok((minimum, maximum))
    };
    cells.iter().enumerate().map(range).collect()
}
