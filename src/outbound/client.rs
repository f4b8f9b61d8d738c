//! One request, within bounds.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::Resolve;
use reqwest::header::{ETAG, HeaderMap, RETRY_AFTER};
use reqwest::{Method, redirect};
use url::Url;

use super::resolver::{GuardedResolver, SystemResolver};
use super::{Policy, Refusal};

/// For a whole exchange, unless [`with_deadline`](Client::with_deadline) sets another: from resolving the name to the last byte that is read.
const DEADLINE: Duration = Duration::from_secs(15);
/// For the connection alone, TLS included.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// How long a connection that nobody uses is kept.
const IDLE: Duration = Duration::from_secs(60);
/// Connections kept for one host.
const IDLE_PER_HOST: usize = 64;

/// Asks hosts outside, under a policy.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    policy: Arc<Policy>,
    deadline: Duration,
}

/// What a host answered. Whether that is a success, the caller decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The `Retry-After` header, as it came.
    pub retry_after: Option<String>,
    /// The `ETag` header, as it came.
    pub etag: Option<String>,
    /// The first bytes of the body, as it came: nothing is unpacked.
    pub body: Vec<u8>,
    /// Whether the body broke off, or dripped on until the deadline.
    pub broken: bool,
    /// Whether the body goes on behind the bytes that were read.
    pub cut: bool,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The policy does not let us ask.
    #[error("not sent: {0}")]
    Refused(#[from] Refusal),
    /// The name could not be resolved.
    #[error("the name cannot be resolved")]
    Name,
    /// No connection, or no TLS.
    #[error("no connection: {0}")]
    Connect(String),
    /// Not finished within the deadline.
    #[error("no answer within {0:?}")]
    Deadline(Duration),
    /// Broken off, or not HTTP.
    #[error("the exchange broke off: {0}")]
    Broken(String),
}

/// The client could not be made: the system's certificates, most likely.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be made: {0}")]
pub struct ClientError(#[from] reqwest::Error);

impl Client {
    /// A client under `policy`.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub fn new(policy: Policy) -> Result<Self, ClientError> {
        Self::with_resolver(policy, Arc::new(SystemResolver))
    }

    /// A client that resolves names through `resolver`.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub fn with_resolver(policy: Policy, resolver: Arc<dyn Resolve>) -> Result<Self, ClientError> {
        let policy = Arc::new(policy);
        let guarded = GuardedResolver { inner: resolver, policy: Arc::clone(&policy) };
        let http = reqwest::Client::builder()
            .user_agent(concat!("vulndesk/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(guarded)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .referer(false)
            // One request at a time on a connection: what one receiver does to a connection touches no other request.
            .http1_only()
            .connect_timeout(CONNECT_DEADLINE)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .tcp_nodelay(true)
            .build()?;
        Ok(Self { http, policy, deadline: DEADLINE })
    }

    /// The same client with another deadline for a whole exchange.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The policy that it keeps to.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Posts `body` and reads at most `limit` bytes of the answer.
    ///
    /// # Errors
    /// When the policy refuses, or no answer comes before the deadline (15 seconds). A long or slow body is no error once the head
    /// is there: what came of it until then is the answer's body.
    pub async fn post(
        &self,
        url: &Url,
        headers: HeaderMap,
        body: impl Into<reqwest::Body>,
        limit: usize,
    ) -> Result<Answer, Failure> {
        self.send(Method::POST, url, headers, body, limit).await
    }

    /// The same by any method.
    ///
    /// # Errors
    /// Those of [`post`](Self::post).
    pub async fn send(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: impl Into<reqwest::Body>,
        limit: usize,
    ) -> Result<Answer, Failure> {
        self.policy.check_url(url)?;
        let deadline = tokio::time::Instant::now() + self.deadline;
        let request = self.http.request(method, url.clone()).headers(headers).body(body).send();
        let mut response = tokio::time::timeout_at(deadline, request)
            .await
            .map_err(|_| Failure::Deadline(self.deadline))?
            .map_err(failure)?;
        let status = response.status().as_u16();
        let header = |name| response.headers().get(name)?.to_str().ok().map(str::to_owned);
        let (retry_after, etag) = (header(RETRY_AFTER), header(ETAG));
        let (mut body, mut broken, mut cut) = (Vec::new(), false, false);
        loop {
            match tokio::time::timeout_at(deadline, response.chunk()).await {
                Ok(Ok(Some(chunk))) => {
                    let room = limit - body.len();
                    body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                    cut = chunk.len() > room;
                    if cut {
                        break;
                    }
                }
                // The status is what counts; a body that breaks off or drips on is only kept for people to read.
                Ok(Ok(None)) => break,
                Ok(Err(_)) | Err(_) => {
                    broken = true;
                    break;
                }
            }
        }
        Ok(Answer { status, retry_after, etag, body, broken, cut })
    }
}

/// What an error of the client means, without the URL: its path may be a secret.
fn failure(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let mut cause: Option<&(dyn std::error::Error + 'static)> = error.source();
    let mut innermost = None;
    while let Some(current) = cause {
        if let Some(refusal) = current.downcast_ref::<Refusal>() {
            return Failure::Refused(refusal.clone());
        }
        innermost = Some(current.to_string());
        cause = current.source();
    }
    let words = innermost.unwrap_or_else(|| error.to_string());
    if error.is_dns() {
        Failure::Name
    } else if error.is_timeout() {
        Failure::Connect("no connection within 5 seconds".to_owned())
    } else if error.is_connect() {
        Failure::Connect(words)
    } else {
        Failure::Broken(words)
    }
}
