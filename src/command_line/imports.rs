//! `vulndesk import`: files in, a progress bar and a summary out.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app::App;
use crate::auth::{Actor, Role};
use crate::error::Error;
use crate::intake::import::decode::encoding_named;
use crate::intake::import::mapping::Mapping;
use crate::intake::import::{CnvdReader, FileError, Item, TableFormat, TableReader};
use crate::intake::importer::{ChannelSpec, ImportOptions, Remarks, Summary, import};
use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};

use super::cli::{CsvArgs, ImportArgs, ImportFormat};
use super::say;

/// Imports every file, prints each one's summary, and fails when one could not be read to its end.
pub(crate) async fn run(app: &Arc<App>, args: &ImportArgs) -> anyhow::Result<()> {
    let mut stopped = 0;
    match &args.format {
        ImportFormat::Cnvd { files } => {
            for file in files {
                let (bar, reader) = open(file)?;
                stopped += one(app, args, file, &ChannelSpec::cnvd(), CnvdReader::new(reader), &bar).await?;
            }
        }
        ImportFormat::Csv(table) => {
            let (format, mapping) = shape(table)?;
            let spec = match ChannelSpec::platform(&table.channel, &table.jurisdiction, table.abroad) {
                Err(Error::BadInput { message, .. }) => bail!("--jurisdiction: {message}"),
                other => other.map_err(Error::told)?,
            };
            for file in &table.files {
                let (bar, reader) = open(file)?;
                let records = TableReader::new(reader, format.clone(), &mapping)
                    .map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))?;
                stopped += one(app, args, file, &spec, records, &bar).await?;
            }
        }
    }
    if stopped > 0 {
        bail!("{stopped} of the files could not be read to the end; what was read before stands");
    }
    Ok(())
}

fn shape(table: &CsvArgs) -> anyhow::Result<(TableFormat, Mapping)> {
    let mapping = Mapping::from_arguments(&table.map).map_err(|error| anyhow::anyhow!("--map: {error}"))?;
    let mut format = TableFormat::default().with_delimiter(&table.delimiter)?;
    format.encoding =
        encoding_named(&table.encoding).map_err(|error| anyhow::anyhow!("--encoding: {error}"))?;
    format.currency.clone_from(&table.currency);
    Ok((format, mapping))
}

/// A bar over the file's bytes, hidden when nobody watches, and the file behind it.
fn open(file: &PathBuf) -> anyhow::Result<(ProgressBar, BufReader<Box<dyn Read + Send>>)> {
    let opened = File::open(file).with_context(|| format!("{}", file.display()))?;
    let bar = ProgressBar::new(opened.metadata().map(|data| data.len()).unwrap_or(0));
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {msg}") {
        bar.set_style(style);
    }
    let reader: Box<dyn Read + Send> = Box::new(bar.wrap_read(opened));
    Ok((bar, BufReader::new(reader)))
}

/// Imports one file; answers 1 when it could not be read to its end.
async fn one(
    app: &App,
    args: &ImportArgs,
    file: &Path,
    spec: &ChannelSpec,
    records: impl Iterator<Item = Result<Item, FileError>>,
    bar: &ProgressBar,
) -> anyhow::Result<usize> {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let options = ImportOptions { as_notices: args.as_notices, dry_run: args.dry_run, file_name: name };
    let actor = Actor::operator(&args.subject, [Role::Analyst]);
    let progress = |summary: &Summary| bar.set_message(format!("{} received", summary.received));
    let outcome = import(app, &actor, spec, records, &options, progress).await;
    bar.finish_and_clear();
    let summary = outcome.map_err(Error::told).with_context(|| file.display().to_string())?;
    let dry = if args.dry_run { " (dry run, nothing written)" } else { "" };
    say(&format!(
        "{}: {} received, {} already known, {} updated, {} opened, {} refused{dry}\n",
        file.display(),
        summary.received,
        summary.already_known,
        summary.updated,
        summary.opened,
        summary.refused.count
    ))?;
    list("refused", &summary.refused)?;
    list("note", &summary.notes)?;
    match summary.stopped {
        Some(error) => say(&format!("  stopped: {error}\n")).map(|()| 1),
        None => Ok(0),
    }
}

fn list(what: &str, remarks: &Remarks) -> anyhow::Result<()> {
    for remark in &remarks.first {
        let number = remark.number.as_deref().unwrap_or("no number");
        say(&format!("  {what}, line {}, {number}: {}\n", remark.line, remark.text))?;
    }
    let more = remarks.count.saturating_sub(remarks.first.len() as u64);
    if more > 0 { say(&format!("  and {more} more of this kind\n")) } else { Ok(()) }
}
