//! How the lines of a file are to be read.

use wstape_tape::Micros;

use super::time::LineTime;

/// How far apart messages are sent whose lines say no time.
const DEFAULT_EVERY: Micros = Micros::from_ms(100);

/// How the lines of a file are to be read.
///
/// ```
/// use wstape_recorder::{LineTime, Lines};
/// let lines = Lines { time: "/recv_ts".parse()?, message: Some("/msg".to_owned()), ..Lines::default() };
/// assert_eq!(lines.time, LineTime::At("/recv_ts".to_owned()));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    /// Where a line says when its message came.
    pub time: LineTime,
    /// The JSON pointer to the message in a line of JSON; `None` where the message is all of it,
    /// or all behind its time.
    pub message: Option<String>,
    /// How far apart the messages are sent where lines say no time.
    pub every: Micros,
    /// What the lines are.
    pub form: LineForm,
}

/// What the lines of a file are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LineForm {
    /// A message each, with what [`Lines::time`] and [`Lines::message`] say around it.
    #[default]
    Plain,
    /// As Tardis has them: a date, a blank and the message (its API and its cache), or
    /// `{"localTimestamp":…,"message":…}` (`/replay` of its machine). An empty line is where its
    /// recorder lost the connection.
    Tardis,
    /// As cryptofeed's `AsyncFileCallback` has them: seconds, a colon and the message, and lines of
    /// their own for what the client said and when it dialled.
    Cryptofeed,
    /// Rows of CSV below one of names. The pointers' first token names a column, or counts from
    /// 0; what follows leads on in the JSON that stands there.
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
