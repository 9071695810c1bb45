//! R7: Pings, Closes and errors are answered.

use std::collections::VecDeque;

use wstape_tape::Micros;

use super::findings::Findings;
use crate::rule::Rule;

/// Most unanswered Pings that are remembered; in a storm, the answer to a later Ping covers the
/// older ones.
const MAX_PINGS: usize = 65_536;

/// The answers that the peer of one open connection may expect.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// Unanswered Pings, oldest first.
    pings: VecDeque<Asked>,
    /// Payloads of Pings that a later answer has covered; their own answers may still come.
    surplus: VecDeque<Vec<u8>>,
    /// The codes that a Close may carry, and since when it is owed; no codes means any.
    owed: Option<(Vec<u16>, Micros)>,
    closed: bool,
    /// Whether writes are or were blocked, so that answers may be too.
    hindered: bool,
}

/// An unanswered Ping.
#[derive(Debug)]
struct Asked {
    payload: Vec<u8>,
    at: Micros,
    /// Whether it need not be answered, but may be.
    excused: bool,
}

impl Answers {
    /// Notes that a Ping came.
    pub(super) fn ping(&mut self, payload: Vec<u8>, at: Micros) {
        if self.pings.len() == MAX_PINGS {
            self.pings.pop_front();
        }
        self.pings.push_back(Asked {
            payload,
            at,
            excused: self.hindered || self.closed,
        });
    }

    /// Checks a Pong that the subscriber wrote.
    pub(super) fn pong(&mut self, payload: &[u8], at: Micros, findings: &mut Findings) {
        let answered = self.pings.iter().rposition(|ping| ping.payload == payload);
        match answered {
            Some(index) => {
                for _ in 0..=index {
                    findings.held(Rule::R7);
                }
                let mut answered = self.pings.drain(..=index);
                answered.next_back();
                self.surplus.extend(answered.map(|ping| ping.payload));
                while self.surplus.len() > MAX_PINGS {
                    self.surplus.pop_front();
                }
            }
            None if self.is_surplus(payload) => {}
            None => findings.broke(Rule::R7, at, || {
                format!(
                    "expected a Pong that answers a Ping, found one with the payload \"{}\"",
                    payload.escape_ascii()
                )
            }),
        }
    }

    fn is_surplus(&mut self, payload: &[u8]) -> bool {
        let place = self.surplus.iter().position(|ping| ping == payload);
        place.and_then(|place| self.surplus.remove(place)).is_some()
    }

    /// Checks a Close that the subscriber wrote.
    pub(super) fn close(&mut self, code: Option<u16>, at: Micros, findings: &mut Findings) {
        if let Some((codes, _)) = self.owed.take() {
            findings.held(Rule::R7);
            let fits = codes.is_empty() || code.is_some_and(|code| codes.contains(&code));
            if !fits {
                findings.broke(Rule::R7, at, || {
                    format!("expected a Close with one of {codes:?}, found {code:?}")
                });
            }
        }
        self.closed = true;
        self.excuse_pings(|_| true);
    }

    /// Notes that the peer closed, or broke the protocol: a Close is owed, with one of these codes,
    /// or with any if there are none.
    pub(super) fn owe(&mut self, codes: Vec<u16>, at: Micros) {
        if !self.closed && !self.hindered {
            self.owed = Some((codes, at));
        }
        self.excuse_pings(|came| came >= at);
    }

    /// Notes that writes block or fail: answers can't be expected.
    pub(super) fn hinder(&mut self) {
        self.hindered = true;
        self.owed = None;
        self.excuse_pings(|_| true);
    }

    /// Whether writes block or have failed.
    pub(super) fn is_hindered(&self) -> bool {
        self.hindered
    }

    /// Notes that writes go on: Pings from here on must be answered again.
    pub(super) fn free(&mut self) {
        self.hindered = false;
    }

    /// Notes that the connection is over, or about to be, for another reason: what came at this
    /// instant need not be answered.
    pub(super) fn excuse(&mut self, at: Micros) {
        self.excuse_pings(|came| came >= at);
        self.owed = None;
    }

    /// Notes that the connection is over: Pings of this instant need not be answered.
    pub(super) fn excuse_pings_of(&mut self, at: Micros) {
        self.excuse_pings(|came| came >= at);
    }

    fn excuse_pings(&mut self, which: impl Fn(Micros) -> bool) {
        for ping in self.pings.iter_mut().filter(|ping| which(ping.at)) {
            ping.excused = true;
        }
    }

    fn oldest_due(&self) -> Option<&Asked> {
        self.pings.iter().find(|ping| !ping.excused)
    }

    /// Since when the oldest answer has been due.
    pub(super) fn due(&self) -> Option<Micros> {
        let ping = self.oldest_due().map(|ping| ping.at);
        let close = self.owed.as_ref().map(|(_, at)| *at);
        ping.into_iter().chain(close).min()
    }

    /// Looks for answers that should have been written before `now`.
    pub(super) fn look(&mut self, now: Micros, findings: &mut Findings) {
        if let Some(ping) = self.oldest_due()
            && ping.at < now
        {
            findings.broke(Rule::R7, now, || {
                format!(
                    "expected an answer to the Ping \"{}\" of {}, found none",
                    ping.payload.escape_ascii(),
                    ping.at
                )
            });
            self.excuse_pings(|came| came < now);
        }
        if let Some((codes, at)) = &self.owed
            && *at < now
        {
            findings.broke(Rule::R7, now, || {
                let codes = if codes.is_empty() {
                    String::new()
                } else {
                    format!(" with one of {codes:?}")
                };
                format!("expected a Close{codes} at {at}, found none")
            });
            self.owed = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Micros = Micros(5);
    const LATER: Micros = Micros(6);

    fn told(work: impl FnOnce(&mut Answers, &mut Findings)) -> usize {
        let (mut answers, mut findings) = (Answers::default(), Findings::new());
        work(&mut answers, &mut findings);
        answers.look(LATER, &mut findings);
        findings.violations().len()
    }

    #[test]
    fn a_ping_is_answered_by_its_payload_or_a_later_ones_and_by_nothing_else() {
        for (pong, expected) in [("1", 1), ("2", 0), ("3", 2)] {
            let found = told(|answers, findings| {
                answers.ping(b"1".to_vec(), AT);
                answers.ping(b"2".to_vec(), AT);
                answers.pong(pong.as_bytes(), AT, findings);
            });
            assert_eq!(found, expected, "{pong}");
        }
    }

    #[test]
    fn each_of_many_equal_pings_may_have_an_answer_of_its_own_but_no_more() {
        for (pongs, expected) in [(1, 0), (3, 0), (4, 1)] {
            let found = told(|answers, findings| {
                for _ in 0..3 {
                    answers.ping(Vec::new(), AT);
                }
                for _ in 0..pongs {
                    answers.pong(b"", AT, findings);
                }
            });
            assert_eq!(found, expected, "{pongs}");
        }
    }

    #[test]
    fn a_close_sent_blocked_writes_or_the_end_excuse_an_answer_that_may_come_all_the_same() {
        let excuses: [fn(&mut Answers, &mut Findings); 3] = [
            |answers, findings| answers.close(Some(1000), AT, findings),
            |answers, _| answers.hinder(),
            |answers, _| answers.excuse(AT),
        ];
        for excuse in excuses {
            let found = told(|answers, findings| {
                answers.ping(b"1".to_vec(), AT);
                excuse(answers, findings);
            });
            assert_eq!(found, 0);
            let found = told(|answers, findings| {
                answers.ping(b"1".to_vec(), AT);
                excuse(answers, findings);
                answers.pong(b"1", AT, findings);
            });
            assert_eq!(found, 0);
        }
    }

    #[test]
    fn a_close_that_is_owed_must_come_with_a_code_that_fits() {
        for (code, expected) in [(Some(1002), 0), (Some(1000), 1), (None, 1)] {
            let found = told(|answers, findings| {
                answers.owe(vec![1002, 1007], AT);
                answers.close(code, AT, findings);
            });
            assert_eq!(found, expected, "{code:?}");
        }
        assert_eq!(told(|answers, _| answers.owe(Vec::new(), AT)), 1);
    }
}
