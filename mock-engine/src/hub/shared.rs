//! What an engine's tasks share.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use wstape_tape::{Tape, TapeError};

use super::core::{Core, Setup};
use crate::error::EngineError;
use crate::ids::LayerIndex;
use crate::layer::Layer;
use crate::log::Log;
use crate::playback::Playback;

/// What an engine's tasks share.
#[derive(Debug)]
pub(crate) struct Hub {
    log: Log,
    /// Wakes the driver: something is due, or the tape may go on.
    wake: Arc<Notify>,
    /// Notified when a client has caught up.
    drained: Arc<Notify>,
    /// Notified of each change in the connections.
    progress: Arc<Notify>,
    /// The tapes; locked before the core if both are needed.
    playback: Mutex<Playback>,
    core: Mutex<Core>,
    /// `None` once the engine has stopped.
    tasks: Mutex<Option<JoinSet<()>>>,
}

impl Hub {
    pub(crate) fn new(setup: Setup, playback: Playback) -> Self {
        let (wake, progress) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        Self {
            log: setup.log.clone(),
            core: Mutex::new(Core::new(setup, Arc::clone(&wake), Arc::clone(&progress))),
            wake,
            drained: Arc::new(Notify::new()),
            progress,
            playback: Mutex::new(playback),
            tasks: Mutex::new(Some(JoinSet::new())),
        }
    }

    pub(crate) fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock()
    }

    pub(crate) fn playback(&self) -> MutexGuard<'_, Playback> {
        self.playback.lock()
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// Plays another tape as the base, now and from its beginning; `controls` is the layer after
    /// the tapes'.
    ///
    /// # Errors
    /// If a tape can't be read; then what is being played goes on.
    pub(crate) fn replace_tape(&self, tape: Tape, controls: LayerIndex) -> Result<(), TapeError> {
        let base = Layer::from(tape);
        let (wall, speaks) = (base.header().wall_at_zero(), base.speaks());
        let mut playback = self.playback();
        let audience = base.audience(playback.name());
        let prologue = playback.replace_base(base)?;
        self.core()
            .replace_tapes(controls, wall, prologue, speaks, audience);
        Ok(())
    }

    /// Notified when something is due or the tape may go on.
    pub(crate) fn wake(&self) -> &Notify {
        &self.wake
    }

    /// Notified when a client has caught up.
    pub(crate) fn drained(&self) -> &Arc<Notify> {
        &self.drained
    }

    /// Notified of each change in the connections.
    pub(crate) fn progress(&self) -> &Notify {
        &self.progress
    }

    /// Runs `task` as one of the engine's own: it ends no later than the engine.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(tasks) = &mut *self.tasks.lock() {
            while tasks.try_join_next().is_some() {}
            tasks.spawn(task);
        }
    }

    pub(crate) fn stopped(&self) -> bool {
        self.tasks.lock().is_none()
    }

    /// Ends the engine, which has lost its driver: whoever waits for something learns that it will
    /// never come.
    pub(crate) fn cut_off(&self) {
        drop(self.stop());
        self.playback().finish(Err(EngineError::ShutDown));
        self.progress.notify_waiters();
    }

    /// Stops taking connections and tasks; returns the tasks that still run.
    pub(crate) fn stop(&self) -> JoinSet<()> {
        self.tasks.lock().take().unwrap_or_default()
    }
}
