//! Recordings that other tools made, as tapes.

pub(crate) mod error;
mod har;
mod imported;
mod merge;
mod mitmproxy;
mod mockforge;
mod session;
mod tnetstring;
mod wall;

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use wstape_tape::{CONNECTIONS, Header};

pub use error::ImportError;
pub use imported::Imported;

use crate::error::RecordError;
use crate::recording::{Output, Recording};
use crate::redact::Redactor;
use merge::Merged;
use session::Session;
use tnetstring::Reader;

/// Most bytes of a HAR, which is in memory while it is read.
const MAX_HAR_BYTES: u64 = 4 << 30;

/// Most connections that a tape has (`answers` in FORMAT.md).
const MAX_CONNECTIONS: usize = 4_096;

/// Who wrote a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportFormat {
    /// An HTTP archive with `_webSocketMessages`: Chrome, mitmproxy, HTTP Toolkit, Playwright.
    Har,
    /// mitmproxy's own flow file.
    Mitmproxy,
    /// `MockForge`'s replay file.
    Mockforge,
}

/// A recording that another tool made, about to become a tape.
///
/// All of its WebSocket connections do, in the order of their beginning, unless some are chosen.
/// Time 0 is the beginning of the first of them.
#[derive(Debug)]
pub struct Import {
    format: ImportFormat,
    name: String,
    input: Input,
    entries: Vec<u64>,
    url: Option<String>,
}

#[derive(Debug)]
enum Input {
    File { file: File, path: PathBuf },
    Stdin,
}

impl Import {
    /// Of the file at `path`.
    ///
    /// # Errors
    /// [`ImportError::Read`] where it can't be opened.
    pub fn open(format: ImportFormat, path: &Path) -> Result<Self, ImportError> {
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => {
                let path = path.to_owned();
                Ok(Self::new(format, name, Input::File { file, path }))
            }
            Err(error) => Err(ImportError::Read(name, error)),
        }
    }

    /// Of what comes by standard input.
    #[must_use]
    pub fn stdin(format: ImportFormat) -> Self {
        Self::new(format, "standard input".to_owned(), Input::Stdin)
    }

    fn new(format: ImportFormat, name: String, input: Input) -> Self {
        Self {
            format,
            name,
            input,
            entries: Vec::new(),
            url: None,
        }
    }

    /// Only this connection, by its number from 1 in the order of their beginning; each call adds
    /// one.
    #[must_use]
    pub fn entry(mut self, number: u64) -> Self {
        self.entries.push(number);
        self
    }

    /// Only connections whose URL contains this.
    #[must_use]
    pub fn url(mut self, part: impl Into<String>) -> Self {
        self.url = Some(part.into());
        self
    }

    /// Writes the tape; `progress` is called at each of its steps.
    ///
    /// # Errors
    /// [`RecordError::Import`] where the file is not what it was said to be, breaks off, holds no
    /// WebSocket connection or not the ones that were chosen; those of [`Recording`].
    pub fn run(
        self,
        output: Output,
        redactor: Redactor,
        progress: impl FnMut(),
    ) -> Result<Imported, RecordError> {
        match self.format {
            ImportFormat::Har => {
                let text = har::text(&self.name, self.bytes()?)?;
                let folder = match &self.input {
                    Input::File { path, .. } => Some(path.parent().unwrap_or(Path::new(""))),
                    Input::Stdin => None,
                };
                let sessions = har::sessions(&self.name, &text, folder)?;
                self.record(sessions, output, redactor, progress)
            }
            ImportFormat::Mitmproxy => {
                let mut reader = self.anywhere()?;
                let sessions = mitmproxy::sessions(&self.name, &mut reader)?;
                self.record(sessions, output, redactor, progress)
            }
            ImportFormat::Mockforge => {
                let lines = BufReader::new(self.stream());
                let sessions = vec![mockforge::session(&self.name, lines)];
                self.record(sessions, output, redactor, progress)
            }
        }
    }

    fn stream(&self) -> Box<dyn Read + '_> {
        match &self.input {
            Input::File { file, .. } => Box::new(file),
            Input::Stdin => Box::new(io::stdin().lock()),
        }
    }

    /// All of the input.
    fn bytes(&self) -> Result<Vec<u8>, ImportError> {
        let mut bytes = Vec::new();
        if let Input::File { file, .. } = &self.input {
            let len = file.metadata().map_or(0, |meta| meta.len());
            // A buffer of the file's size, so that it is held once, not up to twice.
            bytes.reserve_exact(usize::try_from(len.min(MAX_HAR_BYTES)).unwrap_or(0) + 1);
        }
        self.stream()
            .take(MAX_HAR_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| ImportError::Read(self.name.clone(), error))?;
        if bytes.len() as u64 > MAX_HAR_BYTES {
            let message = format!(
                "expected {} GiB at most, found more; export fewer entries",
                MAX_HAR_BYTES >> 30
            );
            return Err(self.flaw(message));
        }
        Ok(bytes)
    }

    /// The input as something that can be read anywhere: what comes by a pipe goes into a
    /// temporary file first.
    fn anywhere(&self) -> Result<Reader, ImportError> {
        let failed = |error| ImportError::Read(self.name.clone(), error);
        let file = match &self.input {
            Input::File { file, .. } if file.metadata().is_ok_and(|meta| meta.is_file()) => {
                file.try_clone().map_err(failed)?
            }
            _ => {
                let mut file = tempfile::tempfile().map_err(failed)?;
                io::copy(&mut self.stream(), &mut file).map_err(failed)?;
                file.rewind().map_err(failed)?;
                file
            }
        };
        let len = file.metadata().map_err(failed)?.len();
        Ok(Reader::new(Rc::new(file), len))
    }

    fn flaw(&self, message: String) -> ImportError {
        ImportError::Flaw {
            name: self.name.clone(),
            place: String::new(),
            message,
        }
    }

    fn record(
        &self,
        sessions: Vec<Session<'_>>,
        output: Output,
        redactor: Redactor,
        mut progress: impl FnMut(),
    ) -> Result<Imported, RecordError> {
        let sessions = self.chosen(sessions)?;
        let header = self.header(&sessions);
        let mut merged = Merged::new(sessions);
        let mut recording = Recording::begin(output, header, redactor)?;
        for step in Merged::first_steps() {
            recording.push(step)?;
        }
        while let Some(step) = merged.next() {
            let step = step?;
            merge::bounded(&self.name, &step)?;
            progress();
            recording.push(step)?;
        }
        recording.push(merged.last_step())?;
        recording.finish()?;
        Ok(merged.imported())
    }

    /// The chosen connections, in the order of their beginning.
    fn chosen<'a>(&self, mut sessions: Vec<Session<'a>>) -> Result<Vec<Session<'a>>, ImportError> {
        let nothing = |message| ImportError::Nothing {
            name: self.name.clone(),
            message,
        };
        let all = sessions.len();
        // Stable: of those that began at once the first in the file is the first.
        sessions.sort_by_key(|session| session.begin);
        let missing = |number: &&u64| **number == 0 || **number > all as u64;
        if let Some(number) = self.entries.iter().find(missing) {
            return Err(nothing(format!(
                "expected --entry 1 to {all}, as many WebSocket connections as there are, \
                 found {number}"
            )));
        }
        let mut number = 0;
        sessions.retain(|session| {
            number += 1;
            let url = session.url.as_deref().unwrap_or_default();
            (self.entries.is_empty() || self.entries.contains(&number))
                && self.url.as_ref().is_none_or(|part| url.contains(part))
        });
        if sessions.is_empty() {
            return Err(nothing(format!(
                "expected a WebSocket connection whose URL contains what --url names, found none \
                 among {all}"
            )));
        }
        if sessions.len() > MAX_CONNECTIONS {
            return Err(nothing(format!(
                "expected {MAX_CONNECTIONS} connections at most, found {}; choose some with \
                 --url or --entry",
                sessions.len()
            )));
        }
        Ok(sessions)
    }

    fn header(&self, sessions: &[Session<'_>]) -> Header {
        let file = Path::new(&self.name).file_name();
        let file = file.map_or(self.name.as_str().into(), |name| name.to_string_lossy());
        let mut header = Header::new(format!("Imported from {file} ({})", self.format));
        let mut urls: Vec<String> = Vec::new();
        for session in sessions {
            let url = session.url.as_deref().map(session::bare);
            if let Some(url) = url.filter(|url| !urls.contains(url)) {
                urls.push(url);
            }
        }
        header.source = match urls.as_slice() {
            [] => None,
            [only] => Some(only.clone()),
            [first, _] => Some(format!("{first} and 1 other")),
            [first, others @ ..] => Some(format!("{first} and {} others", others.len())),
        };
        if self.format != ImportFormat::Mockforge {
            header.recorded_at = sessions.first().and_then(|first| first.begin.date());
        }
        header.needs = vec![CONNECTIONS.to_owned()];
        header
    }
}

impl fmt::Display for ImportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Har => "HAR",
            Self::Mitmproxy => "mitmproxy flows",
            Self::Mockforge => "MockForge replay",
        })
    }
}
