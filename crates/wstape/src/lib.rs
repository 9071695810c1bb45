//! Tests programs that live on a WebSocket push stream: tapes, a mock engine that plays them, a
//! harness that plays them at a subscriber, and chaos.

pub mod subject;

pub use subject::{ClientClock, ClientDialer, OurSubscriber};

/// The pages' Rust, compiled with the doc tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
#[doc = include_str!("../../../docs/your-client.md")]
pub struct Pages;
