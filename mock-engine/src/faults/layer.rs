//! What one layer has set: for all connections, for those of a path, and for single ones.

mod uses;

use std::collections::BTreeMap;

use wstape_tape::{
    Accept, Action, Answers, ClockSkew, Corruption, Direction, Down, Garbage, HttpAnswer, Latency,
    Micros, Partition, Pongs, Reading, Refusal, Step, TlsFault,
};

use super::slot::{Setting, Slot};
use crate::ids::{ConnId, PathId, Renumbering, Scope};
use crate::link::{Conditions, Damage, Delay};

/// The method that an answer is for if it names none.
const GET: &str = "GET";

#[derive(Debug, Clone, Default)]
pub(super) struct Faults {
    pub(super) accept: Slot<Accept>,
    pub(super) refuse: Slot<Refusal>,
    pub(super) hang: Slot<()>,
    pub(super) garbage: Slot<Garbage>,
    pub(super) tls: Slot<TlsFault>,
    pub(super) partition: Slot<Partition>,
    pub(super) pongs: Slot<Pongs>,
    pub(super) reading: Slot<Reading>,
    pub(super) idle_drop: Slot<Micros>,
    pub(super) to_client: Wire,
    pub(super) from_client: Wire,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Wire {
    pub(super) latency: Slot<(Latency, u64)>,
    pub(super) rate: Slot<u64>,
    pub(super) slice: Slot<u32>,
    pub(super) corrupt: Slot<Corruption>,
}

#[derive(Debug, Default)]
pub(super) struct LayerFaults {
    down: Slot<Down>,
    clock: Slot<ClockSkew>,
    /// Set while handshakes wait for this layer to decide on each connection.
    held: Slot<()>,
    all: Faults,
    each: BTreeMap<ConnId, Faults>,
    /// Set for all connections of a path, or for the n-th of them.
    at_path: BTreeMap<(PathId, Option<u64>), Faults>,
    /// The paths that each connection asked for, and its number among each path's connections.
    routes: BTreeMap<ConnId, Vec<(PathId, u64)>>,
    /// Answers to plain requests, by path and method; GET if none is named.
    http: BTreeMap<(String, String), Setting<HttpAnswer>>,
    /// What was used up and is not journalled yet, in the journal's words.
    used_up: Vec<&'static str>,
}

impl Faults {
    fn expire(&mut self, generation: u64) -> Option<&'static str> {
        let wires = [&mut self.to_client, &mut self.from_client];
        let mut word = None;
        for wire in wires {
            let expired = [
                (wire.latency.expire(generation), "latency 0 ms"),
                (wire.rate.expire(generation), "bandwidth unlimited"),
                (wire.slice.expire(generation), "slice none"),
                (wire.corrupt.expire(generation), "corrupt none"),
            ];
            word = word.or(expired
                .into_iter()
                .find_map(|(is, word)| is.then_some(word)));
        }
        let expired = [
            (self.accept.expire(generation), "accept as usual"),
            (self.refuse.expire(generation), "refuse none"),
            (self.hang.expire(generation), "hang none"),
            (self.garbage.expire(generation), "garbage none"),
            (self.tls.expire(generation), "tls as usual"),
            (self.partition.expire(generation), "partition none"),
            (self.pongs.expire(generation), "pongs auto"),
            (self.reading.expire(generation), "reads again"),
            (self.idle_drop.expire(generation), "idle drop none"),
        ];
        word.or(expired
            .into_iter()
            .find_map(|(is, word)| is.then_some(word)))
    }
}

/// What has cleared by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expired {
    /// A layer no longer has the port down; another may.
    Port,
    /// A state, and the journal's words for its end.
    State(&'static str),
}

impl LayerFaults {
    /// Sets or clears the state that a step names; by `generation` it can later be expired. Returns
    /// `false` if the step names no state.
    pub(super) fn set(&mut self, scope: Scope, step: &Step, generation: u64) -> bool {
        let times = step.times;
        match &step.action {
            Action::Accept(accept) => {
                let slot = Slot::set(accept.clone(), times, generation);
                self.put(scope, |f| &mut f.accept, &slot);
            }
            Action::Refuse(refusal) => {
                let slot = Slot::set(refusal.clone(), times, generation);
                self.put(scope, |f| &mut f.refuse, &slot);
            }
            Action::Hang(on) => {
                let slot = Slot::set(on.then_some(()), times, generation);
                self.put(scope, |f| &mut f.hang, &slot);
            }
            Action::Garbage(garbage) => {
                let slot = Slot::set(garbage.clone(), times, generation);
                self.put(scope, |f| &mut f.garbage, &slot);
            }
            Action::Tls(fault) => {
                let slot = Slot::set(*fault, times, generation);
                self.put(scope, |f| &mut f.tls, &slot);
            }
            Action::Answers(answers) => {
                let held = (*answers == Answers::Held).then_some(());
                self.held = Slot::set(held, None, generation);
            }
            Action::Down(down) => {
                let (value, left) = match down {
                    Down::Up => (None, None),
                    Down::Pends | Down::Refuses | Down::Drains => (Some(*down), None),
                    Down::Resets { dials } => (Some(*down), Some(*dials)),
                };
                self.down = Slot::set(value, left, generation);
            }
            Action::Partition(which) => {
                let value = (*which != Partition::None).then_some(*which);
                let slot = Slot::set(value, None, generation);
                self.put(scope, |f| &mut f.partition, &slot);
            }
            Action::Latency(latency) => {
                let set = !step.action.clears();
                let value = set.then(|| (*latency, step.seed.unwrap_or_default()));
                let slot = Slot::set(value, None, generation);
                self.put_wire(scope, step.direction, |w| &mut w.latency, &slot);
            }
            Action::BytesPerSecond(rate) => {
                let slot = Slot::set(*rate, None, generation);
                self.put_wire(scope, step.direction, |w| &mut w.rate, &slot);
            }
            Action::SliceBytes(slice) => {
                let slot = Slot::set(*slice, None, generation);
                self.put_wire(scope, step.direction, |w| &mut w.slice, &slot);
            }
            Action::Corrupt(corruption) => {
                let slot = Slot::set(*corruption, None, generation);
                self.put_wire(scope, step.direction, |w| &mut w.corrupt, &slot);
            }
            Action::Reading(reading) => {
                let value = (*reading != Reading::On).then_some(*reading);
                let slot = Slot::set(value, None, generation);
                self.put(scope, |f| &mut f.reading, &slot);
            }
            Action::IdleDrop(after) => {
                let slot = Slot::set(*after, None, generation);
                self.put(scope, |f| &mut f.idle_drop, &slot);
            }
            Action::Clock(skew) => self.clock = Slot::set(*skew, None, generation),
            Action::Pongs(pongs) => {
                let value = (*pongs != Pongs::Auto).then_some(*pongs);
                let slot = Slot::set(value, None, generation);
                self.put(scope, |f| &mut f.pongs, &slot);
            }
            Action::Http(answer) => {
                let setting = Setting {
                    value: answer.clone(),
                    left: None,
                    generation,
                };
                let method = setting.value.method.clone();
                let method = method.unwrap_or_else(|| GET.to_owned());
                self.http
                    .insert((setting.value.path.clone(), method), setting);
            }
            _ => return false,
        }
        true
    }

    /// Clears what `generation` set, if it still holds.
    pub(super) fn expire(&mut self, scope: Scope, generation: u64) -> Option<Expired> {
        if self.down.expire(generation) {
            return Some(Expired::Port);
        }
        if self.held.expire(generation) {
            return Some(Expired::State("answers auto"));
        }
        if self.clock.expire(generation) {
            return Some(Expired::State("clock right"));
        }
        let before = self.http.len();
        self.http
            .retain(|_, setting| setting.generation != generation);
        if self.http.len() < before {
            return Some(Expired::State("http none"));
        }
        let faults = match scope {
            Scope::All => Some(&mut self.all),
            Scope::One(conn) => self.each.get_mut(&conn),
            Scope::At { path, nth } => self.at_path.get_mut(&(path, nth)),
        };
        let word = faults.and_then(|faults| faults.expire(generation));
        word.map(Expired::State)
    }

    /// Clears every fault; what GETs answer stays.
    pub(super) fn clear(&mut self) {
        let http = std::mem::take(&mut self.http);
        let routes = std::mem::take(&mut self.routes);
        let used_up = self.take_used_up();
        *self = Self {
            routes,
            http,
            used_up,
            ..Self::default()
        };
    }

    /// Forgets what was set for one connection, which is over.
    pub(super) fn forget(&mut self, conn: ConnId) {
        self.each.remove(&conn);
        self.routes.remove(&conn);
    }

    /// Notes a connection's numbers among those of the paths that it asked for.
    pub(super) fn route(&mut self, conn: ConnId, numbers: Vec<(PathId, u64)>) {
        self.routes.insert(conn, numbers);
    }

    /// Whether anything was set for the connections of any path.
    pub(super) fn knows_paths(&self) -> bool {
        !self.at_path.is_empty()
    }

    /// Moves what was set for single connections to those that have their numbers now.
    pub(super) fn renumber(&mut self, renumbering: &Renumbering) {
        renumbering.rekey(&mut self.each);
    }

    /// The slot that says whether it has the port down.
    pub(super) fn down_slot(&self) -> &Slot<Down> {
        &self.down
    }

    /// The slot that says how wrong it has the engine's wall clock.
    pub(super) fn clock_slot(&self) -> &Slot<ClockSkew> {
        &self.clock
    }

    /// The slot that says whether it holds its answers.
    pub(super) fn held_slot(&self) -> &Slot<()> {
        &self.held
    }

    /// Its answers to plain requests.
    pub(super) fn http_answers(&self) -> impl Iterator<Item = &HttpAnswer> {
        self.http.values().map(|setting| &setting.value)
    }

    /// What it has set for all connections.
    pub(super) fn of_all(&self) -> &Faults {
        &self.all
    }

    /// What it has set for each connection by its number.
    pub(super) fn of_each(&self) -> impl Iterator<Item = (ConnId, &Faults)> {
        self.each.iter().map(|(&conn, faults)| (conn, faults))
    }

    /// How it treats dials.
    pub(super) fn down(&self) -> Down {
        self.down.get().copied().unwrap_or_default()
    }

    /// Spends one of the dials that it resets, if it resets any.
    pub(super) fn reset_dial(&mut self) -> bool {
        matches!(self.down(), Down::Resets { .. }) && self.down.take_use().is_some()
    }

    /// Whether it holds its answers.
    pub(super) fn holds(&self) -> bool {
        self.held.get().is_some()
    }

    /// Whether it has set, for `conn` by number, how its handshake is answered.
    pub(super) fn answered(&self, conn: ConnId) -> bool {
        self.each.get(&conn).is_some_and(|faults| {
            faults.accept.get().is_some()
                || faults.refuse.get().is_some()
                || faults.garbage.get().is_some()
        })
    }

    /// Whether it has set, for `conn` by number, that its handshake gets no 101.
    pub(super) fn turned_away(&self, conn: ConnId) -> bool {
        self.each.get(&conn).is_some_and(|faults| {
            let status = faults.accept.get().and_then(|accept| accept.status);
            faults.refuse.get().is_some()
                || faults.garbage.get().is_some()
                || status.is_some_and(|status| status != 101)
        })
    }

    /// How `conn`'s Pings are answered, if this layer says.
    pub(super) fn pongs(&mut self, conn: ConnId) -> Option<Pongs> {
        self.slot(conn, |f| &mut f.pongs).get().copied()
    }

    /// Its answers to requests of `path`, each with its method.
    pub(super) fn http(&self, path: &str) -> impl Iterator<Item = (&str, &HttpAnswer)> {
        let from = (path.to_owned(), String::new());
        let answers = self.http.range(from..);
        let of_path = answers.take_while(move |((of, _), _)| of == path);
        of_path.map(|((_, method), setting)| (method.as_str(), &setting.value))
    }

    /// Adds what it does to the bytes of `conn`: towards the client, and from it.
    pub(super) fn add_conditions(
        &mut self,
        conn: ConnId,
        to: &mut Conditions,
        from: &mut Conditions,
    ) {
        match self.slot(conn, |f| &mut f.partition).get() {
            Some(Partition::Both) => (to.held, from.held) = (true, true),
            Some(Partition::ToClient) => to.held = true,
            Some(Partition::FromClient) => from.held = true,
            Some(Partition::None) | None => {}
        }
        match self.slot(conn, |f| &mut f.reading).get() {
            Some(Reading::Off) => from.held = true,
            Some(&Reading::Room { bytes }) => {
                from.held = true;
                from.room = Some(from.room.map_or(bytes, |had| had.min(bytes)));
            }
            Some(Reading::On) | None => {}
        }
        if let Some(&after) = self.slot(conn, |f| &mut f.idle_drop).get() {
            let after = to.forgets_after.map_or(after, |had| had.min(after));
            to.forgets_after = Some(after);
        }
        // Each direction of each connection draws from its own stream of the seed.
        let stream = conn.get().wrapping_mul(2);
        self.wire(conn, |f| &mut f.to_client, stream, to);
        self.wire(conn, |f| &mut f.from_client, stream + 1, from);
    }

    fn put<T: Clone>(
        &mut self,
        scope: Scope,
        slot: impl Fn(&mut Faults) -> &mut Slot<T>,
        value: &Slot<T>,
    ) {
        match scope {
            Scope::All => {
                *slot(&mut self.all) = value.clone();
                for faults in self.each.values_mut().chain(self.at_path.values_mut()) {
                    *slot(faults) = Slot::Unset;
                }
            }
            Scope::One(conn) => *slot(self.each.entry(conn).or_default()) = value.clone(),
            Scope::At { path, nth } => {
                *slot(self.at_path.entry((path, nth)).or_default()) = value.clone();
            }
        }
    }

    fn put_wire<T: Clone>(
        &mut self,
        scope: Scope,
        direction: Direction,
        slot: impl Fn(&mut Wire) -> &mut Slot<T>,
        value: &Slot<T>,
    ) {
        if direction != Direction::FromClient {
            self.put(scope, |f| slot(&mut f.to_client), value);
        }
        if direction != Direction::ToClient {
            self.put(scope, |f| slot(&mut f.from_client), value);
        }
    }

    /// The slot that counts for `conn`: its own if it is set, else its path's, else the one for
    /// all.
    fn slot<T>(
        &mut self,
        conn: ConnId,
        slot: impl Fn(&mut Faults) -> &mut Slot<T>,
    ) -> &mut Slot<T> {
        let said = |faults: &mut Faults| !slot(faults).is_unset();
        if self.each.get_mut(&conn).is_some_and(said) {
            return slot(self.each.entry(conn).or_default());
        }
        match self.path_key(conn, &slot) {
            Some(key) => slot(self.at_path.entry(key).or_default()),
            None => slot(&mut self.all),
        }
    }

    /// The path that `conn` asked for and that has this slot set; what is set for its number there
    /// comes first.
    fn path_key<T>(
        &mut self,
        conn: ConnId,
        slot: impl Fn(&mut Faults) -> &mut Slot<T>,
    ) -> Option<(PathId, Option<u64>)> {
        if self.at_path.is_empty() {
            return None;
        }
        let numbers = self.routes.get(&conn)?;
        let own = numbers.iter().map(|&(path, nth)| (path, Some(nth)));
        let all = numbers.iter().map(|&(path, _)| (path, None));
        own.chain(all).find(|key| {
            let faults = self.at_path.get_mut(key);
            faults.is_some_and(|faults| !slot(faults).is_unset())
        })
    }

    fn wire(
        &mut self,
        conn: ConnId,
        of: impl Fn(&mut Faults) -> &mut Wire,
        stream: u64,
        into: &mut Conditions,
    ) {
        if let Slot::Set(set) = self.slot(conn, |f| &mut of(f).latency) {
            let (latency, seed) = set.value;
            into.delays
                .push(Delay::new(set.generation, latency, seed, stream));
        }
        if let Some(&rate) = self.slot(conn, |f| &mut of(f).rate).get() {
            into.rate = Some(into.rate.map_or(rate, |had| had.min(rate)));
        }
        if let Some(&slice) = self.slot(conn, |f| &mut of(f).slice).get() {
            into.slice = Some(into.slice.map_or(slice, |had| had.min(slice)));
        }
        if let Slot::Set(set) = self.slot(conn, |f| &mut of(f).corrupt) {
            into.damages.push(Damage::new(set.generation, set.value));
        }
    }
}
