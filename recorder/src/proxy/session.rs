//! Turns what the relay observes on one connection into steps, on the writer's thread.

use wstape_tape::{Action, End, Micros, Received, ReceivedKind, Step};

use super::decoder::FrameDecoder;
use super::exchange::{Exchange, Upgraded};
use super::inflate::Inflater;
use super::observation::{Event, Peer};
use super::step::{Steps, conn_step};

/// One connection.
#[derive(Debug)]
pub(crate) struct Session {
    conn: u64,
    phase: Phase,
    /// Whether the client has ended its side and the engine has sent nothing since.
    left: bool,
}

#[derive(Debug)]
enum Phase {
    /// Requests and answers.
    Http(Box<Exchange>),
    /// Frames.
    WebSocket {
        client: Box<FrameDecoder>,
        engine: Box<FrameDecoder>,
    },
}

impl Session {
    pub(crate) fn new(conn: u64) -> Self {
        Self {
            conn,
            phase: Phase::Http(Box::new(Exchange::new(conn))),
            left: false,
        }
    }

    /// A connection with an unknown beginning. Whether its messages are compressed is unknown:
    /// compressed ones refer to data that was not seen, and are left out.
    pub(crate) fn midway(conn: u64) -> Self {
        Self::upgraded(conn, || {
            let mut inflater = Inflater::new(false);
            inflater.missed();
            inflater
        })
    }

    /// A connection with a known request, but without anything from the engine. What the client
    /// sends from here on are its first frames. They may be compressed, as most clients offer
    /// compression.
    pub(crate) fn unanswered(conn: u64) -> Self {
        Self::upgraded(conn, || Inflater::new(false))
    }

    /// A connection that is already a WebSocket, with an inflater for each peer.
    fn upgraded(conn: u64, inflater: impl Fn() -> Inflater) -> Self {
        let decoder = |peer| Box::new(FrameDecoder::new(conn, peer, Some(inflater())));
        Self {
            conn,
            phase: Phase::WebSocket {
                client: decoder(Peer::Client),
                engine: decoder(Peer::Engine),
            },
            left: false,
        }
    }

    /// Takes an event and makes its steps. Returns whether it upgraded the connection.
    pub(crate) fn take(&mut self, at: Micros, event: Event, out: &mut impl Steps) -> bool {
        if matches!(event, Event::Bytes(Peer::Engine, _)) {
            self.left = false;
        }
        match (event, &mut self.phase) {
            (Event::Bytes(peer, bytes), Phase::WebSocket { client, engine }) => {
                let decoder = if peer == Peer::Client { client } else { engine };
                decoder.take(at, bytes, out);
            }
            (Event::Bytes(Peer::Client, bytes), Phase::Http(exchange)) => {
                exchange.client_sent(at, &bytes, out);
            }
            (Event::Bytes(Peer::Engine, bytes), Phase::Http(exchange)) => {
                if let Some(upgraded) = exchange.engine_sent(at, &bytes, out) {
                    self.upgrade(at, upgraded, out);
                    return true;
                }
            }
            (Event::Resumed(peer, bytes), Phase::WebSocket { client, engine }) => {
                let decoder = if peer == Peer::Client { client } else { engine };
                decoder.resume(at, out);
                decoder.take(at, bytes, out);
            }
            (Event::Lost(peer), Phase::WebSocket { client, engine }) => {
                let decoder = if peer == Peer::Client { client } else { engine };
                decoder.lose(at, out);
            }
            // A loss in an HTTP body: nothing after it is followed.
            (Event::Resumed(..) | Event::Lost(_), _) => {}
            (Event::Over, _) => self.cut(at, out),
            (Event::Ended(peer, how), _) => self.end(at, peer, how, out),
            (Event::Failed, _) => {
                self.cut(at, out);
                let text = format!(
                    "connection {}: cut, because the proxy itself failed, which is a bug",
                    self.conn
                );
                out.push(Step::at(at, Action::Mark(text)));
                out.push(conn_step(self.conn, at, Action::Drop(End::Fin)));
            }
            (Event::Unreachable(why), _) => {
                let text = format!(
                    "connection {}: reset, because the engine could not be reached: {why}",
                    self.conn
                );
                out.push(Step::at(at, Action::Mark(text)));
                out.push(conn_step(self.conn, at, Action::Drop(End::Reset)));
            }
        }
        false
    }

    /// Takes the end of the connection or of the recording: keeps what came of incomplete frames.
    pub(crate) fn cut(&mut self, at: Micros, out: &mut impl Steps) {
        match &mut self.phase {
            Phase::Http(exchange) => exchange.cut(at, out),
            Phase::WebSocket { client, engine } => {
                client.end(at, out);
                engine.end(at, out);
            }
        }
    }

    /// The number of messages left out since the last call, and their bytes on the wire.
    pub(crate) fn left_out(&mut self) -> (u64, u64) {
        match &mut self.phase {
            Phase::Http(_) => (0, 0),
            Phase::WebSocket { client, engine } => {
                let (client, engine) = (client.left_out(), engine.left_out());
                (client.0 + engine.0, client.1 + engine.1)
            }
        }
    }

    fn upgrade(&mut self, at: Micros, upgraded: Upgraded, out: &mut impl Steps) {
        let agreement = upgraded.agreement;
        let inflater = |forgets: bool| agreement.map(|_| Inflater::new(forgets));
        let forgets = agreement.map_or((false, false), |agreed| {
            (agreed.client_forgets, agreed.engine_forgets)
        });
        let mut client = FrameDecoder::new(self.conn, Peer::Client, inflater(forgets.0));
        let mut engine = FrameDecoder::new(self.conn, Peer::Engine, inflater(forgets.1));
        client.take(at, upgraded.from_client, out);
        engine.take(at, upgraded.from_engine, out);
        self.phase = Phase::WebSocket {
            client: Box::new(client),
            engine: Box::new(engine),
        };
    }

    fn end(&mut self, at: Micros, peer: Peer, how: End, out: &mut impl Steps) {
        match (&mut self.phase, peer) {
            (Phase::Http(exchange), Peer::Client) => exchange.client_ended(at, out),
            (Phase::Http(exchange), Peer::Engine) => {
                if !exchange.engine_ended(at, how, out) {
                    return;
                }
            }
            (Phase::WebSocket { client, .. }, Peer::Client) => client.end(at, out),
            (Phase::WebSocket { engine, .. }, Peer::Engine) => engine.end(at, out),
        }
        self.left |= peer == Peer::Client;
        let action = match (peer, how) {
            // The client left first. A step for the engine's own end would race with the client
            // that leaves when the tape is played.
            (Peer::Engine, End::Fin) if self.left => return,
            (Peer::Engine, how) => Action::Drop(how),
            (Peer::Client, End::Fin) => Action::Received(Received::new(ReceivedKind::Fin)),
            (Peer::Client, End::Reset) => Action::Received(Received::new(ReceivedKind::Reset)),
        };
        out.push(conn_step(self.conn, at, action));
    }
}
