//! The listening socket: bounded connections, bounded waiting, and an orderly end.
//!
//! HTTP/1.1 only. A TLS proxy in front speaks HTTP/2 to its clients; without TLS no browser does, and each
//! protocol more is one more to bound.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    os::fd::AsFd,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{SignalKind, signal},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use super::{
    client_address::PeerAddress,
    linger::{Lingering, Unread},
    settings::{HttpSettings, HttpSettingsError},
};

/// Headers of one request.
const MAX_HEADERS: usize = 64;
/// Bytes of a request's head, and of what is buffered of a connection.
const MAX_BUFFER_BYTES: usize = 32 * 1024;
/// Time in which a connection that was made just before shutdown may bring its request.
const FIRST_REQUEST: Duration = Duration::from_millis(500);
/// Pause after the system refused to accept, for example for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Why the server did not start.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The settings are unsafe.
    #[error(transparent)]
    Settings(#[from] HttpSettingsError),
    /// The address cannot be had.
    #[error("cannot listen on http.listen = {address}: {cause}. Free the port or choose another")]
    Bind {
        /// The address in the settings.
        address: SocketAddr,
        /// The system's reason.
        cause: io::Error,
    },
    /// The process cannot wait for signals.
    #[error("cannot wait for signals: {0}")]
    Signals(#[source] io::Error),
}

/// The process's end, announced to all that waits or streams.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Cancelled when the process is told to end. It is ready no more, and still answers whoever has not noticed.
    pub leaving: CancellationToken,
    /// Cancelled when shutdown begins. Streams and sockets end by themselves on it.
    pub token: CancellationToken,
    /// Tasks that outlive their HTTP connection (upgraded sockets) and are waited for.
    pub streams: TaskTracker,
}

impl Shutdown {
    /// Whether the process is about to end.
    fn has_begun(&self) -> bool {
        self.leaving.is_cancelled() || self.token.is_cancelled()
    }

    /// Leaves at the first SIGTERM or SIGINT, and begins shutdown after `notice` or at the second.
    pub fn on_signals(&self, notice: Duration) -> Result<(), ServeError> {
        let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signals)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Signals)?;
        let Self { leaving, token, .. } = self.clone();
        tokio::spawn(async move {
            let mut told = async || {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                    () = token.cancelled() => {}
                }
            };
            told().await;
            leaving.cancel();
            let _ = tokio::time::timeout(notice, told()).await;
            token.cancel();
        });
        Ok(())
    }
}

/// Whether everything ended by itself at shutdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// All requests and streams ended.
    Completely,
    /// Some were cut off after the drain time.
    CutOff,
}

/// A bound socket, not yet answering.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    connections: Arc<Semaphore>,
    header_timeout: Duration,
    write_timeout: Duration,
    drain_timeout: Duration,
}

impl Server {
    /// Checks the settings and binds the address.
    pub async fn bind(settings: &HttpSettings) -> Result<Self, ServeError> {
        settings.check()?;
        let failed = |cause| ServeError::Bind { address: settings.listen, cause };
        let listener = TcpListener::bind(settings.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self {
            listener,
            address,
            connections: Arc::new(Semaphore::new(settings.connections.min(Semaphore::MAX_PERMITS))),
            header_timeout: settings.header_timeout(),
            write_timeout: Duration::from_secs(settings.write_seconds),
            drain_timeout: settings.drain_timeout(),
        })
    }

    /// The address that was bound, with the port that the system chose for port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown` begins, then waits for open requests and streams within the drain time.
    pub async fn run(self, router: Router, shutdown: Shutdown) -> Drained {
        let open = TaskTracker::new();
        let accepting = async {
            loop {
                let (stream, peer, permit) = self.accept().await;
                open.spawn(self.connection(stream, peer, Some(permit), router.clone(), shutdown.clone()));
            }
        };
        tokio::select! {
            () = accepting => {}
            () = shutdown.token.cancelled() => {}
        }
        // Who has connected already and was not accepted yet would else be cut off with its request.
        for (stream, peer) in self.waiting() {
            open.spawn(self.connection(stream, peer, None, router.clone(), shutdown.clone()));
        }
        drop(self.listener);
        open.close();
        shutdown.streams.close();
        let draining = async { tokio::join!(open.wait(), shutdown.streams.wait()) };
        match tokio::time::timeout(self.drain_timeout, draining).await {
            Ok(_) => Drained::Completely,
            Err(_) => Drained::CutOff,
        }
    }

    /// The next connection, taken only when there is room for it.
    async fn accept(&self) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
        loop {
            let Ok(permit) = self.connections.clone().acquire_owned().await else {
                unreachable!("the semaphore is never closed")
            };
            match self.listener.accept().await {
                Ok((stream, peer)) => return (stream, peer, permit),
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Connections that wait to be accepted, however many are served.
    fn waiting(&self) -> impl Iterator<Item = (TcpStream, SocketAddr)> {
        // Asked by hand, since the runtime may not have heard of them yet.
        let listener = self.listener.as_fd().try_clone_to_owned().map(std::net::TcpListener::from);
        std::iter::from_fn(move || {
            let (stream, peer) = listener.as_ref().ok()?.accept().ok()?;
            stream.set_nonblocking(true).ok()?;
            Some((TcpStream::from_std(stream).ok()?, peer))
        })
    }

    /// Serves one connection to its end; at shutdown the request in progress is finished, within the drain time.
    fn connection(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        permit: Option<OwnedSemaphorePermit>,
        router: Router,
        shutdown: Shutdown,
    ) -> impl Future<Output = ()> + Send + 'static {
        let mut http = http1::Builder::new();
        // The header timeout also ends connections that stand idle between requests.
        http.timer(TokioTimer::new())
            .header_read_timeout(self.header_timeout)
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_BUFFER_BYTES);
        let (write_timeout, drain_timeout) = (self.write_timeout, self.drain_timeout);
        let linger = self.header_timeout;
        async move {
            let _permit = permit;
            // Without it small answers can wait for the peer's acknowledgement; failing only costs time.
            let _ = stream.set_nodelay(true);
            // Who takes nothing of an answer would keep it here for ever, and hear of no shutdown.
            let mut stream = TimeoutStream::new(stream);
            stream.set_write_timeout(Some(write_timeout));
            let unread = Unread::default();
            let stream = Lingering::new(Box::pin(stream), unread.clone(), linger);
            let asked = Arc::new(AtomicBool::new(false));
            let (of_service, asks) = (shutdown.clone(), Arc::clone(&asked));
            let service = service_fn(move |request: hyper::Request<Incoming>| {
                let mut request: Request = request.map(|body| Body::new(unread.watch(body)));
                request.extensions_mut().insert(PeerAddress(peer));
                asks.store(true, Ordering::Relaxed);
                let (answering, shutdown) = (router.clone().oneshot(request), of_service.clone());
                async move {
                    let mut response = answering.await?;
                    // Nothing more is asked on this connection, so that none breaks off with a request on its way.
                    if shutdown.has_begun() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                    }
                    Ok::<_, Infallible>(response)
                }
            });
            let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
            // Errors of a connection are the peer's: it went away, was too slow or did not speak HTTP.
            tokio::select! {
                _ = connection.as_mut() => {}
                () = shutdown.token.cancelled() => {
                    // Told to end, a connection that was only made is closed, with a request that is on its way.
                    if !asked.load(Ordering::Relaxed)
                        && tokio::time::timeout(FIRST_REQUEST, connection.as_mut()).await.is_ok()
                    {
                        return;
                    }
                    connection.as_mut().graceful_shutdown();
                    let _ = tokio::time::timeout(drain_timeout, connection).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
