//! The judge: exact, by a subscriber's settings, or by bounds that any subscriber keeps.

use chrono::{DateTime, Utc};
use wstape_tape::Micros;

use super::bounded::Bounded;
use super::bounds::Bounds;
use super::exact::Exact;
use super::findings::Found;
use super::own::OwnRules;
use crate::fact::What;
use crate::field::Field;
use crate::fold::Fold;
use crate::heard::Heard;
use crate::own_rule::OwnRule;
use crate::rule::{Rule, RuleSet, Violation};
use crate::settings::Settings;
use crate::view::View;

/// All rules for one subscriber. Report what happens to it in order.
#[derive(Debug)]
pub struct Judge {
    kind: Kind,
    own: OwnRules,
}

/// What a judge judges by.
#[derive(Debug)]
enum Kind {
    /// By the contract: a subscriber that reconnects as its settings say.
    Exact(Box<Exact>),
    /// By bounds, and by what a subscriber declares beyond them.
    Bounded(Box<Bounded>),
}

/// Largest message that a subject's own rules are told of, in bytes.
const MAX_MESSAGE_BYTES: usize = 64 << 20;

/// Most bytes that may wait to be written: the contract's subscriber sends control frames, and of
/// the Pongs that its peer doesn't take it only needs to keep the last.
const MAX_WAITING_BYTES: usize = 16 << 10;
/// The same for a subscriber that declares nothing, and may have more to say.
const MAX_ANYBODYS_WAITING_BYTES: usize = 1 << 20;

/// Calls whichever judge it is.
macro_rules! whichever {
    ($judge:expr, $it:ident => $ask:expr) => {
        match &mut $judge.kind {
            Kind::Exact($it) => $ask,
            Kind::Bounded($it) => $ask,
        }
    };
}

/// The same, by shared reference.
macro_rules! by_ref {
    ($judge:expr, $it:ident => $ask:expr) => {
        match &$judge.kind {
            Kind::Exact($it) => $ask,
            Kind::Bounded($it) => $ask,
        }
    };
}

impl Judge {
    /// Creates a judge for a subscriber with these settings, in a world whose wall time at zero is
    /// `wall_at_zero`. From `quiet_at` on nothing goes wrong, and recovery is required; `None` if
    /// it never is.
    #[must_use]
    pub fn exact(
        settings: &Settings,
        wall_at_zero: DateTime<Utc>,
        quiet_at: Option<Micros>,
    ) -> Self {
        Self::of(Kind::Exact(Box::new(Exact::new(
            settings,
            wall_at_zero,
            quiet_at,
        ))))
    }

    /// Creates a judge for a subscriber that is held to `bounds`; `quiet_at` as in
    /// [`exact`](Self::exact).
    #[must_use]
    pub fn bounded(bounds: Bounds, quiet_at: Option<Micros>) -> Self {
        Self::of(Kind::Bounded(Box::new(Bounded::new(bounds, quiet_at))))
    }

    fn of(kind: Kind) -> Self {
        Self {
            kind,
            own: OwnRules::default(),
        }
    }

    /// Judges only these of the built-in rules.
    #[must_use]
    pub fn judging(mut self, rules: &RuleSet) -> Self {
        self.kind = match self.kind {
            Kind::Exact(judge) => Kind::Exact(Box::new(judge.judging(rules))),
            Kind::Bounded(judge) => Kind::Bounded(Box::new(judge.judging(rules))),
        };
        self
    }

    /// Adds these rules of the subject's own.
    #[must_use]
    pub fn asking(mut self, rules: Vec<Box<dyn OwnRule>>) -> Self {
        self.own = OwnRules::new(rules, MAX_MESSAGE_BYTES);
        self
    }

    /// Checks what a subscriber judged by bounds shows about itself against this model.
    #[must_use]
    pub fn model(mut self, model: Option<Fold>) -> Self {
        if let Kind::Bounded(judge) = self.kind {
            self.kind = Kind::Bounded(Box::new(judge.model(model)));
        }
        self
    }

    /// Whether faults are over and something has come since; a case waiting for that may end.
    #[must_use]
    pub fn has_recovered(&self) -> bool {
        match &self.kind {
            Kind::Exact(judge) => judge.has_recovered(),
            Kind::Bounded(judge) => judge.has_recovered(),
        }
    }

    /// Whether it judges by bounds, not by the contract.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        matches!(self.kind, Kind::Bounded(_))
    }

    /// Passes on the findings of the subject's own rules.
    fn pass_on(&mut self, at: Micros) {
        for (rule, _, what) in self.own.broke() {
            self.broke(rule, at, || what);
        }
    }

    /// Reports to the subject's own rules.
    fn tell(&mut self, at: Micros, dial: Option<u64>, what: What<'_>) {
        if !self.own.is_empty() {
            self.own.tell(at, dial, what);
            self.pass_on(at);
        }
    }

    /// Reports bytes that were delivered to the subscriber. Returns those that are the same on
    /// every run of the case: what follows the handshake's answer.
    pub fn read<'b>(&mut self, at: Micros, dial: u64, bytes: &'b [u8]) -> &'b [u8] {
        let same = whichever!(self, judge => judge.read(at, dial, bytes));
        if !self.own.is_empty() {
            self.own.read(at, dial, bytes);
            self.pass_on(at);
        }
        same
    }

    /// Reports that the subscriber begins to dial.
    pub fn dial(&mut self, at: Micros, dial: u64) {
        whichever!(self, judge => judge.dial(at, dial));
        self.own.dial(at, dial);
        self.pass_on(at);
    }

    /// Reports that the subscriber dials another address.
    pub fn dial_elsewhere(&mut self, at: Micros, target: &str) {
        whichever!(self, judge => judge.dial_elsewhere(at, target));
    }

    /// Reports that the dial was refused.
    pub fn dial_refused(&mut self, at: Micros, dial: u64) {
        whichever!(self, judge => judge.dial_refused(at, dial));
        self.own.gone(at, dial, What::DialRefused);
        self.pass_on(at);
    }

    /// Reports that the subscriber gave up the dial.
    pub fn dial_dropped(&mut self, at: Micros, dial: u64) {
        whichever!(self, judge => judge.dial_dropped(at, dial));
        self.own.gone(at, dial, What::DialDropped);
        self.pass_on(at);
    }

    /// Reports that the end of the stream, or its reset, was delivered.
    pub fn read_end(&mut self, at: Micros, dial: u64, reset: bool) {
        whichever!(self, judge => judge.read_end(at, dial, reset));
        let what = if reset { What::Reset } else { What::Fin };
        self.tell(at, Some(dial), what);
    }

    /// Reports bytes that the subscriber wrote. Appends the part that is the same on every run of
    /// the case to `same`.
    pub fn wrote(&mut self, at: Micros, dial: u64, bytes: &[u8], same: &mut Vec<u8>) {
        whichever!(self, judge => judge.wrote(at, dial, bytes, same));
        if !self.own.is_empty() {
            self.own.wrote(at, dial, bytes);
            self.pass_on(at);
        }
    }

    /// Reports that a write found no room.
    pub fn write_blocked(&mut self, at: Micros, dial: u64) {
        whichever!(self, judge => judge.write_blocked(at, dial));
    }

    /// Reports that a write failed: the peer is gone.
    pub fn write_failed(&mut self, at: Micros, dial: u64) {
        whichever!(self, judge => judge.write_failed(at, dial));
    }

    /// Reports that the subscriber dropped the stream.
    pub fn dropped(&mut self, at: Micros, dial: u64) {
        whichever!(self, judge => judge.dropped(at, dial));
        self.own.gone(at, dial, What::Dropped);
        self.pass_on(at);
    }

    /// Reports that shutdown is called for.
    pub fn shutdown(&mut self, at: Micros) {
        whichever!(self, judge => judge.shutdown(at));
        self.tell(at, None, What::ShutdownCalled);
    }

    /// Reports that the shutdown is over.
    pub fn stopped(&mut self, at: Micros, ended_well: bool) {
        whichever!(self, judge => judge.stopped(at, ended_well));
        self.tell(at, None, What::ShutdownOver);
    }

    /// Reports that the subscriber's future ended although nobody asked it to; `Err` with the
    /// panic's message if it panicked.
    pub fn gave_up(&mut self, at: Micros, how: Result<(), String>) {
        whichever!(self, judge => judge.gave_up(at, how));
    }

    /// Reports that the dial ended in a transport connection.
    pub fn dial_done(&mut self, at: Micros, dial: u64) {
        if let Kind::Exact(judge) = &mut self.kind {
            judge.dial_done(at, dial);
        }
    }

    /// Reports that the blocked write went on.
    pub fn write_freed(&mut self, at: Micros, dial: u64) {
        if let Kind::Exact(judge) = &mut self.kind {
            judge.write_freed(at, dial);
        }
    }

    /// Reports that a receiver was dropped.
    pub fn drop_receiver(&mut self, receiver: usize) {
        if let Kind::Exact(judge) = &mut self.kind {
            judge.drop_receiver(receiver);
        }
    }

    /// Reports that receivers stop reading, or read again.
    pub fn stall_receivers(&mut self, stalled: bool) {
        if let Kind::Exact(judge) = &mut self.kind {
            judge.stall_receivers(stalled);
        }
    }

    /// Reports that a receiver heard something.
    pub fn heard(&mut self, at: Micros, receiver: usize, heard: &Heard) {
        if let Kind::Exact(judge) = &mut self.kind {
            judge.heard(at, receiver, heard);
        }
    }

    /// Reports that a reading came over HTTP.
    pub fn backfilled(&mut self, at: Micros, field: Field, payload: &str) {
        if let Kind::Exact(judge) = &mut self.kind {
            judge.backfilled(at, field, payload);
        }
    }

    /// Checks what receivers heard once everything is at rest: they have heard all they can.
    pub fn look_at_receivers(&mut self, at: Micros) {
        if let Kind::Exact(judge) = &mut self.kind {
            judge.look_at_receivers(at);
        }
    }

    /// Reports that this many bytes wait to be written.
    pub fn waits(&mut self, at: Micros, bytes: usize) {
        let most = match self.kind {
            Kind::Exact(_) => MAX_WAITING_BYTES,
            Kind::Bounded(_) => MAX_ANYBODYS_WAITING_BYTES,
        };
        if bytes > most {
            self.broke(Rule::R13, at, || {
                format!("expected at most {most} bytes to wait to be written, found {bytes}")
            });
        }
    }

    /// Reports that a receiver exists from now on; returns its number.
    pub fn add_receiver(&mut self) -> usize {
        match &mut self.kind {
            Kind::Exact(judge) => judge.add_receiver(),
            Kind::Bounded(_) => 0,
        }
    }

    /// Looks at the subscriber. With `strict`, everything delivered must show; otherwise some
    /// prefix of it, because the subscriber may still be at work.
    pub fn look(&mut self, at: Micros, view: View<'_>, strict: bool) {
        match &mut self.kind {
            Kind::Exact(judge) => judge.look(at, view, strict),
            Kind::Bounded(judge) => judge.look(at, view),
        }
    }

    /// Whether something must show that has not been seen yet.
    #[must_use]
    pub fn is_unsettled(&self) -> bool {
        matches!(&self.kind, Kind::Exact(judge) if judge.is_unsettled())
    }

    /// The next instant at which to look, even if nothing happens.
    #[must_use]
    pub fn next_look(&self) -> Option<Micros> {
        by_ref!(self, judge => judge.next_look())
    }

    /// Reports that a rule that only the world can check was broken.
    pub fn broke(&mut self, rule: Rule, at: Micros, what: impl FnOnce() -> String) {
        whichever!(self, judge => judge.broke(rule, at, what));
    }

    /// Reports that the precondition of a rule that only the world can check held.
    pub fn held(&mut self, rule: Rule) {
        whichever!(self, judge => judge.held(rule));
    }

    /// The violations so far.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        by_ref!(self, judge => judge.violations())
    }

    /// Dials after the first.
    #[must_use]
    pub fn reconnects(&self) -> u64 {
        by_ref!(self, judge => judge.reconnects())
    }

    /// Messages given to the subscriber.
    #[must_use]
    pub fn messages(&self) -> u64 {
        by_ref!(self, judge => judge.messages())
    }

    /// What the subscriber must show once it has taken in everything delivered, as JSON text; empty
    /// if it is not known what it shows.
    pub fn expected(&mut self) -> String {
        match &mut self.kind {
            Kind::Exact(judge) => judge.expected(),
            Kind::Bounded(judge) => judge.expected(),
        }
    }

    /// As [`expected`](Self::expected), before the subscriber has taken it in.
    #[must_use]
    pub fn expected_by_now(&self) -> String {
        match &self.kind {
            Kind::Exact(judge) => judge.expected_by_now(),
            Kind::Bounded(judge) => judge.expected(),
        }
    }

    /// Ends the case; returns what was found.
    #[must_use]
    pub fn finish(mut self, at: Micros) -> Found {
        if !self.own.is_empty() {
            self.tell(at, None, What::Over);
            for (rule, times) in self.own.held().collect::<Vec<_>>() {
                whichever!(self, judge => judge.held_in_all(rule, times));
            }
        }
        match self.kind {
            Kind::Exact(judge) => judge.finish(at),
            Kind::Bounded(judge) => judge.finish(at),
        }
    }
}
