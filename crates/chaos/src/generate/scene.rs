//! What fault generators know about the case.

use wstape_tape::{Action, After, Micros, Step, Trigger, Whose};

use super::dice::Dice;
use super::events;
use super::vocabulary::Vocabulary;
use crate::case::FAULT_KEY;
use crate::extension::raw;
use crate::fault::FaultKind;
use wstape_oracle::Settings;

/// Header bytes of a small frame, and of a longer one (RFC 6455, 5.2).
const SMALL_HEADER_BYTES: u64 = 2;
const LONGER_HEADER_BYTES: u64 = 4;
/// Payload size from which a frame has the longer header.
const LONGER_FROM_BYTES: usize = 126;

/// The longest outage, in multiples of the longest delay.
const MOST_DIALS_OF_AN_OUTAGE: u64 = 16;

/// What is known about a case while faults are drawn.
pub(super) struct Scene<'a> {
    pub(super) settings: &'a Settings,
    /// The base's events, with the bytes of each frame.
    pub(super) events: Vec<(Micros, u64, u64)>,
    /// The messages that make up the feed, if they are not the generated ones.
    pub(super) vocabulary: Option<&'a Vocabulary>,
    /// When faults are over.
    pub(super) quiet_at: Micros,
    /// Whether the feed's events carry the engine's time.
    pub(super) tells_time: bool,
    /// The steps drawn so far.
    pub(super) steps: Vec<Step>,
    /// Whether any of them refers to something (`${now}`).
    pub(super) refers: bool,
}

impl<'a> Scene<'a> {
    pub(super) fn new(
        settings: &'a Settings,
        base: &[Step],
        quiet_at: Micros,
        vocabulary: Option<&'a Vocabulary>,
    ) -> Self {
        let events = base
            .iter()
            .filter_map(|step| match (&step.trigger, &step.action) {
                (Trigger::At(at), action @ (Action::Emit(_) | Action::Text(_))) => {
                    let bytes = action.payload_bytes();
                    let header = if bytes < LONGER_FROM_BYTES {
                        SMALL_HEADER_BYTES
                    } else {
                        LONGER_HEADER_BYTES
                    };
                    Some((*at, header, bytes as u64))
                }
                _ => None,
            })
            .collect();
        Self {
            settings,
            events,
            vocabulary,
            quiet_at,
            tells_time: vocabulary.is_none(),
            steps: Vec::new(),
            refers: false,
        }
    }

    /// One of the feed's messages.
    pub(super) fn event(&self, dice: &mut Dice, ts: &str) -> String {
        match self.vocabulary {
            Some(vocabulary) => vocabulary.any(dice),
            None => events::event(dice, ts),
        }
    }

    /// Draws a moment of the faulty phase: half of the time one at which an event is sent.
    pub(super) fn moment(&self, dice: &mut Dice) -> Micros {
        let until = self.quiet_at.0.saturating_sub(1).max(1);
        if dice.chance(1, 2) && !self.events.is_empty() {
            let (at, ..) = self.events[dice.index(self.events.len())];
            if at.0 < until {
                return at;
            }
        }
        Micros(dice.below(until))
    }

    /// How long something lasts: around one of the subscriber's timeouts, a tick more or less, or
    /// anything. Never beyond the faulty phase.
    pub(super) fn span(&self, dice: &mut Dice, from: Micros) -> Micros {
        let settings = self.settings;
        let span = if dice.chance(2, 5) {
            let threshold = Micros::from(dice.pick(&[
                settings.idle_timeout,
                settings.idle_timeout,
                settings.ping_interval,
                settings.connect_timeout,
                settings.initial_backoff,
                settings.max_backoff,
                settings.idle_timeout.saturating_sub(settings.ping_interval),
            ]));
            Micros((threshold.0 + dice.below(3)).saturating_sub(1).max(1))
        } else {
            dice.log_time(Micros::from_ms(1), Micros::from_ms(30_000))
        };
        let left = self.quiet_at.0.saturating_sub(from.0).max(1);
        Micros(span.0.min(left))
    }

    /// How long nobody can connect: as [`span`](Self::span), but limited to a number of dials,
    /// because they are all alike.
    pub(super) fn outage(&self, dice: &mut Dice, from: Micros) -> Micros {
        let longest = Micros::from(self.settings.max_backoff);
        let most = longest.0.saturating_mul(MOST_DIALS_OF_AN_OUTAGE).max(1);
        Micros(self.span(dice, from).0.min(most))
    }

    /// A number of bytes sent on a connection: half of the time around the end of a header or a
    /// frame, assuming that only events are sent on the first connection.
    pub(super) fn cut(&self, dice: &mut Dice) -> u64 {
        if dice.chance(1, 2) && !self.events.is_empty() {
            let upto = dice.index(self.events.len().min(8)) + 1;
            let mut bytes = 0;
            let mut boundaries = vec![0];
            for (_, header, payload) in &self.events[..upto] {
                boundaries.push(bytes + header);
                bytes += header + payload;
                boundaries.push(bytes);
            }
            let boundary = dice.pick(&boundaries[boundaries.len() - 2..]);
            (boundary + dice.below(3)).saturating_sub(1)
        } else {
            dice.log(1, 4_096)
        }
    }

    /// A trigger on one of the first connections.
    pub(super) fn on_connect(dice: &mut Dice, after: After) -> Trigger {
        Trigger::OnConnect {
            whose: Whose::Nth(dice.pick(&[1, 1, 2, 2, 3, 4])),
            after,
        }
    }

    /// Adds a step of this kind.
    pub(super) fn put(&mut self, kind: FaultKind, mut step: Step) {
        step.extensions
            .push((FAULT_KEY.to_owned(), raw(kind.name())));
        self.steps.push(step);
    }

    /// Adds an action at a time.
    pub(super) fn at(&mut self, kind: FaultKind, at: Micros, action: Action) {
        self.put(kind, Step::at(at, action));
    }

    /// Adds a state at a time, lasting `span`.
    pub(super) fn state(&mut self, kind: FaultKind, at: Micros, action: Action, span: Micros) {
        let mut step = Step::at(at, action);
        step.for_us = Some(span);
        self.put(kind, step);
    }
}
