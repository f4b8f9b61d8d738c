//! Vocabularies of outbound webhooks.

use async_graphql::Enum;
use sea_orm::prelude::StringLen;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

vocabulary! {
    /// How a receiver wants to be spoken to. Webhook 接收方类型。
    WebhookPreset {
        /// Standard Webhooks 1.0: JSON, signed. 标准 Webhook（Standard Webhooks 1.0，带签名）。
        Standard = "STANDARD",
        /// A bot of Feishu. 飞书机器人。
        Feishu = "FEISHU",
        /// A bot of DingTalk. 钉钉机器人。
        DingTalk = "DINGTALK",
        /// A bot of WeCom. 企业微信机器人。
        WeCom = "WECOM",
        /// An incoming webhook of Slack. Slack 入站 Webhook。
        Slack = "SLACK",
    }

    /// How much a delivery says. 推送内容的详略。
    WebhookPayload {
        /// Type, time, sequence, ids and states. 仅类型、时间、序号、标识与状态。
        Thin = "THIN",
        /// The event as the grant may read it besides. 另附授权范围内的事件内容。
        Full = "FULL",
    }

    /// In which order deliveries leave. 推送顺序。
    DeliveryOrder {
        /// Each as soon as it can; the sequence tells the order. 不保序，接收方按序号排列。
        Any = "ANY",
        /// Of one event, each after the one before it. 同一事件内严格按序。
        PerEvent = "PER_EVENT",
    }

    /// Whether an endpoint is delivered to. 端点状态。
    EndpointState {
        /// Deliveries leave. 启用。
        Active = "ACTIVE",
        /// Paused by a person; what happens meanwhile waits. 已由人工暂停，期间的消息排队等待。
        Paused = "PAUSED",
        /// Stopped because the receiver kept failing or said that it is gone. 因接收方持续失败或已下线而停用。
        Disabled = "DISABLED",
    }

    /// Where the grant stands under which an endpoint receives. 端点授权状态。
    GrantState {
        /// Proposed, nothing is sent. 已提出，尚不推送。
        Proposed = "PROPOSED",
        /// Confirmed by a leader. 领导小组已确认。
        Confirmed = "CONFIRMED",
        /// Taken away, nothing is sent. 已撤销，不再推送。
        Revoked = "REVOKED",
    }

    /// Where a delivery stands. 推送状态。
    DeliveryState {
        /// Waiting for its time or being tried. 待推送。
        Pending = "PENDING",
        /// Taken by the receiver. 已送达。
        Delivered = "DELIVERED",
        /// Given up after the last try. 重试耗尽，已放弃。
        Dead = "DEAD",
        /// May not leave, or its endpoint is gone. 不得外发，或端点已删除。
        Cancelled = "CANCELLED",
    }
}
