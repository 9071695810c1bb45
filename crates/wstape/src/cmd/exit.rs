//! How commands end: exit statuses, and the sentence that goes with a bad one.

use std::fmt;
use std::io;
use std::process::ExitCode;

use wstape_recorder::{Counts, RecordError, TrimError};
use wstape_tape::TapeError;

/// Done, and nothing to tell.
pub(crate) const DONE: u8 = 0;
/// Found what it was asked to find, or recorded less than there was.
pub(crate) const FOUND: u8 = 1;
/// Bad usage or input, or an output that can't be written.
pub(crate) const BAD_INPUT: u8 = 2;

/// Says what is wrong, in one sentence.
pub(crate) fn bad_input(error: &dyn fmt::Display) -> ExitCode {
    eprintln!("wstape: {error}");
    BAD_INPUT.into()
}

/// Says what is wrong with a tape, and shows the place.
pub(crate) fn bad_tape(error: &TapeError) -> ExitCode {
    bad_input(&error.report())
}

/// Says why there is no recording.
pub(crate) fn bad_recording(error: &RecordError) -> ExitCode {
    match error {
        RecordError::Tape(error) | RecordError::Trim(TrimError::Tape(error)) => bad_tape(error),
        other => bad_input(other),
    }
}

/// Ends a live recording, and says what it lost.
pub(crate) fn recorded(counts: &Counts) -> ExitCode {
    let (frames, bytes) = (counts.lost_frames, counts.lost_bytes);
    if bytes == 0 && frames == 0 {
        return DONE.into();
    }
    eprintln!(
        "wstape: {frames} frames ({bytes} bytes) lost: the disk did not keep up; marks in the \
         tape say where"
    );
    FOUND.into()
}

/// Ends after printing; a reader that has seen enough and closed the pipe is no error.
pub(crate) fn printed(result: io::Result<()>, status: u8) -> ExitCode {
    match result {
        Ok(()) => status.into(),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => status.into(),
        Err(error) => bad_input(&format!("standard output: {error}")),
    }
}
