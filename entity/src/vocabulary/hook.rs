//! Vocabularies of inbound hooks.

use async_graphql::Enum;
use sea_orm::prelude::StringLen;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

vocabulary! {
    /// Whose hooks wait in the inbox. 入站回调的来源类型。
    HookSourceKind {
        /// The platform of a channel. 渠道平台。
        Channel = "CHANNEL",
        /// A ticketing system. 工单系统。
        Tracker = "TRACKER",
    }

    /// Where a received hook stands. 入站回调的处理状态。
    HookState {
        /// Taken down, not carried out yet. 已登记，待处理。
        Pending = "PENDING",
        /// Carried out. 已处理。
        Done = "DONE",
        /// Refused; nothing of it was done. 已拒绝，未产生任何变更。
        Refused = "REFUSED",
    }
}
