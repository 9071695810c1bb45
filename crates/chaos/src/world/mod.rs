//! A separate world for each case: engine, network and subscriber in virtual time.
//!
//! | module | what is in it |
//! | --- | --- |
//! | `play` | one case, played and judged, whatever it does |
//! | `live` | a live world: calls made, looks taken |
//! | `crowd` | many subscribers of one engine, dropped together |
//! | `network`, `observer` | the subscriber's dials and streams, and the observer that watches them
//! |
//! | `trace` | everything that happened, in order, and its hash |
//! | `logs` | what is logged, searched for secrets |
//! | `memory` | how much memory a case takes, if the binary counts it |
//! | `engine`, `fired` | the engine of a case, and which of its faults fired |
//! | `probe` | what a subscriber lets the judge see |
//! | `played` | the result of playing a case |

mod crowd;
mod engine;
mod fired;
mod live;
mod logs;
mod memory;
mod network;
mod observer;
mod play;
mod played;
mod probe;
mod trace;

pub use observer::Moment;
pub use play::{play, play_real};
pub use played::Played;
pub use probe::offers;
pub use trace::{Happening, Payload, Trace, TraceEntry};
