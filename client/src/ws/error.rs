//! Errors that reach the caller.

/// What goes wrong at construction and at shutdown. Nothing else ever reaches the caller:
/// whatever happens to a connection is retried, and shows in
/// [`ConnectionHealth`](crate::ConnectionHealth).
#[derive(Debug, thiserror::Error)]
pub enum WsError {
    /// The URL is not a `ws` or `wss` URL. The text holds neither user info nor query.
    #[error("invalid websocket url: {0}")]
    InvalidUrl(String),
    /// The token can't be a header value. The text says why, without the token.
    #[error("invalid token: {0}")]
    InvalidToken(String),
    /// The subscriber's task panicked or was cancelled from outside.
    #[error("subscriber shutdown failed: {0}")]
    Shutdown(String),
}
