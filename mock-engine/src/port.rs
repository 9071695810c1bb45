//! The port: one in memory, or a TCP port that can stop listening and start again.

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

use crate::plug::{MAX_BACKLOG, Plug};

/// What a port does with dials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// It listens.
    Listens,
    /// It neither accepts nor refuses them.
    Pends,
    /// It refuses them.
    Refuses,
}

/// Where dials arrive.
#[derive(Debug, Clone)]
pub(crate) enum Port {
    /// In memory: the hub refuses dials by itself.
    Memory,
    /// A TCP port.
    Tcp(Arc<TcpPort>),
}

impl Port {
    /// Sets what it does from now on.
    pub(crate) fn set(&self, gate: Gate) -> io::Result<()> {
        match self {
            Self::Memory => Ok(()),
            Self::Tcp(port) => port.set(gate),
        }
    }

    /// Its address; `None` in memory.
    pub(crate) fn addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Memory => None,
            Self::Tcp(port) => Some(port.addr),
        }
    }

    /// Closes the port for good.
    pub(crate) fn close(&self) {
        if let Self::Tcp(port) = self {
            port.close();
        }
    }
}

/// A TCP port that can stop listening without anybody else taking it.
pub(crate) struct TcpPort {
    addr: SocketAddr,
    runtime: Handle,
    socket: Mutex<Bound>,
    changed: Notify,
    /// The addresses of connections that the port made to itself to fill its queue, and that still
    /// wait in it. They are not clients.
    plugs: Mutex<Vec<SocketAddr>>,
}

enum Bound {
    Listening(TcpListener),
    /// Listening with a full queue, so that the kernel drops attempts to connect.
    Pending(TcpListener, Plug),
    /// Bound, so that nobody gets it by chance, but not listening, so that connects are refused. A
    /// program that asks for this very port with `SO_REUSEADDR` could still take it: the kernel
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
    // Recent connections must not keep the port from coming back.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    Ok(socket)
}

impl TcpPort {
    /// Binds `addr` without listening yet. Port 0 stands for any free one.
    pub(crate) fn bind(addr: SocketAddr) -> io::Result<Self> {
        let socket = bind(addr)?;
        let addr = socket.local_addr()?.as_socket().unwrap_or(addr);
        Ok(Self {
            addr,
            runtime: Handle::current(),
            socket: Mutex::new(Bound::Refusing(socket)),
            changed: Notify::new(),
            plugs: Mutex::default(),
        })
    }

    /// Sets what it does from now on; done on return.
    pub(crate) fn set(&self, gate: Gate) -> io::Result<()> {
        let mut bound = self.socket.lock();
        let had = std::mem::replace(&mut *bound, Bound::Lost);
        let (now, done) = match (had, gate) {
            (Bound::Listening(listener), Gate::Listens) => (Bound::Listening(listener), Ok(())),
            (Bound::Refusing(socket), Gate::Refuses) => (Bound::Refusing(socket), Ok(())),
            (Bound::Pending(listener, plug), Gate::Pends) => {
                (Bound::Pending(listener, plug), Ok(()))
            }
            (Bound::Pending(listener, plug), Gate::Listens) => {
                let opened = Plug::pull(&listener);
                self.plugs.lock().extend(plug.addr());
                (Bound::Listening(listener), opened)
            }
            (Bound::Listening(listener), Gate::Pends) => self.stop_up(listener),
            (Bound::Refusing(socket), Gate::Listens) => {
                (Bound::Listening(self.listen(socket)?), Ok(()))
            }
            (Bound::Refusing(socket), Gate::Pends) => self.stop_up(self.listen(socket)?),
            (Bound::Lost, Gate::Listens) => {
                (Bound::Listening(self.listen(bind(self.addr)?)?), Ok(()))
            }
            (Bound::Lost, Gate::Pends) => self.stop_up(self.listen(bind(self.addr)?)?),
            (freed, Gate::Refuses) => {
                // Closed first: a port can't be bound while another socket listens on it.
                drop(freed);
                self.plugs.lock().clear();
                (Bound::Refusing(bind(self.addr)?), Ok(()))
            }
        };
        *bound = now;
        drop(bound);
        self.changed.notify_one();
        done
    }

    /// Fills the listener's queue; if that fails it goes on listening.
    fn stop_up(&self, listener: TcpListener) -> (Bound, io::Result<()>) {
        match Plug::put(&listener, self.addr) {
            Ok(plug) => (Bound::Pending(listener, plug), Ok(())),
            Err(error) => (Bound::Listening(listener), Err(error)),
        }
    }

    fn listen(&self, socket: Socket) -> io::Result<TcpListener> {
        socket.listen(MAX_BACKLOG)?;
        let _runtime = self.runtime.enter();
        TcpListener::from_std(socket.into())
    }

    /// Closes the port for good.
    fn close(&self) {
        *self.socket.lock() = Bound::Lost;
        self.changed.notify_one();
    }

    /// Returns the next connection, once the port listens.
    pub(crate) async fn accept(&self) -> io::Result<TcpStream> {
        loop {
            let mut changed = pin!(self.changed.notified());
            let accepted = std::future::poll_fn(|cx| {
                use std::task::Poll;
                // Polled first, so that after a change the listener is polled anew, with this
                // task's waker.
                if changed.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(None);
                }
                match &*self.socket.lock() {
                    Bound::Listening(listener) => listener.poll_accept(cx).map(Some),
                    Bound::Pending(..) | Bound::Refusing(_) | Bound::Lost => Poll::Pending,
                }
            });
            let Some(accepted) = accepted.await else {
                continue;
            };
            let (stream, from) = accepted?;
            if !self.is_plug(from) {
                return Ok(stream);
            }
        }
    }

    /// Whether an accepted connection is one that the port made to itself; true once for each.
    fn is_plug(&self, from: SocketAddr) -> bool {
        let mut plugs = self.plugs.lock();
        let place = plugs.iter().position(|plug| plug.port() == from.port());
        place.map(|place| plugs.swap_remove(place)).is_some()
    }
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use super::*;

    /// The client's kernel retries after a second, and after three.
    const PATIENCE: Duration = Duration::from_secs(20);

    fn dial(addr: SocketAddr) -> Socket {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket
            .set_nonblocking(true)
            .expect("a socket that waits for nothing");
        // It is under way; `peer_addr` shows what becomes of it.
        let _ = socket.connect(&addr.into());
        socket
    }

    #[tokio::test]
    async fn a_dial_pends_while_the_queue_is_full_and_is_taken_once_it_is_not() {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let port = TcpPort::bind(loopback).expect("a port");
        port.set(Gate::Listens).expect("it listens");
        let addr = port.addr;
        let early = dial(addr);
        assert!(early.peer_addr().is_ok(), "taken at once");
        port.accept().await.expect("the early one");

        port.set(Gate::Pends).expect("its queue is full");
        let late = dial(addr);
        let state = late.peer_addr().map_err(|error| error.kind());
        assert_eq!(
            state.map(drop),
            Err(io::ErrorKind::NotConnected),
            "neither taken nor refused"
        );
        assert!(late.take_error().expect("it can be asked").is_none());

        port.set(Gate::Listens).expect("it listens again");
        let taken = tokio::time::timeout(PATIENCE, port.accept()).await;
        let taken = taken.expect("within its patience").expect("a connection");
        let from = taken.peer_addr().expect("it is open");
        let own = late
            .local_addr()
            .expect("bound")
            .as_socket()
            .expect("of TCP");
        assert_eq!(from, own, "the late client, and not what filled the queue");
    }

    #[tokio::test]
    async fn a_port_that_pends_can_be_closed_and_opened() {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let port = TcpPort::bind(loopback).expect("a port");
        port.set(Gate::Pends).expect("its queue is full");
        port.set(Gate::Refuses).expect("it refuses");
        let refused = dial(port.addr);
        let why = refused.take_error().expect("it can be asked");
        assert_eq!(
            why.map(|error| error.kind()),
            Some(io::ErrorKind::ConnectionRefused)
        );
        port.set(Gate::Listens).expect("it listens");
        assert!(dial(port.addr).peer_addr().is_ok());
    }
}
