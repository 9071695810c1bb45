//! One of a client's attempts to connect, from its accept to its end.

use wstape_mock_engine::{ClientFrame, FrameKind};
use wstape_tape::{End, Micros};

/// The most frames of one attempt that are kept; later ones are only counted.
const MAX_FRAMES: usize = 256;

/// One attempt to connect, as the engine saw it.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    /// Its connection's number, from 1, in the order of the accepts.
    pub(crate) conn: u64,
    /// When its transport was accepted, or its request, if that came on a connection kept after a
    /// refusal.
    pub(crate) accepted: Micros,
    /// What its request asked for, path and query, without the token.
    pub(crate) target: String,
    /// Whether its request or a message of it brought the token.
    pub(crate) brought_token: bool,
    /// The result of its handshake, and when.
    pub(crate) answer: Option<(Micros, Answer)>,
    /// How it ended, and when.
    pub(crate) ended: Option<(Micros, Ended)>,
    /// The first frames that the client sent.
    pub(crate) frames: Vec<(Micros, ClientFrame)>,
    /// How many it sent in total.
    pub(crate) received: u64,
    /// When the engine first and last sent it something of its own.
    pub(crate) sent: Option<(Micros, Micros)>,
    /// When the engine sent a Close.
    pub(crate) close_sent: Option<Micros>,
    /// Its protocol violations.
    pub(crate) errors: Vec<(Micros, String)>,
    /// When the client ended its side, whatever the engine did before.
    pub(crate) left: Option<Micros>,
    /// What it asked for, each with its time: messages that the healthy tape takes as
    /// subscriptions, or the target itself.
    pub(crate) subscribed: Vec<(Micros, String)>,
    /// Its last message, until it is known whether that asks for something.
    said: Option<String>,
}

/// The result of a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// 101.
    Upgraded,
    /// Another status, or one sent in answer to a plain request.
    Status(u16),
    /// Something that is not HTTP.
    Garbage,
    /// Nothing, permanently.
    Nothing,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The engine ended it.
    ByEngine(End),
    /// The client ended its side.
    ClientFin,
    /// The client reset it.
    ClientReset,
}

impl Attempt {
    pub(super) fn new(conn: u64, accepted: Micros) -> Self {
        Self {
            conn,
            accepted,
            target: String::new(),
            brought_token: false,
            answer: None,
            ended: None,
            frames: Vec::new(),
            received: 0,
            sent: None,
            close_sent: None,
            errors: Vec::new(),
            left: None,
            subscribed: Vec::new(),
            said: None,
        }
    }

    pub(super) fn receive(&mut self, at: Micros, frame: &ClientFrame) {
        self.received += 1;
        if matches!(frame.kind, FrameKind::Text | FrameKind::Binary) {
            self.said = Some(String::from_utf8_lossy(&frame.payload).into_owned());
        }
        if self.frames.len() < MAX_FRAMES {
            self.frames.push((at, frame.clone()));
        }
    }

    /// Records that the healthy tape takes the last message as a subscription, or the target if
    /// there was no message. One message counts once, however many streams it asks for.
    pub(super) fn subscribe(&mut self, at: Micros) {
        if self.subscribed.len() == MAX_FRAMES {
            return;
        }
        let opened_with = self.received == 0 && self.subscribed.is_empty();
        let asked = self.said.take();
        let asked = asked.or_else(|| opened_with.then(|| self.target.clone()));
        self.subscribed.extend(asked.map(|asked| (at, asked)));
    }

    /// When it was over: at an answer that ends it, at the second Close of a closing handshake, or
    /// at the end of its transport.
    pub(crate) fn over(&self) -> Option<Micros> {
        let answered = match self.answer {
            Some((at, Answer::Status(_))) => Some(at),
            _ => None,
        };
        let ended = self.ended.map(|(at, _)| at);
        answered.or(self.closed().into_iter().chain(ended).min())
    }

    /// When the second Close of a closing handshake came, whoever sent it.
    fn closed(&self) -> Option<Micros> {
        let both = self.close_sent.zip(self.close());
        both.map(|(sent, (received, _))| sent.max(received))
    }

    /// How it ended, or was answered, in a word or two.
    pub(crate) fn how(&self) -> String {
        match (self.answer, self.ended) {
            (Some((_, Answer::Status(status))), _) => return status.to_string(),
            (Some((_, Answer::Garbage)), _) => return "not HTTP".to_owned(),
            _ => {}
        }
        // What happens to the transport after both Closes is irrelevant.
        if let Some(closed) = self.closed()
            && self.ended.is_none_or(|(at, _)| closed <= at)
        {
            return "close".to_owned();
        }
        match (self.answer, self.ended) {
            (_, Some((_, Ended::ByEngine(end)))) => end.word().to_owned(),
            (_, Some((_, Ended::ClientFin))) => "client fin".to_owned(),
            (_, Some((_, Ended::ClientReset))) => "client reset".to_owned(),
            (Some((_, Answer::Nothing)), None) => "unanswered".to_owned(),
            (_, None) => "open".to_owned(),
        }
    }

    /// When its upgrade was answered.
    pub(crate) fn upgraded(&self) -> Option<Micros> {
        match self.answer {
            Some((at, Answer::Upgraded)) => Some(at),
            _ => None,
        }
    }

    /// The client's Close, if it sent one.
    pub(crate) fn close(&self) -> Option<(Micros, Option<u16>)> {
        self.frames_of(FrameKind::Close)
            .map(|(at, frame)| (at, frame.close_code()))
            .next()
    }

    pub(crate) fn frames_of(
        &self,
        kind: FrameKind,
    ) -> impl Iterator<Item = (Micros, &ClientFrame)> {
        self.frames
            .iter()
            .filter(move |(_, frame)| frame.kind == kind)
            .map(|(at, frame)| (*at, frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_both_have_closed_is_told_by_that_and_not_by_its_transport() {
        let mut attempt = Attempt::new(1, Micros(0));
        attempt.answer = Some((Micros(1), Answer::Upgraded));
        assert_eq!(attempt.how(), "open");
        attempt.close_sent = Some(Micros(5));
        assert_eq!(attempt.how(), "open");
        let close = ClientFrame {
            kind: FrameKind::Close,
            fin: true,
            payload: vec![3, 0xe8].into(),
            len: 2,
        };
        attempt.receive(Micros(7), &close);
        assert_eq!(
            (attempt.how(), attempt.over()),
            ("close".to_owned(), Some(Micros(7)))
        );
        attempt.ended = Some((Micros(8), Ended::ClientFin));
        assert_eq!(attempt.how(), "close");
        attempt.ended = Some((Micros(6), Ended::ByEngine(End::Reset)));
        assert_eq!(
            (attempt.how(), attempt.over()),
            ("reset".to_owned(), Some(Micros(6)))
        );
    }
}
