//! Who acts: from a bearer token to an [`Identity`].
//!
//! People and services come with a JWT of one issuer. In production that is the company's OpenID Connect
//! provider: `jwks` finds and keeps its public `keys`, over the URLs that `issuer_url` allows. In development it
//! is a shared `secret`, with which `mint` makes tokens. The [`settings`](AuthSettings) name exactly one of the
//! two. The `jwt` module verifies, `claims` turns what was verified into an identity, and a [`TokenError`] says
//! what a refused caller may know.
//!
//! Four choices carry the weight:
//!
//! - The key decides the algorithm. A token's `alg` is compared with the key's one algorithm and chooses
//!   nothing; a public key can therefore never serve as an HMAC secret. Nothing in a header brings a key or the
//!   place of one; `kid` is looked up in a list and used for nothing else.
//! - A token is read strictly and refused as a whole. Names stand once (`unique_json`), required claims are
//!   there and have their types, critical extensions are unknown by definition. Leaving out the doubtful part
//!   would let two readers see two different tokens.
//! - Time is a parameter: `exp` and `nbf` are checked against the caller's instant, never the library's clock.
//! - An issuer that is down does not take the service with it: kept keys serve up to a stated limit, and a
//!   token that cannot be checked is answered with "unavailable", not "invalid".
//!
//! A token lists the issuer's role names. Unknown ones are ignored beside a known one, since a provider serves
//! other applications too; without a known one there is nothing to allow. A service's role beside a person's is
//! refused: rights are the union of roles, and four-eyes rules go by people.
//!
//! What an [`Actor`] may do stands in one table, [`policy`]; what it may see in one function, [`visibility`].

mod actor;
mod claim_path;
mod claims;
mod issuer_url;
mod jwks;
mod jwt;
mod keys;
mod mint;
pub mod policy;
mod role;
mod secret;
mod settings;
#[cfg(test)]
mod test_keys;
mod token_error;
mod unique_json;
pub mod visibility;

pub use actor::{Actor, Origin};
pub use claim_path::{ClaimPath, EmptyClaimName};
pub use claims::{Identity, operator_subject};
pub use issuer_url::UrlRefusal;
pub use jwt::{MAX_TOKEN_BYTES, Verifier};
pub use mint::{MintRequest, mint};
pub use role::{Role, UnknownRole};
pub use secret::{DevelopmentSecret, SecretError};
pub use settings::{AuthSettings, AuthSettingsError, DEVELOPMENT_ISSUER};
pub use token_error::TokenError;
