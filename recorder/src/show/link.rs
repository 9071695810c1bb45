//! Which connections of a tape are open, as far as its steps tell.

use std::collections::BTreeSet;

use wstape_tape::{Action, Conn, Down, Micros, ReceivedKind, Step};

/// Connections that are followed one by one; further ones are counted only.
const MAX_OPEN: usize = 65_536;

/// What a step means for the connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// One is there: by its own 101, or by something that was sent.
    Up,
    /// One ended, or can't be made.
    Down,
    /// Neither.
    Neither,
}

/// Follows connections, and the stretches without any.
///
/// A tape of a broadcasting engine names no connections: what is sent tells that somebody is
/// there, until everything ends. A tape that names them says of each when it came.
#[derive(Debug, Clone, Default)]
pub(super) struct Link {
    /// Open connections by number; 0 stands for the one of a tape that names none.
    open: BTreeSet<u64>,
    /// Connections made.
    pub(super) connections: u64,
    /// Handshakes that were not answered with 101.
    pub(super) refused: u64,
    /// Stretches without a connection, an unfinished one not counted.
    pub(super) outages: u64,
    /// How long they were together.
    pub(super) outage_time: Micros,
    /// Since when there is none, where there is none and it can be told.
    pub(super) out_since: Option<Micros>,
}

impl Link {
    /// Takes a step in that happens `at` this time.
    pub(super) fn take(&mut self, at: Micros, step: &Step) -> Sign {
        let sign = self.sign(step);
        match sign {
            Sign::Up => {
                if let Some(since) = self.out_since.take() {
                    self.outages += 1;
                    self.outage_time.0 += at.0.saturating_sub(since.0);
                }
            }
            // A script that ends whoever is there says of nobody that they were, or are gone.
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
                // It said itself that it came.
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
                // The engine's Close, then its end, is one end.
                if !self.open.remove(&n) {
                    return Sign::Neither;
                }
            }
        }
        Sign::Down
    }
}

/// Whether a step ends connections that are there, and keeps nobody from coming.
fn ends(action: &Action) -> bool {
    matches!(action, Action::Close(_) | Action::Drop(_))
}
