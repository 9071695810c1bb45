//! Errors of setting up a tap.

/// Why a tap can't be made as requested.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TapError {
    /// A header that can't be sent.
    #[error("header {name}: {why}")]
    Header {
        /// The header's name.
        name: String,
        /// What is wrong with it; never quotes its value.
        why: &'static str,
    },
}
