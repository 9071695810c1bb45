//! Performing a step: what each action comes to.

use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use wstape_tape::{Action, Conn as Whose, End, Micros, Step};

use super::agenda::Op;
use super::state::State;
use crate::journal::JournalKind;
use crate::layers::{Expired, Fault, Scope};

/// How much later than told a step happens; `None` for not at all. `stream` tells connections
/// apart.
pub(super) fn draw(step: &Step, stream: u64) -> Option<Micros> {
    if step.probability.is_none() && step.jitter.is_none() {
        return Some(Micros::ZERO);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(step.seed.unwrap_or_default());
    rng.set_stream(stream);
    // Always drawn first, so that the jitter does not depend on whether there is a probability.
    let chance: f64 = rng.random();
    if step
        .probability
        .is_some_and(|probability| chance >= probability)
    {
        return None;
    }
    Some(step.jitter.map_or(Micros::ZERO, |jitter| {
        Micros(rng.random_range(0..=jitter.0))
    }))
}

impl State {
    /// Plays an `at_ms` step, or a control: draws what it leaves to chance, then performs it.
    pub(crate) fn apply(&mut self, layer: usize, step: Step) {
        let scope = match step.conn {
            Whose::All => Scope::All,
            Whose::Nth(nth) => Scope::One(self.nth(layer, nth)),
        };
        match draw(&step, step.line) {
            None => {}
            Some(Micros::ZERO) => self.play(layer, scope, &step),
            Some(put_off) => {
                let put_off = self.speed.scale(put_off);
                let op = Op::Step {
                    layer,
                    scope,
                    step: Arc::new(step),
                };
                self.schedule_after(put_off, op);
            }
        }
    }

    /// Performs a step for the connections in `scope`, now.
    pub(super) fn perform(&mut self, layer: usize, scope: Scope, step: &Step) {
        let only = scope.only();
        if self.send(scope, &step.action) {
            return;
        }
        match &step.action {
            Action::Drop(end) => self.drop_connections(scope, *end),
            Action::Mark(name) => self.log(only, JournalKind::Mark(name.clone())),
            Action::Expect(expect) => self.log(only, JournalKind::Expect(Arc::new(expect.clone()))),
            Action::End => self.log(None, JournalKind::End),
            // What the client sent when the tape was recorded.
            Action::Received(_) => {}
            _ => {
                if let Some(state) = state_of(step) {
                    self.set(layer, scope, state, step);
                } else {
                    // One that the tape format has learnt since: never skipped without a word.
                    let text = format!("line {}: an action this engine cannot play", step.line);
                    self.log(only, JournalKind::Note(text));
                }
            }
        }
    }

    fn set(&mut self, layer: usize, scope: Scope, state: Fault, step: &Step) {
        let was_down = self.layers.down();
        let port = matches!(state, Fault::Down(_));
        let generation = self.layers.set(layer, scope, state, step.times);
        if let Some(length) = step.for_us {
            let length = self.speed.scale(length);
            self.schedule_after(
                length,
                Op::Expire {
                    layer,
                    generation,
                    scope,
                },
            );
        }
        if port {
            self.follow_down(was_down);
            return;
        }
        let only = scope.only();
        self.log(only, JournalKind::State(step.words().into_owned()));
        self.refresh_links();
    }

    /// A state clears by itself.
    pub(super) fn expire(&mut self, layer: usize, generation: u64, scope: Scope) {
        let was_down = self.layers.down();
        let only = scope.only();
        match self.layers.expire(layer, generation) {
            None => {}
            Some(Expired::Port) => self.follow_down(was_down),
            Some(Expired::State(word)) => {
                self.log(only, JournalKind::State(word.to_owned()));
                self.refresh_links();
            }
        }
    }

    /// Clears every fault of one layer.
    pub(crate) fn clear_faults(&mut self, layer: usize) {
        let was_down = self.layers.down();
        self.layers.clear(layer);
        self.log(None, JournalKind::State("faults cleared".to_owned()));
        self.follow_down(was_down);
        self.refresh_links();
    }

    /// The port follows where `down` has changed: what was open is reset, dials are refused.
    fn follow_down(&mut self, was_down: bool) {
        let down = self.layers.down();
        if down == was_down {
            return;
        }
        self.log(
            None,
            if down {
                JournalKind::Down
            } else {
                JournalKind::Up
            },
        );
        if let Err(error) = self.port.set(!down) {
            let text = format!(
                "port {}: {error}",
                if down { "not closed" } else { "not open again" }
            );
            self.log(None, JournalKind::Note(text));
        }
        if down {
            self.drop_connections(Scope::All, End::Reset);
        }
    }

    pub(super) fn drop_connections(&mut self, scope: Scope, end: End) {
        let ids: Vec<u64> = self
            .conns
            .keys()
            .copied()
            .filter(|&id| scope.holds(id))
            .collect();
        for id in ids {
            self.log(Some(id), JournalKind::Dropped(end));
            self.end(id, end);
        }
    }

    /// Every open link gets the conditions that hold now, and every handshake that waits its
    /// answer.
    fn refresh_links(&mut self) {
        let open = self.conns.iter().map(|(id, conn)| (id, &conn.link));
        for (&id, link) in open.chain(&self.lingering) {
            let (to_client, from_client) = self.layers.conditions(id);
            link.change(to_client, from_client);
        }
        self.let_go();
        self.tell_waiting();
    }
}

/// The state that an action sets; `None` for other actions.
fn state_of(step: &Step) -> Option<Fault> {
    let direction = step.direction;
    Some(match &step.action {
        Action::Accept(accept) => Fault::Accept(accept.clone()),
        Action::Refuse(refusal) => Fault::Refuse(refusal.clone()),
        Action::Hang(on) => Fault::Hang(*on),
        Action::Garbage(garbage) => Fault::Garbage(garbage.clone()),
        Action::Answers(answers) => Fault::Answers(*answers),
        Action::Down(on) => Fault::Down(*on),
        Action::Partition(which) => Fault::Partition(*which),
        Action::Latency(latency) => {
            let set = (!step.action.clears()).then(|| (*latency, step.seed.unwrap_or_default()));
            Fault::Latency(set, direction)
        }
        Action::BytesPerSecond(rate) => Fault::Rate(*rate, direction),
        Action::SliceBytes(slice) => Fault::Slice(*slice, direction),
        Action::Pongs(pongs) => Fault::Pongs(*pongs),
        Action::Http(answer) => Fault::Http(answer.clone()),
        _ => return None,
    })
}
