//! HTTP/1.1 as bytes: heads read, bodies followed (RFC 9112). For whoever stands between a client
//! and a server and passes on what they say.

mod body;
mod head;
mod host;

pub use body::{BadChunk, BodyCursor};
pub use head::{Answer, Framing, Headers, MAX_HTTP_HEAD_BYTES, Parsed, Request, answer, request};
pub use host::{is_field, with_host};
