//! How far a connection has come.

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Accepted; no answer yet.
    Handshake,
    /// Accepted and never answered.
    Hung,
    /// Answered with something other than 101.
    Answered,
    /// Answered by the tape with something that is not HTTP; more of it may follow.
    Raw,
    /// Upgraded.
    Open,
    /// The engine has sent a Close and waits for the client's.
    Closing,
    /// The engine has ended its own side, and goes on reading.
    HalfClosed,
}

impl Phase {
    /// The word for it in a list of connections.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Hung => "hung",
            Self::Answered => "answered",
            Self::Raw => "not_http",
            Self::Open => "open",
            Self::Closing => "closing",
            Self::HalfClosed => "half_closed",
        }
    }
}
