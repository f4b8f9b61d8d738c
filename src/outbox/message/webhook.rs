//! Messages about webhook endpoints.

use entity::vocabulary::{EndpointState, GrantState};

use super::CONFIGURATION;
use crate::outbox::field::Opaque;

messages! {
    /// A webhook endpoint or its grant changed: a proposed grant waits for a LEADER.
    /// Webhook 端点或其授权变更；待确认的授权须由领导小组处理。
    WebhookEndpointChanged "webhook.endpoint_changed" [CONFIGURATION] {
        /// The endpoint. 端点。
        endpoint: Opaque<entity::webhook_endpoint::Entity>,
        /// Whether it is delivered to. 端点状态。
        state: EndpointState,
        /// Where its grant stands. 授权状态。
        grant: GrantState,
        /// Whether it was deleted. 是否已删除。
        deleted: bool,
    }
    /// Deliveries to a webhook endpoint were given up after their last attempt: its owner has to look after it.
    /// 端点的部分推送在重试耗尽后已放弃，须由负责人处理。
    WebhookEndpointFailing "webhook.endpoint_failing" [CONFIGURATION] {
        /// The endpoint. 端点。
        endpoint: Opaque<entity::webhook_endpoint::Entity>,
        /// How many were given up now. 本次放弃的数量。
        given_up: i32,
    }
    /// Somebody tests this endpoint; sent to it alone, whatever its role. 端点测试消息，仅发送至该端点，与其角色无关。
    WebhookTest "webhook.test" [CONFIGURATION] {
        /// The endpoint. 端点。
        endpoint: Opaque<entity::webhook_endpoint::Entity>,
    }
}
