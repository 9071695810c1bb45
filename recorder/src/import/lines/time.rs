//! Where and how a line gives its time.

use std::str::FromStr;

use crate::import::wall::Wall;

/// Where a line gives its time, and in which unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineTime {
    /// Nowhere.
    None,
    /// At this JSON pointer: a number whose magnitude implies its unit, or an RFC 3339 date.
    At(String),
    /// Before the message and a blank: nanoseconds since 1970, as hftbacktest's collectors write.
    Nanoseconds,
    /// Likewise: microseconds.
    Microseconds,
    /// Likewise: milliseconds.
    Milliseconds,
    /// Likewise: seconds.
    Seconds,
    /// Likewise: an RFC 3339 date and time.
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

/// Reads a time of one unit.
type Parse = fn(&str) -> Option<Wall>;

impl LineTime {
    /// How a time before the message is read, and what it is called; `None` where it stands
    /// elsewhere.
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

/// Most bytes of a date and time.
const MAX_DATE_BYTES: usize = 48;

/// What divides a time from its message.
const DIVIDES: [char; 5] = [' ', '\t', ',', ';', '|'];

/// A time wherever it stands: a number whose magnitude tells its unit, or a date.
pub(super) fn any(text: &str) -> Option<Wall> {
    Wall::from_any_epoch(text).or_else(|| date(text))
}

/// A line's time, as it stands, and what stands behind it: each unit by its own `parse`.
pub(super) fn split(text: &str, parse: Parse) -> Option<(Wall, &str, &str)> {
    // cryptofeed's raw files have a colon behind the number.
    let (first, rest) = text.split_once(|c| c == ':' || DIVIDES.contains(&c))?;
    Some((parse(first)?, first, rest.trim_start()))
}

/// A line's date and what follows it. A date may have a blank between day and hour, a comma before
/// its fraction, and brackets around it, as in logs.
pub(super) fn split_date(text: &str) -> Option<(Wall, &str)> {
    if let Some((inside, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return Some((date(inside)?, rest.trim_start()));
    }
    let ends = text.char_indices().filter(|(_, c)| DIVIDES.contains(c));
    let ends = ends.take_while(|(at, _)| *at <= MAX_DATE_BYTES);
    // The longest: a fraction may follow what is a date already. Behind a comma a column may.
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

/// The unit that a number must have if `at`, its value in another unit, is not a time a recorder
/// can have meant.
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
