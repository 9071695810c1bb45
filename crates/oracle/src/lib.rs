//! Judges a subscriber of a WebSocket push stream by what happened, and by nothing else.
//!
//! ```text
//! facts ────────────► judge ─► rules ─► findings
//! (dials, bytes,        │      (R1 to R16)  (violations, what was seen)
//!  ends, calls)         └─► wire, model: the second opinion's own readers
//! ```
//!
//! It knows tapes but no subscriber: it has its own readers for bytes and payloads and its own
//! names for the ends of connections. What a subscriber shows ([`Mirror`], [`Record`]) is optional;
//! rules that need it are judged only if it is there.
//!
//! | module | what is in it |
//! | --- | --- |
//! | [`wire`] | what the bytes say, by RFC 6455 alone |
//! | [`model`] | what a mirror must show, by SPEC alone |
//! | `rule`, `edge` | the rules and the edges of the connection's state machine, by name |
//! | `settings` | the settings of a subscriber that is judged by the contract |
//! | `backoff` | how any other subscriber says it backs off |
//! | `fact`, `own_rule` | what happened, for a subject's own rule |
//! | `fold`, `told` | a subject's own model, and the record it shows |
//! | `end_reason`, `connection`, `field`, `heard` | what a subscriber reports about itself |
//! | `view` | what the judge can see of it |
//! | `rules` | the rules at work: a [`Judge`] takes in events in order |
//!
//! ```
//! use wstape_oracle::{Judge, Rule, Settings};
//! use wstape_tape::Micros;
//!
//! let settings = Settings::default();
//! let mut judge = Judge::exact(&settings, chrono::DateTime::UNIX_EPOCH, None);
//! judge.dial(Micros::ZERO, 1);
//! judge.dial_refused(Micros::ZERO, 1);
//! judge.dial(Micros::from_ms(400), 2);
//! let violations = judge.finish(Micros::from_ms(400)).violations;
//! assert_eq!(violations[0].rule, Rule::R3);
//! assert_eq!(violations[0].what, "expected a gap of 0.500000 s, found 0.400000 s");
//! ```

mod backoff;
mod connection;
mod edge;
mod end_reason;
mod fact;
mod field;
mod fold;
mod heard;
pub mod model;
mod own_rule;
mod rule;
mod rules;
mod settings;
mod told;
mod view;
pub mod wire;

pub use backoff::{Backoff, Reset};
pub use connection::ConnectionRecord;
pub use edge::Edge;
pub use end_reason::EndReason;
pub use fact::{Fact, Message, What};
pub use field::Field;
pub use fold::Fold;
pub use heard::Heard;
pub use own_rule::OwnRule;
pub use rule::{MAX_OWN_NAMES, Meaning, Need, OwnName, Rule, RuleSet, UnknownRule, Violation};
pub use rules::{Bounds, Findings, Found, Judge, MAX_VIOLATIONS, spread};
pub use settings::{JitterMode, SETTINGS_KEY, Settings};
pub use told::Told;
pub use view::{Mirror, Record, View};
