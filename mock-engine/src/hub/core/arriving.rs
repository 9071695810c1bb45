//! How a connection comes: its number, what the tape has for it, its request and its upgrade.

use wstape_tape::{After, Micros, Trigger};

use super::Core;
use crate::chance::draw;
use crate::faults::Greeting;
use crate::hub::connection::Conn;
use crate::hub::schedule::Op;
use crate::ids::{ConnId, PortId};
use crate::journal::JournalKind;
use crate::link::LinkHandle;

impl Core {
    /// Takes in a new transport connection: numbers it, runs its first prologue steps and returns
    /// how it is greeted. `None` if a step has ended it already.
    pub(crate) fn accept(&mut self, link: LinkHandle, port: PortId) -> (ConnId, Option<Greeting>) {
        let id = self.connections.number();
        if self.schedule.starts_at_accept(id.get(), self.layers.held()) {
            self.begin();
        }
        self.log.write(id, JournalKind::Accepted);
        let now = self.log.now();
        self.connections.insert(id, Conn::new(link, port, now));
        let conditions = self.conditions(id);
        self.connections.change_link(id, conditions);
        self.watch_idle(id);
        let number = self.numbers.take(id);
        for index in self.prologue.of(number) {
            self.enlist(id, index, now);
        }
        self.map.arrive(id);
        self.meet_held_drop(id);
        self.connections.tell_progress();
        let greeting = self
            .connections
            .contains(id)
            .then(|| self.layers.greeting(id));
        (id, greeting)
    }

    /// Makes one prologue step wait for its moment on connection `id`.
    pub(super) fn enlist(&mut self, id: ConnId, index: usize, accepted_at: Micros) {
        let (_, step) = self.prologue.step(index);
        let Trigger::OnConnect { after, .. } = step.trigger else {
            return;
        };
        let stream = id.get().wrapping_mul(1 << 32).wrapping_add(step.line);
        let Some(later) = draw(&step, stream) else {
            return;
        };
        let After::Time(at) = after else {
            if let Some(conn) = self.connections.get_mut(id) {
                conn.wait_for_count(after, index);
            }
            return;
        };
        let wait = at.0.saturating_add(later.0);
        if wait == 0 {
            self.prologue_due(id, index);
        } else if self.connections.contains(id) {
            let due = Micros(accepted_at.0.saturating_add(wait));
            self.schedule.put(due, Op::Prologue { conn: id, index });
        }
    }

    /// Runs a prologue step that is due, or makes it wait for the 101 if it sends something.
    pub(super) fn prologue_due(&mut self, id: ConnId, index: usize) {
        let (_, step) = self.prologue.step(index);
        match self.connections.get_mut(id) {
            Some(conn) if step.action.waits_for_the_101() && !conn.upgraded() => {
                conn.wait_for_upgrade(index);
            }
            Some(_) => self.run_steps(id, &[index]),
            None => {}
        }
    }

    /// Notes that a connection asks for an upgrade. One that has asked before, or was a plain
    /// request until now, gets a new number, and what the tape has for that number.
    pub(crate) fn asks(&mut self, id: ConnId, path: &str, query: Option<&str>) {
        let Some(conn) = self.connections.get_mut(id) else {
            return;
        };
        let again = conn.ask_upgrade();
        let now = self.log.now();
        if again || self.numbers.number(id).is_none() {
            let number = self.numbers.take(id);
            for index in self.prologue.of(number) {
                self.enlist(id, index, now);
            }
        }
        self.routes.ask(id, path, query);
        let numbers = self.routes.numbers(id).to_vec();
        if self.layers.route(id, &numbers) {
            let conditions = self.conditions(id);
            let (_, held) = self.connections.change_link(id, conditions);
            if let Some(held) = held {
                self.released(id, held);
            }
            self.watch_idle(id);
        }
        for index in self.prologue.at_head(&numbers) {
            self.enlist(id, index, now);
        }
    }

    /// Notes that a connection turns out to be a plain request: its number, and what the tape has
    /// for that number, go to the next.
    pub(crate) fn pulls(&mut self, id: ConnId, path: &str, query: Option<&str>) {
        if self.connections.get(id).is_none_or(Conn::asked) {
            return;
        }
        self.routes.pull(id, path, query);
        let newest = self.connections.newest();
        let Some(renumbering) = self.numbers.give_back(id, newest) else {
            return;
        };
        if let Some(conn) = self.connections.get_mut(id) {
            conn.forget_steps();
        }
        self.schedule.forget(id);
        self.held.renumber(&renumbering);
        self.layers.renumber_all(&renumbering);
        self.schedule.renumber(&renumbering, |_| true);
    }

    /// Notes that the 101 is on its way: frames may follow.
    pub(crate) fn upgrade(&mut self, id: ConnId) {
        if let Some(steps) = self.connections.upgrade(id) {
            self.log.write(id, JournalKind::Upgraded);
            self.tell_stranger(id);
            self.tell_used_up();
            self.begin_dialogue(id);
            self.run_steps(id, &steps);
            self.deliver_held(id);
            self.connections.tell_progress();
        }
        if self.schedule.starts_at_upgrade(self.connections.upgraded()) {
            self.begin();
        }
    }

    /// Journals that the 101 chooses none of the subprotocols that the client offers: many clients
    /// end the connection at that without a word.
    pub(crate) fn unchosen_subprotocol(&mut self, id: ConnId) {
        let remark = self.strangers.unchosen();
        self.log.note(id, remark.to_owned());
    }

    /// Journals that no message of the tape is for the path that a connection asked for, if that is
    /// so: its client would wait for nothing, and nobody would know why.
    fn tell_stranger(&mut self, id: ConnId) {
        // A real engine decides for itself what it sends to whom.
        if self.live {
            return;
        }
        let asked = self.routes.asked(id);
        let remark = asked.and_then(|asked| self.strangers.meet(&asked.path));
        if let Some(remark) = remark {
            self.log.note(id, remark);
        }
    }
}
