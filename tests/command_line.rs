//! The real binary as its operator meets it: what it prints, how it exits, what it refuses to start with.

#![allow(clippy::unwrap_used, missing_docs)]

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};
use vulndesk::database::Database;

/// The binary over a database in `folder`, without any setting of whoever runs the tests.
fn vulndesk(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vulndesk"));
    command.env_clear().env("VULNDESK_DATABASE_URL", url(folder)).current_dir(folder);
    command
}

fn url(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("desk.sqlite").display())
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    vulndesk(folder).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Demands that it failed, and answers what it said.
fn refused(output: &Output) -> String {
    assert!(!output.status.success(), "{}", text(&output.stdout));
    text(&output.stderr)
}

#[tokio::test]
async fn an_import_prints_lines_with_their_numbers_and_records_who_did_it() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/import/cnvd-quirks.xml");
    let file = fixture.to_str().unwrap();
    let dry = run(folder.path(), &["import", "cnvd", file, "--dry-run"]);
    assert!(dry.status.success(), "{}", text(&dry.stderr));
    let first = format!(
        "{file}: 3 received, 0 already known, 1 updated, 0 opened, 4 refused (dry run, nothing written)"
    );
    assert_eq!(text(&dry.stdout).lines().next(), Some(&*first));

    let done = run(folder.path(), &["import", "cnvd", file, "--as", "analyst-7"]);
    assert!(done.status.success(), "refused records are no failure: {}", text(&done.stderr));
    let printed = text(&done.stdout);
    let first = format!("{file}: 3 received, 0 already known, 1 updated, 0 opened, 4 refused");
    assert_eq!(printed.lines().next(), Some(&*first));
    let content = std::fs::read_to_string(&fixture).unwrap();
    let left_out: Vec<&str> = printed.lines().filter(|line| line.starts_with("  refused, line ")).collect();
    assert_eq!(left_out.len(), 4, "{printed}");
    for line in left_out.iter().filter(|line| line.contains("CNVD-")) {
        let mut parts = line.trim_start_matches("  refused, line ").splitn(2, ", ");
        let at: usize = parts.next().unwrap().parse().unwrap();
        let number = parts.next().unwrap().split(':').next().unwrap();
        assert!(content.lines().nth(at - 1).unwrap().contains(number), "{line} names another line");
    }
    let database = Database::connect(&url(folder.path()), 1).await.unwrap();
    let entries = entity::audit_entry::Entity::find().all(database.reader()).await.unwrap();
    let imported: Vec<_> = entries.iter().filter(|entry| entry.action == "importReports").collect();
    assert!(!imported.is_empty() && imported.iter().all(|entry| entry.actor == "analyst-7"), "{imported:?}");

    let broken = folder.path().join("broken.xml");
    std::fs::write(&broken, "<vulnerabilitys><vulnerability><number>CNVD-2031-1</number>").unwrap();
    let output = run(folder.path(), &["import", "cnvd", broken.to_str().unwrap()]);
    assert!(refused(&output).contains("could not be read to the end"), "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("  stopped: "), "{}", text(&output.stdout));
}

#[test]
fn what_cannot_work_is_refused_at_the_start_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["demo", "--listen", "0.0.0.0:0"]);
    assert!(refused(&output).contains("it listens on a loopback address only, not 0.0.0.0:0"));
    assert!(!folder.path().join("desk.sqlite").exists(), "it looked before it wrote");

    let output = run(folder.path(), &["token", "--role", "ANALYST", "--subject", "analyst-1"]);
    assert!(refused(&output).contains("hs256_secret_file"), "{}", refused(&output));

    let output = vulndesk(folder.path()).env("VULNDESK_HTTP__LISTEN_ON", "x").arg("serve").output().unwrap();
    assert!(refused(&output).contains("listen_on"), "{}", refused(&output));

    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/import/cnvd-quirks.xml");
    let imported = run(folder.path(), &["import", "cnvd", file.to_str().unwrap()]);
    assert!(imported.status.success(), "{}", text(&imported.stderr));
    let output = run(folder.path(), &["demo", "--listen", "127.0.0.1:0"]);
    assert!(refused(&output).contains("a part of the demo"), "{}", refused(&output));
}

/// The binary with the key of its tokens.
fn with_secret(folder: &Path) -> Command {
    let secret = folder.join("secret");
    std::fs::write(&secret, "a secret for tests that is long enough").unwrap();
    let mut command = vulndesk(folder);
    command.env("VULNDESK_AUTH__HS256_SECRET_FILE", secret);
    command
}

/// Serves on a free port; answers the process and its address once it says that it serves.
fn serving(folder: &Path) -> (Child, String) {
    serving_as(with_secret(folder))
}

/// The same with settings.
fn serving_as(mut command: Command) -> (Child, String) {
    let mut server =
        command.args(["serve", "--listen", "127.0.0.1:0"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
    let address = loop {
        let line = lines.next().expect("it serves").unwrap();
        if let Some((_, address)) = line.split_once("serving address=") {
            break address.trim().to_owned();
        }
    };
    std::thread::spawn(move || lines.for_each(drop));
    (server, address)
}

#[tokio::test]
async fn it_is_not_ready_while_its_database_lacks_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let (mut server, address) = serving(folder.path());
    let ready = async || {
        let answer = reqwest::get(format!("http://{address}/readyz")).await.unwrap();
        (answer.status().as_u16(), answer.json::<serde_json::Value>().await.unwrap())
    };
    let checks = |database: bool| {
        serde_json::json!({ "ready": database, "checks": [
            { "name": "database", "passed": database }, { "name": "token keys", "passed": true },
            { "name": "accepting", "passed": true },
        ] })
    };
    assert_eq!(ready().await, (200, checks(true)));
    let database = Database::connect(&url(folder.path()), 1).await.unwrap();
    let forget = "UPDATE seaql_migrations SET version = 'x' || version
        WHERE version = (SELECT max(version) FROM seaql_migrations)";
    database.writer().execute_unprepared(forget).await.unwrap();
    assert_eq!(ready().await, (503, checks(false)), "as an older schema, restored under it, is");
    let restore = "UPDATE seaql_migrations SET version = substr(version, 2) WHERE version LIKE 'x%'";
    database.writer().execute_unprepared(restore).await.unwrap();
    assert_eq!(ready().await, (200, checks(true)));
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn told_to_stop_it_answers_what_it_has_begun_and_ends_well() {
    let folder = tempfile::tempdir().unwrap();
    let (mut server, address) = serving(folder.path());
    let token = with_secret(folder.path())
        .args(["token", "--role", "ANALYST", "--subject", "analyst-1"])
        .output()
        .unwrap();
    let token = text(&token.stdout);

    let body = r#"{ "query": "{ viewer { subject } }" }"#;
    let mut connection = TcpStream::connect(&address).unwrap();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n",
        token.trim(),
        body.len()
    );
    connection.write_all(head.as_bytes()).unwrap();
    // It asks for the body: from here on the request is one that it has begun.
    let mut answer = BufReader::new(connection.try_clone().unwrap());
    let mut line = String::new();
    answer.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 100"), "{line}");
    let told = Command::new("kill").args(["-TERM", &server.id().to_string()]).status().unwrap();
    assert!(told.success());
    connection.write_all(body.as_bytes()).unwrap();
    let mut rest = String::new();
    answer.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("HTTP/1.1 200") && rest.contains(r#""subject":"analyst-1""#), "{rest}");
    assert!(server.wait().unwrap().success());
    assert!(TcpStream::connect(&address).is_err(), "nobody listens any more");
}

/// A desk with the demo's data, exported by the binary.
async fn exported(folder: &Path) -> std::path::PathBuf {
    use std::sync::Arc;
    use vulndesk::app::App;
    use vulndesk::clock::{Clock, Ids, SetClock};
    let clock = Arc::new(SetClock::new("2026-07-02T01:00:00Z".parse().unwrap()));
    let shared: Arc<dyn Clock> = Arc::clone(&clock) as _;
    let database = Database::connect(&url(folder), 1).await.unwrap();
    vulndesk::migrate::run(&database, shared.as_ref(), &Ids::seeded(Arc::clone(&shared), 1)).await.unwrap();
    let app = Arc::new(App::new(database, Arc::clone(&shared), Ids::seeded(shared, 2)).await.unwrap());
    vulndesk::demo::load(&app, &vulndesk::graphql::schema(), &clock, clock.now()).await.unwrap();
    // A file that takes a while: the last that is restored before all of it is there.
    let installation = hex::encode(&app.numbers.derive("files")[..8]);
    let files = vulndesk::files::FileSettings::default().open(&url(folder), &installation).unwrap();
    let kept = files.keep_bytes(uuid::Uuid::from_u128(1), &vec![7; 48 << 20]).await.unwrap();
    let row = entity::stored_file::Model {
        id: kept.name,
        sha256: kept.sha256,
        size: 48 << 20,
        stored_at: clock.now(),
    };
    row.into_active_model().insert(app.database.writer()).await.unwrap();
    let to = folder.join("export");
    let done = run(folder, &["export", "--to", to.to_str().unwrap()]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(text(&done.stdout).contains("rows of") && text(&done.stderr).contains("holds everything"));
    to
}

/// A new database on the server that `scripts/test` starts.
async fn new_postgres() -> String {
    let server =
        std::env::var("VULNDESK_TEST_POSTGRES").expect("VULNDESK_TEST_POSTGRES names a PostgreSQL server");
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("command_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
    let admin = Database::connect(&format!("{server}/postgres"), 1).await.unwrap();
    admin.writer().execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    format!("{server}/{name}")
}

#[tokio::test]
async fn no_password_is_told_however_much_is_logged_and_whatever_was_mistyped() {
    let folder = tempfile::tempdir().unwrap();
    let url = new_postgres().await;
    let with_password = url.replace("postgres@", "postgres:s3cret@");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let file = |name: &str, text: &str| {
        std::fs::write(path(name), text).unwrap();
        std::fs::set_permissions(path(name), Permissions::from_mode(0o600)).unwrap();
        path(name)
    };
    let migrate = |variables: &[(&str, &str)]| {
        let mut command = vulndesk(folder.path());
        command.env("RUST_LOG", "trace").envs(variables.iter().copied()).arg("migrate");
        let output = command.output().unwrap();
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert!(!said.contains("s3cret"), "{variables:?}: {said}");
        (output.status.success(), said)
    };
    let (done, said) = migrate(&[("VULNDESK_DATABASE_URL", &with_password)]);
    assert!(done && said.contains("execute_raw{"), "the library tells what it does: {said}");
    let password = file("password", "s3cret\n");
    let in_a_file = ("VULNDESK_DATABASE_PASSWORD_FILE", password.as_str());
    assert!(migrate(&[("VULNDESK_DATABASE_URL", &url), in_a_file]).0);
    let (done, said) = migrate(&[("VULNDESK_DATABASE_URL", &with_password), in_a_file]);
    assert!(!done && said.contains("leave one out"), "{said}");
    // A line of a password file that lacks a field.
    let lines = file("pgpass", "127.0.0.1:5432:s3cret\n");
    assert!(migrate(&[("VULNDESK_DATABASE_URL", &url), ("PGPASSFILE", &lines)]).0);
    let (done, said) = migrate(&[("VULNDESK_DATABASE_URL", &format!("{url}?passwrod=s3cret"))]);
    assert!(!done && said.contains("passwrod"), "{said}");
    let settings = file("settings.toml", "database_url = \"postgres://desk:s3cret@localhost/desk\n");
    let (done, said) = migrate(&[("VULNDESK_CONFIG", &settings)]);
    assert!(!done && said.contains("line 1") && said.contains("settings.toml"), "{said}");
}

/// Whether a file is below this folder.
fn has_file(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| path.is_file() || has_file(&path))
}

#[tokio::test]
async fn a_restore_that_is_killed_leaves_an_empty_database_and_the_next_one_makes_it_whole() {
    let folder = tempfile::tempdir().unwrap();
    let export = exported(folder.path()).await;
    let there = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite://{}", there.path().join("there.sqlite").display());
    for url in [sqlite, new_postgres().await] {
        let database = Database::connect(&url, 2).await.unwrap();
        vulndesk::migrate::schema(&database).await.unwrap();
        let files = there.path().join(if url.starts_with("sqlite") { "one" } else { "other" });
        let restoring = || {
            let mut command = vulndesk(there.path());
            command.env("VULNDESK_DATABASE_URL", &url).env("VULNDESK_FILES__FOLDER", &files);
            command.arg("restore").arg(&export);
            command
        };
        let mut child = restoring().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while !has_file(&files) {
            assert!(child.try_wait().unwrap().is_none(), "{url}: it ended before it took a file");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let events = async || entity::event::Entity::find().all(database.reader()).await.unwrap().len();
        assert_eq!(events().await, 0, "{url}: nothing of it stays");
        let done = restoring().output().unwrap();
        assert!(done.status.success(), "{url}: {}", text(&done.stderr));
        let said = text(&done.stdout);
        assert!(said.contains("each read back and the same") && said.contains(" 0 faults"), "{said}");
        assert!(events().await > 40, "{url}");
        let again = refused(&restoring().output().unwrap());
        assert!(again.contains("not empty") && again.contains("--database-url"), "{again}");
    }
}

#[tokio::test]
async fn an_advisory_is_written_to_a_file_or_says_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    exported(folder.path()).await;
    let database = Database::connect(&url(folder.path()), 1).await.unwrap();
    let events = entity::event::Entity::find().all(database.reader()).await.unwrap();
    let closed = events.iter().find(|event| event.closed_at.is_some() && event.verdict.is_some()).unwrap();
    let format = ["--format", "csaf-2.1", "--as", "analyst-7"];
    let unknown = refused(&run(folder.path(), &[&["advisory", "VE-2026-999999"][..], &format].concat()));
    assert!(unknown.contains("no event VE-2026-999999"), "{unknown}");
    let lacking = refused(&run(folder.path(), &[&["advisory", &closed.number][..], &format].concat()));
    assert!(lacking.contains("describeEvent"), "{lacking}");
    let wrong =
        refused(&run(folder.path(), &["advisory", &closed.number, "--format", "pdf", "--as", "analyst-7"]));
    assert!(wrong.contains("csaf-2.0, csaf-2.1, cve-5.1, osv"), "{wrong}");
}

#[tokio::test]
async fn a_months_report_is_written_with_its_charts_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    exported(folder).await;
    let database = Database::connect(&url(folder), 1).await.unwrap();
    let event = entity::event::Entity::find().one(database.reader()).await.unwrap().unwrap();
    let month = event.received_at.format("%Y-%m").to_string();
    let write = |format: &str, file: &str, role: &str| {
        let view = ["--month", &month, "--as", "leader-1", "--role", role, "--language", "en"];
        let form = ["--format", format, "--output", file];
        run(folder, &[&["report", "monthly"][..], &view, &form].concat())
    };
    let done = write("markdown", "month.md", "LEADER");
    assert!(done.status.success(), "{}", text(&done.stderr));
    let written = std::fs::read_to_string(folder.join("month.md")).unwrap();
    let charts = written.lines().filter_map(|line| line.strip_prefix("![")?.split_once("]("));
    let charts: Vec<&str> = charts.map(|(_, name)| name.trim_end_matches(')')).collect();
    assert!(!charts.is_empty(), "{written}");
    for chart in charts {
        assert!(std::fs::read_to_string(folder.join(chart)).unwrap().contains("<svg"), "{chart}");
    }
    let done = write("html", "month.html", "LEADER");
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(std::fs::read_to_string(folder.join("month.html")).unwrap().contains("<svg"));
    let none = refused(&write("html", "none.html", "REPORTER"));
    assert!(none.contains("do not allow readFigures") && !none.contains('{'), "in words: {none}");
    assert!(!folder.join("none.html").exists());
}

/// Has a server seal what was written without one.
async fn seal(folder: &Path) {
    let mut command = with_secret(folder);
    command.env("VULNDESK_AUDIT__ANCHOR_MINUTES", "0");
    let (mut server, _) = serving_as(command);
    let database = Database::connect(&url(folder), 1).await.unwrap();
    let waits = entity::audit_entry::Entity::find().filter(entity::audit_entry::Column::Position.is_null());
    while waits.clone().one(database.reader()).await.unwrap().is_some() {
        tokio::task::yield_now().await;
    }
    let told = Command::new("kill").args(["-TERM", &server.id().to_string()]).status().unwrap();
    assert!(told.success() && server.wait().unwrap().success());
}

#[tokio::test]
async fn the_audit_trail_is_exported_signed_and_checked_without_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    exported(folder).await;
    let unsigned = refused(&run(folder, &["audit", "export", "trail", "--as", "auditor-1"]));
    assert!(unsigned.contains("audit make-key") && unsigned.contains("audit.secret_file"), "{unsigned}");
    seal(folder).await;

    let made = run(folder, &["audit", "make-key", "audit.key"]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    std::fs::write(folder.join("audit.pem"), &made.stdout).unwrap();
    let with_key = |arguments: &[&str]| {
        let mut command = vulndesk(folder);
        command.env("VULNDESK_AUDIT__SECRET_FILE", "audit.key");
        command.args(arguments).output().unwrap()
    };
    assert_eq!(text(&with_key(&["audit", "public-key"]).stdout), text(&made.stdout));
    let done = with_key(&["audit", "export", "trail", "--as", "auditor-1"]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(text(&done.stdout).ends_with("signed; 0 wait for their seal and are not in it\n"));
    let secret = std::fs::read_to_string(folder.join("audit.key")).unwrap();
    for output in [&made, &done] {
        assert!(!(text(&output.stdout) + &text(&output.stderr)).contains(secret.trim()));
    }

    // Others can verify the signature too.
    let verified = Command::new("openssl")
        .args(["pkeyutl", "-verify", "-pubin", "-inkey", "audit.pem", "-rawin", "-in", "trail.manifest.json"])
        .args(["-sigfile", "trail.sig"])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(verified.status.success(), "{}", text(&verified.stderr));
    std::fs::remove_file(folder.join("desk.sqlite")).unwrap();
    let check = ["audit", "check", "trail", "--key", "audit.pem"];
    let checked = run(folder, &check);
    assert!(
        checked.status.success() && text(&checked.stdout).ends_with("; 0 faults\n"),
        "{}",
        text(&checked.stdout)
    );
    assert!(!folder.join("desk.sqlite").exists(), "no database is asked");
    let lines = std::fs::read_to_string(folder.join("trail")).unwrap();
    std::fs::write(folder.join("trail"), lines.replacen("analyst-", "analyst_", 1)).unwrap();
    let checked = run(folder, &check);
    assert!(refused(&checked).contains("does not hold"));
    assert!(text(&checked.stdout).contains("was changed after it was written"), "{}", text(&checked.stdout));
}

#[tokio::test]
async fn a_server_anchors_its_trail_to_a_file_that_finds_what_was_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    exported(folder).await;
    seal(folder).await;
    let mut command = with_secret(folder);
    command.env("VULNDESK_AUDIT__ANCHOR_FILE", "gone/anchors").args(["serve", "--listen", "127.0.0.1:0"]);
    assert!(refused(&command.output().unwrap()).contains("audit.anchor_file gone/anchors"));

    let anchors = folder.join("anchors");
    let mut command = with_secret(folder);
    command.env("VULNDESK_AUDIT__ANCHOR_FILE", &anchors);
    let (mut server, _) = serving_as(command);
    // It anchors at its first sweep.
    while !std::fs::read_to_string(&anchors).unwrap().ends_with('\n') {
        std::thread::yield_now();
    }
    server.kill().unwrap();
    server.wait().unwrap();
    let verify = ["audit", "verify", "--anchors", "anchors"];
    let verified = run(folder, &verify);
    assert!(verified.status.success(), "{}", text(&verified.stdout));
    assert!(text(&verified.stdout).contains("\n1 anchors up to position "), "{}", text(&verified.stdout));
    let database = Database::connect(&url(folder), 1).await.unwrap();
    database.writer().execute_unprepared("UPDATE audit_entry SET seal = digest").await.unwrap();
    let cut = run(folder, &verify);
    assert!(refused(&cut).contains("does not hold"));
    assert!(text(&cut.stdout).contains("not the chain that was anchored"), "{}", text(&cut.stdout));
}

/// Runs a program that has to succeed.
fn program(name: &str, arguments: &[&str]) {
    let done = Command::new(name).args(arguments).output().unwrap();
    assert!(done.status.success(), "{name}: {}", text(&done.stderr));
}

/// Demands that the audit trail of a restored backup holds.
fn verifies(folder: &Path, url: &str, files: &Path) {
    let mut command = vulndesk(folder);
    command.env("VULNDESK_DATABASE_URL", url).env("VULNDESK_FILES__FOLDER", files);
    let verified = command.args(["audit", "verify"]).output().unwrap();
    assert!(verified.status.success(), "{}{}", text(&verified.stdout), text(&verified.stderr));
    assert!(!text(&verified.stdout).starts_with("0 entries"), "{}", text(&verified.stdout));
}

#[tokio::test]
async fn backups_taken_at_work_as_operations_says_are_whole_when_they_are_restored() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let export = exported(folder).await;
    let path = |name: &str| folder.join(name).display().to_string();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/import/cnvd-quirks.xml");
    let importing = |url: &str| {
        let mut command = vulndesk(folder);
        command.env("VULNDESK_DATABASE_URL", url).arg("import").arg("cnvd").arg(&fixture);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };

    let mut writing = importing(&url(folder));
    let database = Database::connect(&url(folder), 1).await.unwrap();
    let vacuum = format!("VACUUM INTO '{}'", path("backup.sqlite"));
    database.writer().execute_unprepared(&vacuum).await.unwrap();
    program("cp", &["-a", &path("desk.sqlite.files"), &path("backup.sqlite.files")]);
    assert!(writing.wait().unwrap().success());
    verifies(folder, &format!("sqlite://{}", path("backup.sqlite")), &folder.join("backup.sqlite.files"));

    let (there, restored) = (new_postgres().await, new_postgres().await);
    let mut moving = vulndesk(folder);
    moving.env("VULNDESK_DATABASE_URL", &there).env("VULNDESK_FILES__FOLDER", path("there"));
    let moved = moving.arg("restore").arg(&export).output().unwrap();
    assert!(moved.status.success(), "{}", text(&moved.stderr));
    let mut writing = importing(&there);
    program("pg_dump", &["--format=custom", &format!("--file={}", path("dump")), &there]);
    program("cp", &["-a", &path("there"), &path("copy")]);
    assert!(writing.wait().unwrap().success());
    program("pg_restore", &["--no-owner", "--exit-on-error", &format!("--dbname={restored}"), &path("dump")]);
    verifies(folder, &restored, &folder.join("copy"));
}
