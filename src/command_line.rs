//! The command line: parse, build, call the slices.

mod advisory_files;
mod audit_files;
mod calendar_files;
mod cli;
mod deadline_files;
mod imports;
mod instance_files;
mod mail_files;
mod money_files;
mod report_files;

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::attachment::settings::Uploads;
use crate::audit::anchor::Anchors;
use crate::auth::{Actor, AuthSettings, DevelopmentSecret, MintRequest, Role, Verifier, mint};
use crate::clock::{Clock, Ids, SetClock, SystemClock};
use crate::config::{LogFormat, Settings};
use crate::database::Database;
use crate::error::Error;
use crate::event::number::Numbers;
use crate::executor::Api;
use crate::files::Files;
use crate::http::health::Health;
use crate::http::live::{self, Live};
use crate::http::metrics::Metrics;
use crate::http::persisted::Documents;
use crate::http::rates::Rates;
use crate::http::serve::{Server, Shutdown};
use crate::http::{Services, page};
use crate::outbound::{self, Policy};
use crate::outbox::{retrying, sequencer};
use crate::retention::Retention;
use crate::secret::{Key, KeyRing, read_text, renewal};
use crate::webhook::worker;
use crate::{
    attachment, demo, event, feed, graphql, hook, http, mail, migrate, notice, picture, reply, schedule,
    ticket, webhook,
};
use anyhow::{Context, bail};
use axum::Router;
use chrono::TimeDelta;
use clap::Parser;
use cli::{
    AuditCommand, CalendarCommand, Cli, Command, Common, DeadlinesCommand, IntakeCommand, MovesCommand,
    ReconcileCommand, RepliesCommand, ReportCommand, SecretsCommand, TokenArgs, WebhooksCommand,
};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Stack of each thread, in bytes: resolving a document as deep as the guard lets it be takes a call for every level
/// and every part of the schema. Only what is used takes memory.
const STACK: usize = 16 << 20;

/// Does what the command line says, and answers how it went.
pub fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK).build();
    // On a thread of the runtime, since the first thread's stack is not ours to choose.
    let outcome = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        let command = runtime.spawn(run(Cli::parse()));
        runtime.block_on(command).context("the command")?
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "vulndesk: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let settings = settings(&cli.common)?;
    match cli.command {
        Command::Schema => say(&graphql::sdl()),
        Command::Token(args) => say(&format!("{}\n", development_token(&settings.auth, &args)?)),
        Command::Migrate => {
            log_to_stderr(settings.log_format);
            migrated(&settings).await.map(|_| ())
        }
        Command::Import(args) => {
            log_to_stderr(settings.log_format);
            imports::run(&command_line_app(&settings).await?, &args).await
        }
        Command::Intake { command: IntakeCommand::Mail(args) } => {
            log_to_stderr(settings.log_format);
            mail_files::run(&*command_line_app(&settings).await?, &args).await
        }
        Command::ImportGrid(args) => {
            log_to_stderr(settings.log_format);
            money_files::import_grid(&*command_line_app(&settings).await?, &args).await
        }
        Command::Calendar { command: CalendarCommand::Import(args) } => {
            log_to_stderr(settings.log_format);
            calendar_files::import(&*command_line_app(&settings).await?, &args).await
        }
        Command::Deadlines { command } => {
            log_to_stderr(settings.log_format);
            let app = command_line_app(&settings).await?;
            match command {
                DeadlinesCommand::Export { file } => deadline_files::export(&app, &file).await,
                DeadlinesCommand::Import { file, subject, .. } => {
                    deadline_files::import(&app, &file, &subject).await
                }
            }
        }
        Command::Reconcile { command: ReconcileCommand::Payouts(args) } => {
            log_to_stderr(settings.log_format);
            money_files::compare(&*command_line_app(&settings).await?, &args).await
        }
        Command::Reconcile { command: ReconcileCommand::Tickets { subject, mend } } => {
            log_to_stderr(settings.log_format);
            reconcile_tickets(&*command_line_app(&settings).await?, &subject, mend).await
        }
        Command::Report { command: ReportCommand::Monthly(args) } => {
            log_to_stderr(settings.log_format);
            report_files::monthly(&*command_line_app(&settings).await?, &args).await
        }
        Command::Audit { command } => match command {
            AuditCommand::Verify { anchors } => {
                audit_files::verify(&*command_line_app(&settings).await?, &anchors).await
            }
            AuditCommand::Export(args) => {
                log_to_stderr(settings.log_format);
                audit_files::export(&*command_line_app(&settings).await?, &settings, &args).await
            }
            AuditCommand::Check { file, key, anchors } => audit_files::check(&file, &key, &anchors),
            AuditCommand::MakeKey { file } => audit_files::make_key(&file),
            AuditCommand::PublicKey => audit_files::public_key(&settings),
        },
        Command::Secrets { command: SecretsCommand::Rotate { subject } } => {
            let app = command_line_app(&settings).await?;
            let operator = Actor::operator(&subject, [Role::Admin]);
            let renewed = renewal::renew(&app, &operator).await.map_err(Error::told)?;
            say(&format!("{renewed}\n"))
        }
        Command::Replies { command: RepliesCommand::Bounce { file, subject } } => {
            log_to_stderr(settings.log_format);
            take_bounce(&*command_line_app(&settings).await?, &file, &subject).await
        }
        Command::Advisory(args) => {
            log_to_stderr(settings.log_format);
            advisory_files::write(&*command_line_app(&settings).await?, &args).await
        }
        Command::Export { to } => {
            log_to_stderr(settings.log_format);
            instance_files::export(&*command_line_app(&settings).await?, &to).await
        }
        Command::Restore { folder } => {
            log_to_stderr(settings.log_format);
            instance_files::restore(&settings, &folder).await
        }
        Command::Moves { command: MovesCommand::Doc } => say(&event::document::document()),
        Command::Webhooks { command: WebhooksCommand::Doc } => say(&webhook::document::document()),
        Command::Serve => {
            log_to_stderr(settings.log_format);
            serve(&settings).await
        }
        Command::Worker => {
            log_to_stderr(settings.log_format);
            let app = command_line_app(&settings).await?;
            let shutdown = Shutdown::default();
            shutdown.on_signals(Duration::ZERO)?;
            tracing::info!("delivering");
            deliver(app, true, shutdown.token).await
        }
        Command::Demo { tokens_file } => {
            log_to_stderr(settings.log_format);
            run_demo(settings, tokens_file.as_deref()).await
        }
    }
}

/// Records an e-mail that came back.
async fn take_bounce(app: &App, file: &Path, subject: &str) -> anyhow::Result<()> {
    let operator = Actor::operator(subject, [Role::Analyst]);
    let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
    let taken = retrying(|| reply::handover::bounce::take_bounce(app, &operator, &bytes)).await;
    match taken.map_err(Error::told)? {
        Some(_) => say("recorded on the reply that it is about\n"),
        None => say("no failed delivery of an e-mail of ours, or recorded before\n"),
    }
}

/// Prints each ticket that does not say what the product says; with `mend` the worker hears what is news in it, or tells it anew.
async fn reconcile_tickets(app: &App, subject: &str, mend: bool) -> anyhow::Result<()> {
    let operator = Actor::operator(subject, [Role::Analyst, Role::Leader]);
    let client = outbound::Client::new(app.outbound.clone())?;
    let drift = ticket::reconcile::drift(app, &client, &operator).await.map_err(Error::told)?;
    for one in &drift {
        let found = match &one.found {
            Ok(status) => format!("is {status:?}"),
            Err(words) => format!("is not in step: {words}"),
        };
        say(&format!(
            "{} {}: the fix is {}, the ticket should be {:?} and {found}\n",
            one.tracker,
            one.external_id.as_deref().unwrap_or("(not made)"),
            one.state,
            one.expected
        ))?;
        if mend {
            ticket::reconcile::mend(app, &operator, one).await.map_err(Error::told)?;
        }
    }
    match drift.len() {
        0 => say("all tickets agree\n"),
        count if mend => say(&format!(
            "{count} tickets differ; those that are not withheld and can be read are heard or told anew\n"
        )),
        count => bail!("{count} tickets differ"),
    }
}

/// The settings of file and environment, with the command line's flags over them.
fn settings(common: &Common) -> anyhow::Result<Settings> {
    let mut settings = Settings::read(common.config.as_deref()).context("the configuration")?;
    if let Some(url) = &common.database_url {
        settings.database_url.clone_from(url);
    }
    if let Some(listen) = common.listen {
        settings.http.listen = listen;
    }
    settings.http.trusted_proxies.extend(common.trusted_proxies.iter().copied());
    settings.http.behind_tls |= common.behind_tls;
    Ok(settings)
}

fn log_to_stderr(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn,sea_orm_migration=warn"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    // By itself a panic would print its message, which may quote what was being read.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "a fault of the program: what it was doing is broken off");
    }));
}

fn say(text: &str) -> anyhow::Result<()> {
    Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
}

fn development_token(settings: &AuthSettings, args: &TokenArgs) -> anyhow::Result<String> {
    let secret = settings.development_secret()?;
    let request = MintRequest {
        subject: args.subject.clone(),
        roles: args.role.clone(),
        products: args.product.clone(),
        teams: args.team.clone(),
        channel: args.channel.clone(),
        email: args.email.clone(),
        now: SystemClock.now(),
        lifetime: TimeDelta::hours(args.hours.into()),
    };
    Ok(mint(&secret, settings, &request)?)
}

async fn connected(settings: &Settings) -> anyhow::Result<Database> {
    let password = settings.database_password_file.as_deref().map(read_text).transpose();
    let password = password.context("database_password_file")?;
    let connected = Database::connect_as(&settings.database_url, password.as_ref(), settings.database_pool);
    connected.await.context("the database")
}

async fn migrated(settings: &Settings) -> anyhow::Result<Database> {
    let database = connected(settings).await?;
    migrate::run(&database, &SystemClock, &Ids::new(Arc::new(SystemClock))).await?;
    Ok(database)
}

/// The product for one command on the machine's clock.
async fn command_line_app(settings: &Settings) -> anyhow::Result<Arc<App>> {
    let database = migrated(settings).await?;
    running_app(settings, settings.secrets.read()?, database).await
}

/// The product on the machine's clock, with what the settings give it.
async fn running_app(settings: &Settings, secrets: KeyRing, database: Database) -> anyhow::Result<Arc<App>> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut app = App::new(database, Arc::clone(&clock), Ids::new(clock)).await?;
    app.principal_settings = settings.principals;
    app.payouts = settings.payouts;
    app.hooks = settings.hooks;
    app.advisories = settings.advisories.read()?;
    app.digest = settings.notices.read()?;
    app.digest_kept_days = settings.notices.digest_kept_days;
    app.uploads = Uploads::new(&settings.uploads)?;
    app.anchors = settings.audit.anchors();
    app.retention = Retention::new(settings.retention);
    let app = app.with_replies(settings.replies.read().context("replies")?);
    let app = app.with_mailroom(settings.intake.mail.read().context("intake.mail")?);
    let files = files_of(settings, &app.numbers)?;
    let app = app.with_files(files);
    let app = app.with_secrets(secrets).with_outbound(Policy::new(&settings.outbound));
    Ok(Arc::new(app.with_event_link(&settings.webhooks.event_link)))
}

/// Where the installation with these numbers keeps its files.
fn files_of(settings: &Settings, numbers: &Numbers) -> anyhow::Result<Files> {
    let installation = hex::encode(&numbers.derive("files")[..8]);
    settings.files.open(&settings.database_url, &installation)
}

/// Gives what was committed its place and, with `worker`, delivers it, until `stop`.
async fn deliver(app: Arc<App>, worker: bool, stop: CancellationToken) -> anyhow::Result<()> {
    let sequencing = tokio::spawn(sequencer::run(Arc::clone(&app), stop.clone()));
    if worker {
        let (deliveries, replies, tickets, (), ()) = tokio::join!(
            worker::run(Arc::clone(&app), stop.clone()),
            reply::handover::worker::run(Arc::clone(&app), stop.clone()),
            ticket::worker::run(Arc::clone(&app), stop.clone()),
            mail::worker::run(Arc::clone(&app), stop.clone()),
            notice::digest::worker::run(app, stop)
        );
        deliveries.and(replies).and(tickets)?;
    }
    sequencing.await.context("the sequencer")
}

async fn serve(settings: &Settings) -> anyhow::Result<()> {
    let verifier = Verifier::new(settings.auth.clone(), Arc::new(SystemClock))?;
    settings.http.check()?;
    settings.live.check()?;
    let database = migrated(settings).await?;
    let secrets = settings.secrets.read()?;
    listen(settings, secrets, database, verifier, |address| tracing::info!(%address, "serving")).await
}

/// Serves until the process is told to stop.
async fn listen(
    settings: &Settings,
    secrets: KeyRing,
    database: Database,
    verifier: Verifier,
    ready: impl FnOnce(std::net::SocketAddr),
) -> anyhow::Result<()> {
    let app = running_app(settings, secrets, database).await?;
    app.anchors.as_ref().map_or(Ok(()), Anchors::expect_file)?;
    let verifier = Arc::new(verifier);
    let shutdown = Shutdown::default();
    shutdown.on_signals(settings.http.notice())?;
    let (checked, keys) = (app.database.clone(), Arc::clone(&verifier));
    let health = Health::new(shutdown.leaving.clone())
        .with_check("database", move || {
            let database = checked.clone();
            async move { migrate::check(&database).await }
        })
        .with_check("token keys", move || {
            let keys = Arc::clone(&keys);
            async move { if keys.ready().await { Ok(()) } else { bail!("the issuer's keys cannot be had") } }
        });
    let due = Arc::clone(&app);
    let rates = Arc::new(Rates::new(&settings.http.rates));
    let documents = Arc::new(Documents::read(settings.http.documents.as_deref())?);
    let metrics = Arc::new(Metrics::default());
    let schema = graphql::schema();
    let process = live::Process {
        app: Arc::clone(&app),
        schema: schema.clone(),
        verifier: Arc::clone(&verifier),
        rates: Arc::clone(&rates),
        documents: Arc::clone(&documents),
        shutdown: shutdown.clone(),
    };
    let bounds = live::Bounds {
        live: settings.live.clone(),
        http: settings.http.clone(),
        limits: settings.graphql.clone(),
    };
    let open = Live::new(process, bounds, &metrics);
    shutdown.streams.spawn(Arc::clone(&open.hub).run(shutdown.token.clone()));
    let api = Arc::new(Api { app: Arc::clone(&app), schema, verifier, rates, live: Some(Arc::clone(&open)) });
    let services = Services {
        executor: Arc::clone(&api),
        documents,
        ids: Arc::new(Ids::new(Arc::new(SystemClock))),
        health: Arc::new(health),
        metrics,
    };
    let server = Server::bind(&settings.http).await?;
    ready(server.address());
    let body_timeout = Duration::from_secs(settings.http.body_seconds);
    let more = page::routes()
        .merge(hook::http::routes(Arc::clone(&app), body_timeout))
        .merge(feed::http::routes(Arc::clone(&app)))
        .merge(attachment::http::routes(Arc::clone(&api)))
        .merge(live::routes(open))
        .merge(reply::http::routes(api));
    let router: Router = http::router(&settings.http, settings.graphql.clone(), services, more);
    shutdown.streams.spawn(schedule::run(Arc::clone(&due), shutdown.token.clone()));
    shutdown.streams.spawn(picture::run(Arc::clone(&due), shutdown.token.clone()));
    shutdown.streams.spawn(hook::worker::run(due, shutdown.token.clone()));
    // Ends after the last request, so that what was committed while draining has its place too.
    let drained = CancellationToken::new();
    let delivering = tokio::spawn(deliver(app, settings.webhooks.worker, drained.clone()));
    server.run(router, shutdown).await;
    drained.cancel();
    delivering.await.context("the deliveries")?
}

async fn run_demo(mut settings: Settings, tokens_file: Option<&Path>) -> anyhow::Result<()> {
    if !settings.http.listen.ip().to_canonical().is_loopback() {
        bail!(
            "the demo has ready tokens for everybody: it listens on a loopback address only, not {}",
            settings.http.listen
        );
    }
    settings.auth = AuthSettings::default();
    let mut secret = [0; 32];
    Ids::new(Arc::new(SystemClock)).fill(&mut secret);
    // Hexadecimal, since a secret is text without line ends.
    let secret = DevelopmentSecret::new(hex::encode(secret).as_bytes())?;
    let database = migrated(&settings).await?;
    let loaded = demo::loaded(&database).await?;
    if loaded == demo::Loaded::InPart {
        bail!(
            "the database holds a part of the demo, which an earlier start did not finish, or other data: name an empty \
             one (--database-url)"
        );
    }
    if loaded == demo::Loaded::Nothing {
        let clock = Arc::new(SetClock::new(SystemClock.now()));
        let ids = Ids::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let app = Arc::new(App::new(database.clone(), Arc::clone(&clock) as Arc<dyn Clock>, ids).await?);
        demo::load(&app, &graphql::schema(), &clock, SystemClock.now()).await.context("the demo data")?;
    }
    let tokens = demo::tokens(&secret, &settings.auth, SystemClock.now())?;
    if let Some(file) = tokens_file {
        write_private(file, serde_json::to_string_pretty(&tokens)?.as_bytes())?;
    }
    let verifier = Verifier::development(settings.auth.clone(), &secret);
    let mut secrets = settings.secrets.read()?;
    if !secrets.can_seal() {
        // Good for this run: nothing that the demo keeps is worth keeping longer.
        let mut key = [0; 32];
        Ids::new(Arc::new(SystemClock)).fill(&mut key);
        secrets = KeyRing::new([Key::new(key)]);
    }
    listen(&settings, secrets, database, verifier, |address| {
        let mut text = format!(
            "\nvulndesk demo\n\n  page     http://{address}/\n  GraphQL  http://{address}/graphql\n\n"
        );
        for role in Role::ALL {
            text.push_str(&format!("{role}\n  {}\n", tokens[role.name()].as_str().unwrap_or_default()));
        }
        let _ = say(&text);
    })
    .await
}

/// Writes a file that only its owner can read.
fn write_private(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let opened = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file);
    opened.and_then(|mut opened| opened.write_all(bytes)).with_context(|| format!("{}", file.display()))
}
