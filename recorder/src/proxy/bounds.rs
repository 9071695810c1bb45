//! Limits shared by several parts of the proxy.

/// The longest head of a request or answer that is read, in bytes.
pub(super) const MAX_HEAD_BYTES: usize = wstape_wire::http1::MAX_HTTP_HEAD_BYTES;
/// The longest message that is recorded as one step, in bytes; a longer frame is recorded as raw
/// bytes. Even with every byte escaped it fits in a line of a tape.
pub(super) const MAX_MESSAGE_BYTES: usize = 8 << 20;
