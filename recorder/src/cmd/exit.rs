//! How every command ends.

use std::fmt;
use std::process::ExitCode;

use recorder::Counts;

/// Done, and nothing to report.
pub(crate) const DONE: u8 = 0;
/// It found what it was asked to find, or a recording lost steps.
pub(crate) const FOUND: u8 = 1;
/// Bad usage or input, or an output that can't be written.
pub(crate) const BAD_INPUT: u8 = 2;

/// A live recording has ended well, but for what it says here that it lost.
pub(crate) fn recorded(counts: &Counts) -> ExitCode {
    if counts.lost_frames == 0 && counts.lost_bytes == 0 {
        return DONE.into();
    }
    let (frames, bytes) = (counts.lost_frames, counts.lost_bytes);
    eprintln!(
        "recorder: {frames} frames ({bytes} bytes) lost: the disk did not keep up; marks in the \
         tape say where"
    );
    FOUND.into()
}

/// A command has failed.
pub(crate) fn failed(error: &(impl fmt::Display + ?Sized)) -> ExitCode {
    eprintln!("recorder: {error}");
    BAD_INPUT.into()
}
