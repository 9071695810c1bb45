//! Which faults fired, according to the engine's own journal.

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

/// A step of the faults tape that has a kind.
struct Fault<'a> {
    kind: FaultKind,
    step: &'a Step,
    /// The words of its journal entry, if they tell it from other faults.
    words: Cow<'static, str>,
}

/// The words of a step's journal entry; computed once, as half a journal may be compared with them.
fn words(step: &Step) -> Cow<'static, str> {
    match &step.action {
        // Any event will do: the engine may shift the times in it.
        Action::Emit(_) => Cow::Borrowed(""),
        action if action.is_state() => step.words(),
        action => action.words(),
    }
}

/// Counts how often each kind the case enables fired: a journal entry that a step of that kind
/// makes when performed, at its time, on its connection.
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
    // Steps whose effect shows at once, by time; the others, which may show at any time, by how
    // they show.
    let (mut at_once, mut later): (BTreeMap<Micros, Faults<'_>>, BTreeMap<Sight, Faults<'_>>) =
        Default::default();
    for fault in &faults {
        coverage.faults.entry(fault.kind).or_default();
        match fault.step.trigger {
            Trigger::At(at) if !fault.lasts() => at_once.entry(at).or_default().push(fault),
            _ => {
                for sight in fault.sights() {
                    later.entry(*sight).or_default().push(fault);
                }
            }
        }
    }
    for entry in journal {
        let Some(sight) = sight_of(&entry.kind) else {
            continue;
        };
        let since = Micros(entry.at.0.saturating_sub(lateness.0));
        let now = at_once
            .range(since..=entry.at)
            .flat_map(|(_, faults)| faults)
            .filter(|fault| fault.sights().contains(&sight));
        let fired = now
            .chain(later.get(&sight).into_iter().flatten())
            .find(|fault| fault.is_at(entry, lateness) && fault.shows_as(&entry.kind));
        if let Some(fault) = fired {
            *coverage.faults.entry(fault.kind).or_default() += 1;
        }
    }
}

type Faults<'a> = Vec<&'a Fault<'a>>;

/// How a fault shows: a kind of journal entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sight {
    DialRefused,
    DialPending,
    DialReset,
    Down,
    TlsFailed,
    Hung,
    Upgraded,
    Refused,
    Garbage,
    HalfClosed,
    Dropped,
    State,
    Sent,
    Mark,
}

/// What an entry may show. Half of a journal is what the client did, which shows no fault.
fn sight_of(kind: &JournalKind) -> Option<Sight> {
    Some(match kind {
        JournalKind::DialRefused => Sight::DialRefused,
        JournalKind::DialPending => Sight::DialPending,
        JournalKind::DialReset => Sight::DialReset,
        JournalKind::Down => Sight::Down,
        JournalKind::TlsFailed(_) => Sight::TlsFailed,
        JournalKind::Hung => Sight::Hung,
        JournalKind::Upgraded => Sight::Upgraded,
        JournalKind::Refused { .. } => Sight::Refused,
        JournalKind::GarbageSent { .. } => Sight::Garbage,
        JournalKind::HalfClosed => Sight::HalfClosed,
        JournalKind::Dropped(_) => Sight::Dropped,
        JournalKind::State(_) => Sight::State,
        JournalKind::Sent { .. } => Sight::Sent,
        JournalKind::Mark(_) => Sight::Mark,
        _ => return None,
    })
}

impl Fault<'_> {
    /// Whether the step may have been performed at the entry's time, on its connection.
    fn is_at(&self, entry: &Entry, lateness: Micros) -> bool {
        match self.step.trigger {
            // A fault that clears by itself, or is met by a later connection, shows later.
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

    /// Whether it shows when a connection meets it, rather than when it is set.
    fn lasts(&self) -> bool {
        matches!(
            self.step.action,
            Action::Down(Down::Refuses | Down::Drains | Down::Pends | Down::Resets { .. })
                | Action::Tls(Some(_))
                | Action::Hang(true)
                | Action::Refuse(Some(_))
                | Action::Accept(Some(_))
                | Action::Garbage(Some(_))
        )
    }

    /// The ways in which it may show.
    fn sights(&self) -> &'static [Sight] {
        match &self.step.action {
            Action::Down(Down::Refuses | Down::Drains) => &[Sight::Down, Sight::DialRefused],
            Action::Down(Down::Pends) => &[Sight::DialPending],
            Action::Down(Down::Resets { .. }) => &[Sight::DialReset],
            Action::Tls(Some(_)) => &[Sight::TlsFailed, Sight::Hung],
            Action::Hang(true) => &[Sight::Hung],
            Action::Refuse(Some(_)) => &[Sight::Refused],
            Action::Accept(Some(accept)) if accept.status.is_some_and(|status| status != 101) => {
                &[Sight::Refused]
            }
            Action::Accept(Some(accept)) if accept.token.is_some() => &[Sight::Refused],
            Action::Accept(Some(_)) => &[Sight::Upgraded],
            Action::Garbage(Some(_)) => &[Sight::Garbage],
            Action::HalfClose => &[Sight::HalfClosed],
            Action::Drop(End::Fin | End::Reset) => &[Sight::Dropped],
            action if action.is_state() => &[Sight::State],
            Action::Emit(_) => &[Sight::Sent],
            action if action.is_sent() => &[Sight::Sent],
            Action::Mark(_) => &[Sight::Mark],
            _ => &[],
        }
    }

    /// Whether an entry shows that the fault fired, if its kind is one that the fault [may show
    /// as](Self::sights).
    fn shows_as(&self, kind: &JournalKind) -> bool {
        match (&self.step.action, kind) {
            (Action::Refuse(Some(refusal)), JournalKind::Refused { status }) => {
                *status == refusal.status
            }
            (Action::Accept(Some(accept)), JournalKind::Refused { status }) => {
                *status == accept.status.filter(|status| *status != 101).unwrap_or(401)
            }
            (Action::Drop(end), JournalKind::Dropped(found)) => end == found,
            (action, JournalKind::State(text)) => *text == self.words && !action.clears(),
            // Any event will do: the engine may shift the times in it.
            (Action::Emit(_), JournalKind::Sent { .. }) => true,
            (_, JournalKind::Sent { what, .. }) => **what == *self.words,
            (Action::Mark(name), JournalKind::Mark(found)) => found == name,
            _ => true,
        }
    }
}
