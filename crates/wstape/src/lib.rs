//! Tests programs that live on a WebSocket push stream: tapes, a mock engine that plays them, a
//! harness that plays them at a subscriber, and chaos.

pub mod subject;

pub use subject::{ClientClock, ClientDialer, OurSubscriber};
