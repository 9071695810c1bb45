//! What is learnt of a session serves another client.

mod libraries;
mod requests;
mod session;
mod streams;
