//! The workspace's own subscriber, put under test, and what it takes to put it there.

mod adapter;
mod ours;
mod receiver;
mod shown;

pub use adapter::{ClientClock, ClientDialer};
pub use ours::OurSubscriber;
