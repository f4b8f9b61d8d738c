//! Inbound hooks: what a channel's platform tells us without a token, signed with a secret that we made.
//!
//! `POST /hooks/src/{channel}` takes what the SRC role can do over GraphQL: reports, additions, and what becomes of
//! payouts ([`message`]). A hook acts as that channel's service and as nobody else, by the same commands, so a hook
//! can do nothing that the API would refuse.
//!
//! A hook passes four gates before anything is done: headers that could be a signature ([`rules`], before a byte of
//! the body is read), a bounded body, a signature by a secret in force ([`secrets`]), and the [`inbox`], which knows
//! each sender's hook by its id and holds the answer that the first arrival got. Who fails the first or the third gate
//! gets one and the same answer, whether the channel exists, has secrets, or neither.
//!
//! The inbox is written before the hook is carried out. What a killed process left there is carried out by the
//! [`worker`]; that is safe, since every command is idempotent by its content or by the hook's id.

pub mod graphql;
pub mod http;
pub mod inbox;
pub mod message;
pub mod rules;
pub mod secrets;
pub mod settings;
pub mod store;
pub mod worker;

pub use secrets::{Channel, RemoveHookSecrets, RotateHookSecret, remove, reseal, rotate};
pub use settings::HookSettings;
