//! Joins a socket to a link.

use std::io;
use std::pin::pin;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use wstape_tape::Micros;

use crate::clock::Clock;
use crate::link::{ClientEnd, ClientReader, ClientWriter};
use crate::read::read_some;

/// How long a client may take to close after the engine's FIN.
const DRAIN_WAIT: Micros = Micros::from_ms(1_000);

/// The longest chunk that is copied to be written together with others, in bytes.
const MAX_GATHERED_BYTES: usize = 16 * 1024;

/// A socket that a link can be joined to.
pub(crate) trait Socket: Send + 'static {
    /// The half that is read from.
    type Read<'a>: AsyncRead + Unpin + Send
    where
        Self: 'a;
    /// The half that is written to.
    type Write<'a>: AsyncWrite + Unpin + Send
    where
        Self: 'a;

    /// Both halves, to be used at the same time.
    fn halves(&mut self) -> (Self::Read<'_>, Self::Write<'_>);

    /// Closes with an RST.
    fn reset(self);
}

impl Socket for TcpStream {
    type Read<'a> = ReadHalf<'a>;
    type Write<'a> = WriteHalf<'a>;

    fn halves(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        self.split()
    }

    fn reset(self) {
        reset(self);
    }
}

/// Closes with an RST.
pub(crate) fn reset(stream: TcpStream) {
    // If the option can't be set the peer gets a FIN instead; there is nothing else to do.
    let _ = stream.set_zero_linger();
    drop(stream);
}

/// How the engine's side of a pump ended.
enum Outcome {
    Fin,
    Reset,
    /// The socket is gone.
    Broken,
}

/// Carries bytes between a link and a socket until both directions are over.
pub(crate) async fn pump<S: Socket>(clock: Clock, client: ClientEnd, mut stream: S) {
    let (mut reader, mut writer) = client.into_halves();
    let outcome = {
        let (mut read, mut write) = stream.halves();
        let mut inbound = pin!(inbound(&mut read, &mut writer));
        let mut outbound = pin!(outbound(&mut reader, &mut write));
        let mut open = true;
        let outcome = loop {
            tokio::select! {
                biased;
                outcome = &mut outbound => break outcome,
                ended = &mut inbound, if open => match ended {
                    Ok(()) => open = false,
                    Err(outcome) => break outcome,
                },
            }
        };
        if matches!(outcome, Outcome::Fin) && open {
            // If the socket were closed with bytes unread, the kernel's RST would overtake our FIN.
            let patience = Micros(clock.now().0.saturating_add(DRAIN_WAIT.0));
            tokio::select! {
                biased;
                _ = &mut inbound => {}
                () = clock.sleep_until(patience) => {}
            }
        }
        outcome
    };
    match outcome {
        Outcome::Fin => {}
        Outcome::Reset => stream.reset(),
        Outcome::Broken => writer.reset(),
    }
}

/// Carries bytes from the socket into the link.
async fn inbound(
    socket: &mut (impl AsyncRead + Unpin),
    link: &mut ClientWriter,
) -> Result<(), Outcome> {
    loop {
        match read_some(socket).await {
            Ok(bytes) if bytes.is_empty() => {
                link.fin();
                return Ok(());
            }
            Ok(bytes) => link.write_all(&bytes).await.map_err(|error| {
                // The other direction may be waiting for a socket that takes nothing, and not know
                // of the end yet.
                let reset = error.kind() == io::ErrorKind::ConnectionReset;
                if reset {
                    Outcome::Reset
                } else {
                    Outcome::Broken
                }
            })?,
            Err(_) => return Err(Outcome::Broken),
        }
    }
}

/// Carries bytes from the link into the socket, as many chunks at a time as are due.
async fn outbound(link: &mut ClientReader, socket: &mut (impl AsyncWrite + Unpin)) -> Outcome {
    let mut chunks = Vec::new();
    loop {
        match link.take_due(&mut chunks).await {
            Ok(true) => {}
            Ok(false) => {
                if socket.shutdown().await.is_err() {
                    return Outcome::Broken;
                }
                // An engine that has ended only its own side goes on reading.
                let reset = link.engine_done().await;
                return if reset { Outcome::Reset } else { Outcome::Fin };
            }
            Err(_) => return Outcome::Reset,
        }
        // Under TLS, what was written may still wait to be sent.
        if write_all(socket, &mut chunks).await.is_err() || socket.flush().await.is_err() {
            return Outcome::Broken;
        }
    }
}

/// Writes all chunks and empties the list. Short ones are copied together, which costs less than a
/// write of many parts.
async fn write_all(
    socket: &mut (impl AsyncWrite + Unpin),
    chunks: &mut Vec<Bytes>,
) -> io::Result<()> {
    if let [only] = &chunks[..] {
        socket.write_all(only).await?;
        chunks.clear();
        return Ok(());
    }
    let is_short = |chunk: &&Bytes| chunk.len() <= MAX_GATHERED_BYTES;
    let short = chunks.iter().filter(is_short).map(Bytes::len).sum();
    let mut gathered = Vec::with_capacity(short);
    for chunk in chunks.drain(..) {
        if is_short(&&chunk) {
            gathered.extend_from_slice(&chunk);
            continue;
        }
        socket.write_all(&gathered).await?;
        gathered.clear();
        socket.write_all(&chunk).await?;
    }
    socket.write_all(&gathered).await
}
