//! Cuts a section out of a tape, as a tape of its own.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::BufRead;

use chrono::TimeDelta;
use wstape_tape::{
    Action, Answers, Conn, Direction, Down, Header, Micros, ReceivedKind, Step, TapeError,
    TapeReader, Trigger, WhichScene,
};

/// The most scenes that a section's mark names.
const MAX_NAMED: usize = 16;

/// Why a section can't be cut out of a tape.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrimError {
    /// The tape can't be read.
    #[error(transparent)]
    Tape(#[from] TapeError),
    /// The tape has no such mark.
    #[error("{tape}: there is no mark {mark:?}; grep '\"mark\":\"' {tape} lists the marks")]
    NoMark {
        /// The tape's name.
        tape: String,
        /// The mark that was asked for.
        mark: String,
    },
    /// The section would end before it begins.
    #[error("nothing lies between {from} s and {to} s: --to must be later than --from")]
    Empty {
        /// Where it would begin.
        from: Micros,
        /// Where it would end.
        to: Micros,
    },
    /// The section has no steps.
    #[error("{tape}: nothing is kept: {why}")]
    Nothing {
        /// The tape's name.
        tape: String,
        /// What is known about the section and the tape.
        why: String,
    },
}

/// Where a section begins or ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// At a time of the tape.
    At(Micros),
    /// At the first mark with this name.
    Mark(String),
}

/// A section of a tape.
///
/// Times count from its beginning, and the virtual wall time there is unchanged. The state at the
/// beginning (the port down, a partition, an HTTP answer, open connections) is set there; a state
/// that clears by itself does so when it would have. Steps on connect stay as they are. If the tape
/// names its connections, those already over are left out and the others are renumbered. A scene that
/// a timed step started before the section does not go on in it, because a tape can only start a
/// scene at its own beginning: a mark says so.
#[derive(Debug, Clone, Default)]
pub struct Trim {
    /// Where it begins; `None` for the tape's own beginning.
    pub from: Option<Place>,
    /// Where it ends; `None` for the tape's own end.
    pub to: Option<Place>,
}

/// What a state is about: its key, and the path and the method that an HTTP answer is for.
type About = (&'static str, Option<(String, String)>);

/// What is known from the steps before the section.
#[derive(Debug, Default)]
struct Before {
    /// The states, by what they are about, each with the time when it was set, in that order: a
    /// later one may be for some of what an earlier one is for.
    states: BTreeMap<About, Vec<(Micros, Step)>>,
    /// The handshakes of open connections.
    open: BTreeMap<u64, Vec<Step>>,
    /// The runs of scenes on open connections, in the order in which they were started. An engine
    /// runs few of them on a connection, so these are few too.
    runs: Vec<Run>,
    /// The new numbers of connections, by their old ones; 0 for those over before the section.
    numbers: BTreeMap<u64, u64>,
    next_number: u64,
    /// Whether the tape knows connections one by one.
    held: bool,
    /// The time of the last step.
    until: Option<Micros>,
}

/// A run of a scene that a step started.
#[derive(Debug)]
struct Run {
    conn: Conn,
    name: String,
    at: Micros,
    stopped: bool,
}

impl Trim {
    /// The section's header.
    #[must_use]
    pub fn header(mut header: Header, from: Micros) -> Header {
        let us = i64::try_from(from.0).unwrap_or(i64::MAX);
        let epoch = header
            .wall_at_zero()
            .checked_add_signed(TimeDelta::microseconds(us));
        if from > Micros::ZERO {
            header.epoch = epoch;
        }
        header
    }

    /// Finds where the section begins. For a mark this reads the tape up to it.
    ///
    /// # Errors
    /// The first error in the tape; [`TrimError::NoMark`] if there is no such mark.
    pub fn begin<R: BufRead>(&self, reader: TapeReader<R>) -> Result<Micros, TrimError> {
        match &self.from {
            None => Ok(Micros::ZERO),
            Some(Place::At(at)) => Ok(*at),
            Some(Place::Mark(name)) => {
                let tape = reader.name().to_owned();
                for step in reader {
                    let step = step?;
                    if let (Action::Mark(found), Trigger::At(at)) = (&step.action, &step.trigger)
                        && found == name
                    {
                        return Ok(*at);
                    }
                }
                Err(TrimError::NoMark {
                    tape,
                    mark: name.clone(),
                })
            }
        }
    }

    /// Passes the section's steps to `write`, one by one, in constant memory. `from` is what
    /// [`begin`](Self::begin) returned.
    ///
    /// # Errors
    /// The first error in the tape, or from `write`; [`TrimError::NoMark`] if there is no mark for
    /// the end, [`TrimError::Empty`] if the section would end before it begins,
    /// [`TrimError::Nothing`] if it has no steps.
    pub fn cut<R: BufRead, E: From<TrimError>>(
        &self,
        from: Micros,
        mut reader: TapeReader<R>,
        mut write: impl FnMut(Step) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Some(Place::At(to)) = self.to
            && to <= from
        {
            return Err(TrimError::Empty { from, to }.into());
        }
        let name = reader.name().to_owned();
        let mut before = Before::default();
        let mut begun = from == Micros::ZERO;
        let mut last = from;
        let mut ended_at = None;
        // The steps kept, and whether any step but the end comes after the section's beginning.
        let (kept, mut reached) = (Cell::new(0_u64), false);
        let mut write = |step: Step| {
            kept.set(kept.get() + 1);
            write(step)
        };
        for step in reader.by_ref() {
            let step = step.map_err(TrimError::from)?;
            let Trigger::At(at) = step.trigger else {
                write(step)?;
                continue;
            };
            if at < from {
                before.take(at, step);
                continue;
            }
            reached |= step.action != Action::End;
            if !begun {
                begun = true;
                before.hand_over(from, &mut write)?;
            }
            if self.is_end(at, &step) {
                ended_at = match self.to {
                    Some(Place::At(to)) if step.action != Action::End => Some(to),
                    // The tape ended without the mark.
                    Some(Place::Mark(_)) if step.action == Action::End => None,
                    _ => Some(at),
                };
                break;
            }
            last = at;
            if let Some(step) = before.renumbered(step) {
                write(moved(step, Micros(at.0 - from.0)))?;
            }
        }
        if !begun {
            before.hand_over(from, &mut write)?;
        }
        let no_mark = matches!(self.to, Some(Place::Mark(_))) && ended_at.is_none();
        if !no_mark && (kept.get() == 0 || !reached) {
            let why = match before.until.filter(|_| !reached) {
                Some(until) if from > Micros::ZERO => {
                    format!(
                        "the section starts at {from} s, but the tape's last step is at {until} s"
                    )
                }
                _ => "the section holds no step".to_owned(),
            };
            return Err(TrimError::Nothing { tape: name, why }.into());
        }
        let end = match (&self.to, ended_at) {
            (_, Some(end)) => end,
            (Some(Place::Mark(mark)), None) => {
                return Err(TrimError::NoMark {
                    tape: name,
                    mark: mark.clone(),
                }
                .into());
            }
            // The tape has no end step, so the section has none either.
            (None, None) => return Ok(()),
            (Some(Place::At(to)), None) => (*to).min(last.max(from)),
        };
        write(Step::at(Micros(end.0 - from.0), Action::End))
    }

    fn is_end(&self, at: Micros, step: &Step) -> bool {
        step.action == Action::End
            || match &self.to {
                None => false,
                Some(Place::At(to)) => at >= *to,
                Some(Place::Mark(name)) => {
                    matches!(&step.action, Action::Mark(found) if found == name)
                }
            }
    }
}

impl Before {
    /// Takes a step before the section.
    fn take(&mut self, at: Micros, step: Step) {
        self.until = Some(at);
        self.take_scene(at, &step);
        let named = match step.conn {
            Conn::All => None,
            Conn::Nth(n) => Some(n),
        };
        if matches!(step.action, Action::Answers(Answers::Held)) {
            self.held = true;
        }
        if let Some(n) = named.filter(|_| self.held) {
            match &step.action {
                Action::Received(received) => match received.kind {
                    ReceivedKind::Open => {
                        self.open.entry(n).or_default().push(step);
                        return;
                    }
                    ReceivedKind::Fin | ReceivedKind::Reset => {
                        self.forget(n);
                        return;
                    }
                    _ => {}
                },
                Action::Accept(Some(accept))
                    if accept.status.is_none_or(|status| status == 101) =>
                {
                    self.open.entry(n).or_default().push(step);
                    return;
                }
                Action::Accept(_)
                | Action::Refuse(_)
                | Action::Garbage(_)
                | Action::Drop(_)
                | Action::Close(_) => {
                    self.forget(n);
                    return;
                }
                _ => {}
            }
        } else if self.held && ends_all(&step.action) {
            for n in std::mem::take(&mut self.open).into_keys() {
                self.forget(n);
            }
        }
        if !step.action.is_state() {
            return;
        }
        let states = self
            .states
            .entry((step.key(), answered(&step)))
            .or_default();
        states.retain(|(_, earlier)| !covers(&step, earlier));
        let clears = step.for_us.is_none() && step.action.clears();
        if !clears || !states.is_empty() {
            states.push((at, step));
        }
    }

    /// Takes what a step before the section does to the runs of scenes.
    fn take_scene(&mut self, at: Micros, step: &Step) {
        let conn = step.conn;
        let theirs = |run: &Run| conn == Conn::All || run.conn == conn;
        match &step.action {
            Action::Start(start) => {
                let name = start.goes_by();
                match self
                    .runs
                    .iter_mut()
                    .find(|run| run.conn == conn && run.name == name)
                {
                    // Starting it again changes nothing, unless it was stopped.
                    Some(run) if run.stopped => (run.at, run.stopped) = (at, false),
                    Some(_) => {}
                    None => self.runs.push(Run {
                        conn,
                        name: name.to_owned(),
                        at,
                        stopped: false,
                    }),
                }
            }
            Action::Stop(WhichScene::Named(name)) => {
                for run in self.runs.iter_mut().filter(|run| theirs(run)) {
                    run.stopped |= run.name == *name;
                }
            }
            Action::Stop(WhichScene::Any(nth)) => {
                let nth = usize::try_from(nth.saturating_sub(1)).unwrap_or(usize::MAX);
                // Those that were started on all connections count on each.
                let there = |run: &&mut Run| theirs(run) || run.conn == Conn::All;
                let run = self.runs.iter_mut().filter(there).nth(nth);
                if let Some(run) = run.filter(|run| run.conn == conn) {
                    run.stopped = true;
                }
            }
            action if ends_all(action) => self.runs.retain(|run| !theirs(run)),
            _ => {}
        }
    }

    /// Says which scenes do not go on in the section.
    fn scenes_left_behind(&self, from: Micros) -> Option<String> {
        let running: Vec<&Run> = self.runs.iter().filter(|run| !run.stopped).collect();
        let said = |run: &&Run| {
            let ago = Micros(from.0.saturating_sub(run.at.0));
            let whose = match run.conn {
                Conn::All => "all connections".to_owned(),
                Conn::Nth(n) => format!("the connection that was number {n}"),
            };
            format!("{:?} on {whose}, started {ago} s before", run.name)
        };
        let mut named: Vec<String> = running.iter().take(MAX_NAMED).map(said).collect();
        if let Some(more @ 1..) = running.len().checked_sub(MAX_NAMED) {
            named.push(format!("and {more} more"));
        }
        let named = named.join("; ");
        (!running.is_empty()).then(|| format!("scenes that do not go on in this section: {named}"))
    }

    /// Takes the end of a connection.
    fn forget(&mut self, n: u64) {
        self.open.remove(&n);
        self.runs.retain(|run| run.conn != Conn::Nth(n));
        for states in self.states.values_mut() {
            states.retain(|(_, state)| state.conn != Conn::Nth(n));
        }
        self.numbers.insert(n, 0);
    }

    /// Writes the state and the open connections at the beginning of the section.
    fn hand_over<E>(
        &mut self,
        from: Micros,
        write: &mut impl FnMut(Step) -> Result<(), E>,
    ) -> Result<(), E> {
        let states = std::mem::take(&mut self.states);
        for (set_at, mut step) in states.into_values().flatten() {
            if let Some(length) = step.for_us {
                let over_at = set_at.0.saturating_add(length.0);
                if over_at <= from.0 {
                    continue;
                }
                step.for_us = Some(Micros(over_at - from.0));
            }
            if let Some(step) = self.renumbered(step) {
                write(moved(step, Micros::ZERO))?;
            }
        }
        for step in std::mem::take(&mut self.open).into_values().flatten() {
            if let Some(step) = self.renumbered(step) {
                write(moved(step, Micros::ZERO))?;
            }
        }
        if let Some(mark) = self.scenes_left_behind(from) {
            write(Step::at(Micros::ZERO, Action::Mark(mark)))?;
        }
        Ok(())
    }

    /// The step with its connection's new number; `None` if the connection was over before the
    /// section.
    fn renumbered(&mut self, mut step: Step) -> Option<Step> {
        if matches!(step.action, Action::Answers(Answers::Held)) {
            self.held = true;
        }
        let Conn::Nth(n) = step.conn else {
            return Some(step);
        };
        if !self.held {
            return Some(step);
        }
        let next_number = &mut self.next_number;
        let new = *self.numbers.entry(n).or_insert_with(|| {
            *next_number += 1;
            *next_number
        });
        step.conn = Conn::Nth(new);
        (new > 0).then_some(step)
    }
}

/// Whether nothing of an earlier state about the same is left once a step has set its own.
fn covers(step: &Step, earlier: &Step) -> bool {
    let whose = (step.conn == Conn::All && step.path.is_none())
        || (step.conn, &step.path) == (earlier.conn, &earlier.path);
    let which = match (&step.action, &earlier.action) {
        (Action::Mute(Some(scene)), Action::Mute(earlier)) => earlier.as_ref() == Some(scene),
        _ => true,
    };
    whose
        && which
        && (step.engine.is_none() || step.engine == earlier.engine)
        && (step.direction == Direction::Both || step.direction == earlier.direction)
}

/// The path and the method that an HTTP answer is for.
fn answered(step: &Step) -> Option<(String, String)> {
    let Action::Http(answer) = &step.action else {
        return None;
    };
    let method = answer.method.as_deref().unwrap_or("GET");
    Some((answer.path.clone(), method.to_owned()))
}

/// Whether an action for all connections ends those that are open.
fn ends_all(action: &Action) -> bool {
    matches!(
        action,
        Action::Drop(_) | Action::Close(_) | Action::Down(Down::Refuses | Down::Resets { .. })
    )
}

/// The step at another time.
fn moved(mut step: Step, at: Micros) -> Step {
    step.trigger = Trigger::At(at);
    step
}
