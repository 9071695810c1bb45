//! Tests programs that live on a WebSocket push stream: tapes, a mock engine that plays them, a
//! harness that plays them at a subscriber, and chaos.
//!
//! To put your own subscriber under test, add a test target with `harness = false`:
//!
//! ```no_run
//! // tests/stream.rs
//! use std::process::ExitCode;
//!
//! async fn follow(url: String) {
//!     // connect through wstape_dial, read, reconnect, for ever
//! #   let _ = url;
//! }
//!
//! fn main() -> ExitCode {
//!     wstape::main(&wstape::subject(|stage| follow(stage.url)))
//! }
//! ```
//!
//! Then `cargo test` plays every tape in `fixtures/` at it, one test each, and `cargo test --test
//! stream -- chaos` plays drawn bad sessions.
//!
//! | module | what is in it |
//! | --- | --- |
//! | `entry` | [`main`]: puts any subscriber under all these tests |
//! | `cmd` | the verbs, one file each |
//! | `command_line` | the program's own arguments (feature `cli`) |
//! | [`subject`](mod@subject) | the workspace's own subscriber, under test (feature `cli`) |
//!
//! | feature | what it brings |
//! | --- | --- |
//! | `engine` | the mock engine and the tape format, for use from Rust |
//! | `harness` | scenarios, outcomes and snapshots |
//! | `chaos` | [`main`], drawn cases and their judge |
//! | `cli` (default) | the program with every verb: recorder, TLS, the workspace's own subscriber |

#[cfg(feature = "chaos")]
mod cmd;
#[cfg(feature = "cli")]
mod command_line;
#[cfg(feature = "chaos")]
mod entry;
#[cfg(feature = "cli")]
mod progress;
#[cfg(feature = "cli")]
pub mod subject;

#[cfg(feature = "cli")]
pub use command_line::command_line;
#[cfg(feature = "chaos")]
pub use entry::main;
#[cfg(feature = "cli")]
pub use subject::{ClientClock, ClientDialer, OurSubscriber};
#[cfg(feature = "harness")]
pub use wstape_harness::{
    FunctionSubject, Outcome, Running, Scenario, ScenarioError, Stage, Subject, Terms, Time,
    subject,
};
#[cfg(feature = "engine")]
pub use wstape_mock_engine::{Engine, EngineBuilder};
#[cfg(feature = "harness")]
pub use wstape_oracle::{
    Backoff, Fact, Fold, Message, OwnName, OwnRule, Reset, Rule, RuleSet, Told, What,
};
#[cfg(feature = "harness")]
pub use wstape_oracle::{Bounds, Settings};
#[cfg(feature = "engine")]
pub use wstape_tape::{Micros, Tape, TapeError};

/// Counts a binary's allocations, so that chaos can bound a subscriber's memory:
///
/// ```no_run
/// use std::alloc::System;
/// use std::process::ExitCode;
///
/// #[global_allocator]
/// static ALLOCATOR: wstape::Allocator = wstape::Allocator::new(System, usize::MAX);
///
/// # async fn follow(_url: String) {}
/// fn main() -> ExitCode {
///     let subscriber = wstape::subject(|stage| follow(stage.url));
///     wstape::main(&subscriber.memory(|| ALLOCATOR.allocated()))
/// }
/// ```
#[cfg(feature = "chaos")]
pub type Allocator = cap::Cap<std::alloc::System>;

/// The pages' Rust, compiled with the doc tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
#[doc = include_str!("../../../docs/your-client.md")]
#[doc = include_str!("../../../docs/adding-a-rule.md")]
pub struct Pages;
