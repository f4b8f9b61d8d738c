//! A running product for one test: the real router over a database of its own, a clock that the test sets.

use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use vulndesk::advisory::AdvisorySettings;
use vulndesk::app::App;
use vulndesk::auth::{AuthSettings, DevelopmentSecret, MintRequest, Role, Verifier, mint};
use vulndesk::clock::{Clock, Ids, SetClock};
use vulndesk::database::{Database, Writer};
use vulndesk::executor::Api;
use vulndesk::graphql::guard::GuardLimits;
use vulndesk::http::client_address::PeerAddress;
use vulndesk::http::health::Health;
use vulndesk::http::live::{self, Live, LiveSettings};
use vulndesk::http::metrics::Metrics;
use vulndesk::http::persisted::Documents;
use vulndesk::http::rates::{RateSettings, Rates};
use vulndesk::http::serve::Shutdown;
use vulndesk::http::settings::HttpSettings;
use vulndesk::http::{Services, page, router};
use vulndesk::mail::settings::Mailroom;
use vulndesk::notice::NoticeSettings;
use vulndesk::outbound::{OutboundSettings, Policy};
use vulndesk::reply::settings::{ReplySettings, SmtpSettings, Tls};
use vulndesk::secret::{Key, KeyRing};
use vulndesk::{attachment, feed, graphql, hook, migrate, reply};

/// When every test begins.
pub(crate) const START: &str = "2026-03-02T01:00:00Z";

/// What signs the tokens of [`TestApp::mint`].
pub(crate) const SECRET: &[u8] = b"a secret for tests that is long enough";

/// Time for a hook's body to arrive.
const BODY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// A running product.
pub(crate) struct TestApp {
    pub(crate) app: Arc<App>,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) router: Router,
    /// What stays open to be told; a test lets its hub look by itself.
    pub(crate) live: Arc<Live>,
    /// Ends what stays open.
    pub(crate) shutdown: Shutdown,
    statements: Arc<Mutex<Vec<String>>>,
    secret: DevelopmentSecret,
    url: String,
    file: Option<PathBuf>,
    owner: Database,
}

/// The kinds of databases.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// Runs `test` on SQLite and on PostgreSQL.
pub(crate) async fn on_both<F: Future<Output = ()>>(test: impl Fn(TestApp) -> F) {
    test(TestApp::sqlite().await).await;
    test(TestApp::postgres().await).await;
}

impl TestApp {
    pub(crate) async fn sqlite() -> Self {
        Self::sqlite_with(|secret, _| Verifier::development(AuthSettings::default(), secret)).await
    }

    /// One that verifies tokens otherwise than by the secret with which [`TestApp::mint`] signs.
    pub(crate) async fn sqlite_with(
        verifier: impl FnOnce(&DevelopmentSecret, Arc<dyn Clock>) -> Verifier,
    ) -> Self {
        let (url, file) = new_sqlite().await;
        Self::over(&url, file, verifier).await
    }

    /// A database of its own on the server that `scripts/test` starts.
    pub(crate) async fn postgres() -> Self {
        let verifier = |secret: &DevelopmentSecret, _| Verifier::development(AuthSettings::default(), secret);
        Self::over(&new_postgres().await, None, verifier).await
    }

    async fn over(
        url: &str,
        file: Option<PathBuf>,
        verifier: impl FnOnce(&DevelopmentSecret, Arc<dyn Clock>) -> Verifier,
    ) -> Self {
        Self::over_with(url, file, verifier, &ReplySettings::default(), Mailroom::default()).await
    }

    /// One on each database whose mail server is at this port of the loopback, and which believes what mx.example.com says of
    /// senders.
    pub(crate) async fn with_mail(port: u16) -> [Self; 2] {
        [Self::mailing(port, Kind::Sqlite).await, Self::mailing(port, Kind::Postgres).await]
    }

    /// The same on one database.
    pub(crate) async fn mailing(port: u16, kind: Kind) -> Self {
        let smtp = SmtpSettings {
            host: Some("127.0.0.1".to_owned()),
            port,
            tls: Tls::None,
            from: Some("psirt@example.com".to_owned()),
            timeout_seconds: 2,
            ..SmtpSettings::default()
        };
        let replies = ReplySettings {
            company: Some("Example Networks".to_owned()),
            contact: Some("psirt@example.com".to_owned()),
            smtp,
            ..ReplySettings::default()
        };
        let verifier = |secret: &DevelopmentSecret, _: Arc<dyn Clock>| {
            Verifier::development(AuthSettings::default(), secret)
        };
        let mailroom = Mailroom { trusted_servers: vec!["mx.example.com".to_owned()], ..Mailroom::default() };
        let (url, file) = match kind {
            Kind::Sqlite => new_sqlite().await,
            Kind::Postgres => (new_postgres().await, None),
        };
        Self::over_with(&url, file, verifier, &replies, mailroom).await
    }

    async fn over_with(
        url: &str,
        file: Option<PathBuf>,
        verifier: impl FnOnce(&DevelopmentSecret, Arc<dyn Clock>) -> Verifier,
        replies: &ReplySettings,
        mailroom: Mailroom,
    ) -> Self {
        let clock = Arc::new(SetClock::new(START.parse().unwrap()));
        let shared: Arc<dyn Clock> = Arc::clone(&clock) as _;
        let owner = Database::connect(url, 2).await.unwrap();
        let mut database = match &file {
            Some(_) => owner.clone(),
            None => as_application(url, &owner).await,
        };
        let statements = Arc::new(Mutex::new(Vec::new()));
        let recorded = Arc::clone(&statements);
        database.observe(move |info| recorded.lock().unwrap().push(info.statement.sql.clone()));
        let mut app =
            App::new(database, Arc::clone(&shared), Ids::seeded(Arc::clone(&shared), 2)).await.unwrap();
        app.advisories = AdvisorySettings {
            publisher: Some("Example Networks".to_owned()),
            namespace: Some("https://example.com".parse().unwrap()),
            base_url: Some("https://example.com/advisories/".parse().unwrap()),
            cve_organization: Some(uuid::Uuid::from_u128(1)),
            ..AdvisorySettings::default()
        };
        app.digest = NoticeSettings::default().read().unwrap();
        app.demands_messages = true;
        // Receivers of tests are on an address of the loopback that is allowed for them alone.
        let outbound = Policy::new(&OutboundSettings {
            http_hosts: vec!["127.0.0.2".to_owned()],
            networks: vec!["127.0.0.2/32".parse().unwrap()],
            ports: (443..=65_535).collect(),
        });
        let app = app
            .with_mailroom(mailroom)
            .with_secrets(KeyRing::new([Key::new([7; 32])]))
            .with_outbound(outbound);
        let app = Arc::new(app.with_replies(replies.read().unwrap()));
        let secret = DevelopmentSecret::new(SECRET).unwrap();
        let verifier = verifier(&secret, Arc::clone(&shared));
        let (schema, verifier) = (graphql::schema(), Arc::new(verifier));
        let metrics = Arc::new(Metrics::default());
        let rates = Arc::new(Rates::new(&RateSettings { points_a_second: 0, ..RateSettings::default() }));
        let documents = Arc::new(Documents::read(None).unwrap());
        let shutdown = Shutdown::default();
        let process = live::Process {
            app: Arc::clone(&app),
            schema: schema.clone(),
            verifier: Arc::clone(&verifier),
            rates: Arc::clone(&rates),
            documents: Arc::clone(&documents),
            shutdown: shutdown.clone(),
        };
        let bounds = live::Bounds {
            live: LiveSettings::default(),
            http: HttpSettings::default(),
            limits: GuardLimits::default(),
        };
        let live = Live::new(process, bounds, &metrics);
        let open = Some(Arc::clone(&live));
        let api = Arc::new(Api { app: Arc::clone(&app), schema, verifier, rates, live: open });
        let services = Services {
            executor: Arc::clone(&api),
            documents,
            ids: Arc::new(Ids::seeded(shared, 3)),
            health: Arc::new(Health::new(CancellationToken::new())),
            metrics,
        };
        let more = page::routes()
            .merge(hook::http::routes(Arc::clone(&app), BODY_TIMEOUT))
            .merge(feed::http::routes(Arc::clone(&app)))
            .merge(attachment::http::routes(Arc::clone(&api)))
            .merge(live::routes(Arc::clone(&live)))
            .merge(reply::http::routes(api));
        let router = router(&HttpSettings::default(), GuardLimits::default(), services, more);
        Self { app, clock, router, live, shutdown, statements, secret, url: url.to_owned(), file, owner }
    }

    /// The same database on PostgreSQL as another of its users has it.
    pub(crate) async fn database_as(&self, user: &str) -> Database {
        as_user(&self.url, user).await
    }

    /// The database as its owner has it. The product itself runs with the rights of an application, which on PostgreSQL
    /// may not do what tests do by hand.
    pub(crate) fn owner(&self) -> &Writer {
        self.owner.writer()
    }

    /// The same, for what changes the schema.
    pub(crate) fn owner_database(&self) -> &Database {
        &self.owner
    }

    /// The database's bytes as they lie on disk; none for a server's.
    pub(crate) fn bytes_at_rest(&self) -> Option<Vec<u8>> {
        let file = self.file.as_ref()?;
        let read = |suffix: &str| std::fs::read(format!("{}{suffix}", file.display())).unwrap_or_default();
        Some([read(""), read("-wal")].concat())
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(crate) fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    pub(crate) fn token(&self, role: Role, subject: &str) -> String {
        self.mint(&[role], subject, &[], None)
    }

    /// A token with the scope that such a caller has: an engineer's product, a service's channel.
    pub(crate) fn token_in_scope(&self, role: Role, subject: &str) -> String {
        let products: &[&str] = if role == Role::Engineer { &["core-router"] } else { &[] };
        self.mint(&[role], subject, products, (role == Role::Src).then_some("src"))
    }

    pub(crate) fn mint(
        &self,
        roles: &[Role],
        subject: &str,
        products: &[&str],
        channel: Option<&str>,
    ) -> String {
        self.mint_with_email(roles, subject, products, channel, None)
    }

    /// The same with the address of a person.
    pub(crate) fn mint_with_email(
        &self,
        roles: &[Role],
        subject: &str,
        products: &[&str],
        channel: Option<&str>,
        email: Option<&str>,
    ) -> String {
        let request = MintRequest {
            subject: subject.to_owned(),
            roles: roles.to_vec(),
            products: products.iter().map(|&product| product.to_owned()).collect(),
            teams: Vec::new(),
            channel: channel.map(str::to_owned),
            email: email.map(str::to_owned),
            now: self.now(),
            lifetime: TimeDelta::hours(1),
        };
        mint(&self.secret, &AuthSettings::default(), &request).unwrap()
    }

    /// Posts a GraphQL request and answers its body.
    pub(crate) async fn graphql(&self, token: &str, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let request = Request::post("/graphql")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .unwrap();
        let (status, body) = self.send(request).await;
        assert!(status < 500, "{status} {body}");
        serde_json::from_str(&body).unwrap_or_else(|_| panic!("no JSON: {body}"))
    }

    /// Sends any request and answers status and body.
    pub(crate) async fn send(&self, request: Request<Body>) -> (u16, String) {
        let response = self.respond(request).await;
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 16 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    /// Sends any request and answers the whole response.
    pub(crate) async fn respond(&self, mut request: Request<Body>) -> Response {
        request.extensions_mut().insert(PeerAddress("127.0.0.1:40000".parse().unwrap()));
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Runs `work` and answers how many SQL statements it took.
    pub(crate) async fn statements_of<T>(&self, work: impl Future<Output = T>) -> (T, usize) {
        let (result, statements) = self.sql_of(work).await;
        (result, statements.len())
    }

    /// Runs `work` and answers the SQL statements that it took.
    pub(crate) async fn sql_of<T>(&self, work: impl Future<Output = T>) -> (T, Vec<String>) {
        let before = self.statements.lock().unwrap().len();
        let result = work.await;
        (result, self.statements.lock().unwrap()[before..].to_vec())
    }

    /// The same in an order that does not depend on which of those that were asked at once came first.
    pub(crate) async fn sorted_sql_of<T>(&self, work: impl Future<Output = T>) -> (T, Vec<String>) {
        let (result, mut statements) = self.sql_of(work).await;
        statements.sort_unstable();
        (result, statements)
    }

    /// Forgets the SQL statements so far, of which a long test has too many.
    pub(crate) fn forget_sql(&self) {
        self.statements.lock().unwrap().clear();
    }

    /// A channel, a product in nobody's scope and who is on duty.
    pub(crate) async fn with_company(&self) {
        let admin = self.token(Role::Admin, "admin-1");
        for (key, kind) in [("cnvd", "NATIONAL_DATABASE"), ("src", "SRC_PLATFORM")] {
            let input = json!({ "key": key, "name": key, "kind": kind, "jurisdiction": "CN", "abroad": false, "replyRequired": true });
            self.done(&admin, "createChannel", "CreateChannel", input, "channel { id }").await;
        }
        let input = json!({
            "key": "edge-gateway", "name": "Edge Gateway", "line": "gateway", "ownerTeam": "gateway-team",
            "providerEntity": "Example Networks", "kind": "PRODUCT", "importance": "9.0", "reach": "9.0",
            "assetTier": "CORE", "lifecycle": "SUPPORTED",
        });
        self.done(&admin, "createProduct", "CreateProduct", input, "product { id }").await;
    }

    /// Receives a report and answers the ids of its event and of itself.
    pub(crate) async fn receive(&self, subject: &str, channel: &str, number: &str, tlp: &str) -> Received {
        let analyst = self.token(Role::Analyst, subject);
        let input = json!({
            "channel": channel, "number": number, "title": format!("A hole {number}"), "text": "Steps", "tlp": tlp,
        });
        let fields = "report { id event { id number version } }";
        let answer = self.done(&analyst, "receiveReport", "ReceiveReport", input, fields).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let report = &answer["report"];
        Received {
            report: text(&report["id"]),
            event: text(&report["event"]["id"]),
            number: text(&report["event"]["number"]),
        }
    }

    /// Calls a mutation that has to be done.
    pub(crate) async fn done(
        &self,
        token: &str,
        mutation: &str,
        kind: &str,
        input: Value,
        fields: &str,
    ) -> Value {
        let payload = self.change(token, mutation, kind, input, fields).await;
        assert_eq!(payload["userErrors"], json!([]), "{mutation}: {payload}");
        payload
    }

    /// Calls a mutation and answers its payload.
    pub(crate) async fn change(
        &self,
        token: &str,
        mutation: &str,
        kind: &str,
        input: Value,
        fields: &str,
    ) -> Value {
        let document = format!(
            "mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {fields} userErrors {{ code field message }} }} }}"
        );
        let answer = self.graphql(token, &document, json!({ "input": input })).await;
        if answer["data"][mutation].is_null() { answer } else { answer["data"][mutation].clone() }
    }
}

/// A report that was received.
pub(crate) struct Received {
    pub(crate) report: String,
    pub(crate) event: String,
    pub(crate) number: String,
}

impl Drop for TestApp {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            if let Some(file) = &self.file {
                let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
            }
        }
    }
}

/// Makes a database on the server that `scripts/test` starts, and answers its URL.
async fn new_postgres() -> String {
    let server = server();
    let admin = Database::connect(&format!("{server}/postgres"), 1).await.unwrap();
    let create = async |name: &str, of: &str| {
        let sql = format!("CREATE DATABASE {name} TEMPLATE {of}");
        admin.writer().execute_unprepared(&sql).await.unwrap();
    };
    // Migrated once, and copied for each test.
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    let template = TEMPLATE.get_or_init(async || {
        let name = format!("test_{}", unique());
        create(&name, "template1").await;
        let owner = Database::connect(&format!("{server}/{name}"), 2).await.unwrap();
        migrated(&owner).await;
        // Nobody may be connected to what is copied.
        owner.close().await.unwrap();
        name
    });
    let (name, template) = (format!("test_{}", unique()), template.await);
    create(&name, template).await;
    format!("{server}/{name}")
}

/// A database with nothing in it on the server that `scripts/test` starts.
pub(crate) async fn empty_postgres() -> String {
    let server = server();
    let admin = Database::connect(&format!("{server}/postgres"), 1).await.unwrap();
    let name = format!("test_{}", unique());
    admin.writer().execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    format!("{server}/{name}")
}

fn server() -> String {
    std::env::var("VULNDESK_TEST_POSTGRES")
        .expect("VULNDESK_TEST_POSTGRES names a PostgreSQL server to make databases on: run scripts/test")
}

/// The migrated database at `url` for a user with no more rights than `deploy/postgresql-roles.sql` gives: so every test
/// on PostgreSQL shows that they suffice.
async fn as_application(url: &str, owner: &Database) -> Database {
    owner.writer().execute_unprepared(include_str!("../../deploy/postgresql-roles.sql")).await.unwrap();
    as_user(url, "vulndesk_app").await
}

/// The URL and the file of a migrated SQLite database of its own.
async fn new_sqlite() -> (String, Option<PathBuf>) {
    static TEMPLATE: OnceCell<Vec<u8>> = OnceCell::const_new();
    let file = std::env::temp_dir().join(format!("vulndesk-test-{}.sqlite", unique()));
    let url = format!("sqlite://{}", file.display());
    let template = TEMPLATE.get_or_init(async || {
        let owner = Database::connect(&url, 1).await.unwrap();
        migrated(&owner).await;
        // With its log, which goes into the file when the last connection to it is over.
        owner.close().await.unwrap();
        std::fs::read(&file).unwrap()
    });
    std::fs::write(&file, template.await).unwrap();
    (url, Some(file))
}

async fn migrated(owner: &Database) {
    let clock: Arc<dyn Clock> = Arc::new(SetClock::new(START.parse().unwrap()));
    migrate::run(owner, clock.as_ref(), &Ids::seeded(Arc::clone(&clock), 1)).await.unwrap();
}

/// Connects another user to the same database, whom a server for tests asks for no password.
async fn as_user(url: &str, user: &str) -> Database {
    let mut url = url::Url::parse(url).unwrap();
    url.set_username(user).unwrap();
    url.set_password(None).unwrap();
    Database::connect(url.as_str(), 8).await.unwrap()
}

/// A name that no other test of this or another process has.
fn unique() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst))
}
