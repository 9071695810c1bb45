//! Relays bytes and ends between the two peers as they come.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use engine_client::DialError;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use wstape_tape::End;

use super::buffers::{BUFFER_BYTES, Buffers};
use super::host::HostRewriter;
use super::leg::{Leg, Reach};
use super::observation::Peer;
use super::report::Report;
use crate::recording::TapeTime;

/// The maximum number of bytes that may wait between the two peers.
const MAX_WAITING_BYTES: usize = BUFFER_BYTES;

/// How long connecting to the engine may take, including TLS if used.
pub(super) const DIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// Relays one connection from its accept to its end.
pub(super) async fn run<C: Leg>(
    mut client: C,
    reach: &impl Reach,
    host: Option<HostRewriter>,
    mut report: Report,
    (time, buffers): (&TapeTime, &Arc<Buffers>),
) {
    let mut from_client = Pump::new(Peer::Client, host, Arc::clone(buffers));
    let timeout = time.clock().now().saturating_add(DIAL_TIMEOUT);
    let mut timeout = time.clock().sleep_until(timeout);
    let dialed = {
        let mut dial = pin!(reach.dial());
        poll_fn(|cx| {
            // Meanwhile the client's bytes are read ahead, and its end is noticed.
            if from_client
                .read_ahead(cx, &mut client, &mut report)
                .is_err()
            {
                return Poll::Ready(None);
            }
            if let Poll::Ready(dialed) = dial.as_mut().poll(cx) {
                return Poll::Ready(Some(dialed.map_err(|error| why(&error))));
            }
            timeout.as_mut().poll(cx).map(|()| {
                let seconds = DIAL_TIMEOUT.as_secs();
                Some(Err(format!("no connection within {seconds} s")))
            })
        })
        .await
    };
    match dialed {
        Some(Ok(engine)) => join(client, engine, from_client, &mut report).await,
        Some(Err(why)) => {
            report.unreachable(why);
            client.reset();
        }
        // The client has reset its stream itself.
        None => report.ended(Peer::Client, End::Reset),
    }
    report.over();
}

/// Why the engine can't be reached. Uses a word of its own if the system's message contains
/// numbers.
fn why(error: &DialError) -> String {
    match error {
        DialError::Connect(error) => match error.kind() {
            io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
            _ => format!("connect failed: {error}"),
        },
        other => other.to_string(),
    }
}

/// Relays bytes both ways until both have ended, or one is reset.
async fn join<C: Leg, E: Leg>(
    mut client: C,
    mut engine: E,
    mut from_client: Pump,
    report: &mut Report,
) {
    let buffers = Arc::clone(&from_client.buffers);
    let mut from_engine = Pump::new(Peer::Engine, None, buffers);
    let reset = poll_fn(|cx| {
        let up = from_client.poll(cx, &mut client, &mut engine, report);
        let down = from_engine.poll(cx, &mut engine, &mut client, report);
        for way in [&up, &down] {
            if let Poll::Ready(Err(Reset(peer))) = way {
                return Poll::Ready(Some(*peer));
            }
        }
        // A peer that accepts no more bytes counts as ended once it sends no more either.
        for (to, of) in [(&from_client, &from_engine), (&from_engine, &from_client)] {
            if to.is_stuck() && of.has_ended() {
                return Poll::Ready(Some(of.from));
            }
        }
        (up.is_ready() && down.is_ready())
            .then_some(None)
            .map_or(Poll::Pending, Poll::Ready)
    })
    .await;
    match reset {
        None => {}
        Some(Peer::Client) => {
            report.ended(Peer::Client, End::Reset);
            engine.reset();
        }
        Some(Peer::Engine) => {
            // After the engine's FIN, the tape need not know that it accepts nothing more.
            if !from_engine.has_ended() {
                report.ended(Peer::Engine, End::Reset);
            }
            client.reset();
        }
    }
}

/// A peer has reset its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reset(Peer);

/// One direction of a relayed connection.
#[derive(Debug)]
struct Pump {
    from: Peer,
    host: Option<HostRewriter>,
    buffers: Arc<Buffers>,
    /// Bytes that were read and not written yet.
    waiting: VecDeque<Bytes>,
    waiting_bytes: usize,
    /// Whether written bytes may not have been flushed yet.
    unflushed: bool,
    source: Source,
    sink: Sink,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Open,
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sink {
    Open,
    /// It was told about the source's end.
    Ended,
    /// It accepts nothing more.
    Stuck,
}

impl Pump {
    fn new(from: Peer, host: Option<HostRewriter>, buffers: Arc<Buffers>) -> Self {
        Self {
            from,
            host,
            buffers,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            unflushed: false,
            source: Source::Open,
            sink: Sink::Open,
        }
    }

    fn has_ended(&self) -> bool {
        self.source == Source::Ended
    }

    fn is_stuck(&self) -> bool {
        self.sink == Sink::Stuck
    }

    /// Relays what there is. Ready once the end has been relayed.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut (impl AsyncRead + Unpin),
        sink: &mut (impl AsyncWrite + Unpin),
        report: &mut Report,
    ) -> Poll<Result<(), Reset>> {
        loop {
            match self.sink {
                Sink::Ended => return Poll::Ready(Ok(())),
                Sink::Stuck => {
                    // Keep reading to notice the source's end, and discard the bytes.
                    self.waiting.clear();
                    self.waiting_bytes = 0;
                    if self.has_ended() {
                        return Poll::Ready(Ok(()));
                    }
                    ready!(self.poll_read(cx, source, report))?;
                }
                Sink::Open => match ready!(self.poll_open(cx, source, sink, report)) {
                    Ok(Step::Further) => {}
                    Ok(Step::SinkFailed) => self.sink = Sink::Stuck,
                    Err(reset) => return Poll::Ready(Err(reset)),
                },
            }
        }
    }

    fn poll_open(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut (impl AsyncRead + Unpin),
        mut sink: &mut (impl AsyncWrite + Unpin),
        report: &mut Report,
    ) -> Poll<Result<Step, Reset>> {
        if let Some(bytes) = self.waiting.front_mut() {
            let Ok(len @ 1..) = ready!(Pin::new(&mut sink).poll_write(cx, bytes)) else {
                return Poll::Ready(Ok(Step::SinkFailed));
            };
            bytes.advance(len);
            self.waiting_bytes -= len;
            if bytes.is_empty() {
                self.waiting.pop_front();
            }
            self.unflushed = true;
            return Poll::Ready(Ok(Step::Further));
        }
        if self.has_ended() {
            let shut = ready!(Pin::new(&mut sink).poll_shutdown(cx));
            // A sink that can't be shut down is already gone.
            self.sink = if shut.is_ok() {
                Sink::Ended
            } else {
                Sink::Stuck
            };
            return Poll::Ready(Ok(Step::Further));
        }
        match self.poll_read(cx, source, report) {
            Poll::Ready(read) => Poll::Ready(read.map(|()| Step::Further)),
            Poll::Pending => {
                // No more bytes are ready: flush what TLS holds back.
                if self.unflushed {
                    let flushed = ready!(Pin::new(&mut sink).poll_flush(cx));
                    self.unflushed = false;
                    if flushed.is_err() {
                        return Poll::Ready(Ok(Step::SinkFailed));
                    }
                }
                Poll::Pending
            }
        }
    }

    /// Reads ahead, up to the limit, while the other peer is not connected yet.
    fn read_ahead(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut (impl AsyncRead + Unpin),
        report: &mut Report,
    ) -> Result<(), Reset> {
        while !self.has_ended() && self.waiting_bytes < MAX_WAITING_BYTES {
            match self.poll_read(cx, source, report) {
                Poll::Ready(read) => read?,
                Poll::Pending => break,
            }
        }
        Ok(())
    }

    /// Reads once and reports what came.
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut (impl AsyncRead + Unpin),
        report: &mut Report,
    ) -> Poll<Result<(), Reset>> {
        ready!(report.poll_room(cx));
        let mut buffer = self.buffers.take();
        let read = pin!(source.read_buf(&mut buffer)).poll(cx);
        let bytes = buffer.split().freeze();
        self.buffers.put(buffer);
        match ready!(read) {
            Ok(0) => {
                self.source = Source::Ended;
                report.ended(self.from, End::Fin);
                if let Some(host) = &mut self.host {
                    let rest = host.rest();
                    self.wait(rest);
                }
            }
            // TLS that ends without a close_notify still ended with a FIN.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.source = Source::Ended;
                report.ended(self.from, End::Fin);
            }
            Err(_) => return Poll::Ready(Err(Reset(self.from))),
            Ok(_) => {
                report.bytes(self.from, &bytes);
                let bytes = match &mut self.host {
                    Some(host) => host.pass(bytes),
                    None => bytes,
                };
                self.wait(bytes);
            }
        }
        Poll::Ready(Ok(()))
    }

    fn wait(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.waiting_bytes += bytes.len();
            self.waiting.push_back(bytes);
        }
    }
}

/// The result of one step of the relay.
enum Step {
    Further,
    /// The sink accepts nothing more.
    SinkFailed,
}
