//! Fills up a listener's queue, so that dials neither succeed nor fail.
//!
//! On Linux a queue of length 0 holds one connection (`tcp(7)`, `listen(2)`). One that the host
//! makes to its own listener, and that nobody accepts, fills it, and later attempts to connect are
//! silently dropped. Other systems refuse them, or accept one more; nothing is promised there.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::TcpListener;

/// The most connections that the kernel may keep waiting.
pub(crate) const MAX_BACKLOG: i32 = 1024;

/// What keeps a listener's queue full.
#[derive(Debug)]
pub(crate) struct Plug {
    socket: Socket,
}

impl Plug {
    /// Fills the queue of the listener on `addr`; it is full on return.
    ///
    /// # Errors
    /// [`Unsupported`](io::ErrorKind::Unsupported) if the system is not Linux; otherwise the
    /// system's error.
    pub(crate) fn put(listener: &TcpListener, addr: SocketAddr) -> io::Result<Self> {
        if !cfg!(target_os = "linux") {
            let text = "over TCP, a dial can be left pending only on Linux";
            return Err(io::Error::new(io::ErrorKind::Unsupported, text));
        }
        let filled = Self::fill(listener, addr);
        if filled.is_err() {
            // Let the listener go on as before, as far as possible.
            let _ = SockRef::from(listener).listen(MAX_BACKLOG);
        }
        filled
    }

    fn fill(listener: &TcpListener, addr: SocketAddr) -> io::Result<Self> {
        SockRef::from(listener).listen(0)?;
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        // If a client is waiting in the queue already, that is full, and this would wait as well.
        socket.set_nonblocking(true)?;
        match socket.connect(&reachable(addr).into()) {
            // `EINPROGRESS`: within one host, the connection is made by now all the same.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.raw_os_error() == Some(EINPROGRESS) => {}
            other => other?,
        }
        Ok(Self { socket })
    }

    /// Makes room in a listener's queue again. The plug stays in it until it is accepted.
    pub(crate) fn pull(listener: &TcpListener) -> io::Result<()> {
        SockRef::from(listener).listen(MAX_BACKLOG)
    }

    /// The address that the listener sees the plug's connection come from.
    pub(crate) fn addr(&self) -> Option<SocketAddr> {
        self.socket.local_addr().ok()?.as_socket()
    }
}

/// `EINPROGRESS` on Linux.
const EINPROGRESS: i32 = 115;

/// The address at which a listener's own host reaches it.
fn reachable(mut addr: SocketAddr) -> SocketAddr {
    match addr {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => addr.set_ip(Ipv4Addr::LOCALHOST.into()),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => addr.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    addr
}
