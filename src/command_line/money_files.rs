//! `vulndesk reconcile` and `vulndesk import-grid`: tables of amounts.

use std::path::Path;

use crate::app::App;
use crate::auth::{Actor, Role};
use crate::channel;
use crate::error::Error;
use crate::graphql::scalars::{Decimal, Id};
use crate::money::Money;
use crate::payout::grid::{self, CreateRewardGrid, RewardGridCellInput};
use crate::payout::reconcile::{Span, Statement, reconcile};
use anyhow::{Context, bail};
use entity::vocabulary::{AssetTier, Severity};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::cli::{GridArgs, StatementArgs};
use super::say;

/// A line of a platform's statement.
#[derive(Deserialize)]
struct StatementRow {
    number: String,
    amount: String,
    currency: String,
    reference: Option<String>,
}

/// A cell of a reward grid.
#[derive(Deserialize)]
struct CellRow {
    tier: AssetTier,
    severity: Severity,
    minimum: String,
    maximum: String,
}

/// The records of a CSV file with a header, each with the line it starts on.
fn records<T: DeserializeOwned>(file: &Path) -> anyhow::Result<Vec<(u64, T)>> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(file)
        .with_context(|| format!("{}", file.display()))?;
    let header = reader.headers().with_context(|| format!("{}", file.display()))?.clone();
    let mut records = Vec::new();
    for record in reader.records() {
        let record = record.with_context(|| format!("{}", file.display()))?;
        let line = record.position().map_or(0, csv::Position::line);
        let row = record.deserialize(Some(&header));
        records.push((line, row.with_context(|| format!("{}, line {line}", file.display()))?));
    }
    Ok(records)
}

/// Compares a channel's payouts with its platform's statement; fails when they do not agree.
pub(crate) async fn compare(app: &App, args: &StatementArgs) -> anyhow::Result<()> {
    let mut statement = Vec::new();
    for (line, row) in records::<StatementRow>(&args.file)? {
        let paid = row.currency.parse().and_then(|unit| Money::parse(&row.amount, unit));
        let paid = paid.with_context(|| format!("{}, line {line}", args.file.display()))?;
        let reference = row.reference.filter(|reference| !reference.is_empty());
        statement.push(Statement { number: row.number, paid, reference });
    }
    let actor = Actor::operator(&args.subject, [Role::Finance]);
    let span = Span { from: args.from, until: args.until };
    let found = match reconcile(app, &actor, &args.channel, span, &statement).await {
        Err(Error::NotFound) => bail!("there is no channel {}", args.channel),
        found => found.map_err(Error::told)?,
    };
    for difference in &found.differences {
        say(&format!("{difference}\n"))?;
    }
    say(&format!("{}: {} agree, {} do not\n", args.file.display(), found.agreed, found.differences.len()))?;
    if found.differences.is_empty() { Ok(()) } else { bail!("the statement and the payouts do not agree") }
}

/// Introduces the reward grid that a file holds.
pub(crate) async fn import_grid(app: &App, args: &GridArgs) -> anyhow::Result<()> {
    let channel = match &args.channel {
        None => None,
        Some(key) => {
            let found = channel::store::by_key(app, key).await.map_err(Error::told)?;
            Some(Id::new(found.with_context(|| format!("there is no channel {key}"))?.id))
        }
    };
    let (lines, cells): (Vec<_>, Vec<_>) = records::<CellRow>(&args.file)?
        .into_iter()
        .map(|(line, row)| {
            let cell = RewardGridCellInput {
                asset_tier: row.tier,
                severity: row.severity,
                minimum: Decimal(row.minimum),
                maximum: Decimal(row.maximum),
            };
            (line, cell)
        })
        .unzip();
    let input = CreateRewardGrid { channel, currency: args.currency.clone(), cells, idempotency_key: None };
    let actor = Actor::operator(&args.subject, [Role::Admin]);
    let grid = grid::create(app, &actor, &input).await.map_err(|error| match &error {
        Error::BadInput { field, message } => {
            let cell = field
                .strip_prefix("input.cells.")
                .map(|rest| rest.split_once('.').unwrap_or((rest, "range")));
            let place =
                cell.and_then(|(cell, column)| Some((lines.get(cell.parse::<usize>().ok()?)?, column)));
            let place =
                place.map_or_else(|| field.clone(), |(line, column)| format!("line {line}: {column}"));
            anyhow::anyhow!("{}: {place}: {message}", args.file.display())
        }
        _ => error.told(),
    })?;
    say(&format!("{}: reward grid {} in {}\n", args.file.display(), grid.number, grid.currency))
}
