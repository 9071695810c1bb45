//! The faults that hold, layer by layer.
//!
//! Each tape is a layer, and Rust's controls are one of their own. A step changes only its own
//! layer's state. Within a layer a state set for one connection stands before one set for all,
//! and a step for all connections replaces both. Between layers `down` and `partition` unite,
//! latencies add, the smallest bandwidth and slice hold, and of answers (`refuse`, `hang`,
//! `garbage`, `accept`, `pongs`, `http`) the last layer's that has one counts.

mod answers;

use std::collections::BTreeMap;

use wstape_tape::{
    Accept, Answers, Direction, Garbage, HttpAnswer, Latency, Partition, Pongs, Refusal,
};

use crate::link::{Conditions, Delay};

/// Whose state a step changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Every connection, those to come included.
    All,
    /// The one with this number.
    One(u64),
}

impl Scope {
    /// The only connection it is about, where it is about one.
    pub(crate) fn only(self) -> Option<u64> {
        match self {
            Self::All => None,
            Self::One(id) => Some(id),
        }
    }

    /// Whether connection `id` is in it.
    pub(crate) fn holds(self, id: u64) -> bool {
        self.only().is_none_or(|only| only == id)
    }
}

/// A state of one layer.
#[derive(Debug, Clone, Default)]
enum Slot<T> {
    /// Nothing said: what holds for all connections holds.
    #[default]
    Unset,
    /// Explicitly clear.
    Clear,
    Set(Setting<T>),
}

#[derive(Debug, Clone)]
struct Setting<T> {
    value: T,
    /// Uses left; `None` for until cleared.
    left: Option<u32>,
    generation: u64,
}

/// A state to set, `None` to clear it.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    Accept(Option<Accept>),
    Refuse(Option<Refusal>),
    Hang(bool),
    Garbage(Option<Garbage>),
    Answers(Answers),
    Down(bool),
    Partition(Partition),
    Latency(Option<(Latency, u64)>, Direction),
    Rate(Option<u64>, Direction),
    Slice(Option<u32>, Direction),
    Pongs(Pongs),
    Http(HttpAnswer),
}

#[derive(Debug, Clone, Default)]
struct Faults {
    accept: Slot<Accept>,
    refuse: Slot<Refusal>,
    hang: Slot<()>,
    garbage: Slot<Garbage>,
    partition: Slot<Partition>,
    pongs: Slot<Pongs>,
    to_client: Wire,
    from_client: Wire,
}

#[derive(Debug, Clone, Default)]
struct Wire {
    latency: Slot<(Latency, u64)>,
    rate: Slot<u64>,
    slice: Slot<u32>,
}

#[derive(Debug, Default)]
struct Layer {
    down: Slot<()>,
    /// Set while handshakes wait for this layer's own word on each connection.
    held: Slot<()>,
    all: Faults,
    each: BTreeMap<u64, Faults>,
    http: BTreeMap<String, Setting<HttpAnswer>>,
}

/// Every layer's state.
#[derive(Debug)]
pub(crate) struct Layers {
    layers: Vec<Layer>,
    generations: u64,
}

impl<T> Slot<T> {
    fn set(value: Option<T>, left: Option<u32>, generation: u64) -> Self {
        value.map_or(Self::Clear, |value| {
            Self::Set(Setting {
                value,
                left,
                generation,
            })
        })
    }

    fn get(&self) -> Option<&T> {
        match self {
            Self::Set(setting) => Some(&setting.value),
            _ => None,
        }
    }

    /// Unsets it where it is what `generation` set.
    fn expire(&mut self, generation: u64) -> bool {
        let is = matches!(self, Self::Set(setting) if setting.generation == generation);
        if is {
            *self = Self::Unset;
        }
        is
    }
}

impl<T: Clone> Slot<T> {
    /// The value, one use fewer left of it.
    fn take_use(&mut self) -> Option<T> {
        let Self::Set(setting) = self else {
            return None;
        };
        let value = setting.value.clone();
        if let Some(left) = &mut setting.left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                *self = Self::Unset;
            }
        }
        Some(value)
    }
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
            (self.partition.expire(generation), "partition none"),
            (self.pongs.expire(generation), "pongs auto"),
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
    /// A state, and how the journal says that it is no more.
    State(&'static str),
}

/// What a connection meets before hyper.
#[derive(Debug, Clone)]
pub(crate) enum Greeting {
    /// It is served.
    Serve,
    /// It is taken and never answered.
    Hang,
    /// It gets something that is not HTTP.
    Garbage(Garbage),
}

impl Layers {
    /// `count` layers without a fault.
    pub(crate) fn new(count: usize) -> Self {
        Self {
            layers: std::iter::repeat_with(Layer::default).take(count).collect(),
            generations: 0,
        }
    }

    /// Sets or clears a state; returns the generation by which it can be expired.
    pub(crate) fn set(
        &mut self,
        layer: usize,
        scope: Scope,
        state: Fault,
        times: Option<u32>,
    ) -> u64 {
        self.generations += 1;
        let generation = self.generations;
        let layer = &mut self.layers[layer];
        match state {
            Fault::Accept(value) => layer.put(
                scope,
                |f| &mut f.accept,
                &Slot::set(value, times, generation),
            ),
            Fault::Refuse(value) => layer.put(
                scope,
                |f| &mut f.refuse,
                &Slot::set(value, times, generation),
            ),
            Fault::Hang(on) => layer.put(
                scope,
                |f| &mut f.hang,
                &Slot::set(on.then_some(()), times, generation),
            ),
            Fault::Garbage(value) => layer.put(
                scope,
                |f| &mut f.garbage,
                &Slot::set(value, times, generation),
            ),
            Fault::Answers(answers) => {
                let held = (answers == Answers::Held).then_some(());
                layer.held = Slot::set(held, None, generation);
            }
            Fault::Down(on) => layer.down = Slot::set(on.then_some(()), None, generation),
            Fault::Partition(which) => {
                let value = (which != Partition::None).then_some(which);
                layer.put(
                    scope,
                    |f| &mut f.partition,
                    &Slot::set(value, None, generation),
                );
            }
            Fault::Latency(value, direction) => {
                layer.put_wire(
                    scope,
                    direction,
                    |w| &mut w.latency,
                    &Slot::set(value, None, generation),
                );
            }
            Fault::Rate(value, direction) => {
                layer.put_wire(
                    scope,
                    direction,
                    |w| &mut w.rate,
                    &Slot::set(value, None, generation),
                );
            }
            Fault::Slice(value, direction) => {
                layer.put_wire(
                    scope,
                    direction,
                    |w| &mut w.slice,
                    &Slot::set(value, None, generation),
                );
            }
            Fault::Pongs(pongs) => {
                let value = (pongs != Pongs::Auto).then_some(pongs);
                layer.put(scope, |f| &mut f.pongs, &Slot::set(value, None, generation));
            }
            Fault::Http(answer) => {
                let setting = Setting {
                    value: answer,
                    left: None,
                    generation,
                };
                layer.http.insert(setting.value.path.clone(), setting);
            }
        }
        generation
    }

    /// Clears what `generation` set, where it still holds.
    pub(crate) fn expire(&mut self, layer: usize, generation: u64) -> Option<Expired> {
        let layer = &mut self.layers[layer];
        if layer.down.expire(generation) {
            return Some(Expired::Port);
        }
        if layer.held.expire(generation) {
            return Some(Expired::State("answers auto"));
        }
        let before = layer.http.len();
        layer
            .http
            .retain(|_, setting| setting.generation != generation);
        if layer.http.len() < before {
            return Some(Expired::State("http none"));
        }
        let mut word = layer.all.expire(generation);
        for faults in layer.each.values_mut() {
            word = word.or(faults.expire(generation));
        }
        word.map(Expired::State)
    }

    /// Clears every fault of one layer; what GETs answer stays.
    pub(crate) fn clear(&mut self, layer: usize) {
        let layer = &mut self.layers[layer];
        layer.down = Slot::Unset;
        layer.held = Slot::Unset;
        layer.all = Faults::default();
        layer.each.clear();
    }

    /// A connection is over: what was said of it alone is forgotten.
    pub(crate) fn forget(&mut self, conn: u64) {
        for layer in &mut self.layers {
            layer.each.remove(&conn);
        }
    }

    /// Whether any layer has the port down.
    pub(crate) fn down(&self) -> bool {
        self.layers.iter().any(|layer| layer.down.get().is_some())
    }

    /// What connection `conn` meets first. One use of it is spent.
    pub(crate) fn greeting(&mut self, conn: u64) -> Greeting {
        for layer in self.layers.iter_mut().rev() {
            if layer.slot(conn, |f| &mut f.hang).take_use().is_some() {
                return Greeting::Hang;
            }
            if let Some(garbage) = layer.answer(conn, |f| &mut f.garbage) {
                return Greeting::Garbage(garbage);
            }
        }
        Greeting::Serve
    }

    /// The refusal that `conn`'s handshake meets, one use of it spent.
    pub(crate) fn refusal(&mut self, conn: u64) -> Option<Refusal> {
        self.layers
            .iter_mut()
            .rev()
            .find_map(|layer| layer.answer(conn, |f| &mut f.refuse))
    }

    /// How `conn`'s upgrade is answered, one use of it spent.
    pub(crate) fn acceptance(&mut self, conn: u64) -> Option<Accept> {
        self.layers
            .iter_mut()
            .rev()
            .find_map(|layer| layer.answer(conn, |f| &mut f.accept))
    }

    /// How `conn`'s Pings are answered.
    pub(crate) fn pongs(&mut self, conn: u64) -> Pongs {
        let found = self
            .layers
            .iter_mut()
            .rev()
            .find_map(|layer| layer.slot(conn, |f| &mut f.pongs).get().copied());
        found.unwrap_or(Pongs::Auto)
    }

    /// What a GET of `path` answers.
    pub(crate) fn http(&self, path: &str) -> Option<&HttpAnswer> {
        self.layers
            .iter()
            .rev()
            .find_map(|layer| layer.http.get(path))
            .map(|setting| &setting.value)
    }

    /// What `conn`'s link does to bytes: towards the client, and from it.
    pub(crate) fn conditions(&mut self, conn: u64) -> (Conditions, Conditions) {
        let (mut to, mut from) = (Conditions::default(), Conditions::default());
        for layer in &mut self.layers {
            match layer.slot(conn, |f| &mut f.partition).get() {
                Some(Partition::Both) => (to.held, from.held) = (true, true),
                Some(Partition::ToClient) => to.held = true,
                Some(Partition::FromClient) => from.held = true,
                Some(Partition::None) | None => {}
            }
            // Each direction of each connection draws from its own stream of the same seed.
            layer.wire(conn, |f| &mut f.to_client, conn.wrapping_mul(2), &mut to);
            layer.wire(
                conn,
                |f| &mut f.from_client,
                conn.wrapping_mul(2) + 1,
                &mut from,
            );
        }
        (to, from)
    }
}

impl Layer {
    fn put<T: Clone>(
        &mut self,
        scope: Scope,
        slot: impl Fn(&mut Faults) -> &mut Slot<T>,
        value: &Slot<T>,
    ) {
        match scope {
            Scope::All => {
                *slot(&mut self.all) = value.clone();
                for faults in self.each.values_mut() {
                    *slot(faults) = Slot::Unset;
                }
            }
            Scope::One(conn) => *slot(self.each.entry(conn).or_default()) = value.clone(),
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

    /// The slot that counts for `conn`: its own where something was said of it.
    fn slot<T>(&mut self, conn: u64, slot: impl Fn(&mut Faults) -> &mut Slot<T>) -> &mut Slot<T> {
        if let Some(faults) = self.each.get_mut(&conn) {
            let own = slot(faults);
            if !matches!(own, Slot::Unset) {
                return own;
            }
        }
        slot(&mut self.all)
    }

    fn wire(
        &mut self,
        conn: u64,
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
    }
}
