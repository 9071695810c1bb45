//! What is learnt from a session serves another client.

mod libraries;
mod requests;
mod session;
mod streams;
