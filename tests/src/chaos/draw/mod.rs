//! From a seed to a case.

mod kind;

pub use kind::{Family, FaultKind};
