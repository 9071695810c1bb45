//! A real engine behind the port instead of a tape: its traffic passes, with faults laid over it.
//!
//! ```text
//! client ◄─► pump ◄─► link ◄─► session ◄─► real engine
//!                      ▲          │
//!            faults ───┘          ├─ exchange: requests and answers, until one upgrades
//!            injected frames      └─ frames: whole ones, so that others fit between
//! ```
//!
//! Bytes pass as they came, except for a `Host` that is rewritten. A frame of the real engine is
//! passed on once it is whole, so that nothing a tape sends lands in the middle of one; a frame too
//! long for that is passed on in parts. What the client says is parsed on the side.
//!
//! - `config`: what the engine is told of the real one; `stream`: what a dial gives, and who dials;
//!   `observer`: who is told what passed.
//! - `run`: connections accepted; `session`: one of them, from its first request to its end.
//! - `exchange`: requests and answers; `respond`: answers of the tapes' own; `frames`: what follows
//!   an upgrade; `splitter`: the real engine's frames.

mod config;
mod exchange;
mod frames;
mod observer;
mod respond;
mod run;
mod session;
mod splitter;
mod stream;
#[cfg(test)]
mod toxic_tests;

pub use self::config::Upstream;
pub use self::observer::{ConnectionObserver, Observer};
pub(crate) use self::run::run;
pub use self::stream::{UpstreamDialer, UpstreamDialing, UpstreamStream};
