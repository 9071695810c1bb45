//! Where and how a line says its time.

use std::str::FromStr;

use crate::import::wall::Wall;

/// Where a line says its time, and in which unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineTime {
    /// Nowhere.
    None,
    /// At this JSON pointer: a number whose magnitude tells its unit, or a date of RFC 3339.
    At(String),
    /// Before the message and a blank: nanoseconds since 1970, as hftbacktest's collectors write.
    Nanoseconds,
    /// Likewise: microseconds.
    Microseconds,
    /// Likewise: milliseconds.
    Milliseconds,
    /// Likewise: seconds.
    Seconds,
    /// Likewise: a date and time of RFC 3339.
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
            Self::None | Self::At(_) => return None,
            Self::Nanoseconds => (Wall::from_nanoseconds, "nanoseconds since 1970"),
            Self::Microseconds => (Wall::from_microseconds, "microseconds since 1970"),
            Self::Milliseconds => (Wall::from_milliseconds, "milliseconds since 1970"),
            Self::Seconds => (Wall::from_seconds, "seconds since 1970"),
            Self::Date => (Wall::from_date, "a date and time (RFC 3339)"),
        })
    }
}

/// A time wherever it stands: a number whose magnitude tells its unit, or a date.
pub(super) fn any(text: &str) -> Option<Wall> {
    Wall::from_any_epoch(text).or_else(|| Wall::from_date(text))
}

/// A line's time and what stands behind it, each unit by its own `parse`. A date may have a blank
/// between day and hour.
pub(super) fn split(text: &str, parse: Parse) -> Option<(Wall, &str)> {
    const DIVIDES: [char; 3] = [' ', '\t', ','];
    let (first, rest) = text.split_once(DIVIDES)?;
    if let Some(at) = parse(first) {
        return Some((at, rest.trim_start()));
    }
    let (hour, rest) = rest.split_once(DIVIDES)?;
    Some((parse(&format!("{first}T{hour}"))?, rest.trim_start()))
}
