//! How commands end: exit statuses, and the message for a bad one.

use std::error::Error;
use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;

use wstape_recorder::{Counts, ImportError, LossCause, RecordError, TrimError};
use wstape_tape::TapeError;

use super::remedy;

/// Done, nothing to report.
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

/// Says what is wrong with a tape, and shows where.
pub(crate) fn bad_tape(error: &TapeError) -> ExitCode {
    bad_input(&remedy::of_tape(error))
}

/// Says what ended a command that writes a tape.
pub(crate) fn bad_command(error: &(dyn Error + 'static)) -> ExitCode {
    if let Some(error) = error.downcast_ref::<RecordError>() {
        return bad_recording(error);
    }
    match error.downcast_ref::<ImportError>() {
        Some(error) => bad_input(&remedy::of_import(error)),
        None => bad_input(&error),
    }
}

/// Says why there is no recording.
fn bad_recording(error: &RecordError) -> ExitCode {
    match error {
        RecordError::Tape(error) | RecordError::Trim(TrimError::Tape(error)) => bad_tape(error),
        other => bad_input(&remedy::of_recording(other)),
    }
}

/// Ends a live recording, and says what is missing from it.
pub(crate) fn recorded(counts: &Counts, unreached: Option<&str>) -> ExitCode {
    let lacks = lacks(counts);
    let all = unreached.map(str::to_owned).into_iter().chain(lacks);
    let mut status = DONE;
    for sentence in all {
        eprintln!("wstape: {sentence}");
        status = FOUND;
    }
    status.into()
}

/// A sentence for each kind of thing missing from a recording.
pub(crate) fn lacks(counts: &Counts) -> Vec<String> {
    let mut lacks = Vec::new();
    let (frames, bytes) = (counts.lost_frames, counts.lost_bytes);
    if frames > 0 || bytes > 0 {
        let cause = LossCause::of(bytes, counts.disk_lost_bytes);
        lacks.push(format!(
            "{frames} frames ({bytes} bytes) lost: {cause}; marks in the tape show where"
        ));
    }
    let (messages, bytes) = (counts.left_out_messages, counts.left_out_bytes);
    if messages > 0 {
        lacks.push(format!(
            "{messages} compressed messages ({bytes} bytes) left out, because they are too long or \
             damaged, or refer to lost data; a mark in the tape shows from where on"
        ));
    }
    match counts.failed_connections {
        0 => {}
        1 => lacks.push("1 connection was cut by a bug in the proxy itself".to_owned()),
        n => lacks.push(format!(
            "{n} connections were cut by a bug in the proxy itself"
        )),
    }
    lacks
}

/// Prints the text, and ends with the resulting status: see [`printed`].
pub(crate) fn print(text: &str) -> ExitCode {
    let mut out = io::stdout().lock();
    printed(
        out.write_all(text.as_bytes()).and_then(|()| out.flush()),
        DONE,
    )
}

/// Ends after printing; it is no error if the reader closed the pipe early.
pub(crate) fn printed(result: io::Result<()>, status: u8) -> ExitCode {
    match result {
        Ok(()) => status.into(),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => status.into(),
        Err(error) => bad_input(&format!("standard output: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use wstape_recorder::Stats;

    use super::*;

    #[test]
    fn what_a_recording_lacks_is_said_with_the_cause_that_it_was() {
        let mut counts = Stats::default().counts();
        assert!(lacks(&counts).is_empty());
        (counts.lost_frames, counts.lost_bytes) = (3, 100);
        for (disk_bytes, cause) in [
            (50, "the disk did not keep up"),
            (49, "there was not enough CPU time to write them"),
        ] {
            counts.disk_lost_bytes = disk_bytes;
            let expected =
                format!("3 frames (100 bytes) lost: {cause}; marks in the tape show where");
            assert_eq!(lacks(&counts), [expected]);
        }
        (counts.lost_frames, counts.lost_bytes) = (0, 0);
        (counts.left_out_messages, counts.left_out_bytes) = (2, 40);
        counts.failed_connections = 1;
        let said = lacks(&counts);
        assert!(said[0].starts_with("2 compressed messages (40 bytes) left out"));
        assert_eq!(said[1], "1 connection was cut by a bug in the proxy itself");
    }
}
