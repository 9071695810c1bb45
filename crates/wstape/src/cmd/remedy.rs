//! What to do about a file that can't be read or written: the end of the error message.

use std::io::{self, ErrorKind};

use wstape_harness::SuiteError;
#[cfg(feature = "cli")]
use wstape_recorder::{ImportError, RecordError};
use wstape_tape::{TapeError, TapeErrorKind};

/// What `tempfile`'s errors say before the path.
const OF_A_TEMPORARY_FILE: &str = " at path ";

/// How the message about a tape that is not text begins.
const NO_TEXT: &str = "not UTF-8";
/// How the message about an empty tape begins.
const EMPTY: &str = "the file is empty";
/// How a journal begins.
const JOURNAL_HEADER: &str = "{\"journal\":";

/// What to do about a file that can't be read; empty if that is not known.
pub(crate) fn to_read(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "; check its name and the folder that you are in",
        ErrorKind::IsADirectory => "; name a file in that folder",
        ErrorKind::PermissionDenied => "; let this user read it (chmod), or copy it",
        _ => "",
    }
}

/// What to do about a file that can't be written; empty if that is not known.
pub(crate) fn to_write(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "; make its folder first",
        ErrorKind::IsADirectory => "; name a file in that folder",
        ErrorKind::NotADirectory => {
            "; what stands before the last / is a file, and must be a folder"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "; name a file where this user may write"
        }
        ErrorKind::StorageFull => "; make room, or name a file on another disk",
        _ => "",
    }
}

/// The system's error for a file that can't be written, and what to do.
pub(crate) fn unwritten(error: &io::Error) -> String {
    let remedy = to_write(error.kind());
    let said = error.to_string();
    // For a temporary file it ends with a path that the user never asked for.
    let said = match said.split_once(OF_A_TEMPORARY_FILE) {
        Some((said, _)) if error.get_ref().is_some() => said,
        _ => &said,
    };
    format!("{said}{remedy}")
}

/// Says what is wrong with a tape: where its flaw is, or what to do about a file that can't be read
/// or whose first line is not a tape's.
pub(crate) fn of_tape(error: &TapeError) -> String {
    let report = error.report();
    if let Some(kind) = error.io_kind() {
        return format!("{report}{}", to_read(kind));
    }
    // The remedy goes after the sentence, and before the line that it is about.
    let (sentence, line) = report.split_at(report.find('\n').unwrap_or(report.len()));
    match no_tape(error, line) {
        None => report,
        Some(remedy) => format!("{sentence}; {remedy}{line}"),
    }
}

/// Says what to do about a file whose first line, shown by the report as `line`, is not a tape's;
/// `None` for a flaw in a tape.
fn no_tape(error: &TapeError, line: &str) -> Option<&'static str> {
    let is_other = match error.kind() {
        TapeErrorKind::Json => true,
        // Any other text has a byte order mark, and the sentence says what to do about that.
        TapeErrorKind::Encoding => error.message().starts_with(NO_TEXT),
        TapeErrorKind::Packed | TapeErrorKind::Unsupported => false,
        _ => error.key() == Some("tape"),
    };
    if error.line() > 1 || !is_other {
        return None;
    }
    Some(if error.message().starts_with(EMPTY) {
        "the program that writes it has not started, or has failed"
    } else if line.contains(JOURNAL_HEADER) {
        "it is a journal: wstape journal reads it, and wstape draw draws it"
    } else {
        "wstape import makes a tape of what another tool wrote"
    })
}

/// Says what to do about an engine that sent nothing, going by what is known about it.
#[cfg(feature = "cli")]
pub(crate) fn unreached(sentence: &str) -> String {
    let wants_token = ["401", "403"]
        .iter()
        .any(|status| sentence.ends_with(status));
    let remedy = if wants_token {
        "does it want a token (--token-env)?"
    } else {
        "is the engine running, and is that its address?"
    };
    format!("{sentence}; {remedy}")
}

/// Why there is no recording, and what to do.
#[cfg(feature = "cli")]
pub(crate) fn of_recording(error: &RecordError) -> String {
    match error {
        RecordError::Output(_, system) => format!("{error}{}", to_write(system.kind())),
        RecordError::Import(error) => of_import(error),
        _ => error.to_string(),
    }
}

/// Why another tool's file gives no tape, and what to do.
#[cfg(feature = "cli")]
pub(crate) fn of_import(error: &ImportError) -> String {
    let remedy = match error {
        ImportError::Read(_, system) => to_read(system.kind()),
        _ => "",
    };
    format!("{error}{remedy}")
}

/// Why tapes were not found, and what to do.
pub(crate) fn of_suite(error: &SuiteError) -> String {
    let remedy = match error {
        SuiteError::Io { source, .. } => to_read(source.kind()),
        _ => "",
    };
    format!("{error}{remedy}")
}
