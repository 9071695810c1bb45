//! What a tape demands of the subscriber: its `expect` steps, checked as they fall due.
//!
//! Checking them means following the journal anyway, so the timeline is built here too, entry by
//! entry. Neither keeps the entries it has taken in, so a tape larger than memory can be played.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use serde_json::Value;
use wstape_mock_engine::{Clock, Engine, Entry, Journal, JournalKind, Wanted, WantedMessage};
use wstape_oracle::Mirror;
use wstape_tape::{Expect, Micros};

use crate::timeline::{Line, Timeline};

/// Entries that the journal may hold before they are taken in.
const MAX_WAITING: usize = 4_096;

/// Follows the journal: builds the timeline, collects `expect` steps and checks each when it falls
/// due.
pub(crate) struct Demands {
    journal: Journal,
    clock: Clock,
    due: Vec<Due>,
    found: Vec<Result<String, String>>,
    /// What the client sent, while a demand may ask for it.
    received: Vec<Entry>,
    timeline: Timeline,
    /// When the tape's end was played.
    end: Option<Micros>,
}

struct Due {
    /// When the step was played.
    since: Micros,
    at: Micros,
    expect: Arc<Expect>,
}

impl Demands {
    pub(crate) fn new(engine: &Engine) -> Self {
        Self {
            journal: engine.journal(),
            clock: engine.clock(),
            due: Vec::new(),
            found: Vec::new(),
            received: Vec::new(),
            timeline: Timeline::default(),
            end: None,
        }
    }

    /// Waits for `work`, checking what falls due meanwhile.
    pub(crate) async fn check_until<T>(
        &mut self,
        work: impl Future<Output = T>,
        mirror: Option<&dyn Mirror>,
    ) -> T {
        let mut work = pin!(work);
        loop {
            self.collect();
            tokio::select! {
                biased;
                done = &mut work => {
                    self.collect();
                    return done;
                }
                () = self.next() => {}
            }
            self.check(mirror, self.clock.now());
        }
    }

    /// When the tape's end was played, as far as the journal has been taken in.
    pub(crate) fn end(&self) -> Option<Micros> {
        self.end
    }

    /// Checks what is left; returns all findings, and what happened up to `last`.
    pub(crate) fn finish(
        mut self,
        mirror: Option<&dyn Mirror>,
        last: Micros,
    ) -> (Vec<Result<String, String>>, Timeline) {
        self.collect();
        self.check(mirror, Micros(u64::MAX));
        self.timeline.cut(last);
        (self.found, self.timeline)
    }

    /// Waits until the next demand falls due, or another comes, or there is much to take in.
    fn next(&self) -> impl Future<Output = ()> + use<> {
        let (journal, clock) = (self.journal.clone(), self.clock.clone());
        let earliest = self.due.iter().map(|due| due.at).min();
        let mut seen = 0;
        async move {
            let more = journal.wait_for(move |entries| {
                let new = &entries[seen.min(entries.len())..];
                seen = entries.len();
                seen >= MAX_WAITING || new.iter().any(is_demand)
            });
            match earliest {
                None => more.await,
                // One microsecond more: what happens at that very instant still counts.
                Some(at) => tokio::select! {
                    biased;
                    () = more => {}
                    () = clock.sleep_until(Micros(at.0.saturating_add(1))) => {}
                },
            }
        }
    }

    fn collect(&mut self) {
        for entry in self.journal.take() {
            if entry.kind.is_told() {
                self.timeline.push(Line::of(&entry));
            }
            match &entry.kind {
                JournalKind::Expect(expect) => self.due.push(Due {
                    since: entry.at,
                    at: Micros(entry.at.0.saturating_add(expect.after.0)),
                    expect: Arc::clone(expect),
                }),
                JournalKind::End => self.end = Some(entry.at),
                // Kept for demands that were played before it, or that follow it at the same
                // instant.
                JournalKind::Received(_) => self.received.push(entry),
                _ => {}
            }
        }
        let since = self.due.iter().map(|due| due.since).min();
        let now = self.clock.now();
        self.received
            .retain(|entry| entry.at >= since.unwrap_or(now));
    }

    fn check(&mut self, mirror: Option<&dyn Mirror>, now: Micros) {
        let (due, later) = std::mem::take(&mut self.due)
            .into_iter()
            .partition(|due| due.at < now);
        self.due = later;
        for due in due {
            let result = self.judge(&due, mirror);
            self.found.push(result);
        }
    }

    fn judge(&self, due: &Due, mirror: Option<&dyn Mirror>) -> Result<String, String> {
        let mut met = Vec::new();
        if let Some(wanted) = &due.expect.mirror {
            let text = wanted.get();
            let wanted: Value = serde_json::from_str(text)
                .map_err(|error| format!("{}: no JSON: {error}", due.at))?;
            let mirror = mirror
                .map(Mirror::json)
                .ok_or_else(|| format!("{}: the subscriber shows no mirror", due.at))?;
            if let Some(departure) = departure(&wanted, &mirror, "mirror") {
                return Err(format!("{}: {departure}", due.at));
            }
            met.push(format!("mirror {text}"));
        }
        if let Some(wanted) = &due.expect.received {
            let came = self
                .received
                .iter()
                .filter(|entry| (due.since..=due.at).contains(&entry.at))
                .any(|entry| match &entry.kind {
                    JournalKind::Received(frame) => Wanted(wanted).is(frame),
                    _ => false,
                });
            if !came {
                return Err(format!(
                    "{}: expected the client to have sent {} since {}",
                    due.at,
                    Wanted(wanted),
                    due.since
                ));
            }
            met.push(format!("received {:?}", wanted.kind));
        }
        if let Some(wanted) = &due.expect.message {
            let within = self.received.iter();
            let within = within.filter(|entry| (due.since..=due.at).contains(&entry.at));
            let frames = within.filter_map(|entry| match &entry.kind {
                JournalKind::Received(frame) => Some((entry.conn, frame)),
                _ => None,
            });
            if !WantedMessage(wanted).is_among(frames) {
                return Err(format!(
                    "{}: expected the client to have sent {} since {}",
                    due.at,
                    WantedMessage(wanted),
                    due.since
                ));
            }
            met.push(format!("received {}", WantedMessage(wanted)));
        }
        Ok(format!("{}: {}", due.at, met.join(", ")))
    }
}

fn is_demand(entry: &Entry) -> bool {
    matches!(entry.kind, JournalKind::Expect(_))
}

/// Says where `found` lacks what `wanted` names; members that `wanted` does not name may be
/// anything.
fn departure(wanted: &Value, found: &Value, place: &str) -> Option<String> {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => wanted.iter().find_map(|(key, value)| {
            let place = format!("{place}.{key}");
            departure(value, found.get(key).unwrap_or(&Value::Null), &place)
        }),
        (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => wanted
            .iter()
            .zip(found)
            .enumerate()
            .find_map(|(n, (wanted, found))| departure(wanted, found, &format!("{place}[{n}]"))),
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => None,
        _ if wanted == found => None,
        _ => Some(format!("{place}: expected {wanted}, found {found}")),
    }
}
