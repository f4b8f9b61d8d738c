//! The API: how the slices' types, queries and mutations become one schema.

pub mod ahead;
pub mod answer;
mod cells;
pub mod errors;
pub mod guard;
pub mod loaders;
pub mod node;
pub mod page;
pub mod places;
pub mod scalars;
pub mod schema;
pub mod sensitive;

use std::sync::Arc;

use async_graphql::Context;

use crate::app::App;
use crate::auth::Actor;

pub use schema::{Schema, schema, sdl};

/// The running product, of the request.
pub fn app<'a>(ctx: &Context<'a>) -> &'a Arc<App> {
    ctx.data_unchecked::<Arc<App>>()
}

/// Who is calling.
pub fn actor<'a>(ctx: &Context<'a>) -> &'a Actor {
    ctx.data_unchecked::<Actor>()
}
