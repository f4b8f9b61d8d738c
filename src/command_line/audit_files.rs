//! `vulndesk audit`: checking the trail, and what of it leaves.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app::App;
use crate::audit::anchor::{self, Kept};
use crate::audit::signing::{self, PublicKey, SigningKey};
use crate::audit::{offline, trail, verify};
use crate::auth::{Actor, Role};
use crate::clock::{Ids, SystemClock};
use crate::config::Settings;
use crate::error::Error;
use crate::event;
use crate::graphql::ahead::{Ahead, Plan};
use anyhow::{Context, bail};

use super::cli::TrailArgs;
use super::say;

/// Checks the whole trail, and holds its chain against anchors where there are any.
pub(crate) async fn verify(app: &App, anchors: &[PathBuf]) -> anyhow::Result<()> {
    // Read first: what is anchored meanwhile may lie beyond what is checked.
    let kept = if anchors.is_empty() { None } else { Some(Kept::read(anchors)?) };
    let report = verify::verify(app).await.map_err(Error::told)?;
    say(&format!("{report}\n"))?;
    let mut is_sound = report.is_sound();
    if let Some(kept) = kept {
        let report = anchor::check(app, &kept).await.map_err(Error::told)?;
        say(&format!("{report}\n"))?;
        is_sound &= report.findings.count == 0;
    }
    if is_sound { Ok(()) } else { bail!("the audit trail does not hold") }
}

/// Writes the trail, or a part of it, signed.
pub(crate) async fn export(app: &App, settings: &Settings, args: &TrailArgs) -> anyhow::Result<()> {
    let key = signing_key(settings)?;
    let operator = Actor::operator(&args.subject, [Role::Auditor]);
    let event = match &args.event {
        None => None,
        Some(number) => {
            let found =
                event::store::by_number(app, &operator, number, &Plan::whole(), &Ahead::default()).await;
            Some(found.map_err(Error::told)?.with_context(|| format!("there is no event {number}"))?)
        }
    };
    let selection = trail::Selection { event, from: args.from, until: args.until };
    let manifest = trail::export(app, &operator, &selection, &key, &args.file).await?;
    say(&format!(
        "{} entries in {}, signed; {} wait for their seal and are not in it\n",
        manifest.entries,
        args.file.display(),
        manifest.waiting
    ))
}

/// Checks an export from its files alone.
pub(crate) fn check(file: &Path, key: &Path, anchors: &[PathBuf]) -> anyhow::Result<()> {
    let report = offline::check(file, &PublicKey::read(key)?, &Kept::read(anchors)?)?;
    say(&format!("{report}\n"))?;
    if report.findings.count == 0 { Ok(()) } else { bail!("the export does not hold") }
}

/// Makes a key to sign with, and prints its public half.
pub(crate) fn make_key(file: &Path) -> anyhow::Result<()> {
    let key = signing::make(file, &Ids::new(Arc::new(SystemClock)))?;
    say(&key.public().pem())
}

/// Prints the public half of the key that exports are signed with.
pub(crate) fn public_key(settings: &Settings) -> anyhow::Result<()> {
    say(&signing_key(settings)?.public().pem())
}

fn signing_key(settings: &Settings) -> anyhow::Result<SigningKey> {
    let file = settings.audit.secret_file.as_deref();
    let file = file.context(
        "exports are signed: make a key with `vulndesk audit make-key FILE` and name it in audit.secret_file",
    )?;
    SigningKey::read(file).context("audit.secret_file")
}
