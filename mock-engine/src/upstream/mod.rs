//! A real engine behind the port instead of a tape: its traffic passes, and faults lie over it.
//!
//! ```text
//! client ◄─► pump ◄─► link ◄─► session ◄─► real engine
//!                      ▲          │
//!            faults ───┘          ├─ exchange: requests and answers, until one upgrades
//!            injected frames      └─ frames: whole ones, so that others fit between
//! ```
//!
//! Bytes pass as they came, but for the `Host` where that is to be rewritten. A frame of the real
//! engine's goes on once it is whole, so that what a tape sends never comes in the middle of one;
//! one that is too long for that goes on in parts. What the client says is read beside its way.
//!
//! - `config`: what it is told of the real engine; `stream`: what a dial gives, and who dials; `observer`: who is told what passed.
//! - `run`: connections taken; `session`: one of them, from its first request to its end.
//! - `exchange`: requests and answers; `respond`: answers of the tapes' own; `frames`: what follows
//!   an upgrade; `splitter`: the real engine's frames.
//! - `toxics`: what Toxiproxy's clients lay over it; `poisoned`: a stream that they stop, count or end.
//! - `fits`: what can't be laid over a real engine.

mod config;
mod exchange;
mod fits;
mod frames;
mod observer;
mod poisoned;
mod respond;
mod run;
mod session;
mod splitter;
mod stream;
#[cfg(test)]
mod toxic_tests;
mod toxics;

pub use self::config::Upstream;
pub(crate) use self::fits::misfit;
pub use self::observer::{ConnectionObserver, Observer};
pub(crate) use self::run::run;
pub use self::stream::{UpstreamDialer, UpstreamDialing, UpstreamStream};
pub(crate) use self::toxics::{Poison, Poisons, Stream, Toxic, add_conditions, poisons};
