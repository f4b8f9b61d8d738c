//! `vulndesk deadlines`: the deadline policy as a file.

use std::path::Path;

use crate::app::App;
use crate::auth::{Actor, Role};
use crate::deadline::{self, create_policy, from_toml, to_toml};
use crate::error::Error;
use anyhow::Context;

use super::say;

/// Writes the policy in force to a file.
pub(crate) async fn export(app: &App, file: &Path) -> anyhow::Result<()> {
    let row = deadline::store::policy_row(app).await.map_err(Error::told)?;
    let row = row.context("there is no deadline policy: run `vulndesk migrate`")?;
    let policy = deadline::store::policy_of(&row).map_err(Error::told)?;
    std::fs::write(file, to_toml(&policy)?).with_context(|| format!("{}", file.display()))?;
    say(&format!("{}: deadline policy {}, {} rules\n", file.display(), row.number, policy.rules.len()))
}

/// Introduces the policy of a file.
pub(crate) async fn import(app: &App, file: &Path, subject: &str) -> anyhow::Result<()> {
    let place = || format!("{}", file.display());
    let text = std::fs::read_to_string(file).with_context(place)?;
    let input = from_toml(&text).with_context(place)?;
    let actor = Actor::operator(subject, [Role::Admin]);
    let row = create_policy(app, &actor, &input).await.map_err(Error::told).with_context(place)?;
    say(&format!(
        "{}: deadline policy {} is in force; what is open is counted anew by it\n",
        place(),
        row.number
    ))
}
