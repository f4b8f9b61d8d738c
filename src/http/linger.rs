//! The end of a connection whose last request was answered before all of it was read.
//!
//! Closed at once, what its client still sends would come to no one, and the client's system would drop the answer together with
//! the connection: many clients send the whole of a request before they read. So such a connection is closed for writing alone,
//! and what still comes is thrown away, until its client ends, for a bounded time and within a bound of bytes.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// Bytes that are thrown away of a connection.
const MOST: usize = 128 << 20;
/// Bytes that are read at once.
const CHUNK: usize = 8 * 1024;

/// Whether the connection's newest request was given up before its body ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Unread(Arc<AtomicBool>);

/// A request's body that tells whether it was read to its end.
pub(super) struct Watched {
    body: Incoming,
    ended: bool,
    unread: Unread,
}

impl Unread {
    /// Watches the body of the connection's next request.
    pub(super) fn watch(&self, body: Incoming) -> Watched {
        self.0.store(false, Ordering::Relaxed);
        Watched { body, ended: false, unread: self.clone() }
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        self.ended |= frame.is_none();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.ended && !self.body.is_end_stream() {
            self.unread.0.store(true, Ordering::Relaxed);
        }
    }
}

/// A stream that ends so.
pub(super) struct Lingering<S> {
    stream: S,
    unread: Unread,
    time: Duration,
    /// Runs once nothing more is written.
    until: Option<Pin<Box<Sleep>>>,
    left: usize,
}

impl<S> Lingering<S> {
    /// Over `stream`, for `time` at most.
    pub(super) fn new(stream: S, unread: Unread, time: Duration) -> Self {
        Self { stream, unread, time, until: None, left: MOST }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let until = match &mut this.until {
            Some(until) => until,
            None => {
                ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
                if !this.unread.0.load(Ordering::Relaxed) {
                    return Poll::Ready(Ok(()));
                }
                this.until.insert(Box::pin(tokio::time::sleep(this.time)))
            }
        };
        if until.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let mut space = [MaybeUninit::uninit(); CHUNK];
        loop {
            let mut chunk = ReadBuf::uninit(&mut space);
            // An error is an end as well: nobody is left to be told of it.
            let ended = match ready!(Pin::new(&mut this.stream).poll_read(cx, &mut chunk)) {
                Ok(()) => chunk.filled().is_empty(),
                Err(_) => true,
            };
            this.left = this.left.saturating_sub(chunk.filled().len());
            if ended || this.left == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
