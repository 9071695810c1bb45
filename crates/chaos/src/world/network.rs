//! The network between a subscriber and its engine, watched.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wstape_harness::{Dialer, Dialing, Transport};
use wstape_mock_engine::MemoryNet;
use wstape_mock_engine::link::ClientEnd;
use wstape_tape::Micros;

use super::observer::Observer;
use super::trace::Happening;

/// A world's dialer: leads to its engine, and reports everything to the observer.
#[derive(Debug)]
pub(super) struct WatchedDialer {
    net: MemoryNet,
    observer: Arc<Observer>,
    /// The engine's host.
    host: String,
}

impl WatchedDialer {
    pub(super) fn new(net: MemoryNet, observer: Arc<Observer>, host: String) -> Self {
        Self {
            net,
            observer,
            host,
        }
    }
}

impl Dialer for WatchedDialer {
    fn dial<'a>(&'a self, host: &'a str, _port: u16) -> Dialing<'a> {
        Box::pin(async move {
            let right = host == self.host;
            let (dial, takes) = self.observer.dial(host, right);
            let mut under_way = UnderWay {
                observer: &self.observer,
                dial,
                done: false,
            };
            if takes > Micros::ZERO {
                let until = Micros(self.observer.clock.now().0.saturating_add(takes.0));
                self.observer.clock.sleep_until(until).await;
            }
            let connected = if right {
                self.net.connect().await
            } else {
                Err(io::ErrorKind::ConnectionRefused.into())
            };
            under_way.done = true;
            match connected {
                Ok(stream) => {
                    self.observer.note(dial, Happening::DialDone, |judge, at| {
                        judge.dial_done(at, dial);
                    });
                    Ok(Box::new(WatchedStream {
                        stream,
                        observer: Arc::clone(&self.observer),
                        dial,
                        blocked: false,
                        ended: false,
                    }) as Box<dyn Transport>)
                }
                Err(error) => {
                    self.observer
                        .note(dial, Happening::DialRefused, |judge, at| {
                            judge.dial_refused(at, dial);
                        });
                    Err(error)
                }
            }
        })
    }
}

/// An unfinished dial.
struct UnderWay<'a> {
    observer: &'a Observer,
    dial: u64,
    done: bool,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if !self.done {
            let dial = self.dial;
            self.observer
                .note(dial, Happening::DialDropped, |judge, at| {
                    judge.dial_dropped(at, dial);
                });
        }
    }
}

/// The subscriber's stream.
struct WatchedStream {
    stream: ClientEnd,
    observer: Arc<Observer>,
    dial: u64,
    /// Whether a write is pending.
    blocked: bool,
    /// Whether the end of the stream was delivered.
    ended: bool,
}

impl WatchedStream {
    fn freed(&mut self) {
        if std::mem::take(&mut self.blocked) {
            let dial = self.dial;
            self.observer
                .note(dial, Happening::WriteFreed, |judge, at| {
                    judge.write_freed(at, dial);
                });
        }
    }
}

impl AsyncRead for WatchedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let dial = self.dial;
        // A subscriber that reads again is done with what it read before.
        self.observer.look_strictly();
        let (before, room) = (buf.filled().len(), buf.remaining());
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        match &read {
            Poll::Ready(Ok(())) if buf.filled().len() > before => {
                self.observer.read(dial, &buf.filled()[before..]);
            }
            Poll::Ready(Ok(())) if room > 0 && !self.ended => {
                self.ended = true;
                self.observer.note(dial, Happening::ReadFin, |judge, at| {
                    judge.read_end(at, dial, false);
                });
            }
            Poll::Ready(Err(_)) if !self.ended => {
                self.ended = true;
                self.observer.note(dial, Happening::ReadReset, |judge, at| {
                    judge.read_end(at, dial, true);
                });
            }
            _ => {}
        }
        read
    }
}

impl AsyncWrite for WatchedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let dial = self.dial;
        self.observer.judge(|judge, at| judge.waits(at, buf.len()));
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        match &written {
            Poll::Ready(Ok(taken)) => {
                self.freed();
                self.observer.wrote(dial, &buf[..*taken]);
            }
            Poll::Ready(Err(_)) => {
                self.blocked = false;
                self.observer
                    .note(dial, Happening::WriteFailed, |judge, at| {
                        judge.write_failed(at, dial);
                    });
            }
            Poll::Pending if !self.blocked => {
                self.blocked = true;
                self.observer
                    .note(dial, Happening::WriteBlocked, |judge, at| {
                        judge.write_blocked(at, dial);
                    });
            }
            Poll::Pending => {}
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.observer
            .note(self.dial, Happening::WroteFin, |_, _| ());
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Drop for WatchedStream {
    fn drop(&mut self) {
        let dial = self.dial;
        self.observer.note(dial, Happening::Dropped, |judge, at| {
            judge.dropped(at, dial);
        });
    }
}
