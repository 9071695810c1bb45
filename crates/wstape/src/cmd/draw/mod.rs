//! `wstape draw`: draws a journal or a tape as one HTML file, as the control port's page draws a
//! run.

mod error;
mod input;
mod lines;
mod out;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use wstape_mock_engine::{Drawing, Entry, JournalKind, JournalLine, JournalReader, Redact, Said};
use wstape_recorder::{Redactor, Rules};
use wstape_tape::{Action, Micros, Step, TapeReader, Trigger};

use self::error::DrawError;
use self::input::{Input, Kind};
use self::lines::{LEFT_OUT, Lines};
use self::out::{Out, STDOUT};
use super::exit;
use super::journal::TORN;
use super::redaction::draw_key;
use super::same_file::another;
use super::serve::JournalRedactor;

#[derive(Debug, Args)]
#[command(after_help = "\
The file needs nothing but a browser. Secrets are redacted, as in a journal.

Exit status: 0 drawn; 2 bad usage, an input that can't be read or is neither a journal nor a tape, \
or an output that can't be written.")]
pub(crate) struct DrawArgs {
    /// A journal written by `wstape serve --journal`, or a tape; - for standard input
    #[arg(value_name = "FILE")]
    input: PathBuf,

    /// The HTML file to write; - for standard output
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    /// Overwrite the HTML file if it exists
    #[arg(long)]
    force: bool,

    /// Print only errors and remarks on the input
    #[arg(long, short)]
    quiet: bool,

    /// The client's backoff, first cap and highest cap, such as 500ms,30s, to draw beside its gaps
    #[arg(long, value_name = "FIRST,MOST", value_parser = backoff)]
    backoff: Option<Backoff>,
}

/// The bounds of a client's backoff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Backoff {
    first: Duration,
    most: Duration,
}

fn backoff(text: &str) -> Result<Backoff, String> {
    let wants = "expected the first and the highest cap, such as 500ms,30s";
    let (first, most) = text.split_once(',').ok_or(wants)?;
    let time = |text: &str| {
        let time = humantime::parse_duration(text.trim());
        time.map_err(|error| format!("{error}; {wants}"))
    };
    let (first, most) = (time(first)?, time(most)?);
    if first.is_zero() || most < first {
        return Err(format!(
            "the first cap must be above 0 and not above the highest; {wants}"
        ));
    }
    Ok(Backoff { first, most })
}

impl DrawArgs {
    pub(crate) fn run(&self) -> ExitCode {
        match self.draw() {
            Ok(notes) => {
                if !self.quiet {
                    eprintln!("drawn: {}", self.shown_out().display());
                }
                for note in notes {
                    eprintln!("wstape: {}: {note}", self.input.display());
                }
                exit::DONE.into()
            }
            // A reader that has seen enough is no error.
            Err(error) if error.is_broken_pipe() => exit::DONE.into(),
            Err(DrawError::Tape(error)) => exit::bad_tape(&error),
            Err(error) => exit::bad_input(&error),
        }
    }

    /// Draws it; returns remarks on the input.
    fn draw(&self) -> Result<Vec<String>, DrawError> {
        let input = Input::of(&self.input)?;
        another(
            &self.input,
            (self.out != Path::new(STDOUT)).then_some(&self.out),
        )?;
        let kind = input.kind()?;
        let out = Out::at(&self.out, self.force)?;
        let backoff = self.backoff.map(|backoff| (backoff.first, backoff.most));
        let drawing = Drawing::begin(out, &input.title, backoff);
        let mut drawing = drawing.map_err(|error| self.unwritten(error))?;
        let notes = match kind {
            Kind::Journal => self.journal(&input, &mut drawing)?,
            Kind::Tape => self.tape(&input, &mut drawing)?,
        };
        let out = drawing.finish().map_err(|error| self.unwritten(error))?;
        out.keep()?;
        Ok(notes)
    }

    /// What messages call the output.
    fn shown_out(&self) -> PathBuf {
        match self.out.to_str() {
            Some(STDOUT) => PathBuf::from("standard output"),
            _ => self.out.clone(),
        }
    }

    fn unwritten(&self, source: io::Error) -> DrawError {
        let path = self.shown_out();
        DrawError::Write { path, source }
    }

    fn journal<W: Write>(
        &self,
        input: &Input,
        drawing: &mut Drawing<W>,
    ) -> Result<Vec<String>, DrawError> {
        let open = || Ok::<_, DrawError>(JournalReader::new(&*input.name, input.open()?)?);
        // Everything that is redacted anywhere must be known before the first line is written.
        let mut redactor = JournalRedactor::new(None)?;
        for line in open()? {
            clean(line?, &mut redactor);
        }
        let mut reader = open()?;
        let written = |result: io::Result<()>| result.map_err(|error| self.unwritten(error));
        let header = serde_json::to_string(reader.header());
        written(drawing.line(&header.map_err(|error| self.unwritten(error.into()))?))?;
        let mut lines = Lines::default();
        for line in reader.by_ref() {
            let line = clean(line?, &mut redactor);
            written(lines.put(&line, &redactor, drawing))?;
        }
        written(lines.flush(&redactor, drawing))?;
        let skipped = reader.skipped();
        let unknown = format!("{skipped} lines of kinds unknown to this version are left out");
        let notes = [
            reader.torn().then(|| TORN.to_owned()),
            (skipped > 0).then_some(unknown),
            secrets_left_out(lines.left_out()),
        ];
        Ok(notes.into_iter().flatten().collect())
    }

    fn tape<W: Write>(
        &self,
        input: &Input,
        drawing: &mut Drawing<W>,
    ) -> Result<Vec<String>, DrawError> {
        let open = || Ok::<_, DrawError>(TapeReader::new(&*input.name, input.open()?)?);
        let mut redactor = Redactor::new(Rules::default(), draw_key()?);
        let mut reader = open()?;
        redactor.header(reader.header().clone());
        for step in reader.by_ref() {
            redactor.step(step?);
        }
        redactor.claim_what_matched();
        let mut reader = open()?;
        let header = redactor.header(reader.header().clone());
        let mut line = |text: &str| {
            let written = drawing.line(text);
            written.map_err(|error| self.unwritten(error))
        };
        line(&header.to_line())?;
        let mut left_out = 0;
        for step in reader.by_ref() {
            let step = redactor.step(step?);
            let text = step.to_line();
            match redactor.line(text.as_bytes()) {
                None => line(&text)?,
                Some(what) => {
                    left_out += 1;
                    line(&instead(&step, &what).to_line())?;
                }
            }
        }
        let torn = reader.torn().map(|torn| {
            let bytes = torn.bytes.len();
            let n = torn.line;
            format!("line {n} is torn after {bytes} bytes and was left out")
        });
        let notes = [torn, secrets_left_out(left_out)];
        Ok(notes.into_iter().flatten().collect())
    }
}

/// Returns the remark on this many lines that hold a secret.
fn secrets_left_out(lines: u64) -> Option<String> {
    (lines > 0).then(|| format!("{lines} lines are left out, because they hold a secret"))
}

/// Returns a mark in place of a step that holds a secret.
fn instead(step: &Step, what: &str) -> Step {
    let mark = Action::Mark(format!("{LEFT_OUT} {what}"));
    let at = match step.trigger {
        Trigger::At(at) => at,
        _ => Micros::ZERO,
    };
    Step::at(at, mark)
}

/// A line that is safe to show.
fn clean(line: JournalLine, redactor: &mut JournalRedactor) -> JournalLine {
    let JournalLine { at, said } = line;
    let mut shown = |conn, kind| {
        let mut entry = Entry::new(Micros::ZERO, conn, kind);
        redactor.redact(&mut entry);
        entry.kind
    };
    let said = match said {
        Said::Once { conn, kind } => Said::Once {
            conn,
            kind: shown(conn, kind),
        },
        Said::Repeats(mut repeats) => {
            if let JournalKind::Note(what) = shown(None, JournalKind::Note(repeats.what.clone())) {
                repeats.what = what;
            }
            Said::Repeats(repeats)
        }
        said => said,
    };
    JournalLine { at, said }
}
