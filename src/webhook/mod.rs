//! Outbound webhooks: what happens is told to programs outside, under a grant.
//!
//! An *endpoint* is a receiver: where deliveries go, what it subscribes to, what it filters, who is told of trouble.
//! It holds a *grant*: a role with its scope, a TLP ceiling, and whether it is abroad. An ADMIN proposes it, a LEADER
//! confirms it, and any change that would send more or elsewhere has to be confirmed anew ([`rules`]). Its secrets
//! are sealed at rest ([`sealed`]) and shown once.
//!
//! A *message* is what a change tells (`outbox::message` is the catalogue). A *delivery* is a message on its way to
//! one endpoint; an [`attempt`] is one try of it. What a delivery says is put together when it is sent ([`payload`]):
//! the grant is turned into an actor like any other, and what this actor may not see at that moment does not leave,
//! not even as a thin delivery.
//!
//! On its way a message passes [`fan_out`] (with the write that gives it its position), the [`queue`] and the
//! [`worker`], which claims, sends ([`sign`], [`preset`]) and settles by the [`schedule`].
//!
//! Who configures endpoints may not see events. So an ADMIN sees only deliveries that left; what waits or was
//! withheld, and why, is for LEADER and AUDITOR.

pub mod attempt;
pub mod document;
pub mod fan_out;
pub mod graphql;
pub mod payload;
pub mod preset;
pub mod queue;
pub mod rules;
pub mod schedule;
pub mod sealed;
pub mod sign;
pub mod store;
pub mod worker;

mod deliver;
mod deliveries;
mod endpoint;
mod grant;
mod receiver;
mod settler;
mod trouble;
mod turn;
mod upkeep;

pub use deliver::message_id;
pub use deliveries::{ReplayDeliveries, ReplayDelivery, Replayed, replay, replay_since};
pub use endpoint::{
    CreateWebhookEndpoint, UpdateWebhookEndpoint, WebhookGrantInput, WebhookHeaderInput, create, update,
};
pub use grant::{ConfirmWebhookGrant, RevokeWebhookGrant, confirm, revoke};
pub use upkeep::{
    DeleteWebhookEndpoint, PauseWebhookEndpoint, ResumeWebhookEndpoint, RotateWebhookSecret,
    TestWebhookEndpoint, delete, pause, resume, rotate_secret, test,
};

use entity::webhook_endpoint;
use secrecy::SecretString;

use crate::app::App;
use crate::outbox::{ChangeSet, Opaque, message};

/// Longest name, owner or reason, in characters.
const SHORT: usize = 200;

/// An endpoint, with its secret where one was just made: the only time that it is shown.
#[derive(Debug)]
pub struct Endpoint {
    /// The endpoint as it now is.
    pub row: webhook_endpoint::Model,
    /// The secret just made.
    pub secret: Option<SecretString>,
}

/// Tells how an endpoint and its grant stand.
fn tell(app: &App, changes: &mut ChangeSet, row: &webhook_endpoint::Model) {
    let told = message::WebhookEndpointChanged {
        endpoint: Opaque::new(row.id),
        state: row.state,
        grant: row.grant_state,
        deleted: row.deleted_at.is_some(),
    };
    changes.message(app, None, &told);
}
