//! Finds out which of a client's Pings were answered: where an engine that plays the tape answers
//! them by itself, and where it must not.
//!
//! A Pong repeated from a tape would be useless to a client that sends other payloads in its Pings.
//! So an answer is not recorded as a step: an engine answers by itself (`pongs` is `auto`). Only a
//! Ping without an answer within [`ANSWER_TIMEOUT`] goes into the tape, as `pongs: withheld` before
//! it. Whether a Ping is answered is known only later, but a tape is written in order: meanwhile
//! the steps after a Ping are held back, at most [`MAX_HELD_STEPS`] and [`MAX_HELD_BYTES`] of them.

use std::collections::{BTreeMap, VecDeque};
use std::vec::Drain;

use bytes::Bytes;
use wstape_tape::{Action, Conn, Micros, Pongs, ReceivedKind, Step, Trigger};

use crate::error::RecordError;
use crate::recording::{Gap, Recording};

/// How late an answer to a Ping may be and still count as immediate.
pub(crate) const ANSWER_TIMEOUT: Micros = Micros::from_ms(1_000);
/// How long before an unanswered Ping its Pongs are withheld at most, as a client that plays the
/// same session again may send it a little earlier.
const MAX_LEAD: Micros = Micros::from_ms(1_000);
/// The maximum number of steps held back, and of their bytes. Beyond it the verdict on a Ping is
/// written where it becomes known, not where it belongs.
const MAX_HELD_STEPS: usize = 16 << 10;
const MAX_HELD_BYTES: usize = 4 << 20;
/// The maximum number of unanswered Pings remembered per connection. If more than this follow a
/// Ping before it is answered, the tape says nothing about it.
const MAX_PINGS: usize = 64;

/// Tracks the Pings of all connections, and holds the steps after those that may still be answered.
#[derive(Debug, Default)]
pub(crate) struct Keepalive {
    conns: BTreeMap<u64, Pings>,
    /// Pings that may still be answered in time, oldest first.
    open: VecDeque<Open>,
    /// The steps held back, with an empty place for a verdict before each open Ping.
    held: VecDeque<Option<Step>>,
    held_bytes: usize,
    /// How many entries of `held` have been released.
    released: u64,
    serial: u64,
    /// The latest time of any step.
    last: Micros,
    /// The steps to write next. Emptied after each use, kept for its capacity.
    out: Vec<Step>,
}

/// The Pings of one connection.
#[derive(Debug, Default)]
struct Pings {
    /// Unanswered Pings, oldest first: serial number and payload.
    unanswered: VecDeque<(u64, Bytes)>,
    /// Whether the tape says that Pongs are withheld.
    withheld: bool,
}

#[derive(Debug)]
struct Open {
    conn: Conn,
    serial: u64,
    at: Micros,
    /// The index of the place for its verdict, counted over everything ever held.
    place: u64,
    /// The time of its verdict.
    verdict_at: Micros,
}

/// A connection's number; 0 if the tape has no numbers.
fn number(conn: Conn) -> u64 {
    match conn {
        Conn::Nth(number) => number,
        Conn::All => 0,
    }
}

impl Keepalive {
    /// Whether this action may go to the tape directly, without passing through here.
    pub(crate) fn may_skip(&self, action: &Action) -> bool {
        self.holds_nothing()
            && !matches!(
                action,
                Action::Pong(_) | Action::Received(_) | Action::Close(_) | Action::Drop(_)
            )
    }

    /// Whether steps unrelated to Pings may go to the tape directly.
    pub(crate) fn holds_nothing(&self) -> bool {
        self.held.is_empty()
    }

    /// Takes the next step, and examines it if it may concern a Ping.
    pub(crate) fn pass(&mut self, step: Step) {
        if self.may_skip(&step.action) {
            self.out.push(step);
        } else {
            self.push(step);
        }
    }

    /// Takes and examines the next step. [`write`](Self::write) writes what is ready.
    pub(crate) fn push(&mut self, step: Step) {
        let at = match step.trigger {
            Trigger::At(at) => at,
            _ => self.last,
        };
        self.settle(at);
        match &step.action {
            Action::Received(received) if received.kind == ReceivedKind::Ping => {
                let text = received.text.as_ref().map(|text| Bytes::from(text.clone()));
                let payload = text.or_else(|| received.binary.clone());
                self.pinged(step.conn, at, payload.unwrap_or_default());
            }
            Action::Pong(payload) => match self.answer(step.conn, payload) {
                Answer::Unasked => {}
                Answer::InTime => return self.release(),
                Answer::Late => {
                    let conn = step.conn;
                    self.hold(step);
                    self.say(conn, at, Pongs::Auto);
                    return self.release();
                }
            },
            Action::Close(_) | Action::Drop(_) => self.leave_unanswered(step.conn, at),
            _ => {}
        }
        self.last = self.last.max(at);
        self.hold(step);
        self.release();
    }

    /// Takes a Ping of a client.
    pub(crate) fn pinged(&mut self, conn: Conn, at: Micros, payload: Bytes) {
        self.serial += 1;
        let pings = self.conns.entry(number(conn)).or_default();
        let forgotten = if pings.unanswered.len() == MAX_PINGS {
            pings.unanswered.pop_front()
        } else {
            None
        };
        pings.unanswered.push_back((self.serial, payload));
        if let Some((serial, _)) = forgotten {
            self.take_open(serial);
        }
        let lead = (at.0.saturating_sub(self.last.0) / 2).min(MAX_LEAD.0);
        self.open.push_back(Open {
            conn,
            serial: self.serial,
            at,
            place: self.released + self.held.len() as u64,
            verdict_at: Micros(at.0 - lead),
        });
        self.held.push_back(None);
        self.last = self.last.max(at);
    }

    /// Decides on the open Pings that have timed out by `now`.
    fn settle(&mut self, now: Micros) {
        while self.due().is_some_and(|due| due <= now)
            && let Some(open) = self.open.pop_front()
        {
            self.withhold(&open, now);
        }
        self.release();
    }

    /// When the oldest open Ping will count as unanswered.
    pub(crate) fn due(&self) -> Option<Micros> {
        let oldest = self.open.front()?;
        Some(Micros(oldest.at.0.saturating_add(ANSWER_TIMEOUT.0)))
    }

    /// Takes the end of a connection: its open Pings count as unanswered. Returns whether Pongs
    /// were withheld on it.
    pub(crate) fn over(&mut self, conn: Conn, at: Micros) -> bool {
        self.leave_unanswered(conn, at);
        let pings = self.conns.remove(&number(conn));
        pings.is_some_and(|pings| pings.withheld)
    }

    fn leave_unanswered(&mut self, conn: Conn, at: Micros) {
        let (of_it, others) = self.open.drain(..).partition(|open| open.conn == conn);
        self.open = others;
        let of_it: VecDeque<Open> = of_it;
        for open in of_it {
            self.withhold(&open, at);
        }
    }

    fn withhold(&mut self, open: &Open, now: Micros) {
        let pings = self.conns.entry(number(open.conn)).or_default();
        if !std::mem::replace(&mut pings.withheld, true) {
            self.decide(open, now, Pongs::Withheld);
        }
    }

    /// Takes steps without examining them.
    pub(crate) fn pass_on(&mut self, steps: &mut Vec<Step>) {
        self.out.append(steps);
    }

    /// Takes out the steps that can be written now.
    pub(crate) fn out(&mut self) -> Drain<'_, Step> {
        self.out.drain(..)
    }

    /// Writes the steps that can be written now.
    ///
    /// # Errors
    /// The errors of [`Recording::push`].
    pub(crate) fn write(&mut self, tape: &mut Recording) -> Result<(), RecordError> {
        self.out().try_for_each(|step| tape.push(step))
    }

    /// Decides on the open Pings that have timed out by `now`, and writes what can be written.
    ///
    /// # Errors
    /// The errors of [`Recording::push`].
    pub(crate) fn write_settled(
        &mut self,
        now: Micros,
        tape: &mut Recording,
    ) -> Result<(), RecordError> {
        self.settle(now);
        self.write(tape)
    }

    /// Writes everything that was held back, then the mark of a gap.
    ///
    /// # Errors
    /// The errors of [`Recording::push`].
    pub(crate) fn write_gap(&mut self, gap: Gap, tape: &mut Recording) -> Result<(), RecordError> {
        self.gap();
        self.out.push(gap.step());
        self.write(tape)
    }

    /// Releases everything at a gap in the recording: answers to open Pings may be missing.
    pub(crate) fn gap(&mut self) {
        self.open.clear();
        for pings in self.conns.values_mut() {
            pings.unanswered.clear();
        }
        self.release();
    }

    fn answer(&mut self, conn: Conn, payload: &Bytes) -> Answer {
        let Some(pings) = self.conns.get_mut(&number(conn)) else {
            return Answer::Unasked;
        };
        let asked = pings
            .unanswered
            .iter()
            .position(|(_, ping)| ping == payload);
        let Some(asked) = asked else {
            return Answer::Unasked;
        };
        let mut serials: Vec<u64> = pings
            .unanswered
            .drain(..=asked)
            .map(|ping| ping.0)
            .collect();
        let newest = serials.pop().unwrap_or_default();
        // A Pong may answer earlier Pings too (RFC 6455, 5.5.3), which then get none of their own.
        for serial in serials {
            if let Some(open) = self.take_open(serial) {
                self.withhold(&open, open.at);
            }
        }
        let open = self.take_open(newest);
        let pings = self.conns.entry(number(conn)).or_default();
        let Some(open) = open else {
            pings.withheld = false;
            return Answer::Late;
        };
        if std::mem::take(&mut pings.withheld) {
            self.decide(&open, open.at, Pongs::Auto);
        }
        Answer::InTime
    }

    fn take_open(&mut self, serial: u64) -> Option<Open> {
        let at = self.open.binary_search_by_key(&serial, |open| open.serial);
        self.open.remove(at.ok()?)
    }

    /// Puts the verdict on a Ping before it, or at the end if that place is already written.
    fn decide(&mut self, open: &Open, now: Micros, pongs: Pongs) {
        let place = open.place.checked_sub(self.released);
        let place = place.and_then(|place| usize::try_from(place).ok());
        match place.and_then(|place| self.held.get_mut(place)) {
            Some(place) => *place = Some(verdict(open.conn, open.verdict_at, pongs)),
            None => self.say(open.conn, now, pongs),
        }
    }

    fn say(&mut self, conn: Conn, at: Micros, pongs: Pongs) {
        self.last = self.last.max(at);
        self.hold(verdict(conn, self.last, pongs));
    }

    fn hold(&mut self, step: Step) {
        self.held_bytes += weight(&step);
        self.held.push_back(Some(step));
    }

    /// Releases the steps before the first open Ping, or all of them if too many are held.
    fn release(&mut self) {
        let full = self.held.len() > MAX_HELD_STEPS || self.held_bytes > MAX_HELD_BYTES;
        let passed = self.open.partition_point(|open| open.place < self.released);
        let first = match self.open.get(passed) {
            Some(open) if !full => open.place - self.released,
            _ => self.held.len() as u64,
        };
        for _ in 0..first {
            let Some(step) = self.held.pop_front() else {
                break;
            };
            self.released += 1;
            if let Some(step) = step {
                self.held_bytes = self.held_bytes.saturating_sub(weight(&step));
                self.out.push(step);
            }
        }
    }
}

/// What a Pong means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// It answers no Ping.
    Unasked,
    /// It answers a Ping in time, as an engine would by itself.
    InTime,
    /// An answer to a Ping that the tape says is unanswered.
    Late,
}

fn verdict(conn: Conn, at: Micros, pongs: Pongs) -> Step {
    let mut step = Step::at(at, Action::Pongs(pongs));
    step.conn = conn;
    step
}

/// How many bytes of payload a step holds in memory.
fn weight(step: &Step) -> usize {
    match &step.action {
        Action::Emit(bytes) | Action::Binary(bytes) | Action::Bytes(bytes) => bytes.len(),
        Action::Text(text) => text.len(),
        Action::Frame(frame) => frame.payload.len(),
        Action::Http(answer) => answer.body.len(),
        Action::Received(received) => {
            received.text.as_ref().map_or(0, String::len)
                + received.binary.as_ref().map_or(0, Bytes::len)
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000;

    /// The steps that a tape gets from these steps once all Pings are decided.
    fn lines(steps: &[&str]) -> Vec<String> {
        let mut keepalive = Keepalive::default();
        for line in steps {
            let step = Step::parse("test", 1, line).expect("a step");
            keepalive.push(step);
        }
        keepalive.settle(Micros::from_ms(100 * SECOND));
        keepalive.out.iter().map(Step::to_canonical).collect()
    }

    fn ping(at_ms: u64, payload: &str) -> String {
        format!(r#"{{"at_ms":{at_ms},"conn":1,"received":{{"kind":"ping","text":"{payload}"}}}}"#)
    }

    fn pong(at_ms: u64, payload: &str) -> String {
        format!(r#"{{"at_ms":{at_ms},"conn":1,"pong":"{payload}"}}"#)
    }

    #[test]
    fn an_answered_ping_leaves_no_pong_and_an_unasked_pong_stays() {
        let (asked, answer, unasked) = (ping(5, "a"), pong(9, "a"), pong(10, "b"));
        assert_eq!(lines(&[&asked, &answer, &unasked]), [asked, unasked]);
    }

    #[test]
    fn pongs_are_withheld_from_before_a_ping_that_nobody_answers_to_one_that_is() {
        let data = r#"{"at_ms":20500,"conn":1,"text":"x"}"#;
        let (first, lost, answered) = (ping(4_000, "a"), ping(20_000, "b"), ping(40_000, "c"));
        let found = lines(&[
            &first,
            &pong(4_001, "a"),
            &lost,
            data,
            &answered,
            &pong(40_100, "c"),
        ]);
        let withheld = r#"{"at_ms":19000,"conn":1,"pongs":"withheld"}"#;
        let auto = r#"{"at_ms":39000,"conn":1,"pongs":"auto"}"#;
        assert_eq!(found, [&first, withheld, &lost, data, auto, &answered]);
    }

    #[test]
    fn a_ping_that_the_pong_of_a_later_one_answers_got_none_of_its_own() {
        let (first, second) = (ping(2_000, "a"), ping(2_400, "b"));
        let withheld = r#"{"at_ms":1000,"conn":1,"pongs":"withheld"}"#;
        let auto = r#"{"at_ms":2200,"conn":1,"pongs":"auto"}"#;
        let found = lines(&[&first, &second, &pong(2_500, "b")]);
        assert_eq!(found, [withheld, &first, auto, &second]);
    }

    #[test]
    fn a_late_answer_is_a_pong_and_the_end_of_withholding() {
        let (asked, answer) = (ping(2_000, "a"), pong(9_000, "a"));
        let withheld = r#"{"at_ms":1000,"conn":1,"pongs":"withheld"}"#;
        let auto = r#"{"at_ms":9000,"conn":1,"pongs":"auto"}"#;
        assert_eq!(lines(&[&asked, &answer]), [withheld, &asked, &answer, auto]);
    }

    #[test]
    fn a_ping_without_an_answer_when_its_connection_ends_is_one_that_nobody_answers() {
        let asked = ping(2_000, "a");
        let withheld = r#"{"at_ms":1000,"conn":1,"pongs":"withheld"}"#;
        let drop = r#"{"at_ms":2500,"conn":1,"drop":"fin"}"#;
        assert_eq!(lines(&[&asked, drop]), [withheld, &asked, drop]);
    }

    #[test]
    fn of_a_flood_of_pings_few_are_remembered_and_none_is_blamed_that_was_answered() {
        let mut keepalive = Keepalive::default();
        let step = |line: &str| Step::parse("test", 1, line).expect("a step");
        for n in 0..20 * MAX_PINGS {
            keepalive.push(step(&ping(2_000, &n.to_string())));
            assert!(keepalive.open.len() <= MAX_PINGS, "{n}");
        }
        for n in 0..20 * MAX_PINGS {
            keepalive.push(step(&pong(2_001, &n.to_string())));
        }
        keepalive.settle(Micros::from_ms(100 * SECOND));
        let verdicts = keepalive.out().filter(|step| step.key() == "pongs");
        assert_eq!(verdicts.count(), 0);
    }

    #[test]
    fn what_is_held_back_is_bounded_and_the_verdict_then_stands_where_it_is_known() {
        let mut keepalive = Keepalive::default();
        let step = |line: &str| Step::parse("test", 1, line).expect("a step");
        keepalive.push(step(&ping(0, "a")));
        for _ in 0..MAX_HELD_STEPS {
            keepalive.push(step(r#"{"at_ms":1,"conn":1,"text":""}"#));
        }
        assert!(keepalive.held.len() <= MAX_HELD_STEPS);
        assert_eq!(keepalive.out.len(), MAX_HELD_STEPS + 1);
        keepalive.out.clear();
        keepalive.settle(Micros::from_ms(SECOND));
        let lines: Vec<_> = keepalive.out.iter().map(Step::to_canonical).collect();
        assert_eq!(lines, [r#"{"at_ms":1000,"conn":1,"pongs":"withheld"}"#]);
    }
}
