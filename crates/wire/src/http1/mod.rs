//! HTTP/1.1 as bytes: reads heads and follows bodies (RFC 9112). For intermediaries that pass on
//! what client and server say.

mod body;
mod head;
mod host;

pub use body::{BadChunk, BodyCursor};
pub use head::{Answer, Framing, Headers, MAX_HTTP_HEAD_BYTES, Parsed, Request, answer, request};
pub use host::{is_field, with_host};
