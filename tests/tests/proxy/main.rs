//! The proxy in memory and virtual time: what passes through it, and what its tape plays.

mod keepalive;
mod losses;
mod mirror;
#[path = "../live/page.rs"]
mod page;
mod panics;
mod replay;
mod sessions;
mod world;
