//! A small subscriber into which flaws can be planted, so that it shows whether chaos finds them.
//!
//! Without a flaw it keeps every rule. With one it is wrong in that one way, at the very place in the code
//! where such a bug lives in real subscribers.
//!
//! ```text
//! flaw ─► subscriber ─► reconnect ─► connection ─► socket
//!         (handle,      (dial, wait,  (reading,     (frames on
//!          view)         again)        liveness)     a stream)
//!                            └──────► mirror (folding, receivers)
//! ```
//!
//! | module | what is in it |
//! | --- | --- |
//! | `flaw` | the flaws, each with the real bug that it is modelled on |
//! | `subscriber` | starting one, its handle, the look at its mirror |
//! | `reconnect` | its task: dial, handshake, wait, again |
//! | `backoff` | how long it waits |
//! | `handshake` | the opening handshake |
//! | `connection` | an established connection |
//! | `socket` | frames on a stream |
//! | `mirror` | folding what came |
//! | `hunt` | looking for the flaws, seed after seed |

mod backoff;
mod connection;
mod flaw;
mod handshake;
mod hunt;
mod mirror;
mod reconnect;
mod socket;
mod subscriber;

pub use flaw::Flaw;
pub use hunt::{
    Bag, CANARIES, CANARY_SEEDS, CONTROL_SEEDS, HUNT_FOR, Hunt, Hunted, MEDIAN_WITHIN, P95_WITHIN,
    Quarry, missed_canary,
};
pub use subscriber::Planted;
