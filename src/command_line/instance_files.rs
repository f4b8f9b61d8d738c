//! `vulndesk export` and `vulndesk restore`: the whole instance as a folder.

use std::path::Path;

use crate::app::App;
use crate::audit::verify::verify;
use crate::config::Settings;
use crate::error::Error;
use crate::schedule::{Swept, carry_out_all};
use crate::{instance, migrate, search};
use anyhow::{Context, bail};

use super::{command_line_app, connected, files_of, say};

/// Writes the instance to a folder.
pub(crate) async fn export(app: &App, to: &Path) -> anyhow::Result<()> {
    let done = instance::export(app, to).await?;
    tracing::warn!(
        "{} holds everything, personal data and what is under embargo too: keep it as you keep the database",
        to.display()
    );
    say(&format!(
        "{} rows of {} tables and {} attached files in {}\n",
        done.rows,
        done.tables,
        done.files,
        to.display()
    ))
}

/// Makes the instance of an export, then has all of it found again and checks its audit trail.
pub(crate) async fn restore(settings: &Settings, folder: &Path) -> anyhow::Result<()> {
    let keys = settings.secrets.read()?;
    // Nothing is made of what is no export.
    instance::Manifest::read(folder)?;
    let database = connected(settings).await?;
    migrate::schema(&database).await?;
    let done = instance::restore(&database, &keys, folder, |numbers| files_of(settings, numbers)).await?;
    say(&format!(
        "{} rows of {} tables and {} attached files, each read back and the same\n",
        done.rows, done.tables, done.files
    ))?;
    let app = command_line_app(settings).await?;
    let mut swept = Swept::default();
    let found = carry_out_all::<search::Unfound>(&app, &mut swept).await;
    found.map_err(Error::told).context("the search's index")?;
    if swept.failed > 0 {
        tracing::warn!(swept.failed, "the server makes the rest of the search's index");
    }
    let report = verify(&app).await.map_err(Error::told)?;
    say(&format!("{report}\n"))?;
    if report.is_sound() {
        return Ok(());
    }
    bail!(
        "all is restored as it was, and its audit trail does not hold: look at the instance that it comes from"
    )
}
