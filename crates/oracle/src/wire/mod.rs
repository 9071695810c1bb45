//! The judge's own reading of the wire: HTTP heads, frames, messages.
//!
//! A subscriber is judged by what the bytes say, so nothing here is the code that it, or the engine, reads
//! them with. Everything is incremental: bytes go in as they were delivered, in chunks of any size, and
//! what they amount to comes out with the offset in the stream at which it ended.
//!
//! | module | what is in it |
//! | --- | --- |
//! | `head` | what may stand in the head of an answer |
//! | `opening` | the opening handshake: request, answer, what becomes of it |
//! | `frame` | single frames, unmasked |
//! | `message` | frames put together and held against RFC 6455: messages, control frames, violations |

mod frame;
mod head;
mod message;
mod opening;

pub use frame::{Frame, Frames, Opcode, Sender};
pub use message::{Item, Messages, Seen, Violation, is_legal_close_code};
pub use opening::{Answer, Opening, Request, retry_after};
