//! Opcodes of frames (RFC 6455, 5.2).

/// A further fragment of a message.
pub const CONTINUATION: u8 = 0;
/// A Text message, or its first fragment.
pub const TEXT: u8 = 1;
/// A Binary message, or its first fragment.
pub const BINARY: u8 = 2;
/// A Close.
pub const CLOSE: u8 = 8;
/// A Ping.
pub const PING: u8 = 9;
/// A Pong.
pub const PONG: u8 = 10;

/// Whether an opcode is a control frame's, known or reserved.
#[must_use]
pub const fn is_control(opcode: u8) -> bool {
    opcode & 0x8 != 0
}
