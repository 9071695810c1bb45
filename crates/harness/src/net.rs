//! The time and network that a harness gives a subscriber.
//!
//! Nothing here knows an engine: a subscriber that takes its time from a [`Clock`] and its streams
//! from a [`Dialer`] runs anywhere.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use chrono::{DateTime, Utc};

/// What [`Clock::sleep_until`] returns.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where a subscriber takes its time from.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// Time since a fixed origin; never decreases.
    fn now(&self) -> Duration;

    /// The wall time that goes with it. Only shown and stored, never waited on.
    fn wall(&self) -> DateTime<Utc>;

    /// Completes once [`now`](Self::now) is at or past `deadline`.
    fn sleep_until(&self, deadline: Duration) -> Sleep;
}

pub use wstape_dial::Transport;

/// What [`Dialer::dial`] returns.
pub type Dialing<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Transport>>> + Send + 'a>>;

/// Opens streams of bytes to the engine.
pub trait Dialer: Send + Sync + fmt::Debug + 'static {
    /// Connects to `port` of `host` once. Retrying is the subscriber's business.
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> Dialing<'a>;
}
