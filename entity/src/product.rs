//! A product or service of the company.

use sea_orm::entity::prelude::*;
use serde::Deserialize;

use crate::instant;
use crate::texts::Texts;
use crate::vocabulary::{AssetTier, Lifecycle, ProductKind, RmsvLibrary};

/// A product or service of the company.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "product")]
pub struct Model {
    /// Identifies the product.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Stable short name, as tokens name it in their scope.
    pub key: String,
    /// Name shown to people.
    pub name: String,
    /// Product line: what is remediated and assigned as one.
    pub line: String,
    /// Team that owns it.
    pub owner_team: String,
    /// Legal entity that provides it.
    pub provider_entity: String,
    /// Product or own service.
    pub kind: ProductKind,
    /// Default factor, in tenths 0 to 100.
    pub importance: i32,
    /// Default factor, in tenths 0 to 100.
    pub reach: i32,
    /// Who uses it, in words.
    pub customer_coverage: String,
    /// Tier of the reward grid.
    pub asset_tier: AssetTier,
    /// Where it stands in its life.
    pub lifecycle: Lifecycle,
    /// Notice that announced its end.
    pub end_of_life_notice: Option<String>,
    /// Last version that was supported.
    pub last_supported_version: Option<String>,
    /// What replaces it.
    pub successor: Option<String>,
    /// Library of the MIIT platform, when RMSV applies.
    pub rmsv_library: Option<RmsvLibrary>,
    /// Whether the EU Cyber Resilience Act applies.
    pub cra_in_scope: bool,
    /// Member states where it is available.
    pub cra_member_states: Texts,
    /// Last day of its support period.
    pub cra_support_until: Option<Date>,
    /// Used by operators of critical information infrastructure.
    pub critical_infrastructure: bool,
    /// Run by or for a central organ of the state.
    pub central_organ: bool,
    /// The last of its open events that was planned anew after it changed; none when all were.
    pub replan_after: Option<Uuid>,
    /// Counts changes that a caller has to have seen.
    pub version: i32,
    /// Counts every change; guards each write.
    pub revision: i64,
    /// Digest of the newest audit entry.
    pub audit_head: Vec<u8>,
    /// When it was recorded.
    #[serde(deserialize_with = "instant::read")]
    pub created_at: DateTimeUtc,
    /// When it last changed.
    #[serde(deserialize_with = "instant::read")]
    pub changed_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

crate::aggregate!("product");
