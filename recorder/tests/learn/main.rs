//! What is learnt from a session serves another client.

mod fragments;
mod libraries;
mod requests;
mod session;
mod streams;
