//! Where a line has its time, and in which format.

use std::str::FromStr;

use crate::import::wall::Wall;

/// Where a line has its time, and in which unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineTime {
    /// The line has no time.
    None,
    /// At this JSON pointer: a number whose magnitude implies its unit, or an RFC 3339 date.
    At(String),
    /// Before the message, separated by a space or the like: nanoseconds since 1970, as
    /// hftbacktest's collectors write them.
    Nanoseconds,
    /// Like [`Nanoseconds`](Self::Nanoseconds), in microseconds.
    Microseconds,
    /// Like [`Nanoseconds`](Self::Nanoseconds), in milliseconds.
    Milliseconds,
    /// Like [`Nanoseconds`](Self::Nanoseconds), in seconds.
    Seconds,
    /// Before the message: an RFC 3339 date and time.
    Date,
}

impl FromStr for LineTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "none" => Self::None,
            "ns" => Self::Nanoseconds,
            "us" => Self::Microseconds,
            "ms" => Self::Milliseconds,
            "s" => Self::Seconds,
            "iso" => Self::Date,
            pointer if pointer.starts_with('/') => Self::At(pointer.to_owned()),
            _ => {
                return Err(
                    "expected a JSON pointer such as /recv_ts, or ns, us, ms, s, iso for a time \
                     before the message, or none"
                        .to_owned(),
                );
            }
        })
    }
}

/// A function that parses a time in one unit.
type Parse = fn(&str) -> Option<Wall>;

impl LineTime {
    /// How to parse a number before the message, and what errors call it; `None` if the time is not
    /// such a number.
    pub(super) fn before_message(&self) -> Option<(Parse, &'static str)> {
        Some(match self {
            Self::None | Self::At(_) | Self::Date => return None,
            Self::Nanoseconds => (Wall::from_nanoseconds, "nanoseconds since 1970"),
            Self::Microseconds => (Wall::from_microseconds, "microseconds since 1970"),
            Self::Milliseconds => (Wall::from_milliseconds, "milliseconds since 1970"),
            Self::Seconds => (Wall::from_seconds, "seconds since 1970"),
        })
    }
}

/// The longest date and time, in bytes.
const MAX_DATE_BYTES: usize = 48;

/// The characters that separate a time from its message.
const DIVIDES: [char; 5] = [' ', '\t', ',', ';', '|'];

/// Parses a time of any kind: a number whose magnitude implies its unit, or a date.
pub(super) fn any(text: &str) -> Option<Wall> {
    Wall::from_any_epoch(text).or_else(|| date(text))
}

/// Splits a line into its time, the time's own text, and what follows.
pub(super) fn split(text: &str, parse: Parse) -> Option<(Wall, &str, &str)> {
    // cryptofeed's raw files have a colon after the number.
    let (first, rest) = text.split_once(|c| c == ':' || DIVIDES.contains(&c))?;
    Some((parse(first)?, first, rest.trim_start()))
}

/// Splits a line into its date and what follows. A date may have a space between day and hour, a
/// comma before its fraction, and brackets around it, as in logs.
pub(super) fn split_date(text: &str) -> Option<(Wall, &str)> {
    if let Some((inside, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return Some((date(inside)?, rest.trim_start()));
    }
    let ends = text.char_indices().filter(|(_, c)| DIVIDES.contains(c));
    let ends = ends.take_while(|(at, _)| *at <= MAX_DATE_BYTES);
    // The longest text that is a date counts, as a comma may precede its fraction. A text with a
    // comma only counts if white space follows: otherwise the comma separates columns.
    let read = |(at, divide): (usize, char)| {
        let first = &text[..at];
        let is_column = first.contains(',') && !divide.is_whitespace();
        let at = date(first).filter(|_| !is_column)?;
        Some((at, text[first.len() + 1..].trim_start()))
    };
    ends.filter_map(read).last()
}

fn date(text: &str) -> Option<Wall> {
    if text.len() > MAX_DATE_BYTES {
        return None;
    }
    let text = text.trim().replacen(' ', "T", 1).replacen(',', ".", 1);
    Wall::from_date(&text)
}

/// The unit that a number must have if its value `at`, in the expected unit, can't be the time that
/// the recorder meant.
pub(super) fn other_unit(text: &str, at: Wall) -> Option<&'static str> {
    let is =
        |parse: Parse| parse(text).is_some_and(|other| Some(other) == Wall::from_any_epoch(text));
    let meant = Wall::from_any_epoch(text)?;
    let units: [(Parse, &str); 4] = [
        (Wall::from_nanoseconds, "ns"),
        (Wall::from_microseconds, "us"),
        (Wall::from_milliseconds, "ms"),
        (Wall::from_seconds, "s"),
    ];
    let unit = units.into_iter().find(|(parse, _)| is(*parse));
    unit.filter(|_| meant != at).map(|(_, unit)| unit)
}
