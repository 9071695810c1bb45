//! The tape format: reading, writing, checking and merging.
//!
//! A tape is a JSON Lines file of timed steps: a header, then one step per line. A recording of an
//! engine is a tape, and so are a script and a set of faults. `FORMAT.md` in this crate's folder is
//! the reference for its keys.
//!
//! | to | use |
//! | --- | --- |
//! | stream a tape, whatever its size | [`TapeReader`], [`TapeWriter`]; [`EventLines`] for a recorder |
//! | hold a small tape, or make one in Rust | [`Tape`] |
//! | lay faults over a recording | [`Merge`] |
//! | know whether a file is sound and what it holds | [`check`], [`Summary`] |
//! | check a whole file before it is played | [`Sound`], [`TapeReader::open_sound`] |
//! | know what a token of a JSON Pointer stands for | [`pointer_key`], [`pointer_token`] |
//! | tell a person what is wrong with it | [`TapeError::report`] |
//!
//! The types follow the lines: a [`Header`], then [`Step`]s of a [`Trigger`] and an [`Action`],
//! at times in [`Micros`]. What was read is written back byte for byte.
//!
//! ```
//! use wstape_tape::{Action, Tape, TapeReader};
//!
//! let text = r#"{"tape":1,"title":"a heartbeat, then silence"}
//! {"at_ms":0,"emit":{"event":"heartbeat","data":{}}}
//! {"at_ms":1250.5,"partition":"both"}
//! {"at_ms":60000,"end":true}
//! "#;
//! for step in TapeReader::new("silence.jsonl", text.as_bytes())? {
//!     let step = step?;
//!     if let Action::Emit(json) = &step.action {
//!         assert_eq!(json, r#"{"event":"heartbeat","data":{}}"#);
//!     }
//! }
//! assert_eq!(Tape::parse("silence.jsonl", text)?.to_string(), text);
//! # Ok::<(), wstape_tape::TapeError>(())
//! ```
//!
//! Modules, one noun each, with no import cycles: `error`, `micros`, `json` (text with the place of
//! every flaw, and the pen), `action` (one file per key, and the table of them), `header`, `step`,
//! `reference` (placeholders for what is known only when a step is played), `order` (what may
//! follow what), `reader`, `sound` (files already checked), `writer`, `event_lines`, `tape`,
//! `merge`, `summary`, `message` (what a client says, and what a step looks for in it), `pointer`
//! (JSON Pointers), `feature`, `read_line`.

mod action;
mod error;
mod event_lines;
mod feature;
mod header;
mod json;
mod merge;
mod message;
mod micros;
mod order;
mod pointer;
mod read_line;
mod reader;
mod reference;
mod sound;
mod step;
mod summary;
mod tape;
mod writer;

pub use action::{
    ACTION_KEYS, Accept, Action, Answers, ClockSkew, CloseFrame, Corruption, Deflate, Direction,
    Distribution, Down, End, Expect, Garbage, HttpAnswer, Late, Latency, MAX_GARBAGE_BYTES,
    Partition, Pongs, RawFrame, Reading, Received, ReceivedKind, Refusal, SomeOf, Start, TlsFault,
    WhichScene,
};
pub use error::{TapeError, TapeErrorKind};
pub use event_lines::EventLines;
pub use feature::{CONNECTIONS, DIALOGUE, SUPPORTED_FEATURES};
pub use header::{FORMAT_VERSION, Header, HeaderFields};
pub use json::FINAL_STATUSES;
pub use merge::{LayerSteps, Merge};
pub use message::{
    BadPattern, MAX_COMPILED_PATTERN_BYTES, MAX_PATH_DEPTH, MAX_PATTERN_BYTES, Match, MessageKind,
    MessagePath, MessageRegex, Subset,
};
pub use micros::Micros;
pub use order::{MAX_DIALOGUE_STEPS, MAX_PROLOGUE_BYTES};
pub use pointer::{is_pointer_token, pointer_key, pointer_token};
pub use reader::{MAX_LINE_BYTES, TapeReader, Torn};
pub use reference::{BadReference, Part, Reference, Template};
pub use sound::{Sound, SoundFile};
pub use step::{
    After, Conn, MIN_EVERY, OnMessage, Scene, Step, StepFields, Trigger, Whose, path_matches,
};
pub use summary::{Summary, check};
pub use tape::{Tape, TapeSteps};
pub use writer::TapeWriter;
