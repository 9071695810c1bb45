//! What the control port asks of the core, and tells it.

use chrono::{DateTime, Utc};
use wstape_tape::{Conn, Micros, Step, Trigger};

use super::Core;
use super::listed::{Counts, Listed};
use super::untaken::{MAX_POSTED_TRIGGERS, MAX_WAITING_STEPS, Untaken};
use crate::audience::Audience;
use crate::chance::draw;
use crate::faults::Standing;
use crate::hub::connection_map::ConnectionMap;
use crate::hub::expectations::{Expectations, Tally};
use crate::hub::schedule::Op;
use crate::ids::{ConnId, LayerIndex, Scope};
use crate::sought::Sought;

/// The most waits at a time for something that a client sends.
pub(crate) const MAX_WATCHES: usize = 256;

impl Core {
    /// The number of bytes that wait for this connection's client; `None` if it is over.
    pub(crate) fn waiting_bytes(&self, id: ConnId) -> Option<usize> {
        let live = self.connections.get(id)?;
        Some(live.waiting_bytes())
    }

    /// The connections, messages and waiting requests so far.
    pub(crate) fn counts(&self) -> Counts {
        let open = self.connections.iter().filter(|(_, conn)| conn.upgraded());
        Counts {
            accepted: self.accepted(),
            upgraded: self.upgraded(),
            open: open.count() as u64,
            messages: self.messages,
            waiting: self.waiting_for_messages,
        }
    }

    /// The live connections from `from` on, at most `most`, and how many there are in all.
    pub(crate) fn listing(&self, from: u64, most: usize) -> (Vec<Listed>, usize) {
        let all = self.connections.iter();
        let listed = all.filter(|(id, _)| id.get() >= from).take(most);
        let listed = listed.map(|(conn, state)| Listed {
            conn,
            phase: state.phase().word(),
            target: state.target().map(str::to_owned),
            waiting_bytes: state.waiting_bytes(),
            held: state.held_bytes().is_some(),
        });
        (listed.collect(), self.connections.iter().count())
    }

    /// The states that hold, layer by layer.
    pub(crate) fn standing(&self) -> Vec<Standing> {
        self.layers.standing()
    }

    /// Accepts posted steps: each `at_ms` counts from now. All of them, or none.
    pub(crate) fn post(&mut self, layer: LayerIndex, steps: Vec<Step>) -> Result<(), Untaken> {
        if let Some(absent) = self.absent(layer, &steps) {
            return Err(Untaken::Absent(absent));
        }
        let timed = |step: &&Step| matches!(step.trigger, Trigger::At(_));
        let waiting = steps.iter().filter(timed).count();
        if self.schedule.waiting_steps() + waiting > MAX_WAITING_STEPS {
            return Err(Untaken::Waiting);
        }
        let before = self.prologue.count(layer) + self.dialogue.count(layer);
        let posted = before + steps.len() - waiting;
        if posted > MAX_POSTED_TRIGGERS {
            return Err(Untaken::Triggers);
        }
        let now = self.log.now();
        for step in steps {
            if let Trigger::At(at) = step.trigger {
                self.post_at(layer, now, at, step);
            } else {
                self.add_step(layer, step);
            }
        }
        self.file_dialogue();
        Ok(())
    }

    fn post_at(&mut self, layer: LayerIndex, now: Micros, at: Micros, step: Step) {
        let Some(put_off) = draw(&step, step.line) else {
            return;
        };
        let scope = self.posted_scope(layer, &step);
        let wait = at.0.saturating_add(put_off.0);
        if wait == 0 {
            return self.play(layer, scope, &step);
        }
        let due = Micros(now.0.saturating_add(wait));
        self.schedule.put(due, Op::Step { layer, scope, step });
    }

    /// The connections that a posted step is for: its `conn` is the number that the journal and the
    /// list of connections show, which counts plain requests too.
    fn posted_scope(&mut self, layer: LayerIndex, step: &Step) -> Scope {
        match (step.conn, &step.path) {
            (Conn::Nth(id), None) if !self.layers.holds(layer) => Scope::One(ConnId::new(id)),
            _ => self.scope_of(layer, step),
        }
    }

    /// What has become of the expectations so far; empty if nobody judges.
    pub(crate) fn tally(&self) -> Tally {
        let expectations = self.expectations.as_ref();
        expectations.map(Expectations::tally).unwrap_or_default()
    }

    /// Watches for a frame that a client sends; returns the number to ask about. `None` if there
    /// are too many watches already.
    pub(crate) fn watch(&mut self, wanted: Sought) -> Option<u64> {
        (self.watches.len() < MAX_WATCHES).then(|| self.watches.add(wanted))
    }

    /// Adds or removes a waiting request: while there is one, each message that a client sends is
    /// reported.
    pub(crate) fn wait_for_messages(&mut self, more: bool) {
        if more {
            self.waiting_for_messages += 1;
        } else {
            self.waiting_for_messages -= 1;
        }
    }

    /// Plays other tapes from now on: forgets what the tapes' layers have set and still had to do.
    /// Open connections stay, and so does what the layers after the tapes' have set.
    pub(crate) fn replace_tapes(
        &mut self,
        controls: LayerIndex,
        base_wall: DateTime<Utc>,
        prologue: Vec<(LayerIndex, Step)>,
        speaks: bool,
        audience: Audience,
    ) {
        let was = self.layers.port();
        for layer in 0..controls.0 {
            self.layers.reset(LayerIndex(layer));
        }
        self.schedule.rewind(|layer| layer < controls);
        for id in self.held.all() {
            self.lose_held(id);
        }
        self.map = ConnectionMap::default();
        let idle = self.connections.iter().next().is_none();
        self.prologue.retire(|layer| layer < controls, idle);
        self.dialogue.retire(|layer| layer < controls, idle);
        if let Some(base) = self.speaks.first_mut() {
            *base = speaks;
        }
        self.strangers.rebase(audience);
        self.outbox.rebase(base_wall);
        for (layer, step) in prologue {
            self.add_step(layer, step);
        }
        self.file_dialogue();
        self.log.note(None, "another tape from here on");
        self.follow_port(was);
        self.refresh_links(Scope::All);
        self.begin();
    }

    /// Whether what is watched for has come.
    pub(crate) fn watched(&self, number: u64) -> bool {
        self.watches.seen(number)
    }

    /// Ends a watch that nobody asks about any more.
    pub(crate) fn unwatch(&mut self, number: u64) {
        self.watches.remove(number);
    }
}
