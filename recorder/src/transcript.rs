//! Turns observations into steps.
//!
//! What arrives has the time of its arrival. The outcome of an attempt to connect has the time at
//! which the attempt or connection before it ended. That instant is between the same two dials both
//! in the recording and in a replay, where dials take no time.

use bytes::Bytes;
use engine_client::{EndReason, Observed};
use http::{HeaderMap, HeaderName, header};
use wstape_tape::{
    Action, CloseFrame, Conn, Down, End, Garbage, Micros, Pongs, Received, ReceivedKind, Refusal,
    Step,
};

use crate::error::RecordError;
use crate::keepalive::Keepalive;
use crate::recording::{Encoder, Gap, Recording, Stats};

/// The outcome of the next attempts to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
enum DialOutcome {
    /// They succeed.
    Connect,
    /// The port refuses them.
    Down,
    /// The handshake is refused.
    Refuse(Refusal),
    /// They are accepted, but the handshake is never answered.
    Hang,
    /// They end, or get something other than a valid answer, before the handshake is complete.
    Break(Garbage),
}

/// What a subscriber observed, to be turned into steps elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Observation {
    /// The handshake succeeded.
    Connected,
    /// The handshake was answered with another status than 101.
    Refused(Refusal),
    /// A message or a control frame.
    Frame(Frame),
    /// A message that the subscriber sent.
    Sent(String),
    /// A Ping that the subscriber sent.
    PingSent(Bytes),
    /// The peer's Close.
    Close(Option<CloseFrame>),
    /// An attempt or a connection ended.
    End(EndReason),
}

/// A message or a control frame of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Frame {
    Text(String),
    Binary(Bytes),
    Ping(Bytes),
    Pong(Bytes),
}

impl Observation {
    /// Converts an observation of the subscriber; `None` if a tape can't express it.
    pub(crate) fn of(seen: Observed<'_>) -> Option<Self> {
        let frame = match seen {
            Observed::Connected { .. } => return Some(Self::Connected),
            Observed::Refused { status, headers } => {
                return Some(Self::Refused(Refusal {
                    headers: kept_headers(headers),
                    ..Refusal::new(status.as_u16())
                }));
            }
            Observed::Text(text) => Frame::Text(text.to_owned()),
            Observed::Binary(bytes) => Frame::Binary(Bytes::copy_from_slice(bytes)),
            Observed::Ping(payload) => Frame::Ping(Bytes::copy_from_slice(payload)),
            Observed::Pong { payload, .. } => Frame::Pong(Bytes::copy_from_slice(payload)),
            Observed::Sent(text) => return Some(Self::Sent(text.to_owned())),
            Observed::PingSent(payload) => {
                return Some(Self::PingSent(Bytes::copy_from_slice(payload)));
            }
            Observed::Close { code, reason } => {
                return Some(Self::Close(code.map(|code| CloseFrame {
                    code,
                    reason: reason.to_owned(),
                })));
            }
            Observed::End(reason) => return Some(Self::End(reason)),
            _ => return None,
        };
        Some(Self::Frame(frame))
    }

    /// How many bytes of memory it holds, besides its own size.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Frame(frame) => frame.bytes(),
            Self::Refused(refusal) => {
                let bytes = |(name, value): &(String, String)| name.len() + value.len();
                refusal.headers.iter().map(bytes).sum()
            }
            Self::Close(Some(close)) => close.reason.len(),
            Self::Sent(text) => text.len(),
            Self::PingSent(payload) => payload.len(),
            Self::Connected | Self::Close(None) | Self::End(_) => 0,
        }
    }
}

impl Frame {
    /// The size of the payload, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) | Self::Ping(bytes) | Self::Pong(bytes) => bytes.len(),
        }
    }
}

/// Turns what a subscriber observes into steps of a tape.
#[derive(Debug)]
pub(crate) struct Transcript {
    outcome: DialOutcome,
    /// When the last attempt or connection ended.
    ended_at: Micros,
    /// How the current attempt's handshake was refused.
    refusal: Option<Refusal>,
    connected: bool,
    keepalive: Keepalive,
    stats: Stats,
}

impl Encoder for Transcript {
    type Observation = (Micros, Observation);

    fn encode(
        &mut self,
        (at, seen): Self::Observation,
        tape: &mut Recording,
    ) -> Result<(), RecordError> {
        match seen {
            Observation::PingSent(payload) => self.keepalive.pinged(Conn::All, at, payload),
            seen => {
                let over = matches!(seen, Observation::End(_));
                for step in self.steps(at, seen) {
                    self.keepalive.push(step);
                }
                if over {
                    self.connection_is_over(at);
                }
            }
        }
        self.keepalive.write(tape)
    }

    fn gap(&mut self, gap: Gap, tape: &mut Recording) -> Result<(), RecordError> {
        self.keepalive.write_gap(gap, tape)
    }

    fn due(&self) -> Option<Micros> {
        self.keepalive.due()
    }

    fn settle(&mut self, now: Micros, tape: &mut Recording) -> Result<(), RecordError> {
        self.keepalive.write_settled(now, tape)
    }
}

impl Transcript {
    pub(crate) fn new(stats: Stats) -> Self {
        Self {
            outcome: DialOutcome::Connect,
            ended_at: Micros::ZERO,
            refusal: None,
            connected: false,
            keepalive: Keepalive::default(),
            stats,
        }
    }

    /// Writes what is still held, and the end.
    ///
    /// # Errors
    /// The errors of [`Recording::push`].
    pub(crate) fn end(&mut self, at: Micros, tape: &mut Recording) -> Result<(), RecordError> {
        self.keepalive.gap();
        self.keepalive.write(tape)?;
        tape.push(Step::at(at, Action::End))
    }

    /// Takes the end of a connection. On the next one, Pings count as answered until one is not.
    fn connection_is_over(&mut self, at: Micros) {
        if self.keepalive.over(Conn::All, at) {
            let auto = Step::at(at, Action::Pongs(Pongs::Auto));
            self.keepalive.push(auto);
        }
        self.keepalive.gap();
    }

    /// Returns the steps for an observation made at this time of the tape.
    fn steps(&mut self, at: Micros, seen: Observation) -> Vec<Step> {
        match seen {
            Observation::Connected => {
                self.connected = true;
                self.next_dials(DialOutcome::Connect)
            }
            Observation::Refused(refusal) => {
                self.refusal = Some(refusal);
                Vec::new()
            }
            Observation::Frame(Frame::Text(text)) => vec![text_step(at, text)],
            Observation::Frame(Frame::Binary(bytes)) => vec![Step::at(at, Action::Binary(bytes))],
            Observation::Frame(Frame::Ping(payload)) => vec![Step::at(at, Action::Ping(payload))],
            Observation::Frame(Frame::Pong(payload)) => vec![Step::at(at, Action::Pong(payload))],
            Observation::Sent(text) => {
                let mut sent = Received::new(ReceivedKind::Text);
                sent.text = Some(text);
                vec![Step::at(at, Action::Received(sent))]
            }
            Observation::PingSent(_) => Vec::new(),
            Observation::Close(close) => vec![Step::at(at, Action::Close(close))],
            Observation::End(reason) => {
                let steps = self.ended(at, reason);
                self.ended_at = at;
                steps
            }
        }
    }

    fn ended(&mut self, at: Micros, reason: EndReason) -> Vec<Step> {
        if std::mem::take(&mut self.connected) {
            return match reason {
                // A Close is a step of its own. If the tap gave up on a silent peer, nothing ended
                // on the peer's side, so nothing ends in the tape.
                EndReason::Closed { .. }
                | EndReason::Shutdown
                | EndReason::Idle
                | EndReason::WriteStalled => Vec::new(),
                EndReason::Fin => vec![Step::at(at, Action::Drop(End::Fin))],
                EndReason::Reset => vec![Step::at(at, Action::Drop(End::Reset))],
                // The tap gave up because it could not read something, so a replay has to end too.
                reason => {
                    let mut step = Step::at(at, Action::Drop(End::Reset));
                    step.note = Some(reason.to_string());
                    vec![step]
                }
            };
        }
        let broken = |then| {
            DialOutcome::Break(Garbage {
                bytes: Bytes::new(),
                repeat: 1,
                then: Some(then),
            })
        };
        match reason {
            EndReason::Refused { .. } => match self.refusal.take() {
                Some(refusal) => match Action::refusing(refusal, Some(End::Fin)) {
                    Action::Refuse(Some(refusal)) => self.next_dials(DialOutcome::Refuse(refusal)),
                    Action::Garbage(Some(head)) => self.next_dials(DialOutcome::Break(head)),
                    _ => Vec::new(),
                },
                None => Vec::new(),
            },
            EndReason::ConnectTimeout => self.next_dials(DialOutcome::Hang),
            EndReason::Fin | EndReason::HandshakeFailed | EndReason::Tls => {
                self.next_dials(broken(End::Fin))
            }
            EndReason::Reset | EndReason::Io => self.next_dials(broken(End::Reset)),
            EndReason::Shutdown => Vec::new(),
            _ => self.next_dials(DialOutcome::Down),
        }
    }

    /// Sets the outcome of attempts to connect from the last end on.
    fn next_dials(&mut self, outcome: DialOutcome) -> Vec<Step> {
        if self.outcome == outcome {
            return Vec::new();
        }
        if self.outcome == DialOutcome::Connect {
            self.stats.outage();
        }
        let clear = match &self.outcome {
            DialOutcome::Connect => None,
            DialOutcome::Down => Some(Action::Down(Down::Up)),
            DialOutcome::Refuse(_) => Some(Action::Refuse(None)),
            DialOutcome::Hang => Some(Action::Hang(false)),
            DialOutcome::Break(_) => Some(Action::Garbage(None)),
        };
        let set = match &outcome {
            DialOutcome::Connect => None,
            DialOutcome::Down => Some(Action::Down(Down::Refuses)),
            DialOutcome::Refuse(refusal) => Some(Action::Refuse(Some(refusal.clone()))),
            DialOutcome::Hang => Some(Action::Hang(true)),
            DialOutcome::Break(garbage) => Some(Action::Garbage(Some(garbage.clone()))),
        };
        self.outcome = outcome;
        clear
            .into_iter()
            .chain(set)
            .map(|action| Step::at(self.ended_at, action))
            .collect()
    }
}

/// The step for a text message: an event, byte for byte, if it is one and fits on one line.
pub(crate) fn text_step(at: Micros, text: String) -> Step {
    let line = format!("{{\"at_ms\":{},\"emit\":{text}}}", at.to_ms_text());
    let event = (!text.contains(['\n', '\r']))
        .then(|| Step::parse("recording", 0, &line).ok())
        .flatten()
        // A text such as `{…},"x-…":{…}` would become several members of the line.
        .filter(|step| matches!(&step.action, Action::Emit(json) if json == text.as_bytes()));
    event.unwrap_or_else(|| Step::at(at, Action::Text(text)))
}

/// Headers that tell how a refusal was sent rather than what it was: the engine that plays the tape
/// sends its own.
const FRAMING: [HeaderName; 8] = [
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::DATE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The headers of a refusal, in order. The redactor handles secret ones.
fn kept_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let kept = headers.iter().filter(|(name, _)| !FRAMING.contains(name));
    kept.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(steps: &[Step]) -> Vec<String> {
        steps.iter().map(Step::to_canonical).collect()
    }

    #[test]
    fn how_an_attempt_fares_is_stamped_with_the_end_before_it() {
        let stats = Stats::default();
        let mut transcript = Transcript::new(stats.clone());
        let refused = || Observation::End(EndReason::ConnectRefused);
        assert_eq!(
            lines(&transcript.steps(Micros::from_ms(3), refused())),
            [r#"{"at_ms":0,"down":true}"#]
        );
        assert!(transcript.steps(Micros::from_ms(504), refused()).is_empty());
        assert_eq!(
            lines(&transcript.steps(Micros::from_ms(1_507), Observation::Connected)),
            [r#"{"at_ms":504,"down":false}"#]
        );
        assert_eq!(
            lines(&transcript.steps(Micros::from_ms(2_000), Observation::End(EndReason::Fin))),
            [r#"{"at_ms":2000,"drop":"fin"}"#]
        );
        assert_eq!(stats.counts().outages, 1);
    }

    #[test]
    fn a_refusal_with_a_status_that_no_class_has_makes_a_step_that_can_be_read() {
        let mut transcript = Transcript::new(Stats::default());
        let refusal = Refusal {
            headers: vec![("via".to_owned(), "one".to_owned())],
            ..Refusal::new(999)
        };
        transcript.steps(Micros::ZERO, Observation::Refused(refusal));
        let end = Observation::End(EndReason::Refused { status: 999 });
        let found = lines(&transcript.steps(Micros::ZERO, end));
        let head = r#"{"text":"HTTP/1.1 999 \r\nvia: one\r\n\r\n","then":"fin"}"#;
        assert_eq!(found, [format!(r#"{{"at_ms":0,"garbage":{head}}}"#)]);
        Step::parse("recorded", 2, &found[0]).expect("a step");
    }

    #[test]
    fn what_the_tap_could_not_read_is_noted_beside_the_drop() {
        let mut transcript = Transcript::new(Stats::default());
        transcript.steps(Micros::ZERO, Observation::Connected);
        assert_eq!(
            lines(&transcript.steps(Micros::ZERO, Observation::End(EndReason::Utf8))),
            [r#"{"at_ms":0,"drop":"reset","note":"a text message was not UTF-8"}"#]
        );
    }

    #[test]
    fn a_text_that_is_no_event_or_stands_on_two_lines_is_kept_as_text() {
        for (text, key) in [
            (r#"{"event":"risk","data":{"a": 1 }}"#, "emit"),
            (r#"{"event":7}"#, "text"),
            ("{\"event\":\n\"risk\"}", "text"),
            (r#"{"event":"a"},"note":"x""#, "text"),
            ("not json", "text"),
        ] {
            assert_eq!(
                text_step(Micros::ZERO, text.to_owned()).key(),
                key,
                "{text}"
            );
        }
    }

    #[test]
    fn a_refusal_keeps_its_headers_but_for_how_it_was_sent() {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, "7".parse().unwrap());
        headers.append(header::VIA, "one".parse().unwrap());
        headers.append(header::VIA, "two".parse().unwrap());
        headers.insert(header::CONTENT_LENGTH, "0".parse().unwrap());
        headers.insert(
            header::DATE,
            "Tue, 24 Nov 2026 23:00:00 GMT".parse().unwrap(),
        );
        let kept = [("retry-after", "7"), ("via", "one"), ("via", "two")];
        assert_eq!(
            kept_headers(&headers),
            kept.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }
}
