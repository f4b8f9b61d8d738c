//! Names to addresses, with the policy between.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::Policy;

/// The machine's own resolution of names.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The connector puts the URL's port in.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?.collect::<Vec<_>>();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Resolves through `inner` and lets an answer through only when all of it may be asked. The connector then uses
/// these addresses: the name is not asked again between the check and the connection.
pub(super) struct GuardedResolver {
    pub(super) inner: Arc<dyn Resolve>,
    pub(super) policy: Arc<Policy>,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (found, policy) = (self.inner.resolve(name), Arc::clone(&self.policy));
        Box::pin(async move {
            let found: Vec<SocketAddr> = found.await?.collect();
            let addresses: Vec<_> = found.iter().map(SocketAddr::ip).collect();
            if let Err(refusal) = policy.check_addresses(&addresses) {
                tracing::warn!(?addresses, %refusal, "a name outside leads inside");
                return Err(refusal.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
