//! Checks that the connections that a posted step names exist: whoever steers by hand is told at
//! once, rather than left to wonder why nothing happened.

use std::fmt::Write as _;

use wstape_tape::{Action, Conn as Whom, Micros, Step, Trigger, Whose};

use super::Core;
use super::untaken::Absent;
use crate::hub::connection::Conn;
use crate::hub::phase::Phase;
use crate::ids::{ConnId, LayerIndex};

/// The most connections listed in a sentence.
const MAX_LISTED_CONNECTIONS: usize = 16;

/// The state of a connection that a step names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    ToCome,
    Live(ConnId),
    Over,
}

impl Core {
    /// Finds the first of these steps that names a connection that isn't there for it: a step that
    /// acts at once on a connection that can't take it, a state for one that is over, a trigger
    /// whose moment has passed.
    ///
    /// Steps that happen later are not checked: their connections may come until then.
    pub(super) fn absent(&self, layer: LayerIndex, steps: &[Step]) -> Option<Absent> {
        // The steps of a layer that holds its answers wait for their connections.
        if self.layers.holds(layer) {
            return None;
        }
        steps.iter().find_map(|step| match &step.trigger {
            Trigger::At(Micros::ZERO) if step.jitter.is_none() => self.absent_now(step),
            Trigger::At(_) => None,
            Trigger::OnConnect { whose, .. } => {
                let path = step.path.as_deref();
                let last = last_of(*whose)?;
                let come = self.come(path);
                // A number that was given back is free even while higher ones are taken.
                let taken = path.is_none() && self.numbers.taken(last).is_some();
                (taken || last <= come).then(|| {
                    let said = format!(
                        "{} came before this: `on_connect` is for future connections, and the \
                         next is {}",
                        called(*whose, path),
                        come + 1
                    );
                    Absent::late(step, said)
                })
            }
            trigger => {
                let Whose::Nth(nth) = trigger.whose() else {
                    return None;
                };
                let path = step.path.as_deref();
                let over = self.place_of_number(path, nth) == Place::Over;
                over.then(|| self.late(step, trigger.key(), nth))
            }
        })
    }

    /// Like [`absent`](Self::absent), for a step that happens now.
    fn absent_now(&self, step: &Step) -> Option<Absent> {
        let Whom::Nth(nth) = step.conn else {
            return None;
        };
        let place = match step.path.as_deref() {
            None => self.place_of(ConnId::new(nth)),
            path => self.place_of_number(path, nth),
        };
        let action = &step.action;
        let waits = action.waits_for_the_101();
        let acts = waits || matches!(action, Action::Drop(_) | Action::HalfClose);
        match place {
            Place::ToCome if acts => Some(self.never(step, nth)),
            // Nothing can be expected of it, or set for it, any more.
            Place::Over
                if acts
                    || matches!(action, Action::Expect(_))
                    || action.is_state() && !action.clears() =>
            {
                Some(self.late(step, action.key(), nth))
            }
            Place::Live(id) if waits => {
                let phase = self.connections.phase(id)?;
                let upgraded = self.connections.get(id).is_some_and(Conn::upgraded);
                (!upgraded && phase != Phase::Raw).then(|| self.unready(step, nth, phase))
            }
            _ => None,
        }
    }

    /// The state of the connection with this number in the journal. Behind a partition, the link
    /// may outlive its connection: a state set for it still has an effect.
    fn place_of(&self, id: ConnId) -> Place {
        if self.connections.contains(id) || self.connections.lingers(id) {
            Place::Live(id)
        } else if id > self.connections.newest() {
            Place::ToCome
        } else {
            Place::Over
        }
    }

    /// The state of the connection with this number among the tape's, or among those of a path.
    fn place_of_number(&self, path: Option<&str>, nth: u64) -> Place {
        let id = match path {
            Some(path) => self.routes.nth(path, nth),
            None => self.numbers.taken(nth),
        };
        match id {
            Some(id) => self.place_of(id),
            None if nth > self.come(path) => Place::ToCome,
            None => Place::Over,
        }
    }

    /// The number of connections of the tape, or of a path, that have come.
    fn come(&self, path: Option<&str>) -> u64 {
        match path {
            Some(path) => self.routes.count(path),
            None => self.numbers.all_taken_to(),
        }
    }

    fn never(&self, step: &Step, nth: u64) -> Absent {
        let said = format!(
            "there has been no {} to `{}`; {}",
            called(Whose::Nth(nth), step.path.as_deref()),
            step.action.key(),
            self.there()
        );
        Absent {
            never: true,
            ..Absent::late(step, said)
        }
    }

    fn late(&self, step: &Step, key: &str, nth: u64) -> Absent {
        self.in_vain(step, key, nth, "over")
    }

    fn unready(&self, step: &Step, nth: u64, phase: Phase) -> Absent {
        let stands = format!("not open ({})", phase.word());
        self.in_vain(step, step.action.key(), nth, &stands)
    }

    fn in_vain(&self, step: &Step, key: &str, nth: u64, stands: &str) -> Absent {
        let said = format!(
            "{} is {stands}, so `{key}` has no effect; {}",
            called(Whose::Nth(nth), step.path.as_deref()),
            self.there()
        );
        Absent::late(step, said)
    }

    /// Lists the connections, as part of a sentence.
    fn there(&self) -> String {
        let all = self.connections.iter().count();
        if all == 0 {
            return "there is no connection now".to_owned();
        }
        let mut said = String::from("those there now:");
        for (id, conn) in self.connections.iter().take(MAX_LISTED_CONNECTIONS) {
            let comma = if said.ends_with(':') { " " } else { ", " };
            let _ = write!(said, "{comma}{}", id.get());
            if conn.phase() != Phase::Open {
                let _ = write!(said, " ({})", conn.phase().word());
            }
        }
        if let Some(more) = all
            .checked_sub(MAX_LISTED_CONNECTIONS)
            .filter(|&more| more > 0)
        {
            let _ = write!(said, " and {more} more");
        }
        said
    }
}

/// The last connection that a trigger can be for, if there is one.
fn last_of(whose: Whose) -> Option<u64> {
    match whose {
        Whose::Each => None,
        Whose::Nth(nth) => Some(nth),
        Whose::Range { to, .. } => to,
    }
}

fn called(whose: Whose, path: Option<&str>) -> String {
    match path {
        Some(path) => format!("connection {whose} of {path}"),
        None => format!("connection {whose}"),
    }
}
