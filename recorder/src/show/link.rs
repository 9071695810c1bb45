//! Tracks which connections of a tape are open, as far as its steps show.

use std::collections::BTreeSet;

use wstape_tape::{Action, Conn, Down, Micros, ReceivedKind, Step};

/// The maximum number of connections tracked one by one; any more are only counted.
const MAX_OPEN: usize = 65_536;

/// What a step means for connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// A connection exists: it got its own 101, or something was sent.
    Up,
    /// A connection ended, or can't be made.
    Down,
    /// Neither.
    Neither,
}

/// Tracks connections, and the periods without any.
///
/// A tape of a broadcasting engine names no connections: a sent message shows that somebody is
/// connected, until everything ends. A tape that names connections tells when each one came.
#[derive(Debug, Clone, Default)]
pub(super) struct Link {
    /// The numbers of open connections; 0 stands for the one of a tape that names none.
    open: BTreeSet<u64>,
    /// The number of connections made.
    pub(super) connections: u64,
    /// The number of handshakes that were not answered with 101.
    pub(super) refused: u64,
    /// The number of periods without a connection, not counting an unfinished one.
    pub(super) outages: u64,
    /// The total length of these periods.
    pub(super) outage_time: Micros,
    /// When the current period without a connection began, if there is one.
    pub(super) out_since: Option<Micros>,
}

impl Link {
    /// Takes a step that happens at this time.
    pub(super) fn take(&mut self, at: Micros, step: &Step) -> Sign {
        let sign = self.sign(step);
        match sign {
            Sign::Up => {
                if let Some(since) = self.out_since.take() {
                    self.outages += 1;
                    self.outage_time.0 += at.0.saturating_sub(since.0);
                }
            }
            // A script that ends all connections doesn't show that there were any.
            Sign::Down if self.open.is_empty() && (self.connections > 0 || !ends(&step.action)) => {
                self.out_since.get_or_insert(at);
            }
            Sign::Down | Sign::Neither => {}
        }
        sign
    }

    /// Whether somebody is connected.
    pub(super) fn is_up(&self) -> bool {
        !self.open.is_empty()
    }

    fn sign(&mut self, step: &Step) -> Sign {
        let named = match step.conn {
            Conn::All => None,
            Conn::Nth(n) => Some(n),
        };
        match &step.action {
            Action::Accept(Some(accept)) if accept.status.is_none_or(|status| status == 101) => {
                match named {
                    Some(n) => self.came(n),
                    None => Sign::Neither,
                }
            }
            Action::Accept(Some(_)) | Action::Refuse(Some(_)) | Action::Garbage(Some(_)) => {
                self.refused += 1;
                Sign::Down
            }
            Action::Hang(true) => Sign::Down,
            Action::Close(_) | Action::Drop(_) => self.went(named),
            action if action.is_sent() => match named {
                None => self.came(0),
                // The arrival of a named connection was recorded.
                Some(_) => Sign::Neither,
            },
            Action::Received(received) => match received.kind {
                ReceivedKind::Fin | ReceivedKind::Reset => self.went(named),
                _ => Sign::Neither,
            },
            Action::Down(Down::Refuses | Down::Resets { .. }) => self.went(None),
            _ => Sign::Neither,
        }
    }

    fn came(&mut self, n: u64) -> Sign {
        if !self.open.contains(&n) {
            self.connections += 1;
            if self.open.len() < MAX_OPEN {
                self.open.insert(n);
            }
        }
        Sign::Up
    }

    fn went(&mut self, named: Option<u64>) -> Sign {
        match named {
            None => self.open.clear(),
            Some(n) => {
                // A Close of the engine, followed by the end, counts as one end.
                if !self.open.remove(&n) {
                    return Sign::Neither;
                }
            }
        }
        Sign::Down
    }
}

/// Whether a step ends existing connections but doesn't prevent new ones.
fn ends(action: &Action) -> bool {
    matches!(action, Action::Close(_) | Action::Drop(_))
}
