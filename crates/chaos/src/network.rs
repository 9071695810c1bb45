//! The network between subscriber and engine, and who watches it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use engine_client::{DialError, Dialer, Dialing, Target, Transport};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use wstape_mock_engine::link::ClientEnd;
use wstape_mock_engine::{Clock, MemoryNet};
use wstape_tape::Micros;

use super::rules::{Bench, Rule};
use super::subject::{Heard, View};
use super::trace::{Happening, Trace};

/// Most bytes that may wait to be written: what a subscriber sends is control frames, and of the Pongs that
/// its peer does not take it needs to keep only the last.
const MAX_WAITING_BYTES: usize = 16 * 1024;
/// Dials at one instant that are more than anybody needs: the next is never done, for a subscriber that
/// spins would go on for ever in no time.
const MAX_DIALS_AT_ONCE: u32 = 256;

/// Sees all that passes between a subscriber and its world: writes the trace, tells the rules.
pub(super) struct Witness {
    pub(super) clock: Clock,
    record: Mutex<Record>,
    /// Told when there is something to look at.
    pub(super) stirred: Notify,
}

struct Record {
    trace: Trace,
    bench: Bench,
    view: Option<Arc<dyn View>>,
    dials: u64,
    /// When the last dial was, and how many there were at that instant.
    dialed: (Micros, u32),
    /// How long a dial takes.
    dial_takes: Micros,
    /// Reused from write to write.
    same: Vec<u8>,
}

impl std::fmt::Debug for Witness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Witness").finish_non_exhaustive()
    }
}

impl Witness {
    pub(super) fn new(clock: Clock, bench: Bench) -> Self {
        Self {
            clock,
            record: Mutex::new(Record {
                trace: Trace::new(),
                bench,
                view: None,
                dials: 0,
                dialed: (Micros::ZERO, 0),
                dial_takes: Micros::ZERO,
                same: Vec::new(),
            }),
            stirred: Notify::new(),
        }
    }

    /// The subscriber has started: its mirror can be looked at.
    pub(super) fn watch(&self, view: Arc<dyn View>) {
        self.record.lock().view = Some(view);
    }

    /// Trace and rules as they stand; what happens from here on goes nowhere.
    pub(super) fn take(&self, unwatched: Bench) -> (Trace, Bench) {
        let mut record = self.record.lock();
        record.view = None;
        (
            std::mem::replace(&mut record.trace, Trace::new()),
            std::mem::replace(&mut record.bench, unwatched),
        )
    }

    /// Does something that the trace names, and tells the rules of it.
    pub(super) fn note<T>(
        &self,
        dial: u64,
        what: Happening,
        tell: impl FnOnce(&mut Bench, Micros) -> T,
    ) -> T {
        let at = self.clock.now();
        let mut record = self.record.lock();
        record.trace.push(at, dial, what);
        let told = tell(&mut record.bench, at);
        drop(record);
        self.stirred.notify_one();
        told
    }

    /// Tells or asks the rules of something that no entry of the trace names.
    pub(super) fn bench<T>(&self, tell: impl FnOnce(&mut Bench, Micros) -> T) -> T {
        let at = self.clock.now();
        tell(&mut self.record.lock().bench, at)
    }

    /// From here on dials take so long.
    pub(super) fn dials_take(&self, takes: Micros) {
        self.record.lock().dial_takes = takes;
    }

    /// Looks at the subscriber.
    pub(super) fn look(&self, strict: bool) {
        let at = self.clock.now();
        let mut record = self.record.lock();
        let Record { bench, view, .. } = &mut *record;
        if let Some(view) = view {
            bench.look(at, view.as_ref(), strict);
        }
    }

    /// A receiver heard something.
    pub(super) fn heard(&self, receiver: usize, heard: &Heard) {
        let at = self.clock.now();
        let mut record = self.record.lock();
        let Record { trace, bench, .. } = &mut *record;
        let text = told(heard);
        trace.hash_in(text.as_bytes());
        let payload = trace.keep(text.as_bytes());
        trace.push(at, 0, Happening::Heard(receiver, payload));
        bench.heard(at, receiver, heard);
    }

    /// A dial begins; its number, how long it takes (for ever where the subscriber spins), and whether it
    /// is of the engine.
    fn dial(&self, target: &Target, host: &str) -> (u64, Micros, bool) {
        let at = self.clock.now();
        let mut record = self.record.lock();
        record.dials += 1;
        let dial = record.dials;
        record.trace.push(at, dial, Happening::Dial);
        record.bench.dial(at, dial);
        let at_once = if record.dialed.0 == at {
            record.dialed.1.saturating_add(1)
        } else {
            1
        };
        record.dialed = (at, at_once);
        let spins = at_once > MAX_DIALS_AT_ONCE;
        if spins {
            record.bench.findings.broke(Rule::R3, at, || {
                format!("expected time to pass between dials, found {at_once} at one instant")
            });
        }
        let right = target.host() == host;
        if !right {
            record.bench.dial_elsewhere(at, target.host());
        }
        let takes = if spins {
            Micros(u64::MAX)
        } else {
            record.dial_takes
        };
        drop(record);
        self.stirred.notify_one();
        (dial, takes, right)
    }

    fn read(&self, dial: u64, bytes: &[u8]) {
        let at = self.clock.now();
        let mut record = self.record.lock();
        let Record { trace, bench, .. } = &mut *record;
        trace.hash_in(bench.read(at, dial, bytes));
        let payload = trace.keep(bytes);
        trace.push(at, dial, Happening::Read(payload));
        drop(record);
        self.stirred.notify_one();
    }

    fn wrote(&self, dial: u64, bytes: &[u8]) {
        let at = self.clock.now();
        let mut record = self.record.lock();
        let Record {
            trace, bench, same, ..
        } = &mut *record;
        same.clear();
        bench.wrote(at, dial, bytes, same);
        trace.hash_in(same);
        let payload = trace.keep(same);
        trace.push(at, dial, Happening::Wrote(payload));
        drop(record);
        self.stirred.notify_one();
    }
}

/// What a receiver heard, as a line of the trace.
fn told(heard: &Heard) -> String {
    match heard {
        Heard::Heartbeat(ts) => format!("heartbeat {ts:?}"),
        Heard::Reading(field, text) => format!("{} {text}", field.name()),
        Heard::Unknown { event, ts, data } => format!("unknown {event} {ts:?} {data}"),
        Heard::Lagged(missed) => format!("lagged {missed}"),
        Heard::Closed => "closed".to_owned(),
    }
}

/// The dialer of a world: leads to its engine, and tells the witness of everything.
#[derive(Debug)]
pub(super) struct WatchedDialer {
    net: MemoryNet,
    witness: Arc<Witness>,
    /// The engine's host.
    host: String,
}

impl WatchedDialer {
    pub(super) fn new(net: MemoryNet, witness: Arc<Witness>, host: String) -> Self {
        Self { net, witness, host }
    }
}

impl Dialer for WatchedDialer {
    fn dial<'a>(&'a self, target: &'a Target) -> Dialing<'a> {
        Box::pin(async move {
            let (dial, takes, right) = self.witness.dial(target, &self.host);
            let mut under_way = UnderWay {
                witness: &self.witness,
                dial,
                done: false,
            };
            if takes > Micros::ZERO {
                let until = Micros(self.witness.clock.now().0.saturating_add(takes.0));
                self.witness.clock.sleep_until(until).await;
            }
            let connected = if right {
                self.net.connect().await
            } else {
                Err(io::ErrorKind::ConnectionRefused.into())
            };
            under_way.done = true;
            match connected {
                Ok(stream) => {
                    self.witness.note(dial, Happening::DialDone, |bench, at| {
                        bench.dial_done(at, dial);
                    });
                    Ok(Box::new(WatchedStream {
                        stream,
                        witness: Arc::clone(&self.witness),
                        dial,
                        blocked: false,
                        ended: false,
                    }) as Box<dyn Transport>)
                }
                Err(error) => {
                    self.witness
                        .note(dial, Happening::DialRefused, |bench, at| {
                            bench.dial_refused(at, dial);
                        });
                    Err(DialError::Connect(error))
                }
            }
        })
    }
}

/// A dial that has not come to its end.
struct UnderWay<'a> {
    witness: &'a Witness,
    dial: u64,
    done: bool,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if !self.done {
            let dial = self.dial;
            self.witness
                .note(dial, Happening::DialDropped, |bench, at| {
                    bench.dial_dropped(at, dial);
                });
        }
    }
}

/// The subscriber's stream.
struct WatchedStream {
    stream: ClientEnd,
    witness: Arc<Witness>,
    dial: u64,
    /// A write is pending.
    blocked: bool,
    /// The end was delivered.
    ended: bool,
}

impl WatchedStream {
    fn freed(&mut self) {
        if std::mem::take(&mut self.blocked) {
            let dial = self.dial;
            self.witness.note(dial, Happening::WriteFreed, |bench, at| {
                bench.write_freed(at, dial);
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
        // Who asks for more has done with what there was.
        self.witness.look(true);
        let (before, room) = (buf.filled().len(), buf.remaining());
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        match &read {
            Poll::Ready(Ok(())) if buf.filled().len() > before => {
                self.witness.read(dial, &buf.filled()[before..]);
            }
            Poll::Ready(Ok(())) if room > 0 && !self.ended => {
                self.ended = true;
                self.witness.note(dial, Happening::ReadFin, |bench, at| {
                    bench.read_end(at, dial, false);
                });
            }
            Poll::Ready(Err(_)) if !self.ended => {
                self.ended = true;
                self.witness.note(dial, Happening::ReadReset, |bench, at| {
                    bench.read_end(at, dial, true);
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
        if buf.len() > MAX_WAITING_BYTES {
            self.witness.bench(|bench, at| {
                bench.findings.broke(Rule::R13, at, || {
                    format!(
                        "expected at most {MAX_WAITING_BYTES} bytes to wait to be written, found {}",
                        buf.len()
                    )
                });
            });
        }
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        match &written {
            Poll::Ready(Ok(taken)) => {
                self.freed();
                self.witness.wrote(dial, &buf[..*taken]);
            }
            Poll::Ready(Err(_)) => {
                self.blocked = false;
                self.witness
                    .note(dial, Happening::WriteFailed, |bench, at| {
                        bench.write_failed(at, dial);
                    });
            }
            Poll::Pending if !self.blocked => {
                self.blocked = true;
                self.witness
                    .note(dial, Happening::WriteBlocked, |bench, at| {
                        bench.write_blocked(at, dial);
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
        self.witness.note(self.dial, Happening::WroteFin, |_, _| ());
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Drop for WatchedStream {
    fn drop(&mut self) {
        let dial = self.dial;
        self.witness.note(dial, Happening::Dropped, |bench, at| {
            bench.dropped(at, dial);
        });
    }
}
