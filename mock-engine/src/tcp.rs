//! TCP: the port, and the pump that joins a socket to a link.

use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use parking_lot::Mutex;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use wstape_tape::Micros;

use crate::clock::Clock;
use crate::hub::Hub;
use crate::journal::JournalKind;
use crate::link::{ClientEnd, ClientReader, ClientWriter};

/// Connections that the kernel may keep waiting.
const BACKLOG: i32 = 1024;

/// How long a client may take to close after the engine's FIN.
const DRAIN_WAIT: Micros = Micros::from_ms(1_000);

/// The pause after an accept that failed (out of descriptors, mostly).
const ACCEPT_PAUSE: Micros = Micros::from_ms(50);

/// Most bytes read from a socket at once.
const READ_BYTES: usize = 16 * 1024;

/// Where dials arrive.
#[derive(Debug, Clone)]
pub(crate) enum Port {
    /// In memory: the hub refuses dials by itself.
    Memory,
    /// A TCP port.
    Tcp(Arc<TcpPort>),
}

impl Port {
    /// Listens, or refuses connections.
    pub(crate) fn set(&self, listening: bool) -> io::Result<()> {
        match self {
            Self::Memory => Ok(()),
            Self::Tcp(port) => port.set(listening),
        }
    }
}

/// A TCP port that can stop listening without anybody else getting it.
pub(crate) struct TcpPort {
    addr: SocketAddr,
    runtime: Handle,
    socket: Mutex<Bound>,
    changed: Notify,
}

enum Bound {
    Listening(TcpListener),
    /// Bound, so that nobody gets it by chance, and not listening, so that connects are refused.
    /// A program that asks for this very port with `SO_REUSEADDR` could still take it: the kernel
    /// knows no stronger claim without listening. The engine then says that it could not listen
    /// again.
    Refusing(Socket),
    /// Nothing is bound: taking the port again failed, or the engine has stopped.
    Lost,
}

impl fmt::Debug for TcpPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpPort")
            .field("addr", &self.addr)
            .finish_non_exhaustive()
    }
}

fn bind(addr: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of a moment ago must not keep the port from coming back.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    Ok(socket)
}

impl TcpPort {
    /// Binds `addr` without listening yet. Port 0 is any free one.
    pub(crate) fn bind(addr: SocketAddr) -> io::Result<Self> {
        let socket = bind(addr)?;
        let addr = socket.local_addr()?.as_socket().unwrap_or(addr);
        Ok(Self {
            addr,
            runtime: Handle::current(),
            socket: Mutex::new(Bound::Refusing(socket)),
            changed: Notify::new(),
        })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Listens, or refuses connections; effective on return.
    pub(crate) fn set(&self, listening: bool) -> io::Result<()> {
        let mut bound = self.socket.lock();
        let free = std::mem::replace(&mut *bound, Bound::Lost);
        *bound = match (free, listening) {
            (Bound::Listening(listener), true) => Bound::Listening(listener),
            (Bound::Refusing(socket), false) => Bound::Refusing(socket),
            (Bound::Refusing(socket), true) => Bound::Listening(self.listen(socket)?),
            (Bound::Lost, true) => Bound::Listening(self.listen(bind(self.addr)?)?),
            (freed, false) => {
                // Closed first: a port can't be bound beside a socket that listens on it.
                drop(freed);
                Bound::Refusing(bind(self.addr)?)
            }
        };
        drop(bound);
        self.changed.notify_one();
        Ok(())
    }

    fn listen(&self, socket: Socket) -> io::Result<TcpListener> {
        socket.listen(BACKLOG)?;
        let _runtime = self.runtime.enter();
        TcpListener::from_std(socket.into())
    }

    /// Gives the port up.
    pub(crate) fn close(&self) {
        *self.socket.lock() = Bound::Lost;
        self.changed.notify_one();
    }

    /// The next connection, whenever the port listens.
    async fn accept(&self) -> io::Result<TcpStream> {
        loop {
            let mut changed = pin!(self.changed.notified());
            let accepted = std::future::poll_fn(|cx| {
                use std::task::Poll;
                // Looked at first, so that the listener's waker is the newest one's.
                if changed.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(None);
                }
                match &*self.socket.lock() {
                    Bound::Listening(listener) => listener.poll_accept(cx).map(Some),
                    Bound::Refusing(_) | Bound::Lost => Poll::Pending,
                }
            });
            if let Some(accepted) = accepted.await {
                return accepted.map(|(stream, _)| stream);
            }
        }
    }
}

/// Takes connections off the port and joins each to a link, for as long as the engine lives.
pub(crate) async fn accept_all(hub: Arc<Hub>, port: Arc<TcpPort>) {
    loop {
        match port.accept().await {
            Ok(stream) => {
                // Only spares a delay; a socket that refuses it works all the same.
                let _ = stream.set_nodelay(true);
                match hub.take_in() {
                    Ok(client) => hub.spawn(pump(hub.clock.clone(), client, stream)),
                    // Down since: the kernel had accepted it before.
                    Err(_) => reset(stream),
                }
            }
            Err(error) => {
                hub.log(None, JournalKind::Note(format!("accept: {error}")));
                let now = hub.clock.now();
                hub.clock
                    .sleep_until(Micros(now.0.saturating_add(ACCEPT_PAUSE.0)))
                    .await;
            }
        }
    }
}

/// Closes with an RST.
fn reset(stream: TcpStream) {
    // Where the option can't be set the peer gets a FIN instead; nothing else to be done.
    let _ = stream.set_zero_linger();
    drop(stream);
}

/// How the engine's side of a pump came to an end.
enum Outcome {
    Fin,
    Reset,
    /// The socket is gone.
    Broken,
}

/// Carries bytes between a link and a socket until both directions are over.
async fn pump(clock: Clock, client: ClientEnd, mut stream: TcpStream) {
    let (mut reader, mut writer) = client.into_halves();
    let outcome = {
        let (mut read, mut write) = stream.split();
        let mut inbound = pin!(inbound(&mut read, &mut writer));
        let mut outbound = pin!(outbound(&mut reader, &mut write));
        let mut open = true;
        let outcome = loop {
            tokio::select! {
                biased;
                outcome = &mut outbound => break outcome,
                ended = &mut inbound, if open => match ended {
                    Ok(()) => open = false,
                    Err(_) => break Outcome::Broken,
                },
            }
        };
        if matches!(outcome, Outcome::Fin) && open {
            // Closed with bytes unread, the kernel would send an RST that overtakes our own.
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
        Outcome::Reset => reset(stream),
        Outcome::Broken => writer.reset(),
    }
}

/// From the socket into the link.
async fn inbound(socket: &mut ReadHalf<'_>, link: &mut ClientWriter) -> io::Result<()> {
    let mut buf = vec![0; READ_BYTES];
    loop {
        match socket.read(&mut buf).await? {
            0 => {
                link.fin();
                return Ok(());
            }
            len => link.write_all(&buf[..len]).await?,
        }
    }
}

/// From the link into the socket, as many chunks at a time as are due.
async fn outbound(link: &mut ClientReader, socket: &mut WriteHalf<'_>) -> Outcome {
    let mut chunks = Vec::new();
    loop {
        match link.take_due(&mut chunks).await {
            Ok(true) => {}
            Ok(false) => {
                return if socket.shutdown().await.is_ok() {
                    Outcome::Fin
                } else {
                    Outcome::Broken
                };
            }
            Err(_) => return Outcome::Reset,
        }
        if write_all(socket, &mut chunks).await.is_err() {
            return Outcome::Broken;
        }
    }
}

/// Writes all chunks and empties the list.
async fn write_all(socket: &mut WriteHalf<'_>, chunks: &mut Vec<Bytes>) -> io::Result<()> {
    let mut done = 0;
    while done < chunks.len() {
        let written = if let [only] = &chunks[done..] {
            socket.write(only).await?
        } else {
            let slices: Vec<IoSlice<'_>> = chunks[done..]
                .iter()
                .map(|chunk| IoSlice::new(chunk))
                .collect();
            socket.write_vectored(&slices).await?
        };
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        let mut left = written;
        while left > 0 {
            let len = chunks[done].len().min(left);
            chunks[done].advance(len);
            left -= len;
            if chunks[done].is_empty() {
                done += 1;
            }
        }
    }
    chunks.clear();
    Ok(())
}
