//! Inbound hooks: what a channel's platform or a tracker tells us without a token, proven with a secret that we made.
//!
//! `POST /hooks/src/{channel}` takes what the SRC role can do over GraphQL: reports, additions, and what becomes of
//! payouts ([`message`]). A hook acts as that channel's service and as nobody else, by the same commands, so a hook
//! can do nothing that the API would refuse. `POST /hooks/tickets/{tracker}` takes which ticket to look at, and nothing
//! else of what it says.
//!
//! A hook passes four gates before anything is done: headers that could be a signature ([`rules`], before a byte of
//! a platform's body is read), a bounded body, a [`proof`] by a secret in force ([`secrets`]), and the [`inbox`], which
//! knows each sender's hook by its id and holds the answer that the first arrival got. Who fails the first or the third
//! gate gets one and the same answer, whether the sender exists, has secrets, or neither.
//!
//! The inbox is written before the hook is carried out. What a killed process left there is carried out by the
//! [`worker`]; that is safe, since every command is idempotent by its content or by the hook's id.

pub mod graphql;
pub mod http;
pub mod inbox;
pub mod message;
pub mod proof;
pub mod rules;
pub mod secrets;
pub mod settings;
pub mod source;
pub mod store;
pub mod worker;

pub use secrets::{
    RemoveHookSecrets, RemoveTrackerHookSecrets, RotateHookSecret, RotateTrackerHookSecret, Rotated, remove,
    remove_of_tracker, reseal, rotate, rotate_of_tracker,
};
pub use settings::HookSettings;
