//! The open expectations, and what has become of the others.

use std::collections::{BTreeMap, VecDeque};

use wstape_tape::{Expect, Step};

use crate::dialogue::Message;
use crate::expect::{self, Outcome, Verdict};
use crate::frame::ClientFrame;
use crate::ids::{ConnId, LayerIndex, Scope};
use crate::sought::Sought;

/// The most expectations open at a time; further ones are not judged.
const MAX_OPEN: usize = 4_096;

/// The most verdicts that wait for somebody to take them; older ones are forgotten.
const MAX_VERDICTS: usize = 4_096;

/// The most unmet expectations kept to be reported; further ones are only counted.
const MAX_UNMET: usize = 1_024;

/// Judges what tapes expect of clients.
#[derive(Debug, Default)]
pub(super) struct Expectations {
    open: BTreeMap<u64, Open>,
    numbers: u64,
    verdicts: VecDeque<Verdict>,
    tally: Tally,
}

/// What has become of expectations so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) met: u64,
    pub(crate) unmet: u64,
    /// The first of those that were not met.
    pub(crate) first_unmet: Vec<Verdict>,
    /// Those that an engine can't judge.
    pub(crate) unseen: u64,
    /// Those that are not met yet and still have time.
    pub(crate) open: usize,
}

#[derive(Debug)]
struct Open {
    wanted: Sought,
    scope: Scope,
    met: bool,
    verdict: Verdict,
}

impl Expectations {
    /// Opens an expectation that a step has stated. Returns the number under which it is judged, if
    /// an engine can judge it.
    pub(super) fn open(
        &mut self,
        layer: LayerIndex,
        scope: Scope,
        step: &Step,
        expect: &Expect,
    ) -> Option<u64> {
        let verdict = |outcome, text| Verdict {
            layer: layer.0,
            line: step.line,
            outcome,
            text,
        };
        if let Some(mirror) = &expect.mirror {
            let text = format!("mirror {}", mirror.get());
            self.give(verdict(Outcome::Unseen, text));
        }
        let wanted = Sought::of(expect)?;
        let conn = scope.only().map(ConnId::get);
        let text = expect::text(&wanted.text(), expect.after, conn);
        if self.open.len() >= MAX_OPEN {
            self.give(verdict(Outcome::Unseen, text));
            return None;
        }
        self.numbers += 1;
        let open = Open {
            wanted,
            scope,
            met: false,
            verdict: verdict(Outcome::Unmet, text),
        };
        self.open.insert(self.numbers, open);
        Some(self.numbers)
    }

    /// Whether a message is wanted, so that frames must be assembled.
    pub(super) fn seeks_message(&self) -> bool {
        self.open.values().any(|open| open.wanted.is_message())
    }

    /// Takes in a frame that a client sent, and the message that it completes, if it does.
    pub(super) fn received(&mut self, id: ConnId, frame: &ClientFrame, message: Option<&Message>) {
        for open in self.open.values_mut() {
            let whom = open.scope.only().is_none_or(|only| only == id);
            open.met = open.met || (whom && open.wanted.is(frame, message));
        }
    }

    /// Judges an expectation whose time is over; returns what was expected if it was not met.
    pub(super) fn judge(&mut self, number: u64) -> Option<String> {
        let Open {
            met, mut verdict, ..
        } = self.open.remove(&number)?;
        if met {
            verdict.outcome = Outcome::Met;
        }
        let unmet = (!met).then(|| verdict.text.clone());
        self.give(verdict);
        unmet
    }

    /// What has become of them so far. One that was received counts as met, however much time is
    /// left.
    pub(super) fn tally(&self) -> Tally {
        let met = self.open.values().filter(|open| open.met).count();
        let mut tally = self.tally.clone();
        tally.met += met as u64;
        tally.open = self.open.len() - met;
        tally
    }

    fn give(&mut self, verdict: Verdict) {
        match verdict.outcome {
            Outcome::Met => self.tally.met += 1,
            Outcome::Unseen => self.tally.unseen += 1,
            Outcome::Unmet => {
                self.tally.unmet += 1;
                if self.tally.first_unmet.len() < MAX_UNMET {
                    self.tally.first_unmet.push(verdict.clone());
                }
            }
        }
        if self.verdicts.len() == MAX_VERDICTS {
            self.verdicts.pop_front();
        }
        self.verdicts.push_back(verdict);
    }

    /// Takes the next verdict.
    pub(super) fn take(&mut self) -> Option<Verdict> {
        self.verdicts.pop_front()
    }

    /// Whether nothing is open and every verdict has been taken.
    pub(super) fn done(&self) -> bool {
        self.open.is_empty() && self.verdicts.is_empty()
    }
}
