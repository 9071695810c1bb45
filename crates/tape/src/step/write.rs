//! Writes a step as a line.

use std::borrow::Cow;

use super::conn::Conn;
use super::fields::Step;
use super::trigger::{Trigger, write_trigger};
use crate::Direction;
use crate::json::Pen;

/// Bytes that a line usually takes besides its payload.
const USUAL_BYTES: usize = 96;

impl Step {
    /// The line, without a newline: as it was read if it was read and not changed, else in
    /// [canonical form](Self::to_canonical).
    ///
    /// ```
    /// use wstape_tape::{Action, End, Micros, Step};
    /// let step = Step::at(Micros::from_ms(5), Action::Drop(End::Fin));
    /// assert_eq!(step.to_line(), r#"{"at_ms":5,"drop":"fin"}"#);
    /// ```
    #[must_use]
    pub fn to_line(&self) -> String {
        self.read_line().text_or(|| self.to_canonical())
    }

    /// The line in canonical form: keys in the order of the format's reference, defaults left
    /// out, no spaces. A step whose values the format allows parses back to an equal one, apart
    /// from `note` and `x-` keys inside the action. An emit that is not one line of JSON with an
    /// `event` is written as the `text` or `frame` that sends the same bytes.
    #[must_use]
    pub fn to_canonical(&self) -> String {
        let mut line = String::new();
        self.push_canonical(&mut line);
        line
    }

    /// As [`to_canonical`](Self::to_canonical), appended to `text`.
    pub fn push_canonical(&self, text: &mut String) {
        let before = text.len();
        let payload = self.action.payload_bytes();
        let mut pen = Pen::behind(std::mem::take(text), payload + USUAL_BYTES);
        Self::write_head(&mut pen, &self.trigger, self.conn);
        if let Some(path) = &self.path {
            pen.string("path", path);
        }
        if let Some(engine) = &self.engine {
            pen.string("engine", engine);
        }
        if self.direction != Direction::Both {
            pen.string("direction", self.direction.word());
        }
        self.action.write(&mut pen);
        if let Some(for_us) = self.for_us {
            pen.ms("for_ms", for_us);
        }
        if let Some(times) = self.times {
            pen.json("times", times);
        }
        if let Some(probability) = self.probability {
            pen.json("probability", probability);
        }
        if let Some(jitter) = self.jitter {
            pen.ms("jitter_ms", jitter);
        }
        if let Some(seed) = self.seed {
            pen.json("seed", seed);
        }
        pen.tail(self.note.as_deref(), &self.extensions);
        pen.close();
        *text = pen.finish();
        debug_assert!(!text[before..].contains('\n'), "a step is one line");
    }

    /// Writes the start of a line: when, and on which connection.
    pub(crate) fn write_head(pen: &mut Pen, trigger: &Trigger, conn: Conn) {
        pen.open();
        write_trigger(pen, trigger);
        if let Conn::Nth(nth) = conn {
            pen.number("conn", nth);
        }
    }

    /// What a journal says when the step is played: the action's [`words`](crate::Action::words),
    /// and the direction if a link condition holds in only one.
    ///
    /// ```
    /// let line = r#"{"at_ms":5,"latency_ms":40,"direction":"to_client"}"#;
    /// let step = wstape_tape::Step::parse("stdin", 1, line)?;
    /// assert_eq!(step.words(), "latency 40 ms to_client");
    /// # Ok::<(), wstape_tape::TapeError>(())
    /// ```
    #[must_use]
    pub fn words(&self) -> Cow<'static, str> {
        let words = self.action.words();
        if self.direction == Direction::Both {
            return words;
        }
        format!("{words} {}", self.direction.word()).into()
    }
}
