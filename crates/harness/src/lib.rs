//! Plays tapes at a subscriber and compares the outcomes with snapshots.
//!
//! ```text
//! suite ─► scenario ─► engine + subject, one clock ─► outcome ─► snapshot
//! (what      (tape,       (virtual or real time)       (timeline,   (fixtures/
//!  to run)    overlays)                                 mirror)      snapshots)
//! ```
//!
//! | module | what is in it |
//! | --- | --- |
//! | `scenario` | a tape, overlays and settings, run in virtual or real time |
//! | `source` | one of its tapes: a file, or in memory |
//! | `error` | why a scenario can't be run |
//! | `subject` | the trait of a subscriber under test |
//! | `function` | a subject that is a function |
//! | `display` | where a function leaves its mirror and record to be shown |
//! | `narrowed` | a subject that is judged by some of its rules |
//! | `notebook` | what a subscriber reports about itself |
//! | `shutdown` | how a function under test is told to end |
//! | `net` | a subscriber's time and network: clock, dialer, transport |
//! | `clock`, `dialer` | the engine's own, in the form a subscriber takes |
//! | `counter` | the subscriber's events, counted |
//! | `demand` | a tape's `expect` steps |
//! | `panics` | where a subscriber panicked |
//! | `outcome`, `timeline` | what a run produces, as one exact text |
//! | `compare` | an outcome against a snapshot: exact, or with a tolerance for real time |
//! | `snapshot` | snapshot files, as insta writes them |
//! | `suite` | the scenarios of a fixtures folder |
//!
//! A whole test:
//!
//! ```
//! use wstape_tape::Tape;
//! use wstape::OurSubscriber;
//! use wstape_harness::Scenario;
//!
//! let tape = Tape::parse("down at first", concat!(
//!     r#"{"tape":1}"#, "\n",
//!     r#"{"at_ms":0,"down":true}"#, "\n",
//!     r#"{"at_ms":1000,"down":false}"#, "\n",
//!     r#"{"at_ms":2000,"end":true}"#, "\n",
//! ))?;
//! let outcome = Scenario::new(tape).run(&OurSubscriber)?;
//! let gaps: Vec<_> = outcome.reconnects.iter().filter_map(|r| r.gap()).collect();
//! assert_eq!(gaps, [wstape_tape::Micros::from_ms(500), wstape_tape::Micros::from_ms(1000)]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod clock;
mod compare;
mod counter;
mod demand;
mod dialer;
mod display;
mod error;
mod function;
mod narrowed;
mod net;
mod notebook;
mod outcome;
mod panics;
mod scenario;
mod shutdown;
mod snapshot;
mod source;
mod subject;
mod suite;
mod timeline;

pub use compare::{REAL_TOLERANCE, departures, diff};
pub use dialer::{MAX_DIALS_AT_ONCE, MemoryDialer, PLAIN_HOST, PLAIN_URL, TcpDialer, lead};
pub use display::Display;
pub use error::ScenarioError;
pub use function::{FunctionSubject, panic_message, subject};
pub use narrowed::Narrowed;
pub use net::{Clock, Dialer, Dialing, Sleep, Transport};
pub use notebook::{Notebook, Reconnect};
pub use outcome::Outcome;
pub use panics::note_panics;
pub use scenario::{MAX_VIRTUAL, Scenario};
pub use shutdown::Shutdown;
pub use snapshot::Snapshot;
pub use subject::{
    Arrival, Handle, Hearing, Offer, Offers, Receiver, Running, Stage, Stopping, Subject, Terms,
    Time,
};
pub use suite::{Suite, SuiteError, Trial};
pub use timeline::{Line, Timeline};
pub use wstape_oracle::Settings;
