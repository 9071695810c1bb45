//! The mirror as its one writer sees it: a reader that stalls while holding the lock holds up that
//! lock, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use parking_lot::{RwLock, RwLockWriteGuard};

use crate::kind::Kind;
use crate::{ConnectionHealth, EngineState};

/// How long to wait for readers. One that only copies what it shows is done long before.
const PATIENCE: Duration = Duration::from_millis(1);

/// How soon to check again for readers in the way of the last change.
const LAST_RETRY: Duration = Duration::from_millis(10);

/// The shared mirror, and the changes that readers still block.
pub(crate) struct Mirror {
    shared: Arc<RwLock<EngineState>>,
    /// The subscriber's own part of it, as the last change left it.
    own: Own,
    /// What is still to be shown while a reader is in the way; at most as large as the mirror,
    /// however much is folded meanwhile.
    late: Option<Box<Late>>,
}

/// What the subscriber's changes build on. Payloads are not part of it: each replaces the one
/// before.
#[derive(Debug, Clone, Copy, Default)]
struct Own {
    connection: ConnectionHealth,
    last_heartbeat: Option<DateTime<Utc>>,
}

struct Late {
    /// Holds only the payloads folded since readers got in the way.
    state: EngineState,
    /// Which payloads those are, each once; somebody else may have written the others.
    folded: Vec<Kind>,
    /// The last heartbeat when readers got in the way.
    heartbeat_before: Option<DateTime<Utc>>,
}

impl Mirror {
    pub(crate) fn new(shared: Arc<RwLock<EngineState>>) -> Self {
        let own = Own::seen(&shared).unwrap_or_default();
        Self {
            shared,
            own,
            late: None,
        }
    }

    /// Changes the mirror, a payload of `kind` included, in one step for every reader: now, or as
    /// soon as [`publish`](Self::publish) finds readers out of the way.
    #[inline]
    pub(crate) fn change<T>(
        &mut self,
        kind: Option<Kind>,
        change: impl FnOnce(&mut EngineState) -> T,
    ) -> T {
        if self.publish()
            && let Some(mut state) = write(&self.shared)
        {
            let changed = change(&mut state);
            self.own = Own::of(&state);
            return changed;
        }
        change(self.set_aside(kind))
    }

    /// Shows what is late, if it can; returns whether nothing is late any more.
    #[inline]
    pub(crate) fn publish(&mut self) -> bool {
        self.late.is_none() || self.publish_late()
    }

    /// Whether readers are blocking a change.
    pub(crate) fn is_late(&self) -> bool {
        self.late.is_some()
    }

    /// Makes the last change, which must not be lost, without ever waiting: a reader on this very
    /// thread may hold its guard over an await. While anybody is in the way, a separate thread
    /// checks whether they have gone; it never queues for the lock, which would shut out new
    /// readers.
    pub(crate) fn change_at_last(
        &mut self,
        change: impl FnOnce(&mut EngineState) + Send + 'static,
    ) {
        let late = self.late.take();
        if let Some(mut state) = self.shared.try_write() {
            return change_late(late, change, &mut state);
        }
        let shared = Arc::clone(&self.shared);
        let waiter = std::thread::Builder::new().name("engine-client-last".to_owned());
        let waiting = waiter.spawn(move || {
            // If nobody else holds the mirror, nobody is left to tell.
            while Arc::strong_count(&shared) > 1 {
                if let Some(mut state) = shared.try_write() {
                    return change_late(late, change, &mut state);
                }
                std::thread::sleep(LAST_RETRY);
            }
        });
        if let Err(error) = waiting {
            tracing::error!(%error, "no thread to tell readers that the subscriber has ended");
        }
    }

    #[cold]
    fn publish_late(&mut self) -> bool {
        let Some(mut state) = self.shared.try_write() else {
            return false;
        };
        if let Some(late) = self.late.take() {
            late.show(&mut state);
            self.own = Own::of(&state);
        }
        true
    }

    /// Where changes go while somebody is in the way. Waits for nobody: a reader may hold its guard
    /// on this very thread, over an await, and a waiting writer shuts out all who would queue
    /// behind it.
    #[cold]
    fn set_aside(&mut self, kind: Option<Kind>) -> &mut EngineState {
        let late = self.late.get_or_insert_with(|| {
            let own = Own::seen(&self.shared).unwrap_or(self.own);
            Box::new(Late {
                state: EngineState {
                    connection: own.connection,
                    last_heartbeat: own.last_heartbeat,
                    ..EngineState::default()
                },
                folded: Vec::new(),
                heartbeat_before: own.last_heartbeat,
            })
        });
        if let Some(kind) = kind
            && !late.folded.contains(&kind)
        {
            late.folded.push(kind);
        }
        &mut late.state
    }
}

/// The mirror to write to, unless somebody is in the way for long. Waiting reads the machine's
/// clock, a cost that most changes need not pay.
#[inline]
fn write(shared: &RwLock<EngineState>) -> Option<RwLockWriteGuard<'_, EngineState>> {
    shared
        .try_write()
        .or_else(|| shared.try_write_for(PATIENCE))
}

impl Own {
    fn of(state: &EngineState) -> Self {
        Self {
            connection: state.connection,
            last_heartbeat: state.last_heartbeat,
        }
    }

    /// Returns it as it stands in the mirror; `None` while somebody writes, or waits to.
    fn seen(shared: &RwLock<EngineState>) -> Option<Self> {
        shared.try_read().map(|state| Self::of(&state))
    }
}

/// Shows what is late, then makes a change.
fn change_late(
    late: Option<Box<Late>>,
    change: impl FnOnce(&mut EngineState),
    state: &mut EngineState,
) {
    if let Some(late) = late {
        late.show(state);
    }
    change(state);
}

impl Late {
    fn show(self, shared: &mut EngineState) {
        let mut state = self.state;
        shared.connection = state.connection;
        if state.last_heartbeat != self.heartbeat_before {
            shared.last_heartbeat = state.last_heartbeat;
        }
        for kind in self.folded {
            match kind {
                Kind::Heartbeat => {}
                Kind::Status => shared.status = state.status.take(),
                Kind::Positions => shared.positions = state.positions.take(),
                Kind::Risk => shared.risk = state.risk.take(),
                Kind::Regime => shared.regime = state.regime.take(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{RecvTimeoutError, channel};
    use std::thread;

    use super::*;

    /// Longest that something which waits for nobody may take.
    const BOUND: Duration = Duration::from_secs(10);

    /// Does `work` on a mirror that a reader holds and a writer waits for. Returns whether it
    /// waited for neither, and the mirror once both have gone.
    fn while_a_writer_waits(
        work: impl FnOnce(&mut Mirror) + Send + 'static,
    ) -> (bool, Arc<RwLock<EngineState>>) {
        let shared = EngineState::shared();
        let reader = shared.read();
        let writer = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || drop(shared.write()))
        };
        // Readers get in until a writer waits.
        while shared.try_read().is_some() {
            thread::yield_now();
        }
        let (done, is_done) = channel();
        let theirs = Arc::clone(&shared);
        let worker = thread::spawn(move || {
            let mut mirror = Mirror::new(theirs);
            work(&mut mirror);
            let _ = done.send(());
            mirror
        });
        let in_time = is_done.recv_timeout(BOUND) != Err(RecvTimeoutError::Timeout);
        drop(reader);
        writer.join().expect("it writes nothing");
        worker.join().expect("it works");
        (in_time, shared)
    }

    #[test]
    fn a_change_waits_for_nobody_and_is_shown_with_those_behind_it_once_they_have_gone() {
        let (in_time, shared) = while_a_writer_waits(|mirror| {
            for _ in 0..3 {
                mirror.change(None, |state| state.connection.undecodable += 1);
            }
            assert!(mirror.is_late());
            mirror.change_at_last(|state| state.connection.failed_payloads += 1);
        });
        assert!(in_time, "it queued behind whoever waits to write");
        let start = std::time::Instant::now();
        while shared.read().connection.failed_payloads == 0 {
            assert!(start.elapsed() < BOUND);
            thread::yield_now();
        }
        assert_eq!(shared.read().connection.undecodable, 3);
    }

    #[test]
    fn a_change_that_finds_somebody_else_writing_goes_on_from_the_one_before() {
        let shared = EngineState::shared();
        let mut mirror = Mirror::new(Arc::clone(&shared));
        mirror.change(None, |state| state.connection.undecodable = 7);
        let writes = shared.write();
        mirror.change(None, |state| state.connection.undecodable += 1);
        drop(writes);
        assert!(mirror.publish());
        assert_eq!(shared.read().connection.undecodable, 8);
    }

    #[test]
    fn the_last_change_waits_for_nobody_and_is_made_once_they_have_gone() {
        let (in_time, shared) = while_a_writer_waits(|mirror| {
            mirror.change_at_last(|state| state.connection.ws_connected = true);
        });
        assert!(in_time);
        let start = std::time::Instant::now();
        while !shared.read().connection.ws_connected {
            assert!(start.elapsed() < BOUND);
            thread::yield_now();
        }
    }
}
