//! A recording of the traffic between subscribers and an engine, whoever relays it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use engine_client::{Clock, Target};
use wstape_tape::{CONNECTIONS, End, Header};

use super::encoder::{ProxyEncoder, Remarks};
use super::observation::{Observation, Peer};
use super::report::Report;
use crate::error::RecordError;
use crate::recording::{Bounds, Output, Recording, Sender, Stats, TapeTime, Writer};
use crate::redact::Redactor;
use crate::tap::Summary;

/// A recording in progress of the connections to one engine: what [`Proxy`](super::Proxy) does with
/// its traffic, for programs that relay traffic themselves.
pub struct ProxyRecording {
    writer: Writer<ProxyEncoder>,
    connections: RecordedConnections,
    upstream: String,
    name: String,
}

/// Creates the connections of a [`ProxyRecording`]. Clones share one count.
#[derive(Clone)]
pub struct RecordedConnections {
    time: TapeTime,
    sender: Sender<Observation>,
    stats: Stats,
    came: Arc<AtomicU64>,
}

/// One connection of a [`ProxyRecording`]. None of its methods waits: what the disk can't keep up
/// with is lost to the tape, and counted. Dropping it ends the connection.
#[derive(Debug)]
pub struct RecordedConnection(Report);

impl ProxyRecording {
    /// Begins the tape for the traffic of the engine at `upstream`.
    ///
    /// # Errors
    /// [`RecordError::Output`] if the output can't be written.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn begin(
        upstream: &Target,
        output: Output,
        redactor: Redactor,
        clock: Arc<dyn Clock>,
        remarks: impl FnMut(&str) + Send + 'static,
    ) -> Result<Self, RecordError> {
        Self::with(
            upstream,
            (output, false),
            redactor,
            clock,
            Box::new(remarks),
        )
    }

    /// Like [`begin`](Self::begin), but if `lossless`, the source waits for room in the queue.
    pub(super) fn with(
        upstream: &Target,
        (output, lossless): (Output, bool),
        redactor: Redactor,
        clock: Arc<dyn Clock>,
        remarks: Remarks,
    ) -> Result<Self, RecordError> {
        let (name, stats) = (output.name().to_owned(), output.stats());
        let upstream = upstream.to_string();
        let mut header = Header::new(format!("Recorded in front of {upstream}"));
        header.recorded_at = Some(clock.wall());
        header.source = Some(upstream.clone());
        header.needs = vec![CONNECTIONS.to_owned()];
        let time = TapeTime::starting(clock);
        let mut tape = Recording::begin(output, header, redactor)?;
        tape.push(ProxyEncoder::first_step())?;
        tape.commit()?;
        let encoder = ProxyEncoder::new(stats.clone(), remarks);
        let queue = if lossless {
            Bounds::WAITING
        } else {
            Bounds::LOSING
        };
        let writer = Writer::start(tape, encoder, time.clone(), queue)?;
        let connections = RecordedConnections {
            time,
            sender: writer.sender(),
            stats,
            came: Arc::default(),
        };
        Ok(Self {
            writer,
            connections,
            upstream,
            name,
        })
    }

    /// The handle that creates its connections.
    #[must_use]
    pub fn connections(&self) -> RecordedConnections {
        self.connections.clone()
    }

    /// Completes only if the output has failed; [`finish`](Self::finish) returns the error. Cancel
    /// safe.
    pub async fn failed(&self) {
        self.writer.failed().await;
    }

    pub(super) fn time(&self) -> &TapeTime {
        &self.connections.time
    }

    /// Writes what is still open, and the tape's end.
    ///
    /// # Errors
    /// [`RecordError::Broken`] if the output failed during the recording; [`RecordError::Secret`]
    /// if the tape holds one; [`RecordError::NoWebSocket`] if no handshake was upgraded and some
    /// got an answer that no WebSocket server gives.
    pub async fn finish(self) -> Result<Summary, RecordError> {
        let RecordedConnections { time, stats, .. } = self.connections;
        let (duration, end_at) = (time.elapsed(), time.now());
        let (_, encoder) = self
            .writer
            .finish(move |encoder, tape| encoder.end(end_at, tape))
            .await?;
        if let Some(answers) = encoder.is_no_websocket() {
            return Err(RecordError::NoWebSocket {
                upstream: self.upstream,
                answers,
                name: self.name,
            });
        }
        Ok(Summary {
            unreached: None,
            counts: stats.counts(),
            duration,
            name: self.name,
        })
    }
}

impl fmt::Debug for ProxyRecording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyRecording")
            .field("upstream", &self.upstream)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl RecordedConnections {
    /// Creates the next connection, which has reached the engine or is trying to.
    #[must_use]
    pub fn connection(&self) -> RecordedConnection {
        RecordedConnection(self.next())
    }

    pub(super) fn next(&self) -> Report {
        let number = self.came.fetch_add(1, Ordering::Relaxed) + 1;
        let (time, sender) = (self.time.clone(), self.sender.clone());
        Report::new(number, time, sender, self.stats.clone())
    }
}

impl fmt::Debug for RecordedConnections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedConnections")
            .field("came", &self.came)
            .finish_non_exhaustive()
    }
}

impl RecordedConnection {
    /// Records bytes from the subscriber.
    pub fn client_sent(&mut self, bytes: &Bytes) {
        self.0.bytes(Peer::Client, bytes);
    }

    /// Records bytes from the engine.
    pub fn engine_sent(&mut self, bytes: &Bytes) {
        self.0.bytes(Peer::Engine, bytes);
    }

    /// Records that the subscriber ended its stream.
    pub fn client_ended(&mut self, how: End) {
        self.0.ended(Peer::Client, how);
    }

    /// Records that the engine ended its stream.
    pub fn engine_ended(&mut self, how: End) {
        self.0.ended(Peer::Engine, how);
    }

    /// Records that the engine can't be reached, for this reason, and that the subscriber gets a
    /// reset.
    pub fn unreachable(&mut self, why: &str) {
        self.0.unreachable(why.to_owned());
    }
}

impl Drop for RecordedConnection {
    fn drop(&mut self) {
        self.0.over();
    }
}
