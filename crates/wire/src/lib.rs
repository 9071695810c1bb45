//! What a WebSocket connection looks like on the wire. No I/O, and no knowledge of tapes.
//!
//! | to | use |
//! | --- | --- |
//! | name an opcode | [`opcode`] |
//! | read the head of a frame | [`Head`] |
//! | write a frame, legal or not | [`whole_frame`], [`frame`] |
//! | find JSON in a protocol's own frame | [`framed`] |
//! | mask or unmask a payload | [`apply_mask`] |
//! | know what a whole frame says | [`Message`] |
//! | read heads and follow bodies of HTTP/1.1 | [`http1`] |
//! | know which headers belong to one connection | [`is_own_header`] |
//! | demand a bearer token, or send one | [`admits`], [`authorization`] |
//! | read and write timestamps | [`time`] |
//!
//! ```
//! use wstape_wire::{Head, opcode};
//!
//! let bytes = wstape_wire::whole_frame(opcode::PING, b"hi");
//! assert_eq!(Head::of(&bytes), Head::Whole { bytes: 2, payload: 2 });
//! ```

mod bearer;
mod frame;
pub mod framed;
mod headers;
pub mod http1;
mod message;
pub mod opcode;
pub mod time;

pub use bearer::{InvalidToken, admits, authorization};
pub use frame::{
    Head, MAX_CONTROL_BYTES, MAX_HEAD_BYTES, apply_mask, frame, put_whole_frame, whole_frame,
};
pub use headers::is_own_header;
pub use message::{Message, close_parts};
