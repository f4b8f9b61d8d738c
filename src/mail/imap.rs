//! A mailbox on a mail server (IMAP, RFC 3501): looked at, and what was recorded marked.
//!
//! A mail is marked only after what it made is committed. A process that ends in between leaves it unmarked, so the next
//! one finds it again, and its Message-ID tells that it is known. Nothing is read that marks a mail by being read.

use std::fmt::Debug;
use std::sync::Arc;

use anyhow::{Context, bail};
use async_imap::{Client, Session};
use futures_util::TryStreamExt;
use secrecy::ExposeSecret;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::Incoming;
use super::settings::Imap;
use crate::reply::settings::Tls;

/// A connection, in the clear or secured.
trait Stream: AsyncRead + AsyncWrite + Unpin + Debug + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Debug + Send> Stream for T {}

/// A mailbox that is open.
#[derive(Debug)]
pub struct Mailbox<'a> {
    session: Session<Box<dyn Stream>>,
    settings: &'a Imap,
    /// Whether the server moves mails in one step (RFC 6851).
    moves: bool,
}

/// A mail as the mailbox has it.
#[derive(Clone, Debug)]
pub enum Fetched {
    /// The mail.
    Mail(Incoming),
    /// It has more bytes than it may have.
    TooLarge,
    /// Somebody took it away.
    Gone,
}

/// Runs one step within the time that it may take.
async fn within<T, E: Into<anyhow::Error>>(
    settings: &Imap,
    step: &'static str,
    work: impl Future<Output = Result<T, E>>,
) -> anyhow::Result<T> {
    match timeout(settings.timeout, work).await {
        Ok(done) => done.map_err(Into::into).context(step),
        Err(_) => bail!("{step}: no answer within {} s", settings.timeout.as_secs()),
    }
}

impl<'a> Mailbox<'a> {
    /// Connects, secures the connection, logs in and opens the folder.
    ///
    /// # Errors
    /// When the server cannot be asked, or refuses.
    pub async fn open(settings: &'a Imap) -> anyhow::Result<Self> {
        let mut client = within(settings, "connecting", connect(settings)).await?;
        if settings.tls != Tls::Starttls {
            within(settings, "greeting", client.read_response()).await?.context("the server says nothing")?;
        }
        let login = client.login(&settings.user, settings.password.expose_secret());
        let login = async { login.await.map_err(|(error, _)| error) };
        let mut session = within(settings, "logging in", login).await?;
        let capabilities = within(settings, "capabilities", session.capabilities()).await?;
        within(settings, "opening the folder", session.select(&settings.folder)).await?;
        Ok(Self { session, settings, moves: capabilities.has_str("MOVE") })
    }

    /// The mails that wait, oldest first. Where recorded ones are moved away all that is there waits, whoever has read it
    /// meanwhile; else what is not seen.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn waiting(&mut self) -> anyhow::Result<Vec<u32>> {
        let what = if self.settings.done_folder.is_some() { "UNDELETED" } else { "UNSEEN UNDELETED" };
        let found = within(self.settings, "searching", self.session.uid_search(what)).await?;
        let mut found: Vec<u32> = found.into_iter().collect();
        found.sort_unstable();
        Ok(found)
    }

    /// One mail of at most `most` bytes, without marking it.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn fetch(&mut self, uid: u32, most: usize) -> anyhow::Result<Fetched> {
        let asked = self.session.uid_fetch(uid.to_string(), "(RFC822.SIZE INTERNALDATE)");
        let asked = async { asked.await?.try_collect::<Vec<_>>().await };
        let found = within(self.settings, "asking for a mail's size", asked).await?;
        let Some(found) = found.into_iter().find(|fetch| fetch.uid == Some(uid)) else {
            return Ok(Fetched::Gone);
        };
        let size = found.size.context("the server does not say how large a mail is")?;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if size > most {
            return Ok(Fetched::TooLarge);
        }
        let received_at = found.internal_date().map(|at| at.to_utc());
        let asked = self.session.uid_fetch(uid.to_string(), "(BODY.PEEK[])");
        let asked = async { asked.await?.try_collect::<Vec<_>>().await };
        let found = within(self.settings, "fetching a mail", asked).await?;
        let body = found.iter().find(|fetch| fetch.uid == Some(uid)).and_then(|fetch| fetch.body());
        Ok(body.map_or(Fetched::Gone, |body| Fetched::Mail(Incoming { bytes: body.to_vec(), received_at })))
    }

    /// Marks a mail as done with, and as one for a person to look at where it was `refused`.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn done(&mut self, uid: u32, refused: bool) -> anyhow::Result<()> {
        let flags = if refused { "+FLAGS (\\Seen \\Flagged)" } else { "+FLAGS (\\Seen)" };
        self.mark(uid, flags).await?;
        let Some(folder) = &self.settings.done_folder else { return Ok(()) };
        if self.moves {
            return within(self.settings, "moving a mail", self.session.uid_mv(uid.to_string(), folder))
                .await;
        }
        within(self.settings, "copying a mail", self.session.uid_copy(uid.to_string(), folder)).await?;
        self.mark(uid, "+FLAGS (\\Deleted)").await
    }

    async fn mark(&mut self, uid: u32, flags: &str) -> anyhow::Result<()> {
        let marked = self.session.uid_store(uid.to_string(), flags);
        let marked = async { marked.await?.try_collect::<Vec<_>>().await };
        within(self.settings, "marking a mail", marked).await.map(|_| ())
    }

    /// Takes leave. What the server says to that changes nothing.
    pub async fn leave(mut self) {
        let _ = timeout(self.settings.timeout, self.session.logout()).await;
    }
}

async fn connect(settings: &Imap) -> anyhow::Result<Client<Box<dyn Stream>>> {
    let stream = TcpStream::connect((settings.host.as_str(), settings.port)).await?;
    stream.set_nodelay(true)?;
    Ok(match settings.tls {
        Tls::None => Client::new(Box::new(stream)),
        Tls::Implicit => Client::new(Box::new(secure(settings, stream).await?)),
        Tls::Starttls => {
            let mut client = Client::new(stream);
            client.read_response().await?.context("the server says nothing")?;
            // A server that does not offer it is refused: nothing is said in the clear.
            client.run_command_and_check_ok("STARTTLS", None).await?;
            Client::new(Box::new(secure(settings, client.into_inner()).await?))
        }
    })
}

async fn secure(
    settings: &Imap,
    stream: TcpStream,
) -> anyhow::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    for certificate in settings.ca.iter().flat_map(|pem| CertificateDer::pem_slice_iter(pem)) {
        roots.add(certificate?)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(settings.host.clone())?;
    Ok(TlsConnector::from(Arc::new(config)).connect(name, stream).await?)
}
