//! What is learnt of a session serves another client.

mod requests;
mod session;
mod streams;
