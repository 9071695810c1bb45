//! Reads a journal file, line by line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde_json::value::RawValue;
use wstape_tape::Micros;

use super::header::{JOURNAL_VERSION, JournalHeader};
use super::line::{JournalLine, JournalTime, Repeats, Said};
use super::members::Members;

/// The longest line of a journal, in bytes: what is kept of a request or a frame, escaped, with
/// room to spare.
pub const MAX_JOURNAL_LINE_BYTES: usize = 1 << 20;

/// Why a journal can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The file can't be opened or read.
    #[error("{file}: cannot read the journal: {source}")]
    Io {
        /// The name of the file.
        file: String,
        /// The system's error.
        source: io::Error,
    },
    /// The first line is not a journal's.
    #[error(
        "{file}: not a journal: its first line must be {{\"journal\":1,…}}, as `wstape serve --journal` writes it"
    )]
    NoHeader {
        /// The name of the file.
        file: String,
    },
    /// Its version is not one that this reader knows.
    #[error(
        "{file}: the journal has version {version}, but this program reads version \
         {JOURNAL_VERSION}"
    )]
    Version {
        /// The name of the file.
        file: String,
        /// The version that it states.
        version: u32,
    },
    /// A line is invalid.
    #[error("{file}:{line}: {flaw}")]
    Line {
        /// The name of the file.
        file: String,
        /// The number of the line, from 1.
        line: u64,
        /// What is wrong with it.
        flaw: String,
    },
}

/// Reads a journal: its header at once, then one line at a time, so that a journal of any length
/// takes constant memory.
///
/// Entries of unknown kinds are skipped and counted; unknown members are skipped. A last line that
/// breaks off, as a killed run leaves it, ends the journal.
///
/// ```
/// use wstape_mock_engine::{JournalKind, JournalReader, Said};
///
/// let text = concat!(
///     r#"{"journal":1,"by":"x 1","url":"ws://127.0.0.1:1/ws","up":"2026-01-01T00:00:00Z"}"#, "\n",
///     r#"{"at_ms":0,"waited_ms":12.5,"kind":"began"}"#, "\n",
///     r#"{"at_ms":7,"conn":1,"kind":"upgraded"}"#, "\n",
///     r#"{"at_ms":9,"conn":1,"ki"#,
/// );
/// let mut reader = JournalReader::new("j.jsonl", text.as_bytes()).unwrap();
/// assert_eq!(reader.header().url, "ws://127.0.0.1:1/ws");
/// let lines: Vec<_> = reader.by_ref().collect::<Result<_, _>>().unwrap();
/// assert!(matches!(lines[0].said, Said::Once { conn: None, kind: JournalKind::Began }));
/// assert_eq!(lines[1].to_string(), "      0.007000 #1 upgraded");
/// assert!(reader.torn());
/// ```
#[derive(Debug)]
pub struct JournalReader<R> {
    file: String,
    input: R,
    header: JournalHeader,
    /// The number of lines read so far.
    line: u64,
    skipped: u64,
    torn: bool,
    /// Whether reading is over.
    over: bool,
}

/// The part of a header that every version has.
#[derive(serde::Deserialize)]
struct Version {
    journal: u32,
}

impl JournalReader<BufReader<File>> {
    /// Opens a file.
    ///
    /// # Errors
    /// If it can't be read, or its first line is not a journal's header in a version that is known.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, JournalError> {
        let name = path.as_ref().display().to_string();
        match File::open(&path) {
            Ok(file) => Self::new(name, BufReader::new(file)),
            Err(source) => Err(JournalError::Io { file: name, source }),
        }
    }
}

impl<R: BufRead> JournalReader<R> {
    /// Reads the header; `file` is the name that errors give to the input.
    ///
    /// # Errors
    /// If it can't be read, or its first line is not a journal's header in a version that is known.
    pub fn new(file: impl Into<String>, input: R) -> Result<Self, JournalError> {
        let mut reader = Self {
            file: file.into(),
            input,
            header: JournalHeader::new(None, String::new(), chrono::DateTime::UNIX_EPOCH),
            line: 0,
            skipped: 0,
            torn: false,
            over: false,
        };
        let first = reader.next_line()?.unwrap_or_default();
        let file = || reader.file.clone();
        let Ok(Version { journal: version }) = serde_json::from_slice(&first) else {
            return Err(JournalError::NoHeader { file: file() });
        };
        if version != JOURNAL_VERSION {
            return Err(JournalError::Version {
                file: file(),
                version,
            });
        }
        match serde_json::from_slice(&first) {
            Ok(header) => reader.header = header,
            Err(error) => return Err(reader.flaw(error.to_string())),
        }
        Ok(reader)
    }

    /// The journal's header.
    #[must_use]
    pub fn header(&self) -> &JournalHeader {
        &self.header
    }

    /// Whether the last line broke off; known once the end is reached.
    #[must_use]
    pub fn torn(&self) -> bool {
        self.torn
    }

    /// The number of lines of unknown kinds so far.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    fn flaw(&self, flaw: impl Into<String>) -> JournalError {
        JournalError::Line {
            file: self.file.clone(),
            line: self.line,
            flaw: flaw.into(),
        }
    }

    /// Reads the next whole line, without its newline.
    fn next_line(&mut self) -> Result<Option<Vec<u8>>, JournalError> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.input).take(MAX_JOURNAL_LINE_BYTES as u64 + 1);
        if let Err(source) = bounded.read_until(b'\n', &mut line) {
            return Err(JournalError::Io {
                file: self.file.clone(),
                source,
            });
        }
        if line.is_empty() {
            return Ok(None);
        }
        self.line += 1;
        if line.pop_if(|last| *last == b'\n').is_some() {
            return Ok(Some(line));
        }
        if line.len() > MAX_JOURNAL_LINE_BYTES {
            return Err(self.flaw(format!("longer than {MAX_JOURNAL_LINE_BYTES} bytes")));
        }
        self.torn = true;
        Ok(None)
    }

    fn read(&mut self) -> Result<Option<JournalLine>, JournalError> {
        while let Some(text) = self.next_line()? {
            match parse(&text) {
                Ok(Some(line)) => return Ok(Some(line)),
                Ok(None) => self.skipped += 1,
                Err(flaw) => return Err(self.flaw(flaw)),
            }
        }
        Ok(None)
    }
}

impl<R: BufRead> Iterator for JournalReader<R> {
    type Item = Result<JournalLine, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let line = self.read().transpose();
        self.over = !matches!(line, Some(Ok(_)));
        line
    }
}

/// Parses a line; `None` for one of an unknown kind.
fn parse(text: &[u8]) -> Result<Option<JournalLine>, String> {
    let mut members: Members = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let time = |raw: Option<Box<RawValue>>, name: &str| match raw {
        None => Ok(None),
        Some(raw) => match Micros::parse_ms(raw.get()) {
            Some(time) => Ok(Some(time)),
            None => Err(format!("{name:?} must be milliseconds, found {raw}")),
        },
    };
    let at = time(members.at_ms.take(), "at_ms")?.ok_or_else(|| {
        // As after `cat one.jsonl two.jsonl`, whose times begin anew.
        match serde_json::from_slice::<Version>(text) {
            Ok(_) => "another journal begins here; put each run's lines into a file of its own",
            Err(_) => "the key \"at_ms\" is missing",
        }
    })?;
    let at = match time(members.waited_ms.take(), "waited_ms")? {
        Some(waited) => JournalTime::Before(waited),
        None => JournalTime::At(at),
    };
    let kind = members.kind.take().ok_or("the key \"kind\" is missing")?;
    if kind == "missing" {
        let entries = members.entries.ok_or("the key \"entries\" is missing")?;
        let said = Said::Missing { entries };
        return Ok(Some(JournalLine { at, said }));
    }
    if let Some(times) = members.times {
        let repeats = Repeats {
            kind,
            what: members.what.take().unwrap_or_default(),
            times,
            lasted: time(members.over_ms.take(), "over_ms")?.unwrap_or_default(),
        };
        let said = Said::Repeats(repeats);
        return Ok(Some(JournalLine { at, said }));
    }
    let conn = members.conn;
    match members.into_kind(&kind) {
        Ok(None) => Ok(None),
        Ok(Some(kind)) => Ok(Some(JournalLine {
            at,
            said: Said::Once { conn, kind },
        })),
        Err(bad) => Err(format!(
            "the key {:?} of {kind:?} is missing or wrong",
            bad.0
        )),
    }
}
