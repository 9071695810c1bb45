//! R5: shutdown ends in time and leaves nothing.

use wstape_tape::Micros;

use super::attempt::Phase;
use super::findings::Findings;
use super::liveness::CLOSE_TIMEOUT;
use crate::edge::Edge;
use crate::rule::Rule;

/// A shutdown, from the call on.
#[derive(Debug, Default)]
pub(super) struct Stop {
    called: Option<Call>,
    stopped_at: Option<Micros>,
    late: bool,
}

#[derive(Debug, Clone, Copy)]
struct Call {
    at: Micros,
    /// Whether the connection was open: then a Close is sent and its answer awaited.
    open: bool,
    /// When the answer, or the end of the connection, came.
    answered_at: Option<Micros>,
    /// Whether that was a Close.
    by_close: bool,
    /// Whether a Close was sent.
    closed: bool,
}

impl Call {
    /// Returns when the shutdown must be over.
    fn bound(&self) -> Micros {
        if self.open {
            let timeout = Micros::from(CLOSE_TIMEOUT).0;
            self.answered_at
                .unwrap_or(Micros(self.at.0.saturating_add(timeout)))
        } else {
            self.at
        }
    }
}

impl Stop {
    /// Notes that shutdown is called for.
    pub(super) fn call(&mut self, at: Micros, phase: Phase, findings: &mut Findings) {
        self.called = Some(Call {
            at,
            open: phase == Phase::Open,
            answered_at: None,
            by_close: false,
            closed: false,
        });
        findings.took(match phase {
            Phase::Dialing => Edge::DIAL_SHUTDOWN,
            Phase::Handshake => Edge::HANDSHAKE_SHUTDOWN,
            Phase::Open | Phase::Closing => Edge::OPEN_SHUTDOWN,
            Phase::Ended => Edge::WAIT_SHUTDOWN,
        });
    }

    /// Whether it was called for.
    pub(super) fn called(&self) -> bool {
        self.called.is_some()
    }

    /// Notes that the answer to its Close came, or that the connection ended another way.
    pub(super) fn answered(&mut self, at: Micros, by_close: bool) {
        if let Some(call) = &mut self.called {
            call.answered_at = Some(at);
            call.by_close = by_close;
        }
    }

    /// Checks a Close that the subscriber sent.
    pub(super) fn closed(&mut self, code: Option<u16>, at: Micros, findings: &mut Findings) {
        if let Some(call) = &mut self.called
            && call.open
            && !call.closed
        {
            call.closed = true;
            if code != Some(1000) && call.answered_at.is_none() {
                findings.broke(Rule::R5, at, || {
                    format!("expected a shutdown's Close to have code 1000, found {code:?}")
                });
            }
        }
    }

    /// Checks that the subscriber may still dial.
    pub(super) fn dialed(&mut self, at: Micros, findings: &mut Findings) {
        if self.stopped_at.is_some() || self.called.is_some_and(|call| call.at < at) {
            findings.broke(Rule::R5, at, || {
                "expected no dial once shutdown was called, found one".to_owned()
            });
        }
    }

    /// When it must be over, while it is not.
    pub(super) fn deadline(&self) -> Option<Micros> {
        if self.stopped_at.is_some() || self.late {
            return None;
        }
        self.called.map(|call| call.bound())
    }

    /// Checks whether it takes too long.
    pub(super) fn look(&mut self, now: Micros, findings: &mut Findings) {
        if let Some(bound) = self.deadline()
            && now > bound
        {
            self.late = true;
            findings.broke(Rule::R5, now, || {
                format!("expected shutdown to be over by {bound}, found it still running")
            });
        }
    }

    /// Checks how it ended; `alive` streams were not dropped.
    pub(super) fn stopped(
        &mut self,
        at: Micros,
        alive: usize,
        hindered: bool,
        findings: &mut Findings,
    ) {
        self.stopped_at = Some(at);
        findings.held(Rule::R5);
        if alive > 0 {
            findings.broke(Rule::R5, at, || {
                format!("expected no socket once shutdown is over, found {alive}")
            });
        }
        let Some(call) = self.called else { return };
        if !call.open {
            return;
        }
        let timeout = Micros(call.at.0.saturating_add(Micros::from(CLOSE_TIMEOUT).0));
        findings.took(match call.answered_at {
            Some(_) if call.by_close => Edge::CLOSING_ANSWERED,
            Some(_) => Edge::CLOSING_ENDED,
            None => Edge::CLOSING_TIMEOUT,
        });
        if call.answered_at.is_none() && at < timeout {
            findings.broke(Rule::R5, at, || {
                format!("expected shutdown to wait for the answer to its Close until {timeout}")
            });
        }
        let ended_at_once = call.answered_at.is_some_and(|answered| answered == call.at);
        if !call.closed && !hindered && !ended_at_once {
            findings.broke(Rule::R5, at, || {
                "expected shutdown to send a Close, found none".to_owned()
            });
        }
    }
}
