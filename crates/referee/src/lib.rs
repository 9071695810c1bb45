//! The referee: a verdict on any client that reconnects, in any language.
//!
//! A client is a command. Each case starts it against its own engine, lays its faults over a
//! healthy engine's behaviour, and judges what is on the wire and what the process does: never what
//! the client says about itself.
//!
//! ```text
//! healthy tape ┐
//! case's tape  ┴─► engine ◄──socket── client ◄── keeper (its processes, ended in any case)
//!                     │                  │
//!                  journal ─► facts ─► questions ─► findings ─► report
//!                             vitals ──┘
//! ```
//!
//! | module | what is in it |
//! | --- | --- |
//! | `case` | the cases, each a file in `cases/`; the healthy tapes, in `healthy/` |
//! | `process` | a client as processes: command, keeper, its output and resources |
//! | `facts` | what the engine's journal says, attempt by attempt |
//! | `question` | what a case can ask, and when the answer is certain |
//! | `run` | playing the cases side by side |
//! | `report` | terminal, JSON, HTML, JUnit, CTRF, comparison, expected verdicts |
//! | `verdict` | verdicts, findings, figures |
//!
//! ```no_run
//! use wstape_referee::{cases, judge, ClientCommand, Healthy, KeeperCommand, Options, Stop};
//!
//! let options = Options {
//!     client: ClientCommand::new(["python3", "client.py", "{url}"]).expect("a command"),
//!     keeper: KeeperCommand {
//!         program: "wstape".into(),
//!         args: vec!["keep-client".into()],
//!     },
//!     healthy: Healthy::default(),
//!     jobs: None,
//!     seed: 1,
//!     once: false,
//!     ready_wait: Options::READY_WAIT,
//!     stop: Stop::never(),
//! };
//! let report = judge(&options, &cases()?, &|_| {})?;
//! print!("{}", report.lines());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod case;
mod facts;
mod lanes;
mod process;
mod question;
mod report;
mod run;
mod verdict;

pub use case::{BadCase, Case, CaseId, Healthy, HealthyError, cases, cases_in};
pub use lanes::{Lane, Lanes};
pub use process::{ClientCommand, Exit, KeeperCommand, Language, StartError, Uncaught, keep};
pub use report::{Changes, Expected, RESULTS_VERSION, Report, Row, RunReport, TokenUse, compare};
pub use run::{Options, Progress, RefereeError, Stop, Stopper, judge};
pub use verdict::{Amount, Figure, Finding, Verdict};
