//! What was learnt, in numbers and sentences.

use std::fmt;

/// What was learnt from a session, in figures and sentences.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Learnt {
    /// The number of connections learnt from.
    pub connections: u64,
    /// The number of answers to kinds of requests.
    pub replies: u64,
    /// The number of streams.
    pub scenes: u64,
    /// What was not learnt, one sentence each.
    pub unlearnt: Vec<String>,
}

impl fmt::Display for Learnt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = |n: u64| if n == 1 { "" } else { "s" };
        write!(
            f,
            "{} answer{} and {} stream{} from {} connection{}",
            self.replies,
            s(self.replies),
            self.scenes,
            s(self.scenes),
            self.connections,
            s(self.connections)
        )
    }
}
