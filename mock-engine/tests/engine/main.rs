//! The mock engine from the outside: a plain client in memory and over TCP, and the binary.

mod cases;
mod connection;
mod connection_map;
mod control;
mod controls;
mod deflate;
mod delivery;
mod dialogue;
mod faults;
mod field;
mod held;
mod hosts;
mod http;
mod journal;
mod playback;
mod states;
#[cfg(feature = "tls")]
mod tls;
mod together;
mod toxiproxy;
mod upstream;
mod vocabulary;
mod world;
