//! What never reaches a tape.
//!
//! | always | how |
//! | --- | --- |
//! | `Authorization`, `Proxy-Authorization`, `Cookie`, `Set-Cookie`, `X-Api-Key`, and each header whose name says token, secret, password, session, signature or the like | the value by a placeholder; the scheme before it stays |
//! | a token among the subprotocols | by a placeholder |
//! | in URLs, paths and the texts that name them: user info, values of a query whose names say so or that are like a token, segments of a path of 32 characters and more that are | by a placeholder |
//! | what a client sends to log in, as `login` tells it: by name, by layout, by shape | strings by a placeholder, numbers by 0, bools by `false` |
//! | a well-known secret in what a client sends, in a header, a path, a title, a note, a mark, a Close's reason | by a placeholder |
//!
//! | by rule | how |
//! | --- | --- |
//! | a string | by `redacted-` and 16 hexadecimal digits |
//! | a number | by a number, whole where it is whole |
//! | a bool | by `false` |
//! | `null` | stays |
//! | an object or a list | stays one of as many, each value in it by its own placeholder, and each name that is data rather than a name (longer than 32 characters, or not of letters, digits and underscores) |
//!
//! Within a tape equal values have equal placeholders and different values different ones (bools
//! apart). All other bytes of a message stay as they are. Rules hold in events, texts, binary
//! messages, HTTP bodies and what clients sent, in JSON that breaks off and in JSON within a
//! string of JSON. Fragments keep their number and times, and the message goes into the last;
//! compressed messages, which can't be looked into, become empty ones, and so do bytes from a
//! client that are no frame.
//!
//! Then the text is scanned: for all that was redacted, as it stands, JSON-escaped,
//! percent-encoded or in base64, and for well-known secrets. Not looked for are values shorter
//! than 8 bytes and numbers of fewer than 7 digits, which chance would find, and what was redacted
//! after the first 16,384 values; of longer values the first 256 bytes are.
//!
//! Modules: `redactor`, `rules`, `placeholder`, `action` (what is redacted in which), `walker` and
//! `json` (edit JSON in place), `url` and `http`, `fragment`; `client`, `login`, `names`, `lookahead`,
//! `open_value` (what is called like a secret and is none),
//! `public` (what looks like one and all may see), `places` (what comes to stand where a secret
//! stood), `texts`, `console`, `form`, `fix`, `assigned`, `xml`, `guacamole`, `sdp`, `mnemonic`, `pieces`,
//! `mqtt`, `postgres`, `sasl`, `scram`, `protobuf` and `packed` (what clients log in with); `known` (what was redacted), `registry` (that, and its
//! placeholders), `shapes`, `anchor`, `base64_runs` and `credential` (well-known secrets),
//! `escape`, `scan`, `rescue` (which rule covers what a scan found).

mod action;
mod anchor;
mod assigned;
mod base58;
mod base64_runs;
mod client;
mod console;
mod credential;
mod escape;
mod fix;
mod form;
mod fragment;
#[cfg(test)]
mod generator;
mod guacamole;
mod http;
mod json;
mod known;
mod login;
mod lookahead;
mod mnemonic;
mod mqtt;
mod names;
mod open_value;
mod packed;
mod pieces;
mod placeholder;
mod places;
mod postgres;
mod protobuf;
mod public;
mod redactor;
mod registry;
mod rescue;
mod rules;
mod sasl;
mod scan;
mod scram;
mod sdp;
mod shapes;
mod texts;
mod url;
mod walker;
mod xml;

pub use redactor::Redactor;
pub use rescue::Hit;
pub(crate) use rescue::UNSAFE_SUFFIX;
pub use rules::{RuleError, Rules};
