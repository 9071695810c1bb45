//! The writer's side of a live recording: a task that takes what waits in the queue, has it turned
//! into steps and written on a separate thread, and forces it to the disk in time.

use std::collections::VecDeque;
use std::io;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};
use wstape_tape::Micros;

use super::fsync::Fsync;
use super::queue::{Bounds, Entry, Gap, Overflow, Receiver, Sender, queue};
use super::tape::{Finished, Recording};
use super::thread::WriterThread;
use super::time::TapeTime;
use crate::error::RecordError;

/// How long to gather entries before waking the writing thread.
pub(super) const GATHER: Duration = Duration::from_millis(20);

/// Turns the observations of a source into steps, on the writer's thread. Parsing, inflating and
/// the like belong here, where they delay nobody.
pub(crate) trait Encoder: Send + 'static {
    /// What the source hands over.
    type Observation: Send + 'static;

    /// Writes the steps for an observation.
    ///
    /// # Errors
    /// The errors of [`Recording::push`].
    fn encode(&mut self, seen: Self::Observation, tape: &mut Recording) -> Result<(), RecordError>;

    /// Writes that something is missing here.
    ///
    /// # Errors
    /// The errors of [`Recording::push`].
    fn gap(&mut self, gap: Gap, tape: &mut Recording) -> Result<(), RecordError> {
        tape.push(gap.step())
    }

    /// When to call [`settle`](Self::settle) even if nothing more is observed.
    fn due(&self) -> Option<Micros> {
        None
    }

    /// Writes what follows from nothing having been observed until `now`.
    ///
    /// # Errors
    /// The errors of [`Recording::push`].
    fn settle(&mut self, _now: Micros, _tape: &mut Recording) -> Result<(), RecordError> {
        Ok(())
    }
}

/// The writer of a live recording.
#[derive(Debug)]
pub(crate) struct Writer<S: Encoder> {
    sender: Sender<S::Observation>,
    task: JoinHandle<Result<Worker<S>, RecordError>>,
    thread: Arc<WriterThread>,
    name: String,
}

/// What the writing thread works with.
#[derive(Debug)]
struct Worker<S: Encoder> {
    queue: Receiver<S::Observation>,
    encoder: S,
    tape: Recording,
    time: TapeTime,
    batch: VecDeque<Entry<S::Observation>>,
    /// When data that waits to be forced to the disk must be there.
    due: Option<Duration>,
}

impl<S: Encoder> Writer<S> {
    /// Starts writing to `tape` what `encoder` makes of the observations that are sent.
    ///
    /// # Errors
    /// [`RecordError::Output`] if the system can't create the writing thread.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub(crate) fn start(
        tape: Recording,
        encoder: S,
        time: TapeTime,
        (bounds, overflow): (Bounds, Overflow),
    ) -> Result<Self, RecordError> {
        let name = tape.name().to_owned();
        let thread = WriterThread::start();
        let thread = thread.map_err(|error| RecordError::Output(name.clone(), error))?;
        let thread = Arc::new(thread);
        let (sender, queue) = queue(bounds, overflow, tape.stats());
        let mut worker = Worker {
            queue,
            encoder,
            tape,
            time,
            batch: VecDeque::new(),
            due: None,
        };
        worker.set_due();
        let task = tokio::spawn(run(worker, Arc::clone(&thread), name.clone()));
        Ok(Self {
            sender,
            task,
            thread,
            name,
        })
    }

    /// The source's end of the queue.
    pub(crate) fn sender(&self) -> Sender<S::Observation> {
        self.sender.clone()
    }

    /// Completes only if the output has failed; [`finish`](Self::finish) returns the error. Cancel
    /// safe.
    pub(crate) async fn failed(&self) {
        // The writer stops by itself only after a failure; `finish` returns the error.
        self.sender.ended().await;
    }

    /// Writes everything that was sent, then what `last` adds, and finishes the tape.
    ///
    /// # Errors
    /// The errors of [`Recording::push`] and [`Recording::finish`].
    pub(crate) async fn finish(
        self,
        last: impl FnOnce(&mut S, &mut Recording) -> Result<(), RecordError> + Send + 'static,
    ) -> Result<(Finished, S), RecordError> {
        self.sender.close();
        let worker = joined(self.task, &self.name).await??;
        let finish = move || {
            let Worker {
                mut encoder,
                mut tape,
                ..
            } = worker;
            last(&mut encoder, &mut tape)?;
            Ok((tape.finish()?, encoder))
        };
        on(self.thread, finish, &self.name).await?
    }
}

async fn run<S: Encoder>(
    mut worker: Worker<S>,
    thread: Arc<WriterThread>,
    name: String,
) -> Result<Worker<S>, RecordError> {
    let clock = Arc::clone(worker.time.clock());
    loop {
        let more = match worker.next_due() {
            None => worker.queue.wait().await,
            Some(due) => {
                let sleep = clock.sleep_until(due);
                tokio::select! {
                    biased;
                    more = worker.queue.wait() => more,
                    () = sleep => true,
                }
            }
        };
        if !more {
            return Ok(worker);
        }
        // Waking a thread for each entry would cost the source more than the entry itself.
        let pause = clock.now().saturating_add(GATHER);
        worker.queue.gather(clock.sleep_until(pause)).await;
        let turn = move || worker.turn().map(|()| worker);
        worker = on(Arc::clone(&thread), turn, &name).await??;
    }
}

/// Does `work` on the writer's thread, while a thread of the runtime's pool waits for it: tokio's
/// paused time stands still while one of those is busy, so writing takes no virtual time.
async fn on<T: Send + 'static>(
    thread: Arc<WriterThread>,
    work: impl FnOnce() -> T + Send + 'static,
    name: &str,
) -> Result<T, RecordError> {
    joined(spawn_blocking(move || thread.run(work)), name).await
}

impl<S: Encoder> Worker<S> {
    /// Writes what is waiting.
    fn turn(&mut self) -> Result<(), RecordError> {
        // Everything observed before this moment is in the queue.
        let now = self.time.now();
        self.queue.take(&mut self.batch);
        let mut written = Bounds::NONE;
        while let Some(entry) = self.batch.pop_front() {
            written.add(entry.weight());
            match entry {
                Entry::Seen(seen, _) => self.encoder.encode(seen, &mut self.tape)?,
                Entry::Gap(gap) => self.encoder.gap(gap, &mut self.tape)?,
            }
            if self.tape.is_committed() {
                // A batch was full and has been written.
                self.queue.release(std::mem::take(&mut written));
            }
        }
        self.encoder.settle(now, &mut self.tape)?;
        self.tape.commit()?;
        self.queue.release(written);
        self.sync_if_due()
    }

    fn sync_if_due(&mut self) -> Result<(), RecordError> {
        if self.due.is_some_and(|due| due <= self.time.clock().now()) {
            self.tape.sync()?;
            self.due = None;
        }
        self.set_due();
        Ok(())
    }

    /// When there is something to do even if nothing more comes.
    fn next_due(&self) -> Option<Duration> {
        let settle = self.encoder.due().map(|at| self.time.reading(at));
        [self.due, settle].into_iter().flatten().min()
    }

    /// Sets when the next fsync is due: the first data written since the last one decides.
    fn set_due(&mut self) {
        if let Fsync::Interval(interval) = self.tape.policy()
            && self.due.is_none()
            && self.tape.is_dirty()
        {
            self.due = Some(self.time.clock().now().saturating_add(interval));
        }
    }
}

/// The result of a task. A panic continues here; a task that ended with its runtime counts as a
/// failed output.
async fn joined<T>(task: JoinHandle<T>, name: &str) -> Result<T, RecordError> {
    match task.await {
        Ok(done) => Ok(done),
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        Err(_) => Err(RecordError::Output(
            name.to_owned(),
            io::Error::other("the runtime shut down before everything was written"),
        )),
    }
}
