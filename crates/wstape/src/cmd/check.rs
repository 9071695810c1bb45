//! `wstape check`.

use std::fs::File;
use std::io::{self, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use wstape_recorder::{Hit, Redactor, Rules};
use wstape_tape::{TapeErrorKind, TapeReader, check};

use super::exit;
use super::remedy;

/// Bytes of text to read at once.
const BUFFER_BYTES: usize = 256 << 10;

#[derive(Debug, Args)]
#[command(after_help = "\
Files are also searched for well-known secrets (tokens, keys, cookies), including in base64, \
percent-encoded and JSON-escaped form.

Exit status: 0 all are sound; 1 a tape is torn or flawed, or holds a secret; 2 bad usage, or a \
file that can't be read or has a later format.")]
pub(crate) struct CheckArgs {
    /// The tapes; - for standard input.
    #[arg(value_name = "FILE", required = true)]
    tapes: Vec<PathBuf>,

    /// Report only tapes that are not sound.
    #[arg(long)]
    quiet: bool,
}

impl CheckArgs {
    pub(crate) fn run(&self) -> ExitCode {
        let mut status = exit::DONE;
        let mut printed = Ok(());
        for tape in &self.tapes {
            let (line, found) = judge(tape);
            status = status.max(found);
            if found == exit::DONE && self.quiet {
                continue;
            }
            printed = printed.and_then(|()| writeln!(io::stdout(), "{line}"));
        }
        exit::printed(printed, status)
    }
}

/// The first well-known secret in a file. Standard input can't be read twice.
fn secret(path: &Path) -> io::Result<Option<Hit>> {
    if path == Path::new("-") {
        return Ok(None);
    }
    let text = BufReader::with_capacity(BUFFER_BYTES, File::open(path)?);
    // Nothing is replaced, so the key makes no placeholder.
    Redactor::new(Rules::default(), [0; 32]).scan(text)
}

/// The message about a tape, and its status.
fn judge(path: &Path) -> (String, u8) {
    let summary = match TapeReader::open_or_stdin(path).and_then(check) {
        Ok(summary) => summary,
        Err(error) => {
            let status = match error.kind() {
                TapeErrorKind::Io | TapeErrorKind::Unsupported => exit::BAD_INPUT,
                _ => exit::FOUND,
            };
            return (remedy::of_tape(&error), status);
        }
    };
    let name = path.display();
    let steps = summary.steps;
    let duration = summary.duration;
    if let Some(torn) = &summary.torn {
        let line = format!(
            "{name}:{}: torn after {} bytes; the {steps} steps before it play, {duration} s",
            torn.line,
            torn.bytes.len()
        );
        return (line, exit::FOUND);
    }
    match secret(path) {
        Ok(None) => {}
        Ok(Some(hit)) => {
            let rescue = hit.rescue(&name.to_string());
            let line = hit.line;
            let line = format!("{name}:{line}: {hit}; the tape is not safe to share: {rescue}");
            return (line, exit::FOUND);
        }
        Err(error) => {
            let remedy = remedy::to_read(error.kind());
            return (format!("{name}: {error}{remedy}"), exit::BAD_INPUT);
        }
    }
    let end = if summary.ended { "" } else { ", no end step" };
    let line = format!("{name}: sound, {steps} steps, {duration} s{end}");
    (line, exit::DONE)
}
