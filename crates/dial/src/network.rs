//! What a scenario puts in place of the network, on the thread that plays it.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::io;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;

use tokio::io::{AsyncRead, AsyncWrite};

/// A connection in a scenario: bytes both ways. It is `Sync` because a `TcpStream` is, and a
/// program may rely on that.
pub trait Transport: AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static> Transport for T {}

/// A dial under way.
pub type Dialing = Pin<Box<dyn Future<Output = io::Result<Box<dyn Transport>>> + Send>>;

/// A network that a scenario plays in.
pub trait Network {
    /// Begins a dial. Any wait within it passes in the scenario's time.
    fn dial(&self, host: &str, port: u16) -> Dialing;
}

thread_local! {
    /// The networks entered on this thread, innermost last.
    static ENTERED: RefCell<Vec<Rc<dyn Network>>> = const { RefCell::new(Vec::new()) };
}

/// Routes every [`dial`](crate::dial()) made on this thread to `network`, until the returned value
/// is dropped.
///
/// A scenario runs on one thread, with a runtime on that thread, so the thread identifies the
/// scenario: several may run side by side, and a program needs no handle to any of them.
///
/// ```
/// use std::io;
/// use std::rc::Rc;
/// use wstape_dial::{Dialing, Network};
///
/// struct Refusing;
///
/// impl Network for Refusing {
///     fn dial(&self, _host: &str, _port: u16) -> Dialing {
///         Box::pin(async { Err(io::ErrorKind::ConnectionRefused.into()) })
///     }
/// }
///
/// let entered = wstape_dial::enter(Rc::new(Refusing));
/// let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// let error = runtime.block_on(wstape_dial::dial("feed.example", 443)).unwrap_err();
/// assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
/// drop(entered);
/// # Ok::<(), io::Error>(())
/// ```
#[must_use = "dropping it leaves the network at once"]
pub fn enter(network: Rc<dyn Network>) -> Entered {
    ENTERED.with_borrow_mut(|entered| {
        entered.push(network);
        Entered {
            depth: entered.len(),
            thread: PhantomData,
        }
    })
}

/// Keeps a network entered until it is dropped; see [`enter`]. It can't leave its thread.
pub struct Entered {
    /// The number of networks entered on the thread, this one included.
    depth: usize,
    thread: PhantomData<Rc<()>>,
}

impl fmt::Debug for Entered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entered")
            .field("depth", &self.depth)
            .finish()
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        // Networks entered within this one end with it. They are dropped outside the borrow,
        // because their drop may dial.
        let left = ENTERED.try_with(|entered| entered.borrow_mut().split_off(self.depth - 1));
        drop(left);
    }
}

/// The innermost network entered on this thread, if there is one.
pub(crate) fn entered() -> Option<Rc<dyn Network>> {
    ENTERED.with_borrow(|entered| entered.last().cloned())
}
