//! Vocabularies of the search.

use async_graphql::Enum;
use sea_orm::prelude::StringLen;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

vocabulary! {
    /// What is found. 搜索结果类别。
    SearchKind {
        /// Events, by their number and what analysts wrote of them. 事件（编号及分析员撰写的内容）。
        Event = "EVENT",
        /// Reports, by what arrived. 报告（收到的内容）。
        Report = "REPORT",
        /// Replies, by subject and body. 回复（主题与正文）。
        Reply = "REPLY",
        /// Products. 产品。
        Product = "PRODUCT",
    }

    /// Whose words an entry has. 词条面向的读者。
    SearchSide {
        /// What all who see the thing may read. 所有可见者可读的内容。
        Common = "COMMON",
        /// That, and what only those may read who see it from inside. 另含仅内部可读的内容。
        Inside = "INSIDE",
    }

    /// Where something was found. 命中的字段。
    SearchField {
        /// Number of an event, or a channel's own number of a report. 编号。
        Number = "NUMBER",
        /// Title. 标题。
        Title = "TITLE",
        /// Description. 描述。
        Description = "DESCRIPTION",
        /// Steps to reproduce. 复现步骤。
        Steps = "STEPS",
        /// Text as received. 正文（原文）。
        Text = "TEXT",
        /// What identifies what a report is about. 线索。
        Indicator = "INDICATOR",
        /// Subject line. 主题。
        Subject = "SUBJECT",
        /// Body of a reply. 回复正文。
        Body = "BODY",
        /// Key of a product. 产品标识。
        Key = "KEY",
        /// Name of a product. 产品名称。
        Name = "NAME",
        /// Product line. 产品线。
        Line = "LINE",
        /// Team that owns a product. 责任团队。
        OwnerTeam = "OWNER_TEAM",
        /// Legal entity that provides a product. 提供者主体。
        Provider = "PROVIDER",
        /// Who uses a product. 客户覆盖情况。
        CustomerCoverage = "CUSTOMER_COVERAGE",
        /// What replaces a product. 替代产品。
        Successor = "SUCCESSOR",
    }
}
