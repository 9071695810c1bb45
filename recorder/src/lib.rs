//! Turns live sessions into tapes.
//!
//! | module | what is in it |
//! | --- | --- |
//! | `tap` | a subscriber whose every observation becomes a step |
//! | `transcript` | observations to steps: what arrives, how it ends, how dials fare |
//! | `output` | the file being written: never over another, a line at a time |
//! | `import` | files of other tools (HAR, mitmproxy, MockForge) to steps |
//! | `error` | what can go wrong |
//!
//! A tap reconnects by the subscriber's own rules with jitter off, so that a subscriber to which
//! its tape is played dials when the tap dialed:
//!
//! ```no_run
//! # async fn tap() -> Result<(), recorder::RecordError> {
//! use recorder::{Output, Tap};
//!
//! let tap = Tap::new("ws://127.0.0.1:8765/ws", None)?;
//! let output = Output::create("session.jsonl".as_ref(), false)?;
//! let summary = tap.run(output, tokio::time::sleep(std::time::Duration::from_secs(60))).await?;
//! eprintln!("{summary}");
//! # Ok(()) }
//! ```

mod error;
mod import;
mod recording;
mod redact;
mod tap;
mod transcript;

pub use error::RecordError;
pub use import::{Import, ImportError, ImportFormat, Imported};
pub use recording::{Finished, Fsync, Output, Recording};
pub use redact::{Redactor, Rules};
pub use tap::{Summary, Tap};
