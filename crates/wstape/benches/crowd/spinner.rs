//! A client that dials as fast as it can.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::listeners::HANDSHAKE;

/// How long a dial may take.
const MAX_DIAL: Duration = Duration::from_secs(10);

/// The pause after a dial that failed, because the kernel has no more room.
const PAUSE: Duration = Duration::from_millis(1);

/// What the client does with a connection before it resets it, which leaves no port waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Spin {
    /// Nothing.
    Leaves,
    /// It asks for an upgrade, and waits for the first bytes of the answer.
    Asks,
}

impl Spin {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Leaves => "leaves",
            Self::Asks => "asks",
        }
    }
}

/// Dials for this long, and prints how many dials succeeded.
pub(crate) fn run(addr: SocketAddr, spin: Spin, lasts: Duration) {
    let began = Instant::now();
    let mut taken = 0_u64;
    while began.elapsed() < lasts {
        match dial(addr, spin) {
            Ok(()) => taken += 1,
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
    println!("{taken}");
}

fn dial(addr: SocketAddr, spin: Spin) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&addr, MAX_DIAL)?;
    rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO))?;
    if spin == Spin::Asks {
        stream.set_read_timeout(Some(MAX_DIAL))?;
        stream.write_all(HANDSHAKE)?;
        let mut answer = [0; 1024];
        let _ = stream.read(&mut answer)?;
    }
    Ok(())
}
