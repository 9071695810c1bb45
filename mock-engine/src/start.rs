//! When a tape begins.

/// When the tape's time 0 is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StartAt {
    /// At the call of [`Engine::start`](crate::Engine::start).
    #[default]
    Call,
    /// At the first accepted connection, or at once where `down` holds at 0. States that stand
    /// at the tape's very beginning hold before that. At [`Speed::Max`](crate::Speed::Max), where everything would
    /// be lost before the handshake is over, it is the first 101.
    FirstConnection,
    /// Once so many connections have their 101; where answers are held, once so many were
    /// accepted. States that stand at the tape's very beginning hold before that.
    Connections(u64),
    /// As soon as the engine exists.
    Now,
}
