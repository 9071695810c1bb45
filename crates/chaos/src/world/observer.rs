//! The observer: writes everything that passes between a subscriber and its world into the trace,
//! and reports it to the judge.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use wstape_mock_engine::Clock;
use wstape_oracle::{Field, Heard, Judge, Mirror, Record, Rule, View};
use wstape_tape::Micros;

use super::trace::{Happening, Trace};

/// The most dials that complete at one instant, far more than anybody needs. Later ones never do,
/// because a spinning subscriber would go on for ever without time passing.
const MAX_DIALS_AT_ONCE: u32 = 256;

/// Sees everything that passes between a subscriber and its world.
pub(super) struct Observer {
    pub(super) clock: Clock,
    seen: Mutex<Seen>,
    /// Notified when there is something to look at.
    pub(super) stirred: Notify,
}

/// What could be seen when a rule broke.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moment {
    /// The mirror, as JSON text; empty if the subscriber shows none.
    pub mirror: String,
    /// What it should have been by then, with everything delivered taken in.
    pub model: String,
}

struct Seen {
    trace: Trace,
    judge: Judge,
    mirror: Option<Arc<dyn Mirror>>,
    record: Option<Arc<dyn Record>>,
    /// One for each violation so far.
    moments: Vec<Moment>,
    dials: u64,
    /// When the last dial was, and how many there were at that instant.
    dialed: (Micros, u32),
    /// How long a dial takes.
    dial_takes: Micros,
    /// A buffer, reused from write to write.
    same: Vec<u8>,
    /// The instant of the last strict look, if nothing has happened since.
    looked: Option<Micros>,
}

impl std::fmt::Debug for Observer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Observer").finish_non_exhaustive()
    }
}

/// What a subscriber judged by bounds shows, as JSON text: its mirror; empty without one.
fn text_of_anyones(view: View<'_>) -> String {
    let mirror = view.mirror.map(|mirror| mirror.json().to_string());
    mirror.unwrap_or_default()
}

/// The mirror, with the connection's record as an extra member, as JSON text.
fn text(view: View<'_>) -> String {
    let mut text = Vec::from(*b"{");
    if let Some(mirror) = view.mirror {
        for field in Field::ALL {
            text.extend_from_slice(format!("\"{}\":", field.name()).as_bytes());
            mirror.field(field, &mut text);
            text.push(b',');
        }
        let heartbeat = match mirror.last_heartbeat() {
            Some(at) => format!("\"{at:?}\""),
            None => "null".to_owned(),
        };
        text.extend_from_slice(format!("\"last_heartbeat\":{heartbeat},").as_bytes());
    }
    if let Some(record) = view.record {
        let record = serde_json::to_string(&record.record())
            .expect("a connection's record serialises into memory");
        text.extend_from_slice(format!("\"connection\":{record},").as_bytes());
    }
    text.pop_if(|last| *last == b',');
    text.push(b'}');
    String::from_utf8_lossy(&text).into_owned()
}

impl Seen {
    /// What can be seen, as JSON text.
    fn text(&self) -> String {
        if self.judge.is_bounded() {
            text_of_anyones(self.view())
        } else {
            text(self.view())
        }
    }

    fn view(&self) -> View<'_> {
        View {
            mirror: self.mirror.as_deref(),
            record: self.record.as_deref(),
        }
    }

    fn look(&mut self, at: Micros, strict: bool) {
        let Self {
            judge,
            mirror,
            record,
            ..
        } = self;
        let view = View {
            mirror: mirror.as_deref(),
            record: record.as_deref(),
        };
        judge.look(at, view, strict);
    }

    /// Marks a rule that just broke in the trace, and keeps what can be seen at this moment.
    fn mark(&mut self, at: Micros) {
        while let Some(violation) = self.judge.violations().get(self.moments.len()) {
            let line = format!("BROKEN {violation}");
            self.trace
                .mark(at, violation.dial.unwrap_or_default(), &line);
            self.moments.push(Moment {
                mirror: self.text(),
                model: self.judge.expected_by_now(),
            });
        }
    }
}

impl Observer {
    pub(super) fn new(clock: Clock, judge: Judge) -> Self {
        Self {
            clock,
            seen: Mutex::new(Seen {
                trace: Trace::new(),
                judge,
                mirror: None,
                record: None,
                moments: Vec::new(),
                dials: 0,
                dialed: (Micros::ZERO, 0),
                dial_takes: Micros::ZERO,
                same: Vec::new(),
                looked: None,
            }),
            stirred: Notify::new(),
        }
    }

    /// Begins to watch the subscriber, which has started.
    pub(super) fn watch(&self, mirror: Option<Arc<dyn Mirror>>, record: Option<Arc<dyn Record>>) {
        let mut seen = self.seen.lock();
        seen.mirror = mirror;
        seen.record = record;
    }

    /// Takes out the trace, the judge and the moments; what happens from here on is discarded.
    pub(super) fn take(&self, unwatched: Judge) -> (Trace, Judge, Vec<Moment>) {
        let mut seen = self.seen.lock();
        seen.mirror = None;
        seen.record = None;
        (
            std::mem::replace(&mut seen.trace, Trace::new()),
            std::mem::replace(&mut seen.judge, unwatched),
            std::mem::take(&mut seen.moments),
        )
    }

    /// Locks everything seen so far, to report something that passes; a strict look is due again
    /// after it.
    fn passes(&self) -> MutexGuard<'_, Seen> {
        let mut seen = self.seen.lock();
        seen.looked = None;
        seen
    }

    /// What can be seen now, as JSON text.
    pub(super) fn text(&self) -> String {
        self.seen.lock().text()
    }

    /// Records something in the trace, and reports it to the judge.
    pub(super) fn note<T>(
        &self,
        dial: u64,
        what: Happening,
        tell: impl FnOnce(&mut Judge, Micros) -> T,
    ) -> T {
        let at = self.clock.now();
        let mut seen = self.passes();
        seen.trace.push(at, dial, what);
        let told = tell(&mut seen.judge, at);
        seen.mark(at);
        drop(seen);
        self.stirred.notify_one();
        told
    }

    /// Reports something that the trace doesn't record to the judge, or asks the judge about it.
    pub(super) fn judge<T>(&self, tell: impl FnOnce(&mut Judge, Micros) -> T) -> T {
        let at = self.clock.now();
        let mut seen = self.passes();
        let told = tell(&mut seen.judge, at);
        seen.mark(at);
        told
    }

    /// Sets how long dials take from here on.
    pub(super) fn dials_take(&self, takes: Micros) {
        self.seen.lock().dial_takes = takes;
    }

    /// Looks at a subscriber that is done with everything delivered.
    pub(super) fn look_strictly(&self) {
        let at = self.clock.now();
        let mut seen = self.seen.lock();
        // A second look at the same instant finds that nothing was taken in since.
        if seen.looked == Some(at) {
            return;
        }
        seen.look(at, true);
        seen.mark(at);
        seen.looked = Some(at);
    }

    /// Looks at the subscriber, which may still be at work, and at its receivers; returns when to
    /// look again, even if nothing happens.
    pub(super) fn look_around(&self) -> Option<Micros> {
        let at = self.clock.now();
        let mut seen = self.seen.lock();
        seen.look(at, false);
        seen.judge.look_at_receivers(at);
        seen.mark(at);
        seen.judge.next_look()
    }

    /// Records that a receiver heard something.
    pub(super) fn heard(&self, receiver: usize, heard: &Heard) {
        let at = self.clock.now();
        let mut seen = self.passes();
        let Seen { trace, judge, .. } = &mut *seen;
        let text = told(heard);
        trace.hash_in(text.as_bytes());
        let payload = trace.keep(text.as_bytes());
        trace.push(at, 0, Happening::Heard(receiver, payload));
        judge.heard(at, receiver, heard);
        seen.mark(at);
    }

    /// Begins a dial of `host`, which is the engine's if `right`. Returns the dial's number and how
    /// long it takes: for ever if the subscriber spins.
    pub(super) fn dial(&self, host: &str, right: bool) -> (u64, Micros) {
        let at = self.clock.now();
        let mut seen = self.passes();
        seen.dials += 1;
        let dial = seen.dials;
        seen.trace.push(at, dial, Happening::Dial);
        seen.judge.dial(at, dial);
        let at_once = if seen.dialed.0 == at {
            seen.dialed.1.saturating_add(1)
        } else {
            1
        };
        seen.dialed = (at, at_once);
        let spins = at_once > MAX_DIALS_AT_ONCE;
        if spins {
            seen.judge.broke(Rule::R3, at, || {
                format!("expected time to pass between dials, found {at_once} at one instant")
            });
        }
        if !right {
            seen.judge.dial_elsewhere(at, host);
        }
        let takes = if spins {
            Micros(u64::MAX)
        } else {
            seen.dial_takes
        };
        seen.mark(at);
        drop(seen);
        self.stirred.notify_one();
        (dial, takes)
    }

    pub(super) fn read(&self, dial: u64, bytes: &[u8]) {
        let at = self.clock.now();
        let mut seen = self.passes();
        let Seen { trace, judge, .. } = &mut *seen;
        trace.hash_in(judge.read(at, dial, bytes));
        let payload = trace.keep(bytes);
        trace.push(at, dial, Happening::Read(payload));
        seen.mark(at);
        drop(seen);
        self.stirred.notify_one();
    }

    pub(super) fn wrote(&self, dial: u64, bytes: &[u8]) {
        let at = self.clock.now();
        let mut seen = self.passes();
        let Seen {
            trace, judge, same, ..
        } = &mut *seen;
        same.clear();
        judge.wrote(at, dial, bytes, same);
        trace.hash_in(same);
        let payload = trace.keep(same);
        trace.push(at, dial, Happening::Wrote(payload));
        seen.mark(at);
        drop(seen);
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
