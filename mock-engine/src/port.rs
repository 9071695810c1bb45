//! The port: one in memory, or one of TCP that can stop listening and begin again.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use parking_lot::Mutex;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::Notify;

/// Connections that the kernel may keep waiting.
const MAX_BACKLOG: i32 = 1024;

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

    /// The address that it is; `None` in memory.
    pub(crate) fn addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Memory => None,
            Self::Tcp(port) => Some(port.addr),
        }
    }

    /// Gives the port up.
    pub(crate) fn close(&self) {
        if let Self::Tcp(port) = self {
            port.close();
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
        socket.listen(MAX_BACKLOG)?;
        let _runtime = self.runtime.enter();
        TcpListener::from_std(socket.into())
    }

    /// Gives the port up.
    fn close(&self) {
        *self.socket.lock() = Bound::Lost;
        self.changed.notify_one();
    }

    /// The next connection, whenever the port listens.
    pub(crate) async fn accept(&self) -> io::Result<TcpStream> {
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
