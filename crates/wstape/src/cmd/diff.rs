//! `wstape diff`.

use std::io::{self, BufWriter, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use wstape_recorder::{Diff, Pointer};
use wstape_tape::{Micros, TapeError, TapeReader};

use super::duration::duration;
use super::exit;

#[derive(Debug, Args)]
#[command(after_help = "\
Lines begin with - (only in A), + (only in B), ~ (an event whose values differ, each shown) or > \
(at a different time). Events are compared as JSON: the order of members and white space do not \
count.

Exit status: 0 the same; 1 they differ; 2 bad usage, or a tape that can't be read.")]
pub(crate) struct DiffArgs {
    /// The first tape; - for standard input.
    #[arg(value_name = "A")]
    a: PathBuf,

    /// The second tape; - for standard input.
    #[arg(value_name = "B")]
    b: PathBuf,

    #[command(flatten)]
    ignored: IgnoredArgs,

    /// JSON Pointer to a message's kind, such as /op; text messages are then compared as JSON.
    /// Default: `event`, for the engine's events only.
    #[arg(long, value_name = "POINTER")]
    kind: Option<Pointer>,

    /// JSON Pointer to a message's time, such as /T, for --ignore-ts. Default: `ts`.
    #[arg(long, value_name = "POINTER")]
    time: Option<Pointer>,

    /// Treat times that are this close as equal.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "0s")]
    within: Duration,

    /// Print only the counts.
    #[arg(long)]
    brief: bool,
}

/// What is not compared.
#[derive(Debug, Args)]
struct IgnoredArgs {
    /// Ignore the events' ts, and the ts in their data.
    #[arg(long)]
    ignore_ts: bool,

    /// Ignore on which connection things happened: a proxy's tape names connections, a tap's does
    /// not.
    #[arg(long)]
    ignore_conn: bool,

    /// Ignore when things happened.
    #[arg(long, conflicts_with = "within")]
    ignore_times: bool,
}

/// Why a comparison did not start, or stopped.
enum Stop {
    Usage(&'static str),
    Tape(TapeError),
    Output(io::Error),
}

impl From<TapeError> for Stop {
    fn from(error: TapeError) -> Self {
        Self::Tape(error)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl DiffArgs {
    pub(crate) fn run(&self) -> ExitCode {
        match self.compare() {
            Ok(status) => status.into(),
            Err(Stop::Usage(sentence)) => exit::bad_input(&sentence),
            Err(Stop::Tape(error)) => exit::bad_tape(&error),
            Err(Stop::Output(error)) => exit::printed(Err(error), exit::FOUND),
        }
    }

    fn compare(&self) -> Result<u8, Stop> {
        let diff = Diff {
            ignore_ts: self.ignored.ignore_ts,
            kind: self.kind.clone(),
            time: self.time.clone(),
            ignore_conn: self.ignored.ignore_conn,
            within: (!self.ignored.ignore_times).then(|| Micros::from(self.within)),
        };
        if [&self.a, &self.b]
            .iter()
            .all(|path| path.as_os_str() == "-")
        {
            let twice = "only one of the two tapes can be standard input";
            return Err(Stop::Usage(twice));
        }
        let mut out = BufWriter::new(io::stdout().lock());
        let a = TapeReader::open_or_stdin(&self.a)?;
        let b = TapeReader::open_or_stdin(&self.b)?;
        let tally = diff.compare(a, b, |departure| -> Result<(), Stop> {
            if !self.brief {
                writeln!(out, "{departure}")?;
            }
            Ok(())
        })?;
        writeln!(out, "{tally}")?;
        out.flush()?;
        Ok(if tally.is_same() {
            exit::DONE
        } else {
            exit::FOUND
        })
    }
}
