//! `vulndesk report`: figures out as a document.

use anyhow::Context;
use entity::vocabulary::{MonthlyReportFormat, MonthlyReportLanguage};

use super::cli::{MonthlyArgs, ReportFormat, ReportLanguage};
use super::{say, write_private};
use crate::app::App;
use crate::auth::Actor;
use crate::error::Error;
use crate::figures::report::{Wanted, make};

/// Makes a month's report and writes it, and what it names beside it.
pub(crate) async fn monthly(app: &App, args: &MonthlyArgs) -> anyhow::Result<()> {
    let reader = Actor {
        products: args.product.clone().into(),
        teams: args.team.clone().into(),
        ..Actor::operator(&args.subject, args.role.iter().copied())
    };
    let wanted = Wanted {
        month: args.month.as_deref(),
        zone: &args.time_zone,
        language: match args.language {
            ReportLanguage::Zh => MonthlyReportLanguage::Zh,
            ReportLanguage::En => MonthlyReportLanguage::En,
        },
        format: match args.format {
            ReportFormat::Markdown => MonthlyReportFormat::Markdown,
            ReportFormat::Html => MonthlyReportFormat::Html,
            ReportFormat::Pdf => MonthlyReportFormat::Pdf,
        },
    };
    let made = make(app, &reader, &wanted).await.map_err(Error::told).context("the report")?;
    write_private(&args.output, &made.file.bytes)?;
    for chart in &made.charts {
        write_private(&args.output.with_file_name(&chart.name), &chart.bytes)?;
    }
    say(&format!("{} with {} files beside it\n", args.output.display(), made.charts.len()))
}
