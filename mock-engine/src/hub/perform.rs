//! Performing a step: what each action comes to.

use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use wstape_tape::{
    Action, Answers, Conn as Whose, Direction, Distribution, End, Latency, Micros, Partition,
    Pongs, Step,
};

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
            action => {
                if let Some((state, text)) = state_of(action, step) {
                    self.set(layer, scope, state, text, step);
                } else {
                    // One that the tape format has learnt since: never skipped without a word.
                    let text = format!("line {}: an action this engine cannot play", step.line);
                    self.log(only, JournalKind::Note(text));
                }
            }
        }
    }

    fn set(&mut self, layer: usize, scope: Scope, state: Fault, text: String, step: &Step) {
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
        self.log(only, JournalKind::State(text));
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

/// The state that an action sets, and how the journal says so; `None` for other actions.
fn state_of(action: &Action, step: &Step) -> Option<(Fault, String)> {
    let direction = step.direction;
    Some(match action {
        Action::Accept(accept) => {
            let text = match accept {
                None => "accept as usual".to_owned(),
                Some(accept) => accept.status.map_or("accept changed".to_owned(), |status| {
                    format!("accept {status}")
                }),
            };
            (Fault::Accept(accept.clone()), text)
        }
        Action::Refuse(refusal) => {
            let text = refusal
                .as_ref()
                .map_or("refuse none".to_owned(), |refusal| {
                    format!("refuse {}", refusal.status)
                });
            (Fault::Refuse(refusal.clone()), text)
        }
        Action::Hang(on) => (
            Fault::Hang(*on),
            if *on { "hang" } else { "hang none" }.to_owned(),
        ),
        Action::Garbage(garbage) => {
            let text = if garbage.is_some() {
                "garbage"
            } else {
                "garbage none"
            };
            (Fault::Garbage(garbage.clone()), text.to_owned())
        }
        Action::Answers(answers) => {
            let text = match answers {
                Answers::Auto => "answers auto",
                Answers::Held => "answers held",
            };
            (Fault::Answers(*answers), text.to_owned())
        }
        Action::Down(on) => (Fault::Down(*on), String::new()),
        Action::Partition(which) => {
            let word = match which {
                Partition::Both => "both",
                Partition::ToClient => "to_client",
                Partition::FromClient => "from_client",
                Partition::None => "none",
            };
            (Fault::Partition(*which), format!("partition {word}"))
        }
        Action::Latency(latency) => {
            let set = (latency.base > Micros::ZERO || latency.jitter > Micros::ZERO)
                .then(|| (*latency, step.seed.unwrap_or_default()));
            (
                Fault::Latency(set, direction),
                format!("latency {}{}", latency_text(latency), way(direction)),
            )
        }
        Action::BytesPerSecond(rate) => {
            let text = rate.map_or("unlimited".to_owned(), |rate| format!("{rate} bytes/s"));
            (
                Fault::Rate(*rate, direction),
                format!("bandwidth {text}{}", way(direction)),
            )
        }
        Action::SliceBytes(slice) => {
            let text = slice.map_or("none".to_owned(), |slice| format!("{slice} bytes"));
            (
                Fault::Slice(*slice, direction),
                format!("slice {text}{}", way(direction)),
            )
        }
        Action::Pongs(pongs) => {
            let text = match pongs {
                Pongs::Auto => "auto".to_owned(),
                Pongs::Withheld => "withheld".to_owned(),
                Pongs::Delayed(by) => format!("late by {} ms", by.to_ms_text()),
            };
            (Fault::Pongs(*pongs), format!("pongs {text}"))
        }
        Action::Http(answer) => {
            let text = format!("http {} {}", answer.path, answer.status);
            (Fault::Http(answer.clone()), text)
        }
        _ => return None,
    })
}

fn latency_text(latency: &Latency) -> String {
    let base = latency.base.to_ms_text();
    if latency.jitter == Micros::ZERO {
        return format!("{base} ms");
    }
    let word = match latency.distribution {
        Distribution::Uniform => "uniform",
        Distribution::Normal => "normal",
        Distribution::Pareto => "pareto",
    };
    format!("{base} ms ± {} ms {word}", latency.jitter.to_ms_text())
}

fn way(direction: Direction) -> &'static str {
    match direction {
        Direction::Both => "",
        Direction::ToClient => " to_client",
        Direction::FromClient => " from_client",
    }
}
