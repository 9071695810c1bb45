//! Redacts what must never reach a tape.
//!
//! | always | how |
//! | --- | --- |
//! | `Authorization`, `Proxy-Authorization`, `Cookie`, `Set-Cookie`, `X-Api-Key`, and each header with a word such as token, secret, password, session or signature in its name | the value by a placeholder; the scheme before it stays |
//! | a token among the subprotocols | by a placeholder |
//! | in URLs, paths and the texts that contain them: user info, values in a query with a secret's name or the look of a token, segments of a path that are at least 32 characters long and look like a token | by a placeholder |
//! | what a client sends to log in, recognized by `login`: by names, by layout, by look | strings by a placeholder, numbers by 0, bools by `false` |
//! | a well-known secret in what a client sends, in a header, a path, a title, a note, a mark, a Close's reason | by a placeholder |
//!
//! | by rule | how |
//! | --- | --- |
//! | a string | by `redacted-` and 16 hexadecimal digits |
//! | a number | by another number; an integer stays an integer |
//! | a bool | by `false` |
//! | `null` | stays |
//! | an object or a list | keeps its structure; each value in it gets its own placeholder, as does each name that is data rather than a name (longer than 32 characters, or with other characters than letters, digits and underscores) |
//!
//! Within a tape equal values have equal placeholders, and different values different ones (except
//! bools). All other bytes of a message stay as they are. Rules apply to events, texts, binary
//! messages, HTTP bodies and messages of clients, including JSON that is cut off and JSON in a
//! string of JSON. Fragments keep their number and times, and the whole message goes into the last;
//! compressed messages, which can't be searched, become empty, as do bytes from a client that are
//! not a frame.
//!
//! Then the text is scanned for everything that was redacted, whether unchanged, JSON-escaped,
//! percent-encoded or in base64, and for well-known secrets. Not searched for are values shorter
//! than 8 bytes and numbers of fewer than 7 digits, which would be found by chance, and values
//! redacted after the first 16,384; of longer values only the first 256 bytes are searched for.
//!
//! Modules: `redactor`, `rules`, `placeholder`, `action` (what is redacted in which action),
//! `walker` and `json` (edit JSON in place), `url` and `http`, `fragment`; `client`, `login`,
//! `names`, `base58`, `lookahead`, `open_value` (values with the name of a secret that are none),
//! `public` (values that look like a secret but are public), `places` (puts placeholders in place
//! of secrets), `texts`, `console`, `form`, `fix`, `assigned`, `xml`, `guacamole`, `sdp`,
//! `mnemonic`, `pieces`, `mqtt`, `postgres`, `sasl`, `scram`, `protobuf` and `packed` (what clients
//! log in with); `known` (what was redacted), `registry` (the same with placeholders), `shapes`,
//! `anchor`, `base64_runs` and `credential` (well-known secrets), `escape`, `scan`, `rescue` (which
//! rule covers what a scan found).

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

pub(crate) use action::WAIT_FOR;
pub use redactor::Redactor;
pub use rescue::Hit;
pub(crate) use rescue::UNSAFE_SUFFIX;
pub use rules::{RuleError, Rules};
