//! The judge judged: its reading of the wire by tables, its model by the subscriber's decoder.

mod messages;
mod model;
mod mutants;
mod opening;
