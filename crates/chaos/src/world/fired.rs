//! Which faults fired, by the engine's own journal.

use std::borrow::Cow;
use std::collections::BTreeMap;

use wstape_harness::Time;
use wstape_mock_engine::{Entry, JournalKind};
use wstape_tape::{Action, Conn, Down, End, Micros, Step, Trigger};

use crate::case::{Case, FAULT_KEY};
use crate::coverage::Coverage;
use crate::extension::extension;
use crate::fault::FaultKind;

/// How much later than its time a step may be performed: plain time wakes at whole milliseconds.
fn lateness(time: Time) -> Micros {
    match time {
        Time::Fine => Micros::ZERO,
        Time::Plain => Micros(999),
    }
}

/// A step of the faults tape that is of some kind.
struct Fault<'a> {
    kind: FaultKind,
    step: &'a Step,
    /// What a journal says of it, where that tells it from others.
    words: Cow<'static, str>,
}

/// What a journal says of a step, made once: half of a journal may be held against it.
fn words(step: &Step) -> Cow<'static, str> {
    match &step.action {
        // Whichever event it is.
        Action::Emit(_) => Cow::Borrowed(""),
        action if action.is_state() => step.words(),
        action => action.words(),
    }
}

/// Counts, for each kind that the case enables, how often it fired: an entry of the journal that
/// a step of that kind makes where it is performed, at its time, on its connection.
pub(super) fn count_fired(case: &Case, time: Time, journal: &[Entry], coverage: &mut Coverage) {
    let lateness = lateness(time);
    let faults: Vec<Fault<'_>> = case
        .faults
        .steps
        .iter()
        .filter_map(|step| {
            let name: String = serde_json::from_str(extension(step, FAULT_KEY)?.get()).ok()?;
            let kind = name.parse().ok()?;
            let words = words(step);
            Some(Fault { kind, step, words })
        })
        .collect();
    // Steps that show at once, by their time; the others may show at any.
    let (mut at_once, mut later): (BTreeMap<Micros, Vec<&Fault<'_>>>, Vec<_>) = Default::default();
    for fault in &faults {
        coverage.faults.entry(fault.kind).or_default();
        match fault.step.trigger {
            Trigger::At(at) if !fault.lasts() => at_once.entry(at).or_default().push(fault),
            _ => later.push(fault),
        }
    }
    for entry in journal.iter().filter(|entry| is_of_the_engine(&entry.kind)) {
        let since = Micros(entry.at.0.saturating_sub(lateness.0));
        let now = at_once
            .range(since..=entry.at)
            .flat_map(|(_, faults)| faults);
        let fired = now
            .chain(&later)
            .find(|fault| fault.is_at(entry, lateness) && fault.shows_as(&entry.kind));
        if let Some(fault) = fired {
            *coverage.faults.entry(fault.kind).or_default() += 1;
        }
    }
}

/// Whether a fault can show as this at all. Half of a journal is what the client did, and of that
/// no fault needs to be asked.
fn is_of_the_engine(kind: &JournalKind) -> bool {
    !matches!(
        kind,
        JournalKind::Accepted
            | JournalKind::Received(_)
            | JournalKind::ClientClosed
            | JournalKind::ClientReset
    )
}

impl Fault<'_> {
    /// Whether the step may have been performed at the entry's time, on its connection.
    fn is_at(&self, entry: &Entry, lateness: Micros) -> bool {
        match self.step.trigger {
            // What clears by itself, or meets a later connection, shows later.
            Trigger::At(at) => {
                let later = self.lasts() && entry.at >= at;
                let conn = match self.step.conn {
                    Conn::All => true,
                    Conn::Nth(nth) => entry.conn.is_none_or(|conn| conn == nth),
                };
                (later || entry.at >= at && entry.at.0 - at.0 <= lateness.0) && conn
            }
            ref trigger => entry
                .conn
                .is_some_and(|conn| trigger.whose().contains(conn)),
        }
    }

    /// Whether it shows when a connection meets it, not when it is set.
    fn lasts(&self) -> bool {
        matches!(
            self.step.action,
            Action::Down(Down::Refuses | Down::Drains | Down::Resets { .. })
                | Action::Hang(true)
                | Action::Refuse(Some(_))
                | Action::Accept(Some(_))
                | Action::Garbage(Some(_))
        )
    }

    /// Whether the journal says it so.
    fn shows_as(&self, kind: &JournalKind) -> bool {
        match &self.step.action {
            Action::Down(Down::Refuses | Down::Drains) => {
                matches!(kind, JournalKind::Down | JournalKind::DialRefused)
            }
            Action::Down(Down::Resets { .. }) => matches!(kind, JournalKind::DialReset),
            Action::Hang(true) => matches!(kind, JournalKind::Hung),
            Action::Refuse(Some(refusal)) => {
                matches!(kind, JournalKind::Refused { status } if *status == refusal.status)
            }
            Action::Accept(Some(accept)) => match (accept.status, &accept.token) {
                (Some(status), _) if status != 101 => {
                    matches!(kind, JournalKind::Refused { status: found } if *found == status)
                }
                (_, Some(_)) => matches!(kind, JournalKind::Refused { status: 401 }),
                _ => matches!(kind, JournalKind::Upgraded),
            },
            Action::Garbage(Some(_)) => matches!(kind, JournalKind::GarbageSent { .. }),
            Action::HalfClose => matches!(kind, JournalKind::HalfClosed),
            Action::Drop(End::Fin) => matches!(kind, JournalKind::Dropped(End::Fin)),
            Action::Drop(End::Reset) => matches!(kind, JournalKind::Dropped(End::Reset)),
            action if action.is_state() => {
                matches!(kind, JournalKind::State(text) if *text == self.words) && !action.clears()
            }
            // Whichever event: the engine may shift the times in it.
            Action::Emit(_) => matches!(kind, JournalKind::Sent { .. }),
            action if action.is_sent() => {
                matches!(kind, JournalKind::Sent { what, .. } if **what == *self.words)
            }
            Action::Mark(name) => matches!(kind, JournalKind::Mark(found) if found == name),
            _ => false,
        }
    }
}
