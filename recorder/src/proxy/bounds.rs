//! Limits shared by several parts of the proxy.

/// Longest head of a request or an answer that is read.
pub(super) const MAX_HEAD_BYTES: usize = wstape_wire::http1::MAX_HTTP_HEAD_BYTES;
/// Longest message that is kept as one. A longer frame is kept as bytes. Even with every byte
/// escaped it fits in a tape's line.
pub(super) const MAX_MESSAGE_BYTES: usize = 8 << 20;
