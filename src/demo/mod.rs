//! Demo data: a fictional company whose team has handled some fifty events.
//!
//! Everything is done through the API's own mutations, by the people whose roles allow it, while a set clock
//! goes through four months: so the demo shows nothing that the product would not let its users do, and
//! loading it is the broadest test of the procedure.

mod caller;
mod company;
mod events;
mod payouts;

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use entity::{audit_entry, customer};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::Value;

use crate::app::App;
use crate::auth::{AuthSettings, DevelopmentSecret, MintRequest, Role, mint};
use crate::clock::SetClock;
use crate::database::Database;
use crate::error::Error;
use crate::graphql::Schema;

/// How long before `until` the demo begins.
const SPAN: Duration = Duration::days(120);

/// Loads the demo data so that it ends at `until`. `clock` is the one that `app` reads.
///
/// # Errors
/// When a step is refused: then the demo and the procedure contradict each other.
pub async fn load(
    app: &Arc<App>,
    schema: &Schema,
    clock: &SetClock,
    until: DateTime<Utc>,
) -> anyhow::Result<()> {
    clock.set(until - SPAN);
    let caller = caller::Caller::new(app, schema).await?;
    let company = company::found(&caller).await?;
    payouts::fund(&caller, [until - SPAN, until]).await?;
    events::handle(&caller, &company, clock, until).await?;
    clock.set(until);
    // What became due by itself while the clock went on.
    crate::schedule::sweep(app).await.map_err(Error::told)?;
    company::close(&caller).await
}

/// How much of the demo a database holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loaded {
    /// Nothing at all.
    Nothing,
    /// A part, since loading was broken off, or something else than the demo.
    InPart,
    /// All of it.
    Whole,
}

/// How much of the demo the database holds.
///
/// # Errors
/// Of the database.
pub async fn loaded(database: &Database) -> anyhow::Result<Loaded> {
    // What is there from the first start has no entry.
    if audit_entry::Entity::find().one(database.reader()).await?.is_none() {
        return Ok(Loaded::Nothing);
    }
    let last = customer::Entity::find().filter(customer::Column::Key.eq(company::LAST_CUSTOMER));
    let last = last.one(database.reader()).await?;
    Ok(if last.is_some() { Loaded::Whole } else { Loaded::InPart })
}

/// A token for each role, as `{role: token}`: people are named by function, the services serve the demo's SRC.
///
/// # Errors
/// When the secret or the claims are refused.
pub fn tokens(
    secret: &DevelopmentSecret,
    settings: &AuthSettings,
    now: DateTime<Utc>,
) -> anyhow::Result<Value> {
    let mut tokens = serde_json::Map::new();
    for role in Role::ALL {
        let request = MintRequest {
            subject: format!("{}-1", role.name().to_lowercase().replace('_', "-")),
            roles: vec![role],
            products: if role == Role::Engineer {
                vec![company::PRODUCTS[0].key.to_owned()]
            } else {
                Vec::new()
            },
            teams: Vec::new(),
            channel: (role == Role::Src).then(|| "src".to_owned()),
            email: None,
            now,
            lifetime: Duration::days(7),
        };
        tokens.insert(role.name().to_owned(), mint(secret, settings, &request)?.into());
    }
    Ok(tokens.into())
}
