//! Vocabularies of tickets and the systems that keep them.

use async_graphql::Enum;
use sea_orm::prelude::StringLen;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

vocabulary! {
    /// Which ticketing system a tracker is. 工单系统类型。
    TrackerPreset {
        /// Jira Cloud, REST API v3. Jira 云版。
        JiraCloud = "JIRA_CLOUD",
        /// Jira Data Center, REST API v2. Jira 数据中心版。
        JiraDataCenter = "JIRA_DATA_CENTER",
        /// ServiceNow. ServiceNow 工单系统。
        ServiceNow = "SERVICENOW",
        /// GitLab issues. GitLab 议题。
        Gitlab = "GITLAB",
        /// GitHub issues. GitHub 议题。
        Github = "GITHUB",
        /// Redmine. Redmine 工单系统。
        Redmine = "REDMINE",
        /// Request Tracker 5. RT 工单系统。
        RequestTracker = "REQUEST_TRACKER",
        /// ZenTao bugs. 禅道缺陷。
        Zentao = "ZENTAO",
        /// Another one, described by a profile. 由配置文件描述的其他系统。
        Custom = "CUSTOM",
    }

    /// Whether a tracker is spoken to. 工单系统状态。
    TrackerState {
        /// Tickets are kept in step. 启用。
        Active = "ACTIVE",
        /// Nothing is sent or read; what happens meanwhile is caught up with. 已暂停，恢复后补齐。
        Paused = "PAUSED",
    }

    /// Where a ticket stands. 工单状态。
    TicketState {
        /// To be made in the tracker. 待创建。
        Pending = "PENDING",
        /// There, and kept in step. 已关联并保持同步。
        Linked = "LINKED",
        /// May not be sent to this tracker now. 当前不得发送至该系统。
        Withheld = "WITHHELD",
        /// The tracker refused; a person has to look. 被工单系统拒绝，须人工处理。
        Refused = "REFUSED",
        /// Given up after the last attempt; a person has to look. 重试耗尽，须人工处理。
        Failed = "FAILED",
        /// No longer kept in step. 已解除关联。
        Unlinked = "UNLINKED",
    }

    /// What became of what a tracker said last. 对工单系统最近一次变更的处理结果。
    TicketProposal {
        /// The rules accepted it. 已接受。
        Accepted = "ACCEPTED",
        /// The rules refused it; nothing changed. 已拒绝，未作变更。
        Refused = "REFUSED",
        /// Its status proposes nothing; nothing changed. 该状态不构成提议，未作变更。
        Unknown = "UNKNOWN",
    }
}
