//! `wstape journal`: a page about what happened in a run.

mod clients;
mod page;
mod told;

pub(crate) use self::page::TORN;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use wstape_mock_engine::{Attempts, JournalError, JournalReader};
use wstape_tape::{TapeErrorKind, TapeReader};

use self::page::Page;
use self::told::told;
use super::exit;
use super::remedy;

/// The name for standard input.
const STDIN: &str = "-";

#[derive(Debug, Args)]
#[command(after_help = "\
Exit status: 0 read; 1 an expectation was not met; 2 bad usage, or a journal that can't be \
read.")]
pub(crate) struct JournalArgs {
    /// A journal written by `wstape serve --journal`; - for standard input
    #[arg(value_name = "FILE")]
    journal: PathBuf,
    /// Also list what happened, one line each in order of time; repeats are folded
    #[arg(long)]
    timeline: bool,
}

impl JournalArgs {
    pub(crate) fn run(&self) -> ExitCode {
        match self.page() {
            Ok(page) => {
                let status = if page.all_met() {
                    exit::DONE
                } else {
                    exit::FOUND
                };
                let page = plain(&page.to_string());
                exit::printed(write!(io::stdout(), "{page}"), status)
            }
            Err(JournalError::Io { file, source }) => {
                let remedy = remedy::to_read(source.kind());
                let sentence = format!("{file}: cannot read the journal: {source}{remedy}");
                exit::bad_input(&sentence)
            }
            Err(error @ JournalError::NoHeader { .. }) => {
                let sentence = self.no_journal();
                exit::bad_input(&sentence.unwrap_or_else(|| error.to_string()))
            }
            Err(error) => exit::bad_input(&error),
        }
    }

    /// What was given instead, if it is a tape or packed. Standard input can't be read twice.
    fn no_journal(&self) -> Option<String> {
        if !self.journal.is_file() {
            return None;
        }
        let file = self.journal.display();
        match TapeReader::open(&self.journal) {
            Ok(_) => Some(format!(
                "{file}: not a journal, but a tape: wstape show says what it holds"
            )),
            Err(error) if error.kind() == TapeErrorKind::Packed => {
                Some(format!("{file}: {}", error.message()))
            }
            Err(_) => None,
        }
    }

    fn page(&self) -> Result<Page, JournalError> {
        let name = self.journal.display().to_string();
        let input: Box<dyn BufRead> = if name == STDIN {
            Box::new(BufReader::new(io::stdin()))
        } else {
            let file = File::open(&self.journal);
            let file = file.map_err(|source| JournalError::Io {
                file: name.clone(),
                source,
            })?;
            Box::new(BufReader::new(file))
        };
        let mut reader = JournalReader::new(&*name, input)?;
        let (attempts, timeline) = if self.timeline {
            let (attempts, timeline) = told(&mut reader)?;
            (attempts, Some(timeline))
        } else {
            (Attempts::of(&mut reader)?, None)
        };
        Ok(Page::new(name, &reader, attempts, timeline))
    }
}

/// A page without what a terminal would obey: what a client asked for is anyone's.
fn plain(page: &str) -> String {
    let obeyed = |c: char| c.is_control() && c != '\n';
    page.replace(obeyed, "\u{fffd}")
}
