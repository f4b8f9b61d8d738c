//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::advisory::{AdvisoryFormat, AdvisoryLanguage};
use crate::auth::{Role, operator_subject};
use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand};
use ipnet::IpNet;

/// GraphQL backend for teams that receive vulnerability reports.
#[derive(Debug, Parser)]
#[command(name = "vulndesk", version, about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Flags that every command takes.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Settings file; see config.default.toml.
    #[arg(long, global = true, env = "VULNDESK_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// sqlite://FILE or postgres://USER:PASSWORD@HOST/DATABASE.
    #[arg(long, global = true, env = "VULNDESK_DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: Option<String>,
    /// Address to listen on.
    #[arg(long, global = true, env = "VULNDESK_LISTEN")]
    pub(crate) listen: Option<SocketAddr>,
    /// Networks of proxies whose X-Forwarded-For is believed; may be repeated.
    #[arg(long, global = true, value_delimiter = ',')]
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// Acknowledges that TLS is in front of an address that others can reach.
    #[arg(long, global = true)]
    pub(crate) behind_tls: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the API. Needs auth.issuer or auth.hs256_secret_file.
    Serve,
    /// Serve the API with demo data and ready tokens, on a loopback address only.
    Demo {
        /// Write the tokens as JSON {role: token} to this file, readable by you alone.
        #[arg(long)]
        tokens_file: Option<PathBuf>,
    },
    /// Deliver webhooks without serving the API; any number may run over one PostgreSQL database.
    Worker,
    /// Bring the database to this binary's schema.
    Migrate,
    /// Print the schema (SDL).
    Schema,
    /// Record reports from files: history unless told otherwise.
    Import(ImportArgs),
    /// Take in what arrives.
    Intake {
        #[command(subcommand)]
        command: IntakeCommand,
    },
    /// Introduce a reward grid from a CSV file with the columns tier, severity, minimum, maximum.
    ImportGrid(GridArgs),
    /// Keep business calendars.
    Calendar {
        #[command(subcommand)]
        command: CalendarCommand,
    },
    /// Keep the rules by which clocks run.
    Deadlines {
        #[command(subcommand)]
        command: DeadlinesCommand,
    },
    /// Compare with what others hold; fails when it does not agree.
    Reconcile {
        #[command(subcommand)]
        command: ReconcileCommand,
    },
    /// Documents of figures.
    Report {
        #[command(subcommand)]
        command: ReportCommand,
    },
    /// Check the audit trail.
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Keep stored secrets.
    Secrets {
        #[command(subcommand)]
        command: SecretsCommand,
    },
    /// About replies.
    Replies {
        #[command(subcommand)]
        command: RepliesCommand,
    },
    /// About webhooks.
    Webhooks {
        #[command(subcommand)]
        command: WebhooksCommand,
    },
    /// The moves of the procedure.
    Moves {
        #[command(subcommand)]
        command: MovesCommand,
    },
    /// Write the advisory of an event, for machines: what may be published of it, and how far it may be shared.
    Advisory(AdvisoryArgs),
    /// Write the whole instance to a folder, while it goes on working: every table, every attached file. It holds everything.
    Export {
        /// The folder; it is made.
        #[arg(long)]
        to: PathBuf,
    },
    /// Make the instance of an export in an empty database of either kind.
    Restore {
        /// The folder that `export` wrote.
        folder: PathBuf,
    },
    /// Mint a development token; only with auth.hs256_secret_file.
    Token(TokenArgs),
}

/// What arrives.
#[derive(Debug, Subcommand)]
pub(crate) enum IntakeCommand {
    /// Mails: new reports, additions to reports, bounces of replies. Safe to run again, and beside a running server.
    Mail(MailArgs),
}

/// An advisory.
#[derive(Debug, Args)]
pub(crate) struct AdvisoryArgs {
    /// Number of the event.
    pub(crate) number: String,
    /// csaf-2.0, csaf-2.1, cve-5.1 or osv.
    #[arg(long, value_parser = advisory_format)]
    pub(crate) format: AdvisoryFormat,
    /// en or zh: the words that the document has of its own.
    #[arg(long, default_value = "en", value_parser = advisory_language)]
    pub(crate) language: AdvisoryLanguage,
    /// Who writes it, for the audit trail.
    #[arg(long = "as", value_parser = operator_subject)]
    pub(crate) subject: String,
    /// The file; its own name in this folder when left out. `-` prints it.
    #[arg(short, long)]
    pub(crate) output: Option<PathBuf>,
}

fn advisory_format(text: &str) -> Result<AdvisoryFormat, String> {
    let names = || AdvisoryFormat::ALL.map(AdvisoryFormat::name).join(", ");
    let found = AdvisoryFormat::ALL.into_iter().find(|format| format.name() == text);
    found.ok_or_else(|| format!("one of {}", names()))
}

fn advisory_language(text: &str) -> Result<AdvisoryLanguage, String> {
    match text {
        "en" => Ok(AdvisoryLanguage::En),
        "zh" => Ok(AdvisoryLanguage::Zh),
        _ => Err("en or zh".to_owned()),
    }
}

/// Mails in files.
#[derive(Debug, Args)]
pub(crate) struct MailArgs {
    /// Maildirs, mbox files and files with one mail.
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Key of the channel whose mailbox it is.
    #[arg(long)]
    pub(crate) channel: String,
    /// Who does it, for the audit trail.
    #[arg(long = "as", default_value = "mail", value_parser = operator_subject)]
    pub(crate) subject: String,
    /// Say what would become of them, write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Which document.
#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    /// A month's figures, as somebody with these roles and scope sees them.
    Monthly(MonthlyArgs),
}

/// A monthly report.
#[derive(Debug, Args)]
pub(crate) struct MonthlyArgs {
    /// The month (2026-10); the last one when left out.
    #[arg(long)]
    pub(crate) month: Option<String>,
    /// IANA zone in which it begins.
    #[arg(long, default_value = crate::figures::rules::ZONE)]
    pub(crate) time_zone: String,
    /// For whom: it stands in the report.
    #[arg(long = "as", value_parser = operator_subject)]
    pub(crate) subject: String,
    /// Role by which it is seen; may be repeated.
    #[arg(long, required = true)]
    pub(crate) role: Vec<Role>,
    /// Key of a product in an engineer's scope; may be repeated.
    #[arg(long)]
    pub(crate) product: Vec<String>,
    /// Team in scope; may be repeated.
    #[arg(long)]
    pub(crate) team: Vec<String>,
    /// Form.
    #[arg(long, value_enum, default_value = "html")]
    pub(crate) format: ReportFormat,
    /// Language.
    #[arg(long, value_enum, default_value = "zh")]
    pub(crate) language: ReportLanguage,
    /// File to write; charts of Markdown go beside it.
    #[arg(long, short)]
    pub(crate) output: PathBuf,
}

/// Form of a report.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum ReportFormat {
    /// Markdown, with its charts as SVG files beside it.
    Markdown,
    /// One page with its charts inside.
    Html,
    /// PDF.
    Pdf,
}

/// Language of a report.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum ReportLanguage {
    /// Chinese.
    Zh,
    /// English.
    En,
}

/// Files of deadline policies.
#[derive(Debug, Subcommand)]
pub(crate) enum DeadlinesCommand {
    /// Write the deadline policy in force to a TOML file.
    Export {
        /// The file.
        file: PathBuf,
    },
    /// Introduce the deadline policy of a TOML file; what is open is counted anew by it.
    Import {
        /// The file.
        file: PathBuf,
        /// Who introduces it, for the audit trail.
        #[arg(long = "as", value_parser = operator_subject)]
        subject: String,
        /// What `--as` was called before.
        #[arg(long = "subject", hide = true, value_parser = renamed)]
        _former: Option<String>,
    },
}

/// Refuses an option by its former name.
fn renamed(_: &str) -> Result<String, String> {
    Err("this is named --as, as for every other command: vulndesk deadlines import --as WHO FILE".to_owned())
}

/// What a development token says.
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// Role; may be repeated.
    #[arg(long, required = true)]
    pub(crate) role: Vec<Role>,
    /// Subject: who it is for.
    #[arg(long, value_parser = operator_subject)]
    pub(crate) subject: String,
    /// Key of a product in scope; may be repeated.
    #[arg(long)]
    pub(crate) product: Vec<String>,
    /// Team in scope; may be repeated.
    #[arg(long)]
    pub(crate) team: Vec<String>,
    /// Key of a service's channel.
    #[arg(long)]
    pub(crate) channel: Option<String>,
    /// Address of the person.
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// How long it lasts.
    #[arg(long, default_value_t = 12)]
    pub(crate) hours: u16,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretsCommand {
    /// Seal all stored secrets with the first key of secrets.keys; safe to run again.
    Rotate {
        /// Who does it, for the audit trail.
        #[arg(long = "as", default_value = "operator", value_parser = operator_subject)]
        subject: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RepliesCommand {
    /// Record an e-mail that came back: a delivery status report (RFC 3464) as a mail server stored it.
    Bounce {
        /// The e-mail.
        file: PathBuf,
        /// Who does it, for the audit trail.
        #[arg(long = "as", default_value = "operator", value_parser = operator_subject)]
        subject: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum WebhooksCommand {
    /// Print docs/WEBHOOKS.md: what receivers have to know, with every message type.
    Doc,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MovesCommand {
    /// Print docs/PROCEDURE.md: every move, what brings it about and what it needs.
    Doc,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Recompute every digest and follow every chain; fails when anything does not fit.
    Verify {
        /// File of anchors that was kept elsewhere (audit.anchor_file), or of webhook bodies of audit.anchored; may be repeated.
        #[arg(long)]
        anchors: Vec<PathBuf>,
    },
    /// Write the audit trail, or a part of it, as JSON Lines with a signed manifest. It needs audit.secret_file.
    Export(TrailArgs),
    /// Check what `export` wrote, without the database; fails when anything does not fit.
    Check {
        /// The file with the entries; its manifest and signature stand beside it.
        file: PathBuf,
        /// File with the public key of who signed, in PEM.
        #[arg(long)]
        key: PathBuf,
        /// File of anchors, as for `verify`; may be repeated.
        #[arg(long)]
        anchors: Vec<PathBuf>,
    },
    /// Make a key to sign exports with, and print its public half.
    MakeKey {
        /// The file; it is made.
        file: PathBuf,
    },
    /// Print the public half of the key that exports are signed with.
    PublicKey,
}

/// Which part of the audit trail.
#[derive(Debug, Args)]
pub(crate) struct TrailArgs {
    /// Number of the one event that it is about.
    #[arg(long)]
    pub(crate) event: Option<String>,
    /// Only what was done from this instant on (RFC 3339).
    #[arg(long)]
    pub(crate) from: Option<DateTime<Utc>>,
    /// Only what was done before this instant (RFC 3339).
    #[arg(long)]
    pub(crate) until: Option<DateTime<Utc>>,
    /// Who takes it, for the record of reads.
    #[arg(long = "as", value_parser = operator_subject)]
    pub(crate) subject: String,
    /// The file; it is made, with FILE.manifest.json and FILE.sig beside it.
    pub(crate) file: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReconcileCommand {
    /// A channel's payouts with its platform's statement: a CSV file with the columns number, amount, currency and,
    /// where it has them, reference.
    Payouts(StatementArgs),
    /// Tickets with what their trackers say now, and those that were withheld, refused or given up.
    Tickets {
        /// Let the worker tell the trackers anew what the product says.
        #[arg(long)]
        mend: bool,
        /// Who compares.
        #[arg(long = "as", default_value = "reconcile", value_parser = operator_subject)]
        subject: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum CalendarCommand {
    /// Take the holidays and make-up working days of a file into a calendar, all of them or none.
    Import(CalendarImportArgs),
}

/// A calendar's days.
#[derive(Debug, Args)]
pub(crate) struct CalendarImportArgs {
    /// Key of the calendar.
    #[arg(long)]
    pub(crate) calendar: String,
    /// Form of the file.
    #[arg(long, value_enum)]
    pub(crate) format: CalendarFileFormat,
    /// A year that the file has all days of, and whose days it replaces; may be repeated. Other days are added to
    /// years that are there.
    #[arg(long = "year")]
    pub(crate) years: Vec<i32>,
    /// Where the days come from, for example the notice that announced them.
    #[arg(long)]
    pub(crate) source: Option<String>,
    /// Who does it, for the audit trail.
    #[arg(long = "as", default_value = "import", value_parser = operator_subject)]
    pub(crate) subject: String,
    /// The file.
    pub(crate) file: PathBuf,
}

/// Form of a calendar's file.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum CalendarFileFormat {
    /// Columns date, kind (HOLIDAY, MAKE_UP_WORKDAY) and name.
    Csv,
    /// iCalendar (RFC 5545) with all-day events.
    Ics,
}

/// A platform's statement.
#[derive(Debug, Args)]
pub(crate) struct StatementArgs {
    /// Only what was paid from this instant on has to be in it (RFC 3339).
    #[arg(long)]
    pub(crate) from: Option<DateTime<Utc>>,
    /// Only what was paid before this instant has to be in it (RFC 3339).
    #[arg(long)]
    pub(crate) until: Option<DateTime<Utc>>,
    /// Key of the channel.
    #[arg(long)]
    pub(crate) channel: String,
    /// Who compares.
    #[arg(long = "as", default_value = "reconcile", value_parser = operator_subject)]
    pub(crate) subject: String,
    /// The statement.
    pub(crate) file: PathBuf,
}

/// A reward grid.
#[derive(Debug, Args)]
pub(crate) struct GridArgs {
    /// ISO 4217 code, or POINTS.
    #[arg(long)]
    pub(crate) currency: String,
    /// Key of the channel it is for; for all without a grid of their own when left out.
    #[arg(long)]
    pub(crate) channel: Option<String>,
    /// Who introduces it, for the audit trail.
    #[arg(long = "as", default_value = "import", value_parser = operator_subject)]
    pub(crate) subject: String,
    /// The ranges.
    pub(crate) file: PathBuf,
}

/// What is imported and how.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    #[command(subcommand)]
    pub(crate) format: ImportFormat,
    /// Who does it, for the audit trail.
    #[arg(long = "as", global = true, default_value = "import", value_parser = operator_subject)]
    pub(crate) subject: String,
    /// As notices that have to be handled and answered, instead of history.
    #[arg(long, global = true)]
    pub(crate) as_notices: bool,
    /// Count only, write nothing. What the file itself repeats is kept in memory meanwhile, so up to two million records.
    #[arg(long, global = true)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImportFormat {
    /// CNVD's weekly XML exports.
    Cnvd {
        /// Files, in order.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Tables whose columns are mapped to fields.
    Csv(CsvArgs),
}

/// A table.
#[derive(Debug, Args)]
pub(crate) struct CsvArgs {
    /// Files, in order.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// field=column, for example number=link; may be repeated. At least number and title.
    #[arg(long, required = true)]
    pub(crate) map: Vec<String>,
    /// Key of the channel; made as an SRC platform when there is none.
    #[arg(long, default_value = "import")]
    pub(crate) channel: String,
    /// Where that channel is, when it is made: an ISO 3166 country code, or EU.
    #[arg(long, default_value = "CN")]
    pub(crate) jurisdiction: String,
    /// That channel, when it is made, is outside the company's own jurisdiction: what is not public goes there only after
    /// a decision.
    #[arg(long)]
    pub(crate) abroad: bool,
    /// Currency of amounts without one.
    #[arg(long, default_value = "USD")]
    pub(crate) currency: String,
    /// One character, or tab.
    #[arg(long, default_value = ",")]
    pub(crate) delimiter: String,
    /// Encoding of files without a byte order mark, for example gb18030.
    #[arg(long, default_value = "utf-8")]
    pub(crate) encoding: String,
}
