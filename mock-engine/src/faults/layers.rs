//! All layers together, and which of them counts.

use std::collections::BTreeSet;

use wstape_tape::{Accept, ClockSkew, Down, Garbage, HttpAnswer, Pongs, Refusal, Step, TlsFault};

use super::layer::{Expired, LayerFaults};
use crate::ids::{ConnId, LayerIndex, PathId, Renumbering, Scope};
use crate::link::Conditions;
use crate::port::Gate;

/// Every layer's state.
#[derive(Debug)]
pub(crate) struct Layers {
    layers: Vec<LayerFaults>,
    generations: u64,
}

/// How a dial fares. If layers differ, the state that comes last in this order counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PortState {
    /// It is accepted.
    Up,
    /// It is neither accepted nor refused; open connections live on.
    Pending,
    /// It is refused; open connections live on.
    Draining,
    /// It is accepted and reset.
    Resetting,
    /// It is refused: nothing listens.
    Refusing,
}

impl PortState {
    /// What the port does in this state.
    pub(crate) fn gate(self) -> Gate {
        match self {
            Self::Up | Self::Resetting => Gate::Listens,
            Self::Pending => Gate::Pends,
            Self::Draining | Self::Refusing => Gate::Refuses,
        }
    }

    /// Whether open connections are reset when this state begins.
    pub(crate) fn resets(self) -> bool {
        matches!(self, Self::Resetting | Self::Refusing)
    }
}

/// What a connection gets before hyper gets it.
#[derive(Debug, Clone)]
pub(crate) enum Greeting {
    /// It is served.
    Serve,
    /// It is accepted and never answered.
    Hang,
    /// It gets something that is not HTTP.
    Garbage(Garbage),
}

impl Layers {
    /// `count` layers without a fault.
    pub(crate) fn new(count: usize) -> Self {
        let layers = std::iter::repeat_with(LayerFaults::default);
        Self {
            layers: layers.take(count).collect(),
            generations: 0,
        }
    }

    /// Whether a layer holds Rust's controls or posted steps rather than a tape.
    pub(crate) fn is_steered(&self, layer: LayerIndex) -> bool {
        const BEHIND_TAPES: usize = 2;
        layer.0 + BEHIND_TAPES >= self.layers.len()
    }

    /// Each layer, the base first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &LayerFaults> {
        self.layers.iter()
    }

    /// Sets or clears the state that a step names. Returns the generation by which it can be
    /// expired, or `None` if the step names no state.
    pub(crate) fn set(&mut self, layer: LayerIndex, scope: Scope, step: &Step) -> Option<u64> {
        self.generations += 1;
        let set = self.layers[layer.0].set(scope, step, self.generations);
        set.then_some(self.generations)
    }

    /// Clears what `generation` set, if it still holds.
    pub(crate) fn expire(
        &mut self,
        layer: LayerIndex,
        scope: Scope,
        generation: u64,
    ) -> Option<Expired> {
        self.layers[layer.0].expire(scope, generation)
    }

    /// Takes what was used up since the last call, in the journal's words.
    pub(crate) fn take_used_up(&mut self) -> Vec<&'static str> {
        let layers = self.layers.iter_mut();
        layers.flat_map(LayerFaults::take_used_up).collect()
    }

    /// Clears every fault of one layer; what GETs answer stays.
    pub(crate) fn clear(&mut self, layer: LayerIndex) {
        self.layers[layer.0].clear();
    }

    /// Forgets all that one layer has set.
    pub(crate) fn reset(&mut self, layer: LayerIndex) {
        self.layers[layer.0] = LayerFaults::default();
    }

    /// Forgets what was set for one connection, which is over.
    pub(crate) fn forget(&mut self, conn: ConnId) {
        for layer in &mut self.layers {
            layer.forget(conn);
        }
    }

    /// Notes a connection's numbers among those of the paths that it asked for. Returns whether
    /// anything was set for any path.
    pub(crate) fn route(&mut self, conn: ConnId, numbers: &[(PathId, u64)]) -> bool {
        for layer in &mut self.layers {
            layer.route(conn, numbers.to_vec());
        }
        self.layers.iter().any(LayerFaults::knows_paths)
    }

    /// Moves what all layers have set for single connections to those that have their numbers now.
    pub(crate) fn renumber_all(&mut self, renumbering: &Renumbering) {
        let layers = self.layers.iter_mut();
        layers.for_each(|layer| layer.renumber(renumbering));
    }

    /// What `conn` gets by what is set for its path; spends one use.
    pub(crate) fn greeting_at_path(&mut self, conn: ConnId) -> Greeting {
        for layer in self.layers.iter_mut().rev() {
            if layer.hang_at_path(conn) {
                return Greeting::Hang;
            }
            if let Some(garbage) = layer.garbage_at_path(conn) {
                return Greeting::Garbage(garbage);
            }
        }
        Greeting::Serve
    }

    /// Like [`renumber_all`](Self::renumber_all), but only for layers that hold their answers.
    pub(crate) fn renumber(&mut self, renumbering: &Renumbering) {
        let holding = self.layers.iter_mut().filter(|layer| layer.holds());
        holding.for_each(|layer| layer.renumber(renumbering));
    }

    /// How a dial fares: refused if any layer refuses, else reset if any resets, else refused while
    /// open connections live on if any drains, else left pending if any leaves it so.
    pub(crate) fn port(&self) -> PortState {
        let state = |layer: &LayerFaults| match layer.down() {
            Down::Up => PortState::Up,
            Down::Pends => PortState::Pending,
            Down::Drains => PortState::Draining,
            Down::Resets { .. } => PortState::Resetting,
            Down::Refuses => PortState::Refusing,
        };
        let states = self.layers.iter().map(state);
        states.max().unwrap_or(PortState::Up)
    }

    /// How wrong the engine's wall clock is, by the topmost layer that says.
    pub(crate) fn clock(&self) -> Option<ClockSkew> {
        let mut layers = self.layers.iter().rev();
        layers.find_map(|layer| layer.clock_slot().get().copied())
    }

    /// Spends one dial to be reset, of the topmost layer that has any.
    pub(crate) fn reset_dial(&mut self) {
        let mut layers = self.layers.iter_mut().rev();
        // Stops at the first layer that has any; the others keep theirs.
        layers.any(LayerFaults::reset_dial);
    }

    /// Whether a layer holds its answers.
    pub(crate) fn holds(&self, layer: LayerIndex) -> bool {
        self.layers[layer.0].holds()
    }

    /// Whether any layer holds its answers.
    pub(crate) fn held(&self) -> bool {
        self.layers.iter().any(LayerFaults::holds)
    }

    /// Whether a layer has set, for `conn` by number, how its handshake is answered.
    pub(crate) fn answered(&self, layer: LayerIndex, conn: ConnId) -> bool {
        self.layers[layer.0].answered(conn)
    }

    /// Whether any layer that holds its answers has set how `conn`'s handshake is answered.
    pub(crate) fn answered_by_any(&self, conn: ConnId) -> bool {
        let mut holding = self.layers.iter().filter(|layer| layer.holds());
        holding.any(|layer| layer.answered(conn))
    }

    /// Whether a layer that holds its answers turns `conn` away.
    pub(crate) fn turned_away(&self, conn: ConnId) -> bool {
        let mut holding = self.layers.iter().filter(|layer| layer.holds());
        holding.any(|layer| layer.turned_away(conn))
    }

    /// What is wrong with `conn`'s TLS; spends one use.
    pub(crate) fn tls(&mut self, conn: ConnId) -> Option<TlsFault> {
        let mut layers = self.layers.iter_mut().rev();
        layers.find_map(|layer| layer.tls(conn))
    }

    /// What `conn` gets first; spends one use.
    pub(crate) fn greeting(&mut self, conn: ConnId) -> Greeting {
        for layer in self.layers.iter_mut().rev() {
            if layer.hang(conn) {
                return Greeting::Hang;
            }
            if let Some(garbage) = layer.garbage(conn) {
                return Greeting::Garbage(garbage);
            }
        }
        Greeting::Serve
    }

    /// What a layer that holds its answers has for `conn` instead of HTTP; spends one use.
    pub(crate) fn held_garbage(&mut self, conn: ConnId) -> Option<Garbage> {
        let mut holding = self.layers.iter_mut().rev().filter(|layer| layer.holds());
        holding.find_map(|layer| layer.garbage(conn))
    }

    /// The refusal that `conn`'s handshake meets; spends one use.
    pub(crate) fn refusal(&mut self, conn: ConnId) -> Option<Refusal> {
        let mut layers = self.layers.iter_mut().rev();
        layers.find_map(|layer| layer.refusal(conn))
    }

    /// How `conn`'s upgrade is answered; spends one use.
    pub(crate) fn acceptance(&mut self, conn: ConnId) -> Option<Accept> {
        let mut layers = self.layers.iter_mut().rev();
        layers.find_map(|layer| layer.acceptance(conn))
    }

    /// How `conn`'s Pings are answered.
    pub(crate) fn pongs(&mut self, conn: ConnId) -> Pongs {
        let mut layers = self.layers.iter_mut().rev();
        layers
            .find_map(|layer| layer.pongs(conn))
            .unwrap_or(Pongs::Auto)
    }

    /// The answer to a request of `path` with this method.
    pub(crate) fn http(&self, path: &str, method: &str) -> Option<&HttpAnswer> {
        let layers = self.layers.iter().rev();
        let mut answers = layers.flat_map(|layer| layer.http(path));
        answers.find_map(|(of, answer)| (of == method).then_some(answer))
    }

    /// The methods that `path` answers to.
    pub(crate) fn methods(&self, path: &str) -> BTreeSet<String> {
        let answers = self.layers.iter().flat_map(|layer| layer.http(path));
        answers.map(|(method, _)| method.to_owned()).collect()
    }

    /// What `conn`'s link does to bytes: towards the client, and from it.
    pub(crate) fn conditions(&mut self, conn: ConnId) -> (Conditions, Conditions) {
        let (mut to, mut from) = (Conditions::default(), Conditions::default());
        for layer in &mut self.layers {
            layer.add_conditions(conn, &mut to, &mut from);
        }
        (to, from)
    }
}
