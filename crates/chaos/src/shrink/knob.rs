//! The numbers in a step: what each is, how to get and set it.

use wstape_tape::{Action, After, Conn, Garbage, Latency, Micros, Pongs, Step, Trigger, Whose};

use serde_json::value::RawValue;

use super::changed::changed;
use super::number::{COUNT_UNITS, TIME_UNITS};
use crate::case::DIAL_KEY;

/// A number in a step that can be simplified by itself. Times on the engine's clock don't count:
/// they depend on each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Knob {
    /// `on_connect`, if it is a number.
    OnConnect,
    /// `after_ms`.
    AfterTime,
    /// `after_frames`, `after_bytes` or `after_received`.
    AfterCount,
    /// `conn`, if it is a number.
    Conn,
    /// `for_ms`.
    For,
    /// `times`.
    Times,
    /// `latency_ms`.
    Latency,
    /// `jitter_ms` within `latency_ms`.
    Spread,
    /// `bytes_per_s`.
    Rate,
    /// `slice_bytes`.
    Slice,
    /// `delay_ms` of `pongs`.
    PongDelay,
    /// `repeat` of `garbage`.
    Repeat,
    /// `declared_len` of `frame`.
    DeclaredLen,
    /// `x-dial-ms`.
    Dial,
}

impl Knob {
    pub(super) const ALL: [Self; 14] = [
        Self::OnConnect,
        Self::AfterTime,
        Self::AfterCount,
        Self::Conn,
        Self::For,
        Self::Times,
        Self::Latency,
        Self::Spread,
        Self::Rate,
        Self::Slice,
        Self::PongDelay,
        Self::Repeat,
        Self::DeclaredLen,
        Self::Dial,
    ];

    /// The smallest number that the format allows there.
    pub(super) fn least(self) -> u64 {
        match self {
            Self::OnConnect
            | Self::Conn
            | Self::Times
            | Self::Rate
            | Self::Slice
            | Self::Repeat => 1,
            Self::AfterTime
            | Self::AfterCount
            | Self::For
            | Self::Latency
            | Self::Spread
            | Self::PongDelay
            | Self::DeclaredLen
            | Self::Dial => 0,
        }
    }

    /// The units that the number is rounded to.
    pub(super) fn units(self) -> &'static [u64] {
        match self {
            Self::AfterTime
            | Self::For
            | Self::Latency
            | Self::Spread
            | Self::PongDelay
            | Self::Dial => TIME_UNITS,
            _ => COUNT_UNITS,
        }
    }

    /// Returns the number that `step` has there.
    pub(super) fn get(self, step: &Step) -> Option<u64> {
        // One function knows where each number is, and it borrows the step mutably.
        self.place(&mut step.clone()).and_then(|place| place.get())
    }

    /// Returns `step` with another number there; unchanged if it has none.
    pub(super) fn set(self, step: &Step, to: u64) -> Step {
        changed(step, |step| {
            if let Some(place) = self.place(step) {
                place.set(to);
            }
        })
    }

    fn place(self, step: &mut Step) -> Option<Place<'_>> {
        let step = &mut **step;
        match (self, &mut step.trigger, &mut step.action) {
            (
                Self::OnConnect,
                Trigger::OnConnect {
                    whose: Whose::Nth(n),
                    ..
                },
                _,
            )
            | (
                Self::AfterCount,
                Trigger::OnConnect {
                    after: After::Frames(n) | After::Bytes(n) | After::Received(n),
                    ..
                },
                _,
            )
            | (Self::Rate, _, Action::BytesPerSecond(Some(n))) => Some(Place::Long(n)),
            (
                Self::AfterTime,
                Trigger::OnConnect {
                    after: After::Time(at),
                    ..
                },
                _,
            )
            | (Self::PongDelay, _, Action::Pongs(Pongs::Delayed(at)))
            | (Self::Latency, _, Action::Latency(Latency { base: at, .. }))
            | (Self::Spread, _, Action::Latency(Latency { jitter: at, .. })) => {
                Some(Place::Time(at))
            }
            (Self::Slice, _, Action::SliceBytes(Some(n)))
            | (Self::Repeat, _, Action::Garbage(Some(Garbage { repeat: n, .. }))) => {
                Some(Place::Short(n))
            }
            (Self::DeclaredLen, _, Action::Frame(frame)) => {
                frame.declared_len.as_mut().map(Place::Long)
            }
            (Self::Conn, ..) => match &mut step.conn {
                Conn::Nth(n) => Some(Place::Long(n)),
                Conn::All => None,
            },
            (Self::For, ..) => step.for_us.as_mut().map(Place::Time),
            (Self::Times, ..) => step.times.as_mut().map(Place::Short),
            (Self::Dial, ..) => {
                let dial = |(key, _): &&mut (String, _)| key == DIAL_KEY;
                let (_, takes) = step.extensions.iter_mut().find(dial)?;
                Some(Place::Json(takes))
            }
            _ => None,
        }
    }
}

/// Where a number is.
enum Place<'a> {
    Time(&'a mut Micros),
    Long(&'a mut u64),
    Short(&'a mut u32),
    /// Milliseconds as a tape writes them.
    Json(&'a mut Box<RawValue>),
}

impl Place<'_> {
    fn get(&self) -> Option<u64> {
        match self {
            Self::Time(at) => Some(at.0),
            Self::Long(n) => Some(**n),
            Self::Short(n) => Some(u64::from(**n)),
            Self::Json(ms) => Micros::parse_ms(ms.get()).map(|at| at.0),
        }
    }

    fn set(self, to: u64) {
        match self {
            Self::Time(at) => at.0 = to,
            Self::Long(n) => *n = to,
            Self::Short(n) => *n = u32::try_from(to).unwrap_or(u32::MAX),
            Self::Json(ms) => {
                if let Ok(text) = RawValue::from_string(Micros(to).to_ms_text()) {
                    *ms = text;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use wstape_tape::Step;

    use super::Knob;

    #[test]
    fn each_number_of_a_step_is_found_set_and_written() {
        let table = [
            (
                Knob::OnConnect,
                r#"{"on_connect":7,"drop":"fin"}"#,
                7,
                r#"{"on_connect":2,"drop":"fin"}"#,
            ),
            (
                Knob::AfterTime,
                r#"{"on_connect":"each","after_ms":3,"drop":"fin"}"#,
                3_000,
                r#"{"on_connect":"each","after_ms":0.002,"drop":"fin"}"#,
            ),
            (
                Knob::AfterCount,
                r#"{"on_connect":"each","after_bytes":7,"drop":"fin"}"#,
                7,
                r#"{"on_connect":"each","after_bytes":2,"drop":"fin"}"#,
            ),
            (
                Knob::AfterCount,
                r#"{"on_connect":"each","after_received":7,"drop":"fin"}"#,
                7,
                r#"{"on_connect":"each","after_received":2,"drop":"fin"}"#,
            ),
            (
                Knob::Conn,
                r#"{"at_ms":1,"conn":7,"drop":"fin"}"#,
                7,
                r#"{"at_ms":1,"conn":2,"drop":"fin"}"#,
            ),
            (
                Knob::For,
                r#"{"at_ms":1,"down":true,"for_ms":7}"#,
                7_000,
                r#"{"at_ms":1,"down":true,"for_ms":0.002}"#,
            ),
            (
                Knob::Times,
                r#"{"at_ms":1,"hang":true,"times":7}"#,
                7,
                r#"{"at_ms":1,"hang":true,"times":2}"#,
            ),
            (
                Knob::Latency,
                r#"{"at_ms":1,"latency_ms":7}"#,
                7_000,
                r#"{"at_ms":1,"latency_ms":0.002}"#,
            ),
            (
                Knob::Rate,
                r#"{"at_ms":1,"bytes_per_s":7}"#,
                7,
                r#"{"at_ms":1,"bytes_per_s":2}"#,
            ),
            (
                Knob::Slice,
                r#"{"at_ms":1,"slice_bytes":7}"#,
                7,
                r#"{"at_ms":1,"slice_bytes":2}"#,
            ),
            (
                Knob::PongDelay,
                r#"{"at_ms":1,"pongs":{"delay_ms":7}}"#,
                7_000,
                r#"{"at_ms":1,"pongs":{"delay_ms":0.002}}"#,
            ),
            (
                Knob::Repeat,
                r#"{"at_ms":1,"garbage":{"text":"x","repeat":7}}"#,
                7,
                r#"{"at_ms":1,"garbage":{"text":"x","repeat":2}}"#,
            ),
            (
                Knob::DeclaredLen,
                r#"{"at_ms":1,"frame":{"opcode":1,"declared_len":7}}"#,
                7,
                r#"{"at_ms":1,"frame":{"opcode":1,"declared_len":2}}"#,
            ),
        ];
        for (knob, line, number, after) in table {
            let step = Step::parse("a table", 1, line).unwrap();
            assert_eq!(knob.get(&step), Some(number), "{line}");
            assert_eq!(knob.set(&step, 2).to_line(), after);
            assert_eq!(step.to_line(), line);
        }
    }
}
