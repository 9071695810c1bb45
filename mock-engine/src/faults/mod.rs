//! The faults that hold, layer by layer.
//!
//! Each tape is a layer, and so are Rust's controls. A step changes only its own layer's state.
//! Within a layer a state set for one connection counts before one set for all, and a step for all
//! connections replaces both. Between layers `down` and `partition` unite, latencies and damages
//! add up, the smallest bandwidth, slice and room win, and of answers (`refuse`, `hang`, `garbage`,
//! `accept`, `pongs`, `http`) the last layer's that has one counts.

mod layer;
mod layers;
mod slot;
mod standing;

pub(crate) use layer::Expired;
pub(crate) use layers::{Greeting, Layers, PortState};
pub(crate) use standing::Standing;
