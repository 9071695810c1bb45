//! Lines of what an engine sends, written without making a [`Step`] for each.

use crate::action::write_event;
use crate::json::Pen;
use crate::{Conn, Micros, Step, Trigger};

/// Bytes of a line besides its message and what precedes it.
const USUAL_BYTES: usize = 16;

/// Writes the lines of events as they come, for a recorder that has no use for a [`Step`] for each.
/// Quickest where many events in a row have the same time and connection.
///
/// Each line is that of a step that [emits](crate::Action::Emit) the message, in [canonical
/// form](Step::push_canonical): a message that is not an event is written as an action that sends
/// the same bytes.
///
/// ```
/// use wstape_tape::{Conn, EventLines, Micros};
/// let (mut lines, mut text) = (EventLines::default(), String::new());
/// for message in ["{\"event\":\"a\"}", "{\"a\":1}"] {
///     lines.push(&mut text, Micros::from_ms(5), Conn::Nth(1), message.as_bytes());
///     text.push('\n');
/// }
/// let expected = concat!(
///     r#"{"at_ms":5,"conn":1,"emit":{"event":"a"}}"#, "\n",
///     r#"{"at_ms":5,"conn":1,"text":"{\"a\":1}"}"#, "\n",
/// );
/// assert_eq!(text, expected);
/// ```
#[derive(Debug, Default)]
pub struct EventLines {
    /// How the lines that have the time and connection in `of` begin.
    head: String,
    of: Option<(Micros, Conn)>,
}

impl EventLines {
    /// Appends the line of a message, without its newline, to `text`.
    pub fn push(&mut self, text: &mut String, at: Micros, conn: Conn, message: &[u8]) {
        if self.of != Some((at, conn)) {
            self.of = Some((at, conn));
            let mut pen = Pen::behind(std::mem::take(&mut self.head), 0);
            pen.clear();
            Step::write_head(&mut pen, &Trigger::At(at), conn);
            self.head = pen.finish();
        }
        let bytes = self.head.len() + message.len() + USUAL_BYTES;
        let mut pen = Pen::behind(std::mem::take(text), bytes);
        pen.again(&self.head);
        write_event(message, &mut pen);
        pen.close();
        *text = pen.finish();
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::Action;

    proptest! {
        #[test]
        fn a_line_is_that_of_a_step(
            messages in proptest::collection::vec(
                (
                    0_u64..4,
                    0_u64..3,
                    prop_oneof![
                        r#"\{"event": ?("a"|7|"\\n"),"b":[0-9]\}"#,
                        r#"\{("b":1,)?"(event|\\u0065vent)":"c"\}"#,
                        "[{}a\n\"]{0,6}",
                    ],
                ),
                0..8,
            ),
            torn in any::<bool>(),
        ) {
            let mut lines = EventLines::default();
            for (at, conn, message) in messages {
                let at = Micros(at * 1_500);
                let conn = if conn == 0 { Conn::All } else { Conn::Nth(conn) };
                let mut message = message.into_bytes();
                if torn {
                    message.push(0xff);
                }
                let mut text = "before".to_owned();
                lines.push(&mut text, at, conn, &message);
                let mut step = Step::at(at, Action::Emit(Bytes::from(message)));
                step.conn = conn;
                prop_assert_eq!(text, format!("before{}", step.to_canonical()));
            }
        }
    }
}
