//! What the subscriber writes.

use wstape_tape::Micros;

use super::Exact;
use crate::edge::Edge;
use crate::rule::Rule;
use crate::rules::attempt::Phase;
use crate::rules::course::CUT_OFF;
use crate::wire::Opcode;

impl Exact {
    /// Takes in bytes that the subscriber wrote. Appends the part that is the same on every run of
    /// the case to `same`.
    pub(in crate::rules) fn wrote(
        &mut self,
        at: Micros,
        dial: u64,
        bytes: &[u8],
        same: &mut Vec<u8>,
    ) {
        self.course.pass(at);
        let findings = &mut self.course.findings;
        let Some(attempt) = self.course.attempt.as_mut().filter(|a| a.dial == dial) else {
            return;
        };
        let had_request = attempt.opening.request().is_some();
        let rest = attempt.opening.push_client(bytes);
        if !had_request && let Some(request) = attempt.opening.request() {
            same.extend_from_slice(request.method.as_bytes());
            same.push(b' ');
            same.extend_from_slice(request.target.as_bytes());
            for (name, value) in &request.fields {
                same.extend_from_slice(b", ");
                same.extend_from_slice(name.as_bytes());
                if name != "sec-websocket-key" {
                    same.extend_from_slice(b": ");
                    same.extend_from_slice(value.as_bytes());
                }
            }
        }
        attempt.sent.push(rest);
        while let Some(frame) = attempt.sent.next() {
            same.extend_from_slice(match frame.opcode {
                Opcode::Ping => b"ping ",
                Opcode::Pong => b"pong ",
                Opcode::Close => b"close ",
                _ => b"data ",
            });
            same.extend_from_slice(&frame.payload);
            if !frame.masked {
                findings.broke(Rule::R7, at, || {
                    "expected frames with a mask, found one without".to_owned()
                });
            }
            match frame.opcode {
                Opcode::Ping => {
                    if attempt.phase == Phase::Open {
                        attempt.liveness.pinged(at, findings);
                    }
                    attempt.ping(frame.payload);
                }
                Opcode::Pong => attempt.answers.pong(&frame.payload, at, findings),
                Opcode::Close => {
                    let code = match frame.payload[..] {
                        [high, low, ..] => Some(u16::from_be_bytes([high, low])),
                        _ => None,
                    };
                    if attempt.silent {
                        findings.broke(Rule::R6, at, || {
                            "expected a lost connection to be dropped without a Close, found one"
                                .to_owned()
                        });
                    }
                    self.course.stop.closed(code, at, findings);
                    attempt.answers.close(code, at, findings);
                }
                other => findings.broke(Rule::R7, at, || {
                    format!("expected only control frames, found {other:?}")
                }),
            }
        }
    }

    /// Notes that a write found no room.
    pub(in crate::rules) fn write_blocked(&mut self, at: Micros, dial: u64) {
        self.course.pass(at);
        if let Some(attempt) = self.course.attempt(dial) {
            attempt.liveness.blocked(at);
            attempt.answers.hinder();
        }
    }

    /// Notes that the blocked write went on.
    pub(in crate::rules) fn write_freed(&mut self, at: Micros, dial: u64) {
        self.course.pass(at);
        if let Some(attempt) = self.course.attempt(dial) {
            attempt.liveness.freed();
            attempt.answers.free();
        }
    }

    /// Notes that a write failed: the peer is gone.
    pub(in crate::rules) fn write_failed(&mut self, at: Micros, dial: u64) {
        self.course.pass(at);
        let Some(attempt) = self.course.attempt(dial) else {
            return;
        };
        attempt.answers.hinder();
        attempt.liveness.freed();
        if attempt.phase == Phase::Handshake {
            self.course.findings.took(Edge::HANDSHAKE_RESET);
            self.course.end(at, CUT_OFF, None);
        }
    }
}
