//! `vulndesk advisory`: an event's advisory as a file.

use std::path::Path;

use crate::advisory;
use crate::app::App;
use crate::auth::{Actor, Role};
use crate::error::Error;
use crate::graphql::sensitive::SensitiveReads;
use anyhow::{Context, bail};

use super::cli::AdvisoryArgs;
use super::{say, write_private};

/// Writes the advisory. What is read of an event under embargo or TLP:RED is recorded before anything is written.
pub(crate) async fn write(app: &App, args: &AdvisoryArgs) -> anyhow::Result<()> {
    let operator = Actor::operator(&args.subject, [Role::Analyst, Role::Leader]);
    let exported = advisory::export(app, &operator, &args.number, args.format, args.language).await;
    let exported = exported.map_err(Error::told)?;
    let exported = exported.with_context(|| format!("there is no event {}", args.number))?;
    let reads = SensitiveReads::new(app.clock.now());
    reads.note(&exported.event);
    reads.record(app, &operator).await.map_err(Error::told)?;
    let document = match exported.document {
        Ok(document) => document,
        Err(refusals) => {
            let words: Vec<String> = refusals.into_iter().map(|refusal| refusal.message).collect();
            bail!("{}", words.join("\n  "))
        }
    };
    match args.output.as_deref() {
        Some(file) if file == Path::new("-") => say(&document.text),
        Some(file) => write_private(file, document.text.as_bytes()),
        None => {
            write_private(Path::new(&document.file_name), document.text.as_bytes())?;
            say(&format!("{}\n", document.file_name))
        }
    }
}
