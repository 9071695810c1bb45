//! The proxy in memory and virtual time: what passes it, and what its tape plays.

mod losses;
mod mirror;
mod replay;
mod sessions;
mod world;
