//! What follows an upgrade: frames, both ways.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use wstape_tape::End;

use super::exchange::{LIMIT, end_of, engine_over};
use super::observer::Watch;
use super::session::{Compression, Over, Session, Taps};
use super::splitter::{Piece, Splitter};
use crate::dialogue::MAX_LOOKED_AT_BYTES;
use crate::frame::FrameParser;
use crate::hub::Hub;
use crate::ids::ConnId;
use crate::link::LinkHandle;

/// The most bytes read at once, and the size of a new buffer.
const READ_BYTES: usize = 64 << 10;

/// The least room in a buffer; with less left, a new one is allocated.
const MIN_READ_BYTES: usize = 4 << 10;

/// How one direction came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Client(End),
    Engine(End),
    /// Nothing can be sent to the client any more.
    Gone,
}

impl Session {
    /// Carries frames until both directions are over.
    pub(super) async fn frames(&mut self, compression: Compression) -> Over {
        let reader = match compression {
            Compression::None => Some(None),
            Compression::Agreed(terms) => Some(Some(terms)),
            Compression::Unknown => {
                let text = "an unknown extension: messages are passed on unread";
                self.hub.log().note(self.id, text);
                None
            }
        };
        let parser = reader.map(|terms| {
            let parser = FrameParser::new(b"").up_to(MAX_LOOKED_AT_BYTES);
            parser.inflating(terms)
        });
        self.carry_both(parser, Some(Splitter::default())).await
    }

    /// Carries bytes that nobody parses until both directions are over.
    pub(super) async fn raw(&mut self) -> Over {
        self.carry_both(None, None).await
    }

    async fn carry_both(
        &mut self,
        parser: Option<FrameParser>,
        splitter: Option<Splitter>,
    ) -> Over {
        let Some(stream) = &mut self.stream else {
            return Over::Otherwise;
        };
        let (client_read, client_write) = tokio::io::split(&mut self.io);
        let (engine_read, engine_write) = tokio::io::split(stream);
        let way = Way {
            hub: &self.hub,
            id: self.id,
            link: &self.link,
            watch: &self.watch,
            taps: &self.taps,
        };
        let ahead = std::mem::take(&mut self.ahead);
        let behind = std::mem::take(&mut self.behind);
        let fin = self.client_fin;
        let upward = way.upward(client_read, engine_write, parser, ahead, fin);
        let downward = way.downward(engine_read, client_write, splitter, behind);
        let mut upward = std::pin::pin!(upward);
        let mut downward = std::pin::pin!(downward);
        let (mut up, mut down) = (true, true);
        while up || down {
            let ended = tokio::select! {
                biased;
                ended = &mut upward, if up => ended,
                ended = &mut downward, if down => ended,
            };
            match ended {
                Ended::Client(End::Fin) => up = false,
                Ended::Client(End::Reset) => return Over::ClientReset,
                Ended::Engine(End::Fin) => down = false,
                Ended::Engine(End::Reset) | Ended::Gone => return Over::Otherwise,
            }
        }
        Over::Otherwise
    }
}

/// What both directions of a connection share.
#[derive(Clone, Copy)]
struct Way<'a> {
    hub: &'a Hub,
    id: ConnId,
    link: &'a LinkHandle,
    watch: &'a Watch,
    taps: &'a Taps,
}

impl Way<'_> {
    /// Carries bytes from the client to the engine, first those in `buffer`. What a step does with
    /// a message happens before the message is passed on.
    async fn upward(
        self,
        mut client: impl AsyncRead + Unpin,
        mut engine: impl AsyncWrite + Unpin,
        mut parser: Option<FrameParser>,
        mut buffer: BytesMut,
        fin: bool,
    ) -> Ended {
        let mut stuck = false;
        loop {
            if !buffer.is_empty() {
                let bytes = buffer.split().freeze();
                self.read_frames(&mut parser, &bytes);
                self.watch.client_sent(&bytes);
                if !stuck {
                    let written = engine.write_all(&bytes).await;
                    // Read on, to see the client's end.
                    stuck = written.is_err() || engine.flush().await.is_err();
                }
            }
            make_room(&mut buffer);
            let read = if fin {
                Ok(0)
            } else {
                client.read_buf(&mut buffer).await
            };
            match read {
                // A fault has cut the link: whoever carries the connection reports it.
                Ok(0) if self.link.is_cut() => return Ended::Gone,
                Ok(0) if self.taps.upstream.is_spent() => {
                    self.hub.core().cut(self.id, End::Fin, LIMIT);
                    return Ended::Gone;
                }
                Ok(0) => {
                    self.watch.client_ended(End::Fin);
                    // If this fails, the engine is gone.
                    let _ = engine.shutdown().await;
                    return Ended::Client(End::Fin);
                }
                Ok(_) => {}
                Err(_) => return Ended::Client(End::Reset),
            }
        }
    }

    /// Tells the core what frames a client's bytes hold, for as long as they can be parsed.
    fn read_frames(self, parser: &mut Option<FrameParser>, bytes: &Bytes) {
        let Some(reading) = parser else { return };
        reading.buffer().extend_from_slice(bytes);
        loop {
            match reading.next() {
                Ok(Some(frame)) => self.hub.core().said(self.id, &frame),
                Ok(None) => return,
                Err(error) => {
                    self.hub.core().unread(self.id, error);
                    *parser = None;
                    return;
                }
            }
        }
    }

    /// Carries bytes from the engine to the client, first those that followed the answer.
    async fn downward(
        self,
        mut engine: impl AsyncRead + Unpin,
        mut client: impl AsyncWrite + Unpin,
        mut splitter: Option<Splitter>,
        mut buffer: BytesMut,
    ) -> Ended {
        loop {
            self.pass_on(splitter.as_mut(), &mut buffer);
            if !self.link.room().await {
                return Ended::Gone;
            }
            make_room(&mut buffer);
            let had = buffer.len();
            let read = tokio::select! {
                biased;
                read = engine.read_buf(&mut buffer) => read,
                () = self.link.gone() => return Ended::Gone,
            };
            if let Some(end) = end_of(&read) {
                // The rest of a frame that breaks off is passed on too.
                if !buffer.is_empty() {
                    self.link.push(buffer.split().freeze());
                }
                self.watch.engine_ended(end);
                engine_over(self.hub, self.id, end, &self.taps.downstream);
                if end == End::Fin {
                    // A link accepts an end whatever came before.
                    let _ = client.shutdown().await;
                }
                return Ended::Engine(end);
            }
            self.watch
                .engine_sent(&Bytes::copy_from_slice(&buffer[had..]));
        }
    }

    /// Passes on what is whole.
    fn pass_on(self, splitter: Option<&mut Splitter>, buffer: &mut BytesMut) {
        let Some(splitter) = splitter else {
            self.link.push(buffer.split().freeze());
            return;
        };
        while let Some(piece) = splitter.next(buffer) {
            let (bytes, carried) = match piece {
                Piece::Frame(bytes) => {
                    let carried = self.hub.core().relay(self.id, bytes.clone());
                    (bytes, carried)
                }
                Piece::Part { bytes, last } => {
                    let carried = self.hub.core().relay_part(self.id, bytes.clone(), last);
                    (bytes, carried)
                }
                Piece::Bytes(bytes) => (bytes, false),
            };
            // The core no longer knows a client that has ended its own stream, but the client may
            // still read.
            if !carried {
                self.link.push(bytes);
            }
        }
    }
}

/// Takes a new buffer if the old one is nearly full: what was read shares the old one, which is
/// freed with it.
fn make_room(buffer: &mut BytesMut) {
    if buffer.capacity() - buffer.len() < MIN_READ_BYTES {
        buffer.reserve(READ_BYTES);
    }
}
