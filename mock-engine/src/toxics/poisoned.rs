//! A stream whose bytes toxics stop or count, or whose end they delay.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wstape_tape::Micros;

use super::set::Way;
use crate::clock::{Clock, Timer};

/// What toxics do in one direction, shared with whoever learns of changes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tap(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    way: Way,
    /// The toxic whose limit counts, and how many more bytes it lets pass.
    left: Option<(u64, u64)>,
    /// Whether the limit has been reached.
    spent: bool,
    reader: Option<Waker>,
}

impl Tap {
    /// Takes over what holds now. A limit that goes on keeps its count.
    pub(crate) fn turn(&self, way: Way) {
        let waker = {
            let mut state = self.0.lock();
            state.left = match (way.limit, state.left) {
                (Some((_, number)), Some((had, left))) if had == number => Some((had, left)),
                (Some((bytes, number)), _) => Some((number, bytes)),
                (None, _) => None,
            };
            state.way = way;
            state.reader.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Whether the stream ended because its limit of bytes had passed.
    pub(crate) fn is_spent(&self) -> bool {
        self.0.lock().spent
    }
}

/// A stream that may be poisoned in one direction, the one that is read.
pub(crate) struct Poisoned<S> {
    inner: S,
    tap: Tap,
    /// When to pass on the end that has come.
    end_at: Option<Micros>,
    clock: Clock,
    timer: Timer,
}

impl<S> Poisoned<S> {
    pub(crate) fn new(inner: S, tap: Tap, clock: Clock) -> Self {
        Self {
            inner,
            tap,
            end_at: None,
            timer: Timer::new(clock.clone()),
            clock,
        }
    }

    /// The bare stream.
    pub(crate) fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Poisoned<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if let Some(at) = this.end_at {
                ready!(this.timer.poll(cx, at));
                return Poll::Ready(Ok(()));
            }
            let (most, stopped, slow_close) = {
                let mut state = this.tap.0.lock();
                state.reader = Some(cx.waker().clone());
                let left = state.left.map_or(u64::MAX, |(_, left)| left);
                if left == 0 {
                    state.spent = true;
                    return Poll::Ready(Ok(()));
                }
                (left, state.way.stopped, state.way.slow_close)
            };
            let most = usize::try_from(most)
                .unwrap_or(usize::MAX)
                .min(buf.remaining());
            if most == 0 {
                return Poll::Ready(Ok(()));
            }
            let mut part = ReadBuf::new(buf.initialize_unfilled_to(most));
            ready!(Pin::new(&mut this.inner).poll_read(cx, &mut part))?;
            let len = part.filled().len();
            if len == 0 {
                if slow_close == Micros::ZERO {
                    return Poll::Ready(Ok(()));
                }
                this.end_at = Some(Micros(this.clock.now().0.saturating_add(slow_close.0)));
                continue;
            }
            if let Some((_, left)) = &mut this.tap.0.lock().left {
                *left -= len as u64;
            }
            if stopped {
                continue;
            }
            buf.advance(len);
            return Poll::Ready(Ok(()));
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Poisoned<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}
