//! A judge by bounds, for a subscriber that declares nothing of how it reconnects.
//!
//! It asks what any subscriber owes its engine, whatever its backoff: one connection at a time, a
//! dial for each end within a bound and no storm of them, answers to Pings and Closes, recovery
//! once faults stop, an end where one is asked for. All of it shows on the wire, so that a
//! subscriber has to offer nothing.

use std::collections::{BTreeMap, VecDeque};

use wstape_tape::Micros;

use super::findings::{Findings, Found};
use crate::rule::{Rule, Violation};
use crate::wire::{Answer, Frames, Item, Messages, Opcode, Opening, Sender};

/// What a subscriber that declares nothing is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Most dials that may begin within a second.
    pub max_dials_per_s: usize,
    /// Longest time from an end to the next dial.
    pub max_gap: Micros,
    /// Longest time from a Ping or a Close to its answer.
    pub max_answer: Micros,
    /// Most streams that may be held at one time: the one in use, and old ones on their way out.
    pub max_streams: usize,
    /// How long after the faults are over a connection must have brought something.
    pub max_recovery: Micros,
    /// Largest message that is read to its end, in bytes.
    pub max_message_bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            max_dials_per_s: 20,
            max_gap: Micros::from_ms(120_000),
            max_answer: Micros::from_ms(10_000),
            max_streams: 4,
            max_recovery: Micros::from_ms(240_000),
            max_message_bytes: 64 << 20,
        }
    }
}

/// A second, the span in which dials are counted.
const WINDOW: Micros = Micros::from_ms(1_000);

/// The rules that a judge by bounds asks: those that show on the wire, whatever a subscriber
/// declares.
pub const ASKED_BY_BOUNDS: [Rule; 8] = [
    Rule::R1,
    Rule::R2,
    Rule::R3,
    Rule::R5,
    Rule::R7,
    Rule::R11,
    Rule::R13,
    Rule::R14,
];

/// Judges by [`Bounds`].
#[derive(Debug)]
pub struct Bounded {
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

/// How far an attempt has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Handshake,
    Open,
    Ended,
}

/// One dial and its stream.
#[derive(Debug)]
struct Attempt {
    opening: Opening,
    messages: Messages,
    sent: Frames,
    phase: Phase,
    /// Pings that were not answered yet, with when they came.
    pings: VecDeque<(Vec<u8>, Micros)>,
    /// When a Close came that was not answered.
    close_owed: Option<Micros>,
    closed: bool,
    /// Writes find no room or fail, or the peer broke the protocol: no answers can be expected.
    excused: bool,
}

impl Attempt {
    fn new(max_message_bytes: usize) -> Self {
        Self {
            opening: Opening::new(),
            messages: Messages::new(Sender::Server, max_message_bytes),
            sent: Frames::new(),
            phase: Phase::Handshake,
            pings: VecDeque::new(),
            close_owed: None,
            closed: false,
            excused: false,
        }
    }

    fn excuse(&mut self) {
        self.excused = true;
        self.pings.clear();
        self.close_owed = None;
    }

    /// Since when the oldest answer is owed.
    fn owed_since(&self) -> Option<Micros> {
        let ping = self.pings.front().map(|(_, at)| *at);
        ping.into_iter().chain(self.close_owed).min()
    }
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
            had_time: false,
            count: 0,
            messages: 0,
        }
    }

    fn recovers(&mut self, at: Micros) {
        self.recovered |= self.quiet_at.is_some_and(|quiet_at| at >= quiet_at);
    }

    /// Something ended the attempt.
    fn end(&mut self, at: Micros, dial: u64) {
        let Some(attempt) = self.held.get_mut(&dial) else {
            return;
        };
        if std::mem::replace(&mut attempt.phase, Phase::Ended) == Phase::Ended {
            return;
        }
        if self.stop == Stop::NotCalled {
            self.findings.held(Rule::R2);
            self.ended_at = Some(at);
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
        self.look_at_recovery(now);
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
        attempt.messages.push(bytes);
        let (mut came, mut closed) = (false, false);
        while let Some(seen) = attempt.messages.next() {
            came |= seen.is_frame();
            match seen.item {
                Item::Text(_) | Item::Binary(_) => self.messages += 1,
                Item::Ping(payload) if !attempt.excused && !attempt.closed => {
                    // The latest answer may stand for those before it (RFC 6455, 5.5.3).
                    attempt.pings.push_back((payload, at));
                }
                Item::Ping(_) | Item::Pong(_) => {}
                Item::Close { .. } => {
                    closed = true;
                    if !attempt.excused && !attempt.closed {
                        attempt.close_owed = Some(at);
                    }
                }
                Item::Violation(_) => {
                    attempt.excuse();
                    closed = true;
                    break;
                }
            }
        }
        if came {
            self.recovers(at);
        }
        if closed {
            self.end(at, dial);
        }
    }
}

impl Bounded {
    pub(super) fn dial(&mut self, at: Micros, dial: u64) {
        self.pass(at);
        self.findings.at_dial(dial);
        self.count += 1;
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
        self.held
            .insert(dial, Attempt::new(self.bounds.max_message_bytes));
    }

    pub(super) fn dial_elsewhere(&mut self, at: Micros, target: &str) {
        self.findings.broke(Rule::R14, at, || {
            format!("expected dials of the engine alone, found one of {target}")
        });
    }

    pub(super) fn dial_refused(&mut self, at: Micros, dial: u64) {
        self.pass(at);
        self.end(at, dial);
        self.held.remove(&dial);
    }

    pub(super) fn dial_dropped(&mut self, at: Micros, dial: u64) {
        self.pass(at);
        self.end(at, dial);
        self.held.remove(&dial);
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
        let rest = attempt.opening.push_server(bytes);
        match attempt.opening.answer() {
            None | Some(Answer::Failed { whole: false, .. }) => return &[],
            Some(Answer::Upgraded { .. }) => attempt.phase = Phase::Open,
            Some(Answer::Refused { retry_after, .. }) => {
                let asked_to_wait = retry_after.is_some();
                self.end(at, dial);
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
                attempt.excused = true;
                return rest;
            }
        }
        self.recovers(at);
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
        self.end(at, dial);
        self.held.remove(&dial);
    }

    pub(super) fn shutdown(&mut self, at: Micros) {
        self.pass(at);
        self.findings.held(Rule::R5);
        self.stop = Stop::Called;
        self.ended_at = None;
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
        answers.chain(dial).chain(recovery).min()
    }

    pub(super) fn broke(&mut self, rule: Rule, at: Micros, what: impl FnOnce() -> String) {
        self.findings.broke(rule, at, what);
    }

    pub(super) fn held(&mut self, rule: Rule) {
        self.findings.held(rule);
    }

    /// Time has come to `at`.
    pub(super) fn look(&mut self, at: Micros) {
        self.pass(at);
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
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    const REQUEST: &[u8] = b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:1\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    fn judge() -> Bounded {
        Bounded::new(Bounds::default(), Some(Micros::ZERO))
    }

    fn ms(ms: u64) -> Micros {
        Micros::from_ms(ms)
    }

    fn open(judge: &mut Bounded, at: Micros, dial: u64) {
        judge.dial(at, dial);
        judge.wrote(at, dial, REQUEST, &mut Vec::new());
        judge.read(at, dial, ANSWER);
    }

    fn broken(judge: &Bounded) -> Vec<Rule> {
        judge.violations().iter().map(|v| v.rule).collect()
    }

    #[test]
    fn a_twenty_first_dial_within_a_second_is_a_storm_and_told_once() {
        for (gap_ms, expected) in [(51, vec![]), (49, vec![Rule::R3]), (0, vec![Rule::R3])] {
            let mut judge = judge();
            for n in 0..40 {
                judge.dial(ms(n * gap_ms), n + 1);
                judge.dial_refused(ms(n * gap_ms), n + 1);
            }
            assert_eq!(broken(&judge), expected, "a gap of {gap_ms} ms");
        }
    }

    #[test]
    fn an_end_wants_a_dial_within_the_bound_and_a_shutdown_wants_none() {
        let mut judge = judge();
        judge.dial(ms(0), 1);
        judge.dial_refused(ms(0), 1);
        assert_eq!(judge.next_look(), Some(Micros(120_000_001)));
        judge.look(ms(120_000));
        assert_eq!(broken(&judge), []);
        judge.look(Micros(120_000_001));
        assert_eq!(broken(&judge), [Rule::R2]);

        let mut stopped = self::judge();
        stopped.dial(ms(0), 1);
        stopped.dial_refused(ms(0), 1);
        stopped.shutdown(ms(1));
        stopped.stopped(ms(1), true);
        stopped.look(ms(500_000));
        assert_eq!(broken(&stopped), []);
        stopped.dial(ms(500_000), 2);
        assert_eq!(broken(&stopped), [Rule::R5]);
    }

    #[test]
    fn two_connections_at_a_time_are_one_too_many_unless_the_older_has_ended() {
        let mut judge = judge();
        open(&mut judge, ms(0), 1);
        judge.read_end(ms(10), 1, false);
        judge.dial(ms(20), 2);
        assert_eq!(broken(&judge), [], "a stream may be held a little longer");
        judge.dial(ms(500), 3);
        assert_eq!(broken(&judge), [Rule::R1]);
    }

    #[test]
    fn pings_and_closes_want_answers_while_anybody_can_hear_them() {
        let ping = [0x89, 2, b'h', b'i'];
        let close = [0x88, 2, 0x03, 0xe8];
        let answer = [0x8a, 0x82, 0, 0, 0, 0, b'h', b'i'];
        let mut answered = judge();
        open(&mut answered, ms(0), 1);
        answered.read(ms(1), 1, &ping);
        answered.wrote(ms(9_000), 1, &answer, &mut Vec::new());
        answered.look(ms(60_000));
        assert_eq!(broken(&answered), []);

        for frame in [&ping[..], &close] {
            let mut silent = judge();
            open(&mut silent, ms(0), 1);
            silent.read(ms(1), 1, frame);
            silent.look(ms(10_002));
            assert_eq!(broken(&silent), [Rule::R7]);
            let mut gone = judge();
            open(&mut gone, ms(0), 1);
            gone.read(ms(1), 1, frame);
            gone.read_end(ms(2), 1, true);
            gone.dropped(ms(3), 1);
            gone.dial(ms(500), 2);
            gone.look(ms(60_000));
            assert_eq!(broken(&gone), [], "nobody can hear an answer");
        }

        let mut rude = judge();
        open(&mut rude, ms(0), 1);
        rude.read(ms(1), 1, &close);
        rude.dropped(ms(2), 1);
        assert_eq!(broken(&rude), [Rule::R7]);
    }

    #[test]
    fn once_faults_are_over_something_must_come() {
        let mut blind = Bounded::new(Bounds::default(), Some(ms(5_000)));
        open(&mut blind, ms(0), 1);
        blind.look(ms(245_000));
        assert_eq!(broken(&blind), [Rule::R11]);
        let mut back = Bounded::new(Bounds::default(), Some(ms(5_000)));
        open(&mut back, ms(0), 1);
        back.read(ms(5_000), 1, &[0x81, 1, b'x']);
        back.look(ms(245_000));
        assert_eq!(broken(&back), []);
    }

    #[test]
    fn what_never_dials_is_told_at_the_end() {
        let found = judge().finish(ms(1));
        assert_eq!(found.violations[0].rule, Rule::R2);

        let mut stopped_at_once = judge();
        stopped_at_once.shutdown(ms(0));
        stopped_at_once.stopped(ms(0), true);
        assert_eq!(stopped_at_once.finish(ms(9)).violations, []);
    }
}
