//! The faults that hold, layer by layer.
//!
//! Each tape is a layer, and so are Rust's controls. A step changes only its own layer's state.
//! Within a layer, a state set for one connection takes precedence over one set for all, and a step
//! for all connections replaces both. Between layers, `down` and `partition` are united, latencies
//! and damages add up, and the smallest bandwidth, slice and room win. Of answers (`refuse`,
//! `hang`, `garbage`, `accept`, `pongs`, `http`), that of the last layer that has one counts.

mod layer;
mod layers;
mod slot;
mod standing;

pub(crate) use layer::Expired;
pub(crate) use layers::{Greeting, Layers, PortState};
pub(crate) use standing::Standing;
