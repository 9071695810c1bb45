//! `wstape import`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use engine_client::SystemClock;
use wstape_recorder::{Import, ImportFormat, Imported, LineForm, LineTime, Lines};
use wstape_tape::Micros;

use super::duration::duration;
use super::exit;
use super::output::OutputArgs;
use super::redaction::RedactionArgs;
use super::say::counted;
use crate::progress::Progress;

/// The name for INPUT if it is standard input.
const STDIN: &str = "-";

#[derive(Debug, Args)]
#[command(after_help = "\
Several WebSocket connections in one file become the connections of one tape, in the order of \
their beginning; --entry and --url choose among them. A feed recorder's file is one connection: \
  wstape import lines feed.jsonl.gz --time /recv_ts --message /msg --out feed-tape.jsonl What a HAR and a flow file don't tell (Ping, \
Pong, fragments) is not in the tape. No tape is left unless all of INPUT can be read. \
Exit status: 0 imported; 1 imported, and a rule of redaction matched nothing; 2 bad usage or input, or a file that can't be written.")]
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

    /// How connections end of which INPUT tells no end: by default they stay open.
    #[arg(long, value_name = "WHERE", value_enum)]
    ends: Option<Ends>,

    #[command(flatten)]
    lines: LinesArgs,
}

/// How the lines of a feed recorder's file are read.
#[derive(Debug, Args)]
struct LinesArgs {
    /// Of lines: a layout by its name.
    #[arg(long, value_name = "NAME", value_enum)]
    layout: Option<Layout>,

    /// Of lines: where the time stands: a JSON pointer such as `/recv_ts` (a number since 1970 in s,
    /// ms, µs or ns, or a date), or ns, us, ms, s or iso for a time before the message, or none. Of
    /// CSV the pointer's first token names the column.
    #[arg(long, value_name = "WHERE")]
    time: Option<LineTime>,

    /// Of lines: the JSON pointer to the message; by default it is all of the line but its time.
    #[arg(long, value_name = "POINTER", value_parser = message_pointer)]
    message: Option<String>,

    /// Of lines without a time: how far apart messages are sent. Default: 100ms.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    every: Option<Duration>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Layout {
    #[value(help = "Nanoseconds, a blank, the message: what hftbacktest's collectors write")]
    Hftbacktest,
    #[value(
        help = "What Tardis serves and caches: a date, a blank, the message, or \"localTimestamp\" and \"message\"; an empty line ends a connection"
    )]
    Tardis,
    #[value(
        help = "What cryptofeed's AsyncFileCallback writes: seconds, a colon, the message; what the client said and its dials too"
    )]
    Cryptofeed,
    #[value(help = "A message a line, without a time")]
    Ndjson,
    #[value(help = "Rows of CSV below one of names; --time and --message name their columns")]
    Csv,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Ends {
    #[value(help = "Where the next connection to the same URL is dialed")]
    NextDial,
}

impl LinesArgs {
    fn is_given(&self) -> bool {
        self.layout.is_some()
            || self.time.is_some()
            || self.message.is_some()
            || self.every.is_some()
    }

    /// Whether nothing says when the messages came.
    fn is_timeless(&self) -> bool {
        let may_have_a_time = matches!(self.layout, None | Some(Layout::Csv));
        may_have_a_time && self.time.is_none() && self.every.is_none()
    }

    fn lines(&self) -> Result<Lines, &'static str> {
        let mut lines = Lines::default();
        match self.layout {
            Some(Layout::Hftbacktest) => lines.time = LineTime::Nanoseconds,
            Some(Layout::Cryptofeed) => lines.form = LineForm::Cryptofeed,
            Some(Layout::Tardis) => lines.form = LineForm::Tardis,
            Some(Layout::Csv) => lines.form = LineForm::Csv,
            Some(Layout::Ndjson) | None => {}
        }
        let named = !matches!(self.layout, None | Some(Layout::Csv));
        if named && (self.time.is_some() || self.message.is_some()) {
            return Err(
                "a layout says where time and message stand: leave --time and --message \
                        out, or --layout",
            );
        }
        if let Some(time) = &self.time {
            lines.time = time.clone();
        }
        lines.message.clone_from(&self.message);
        if let Some(every) = self.every {
            lines.every = Micros::from(every);
        }
        Ok(lines)
    }
}

fn message_pointer(text: &str) -> Result<String, String> {
    if text.starts_with('/') {
        return Ok(text.to_owned());
    }
    Err("a JSON pointer begins with \"/\", as in /msg".to_owned())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    #[value(
        help = "An HTTP archive: Chrome's DevTools, Playwright (also a trace.zip), mitmproxy, HTTP Toolkit"
    )]
    Har,
    #[value(help = "A flow file of mitmproxy's (mitmdump -w)")]
    Mitmproxy,
    #[value(help = "A replay file of MockForge's (JSON Lines)")]
    Mockforge,
    #[value(help = "A feed recorder's file: a message a line; gzip and zstd too")]
    Lines,
    #[value(
        help = "A capture of a network's packets: pcap or pcapng (tcpdump, dumpcap, Wireshark); gzip and zstd too"
    )]
    Pcap,
}

impl ImportArgs {
    pub(crate) fn run(&self) -> ExitCode {
        match self.import() {
            Ok(imported) => {
                if !self.output.quiet {
                    self.tell(&imported);
                }
                for rule in &imported.unmatched {
                    eprintln!("wstape: the rule {rule:?} matched nothing; is it misspelt?");
                }
                if imported.unmatched.is_empty() {
                    exit::DONE.into()
                } else {
                    exit::FOUND.into()
                }
            }
            Err(error) => self.output.unfinished(&*error),
        }
    }

    fn import(&self) -> Result<Imported, Box<dyn Error>> {
        let format = match self.format {
            Format::Har => ImportFormat::Har,
            Format::Mitmproxy => ImportFormat::Mitmproxy,
            Format::Mockforge => ImportFormat::Mockforge,
            Format::Lines => ImportFormat::Lines,
            Format::Pcap => ImportFormat::Capture,
        };
        if self.lines.is_given() && self.format != Format::Lines {
            return Err("--layout, --time, --message and --every are for lines alone".into());
        }
        if self.ends.is_some() && !matches!(self.format, Format::Har | Format::Mitmproxy) {
            return Err("--ends is for har and mitmproxy, whose files may tell no end".into());
        }
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
        import = import.lines(self.lines.lines()?);
        if self.ends.is_some() {
            import = import.end_at_next_dial();
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
        for lack in &imported.lacks {
            eprintln!("wstape: {lack}");
        }
        if self.format == Format::Lines && self.lines.is_timeless() {
            eprintln!(
                "wstape: nothing says when the messages came, and they are {} ms apart: --time says where \
                 a line has its time, --every how far apart they are",
                Lines::default().every.to_ms_text()
            );
        }
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
