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
use super::same_file::another;
use super::say::counted;
use crate::progress::Progress;

/// The name for INPUT if it is standard input.
const STDIN: &str = "-";

#[derive(Debug, Args)]
#[command(after_help = "\
Several WebSocket connections in one file become the connections of one tape, in the order in \
which they began; --entry and --url select some of them. A feed recorder's file is one connection:
  wstape import lines feed.jsonl.gz --time /recv_ts --message /msg --out feed-tape.jsonl

HAR and flow files don't record Pings, Pongs and fragments, so the tape has none. No tape is \
written unless all of INPUT can be read.

Exit status: 0 imported; 1 imported, but a redaction rule matched nothing; 2 bad usage or input, or \
a file that can't be written.")]
pub(crate) struct ImportArgs {
    /// The format of INPUT.
    #[arg(value_name = "FORMAT", value_enum)]
    format: Format,

    /// The file to import, plain or packed by gzip or zstd; - for standard input.
    #[arg(value_name = "INPUT")]
    file: PathBuf,

    #[command(flatten)]
    output: OutputArgs,

    #[command(flatten)]
    redaction: RedactionArgs,

    /// Import only the Nth WebSocket connection, counted from 1; may be repeated.
    #[arg(long, value_name = "N")]
    entry: Vec<u64>,

    /// Import only WebSocket connections whose URL contains this.
    #[arg(long, value_name = "SUBSTRING")]
    url: Option<String>,

    /// When to end connections whose end is not in INPUT. By default they stay open.
    #[arg(long, value_name = "WHERE", value_enum)]
    ends: Option<Ends>,

    #[command(flatten)]
    lines: LinesArgs,
}

/// How the lines of a feed recorder's file are read.
#[derive(Debug, Args)]
struct LinesArgs {
    /// For lines: a named layout.
    #[arg(long, value_name = "NAME", value_enum)]
    layout: Option<Layout>,

    /// For lines: where to find the time. A JSON Pointer such as `/recv_ts` (a number since 1970 in
    /// s, ms, µs or ns, or a date); ns, us, ms, s or iso for a time before the message; or none.
    /// For CSV, the pointer's first token names the column.
    #[arg(long, value_name = "WHERE")]
    time: Option<LineTime>,

    /// For lines: the JSON Pointer to the message. Default: all of the line but its time.
    #[arg(long, value_name = "POINTER", value_parser = message_pointer)]
    message: Option<String>,

    /// For lines without a time: the interval between messages. Default: 100ms.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    every: Option<Duration>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Layout {
    #[value(help = "Nanoseconds, a space, the message: written by hftbacktest's collectors")]
    Hftbacktest,
    #[value(
        help = "A date, a space, the message, or \"localTimestamp\" and \"message\"; an empty line ends a connection: served and cached by Tardis"
    )]
    Tardis,
    #[value(
        help = "Seconds, a colon, the message, with the client's messages and dials: written by cryptofeed's AsyncFileCallback"
    )]
    Cryptofeed,
    #[value(help = "One message per line, without a time")]
    Ndjson,
    #[value(help = "CSV with a header row; --time and --message name the columns")]
    Csv,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Ends {
    #[value(help = "When the next connection to the same URL is dialed")]
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
                "--layout already says where the time and the message are; leave out --time and \
                 --message, or --layout",
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
    Err("expected a JSON Pointer that begins with \"/\", such as /msg".to_owned())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    #[value(
        help = "An HTTP archive, of Chrome's DevTools, Playwright (also a trace.zip), mitmproxy or HTTP Toolkit"
    )]
    Har,
    #[value(help = "A flow file of mitmproxy (mitmdump -w)")]
    Mitmproxy,
    #[value(help = "A replay file of MockForge (JSON Lines)")]
    Mockforge,
    #[value(help = "A feed recorder's file with one message per line")]
    Lines,
    #[value(help = "A packet capture: pcap or pcapng (tcpdump, dumpcap, Wireshark)")]
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
            return Err("--layout, --time, --message and --every work only with lines".into());
        }
        if self.ends.is_some() && !matches!(self.format, Format::Har | Format::Mitmproxy) {
            return Err("--ends works only with har and mitmproxy".into());
        }
        another(&self.file, self.output.file())?;
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
                "wstape: the lines have no known times, so the messages are {} ms apart; use \
                 --time to say where a line has its time, or --every to set the interval",
                Lines::default().every.to_ms_text()
            );
        }
        if imported.waits > 0 {
            eprintln!(
                "{} for a client message in MockForge; the tape sends at the line's time instead \
                 (x-wait-for)",
                counted(imported.waits, "line waits", "lines wait")
            );
        }
        if imported.templates > 0 {
            eprintln!(
                "{} a {{{{template}}}}; the tape sends it as plain text (x-template)",
                counted(imported.templates, "line holds", "lines hold")
            );
        }
    }
}
