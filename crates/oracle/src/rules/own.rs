//! A subject's own rules, told of everything that happens.

use std::collections::BTreeMap;
use std::fmt;

use wstape_tape::Micros;

use crate::fact::{Fact, Message, What};
use crate::own_rule::OwnRule;
use crate::rule::Rule;
use crate::wire::{Answer, Item, Messages, Opening, Sender};

/// A subject's own rules, and what they are told with. If there are none, nothing is read.
#[derive(Default)]
pub(super) struct OwnRules {
    rules: Vec<Place>,
    wires: BTreeMap<u64, Wire>,
    max_message_bytes: usize,
    /// Violations since the last call.
    broke: Vec<(Rule, Option<u64>, String)>,
}

/// A rule, and whether it was broken already.
struct Place {
    rule: Box<dyn OwnRule>,
    broke: bool,
}

/// Both directions of a connection, as messages.
struct Wire {
    opening: Opening,
    answered: bool,
    received: Messages,
    sent: Messages,
}

impl fmt::Debug for OwnRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.rules.iter().map(|place| place.rule.name().as_str());
        f.debug_list().entries(names).finish()
    }
}

impl OwnRules {
    pub(super) fn new(rules: Vec<Box<dyn OwnRule>>, max_message_bytes: usize) -> Self {
        let place = |rule| Place { rule, broke: false };
        Self {
            rules: rules.into_iter().map(place).collect(),
            max_message_bytes,
            ..Self::default()
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// How often each unbroken rule had something to judge.
    pub(super) fn held(&self) -> impl Iterator<Item = (Rule, u64)> + '_ {
        self.rules.iter().filter_map(|place| {
            let times = place.rule.verdict().ok()?;
            Some((Rule::Own(place.rule.name()), times))
        })
    }

    /// Violations since the last call, with the dial they happened on.
    pub(super) fn broke(&mut self) -> Vec<(Rule, Option<u64>, String)> {
        std::mem::take(&mut self.broke)
    }

    /// Tells every rule of what happened.
    pub(super) fn tell(&mut self, at: Micros, dial: Option<u64>, what: What<'_>) {
        let fact = Fact::new(at, dial, what);
        for place in &mut self.rules {
            if place.broke {
                continue;
            }
            place.rule.observe(&fact);
            if let Err(why) = place.rule.verdict() {
                place.broke = true;
                let rule = Rule::Own(place.rule.name());
                self.broke.push((rule, dial, why));
            }
        }
    }

    pub(super) fn dial(&mut self, at: Micros, dial: u64) {
        if self.is_empty() {
            return;
        }
        let wire = Wire {
            opening: Opening::new(),
            answered: false,
            received: Messages::new(Sender::Server, self.max_message_bytes),
            sent: Messages::new(Sender::Client, self.max_message_bytes),
        };
        self.wires.insert(dial, wire);
        self.tell(at, Some(dial), What::Dial);
    }

    pub(super) fn read(&mut self, at: Micros, dial: u64, bytes: &[u8]) {
        let Some(mut wire) = self.wires.remove(&dial) else {
            return;
        };
        let mut rest = bytes;
        if !wire.answered {
            rest = wire.opening.push_server(bytes);
            let what = match wire.opening.answer() {
                None | Some(Answer::Failed { whole: false, .. }) => None,
                Some(Answer::Upgraded { .. }) => Some(What::Answered(101)),
                Some(Answer::Refused { status, .. }) => Some(What::Answered(*status)),
                Some(Answer::Failed { .. }) => Some(What::AnsweredBadly),
            };
            if let Some(what) = what {
                wire.answered = true;
                self.tell(at, Some(dial), what);
            }
        }
        wire.received.push(rest);
        while let Some(seen) = wire.received.next() {
            let what = match &seen.item {
                Item::Violation(violation) => What::ReceivedBroken(violation.what),
                item => What::Received(message(item)),
            };
            self.tell(at, Some(dial), what);
            if matches!(seen.item, Item::Violation(_)) {
                break;
            }
        }
        self.wires.insert(dial, wire);
    }

    pub(super) fn wrote(&mut self, at: Micros, dial: u64, bytes: &[u8]) {
        let Some(mut wire) = self.wires.remove(&dial) else {
            return;
        };
        let rest = wire.opening.push_client(bytes);
        wire.sent.push(rest);
        while let Some(seen) = wire.sent.next() {
            if matches!(seen.item, Item::Violation(_)) {
                break;
            }
            self.tell(at, Some(dial), What::Sent(message(&seen.item)));
        }
        self.wires.insert(dial, wire);
    }

    /// Tells every rule that the dial or its stream is gone.
    pub(super) fn gone(&mut self, at: Micros, dial: u64, what: What<'_>) {
        if self.wires.remove(&dial).is_some() {
            self.tell(at, Some(dial), what);
        }
    }
}

/// Returns a message as a fact names it. A protocol violation is no message: it becomes an empty
/// one.
fn message(item: &Item) -> Message<'_> {
    match item {
        Item::Text(text) => Message::Text(text),
        Item::Binary(bytes) => Message::Binary(bytes),
        Item::Ping(payload) => Message::Ping(payload),
        Item::Pong(payload) => Message::Pong(payload),
        Item::Close { code, .. } => Message::Close(*code),
        Item::Violation(_) => Message::Binary(&[]),
    }
}
