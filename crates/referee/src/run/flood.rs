//! A flood: far more frames than a tape would hold, as fast as the client takes them.

use std::time::{Duration, Instant};

use wstape_mock_engine::Engine;
use wstape_tape::{Action, Conn, Micros, Step};

use crate::case::{Flood, Source};
use crate::facts::Attempt;
use crate::question::Look;

/// Nothing more is sent while this much waits for the client: what it does not read stays in its
/// system.
const MAX_WAITING_BYTES: usize = 1 << 20;
/// The longest time that one look spends on sending, so that everything else gets its turn.
const MAX_POUR: Duration = Duration::from_millis(20);
/// The tape's marks for when the first frame is sent, and when nothing more is.
const BEGUN: &str = "flooding";
const OVER: &str = "flooded";

/// A flood on the first connection, and how far it has got.
#[derive(Debug)]
pub(super) struct Pour {
    flood: Flood,
    source: Source,
    poured: u64,
    /// When the client last took something.
    taken: Option<Micros>,
    over: bool,
}

impl Pour {
    pub(super) fn new(flood: Flood) -> Self {
        Self {
            source: flood.source(),
            flood,
            poured: 0,
            taken: None,
            over: false,
        }
    }

    /// Whether there is more to send: looks should then be close together.
    pub(super) fn flows(&self) -> bool {
        self.taken.is_some() && !self.over
    }

    /// Sends as much as there is room for. Once everything is sent, nothing was taken for too long,
    /// or the connection is gone, the journal says so and the mark is passed.
    pub(super) fn pour(&mut self, engine: &Engine, look: &Look<'_>) {
        let first = look.facts.attempts().first();
        let Some(upgraded) = first.and_then(Attempt::upgraded) else {
            return;
        };
        if self.over || look.since(upgraded) < self.flood.after_s {
            return;
        }
        if self.taken.is_none() {
            mark(engine, BEGUN);
        }
        let mut taken = *self.taken.get_or_insert(look.now);
        let until = Instant::now() + MAX_POUR;
        while Instant::now() < until {
            match engine.waiting_bytes(1) {
                None => return self.end(engine, "the connection went"),
                Some(waiting) if waiting >= MAX_WAITING_BYTES => break,
                Some(_) => {}
            }
            let Some(action) = self.source.next() else {
                return self.end(engine, "all of it was sent");
            };
            engine.apply(on_the_first(action));
            self.poured += 1;
            taken = look.now;
        }
        self.taken = Some(taken);
        if look.since(taken) > self.flood.stalled_s {
            self.end(engine, "nothing more was taken");
        }
    }

    fn end(&mut self, engine: &Engine, why: &str) {
        self.over = true;
        let (poured, of) = (self.poured, self.flood.frames());
        engine.note(Some(1), format!("{poured} of {of} frames: {why}"));
        mark(engine, OVER);
    }
}

fn mark(engine: &Engine, name: &str) {
    engine.apply(Step::at(Micros::ZERO, Action::Mark(name.to_owned())));
}

/// A step for the first connection, now.
fn on_the_first(action: Action) -> Step {
    let mut step = Step::at(Micros::ZERO, action);
    step.conn = Conn::Nth(1);
    step
}
