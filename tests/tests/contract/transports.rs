//! Dialers and streams besides the engine's own: late, stuck, watched.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use engine_client::{DialError, Dialer, Dialing, Target, Transport};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wstape_mock_engine::{Clock, MemoryNet};
use wstape_tape::Micros;

use crate::world::World;

/// The most dials of one subscriber: one that makes more is spinning, and would stop virtual time.
const MOST_DIALS: usize = 10_000;

/// The dialer for a subscriber without special needs: it stops a subscriber that spins.
#[derive(Debug)]
pub(crate) struct BoundedDialer {
    net: MemoryNet,
    dials: AtomicUsize,
}

impl BoundedDialer {
    /// Makes a dialer to the engine behind `net`.
    pub(crate) fn new(net: MemoryNet) -> Arc<Self> {
        let dials = AtomicUsize::new(0);
        Arc::new(Self { net, dials })
    }
}

impl Dialer for BoundedDialer {
    fn dial<'a>(&'a self, _target: &'a Target) -> Dialing<'a> {
        let dials = self.dials.fetch_add(1, Ordering::Relaxed);
        assert!(dials < MOST_DIALS, "the subscriber dials without end");
        Box::pin(async {
            let stream = self.net.connect().await.map_err(DialError::Connect)?;
            Ok(Box::new(stream) as Box<dyn Transport>)
        })
    }
}

/// A dialer whose dials take a while, or never complete.
#[derive(Debug)]
pub(crate) struct LateDialer {
    net: MemoryNet,
    clock: Clock,
    takes: Option<Micros>,
}

impl LateDialer {
    /// Makes a dialer whose dials take this long; `None` is for ever.
    pub(crate) fn new(world: &World, takes: Option<Micros>) -> Arc<Self> {
        Arc::new(Self {
            net: world.net.clone(),
            clock: world.clock.clone(),
            takes,
        })
    }
}

impl Dialer for LateDialer {
    fn dial<'a>(&'a self, _target: &'a Target) -> Dialing<'a> {
        Box::pin(async move {
            let Some(takes) = self.takes else {
                return std::future::pending().await;
            };
            let done = Micros(self.clock.now().0 + takes.0);
            self.clock.sleep_until(done).await;
            let stream = self.net.connect().await.map_err(DialError::Connect)?;
            Ok(Box::new(stream) as Box<dyn Transport>)
        })
    }
}

/// What passed over the streams of a [`WatchedDialer`].
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    /// The addresses that were dialled.
    pub(crate) targets: Vec<String>,
    /// Everything that was written, on all streams.
    pub(crate) written: Vec<u8>,
    /// The longest piece that was offered to one write: what was waiting to be sent.
    pub(crate) longest_offer: usize,
    /// How often a read was tried.
    pub(crate) reads: u64,
    /// How many streams were dropped.
    pub(crate) dropped: u64,
}

/// A dialer that records what is dialled and written.
#[derive(Debug)]
pub(crate) struct WatchedDialer {
    net: MemoryNet,
    traffic: Arc<Mutex<Traffic>>,
}

impl WatchedDialer {
    /// Makes a dialer to the world's engine.
    pub(crate) fn new(world: &World) -> (Arc<Self>, Arc<Mutex<Traffic>>) {
        let traffic = Arc::<Mutex<Traffic>>::default();
        let dialer = Self {
            net: world.net.clone(),
            traffic: Arc::clone(&traffic),
        };
        (Arc::new(dialer), traffic)
    }
}

impl Dialer for WatchedDialer {
    fn dial<'a>(&'a self, target: &'a Target) -> Dialing<'a> {
        Box::pin(async move {
            self.traffic.lock().targets.push(target.to_string());
            let stream = self.net.connect().await.map_err(DialError::Connect)?;
            Ok(Box::new(Watched {
                stream,
                traffic: Arc::clone(&self.traffic),
            }) as Box<dyn Transport>)
        })
    }
}

struct Watched<S> {
    stream: S,
    traffic: Arc<Mutex<Traffic>>,
}

impl<S> Drop for Watched<S> {
    fn drop(&mut self) {
        self.traffic.lock().dropped += 1;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.traffic.lock().reads += 1;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        let mut traffic = self.traffic.lock();
        traffic.longest_offer = traffic.longest_offer.max(buf.len());
        if let Poll::Ready(Ok(taken)) = written {
            traffic.written.extend_from_slice(&buf[..taken]);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
