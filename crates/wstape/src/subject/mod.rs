//! The workspace's own subscriber, put under test.

mod chaos;
mod scenario;

pub use scenario::OurSubscriber;
