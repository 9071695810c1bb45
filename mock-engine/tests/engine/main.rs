//! The mock engine from the outside: a plain client in memory and over TCP, and the binary.

mod cases;
mod connection;
mod connection_map;
mod control;
mod control_access;
mod control_document;
mod control_followers;
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
mod paths;
mod playback;
mod references;
mod scenes;
mod states;
mod steered;
mod talk;
#[cfg(feature = "tls")]
mod tls;
mod together;
mod toxiproxy;
mod upstream;
mod vocabulary;
mod world;
