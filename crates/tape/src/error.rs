//! What is wrong with a tape, and where.

use std::fmt;
use std::io;

/// What is wrong with a tape, worded for the person who has to repair it.
///
/// Displays as one sentence that starts with file, line and column;
/// [`report`](TapeError::report) adds the line's text with a caret underneath.
///
/// ```
/// let text = "{\"tape\":1}\n{\"at_ms\":5,\"hang\":1}\n";
/// let error = wstape_tape::Tape::parse("x.jsonl", text).unwrap_err();
/// assert_eq!(error.to_string(), "x.jsonl:2:19: \"hang\" must be true or false, found 1");
/// assert_eq!((error.line(), error.column(), error.key()), (2, 19, Some("hang")));
/// ```
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct TapeError(Box<Detail>);

/// The kind of flaw in a tape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TapeErrorKind {
    /// The file could not be opened or read.
    Io,
    /// Not UTF-8, or a byte order mark.
    Encoding,
    /// A file compressed with gzip or zstd.
    Packed,
    /// A line that is not one JSON object.
    Json,
    /// A key that the format doesn't have there.
    UnknownKey,
    /// A key that appears twice in one object.
    DuplicateKey,
    /// A key that must be there and isn't.
    MissingKey,
    /// A value of the wrong type or out of range.
    Value,
    /// A key that doesn't go with the rest of the line.
    Misplaced,
    /// A step that comes too late in the tape.
    Order,
    /// A version, a feature or a fault that is known but not played here.
    Unsupported,
    /// More than a bound of the format allows.
    Limit,
}

#[derive(Debug, Clone)]
struct Detail {
    file: String,
    line: u64,
    column: u64,
    key: Option<String>,
    kind: TapeErrorKind,
    message: String,
    help: Option<String>,
    excerpt: Option<Excerpt>,
    io: Option<io::ErrorKind>,
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            write!(f, "{}: {}", self.file, self.message)
        } else {
            write!(
                f,
                "{}:{}:{}: {}",
                self.file, self.line, self.column, self.message
            )
        }
    }
}

impl TapeError {
    /// A flaw of a line, placed in its file.
    pub(crate) fn in_line(file: &str, line: u64, text: &[u8], flaw: Flaw) -> Self {
        let at = flaw.at.min(text.len());
        let before = String::from_utf8_lossy(&text[..at]).chars().count();
        Self(Box::new(Detail {
            file: file.to_owned(),
            line,
            column: before as u64 + 1,
            key: flaw.key,
            kind: flaw.kind,
            message: flaw.message,
            help: flaw.help,
            // Nobody can read an excerpt of packed bytes.
            excerpt: (flaw.kind != TapeErrorKind::Packed)
                .then(|| Excerpt::around(text, at, flaw.len)),
            io: None,
        }))
    }

    /// A failure to open (line 0) or to read on after `line` lines.
    pub(crate) fn io(file: &str, line: u64, doing: &str, error: &io::Error) -> Self {
        Self(Box::new(Detail {
            file: file.to_owned(),
            line,
            column: u64::from(line > 0),
            key: None,
            kind: TapeErrorKind::Io,
            message: format!("cannot {doing} the tape: {error}"),
            help: None,
            excerpt: None,
            io: Some(error.kind()),
        }))
    }

    /// Name of the file, as the reader was given it.
    pub fn file(&self) -> &str {
        &self.0.file
    }

    /// Line number, from 1; 0 if the file could not be opened.
    pub fn line(&self) -> u64 {
        self.0.line
    }

    /// Column in characters, from 1; 0 if the file could not be opened.
    pub fn column(&self) -> u64 {
        self.0.column
    }

    /// The offending key, if there is one.
    pub fn key(&self) -> Option<&str> {
        self.0.key.as_deref()
    }

    /// What kind of flaw it is.
    pub fn kind(&self) -> TapeErrorKind {
        self.0.kind
    }

    /// The sentence without file, line and column.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The kind of the underlying input error, if there is one.
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        self.0.io
    }

    /// Returns the sentence, and below it the line's text (cut around the place if it is long) with
    /// carets under what is wrong, followed by the list of choices if it is too long for the
    /// sentence. Ends without a newline.
    ///
    /// ```
    /// let text = "{\"tape\":1}\n{\"at_ms\":5,\"hang\":1}\n";
    /// let error = wstape_tape::Tape::parse("x.jsonl", text).unwrap_err();
    /// assert_eq!(error.report(), concat!(
    ///     "x.jsonl:2:19: \"hang\" must be true or false, found 1\n",
    ///     "  |\n",
    ///     "2 | {\"at_ms\":5,\"hang\":1}\n",
    ///     "  |                   ^",
    /// ));
    /// ```
    pub fn report(&self) -> String {
        let Some(excerpt) = &self.0.excerpt else {
            return self.to_string();
        };
        let number = self.0.line.to_string();
        let gutter = " ".repeat(number.len());
        let (text, indent) = (&excerpt.text, " ".repeat(excerpt.indent));
        let carets = "^".repeat(excerpt.carets);
        let help = self.0.help.as_deref().map_or_else(String::new, |help| {
            let lead = format!("\n{gutter} = ");
            wrapped(help).map(|line| lead.clone() + line).collect()
        });
        format!("{self}\n{gutter} |\n{number} | {text}\n{gutter} | {indent}{carets}{help}")
    }
}

/// Wraps text into lines that fit beside the excerpt.
fn wrapped(text: &str) -> impl Iterator<Item = &str> {
    const MAX_LINE_CHARS: usize = 90;
    let mut rest = text;
    std::iter::from_fn(move || {
        let long = rest.char_indices().nth(MAX_LINE_CHARS).map(|(at, _)| at);
        let end = long.and_then(|long| rest[..long].rfind(' '));
        let (line, behind) = rest.split_at(end.unwrap_or(rest.len()));
        rest = behind.trim_start();
        (!line.is_empty()).then_some(line)
    })
}

/// The part of a line that an error shows.
#[derive(Debug, Clone)]
struct Excerpt {
    text: String,
    /// Characters before the carets.
    indent: usize,
    carets: usize,
}

impl Excerpt {
    /// Characters shown before the place, and from it on.
    const BEFORE_CHARS: usize = 50;
    const FROM_CHARS: usize = 50;

    /// Cuts the line, so that one of any length costs a bounded amount of memory and of screen.
    fn around(line: &[u8], at: usize, len: usize) -> Self {
        // A character is at most four bytes, so these bounds hold all that can be shown.
        let start = at.saturating_sub(4 * (Self::BEFORE_CHARS + 1));
        let end = line.len().min(at + 4 * (Self::FROM_CHARS + 1));
        let before = shown(&line[start..at]);
        let from = shown(&line[at..end]);
        let carets = shown(&line[at..end.min(at + len)]).len();

        let skipped = before.len().saturating_sub(Self::BEFORE_CHARS);
        let mut text = String::new();
        let mut indent = before.len() - skipped;
        if skipped > 0 {
            text.push('…');
            indent += 1;
        }
        text.extend(&before[skipped..]);
        text.extend(from.iter().take(Self::FROM_CHARS));
        if from.len() > Self::FROM_CHARS {
            text.push('…');
        }
        let text = text.trim_end().to_owned();
        Self {
            text,
            indent,
            carets: carets.clamp(1, Self::FROM_CHARS),
        }
    }
}

/// Makes text safe to show on a terminal: each control character becomes a space.
fn shown(bytes: &[u8]) -> Vec<char> {
    let blank = |c: char| if c.is_control() { ' ' } else { c };
    String::from_utf8_lossy(bytes).chars().map(blank).collect()
}

/// What is wrong with a line, before its file and number are known.
#[derive(Debug)]
pub(crate) struct Flaw {
    /// Byte offset in the line.
    pub(crate) at: usize,
    /// How many bytes it covers.
    pub(crate) len: usize,
    pub(crate) key: Option<String>,
    pub(crate) kind: TapeErrorKind,
    pub(crate) message: String,
    /// What the report adds: the possible choices, if they don't fit in the sentence.
    pub(crate) help: Option<String>,
    /// Whether the line may be the beginning of a valid one: at the end of a file, it is torn.
    pub(crate) incomplete: bool,
}

impl Flaw {
    pub(crate) fn new(
        kind: TapeErrorKind,
        at: usize,
        len: usize,
        message: impl Into<String>,
    ) -> Self {
        Self {
            at,
            len,
            key: None,
            kind,
            message: message.into(),
            help: None,
            incomplete: false,
        }
    }

    pub(crate) fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }
}
