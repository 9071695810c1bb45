//! A judge by bounds, for a subscriber that declares nothing of how it reconnects.
//!
//! It asks what any subscriber owes its engine, whatever its backoff: one connection at a time, a
//! dial for each end within a bound and no storm of them, answers to Pings and Closes, recovery
//! once faults stop, an end where one is asked for. All of it shows on the wire, so that a
//! subscriber has to offer nothing.

mod attempt;
mod ladder;
mod shown;

use std::collections::{BTreeMap, VecDeque};

use wstape_tape::Micros;

use self::attempt::{Attempt, Heard, Phase};
use self::ladder::{Judged, Ladder};
use self::shown::{Shown, Step};
use super::bounds::Bounds;
use super::findings::{Findings, Found};
use crate::fold::Fold;
use crate::rule::{Rule, RuleSet, Violation};
use crate::view::View;
use crate::wire::{Answer, Item, Opcode};

/// A second, the span in which dials are counted.
const WINDOW: Micros = Micros::from_ms(1_000);
/// How much later than its bound something may be: timers are true to a millisecond.
const MAX_OFF: Micros = Micros::from_ms(2);
/// Largest message that any client takes, in bytes.
const MAX_SURE_BYTES: usize = 1 << 20;
/// A silence that is worth the name.
const SILENCE: Micros = Micros::from_ms(1_000);

/// Judges by [`Bounds`].
#[derive(Debug)]
pub(super) struct Bounded {
    bounds: Bounds,
    findings: Findings,
    /// Streams and dials that the subscriber has not dropped, by their dial.
    held: BTreeMap<u64, Attempt>,
    /// When the last dials began, oldest first.
    dials: VecDeque<Micros>,
    /// The end that no dial has followed yet.
    ended_at: Option<Micros>,
    /// A storm of dials was told; its further dials are no news.
    stormed: bool,
    quiet_at: Option<Micros>,
    recovered: bool,
    stop: Stop,
    /// When shutdown was called for, while it is not over and was not told to take too long.
    stopping_since: Option<Micros>,
    ladder: Option<Ladder>,
    shown: Shown,
    /// Time has passed before shutdown was called for.
    had_time: bool,
    count: u64,
    messages: u64,
}

/// How far a call for shutdown has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    NotCalled,
    Called,
    Over,
}

impl Bounded {
    /// In a world in which nothing goes wrong from `quiet_at` on; `None` where something may always.
    #[must_use]
    pub(super) fn new(bounds: Bounds, quiet_at: Option<Micros>) -> Self {
        Self {
            bounds,
            findings: Findings::new(),
            held: BTreeMap::new(),
            dials: VecDeque::new(),
            ended_at: None,
            stormed: false,
            quiet_at,
            recovered: false,
            stop: Stop::NotCalled,
            stopping_since: None,
            ladder: bounds.backoff.map(Ladder::new),
            shown: Shown::new(None),
            had_time: false,
            count: 0,
            messages: 0,
        }
    }

    /// Judges only these rules.
    pub(super) fn judging(mut self, rules: &RuleSet) -> Self {
        self.findings = self.findings.judging(rules);
        self
    }

    /// Holds what it shows of itself against this model.
    pub(super) fn model(mut self, model: Option<Fold>) -> Self {
        self.shown = Shown::new(model);
        self
    }

    fn recovers(&mut self, at: Micros) {
        self.recovered |= self.quiet_at.is_some_and(|quiet_at| at >= quiet_at);
    }

    /// Something ended the attempt.
    fn end(&mut self, at: Micros, dial: u64) {
        self.end_asking(at, dial, false);
    }

    /// Something ended the attempt, and maybe asked for a wait.
    fn end_asking(&mut self, at: Micros, dial: u64, asked_to_wait: bool) {
        let Some(attempt) = self.held.get_mut(&dial) else {
            return;
        };
        let before = std::mem::replace(&mut attempt.phase, Phase::Ended);
        if before == Phase::Ended {
            if let Some(ladder) = &mut self.ladder {
                ladder.signs(at);
            }
            return;
        }
        if before == Phase::Open {
            self.shown.must_show(at, dial, Step::Ending);
        }
        if self.stop != Stop::NotCalled {
            return;
        }
        self.findings.held(Rule::R2);
        self.ended_at = Some(at);
        if let Some(ladder) = &mut self.ladder {
            let first = attempt.own_close_at.unwrap_or(at);
            ladder.ended(first, attempt.course, attempt.dialed_at, asked_to_wait);
            ladder.signs(at);
        }
    }

    /// The subscriber let go of the attempt.
    fn let_go(&mut self, at: Micros, dial: u64) {
        if let Some(attempt) = self.held.get(&dial) {
            let silence = at.0.saturating_sub(attempt.silent_since.0);
            if attempt.phase != Phase::Ended && silence >= SILENCE.0 {
                self.findings.held(Rule::R6);
            }
        }
        self.end(at, dial);
        if self.held.remove(&dial).is_some() {
            if let Some(ladder) = &mut self.ladder {
                ladder.dropped(at);
            }
            self.shown.dropped(dial);
            self.shown.must_show(at, dial, Step::Gone);
        }
    }

    /// Looks for what should have happened before `now`.
    fn pass(&mut self, now: Micros) {
        self.had_time |= self.stop == Stop::NotCalled && now > Micros::ZERO;
        let max_answer = self.bounds.max_answer;
        for attempt in self.held.values_mut() {
            let Some(since) = attempt.owed_since() else {
                continue;
            };
            if now.0 > since.0.saturating_add(max_answer.0) {
                let to = if attempt.close_owed == Some(since) {
                    "Close"
                } else {
                    "Ping"
                };
                self.findings.broke(Rule::R7, now, || {
                    format!("expected an answer to the {to} of {since} within {max_answer} s, found none")
                });
                attempt.excuse();
            }
        }
        if let Some(ended_at) = self.ended_at
            && now.0 > ended_at.0.saturating_add(self.bounds.max_gap.0)
        {
            self.ended_at = None;
            let max_gap = self.bounds.max_gap;
            self.findings.broke(Rule::R2, now, || {
                format!("expected a dial within {max_gap} s of the end at {ended_at}, found none")
            });
        }
        self.look_at_silence(now);
        if let Some(since) = self.stopping_since
            && now.0 > since.0.saturating_add(self.bounds.max_shutdown.0)
        {
            self.stopping_since = None;
            let most = self.bounds.max_shutdown;
            self.findings.broke(Rule::R5, now, || {
                format!(
                    "expected shutdown to end within {most} s, found it under way since {since}"
                )
            });
        }
        self.look_at_recovery(now);
    }

    /// R6, where a bound is declared: what is silent is not kept.
    fn look_at_silence(&mut self, now: Micros) {
        let Some(most) = self.bounds.max_silence else {
            return;
        };
        if self.stop != Stop::NotCalled {
            return;
        }
        for (dial, attempt) in &mut self.held {
            let (since, phase) = (attempt.silent_since, attempt.phase);
            let is_late = now.0 > since.0.saturating_add(most.0).saturating_add(MAX_OFF.0);
            if phase == Phase::Ended || attempt.kept_too_long || !is_late {
                continue;
            }
            attempt.kept_too_long = true;
            self.findings.held(Rule::R6);
            self.findings.broke(Rule::R6, now, || {
                let what = match phase {
                    Phase::Open => "the connection",
                    _ => "the dial or its handshake",
                };
                format!(
                    "expected {what} of dial {dial} to be given up within {most} s of silence, \
                     found it kept, silent since {since}"
                )
            });
        }
    }

    fn look_at_recovery(&mut self, now: Micros) {
        let Some(quiet_at) = self.quiet_at else {
            return;
        };
        if self.stop != Stop::NotCalled {
            self.quiet_at = None;
            return;
        }
        if now.0 < quiet_at.0.saturating_add(self.bounds.max_recovery.0) {
            return;
        }
        self.quiet_at = None;
        self.findings.held(Rule::R11);
        if !self.recovered {
            let held = self
                .held
                .values()
                .filter(|attempt| attempt.phase == Phase::Open)
                .count();
            self.findings.broke(Rule::R11, now, || {
                format!(
                    "expected a connection that brings something by now, faults having stopped at \
                     {quiet_at}; found {held} connections that it holds open, and nothing on them"
                )
            });
        }
    }

    /// What was delivered behind the handshake.
    fn takes(&mut self, at: Micros, dial: u64, bytes: &[u8]) {
        let open = |attempt: &&mut Attempt| attempt.phase == Phase::Open;
        let Some(attempt) = self.held.get_mut(&dial).filter(open) else {
            return;
        };
        attempt.silent_since = at;
        attempt.messages.push(bytes);
        let (mut came, mut closed) = (false, false);
        while let Some(seen) = attempt.messages.next() {
            came |= seen.is_frame();
            // A message this large one client takes, and another refuses.
            let is_sure = match &seen.item {
                Item::Text(text) => text.len() <= MAX_SURE_BYTES,
                Item::Binary(bytes) => bytes.len() <= MAX_SURE_BYTES,
                _ => seen.is_frame(),
            };
            if is_sure {
                let heard = match &seen.item {
                    Item::Text(_) | Item::Binary(_) => Heard::Message,
                    _ => Heard::Frame,
                };
                attempt.course.heard = attempt.course.heard.max(heard);
            }
            attempt.course.hinted |= !is_sure;
            match seen.item {
                Item::Text(text) => {
                    self.messages += 1;
                    self.shown.must_show(at, dial, Step::Message(Some(text)));
                }
                Item::Binary(bytes) => {
                    self.messages += 1;
                    let text = String::from_utf8(bytes).ok();
                    self.shown.must_show(at, dial, Step::Message(text));
                }
                Item::Ping(payload) if !attempt.excused && !attempt.closed => {
                    // The latest answer may stand for those before it (RFC 6455, 5.5.3).
                    attempt.pings.push_back((payload, at));
                }
                Item::Ping(_) | Item::Pong(_) => {}
                Item::Close { .. } => {
                    closed = true;
                    attempt.course.hinted = true;
                    if !attempt.excused && !attempt.closed {
                        attempt.close_owed = Some(at);
                    }
                }
                Item::Violation(_) => {
                    attempt.course.hinted = true;
                    attempt.excuse();
                    closed = true;
                    break;
                }
            }
        }
        attempt.course.hinted |= attempt.messages.is_in_message();
        if came {
            self.recovers(at);
        }
        if closed {
            self.end(at, dial);
        }
    }

    /// A dial, held against the backoff that is declared.
    fn judge_gap(&mut self, at: Micros) {
        let Some(ladder) = &mut self.ladder else {
            return;
        };
        match ladder.dialed(at) {
            Judged::Nothing => {}
            Judged::Fits { reset_matters } => {
                if reset_matters {
                    self.findings.held(Rule::R4);
                }
            }
            Judged::Broke(rule, what) => self.findings.broke(rule, at, || what),
        }
    }
}

/// What happens, in its order.
impl Bounded {
    pub(super) fn dial(&mut self, at: Micros, dial: u64) {
        self.pass(at);
        self.findings.at_dial(dial);
        self.count += 1;
        self.shown.must_show(at, dial, Step::Dial);
        if dial > 1 {
            self.findings.held(Rule::R1);
        }
        let in_use = self
            .held
            .iter()
            .find(|(_, attempt)| attempt.phase != Phase::Ended);
        if let Some((other, _)) = in_use {
            self.findings.broke(Rule::R1, at, || {
                format!("expected one connection at a time, found dial {dial} beside dial {other}, which nothing has ended")
            });
        }
        if self.held.len() >= self.bounds.max_streams {
            let (held, most) = (self.held.len() + 1, self.bounds.max_streams);
            self.findings.broke(Rule::R13, at, || {
                format!("expected at most {most} streams at a time, found {held}: those that have ended are not dropped")
            });
        }
        if self.stop == Stop::Over {
            self.findings.broke(Rule::R5, at, || {
                "expected no dial once shutdown is over, found one".to_owned()
            });
        }
        self.ended_at = None;
        self.dials.push_back(at);
        while self
            .dials
            .front()
            .is_some_and(|first| at.0 - first.0 >= WINDOW.0)
        {
            self.dials.pop_front();
        }
        if self.dials.len() < self.bounds.max_dials_per_s {
            self.stormed = false;
        }
        self.findings.held(Rule::R3);
        self.findings.held(Rule::R14);
        let (found, most) = (self.dials.len(), self.bounds.max_dials_per_s);
        if found > most && !std::mem::replace(&mut self.stormed, true) {
            self.findings.broke(Rule::R3, at, || {
                format!("expected at most {most} dials within a second, found more: it does not wait before it dials again")
            });
        }
        self.judge_gap(at);
        self.held
            .insert(dial, Attempt::new(at, self.bounds.max_message_bytes));
    }

    pub(super) fn dial_elsewhere(&mut self, at: Micros, target: &str) {
        self.findings.broke(Rule::R14, at, || {
            format!("expected dials of the engine alone, found one of {target}")
        });
    }

    pub(super) fn dial_refused(&mut self, at: Micros, dial: u64) {
        self.pass(at);
        self.end(at, dial);
        self.let_go(at, dial);
    }

    pub(super) fn dial_dropped(&mut self, at: Micros, dial: u64) {
        self.pass(at);
        self.let_go(at, dial);
    }

    pub(super) fn read<'b>(&mut self, at: Micros, dial: u64, bytes: &'b [u8]) -> &'b [u8] {
        self.pass(at);
        let Some(attempt) = self.held.get_mut(&dial) else {
            return &[];
        };
        if attempt.phase != Phase::Handshake {
            self.takes(at, dial, bytes);
            return bytes;
        }
        attempt.silent_since = at;
        let rest = attempt.opening.push_server(bytes);
        match attempt.opening.answer() {
            None | Some(Answer::Failed { whole: false, .. }) => return &[],
            Some(Answer::Upgraded { .. }) => {
                attempt.phase = Phase::Open;
                attempt.course.upgraded_at = Some(at);
            }
            Some(Answer::Refused { retry_after, .. }) => {
                let asked_to_wait = retry_after.is_some();
                self.end_asking(at, dial, asked_to_wait);
                if asked_to_wait {
                    // How long it waits is between it and the engine (RFC 9110, 10.2.3).
                    self.ended_at = None;
                    self.quiet_at = None;
                }
                return rest;
            }
            // Some libraries take an answer for good that is not quite one, such as a 101 with an
            // extension that nobody asked for: whether it has ended is theirs to show.
            Some(Answer::Failed { .. }) => {
                attempt.phase = Phase::Open;
                attempt.course.odd_answer = true;
                attempt.course.hinted = true;
                attempt.excused = true;
                return rest;
            }
        }
        self.recovers(at);
        self.shown.must_show(at, dial, Step::Open);
        self.takes(at, dial, rest);
        rest
    }

    pub(super) fn read_end(&mut self, at: Micros, dial: u64, _reset: bool) {
        self.pass(at);
        if let Some(attempt) = self.held.get_mut(&dial) {
            attempt.excuse();
        }
        self.end(at, dial);
    }

    pub(super) fn wrote(&mut self, at: Micros, dial: u64, bytes: &[u8], same: &mut Vec<u8>) {
        self.pass(at);
        let Some(attempt) = self.held.get_mut(&dial) else {
            return;
        };
        let rest = attempt.opening.push_client(bytes);
        attempt.sent.push(rest);
        while let Some(frame) = attempt.sent.next() {
            same.extend_from_slice(&frame.payload);
            if !frame.masked {
                self.findings.broke(Rule::R7, at, || {
                    "expected frames with a mask, found one without".to_owned()
                });
            }
            match frame.opcode {
                Opcode::Pong => {
                    let answered = attempt
                        .pings
                        .iter()
                        .rposition(|(ping, _)| *ping == frame.payload);
                    if let Some(index) = answered {
                        self.findings.held(Rule::R7);
                        attempt.pings.drain(..=index);
                    }
                }
                Opcode::Close => {
                    if attempt.close_owed.take().is_some() {
                        self.findings.held(Rule::R7);
                    }
                    attempt.closed = true;
                    attempt.own_close_at.get_or_insert(at);
                    attempt.pings.clear();
                }
                _ => {}
            }
        }
    }

    pub(super) fn write_blocked(&mut self, at: Micros, dial: u64) {
        self.pass(at);
        if let Some(attempt) = self.held.get_mut(&dial) {
            attempt.excuse();
        }
    }

    pub(super) fn write_failed(&mut self, at: Micros, dial: u64) {
        self.write_blocked(at, dial);
    }

    pub(super) fn dropped(&mut self, at: Micros, dial: u64) {
        self.pass(at);
        if let Some(attempt) = self.held.get(&dial)
            && attempt.close_owed.is_some()
            && self.stop == Stop::NotCalled
        {
            self.findings.broke(Rule::R7, at, || {
                "expected the Close to be answered before the connection is dropped, found none"
                    .to_owned()
            });
        }
        // It may end a connection itself, for silence or at will: a dial must follow.
        self.let_go(at, dial);
    }

    pub(super) fn shutdown(&mut self, at: Micros) {
        self.pass(at);
        self.findings.held(Rule::R5);
        self.stop = Stop::Called;
        self.stopping_since = Some(at);
        self.ended_at = None;
        if let Some(ladder) = &mut self.ladder {
            ladder.forget();
        }
        for attempt in self.held.values_mut() {
            attempt.excuse();
        }
    }

    pub(super) fn stopped(&mut self, at: Micros, ended_well: bool) {
        self.pass(at);
        if !ended_well {
            self.findings.broke(Rule::R13, at, || {
                "expected the subscriber to end, found that it had panicked".to_owned()
            });
        }
        self.stop = Stop::Over;
        self.stopping_since = None;
        let held = self.held.len();
        if held > 0 {
            self.findings.broke(Rule::R5, at, || {
                format!("expected shutdown to leave nothing, found {held} streams held")
            });
        }
    }

    pub(super) fn next_look(&self) -> Option<Micros> {
        let after = |since: Micros, bound: Micros| {
            Micros(since.0.saturating_add(bound.0).saturating_add(1))
        };
        let answers = self
            .held
            .values()
            .filter_map(Attempt::owed_since)
            .map(|since| after(since, self.bounds.max_answer));
        let dial = self.ended_at.map(|at| after(at, self.bounds.max_gap));
        let recovery = self.quiet_at.map(|at| after(at, self.bounds.max_recovery));
        let stop = self
            .stopping_since
            .map(|at| after(at, self.bounds.max_shutdown));
        let judged = self
            .bounds
            .max_silence
            .filter(|_| self.stop == Stop::NotCalled);
        let silence = judged.and_then(|most| {
            let kept = |attempt: &&Attempt| attempt.phase != Phase::Ended && !attempt.kept_too_long;
            let since = self.held.values().filter(kept).map(|it| it.silent_since);
            let most = Micros(most.0.saturating_add(MAX_OFF.0));
            since.min().map(|since| after(since, most))
        });
        let shown = self
            .shown
            .next_look()
            .filter(|_| self.stop == Stop::NotCalled);
        let looks = [dial, recovery, stop, silence, shown];
        answers.chain(looks.into_iter().flatten()).min()
    }

    pub(super) fn broke(&mut self, rule: Rule, at: Micros, what: impl FnOnce() -> String) {
        self.findings.broke(rule, at, what);
    }

    pub(super) fn held(&mut self, rule: Rule) {
        self.findings.held(rule);
    }

    /// Time has come to `at`: looks at what the subscriber shows.
    pub(super) fn look(&mut self, at: Micros, view: View<'_>) {
        self.pass(at);
        if self.stop == Stop::NotCalled {
            self.shown.look(at, view, &mut self.findings);
        }
    }

    /// The subscriber's future ended though nobody had asked it to; `Err` where it panicked.
    pub(super) fn gave_up(&mut self, at: Micros, how: Result<(), String>) {
        self.pass(at);
        match how {
            Err(panic) => self.findings.broke(Rule::R13, at, || {
                format!("expected no panic, found one: {panic}")
            }),
            Ok(()) => self.findings.broke(Rule::R2, at, || {
                "expected it to follow the feed until it is shut down, found that it ended by itself"
                    .to_owned()
            }),
        }
        self.stop = Stop::Over;
        self.ended_at = None;
        self.held.values_mut().for_each(Attempt::excuse);
    }

    /// What it must show once it has taken in all that was delivered, as JSON text.
    pub(super) fn expected(&self) -> String {
        self.shown.expected()
    }

    /// Records what rules of the subject's own came to.
    pub(super) fn held_in_all(&mut self, rule: Rule, times: u64) {
        self.findings.held_in_all(rule, times);
    }

    pub(super) fn violations(&self) -> &[Violation] {
        self.findings.violations()
    }

    pub(super) fn reconnects(&self) -> u64 {
        self.count.saturating_sub(1)
    }

    pub(super) fn messages(&self) -> u64 {
        self.messages
    }

    pub(super) fn finish(mut self, at: Micros) -> Found {
        self.pass(at);
        if self.count == 0 && self.had_time {
            self.findings.broke(Rule::R2, at, || {
                "expected a dial, found none: it never dialled through what it was handed"
                    .to_owned()
            });
        }
        self.findings.finish()
    }
}

#[cfg(test)]
mod tests;
