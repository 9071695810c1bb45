//! The judge's own reader for the wire: HTTP heads, frames, messages.
//!
//! A subscriber is judged by what the bytes say, so nothing here shares code with the subscriber or
//! the engine. Everything is incremental: bytes go in as delivered, in chunks of any size; what
//! they mean comes out with the stream offset at which it ended.
//!
//! | module | what is in it |
//! | --- | --- |
//! | `head` | which bytes may appear in the head of an answer |
//! | `opening` | the opening handshake: request, answer, result |
//! | `frame` | single frames, unmasked |
//! | `message` | frames joined and checked against RFC 6455: messages, control frames, violations |

mod frame;
mod head;
mod message;
mod opening;

pub use frame::{Frame, Frames, Opcode, Sender};
pub use message::{Item, Messages, Seen, Violation, is_legal_close_code};
pub use opening::{Answer, Opening, Request, retry_after};
