//! How to read the lines of a file.

use wstape_tape::Micros;

use super::time::LineTime;

/// The gap between messages whose lines give no time.
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
    /// Where a line gives its message's time.
    pub time: LineTime,
    /// The JSON pointer to the message in a JSON line; `None` if the message is all of it, or
    /// everything after its time.
    pub message: Option<String>,
    /// The gap between messages if lines give no time.
    pub every: Micros,
    /// The format of the lines.
    pub form: LineForm,
}

/// The format of a file's lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LineForm {
    /// One message each, located by [`Lines::time`] and [`Lines::message`].
    #[default]
    Plain,
    /// Tardis' format: a date, a blank and the message (its API and its cache), or
    /// `{"localTimestamp":…,"message":…}` (`/replay` of its machine). An empty line is where its
    /// recorder lost the connection.
    Tardis,
    /// The format of cryptofeed's `AsyncFileCallback`: seconds, a colon and the message, with
    /// separate lines for what the client said and when it dialled.
    Cryptofeed,
    /// Rows of CSV under a row of names. The pointers' first token names a column, or is its index
    /// from 0; the rest leads into the JSON there.
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
