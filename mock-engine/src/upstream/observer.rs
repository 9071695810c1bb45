//! Who is told what passes between clients and a real engine.

use std::fmt;

use bytes::Bytes;
use parking_lot::Mutex;
use wstape_tape::End;

/// Is told of each connection that reaches a real engine. Faults show only where they end
/// connections.
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// Returns an observer for a new connection. It is dropped when nothing more comes of that.
    fn connection(&self) -> Box<dyn ConnectionObserver>;
}

/// Is told, in order, what passes on one connection. Nothing here may wait.
pub trait ConnectionObserver: Send + 'static {
    /// The client sent this.
    fn client_sent(&mut self, bytes: &Bytes);
    /// The real engine sent this.
    fn engine_sent(&mut self, bytes: &Bytes);
    /// The client ended its stream.
    fn client_ended(&mut self, end: End);
    /// The real engine ended its stream, or a fault ended both.
    fn engine_ended(&mut self, end: End);
    /// The real engine can't be reached, for this reason; the client is reset.
    fn unreachable(&mut self, why: &str);
}

/// One connection's observer, if there is one. It is told of each end once.
#[derive(Default)]
pub(super) struct Watch(Mutex<Watched>);

#[derive(Default)]
struct Watched {
    observer: Option<Box<dyn ConnectionObserver>>,
    client_ended: bool,
    engine_ended: bool,
}

impl Watch {
    pub(super) fn new(observer: Option<&dyn Observer>) -> Self {
        Self(Mutex::new(Watched {
            observer: observer.map(Observer::connection),
            ..Watched::default()
        }))
    }

    fn tell(&self, tell: impl FnOnce(&mut dyn ConnectionObserver)) {
        if let Some(observer) = &mut self.0.lock().observer {
            tell(&mut **observer);
        }
    }

    pub(super) fn client_sent(&self, bytes: &Bytes) {
        self.tell(|observer| observer.client_sent(bytes));
    }

    pub(super) fn engine_sent(&self, bytes: &Bytes) {
        self.tell(|observer| observer.engine_sent(bytes));
    }

    pub(super) fn client_ended(&self, end: End) {
        if !std::mem::replace(&mut self.0.lock().client_ended, true) {
            self.tell(|observer| observer.client_ended(end));
        }
    }

    pub(super) fn engine_ended(&self, end: End) {
        if !std::mem::replace(&mut self.0.lock().engine_ended, true) {
            self.tell(|observer| observer.engine_ended(end));
        }
    }

    pub(super) fn unreachable(&self, why: &str) {
        self.tell(|observer| observer.unreachable(why));
    }
}
