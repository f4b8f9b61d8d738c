//! Vocabulary of configuration.

use async_graphql::Enum;
use sea_orm::prelude::StringLen;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

vocabulary! {
    /// What an installation is set up with. 配置类型。
    ConfigurationKind {
        /// A channel, its accounts or its ways. 渠道。
        Channel = "CHANNEL",
        /// A product or its customers. 产品。
        Product = "PRODUCT",
        /// A customer. 客户。
        Customer = "CUSTOMER",
        /// A duty. 值班。
        Duty = "DUTY",
        /// Who may act. 主体。
        Principal = "PRINCIPAL",
        /// A template of replies. 回复模板。
        ReplyTemplate = "REPLY_TEMPLATE",
        /// A tracker. 工单系统。
        Tracker = "TRACKER",
        /// A version of the rating policy. 定级策略。
        RatingPolicy = "RATING_POLICY",
        /// A version of the deadline policy. 期限策略。
        DeadlinePolicy = "DEADLINE_POLICY",
        /// A version of the reward grid. 奖励标准。
        RewardGrid = "REWARD_GRID",
    }
}
