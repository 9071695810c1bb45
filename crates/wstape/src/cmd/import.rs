//! `wstape import`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use engine_client::SystemClock;
use wstape_recorder::{Import, ImportFormat, Imported};

use super::exit;
use super::output::OutputArgs;
use super::redaction::RedactionArgs;
use crate::progress::Progress;

/// What INPUT is called where it is standard input.
const STDIN: &str = "-";

#[derive(Debug, Args)]
#[command(after_help = "\
Several WebSocket connections in one file become the connections of one tape, in the order of \
their beginning; --entry and --url choose among them. What a HAR and a flow file don't tell (Ping, \
Pong, fragments) is not in the tape. No tape is left unless all of INPUT can be read. \
Exit status: 0 imported; 2 bad usage or input, or a file that can't be written.")]
pub(crate) struct ImportArgs {
    /// Who wrote INPUT.
    #[arg(value_name = "FORMAT", value_enum)]
    format: Format,

    /// What to import; - for standard input.
    #[arg(value_name = "INPUT")]
    file: PathBuf,

    #[command(flatten)]
    output: OutputArgs,

    #[command(flatten)]
    redaction: RedactionArgs,

    /// Only the Nth WebSocket connection, from 1; may be given several times.
    #[arg(long, value_name = "N")]
    entry: Vec<u64>,

    /// Only WebSocket connections whose URL contains this.
    #[arg(long, value_name = "SUBSTRING")]
    url: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    #[value(help = "An HTTP archive: Chrome's DevTools, Playwright, mitmproxy, HTTP Toolkit")]
    Har,
    #[value(help = "A flow file of mitmproxy's (mitmdump -w)")]
    Mitmproxy,
    #[value(help = "A replay file of MockForge's (JSON Lines)")]
    Mockforge,
}

impl ImportArgs {
    pub(crate) fn run(&self) -> ExitCode {
        match self.import() {
            Ok(imported) => {
                if !self.output.quiet {
                    self.tell(&imported);
                }
                exit::DONE.into()
            }
            Err(error) => exit::bad_input(&error),
        }
    }

    fn import(&self) -> Result<Imported, Box<dyn Error>> {
        let format = match self.format {
            Format::Har => ImportFormat::Har,
            Format::Mitmproxy => ImportFormat::Mitmproxy,
            Format::Mockforge => ImportFormat::Mockforge,
        };
        let mut import = if self.file == Path::new(STDIN) {
            Import::stdin(format)
        } else {
            Import::open(format, &self.file)?
        };
        for number in &self.entry {
            import = import.entry(*number);
        }
        if let Some(part) = &self.url {
            import = import.url(part);
        }
        let redactor = self.redaction.redactor()?;
        let output = self.output.whole()?;
        let clock = Arc::new(SystemClock::new());
        let mut progress = Progress::file(output.stats(), clock, self.output.quiet);
        Ok(import.run(output, redactor, || progress.step())?)
    }

    fn tell(&self, imported: &Imported) {
        let out = self.output.file().map(|path| path.display().to_string());
        let out = out.as_deref().unwrap_or("standard output");
        eprintln!("imported {imported}: {out}");
        if imported.waits > 0 {
            eprintln!(
                "{} for a message of the client's in MockForge; the tape sends at the line's time \
                 (x-wait-for)",
                counted(imported.waits, "line waits", "lines wait")
            );
        }
        if imported.templates > 0 {
            eprintln!(
                "{} a {{{{template}}}}; the tape sends the text as it stands (x-template)",
                counted(imported.templates, "line holds", "lines hold")
            );
        }
    }
}

fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}
