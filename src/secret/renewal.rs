//! Another key: all that is sealed is sealed anew with the first one.

use std::fmt;

use crate::app::App;
use crate::auth::Actor;
use crate::error::Result;
use crate::{hook, reply, ticket, webhook};

/// How many things had secrets under an older key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Renewed {
    /// Webhook endpoints.
    pub endpoints: usize,
    /// Channels and trackers that send hooks.
    pub senders: usize,
    /// Trackers that let us in.
    pub trackers: usize,
    /// Ways on which replies reach a channel's platform.
    pub routes: usize,
}

impl fmt::Display for Renewed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoints, senders, trackers, routes } = self;
        write!(
            f,
            "{endpoints} endpoints, {senders} senders of hooks, {trackers} trackers and {routes} reply routes had secrets under an older key"
        )
    }
}

/// Seals everything with the first key. Safe to stop and to run again: what that key sealed is left alone.
///
/// # Errors
/// By policy; when there is no key or one is missing that sealed something; of the database.
pub async fn renew(app: &App, actor: &Actor) -> Result<Renewed> {
    Ok(Renewed {
        endpoints: webhook::sealed::reseal(app, actor).await?,
        senders: hook::reseal(app, actor).await?,
        trackers: ticket::tracker::reseal(app, actor).await?,
        routes: reply::reseal(app, actor).await?,
    })
}
