//! A world of its own for each case: engine, network and subscriber in virtual time.
//!
//! | module | what is in it |
//! | --- | --- |
//! | `play` | one case, played and judged, whatever it does |
//! | `live` | a world while it lives: calls made, looks taken |
//! | `crowd` | many subscribers of one engine, dropped together |
//! | `network`, `observer` | the subscriber's dials and streams, and who watches them |
//! | `trace` | all that happened, in order, and its hash |
//! | `logs` | what is logged, searched for secrets |
//! | `memory` | how much a case takes of it, where the binary counts that |
//! | `engine`, `fired` | the engine of a case, and which of its faults fired |
//! | `probe` | what a subscriber offers to look at |
//! | `played` | what playing a case came to |

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
