//! Where a command's tape goes.

use std::error::Error;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use wstape_recorder::{FSYNC_INTERVAL, Fsync, Output, RecordError};

use super::{duration, exit, remedy};

/// The value of `--out` for standard output.
const STDOUT: &str = "-";

/// Where the tape goes.
#[derive(Debug, Args)]
pub(crate) struct OutputArgs {
    /// The tape to write; - for standard output.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    /// Overwrite FILE if it exists.
    #[arg(long)]
    force: bool,

    /// Print only errors.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// When a live recording is forced to the disk.
#[derive(Debug, Args)]
pub(crate) struct FsyncArgs {
    /// When to force the tape to disk. This only matters if the machine loses power: what was
    /// written survives a killed recorder anyway.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Interval)]
    fsync: When,

    /// With --fsync interval: the longest time before a step is forced to disk.
    #[arg(long, value_name = "DURATION", default_value_t = FSYNC_INTERVAL.into(), value_parser = duration::shown)]
    fsync_interval: humantime::Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum When {
    /// Leave it to the operating system.
    Never,
    /// Within --fsync-interval after a step came, and at the end.
    Interval,
    /// Before a step counts as recorded.
    Always,
}

impl OutputArgs {
    /// Reports what ended a command that writes this tape whole, or not at all.
    pub(crate) fn unfinished(&self, error: &(dyn Error + 'static)) -> ExitCode {
        match error.downcast_ref::<RecordError>() {
            // A reader that has seen enough is no error.
            Some(RecordError::Output(_, source) | RecordError::Broken { source, .. })
                if self.file().is_none() && source.kind() == ErrorKind::BrokenPipe =>
            {
                exit::DONE.into()
            }
            Some(RecordError::Broken { name, source, .. }) if self.file().is_some() => {
                let why = remedy::unwritten(source);
                exit::bad_input(&format!("{name}: {why}; nothing was kept"))
            }
            _ => exit::bad_command(error),
        }
    }

    /// A tape that grows as it is recorded.
    ///
    /// # Errors
    /// Those of [`Output::create`] and [`Output::stdout`].
    pub(crate) fn growing(&self, fsync: &FsyncArgs) -> Result<Output, RecordError> {
        let output = match self.file() {
            Some(path) => Output::create(path, self.force)?,
            None => Output::stdout()?,
        };
        Ok(output.fsync(fsync.policy()))
    }

    /// A tape that appears once complete.
    ///
    /// # Errors
    /// Those of [`Output::whole`] and [`Output::stdout`].
    pub(crate) fn whole(&self) -> Result<Output, RecordError> {
        match self.file() {
            Some(path) => Output::whole(path, self.force),
            None => Output::stdout(),
        }
    }

    /// The file; `None` for standard output.
    pub(crate) fn file(&self) -> Option<&Path> {
        (self.out != Path::new(STDOUT)).then_some(&self.out)
    }
}

impl FsyncArgs {
    fn policy(&self) -> Fsync {
        match self.fsync {
            When::Never => Fsync::Never,
            When::Interval => Fsync::Interval(*self.fsync_interval),
            When::Always => Fsync::Always,
        }
    }
}
