//! What a tap can't be told to do.

/// Why a tap can't be made as requested.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TapError {
    /// A header that can't be sent.
    #[error("header {name}: {why}")]
    Header {
        /// Its name.
        name: String,
        /// What is wrong with it, without its value.
        why: &'static str,
    },
}
