//! Turns the recordings of other tools into tapes.
//!
//! | part | what is in it |
//! | --- | --- |
//! | `capture` | network captures, as steps |
//! | `har`, `mitmproxy` (and its `tnetstring`), `mockforge`, `lines` | the connections in a file |
//! | `session` | a connection as a sequence of moments, made by each of these formats |
//! | `choice` | which connections become the tape |
//! | `merge` | merges several connections into the steps of one tape |
//! | `input`, `unpack` | opens the file and unpacks it |
//! | `kind` | recognizes a file of another format than it was said to be |
//! | `wall` | wall-clock times as other tools write them |

mod body;
mod capture;
mod choice;
mod har;
mod imported;
mod input;
mod kind;
mod lines;
mod merge;
mod mitmproxy;
mod mockforge;
mod session;
mod tnetstring;
mod unpack;
mod wall;

use std::fmt;
use std::path::Path;

use wstape_tape::{Action, CONNECTIONS, End, Header, Step};

pub use imported::Imported;
pub use lines::{LineForm, LineTime, Lines};

use crate::error::{ImportError, RecordError};
use crate::recording::{Output, Recording};
use crate::redact::Redactor;
use choice::Choice;
use input::Input;
use merge::Merged;
use session::{Moment, Session};
use wall::Wall;

/// The format of a recording that another tool made. Files may be compressed with gzip or zstd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportFormat {
    /// An HTTP archive with `_webSocketMessages` from Chrome, mitmproxy, HTTP Toolkit or
    /// Playwright, also in a zip; and Playwright's `trace.zip`.
    Har,
    /// mitmproxy's own flow file.
    Mitmproxy,
    /// `MockForge`'s replay file.
    Mockforge,
    /// A feed recorder's file with one message per line.
    Lines,
    /// A network capture: pcap or pcapng.
    Capture,
}

/// The steps of a recording, in order of time.
enum Steps<'a> {
    Merged(Box<Merged<'a>>),
    Capture(Box<capture::Steps<'a>>),
}

impl Steps<'_> {
    fn next(&mut self) -> Option<Result<Step, ImportError>> {
        match self {
            Self::Merged(steps) => steps.next(),
            Self::Capture(steps) => steps.next(),
        }
    }

    fn last_step(&mut self) -> Step {
        match self {
            Self::Merged(steps) => steps.last_step(),
            Self::Capture(steps) => steps.last_step(),
        }
    }

    fn imported(self) -> Imported {
        match self {
            Self::Merged(steps) => steps.imported(),
            Self::Capture(steps) => steps.imported(),
        }
    }
}

/// A recording that is being read: its header, its steps, and what it lacks.
struct Source<'a> {
    header: Header,
    steps: Steps<'a>,
    lacks: Vec<String>,
}

/// An import of a recording that another tool made.
///
/// All of its WebSocket connections become part of the tape, in the order they began, unless some
/// are chosen. Time 0 is the beginning of the first of them.
#[derive(Debug)]
pub struct Import {
    format: ImportFormat,
    input: Input,
    choice: Choice,
    lines: Lines,
    ends_at_next_dial: bool,
}

impl Import {
    /// Imports the file at `path`.
    ///
    /// # Errors
    /// [`ImportError::Read`] if it can't be opened.
    pub fn open(format: ImportFormat, path: &Path) -> Result<Self, ImportError> {
        Ok(Self::new(format, Input::open(path)?))
    }

    /// Imports from standard input.
    #[must_use]
    pub fn stdin(format: ImportFormat) -> Self {
        Self::new(format, Input::stdin())
    }

    fn new(format: ImportFormat, input: Input) -> Self {
        Self {
            format,
            input,
            choice: Choice::default(),
            lines: Lines::default(),
            ends_at_next_dial: false,
        }
    }

    /// Imports only this connection, by its number from 1 in the order they began. Each call adds
    /// one.
    #[must_use]
    pub fn entry(mut self, number: u64) -> Self {
        self.choice.entries.push(number);
        self
    }

    /// Imports only connections whose URL contains this text.
    #[must_use]
    pub fn url(mut self, part: impl Into<String>) -> Self {
        self.choice.url = Some(part.into());
        self
    }

    /// Sets how to read the lines of a feed recorder's file.
    #[must_use]
    pub fn lines(mut self, lines: Lines) -> Self {
        self.lines = lines;
        self
    }

    /// Ends each connection without a recorded end when the next one to its URL begins.
    #[must_use]
    pub fn end_at_next_dial(mut self) -> Self {
        self.ends_at_next_dial = true;
        self
    }

    /// Writes the tape; `progress` is called for each step.
    ///
    /// # Errors
    /// [`RecordError::Import`] if the file is not what it was said to be, breaks off, or holds no
    /// WebSocket connection or not the chosen ones; and the errors of [`Recording`].
    pub fn run(
        mut self,
        output: Output,
        redactor: Redactor,
        mut progress: impl FnMut(),
    ) -> Result<Imported, RecordError> {
        let name = self.input.name().to_owned();
        match self.format {
            ImportFormat::Har => {
                let (bytes, beside) = self.input.archive()?;
                let text = har::text(&name, bytes)?;
                let source = || {
                    let sessions = har::sessions(&name, &text, beside.as_ref(), &self.choice);
                    Ok(self.merged(sessions?))
                };
                self.record(source, output, redactor, &mut progress)
            }
            ImportFormat::Mitmproxy => {
                let reader = self.input.anywhere()?;
                let source = || {
                    let sessions = mitmproxy::sessions(&name, &mut reader.another())?;
                    Ok(self.merged((self.chosen(sessions)?, Vec::new())))
                };
                self.record(source, output, redactor, &mut progress)
            }
            ImportFormat::Mockforge => {
                self.input.keep()?;
                let source = || {
                    let sessions = vec![mockforge::session(&name, self.input.unpacked()?)];
                    Ok(self.merged((self.chosen(sessions)?, Vec::new())))
                };
                self.record(source, output, redactor, &mut progress)
            }
            ImportFormat::Lines => {
                self.input.keep()?;
                let source = || {
                    let lines = self.input.unpacked()?;
                    let sessions = vec![lines::session(&name, &self.lines, lines)?];
                    Ok(self.merged((self.chosen(sessions)?, Vec::new())))
                };
                self.record(source, output, redactor, &mut progress)
            }
            ImportFormat::Capture => {
                self.input.keep()?;
                self.record(|| self.captured(), output, redactor, &mut progress)
            }
        }
    }

    /// Writes the tape of what `source` reads. The header comes first and says which redaction
    /// rules matched, so if there are rules, the file is first read once without writing.
    fn record<'a>(
        &self,
        source: impl Fn() -> Result<Source<'a>, ImportError>,
        output: Output,
        mut redactor: Redactor,
        progress: &mut impl FnMut(),
    ) -> Result<Imported, RecordError> {
        if redactor.has_rules() {
            let Source {
                header, mut steps, ..
            } = source()?;
            redactor.header(header);
            while let Some(step) = steps.next() {
                redactor.step(step?);
            }
            redactor.claim_what_matched();
        }
        let unmatched = redactor.unmatched();
        let Source {
            header,
            mut steps,
            lacks,
        } = source()?;
        let mut recording = Recording::begin(output, header, redactor)?;
        for step in Merged::first_steps() {
            recording.push(step)?;
        }
        while let Some(step) = steps.next() {
            let step: Step = step?;
            merge::bounded(self.input.name(), &step)?;
            progress();
            recording.push(step)?;
        }
        recording.push(steps.last_step())?;
        recording.finish()?;
        let mut imported = steps.imported();
        imported.lacks = lacks;
        if let (messages @ 1.., bytes) = imported.left_out {
            imported.lacks.push(format!(
                "{messages} compressed messages ({bytes} bytes) refer to missing data and are \
                 left out"
            ));
        }
        if let (messages @ 1.., by) = imported.steps_back {
            imported.lacks.push(format!(
                "{messages} of the messages have an earlier time than the message before them, by \
                 up to \
                 {:.1} s: each is sent right after that one; if the lines are out of order, sort them \
                 by time first",
                by.duration().as_secs_f64()
            ));
        }
        imported.unmatched = unmatched;
        Ok(imported)
    }

    fn merged<'a>(&self, (mut sessions, mut lacks): (Vec<Session<'a>>, Vec<String>)) -> Source<'a> {
        if self.ends_at_next_dial {
            end_at_next_dial(&mut sessions);
            lacks.retain(|lack| !lack.contains("--ends next-dial"));
        }
        let begin = sessions.first().map(|first| first.begin);
        let urls = sessions.iter().filter_map(|session| session.url.as_deref());
        let header = self.header(begin, urls, &lacks);
        Source {
            header,
            steps: Steps::Merged(Box::new(Merged::new(self.input.name(), sessions))),
            lacks,
        }
    }

    fn captured(&self) -> Result<Source<'_>, ImportError> {
        let capture = capture::capture(&self.input, &self.choice)?;
        let urls = capture.urls.iter().map(String::as_str);
        Ok(Source {
            header: self.header(Some(capture.begin), urls, &capture.lacks),
            steps: Steps::Capture(Box::new(capture.steps)),
            lacks: capture.lacks,
        })
    }

    /// The chosen connections, in the order they began.
    fn chosen<'a>(&self, sessions: Vec<Session<'a>>) -> Result<Vec<Session<'a>>, ImportError> {
        let listed: Vec<(Wall, Option<&str>)> = sessions
            .iter()
            .map(|session| (session.begin, session.url.as_deref()))
            .collect();
        let chosen = self.choice.of(self.input.name(), &listed)?;
        let mut sessions: Vec<_> = sessions.into_iter().map(Some).collect();
        Ok(chosen
            .iter()
            .filter_map(|at| sessions[*at].take())
            .collect())
    }

    fn header<'u>(
        &self,
        begin: Option<Wall>,
        all: impl Iterator<Item = &'u str>,
        lacks: &[String],
    ) -> Header {
        let file = Path::new(self.input.name()).file_name();
        let file = file.map_or(self.input.name().into(), |name| name.to_string_lossy());
        let mut header = Header::new(format!("Imported from {file} ({})", self.format));
        let mut urls: Vec<String> = Vec::new();
        for url in all.map(session::bare) {
            if !urls.contains(&url) {
                urls.push(url);
            }
        }
        header.source = match urls.as_slice() {
            [] => None,
            [only] => Some(only.clone()),
            [first, _] => Some(format!("{first} and 1 other")),
            [first, others @ ..] => Some(format!("{first} and {} others", others.len())),
        };
        header.recorded_at = begin
            .filter(|begin| begin.is_plausible())
            .and_then(Wall::date);
        header.needs = vec![CONNECTIONS.to_owned()];
        if !lacks.is_empty() {
            header.note = Some(lacks.join("; "));
        }
        header
    }
}

/// Ends each connection without a recorded end when the next one to its URL begins.
fn end_at_next_dial(sessions: &mut [Session<'_>]) {
    let dials: Vec<(Option<String>, Wall)> = sessions
        .iter()
        .map(|session| (session.url.as_deref().map(session::bare), session.begin))
        .collect();
    for (at, session) in sessions.iter_mut().enumerate() {
        let next = dials[at + 1..].iter().find(|(url, _)| *url == dials[at].0);
        let Some((_, next)) = next.filter(|_| session.accepted && !session.ends) else {
            continue;
        };
        let fin = Moment::new(*next, Action::Drop(End::Fin));
        let moments = std::mem::replace(&mut session.moments, Box::new(std::iter::empty()));
        session.moments = Box::new(moments.chain(std::iter::once(Ok(fin))));
        session.until = session.until.min(*next);
        session.ends = true;
    }
}

impl fmt::Display for ImportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Har => "HAR",
            Self::Mitmproxy => "mitmproxy flows",
            Self::Mockforge => "MockForge replay",
            Self::Lines => "lines",
            Self::Capture => "capture",
        })
    }
}
