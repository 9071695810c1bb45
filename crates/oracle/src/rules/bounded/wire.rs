//! What happens on the wire, in order.

use wstape_tape::Micros;

use super::attempt::{Attempt, Heard, Phase};
use super::shown::Step;
use super::{Bounded, MAX_SURE_BYTES, Overlap, Stop, WINDOW};
use crate::rule::Rule;
use crate::wire::{Answer, Item, Opcode};

impl Bounded {
    /// Takes in what was delivered after the handshake.
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
            // Some clients accept a message this large, others refuse it.
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
                    let text = self.shown.text_in(&bytes);
                    self.shown.must_show(at, dial, Step::Message(text));
                }
                Item::Ping(payload) if !attempt.excused && !attempt.closed => {
                    // The latest answer may cover the earlier ones (RFC 6455, 5.5.3).
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

    pub(in crate::rules) fn dial(&mut self, at: Micros, dial: u64) {
        self.pass(at);
        self.findings.at_dial(dial);
        self.count += 1;
        self.newest = dial;
        self.shown.must_show(at, dial, Step::Dial);
        if dial > 1 {
            self.findings.held(Rule::R1);
        }
        for (&other, attempt) in &self.held {
            let is_known = self.overlaps.iter().any(|overlap| overlap.other == other);
            if attempt.phase != Phase::Ended && !is_known {
                self.overlaps.push(Overlap { at, dial, other });
            }
        }
        if self.held.len() >= self.bounds.max_streams {
            let (held, most) = (self.held.len() + 1, self.bounds.max_streams);
            self.findings.broke(Rule::R13, at, || {
                format!(
                    "expected at most {most} streams at a time, found {held}: ended streams \
                         are not dropped"
                )
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

    pub(in crate::rules) fn dial_elsewhere(&mut self, at: Micros, target: &str) {
        self.findings.broke(Rule::R14, at, || {
            format!("expected dials to the engine only, found one to {target}")
        });
    }

    pub(in crate::rules) fn dial_refused(&mut self, at: Micros, dial: u64) {
        self.pass(at);
        self.end(at, dial);
        self.let_go(at, dial);
    }

    pub(in crate::rules) fn dial_dropped(&mut self, at: Micros, dial: u64) {
        self.pass(at);
        self.let_go(at, dial);
    }

    pub(in crate::rules) fn read<'b>(
        &mut self,
        at: Micros,
        dial: u64,
        bytes: &'b [u8],
    ) -> &'b [u8] {
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
        let doubtful = attempt.opening.is_doubtful();
        match attempt.opening.answer() {
            None | Some(Answer::Failed { whole: false, .. }) => return &[],
            Some(Answer::Upgraded { .. }) if !doubtful => {
                attempt.phase = Phase::Open;
                attempt.course.upgraded_at = Some(at);
            }
            Some(Answer::Refused { retry_after, .. }) => {
                let asked_to_wait = retry_after.is_some();
                self.end_asking(at, dial, asked_to_wait);
                if asked_to_wait {
                    // How long to wait is up to subscriber and engine (RFC 9110, 10.2.3).
                    self.ended_at = None;
                    self.quiet_at = None;
                }
                return rest;
            }
            // Some libraries accept an answer that is not quite valid, such as a 101 with an
            // extension that nobody asked for, or a control byte in its reason phrase: whether it
            // has ended is theirs to show.
            Some(Answer::Failed { .. } | Answer::Upgraded { .. }) => {
                attempt.phase = Phase::Open;
                attempt.course.odd_answer = true;
                attempt.course.hinted = true;
                attempt.excused = true;
                self.shown.must_show(at, dial, Step::Ending);
                self.takes(at, dial, rest);
                return rest;
            }
        }
        self.recovers(at);
        self.shown.must_show(at, dial, Step::Open);
        self.takes(at, dial, rest);
        rest
    }

    pub(in crate::rules) fn read_end(&mut self, at: Micros, dial: u64, _reset: bool) {
        self.pass(at);
        if let Some(attempt) = self.held.get_mut(&dial) {
            attempt.excuse();
        }
        self.end(at, dial);
    }

    pub(in crate::rules) fn wrote(
        &mut self,
        at: Micros,
        dial: u64,
        bytes: &[u8],
        same: &mut Vec<u8>,
    ) {
        self.pass(at);
        let Some(attempt) = self.held.get_mut(&dial) else {
            return;
        };
        let had_request = attempt.opening.request().is_some();
        let rest = attempt.opening.push_client(bytes);
        if !had_request && let Some(request) = attempt.opening.request() {
            // The key is left out: it differs on every run.
            same.extend_from_slice(request.method.as_bytes());
            same.push(b' ');
            same.extend_from_slice(request.target.as_bytes());
        }
        attempt.sent.push(rest);
        while let Some(frame) = attempt.sent.next() {
            same.extend_from_slice(match frame.opcode {
                Opcode::Text => b"text ",
                Opcode::Binary => b"binary ",
                Opcode::Ping => b"ping ",
                Opcode::Pong => b"pong ",
                Opcode::Close => b"close ",
                _ => b"frame ",
            });
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

    pub(in crate::rules) fn write_blocked(&mut self, at: Micros, dial: u64) {
        self.pass(at);
        if let Some(attempt) = self.held.get_mut(&dial) {
            attempt.excuse();
        }
    }

    pub(in crate::rules) fn write_failed(&mut self, at: Micros, dial: u64) {
        self.write_blocked(at, dial);
    }

    pub(in crate::rules) fn dropped(&mut self, at: Micros, dial: u64) {
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
        // A subscriber may end a connection itself, on silence or at will: a dial must follow.
        self.let_go(at, dial);
    }
}
