//! How to read the lines of a file.

use wstape_tape::Micros;

use super::time::LineTime;

/// The default gap between messages if lines have no time.
const DEFAULT_EVERY: Micros = Micros::from_ms(100);

/// How to read the lines of a file.
///
/// ```
/// use wstape_recorder::{LineTime, Lines};
/// let lines = Lines { time: "/recv_ts".parse()?, message: Some("/msg".to_owned()), ..Lines::default() };
/// assert_eq!(lines.time, LineTime::At("/recv_ts".to_owned()));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    /// Where a line has its message's time.
    pub time: LineTime,
    /// The JSON pointer to the message in a JSON line. `None` if the message is the whole line, or
    /// everything after its time.
    pub message: Option<String>,
    /// The gap between messages if lines have no time.
    pub every: Micros,
    /// The format of the lines.
    pub form: LineForm,
}

/// The format of a file's lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LineForm {
    /// One message per line, located by [`Lines::time`] and [`Lines::message`].
    #[default]
    Plain,
    /// Tardis' format: a date, a space and the message (its API and its cache), or
    /// `{"localTimestamp":…,"message":…}` (`/replay` of its machine). At an empty line its recorder
    /// lost the connection.
    Tardis,
    /// The format of cryptofeed's `AsyncFileCallback`: seconds, a colon and the message, with
    /// separate lines for messages of the client and for its dials.
    Cryptofeed,
    /// CSV with a header row. The first token of a pointer is a column's name, or its index from 0;
    /// the rest is a pointer into the JSON in that column.
    Csv,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            time: LineTime::None,
            message: None,
            every: DEFAULT_EVERY,
            form: LineForm::Plain,
        }
    }
}
