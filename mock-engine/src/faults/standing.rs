//! The states that hold now, in words.

use wstape_tape::{Action, Answers, Direction, Down};

use super::layer::{Faults, LayerFaults, Wire};
use super::layers::Layers;
use super::slot::Slot;

/// A state that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Which layer set it: 0 is the base, the last but one Rust's controls, the last what was posted.
    pub(crate) layer: usize,
    /// The connection that it holds for, if it is only one.
    pub(crate) conn: Option<u64>,
    /// The journal's words for it.
    pub(crate) state: String,
    /// The direction, for a condition of the link.
    pub(crate) direction: Option<&'static str>,
    /// How many uses are left, if they are counted.
    pub(crate) left: Option<u32>,
}

impl Layers {
    /// The states that hold, layer by layer.
    pub(crate) fn standing(&self) -> Vec<Standing> {
        let mut list = List::default();
        for (layer, faults) in self.iter().enumerate() {
            list.layer = layer;
            list.add_layer(faults);
        }
        list.found
    }
}

#[derive(Default)]
struct List {
    layer: usize,
    conn: Option<u64>,
    found: Vec<Standing>,
}

impl List {
    fn add_layer(&mut self, layer: &LayerFaults) {
        self.conn = None;
        self.slot(layer.down_slot(), |down: &Down| Action::Down(*down));
        self.slot(layer.clock_slot(), |skew| Action::Clock(Some(*skew)));
        self.slot(layer.held_slot(), |()| Action::Answers(Answers::Held));
        for answer in layer.http_answers() {
            self.push(&Action::Http(answer.clone()), None, None);
        }
        self.add(layer.of_all());
        for (conn, faults) in layer.of_each() {
            self.conn = Some(conn.get());
            self.add(faults);
        }
    }

    fn add(&mut self, faults: &Faults) {
        self.slot(&faults.accept, |accept| {
            Action::Accept(Some(accept.clone()))
        });
        self.slot(&faults.refuse, |refusal| {
            Action::Refuse(Some(refusal.clone()))
        });
        self.slot(&faults.hang, |()| Action::Hang(true));
        self.slot(&faults.garbage, |garbage| {
            Action::Garbage(Some(garbage.clone()))
        });
        self.slot(&faults.tls, |fault| Action::Tls(Some(*fault)));
        self.slot(&faults.partition, |which| Action::Partition(*which));
        self.slot(&faults.pongs, |pongs| Action::Pongs(*pongs));
        self.slot(&faults.reading, |reading| Action::Reading(*reading));
        self.slot(&faults.idle_drop, |after| Action::IdleDrop(Some(*after)));
        self.wire(&faults.to_client, Direction::ToClient);
        self.wire(&faults.from_client, Direction::FromClient);
    }

    fn wire(&mut self, wire: &Wire, direction: Direction) {
        let word = Some(direction.word());
        if let Some((latency, _)) = wire.latency.get() {
            self.push(&Action::Latency(*latency), word, None);
        }
        if let Some(rate) = wire.rate.get() {
            self.push(&Action::BytesPerSecond(Some(*rate)), word, None);
        }
        if let Some(slice) = wire.slice.get() {
            self.push(&Action::SliceBytes(Some(*slice)), word, None);
        }
        if let Some(corruption) = wire.corrupt.get() {
            self.push(&Action::Corrupt(Some(*corruption)), word, None);
        }
    }

    fn slot<T>(&mut self, slot: &Slot<T>, action: impl Fn(&T) -> Action) {
        if let Slot::Set(setting) = slot {
            self.push(&action(&setting.value), None, setting.left);
        }
    }

    fn push(&mut self, action: &Action, direction: Option<&'static str>, left: Option<u32>) {
        self.found.push(Standing {
            layer: self.layer,
            conn: self.conn,
            state: action.words().into_owned(),
            direction,
            left,
        });
    }
}
