//! Errors of polling an engine.

use std::time::Duration;

/// The shortest allowed time between two rounds of polling.
pub const MIN_EVERY: Duration = Duration::from_millis(10);

/// Why an engine can't be polled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PollError {
    /// The base URL is not valid. The text never repeats the URL.
    #[error("invalid base URL: {0}")]
    Url(String),
    /// The token can't be a header value.
    #[error("invalid token: it has a character that is not allowed in a header")]
    Token,
    /// The rounds would be too close together.
    #[error("{}: expected {} or longer between polls", humantime::format_duration(*.0), humantime::format_duration(MIN_EVERY))]
    Every(Duration),
    /// The engine can't be polled: its certificate does not verify, or it does not speak HTTP.
    #[error("{url} can't be polled: {why}")]
    Peer {
        /// The base URL, with secrets removed.
        url: String,
        /// What is wrong.
        why: String,
    },
}
