//! `recorder import`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use recorder::{Import, ImportFormat, Imported, Output, RecordError, Redactor, Rules};

/// The tape is whole.
const IMPORTED: u8 = 0;
/// Bad usage or input, or a file that can't be written.
const BAD_INPUT: u8 = 2;

/// FILE or OUT where it is standard input or output.
const STANDARD: &str = "-";

#[derive(Debug, Args)]
#[command(after_help = "\
Several WebSocket connections in one file become the connections of one tape, in the order of \
their beginning; --entry and --url choose among them. What a HAR and a flow file don't tell (Ping, \
Pong, fragments) is not in the tape. Nothing is written unless all of FILE can be read. \
Exit status: 0 imported; 2 bad usage or input, or a file that can't be written.")]
pub(crate) struct ImportArgs {
    /// Who wrote FILE.
    #[arg(value_name = "FORMAT", value_enum)]
    format: Format,

    /// What to import; - for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The tape to write; - for standard output.
    #[arg(long, value_name = "OUT")]
    out: PathBuf,

    /// Overwrite OUT where it exists.
    #[arg(long)]
    force: bool,

    /// Only the Nth WebSocket connection, from 1; may be given several times.
    #[arg(long, value_name = "N")]
    entry: Vec<u64>,

    /// Only WebSocket connections whose URL contains this.
    #[arg(long, value_name = "SUBSTRING")]
    url: Option<String>,

    /// Say nothing but errors.
    #[arg(long)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// An HTTP archive: Chrome's DevTools, Playwright, mitmproxy, HTTP Toolkit.
    Har,
    /// A flow file of mitmproxy's (mitmdump -w).
    Mitmproxy,
    /// A replay file of MockForge's (JSON Lines).
    Mockforge,
}

impl ImportArgs {
    pub(crate) fn run(&self) -> ExitCode {
        match self.import() {
            Ok(imported) => {
                if !self.quiet {
                    self.tell(&imported);
                }
                IMPORTED.into()
            }
            Err(error) => {
                eprintln!("recorder: {error}");
                BAD_INPUT.into()
            }
        }
    }

    fn import(&self) -> Result<Imported, RecordError> {
        let format = match self.format {
            Format::Har => ImportFormat::Har,
            Format::Mitmproxy => ImportFormat::Mitmproxy,
            Format::Mockforge => ImportFormat::Mockforge,
        };
        let mut import = if self.file == Path::new(STANDARD) {
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
        let output = Output::whole(&self.out, self.force)?;
        let redactor = Redactor::new(Rules::default(), [0; 32]);
        import.run(output, redactor)
    }

    fn tell(&self, imported: &Imported) {
        eprintln!("imported {imported}: {}", self.out.display());
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
