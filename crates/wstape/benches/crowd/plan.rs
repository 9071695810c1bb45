//! What is sent to a crowd, and when: the same for every server.

use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// The time between two turns of the steady part.
const STEADY_MS: u64 = 1_000;

/// The time from one burst to the next, because Node takes seconds for one.
const BURST_PAUSE_MS: u64 = 8_000;

/// The text of an event before its time, between its time and its number, and after its number.
const BEFORE_TIME: &str = r#"{"event": "positions", "ts":""#;
const BEFORE_NUMBER: &str = r#"", "data": {"n":"#;
const BEHIND_NUMBER: &str = concat!(
    r#", "positions": [{"coin": "TRX", "direction": "LONG", "entry_price": 0.33444, "#,
    r#""size_coins": 149.0, "lens_id": "lens_flow"}, {"coin": "BTC", "direction": "SHORT", "#,
    r#""entry_price": 63450.0, "size_coins": 0.00125, "size_usd": 76.14}], "value": 581.49}}"#,
);

/// Bytes of a time: `2026-01-01T00:00:00.000000+00:00`.
const TIME_BYTES: usize = 32;

/// What a server sends to all clients, once all of them are connected.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) clients: usize,
    /// Turns of one event each, a second apart.
    pub(crate) steady: u64,
    /// Turns of this many events after them; all events of a turn are due at one instant.
    pub(crate) bursts: u64,
    pub(crate) burst_events: u64,
    /// All turns: when each is due after the beginning, in milliseconds, and its number of events.
    turns: Vec<(u64, u64)>,
}

impl Plan {
    pub(crate) fn new(clients: usize, steady: u64, (bursts, burst_events): (u64, u64)) -> Self {
        let singles = (1..=steady).map(|nth| (nth * STEADY_MS, 1));
        let behind = (steady + 1) * STEADY_MS;
        let many = (0..bursts).map(|nth| (behind + nth * BURST_PAUSE_MS, burst_events));
        Self {
            clients,
            steady,
            bursts,
            burst_events,
            turns: singles.chain(many).collect(),
        }
    }

    pub(crate) fn turns(&self) -> &[(u64, u64)] {
        &self.turns
    }

    /// Events that each client gets.
    pub(crate) fn events(&self) -> u64 {
        self.turns.iter().map(|&(_, events)| events).sum()
    }

    /// The burst that an event belongs to, from 0; `None` in the steady part.
    pub(crate) fn burst_of(&self, number: u64) -> Option<usize> {
        let nth = number.checked_sub(self.steady + 1)? / self.burst_events;
        usize::try_from(nth).ok()
    }

    /// When the last turn is due.
    pub(crate) fn lasts_ms(&self) -> u64 {
        self.turns.last().map_or(0, |&(at, _)| at)
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("numbers")
    }

    /// Writes the plan as a tape.
    pub(crate) fn write_tape(&self, path: &Path) -> io::Result<()> {
        let mut tape = io::BufWriter::new(std::fs::File::create(path)?);
        writeln!(tape, r#"{{"tape":1,"title":"crowd","epoch":"{EPOCH}"}}"#)?;
        let epoch: DateTime<Utc> = EPOCH.parse().expect("a time");
        let mut number = 0;
        for &(at_ms, events) in &self.turns {
            for _ in 0..events {
                number += 1;
                // `--ts shift` keeps the distance from an event's time to when it is due: zero
                // here.
                let event = event(epoch + Duration::from_millis(at_ms), number);
                writeln!(tape, r#"{{"at_ms":{at_ms},"emit":{event}}}"#)?;
            }
        }
        // Slow clients still have events to come.
        let end = self.lasts_ms() + 600_000;
        writeln!(tape, r#"{{"at_ms":{end},"end":true}}"#)?;
        tape.flush()
    }
}

/// The tape's wall time at 0.
const EPOCH: &str = "2026-01-01T00:00:00Z";

/// Returns a positions event of 331 bytes, or a few more with a longer number.
pub(crate) fn event(time: DateTime<Utc>, number: u64) -> String {
    let time = time.to_rfc3339_opts(SecondsFormat::Micros, false);
    format!("{BEFORE_TIME}{time}{BEFORE_NUMBER}{number}{BEHIND_NUMBER}")
}

/// Returns the time of an event and its number, from 1, as written there; `None` if it is not one.
pub(crate) fn read_event(event: &[u8]) -> Option<(&[u8], u64)> {
    let behind = event.strip_prefix(BEFORE_TIME.as_bytes())?;
    let (time, behind) = behind.split_at_checked(TIME_BYTES)?;
    let behind = behind.strip_prefix(BEFORE_NUMBER.as_bytes())?;
    let number = behind.strip_suffix(BEHIND_NUMBER.as_bytes())?;
    let digits = std::str::from_utf8(number).ok()?;
    Some((time, digits.parse().ok()?))
}
