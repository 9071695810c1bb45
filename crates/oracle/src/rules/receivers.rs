//! R8: what receivers hear.

use std::collections::VecDeque;

use wstape_tape::Micros;

use super::findings::Findings;
use crate::field::Field;
use crate::heard::Heard;
use crate::model::{Event, Kind};
use crate::rule::Rule;

/// The events that a subscriber must deliver, and how far each receiver has got.
#[derive(Debug)]
pub(super) struct Receivers {
    /// Events that some receiver has not heard yet.
    events: VecDeque<Event>,
    /// The overall position of the first of `events`.
    first: u64,
    places: Vec<Option<Place>>,
    /// How many events a receiver may fall behind.
    capacity: u64,
}

/// How far a receiver has got.
#[derive(Debug, Clone, Copy)]
struct Place {
    next: u64,
    stalled: bool,
}

impl Receivers {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            events: VecDeque::new(),
            first: 0,
            places: Vec::new(),
            capacity: capacity.next_power_of_two() as u64,
        }
    }

    fn end(&self) -> u64 {
        self.first + self.events.len() as u64
    }

    /// Adds a receiver of the events from now on; returns its number.
    pub(super) fn add(&mut self) -> usize {
        self.places.push(Some(Place {
            next: self.end(),
            stalled: false,
        }));
        self.places.len() - 1
    }

    /// Removes a receiver that was dropped.
    pub(super) fn drop(&mut self, receiver: usize) {
        if let Some(place) = self.places.get_mut(receiver) {
            *place = None;
        }
        self.forget();
    }

    /// Notes whether receivers have stopped reading.
    pub(super) fn stall(&mut self, stalled: bool) {
        for place in self.places.iter_mut().flatten() {
            place.stalled = stalled;
        }
    }

    /// Adds an event that receivers must hear.
    pub(super) fn tell(&mut self, event: &Event) {
        if self.places.iter().any(Option::is_some) {
            self.events.push_back(event.clone());
        } else {
            self.first += 1;
        }
    }

    /// Checks what a receiver heard.
    pub(super) fn heard(
        &mut self,
        receiver: usize,
        heard: &Heard,
        at: Micros,
        findings: &mut Findings,
    ) {
        let end = self.end();
        let Some(Some(place)) = self.places.get_mut(receiver) else {
            return;
        };
        match heard {
            Heard::Closed => return,
            Heard::Lagged(missed) => {
                findings.held(Rule::R8);
                let before = place.next;
                place.next = place.next.saturating_add(*missed);
                // It was at least this far behind: what it missed plus what is kept for it.
                let behind = missed.saturating_add(self.capacity);
                if *missed == 0 || before.saturating_add(behind) > end {
                    findings.broke(Rule::R8, at, || {
                        format!(
                            "expected receiver {receiver} to miss only what does not fit into \
                             {} events of {}, found that it missed {missed}",
                            self.capacity,
                            end.saturating_sub(before)
                        )
                    });
                }
                place.next = place.next.min(end);
            }
            event => {
                findings.held(Rule::R8);
                let index = usize::try_from(place.next - self.first).unwrap_or(usize::MAX);
                place.next += 1;
                match self.events.get(index) {
                    Some(expected) if is(expected, event) => {}
                    Some(expected) => findings.broke(Rule::R8, at, || {
                        format!(
                            "expected receiver {receiver} to hear {expected:?}, found {event:?}"
                        )
                    }),
                    None => {
                        place.next = end;
                        findings.broke(Rule::R8, at, || {
                            format!(
                                "expected receiver {receiver} to hear nothing more, found {event:?}"
                            )
                        });
                    }
                }
            }
        }
        self.forget();
    }

    /// Checks that whoever reads has heard everything: all that was delivered is folded, and all
    /// that receivers can hear was heard.
    pub(super) fn look(&mut self, at: Micros, findings: &mut Findings) {
        let end = self.end();
        for (receiver, place) in self.places.iter_mut().enumerate() {
            let Some(place) = place else { continue };
            if !place.stalled && place.next < end {
                let missing = end - place.next;
                place.next = end;
                findings.broke(Rule::R8, at, || {
                    format!(
                        "expected receiver {receiver} to have heard all that was delivered, \
                         found {missing} events missing without a word"
                    )
                });
            }
        }
        self.forget();
    }

    fn forget(&mut self) {
        let least = self
            .places
            .iter()
            .flatten()
            .map(|place| place.next)
            .min()
            .unwrap_or(u64::MAX);
        while self.first < least && self.events.pop_front().is_some() {
            self.first += 1;
        }
    }
}

/// Whether what was heard is the expected event.
fn is(expected: &Event, heard: &Heard) -> bool {
    match (expected.kind, heard) {
        (Some(Kind::Heartbeat), Heard::Heartbeat(ts)) => *ts == expected.ts,
        (Some(kind), Heard::Reading(field, text)) => {
            field_of(kind) == Some(*field) && **text == *expected.data
        }
        (None, Heard::Unknown { event, ts, data }) => {
            *event == expected.name && *ts == expected.ts && **data == *expected.data
        }
        _ => false,
    }
}

/// The mirror's field that readings of a kind go to.
pub(super) fn field_of(kind: Kind) -> Option<Field> {
    Some(match kind {
        Kind::Heartbeat => return None,
        Kind::Status => Field::Status,
        Kind::Positions => Field::Positions,
        Kind::Risk => Field::Risk,
        Kind::Regime => Field::Regime,
    })
}

/// The model's kind of a field.
pub(super) fn kind_of(field: Field) -> Kind {
    match field {
        Field::Status => Kind::Status,
        Field::Positions => Kind::Positions,
        Field::Risk => Kind::Risk,
        Field::Regime => Kind::Regime,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Folded, Model};

    const AT: Micros = Micros(5);

    /// Receivers, one of them there from the start, with this many regimes to hear.
    fn told(events: u64) -> Receivers {
        let mut receivers = Receivers::new(4);
        receivers.add();
        for n in 0..events {
            let text = format!(r#"{{"event":"regime","data":{{"regime":"{n}"}}}}"#);
            let Folded::Event(event) = Model::read(&text, chrono::DateTime::UNIX_EPOCH) else {
                panic!("it is an event");
            };
            receivers.tell(&event);
        }
        receivers
    }

    fn regime(n: u64) -> Heard {
        let text = format!(r#"{{"regime":"{n}","confidence":null,"coin":null}}"#);
        Heard::Reading(Field::Regime, text)
    }

    fn broken(mut receivers: Receivers, heard: &[Heard]) -> usize {
        let mut findings = Findings::new();
        for heard in heard {
            receivers.heard(0, heard, AT, &mut findings);
        }
        receivers.look(AT, &mut findings);
        findings.violations().len()
    }

    #[test]
    fn all_is_heard_in_its_order_once() {
        assert_eq!(broken(told(2), &[regime(0), regime(1)]), 0);
        assert_eq!(broken(told(2), &[regime(0)]), 1, "one is missing");
        assert_eq!(broken(told(2), &[regime(1), regime(0)]), 2);
        assert_eq!(broken(told(1), &[regime(0), regime(0)]), 1, "one too many");
    }

    #[test]
    fn what_was_missed_is_told_exactly() {
        let last = [6, 7, 8, 9].map(regime);
        let heard = |missed| {
            let mut heard = vec![Heard::Lagged(missed)];
            heard.extend(last.clone());
            heard
        };
        assert_eq!(broken(told(10), &heard(6)), 0);
        assert!(broken(told(10), &heard(5)) > 0, "one too few");
        assert!(broken(told(10), &heard(7)) > 0, "one too many");
        assert!(broken(told(10), &last) > 0, "without a word");
    }

    #[test]
    fn whoever_has_stalled_need_not_have_heard_and_a_new_one_hears_from_now_on() {
        let mut receivers = told(3);
        receivers.stall(true);
        assert_eq!(broken(receivers, &[]), 0);
        let mut receivers = told(3);
        receivers.drop(0);
        let late = receivers.add();
        let mut findings = Findings::new();
        receivers.heard(late, &regime(2), AT, &mut findings);
        assert_eq!(findings.violations().len(), 1);
    }
}
