//! The judge judged: its reading of the wire against tables, its model against the subscriber's decoder.

mod messages;
mod model;
mod mutants;
mod opening;
