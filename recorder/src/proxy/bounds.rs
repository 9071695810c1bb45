//! What several parts of the proxy take at most.

/// Longest head of a request or an answer that is read.
pub(super) const MAX_HEAD_BYTES: usize = wstape_wire::http1::MAX_HTTP_HEAD_BYTES;
/// Longest message that is kept as one. A longer frame is kept as bytes. With every byte escaped
/// it still makes a line of a tape.
pub(super) const MAX_MESSAGE_BYTES: usize = 8 << 20;
