//! When a tape begins.

/// When the tape's time 0 is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StartAt {
    /// When [`Engine::start`](crate::Engine::start) is called.
    #[default]
    Call,
    /// At the first accepted connection, or at once if `down` holds at 0. States at the tape's very
    /// beginning hold before that. At [`Speed::Max`](crate::Speed::Max), where everything would be
    /// lost before the handshake is over, it is the first 101.
    FirstConnection,
    /// Once this many connections have their 101; if answers are held, once this many were
    /// accepted. States at the tape's very beginning hold before that.
    Connections(u64),
    /// As soon as the engine exists.
    Now,
}
