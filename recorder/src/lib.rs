//! Turns live sessions into tapes.
//!
//! | module | what is in it |
//! | --- | --- |
//! | `tap` | a subscriber that turns its every observation into a step |
//! | `transcript` | turns observations into steps: what arrives, how it ends, how dials fare |
//! | `keepalive` | which Pings were answered, for `tap`, `proxy` and captures |
//! | `poll` | polls an engine that offers only HTTP |
//! | `import` | turns other tools' files (HAR, mitmproxy, `MockForge`, feed recorders) into steps |
//! | `learn` | turns a session into a dialogue that answers another client |
//! | `proxy` | a relay between subscribers and an engine, which turns its traffic into steps |
//! | `recording` | a tape in the making: where it goes, when it is safe, what waits for the disk |
//! | `redact` | what never reaches a tape |
//! | `show`, `trim`, `diff` | examines, cuts and compares tapes |
//! | `exact` | JSON that `diff` compares to the last digit |
//! | `error` | what can go wrong |
//!
//! It builds on Linux and on other Unix. Only on Linux does the writing thread give way to the
//! traffic: elsewhere that call can't set one thread's priority.
//!
//! A tap reconnects by the subscriber's own rules with jitter off, so that a subscriber playing its
//! tape dials when the tap did:
//!
//! ```no_run
//! # async fn tap(key: [u8; 32]) -> Result<(), wstape_recorder::RecordError> {
//! use wstape_recorder::{Output, Redactor, Rules, Tap};
//!
//! let tap = Tap::new("ws://127.0.0.1:8765/ws", None, Redactor::new(Rules::default(), key))?;
//! let output = Output::create("session.jsonl".as_ref(), false)?;
//! let summary = tap.run(output, tokio::time::sleep(std::time::Duration::from_secs(60))).await?;
//! eprintln!("{summary}");
//! # Ok(()) }
//! ```

mod diff;
mod error;
mod exact;
mod import;
mod keepalive;
mod learn;
mod names;
mod poll;
mod proxy;
mod recording;
mod redact;
mod show;
mod tap;
mod transcript;
mod trim;

pub use diff::{Departure, Diff, Member, Tally};
pub use error::{ImportError, MIN_EVERY, PollError, RecordError, TapError};
pub use import::{Import, ImportFormat, Imported, LineForm, LineTime, Lines};
pub use learn::{Learnt, learn};
pub use names::{NoPointer, Pointer};
pub use poll::{ANSWER_TIMEOUT, Poll, Polled};
pub use proxy::{
    Leg, Listen, NetReach, Proxy, ProxyRecording, Reach, RecordedConnection, RecordedConnections,
};
pub use recording::{
    Counts, FSYNC_INTERVAL, Finished, Fsync, LossCause, Output, Recording, Sink, Stats,
    UNSAFE_SUFFIX,
};
pub use redact::{Hit, Redactor, RuleError, Rules};
pub use show::{Count, Survey, Timeline};
pub use tap::{Summary, Tap};
pub use trim::{Place, Trim, TrimError};
