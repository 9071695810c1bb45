//! Features beyond the format's first version, which a tape names in its header's `needs`.

/// Features beyond the format's first version that this crate reads. A tape names those it uses in
/// `needs`.
pub const SUPPORTED_FEATURES: &[&str] = &[CONNECTIONS, DIALOGUE];

/// The feature of tapes that address connections one by one: `answers`, and the kinds `open`,
/// `frame`, `bytes`, `fin` and `reset` of `received`.
pub const CONNECTIONS: &str = "connections";

/// The feature of tapes that react to what clients say and to the paths they ask for: the triggers
/// `on_message`, `on_silence_ms` and `scene`, `path`, ranges of connections, `json`, scenes and
/// their faults, and references such as `${/id}` in what is sent.
pub const DIALOGUE: &str = "dialogue";
