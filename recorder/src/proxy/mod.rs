//! `proxy`: sits between real subscribers and a real engine, recording both directions.
//!
//! ```text
//!            relay: bytes as they come, ends as they come
//! client ◄──────────────────┬──────────────────► engine
//!                           │ report: clones of the bytes, with their time; never waits
//!                           ▼
//!                     queue (bounded) ─► encoder ─► session ─┬─ exchange (requests, answers)
//!                                        the writer's         └─ decoder (frames, inflated)
//!                                        thread
//! ```
//!
//! The relay reads only the heads of frames (`cursor`), so that recording resumes at the next
//! message if the writer falls behind. Everything else happens on the writer's thread.

mod body;
mod bounds;
mod buffers;
mod cursor;
mod decoder;
#[cfg(test)]
mod decoder_tests;
mod encoder;
mod exchange;
#[cfg(test)]
mod exchange_tests;
mod host;
mod inflate;
mod leg;
mod observation;
mod recording;
mod relay;
mod report;
mod session;
mod splitter;
mod step;

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use engine_client::{Clock, DialError, SystemClock, Target};
use tokio::task::{JoinError, JoinSet};

pub(crate) use cursor::Cursor;
pub(crate) use observation::{Event, Peer};
pub(crate) use session::Session;

pub use leg::{Leg, Listen, NetReach, Reach};
pub use recording::{ProxyRecording, RecordedConnection, RecordedConnections};

use crate::error::RecordError;
use crate::recording::{Output, Stats};
use crate::redact::Redactor;
use crate::tap::Summary;
use buffers::Buffers;
use encoder::Remarks;
use host::HostRewriter;

/// The maximum number of connections at once; more wait to be accepted. A tape may hold the
/// handshakes of as many.
const MAX_CONNECTIONS: usize = 4096;
/// The pause after a failed accept (mostly because file descriptors ran out).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A proxy that records what passes through it.
///
/// Any number of clients may dial it at once. It passes on unchanged what they and the engine send,
/// including handshakes, and how connections end: what they see is the real engine. The tape
/// records what each connection got, so that it plays to clients that dial at other times.
///
/// ```no_run
/// # async fn proxy(key: [u8; 32]) -> Result<(), Box<dyn std::error::Error>> {
/// use engine_client::NetDialer;
/// use wstape_recorder::{NetReach, Output, Proxy, Redactor, Rules};
/// use tokio::net::TcpListener;
///
/// let proxy = Proxy::new("ws://127.0.0.1:8765", Redactor::new(Rules::default(), key))?;
/// let reach = NetReach::new(NetDialer::new(), proxy.upstream().clone());
/// let listener = TcpListener::bind("127.0.0.1:9000").await?;
/// let output = Output::create("session.jsonl".as_ref(), false)?;
/// let minute = tokio::time::sleep(std::time::Duration::from_secs(60));
/// let summary = proxy.run(listener, reach, output, minute).await?;
/// eprintln!("{summary}");
/// # Ok(()) }
/// ```
pub struct Proxy {
    upstream: Target,
    redactor: Redactor,
    clock: Arc<dyn Clock>,
    rewrite_host: bool,
    lossless: bool,
    remarks: Remarks,
}

impl Proxy {
    /// Creates a proxy in front of the engine at `upstream`, a `ws` or `wss` URL. Only its host,
    /// port and scheme count: clients choose the path. What is recorded goes through `redactor`.
    ///
    /// # Errors
    /// [`RecordError::Subscriber`] for any other URL.
    pub fn new(upstream: &str, redactor: Redactor) -> Result<Self, RecordError> {
        Ok(Self {
            upstream: Target::parse(upstream)?,
            redactor,
            clock: Arc::new(SystemClock::new()),
            rewrite_host: false,
            lossless: false,
            remarks: Box::new(|_| {}),
        })
    }

    /// Uses the caller's clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Whether to replace the `Host` of clients' requests with the engine's, as virtual hosts need.
    /// Nothing else is ever rewritten. Default: no.
    #[must_use]
    pub fn rewrite_host(mut self, rewrite: bool) -> Self {
        self.rewrite_host = rewrite;
        self
    }

    /// Whether to slow the traffic down to the speed of writing rather than lose parts of the tape.
    /// A stalled disk then stalls the traffic. Default: no.
    #[must_use]
    pub fn lossless(mut self, lossless: bool) -> Self {
        self.lossless = lossless;
        self
    }

    /// Receives a sentence, without secrets, for each failed handshake and for each `mark` in the
    /// tape. Called on the writer's thread.
    #[must_use]
    pub fn remarks(mut self, remarks: impl FnMut(&str) + Send + 'static) -> Self {
        self.remarks = Box::new(remarks);
        self
    }

    /// The engine's address.
    #[must_use]
    pub fn upstream(&self) -> &Target {
        &self.upstream
    }

    /// Connects to the engine once, without sending anything, so that a permanent problem is found
    /// before any client dials. Without TLS there is nothing to check.
    ///
    /// # Errors
    /// [`RecordError::Upstream`] if TLS fails. It is not an error if the engine is not there yet.
    pub async fn check(&self, reach: &impl Reach) -> Result<(), RecordError> {
        if !self.upstream.tls() {
            return Ok(());
        }
        let timeout = self.clock.now().saturating_add(relay::DIAL_TIMEOUT);
        let dialed = tokio::select! {
            biased;
            dialed = reach.dial() => dialed,
            () = self.clock.sleep_until(timeout) => return Ok(()),
        };
        match dialed {
            Err(error @ DialError::Tls(_)) => {
                Err(RecordError::Upstream(self.upstream.to_string(), error))
            }
            _ => Ok(()),
        }
    }

    /// Relays and records traffic until `until` completes; connections still open are cut.
    ///
    /// Unless it is [`lossless`](Self::lossless), the disk never delays the traffic: what it can't
    /// keep up with is lost to the tape, and counted in the [`Summary`] and in a `mark` at its
    /// place. A connection whose relay panics is cut, marked, and counted; the others go on.
    ///
    /// # Errors
    /// [`RecordError::Output`] if the output can't be written; [`RecordError::Broken`] if it fails
    /// during the recording, as on a full disk; what was acknowledged before can be played.
    /// [`RecordError::Secret`] if the tape holds one. [`RecordError::NoWebSocket`] if no handshake
    /// was upgraded and some got an answer that no WebSocket server gives.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn run<R: Reach>(
        self,
        mut listener: impl Listen,
        reach: R,
        output: Output,
        until: impl Future<Output = ()>,
    ) -> Result<Summary, RecordError> {
        let stats = output.stats();
        let host = if self.rewrite_host {
            let host = self.upstream.host_header()?;
            Some(Bytes::copy_from_slice(host.as_bytes()))
        } else {
            None
        };
        let recording = ProxyRecording::with(
            &self.upstream,
            (output, self.lossless),
            self.redactor,
            Arc::clone(&self.clock),
            self.remarks,
        )?;
        let recorded = recording.connections();
        let reach = Arc::new(reach);
        let buffers = Arc::new(Buffers::default());
        let mut connections = JoinSet::new();
        let mut until = pin!(until);
        loop {
            let next = async {
                let accepted = listener.accept().await;
                if accepted.is_err() {
                    // Out of file descriptors, or the client left at once: the next accept may
                    // succeed.
                    let pause = self.clock.now().saturating_add(ACCEPT_PAUSE);
                    self.clock.sleep_until(pause).await;
                }
                accepted
            };
            tokio::select! {
                biased;
                () = recording.failed() => break,
                () = &mut until => break,
                Some(ended) = connections.join_next() => note_panic(&ended, &stats),
                client = next, if connections.len() < MAX_CONNECTIONS => {
                    let Ok(client) = client else { continue };
                    let report = recorded.next();
                    let host = host.clone().map(HostRewriter::new);
                    let (reach, time) = (Arc::clone(&reach), recording.time().clone());
                    let buffers = Arc::clone(&buffers);
                    connections.spawn(async move {
                        relay::run(client, &*reach, host, report, (&time, &buffers)).await;
                    });
                }
            }
        }
        connections.abort_all();
        while let Some(ended) = connections.join_next().await {
            note_panic(&ended, &stats);
        }
        drop(recorded);
        recording.finish().await
    }
}

/// Counts a connection with a relay that panicked; its [`Report`] has already told the tape.
fn note_panic(ended: &Result<(), JoinError>, stats: &Stats) {
    if ended.as_ref().is_err_and(JoinError::is_panic) {
        stats.failed();
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("upstream", &self.upstream)
            .field("rewrite_host", &self.rewrite_host)
            .field("lossless", &self.lossless)
            .finish_non_exhaustive()
    }
}
