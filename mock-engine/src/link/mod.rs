//! A link: the bytes in flight between the engine and one client, with their delivery times.
//!
//! Latency, bandwidth, partition, slicing and cuts are one mechanism: a queue per direction
//! whose chunks know when they are due.

mod budget;
mod client_end;
mod conditions;
mod engine_end;
mod lane;
#[cfg(test)]
mod lane_tests;
mod lanes;
mod pair;
mod pieces;

pub(crate) use budget::Budget;
pub use budget::MAX_TO_CLIENTS_BYTES;
pub use client_end::ClientEnd;
pub(crate) use client_end::{ClientReader, ClientWriter};
pub use conditions::Conditions;
pub(crate) use conditions::{Damage, Delay};
pub use engine_end::{EngineEnd, LinkHandle};
pub use lane::{
    FROM_CLIENT_CAPACITY_BYTES, MAX_FROM_CLIENT_CHUNKS, MAX_TO_CLIENT_CHUNKS,
    TO_CLIENT_CAPACITY_BYTES,
};
pub use lanes::HeldBytes;
pub use pair::pair;
pub(crate) use pair::pair_with;
pub(crate) use pieces::Variation;
