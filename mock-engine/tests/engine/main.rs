//! The mock engine from the outside: a plain client in memory and over TCP, and the binary.

mod cli;
mod connection;
mod controls;
mod delivery;
mod faults;
mod held;
mod http;
mod journal;
mod player;
mod states;
mod world;
