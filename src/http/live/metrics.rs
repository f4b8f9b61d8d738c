//! Numbers of open connections.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge};

use crate::http::metrics::Metrics;

/// How a client is connected.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Transport {
    transport: &'static str,
}

/// Over a WebSocket.
pub(super) const WEBSOCKET: Transport = Transport { transport: "websocket" };
/// Over server-sent events.
pub(super) const SSE: Transport = Transport { transport: "sse" };

/// What is counted.
#[derive(Debug, Clone, Default)]
pub(super) struct LiveMetrics {
    connections: Family<Transport, Gauge>,
    subscriptions: Gauge,
    told: Counter,
    fell_behind: Counter,
}

impl LiveMetrics {
    pub(super) fn registered(metrics: &Metrics) -> Self {
        let own = Self::default();
        metrics.register(|registry| {
            registry.register("live_connections", "Open connections by transport", own.connections.clone());
            registry.register("live_subscriptions", "Subscriptions that are open", own.subscriptions.clone());
            registry.register("live_messages", "Messages that subscribers were told", own.told.clone());
            let what = "Subscribers that fell too far behind and were closed";
            registry.register("live_fell_behind", what, own.fell_behind.clone());
        });
        own
    }

    pub(super) fn connected(&self, transport: &Transport) -> Counted {
        Counted::new(self.connections.get_or_create(transport).clone())
    }

    pub(super) fn subscribed(&self) -> Counted {
        Counted::new(self.subscriptions.clone())
    }

    pub(super) fn told(&self) {
        self.told.inc();
    }

    pub(super) fn fell_behind(&self) {
        self.fell_behind.inc();
    }
}

/// Counted until it is dropped.
pub(super) struct Counted(Gauge);

impl Counted {
    fn new(gauge: Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
