//! Patterns for messages, compiled as they are read: regular expressions and JSON paths.

use std::fmt;

use regex::{Regex, RegexBuilder};
use serde_json_path::JsonPath;

/// Longest pattern, in bytes.
pub const MAX_PATTERN_BYTES: usize = 4 << 10;

/// Most memory that a compiled regular expression may take, in bytes.
pub const MAX_COMPILED_PATTERN_BYTES: usize = 1 << 20;

/// How many brackets and parentheses of a JSON path may be open at one time: the parser tries each
/// of them several ways.
pub const MAX_PATH_DEPTH: usize = 8;

/// Why a text is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadPattern {
    /// What is wrong, in a few words.
    message: String,
    /// Where, in characters from the pattern's beginning, if that is known.
    at: Option<usize>,
}

impl BadPattern {
    fn new(message: impl Into<String>, at: Option<usize>) -> Self {
        Self {
            message: message.into(),
            at,
        }
    }

    /// Where, in characters from the pattern's beginning, if that is known.
    #[must_use]
    pub fn at(&self) -> Option<usize> {
        self.at
    }
}

/// Checks that a pattern is not too long.
fn check_length(text: &str) -> Result<(), BadPattern> {
    if text.len() > MAX_PATTERN_BYTES {
        let message = format!("a pattern has at most {} KiB", MAX_PATTERN_BYTES >> 10);
        return Err(BadPattern::new(message, None));
    }
    Ok(())
}

/// A regular expression of the `regex` crate: a search takes time linear in the message.
///
/// Two are equal where their texts are.
#[derive(Debug, Clone)]
pub struct MessageRegex(Regex);

impl MessageRegex {
    /// Compiles it.
    ///
    /// # Errors
    /// If it is invalid, or over [`MAX_PATTERN_BYTES`] or [`MAX_COMPILED_PATTERN_BYTES`].
    pub fn new(text: &str) -> Result<Self, BadPattern> {
        check_length(text)?;
        RegexBuilder::new(text)
            .size_limit(MAX_COMPILED_PATTERN_BYTES)
            .dfa_size_limit(MAX_COMPILED_PATTERN_BYTES)
            .build()
            .map(Self)
            .map_err(|error| bad_regex(&error))
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.as_str()
    }

    /// The compiled expression.
    #[must_use]
    pub fn regex(&self) -> &Regex {
        &self.0
    }

    /// Whether it has a group of that name.
    #[must_use]
    pub fn has_group(&self, name: &str) -> bool {
        self.0.capture_names().flatten().any(|group| group == name)
    }
}

impl PartialEq for MessageRegex {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

/// Makes one line of the crate's error, and finds the place. The crate's own report shows the
/// pattern, carets under it, and then what is wrong.
fn bad_regex(error: &regex::Error) -> BadPattern {
    const INDENT: usize = 4;
    if let regex::Error::CompiledTooBig(_) = error {
        let most = MAX_COMPILED_PATTERN_BYTES >> 20;
        return BadPattern::new(format!("it takes more than {most} MiB when compiled"), None);
    }
    let report = error.to_string();
    let message = report
        .rsplit_once("error: ")
        .map_or(report.as_str(), |(_, what)| what)
        .trim();
    let carets = |line: &&str| line.contains('^') && line.trim_matches([' ', '^']).is_empty();
    let at = report
        .lines()
        .find(carets)
        .and_then(|line| line.chars().position(|c| c == '^'));
    BadPattern::new(message, at.and_then(|at| at.checked_sub(INDENT)))
}

/// Checks that a path does not nest too deep. Brackets in quotes don't count.
fn check_depth(text: &str) -> Result<(), BadPattern> {
    let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
    for (at, c) in text.chars().enumerate() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) if open == c => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[') => depth += 1,
            (None, ')' | ']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_PATH_DEPTH {
            let message = format!("more than {MAX_PATH_DEPTH} nested brackets and parentheses");
            return Err(BadPattern::new(message, Some(at)));
        }
    }
    Ok(())
}

/// A JSON path (RFC 9535).
///
/// Two are equal where their texts are.
#[derive(Debug, Clone)]
pub struct MessagePath {
    text: String,
    path: JsonPath,
}

impl MessagePath {
    /// Parses it.
    ///
    /// # Errors
    /// If it is invalid, or over [`MAX_PATTERN_BYTES`] or [`MAX_PATH_DEPTH`].
    pub fn new(text: &str) -> Result<Self, BadPattern> {
        check_length(text)?;
        check_depth(text)?;
        match JsonPath::parse(text) {
            Ok(path) => Ok(Self {
                text: text.to_owned(),
                path,
            }),
            Err(error) => {
                let message = match error.message() {
                    // What the parser says when it has no details.
                    "parser error" => "not a JSONPath (RFC 9535) from here on",
                    message => message,
                };
                Err(BadPattern::new(message, Some(error.position())))
            }
        }
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The parsed path.
    #[must_use]
    pub fn path(&self) -> &JsonPath {
        &self.path
    }
}

impl PartialEq for MessagePath {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Display for MessagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
