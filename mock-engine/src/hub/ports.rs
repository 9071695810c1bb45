//! The ports that connections come in through, and the toxics of each.
//!
//! An engine has one; Toxiproxy's API can open more, to the same real engine.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use crate::ids::{ConnId, PortId};
use crate::link::Conditions;
use crate::port::{Gate, Port};
use crate::toxics::{Toxic, add_conditions};

#[derive(Debug)]
pub(super) struct Ports {
    open: BTreeMap<PortId, Open>,
    /// What the ports that are not disabled do.
    gate: Gate,
    next: u64,
}

#[derive(Debug)]
struct Open {
    port: Port,
    enabled: bool,
    toxics: Vec<Toxic>,
}

impl Ports {
    /// Starts with the engine's own port, in the state that it is in.
    pub(super) fn new(own: Port) -> Self {
        let mut ports = Self {
            open: BTreeMap::new(),
            gate: Gate::Listens,
            next: PortId::OWN.0,
        };
        ports.add(own);
        ports
    }

    /// Adds a port, enabled and without toxics.
    pub(super) fn add(&mut self, port: Port) -> PortId {
        let id = PortId(self.next);
        self.next += 1;
        let open = Open {
            port,
            enabled: true,
            toxics: Vec::new(),
        };
        self.open.insert(id, open);
        id
    }

    /// Closes a port for good.
    pub(super) fn remove(&mut self, id: PortId) {
        if let Some(open) = self.open.remove(&id) {
            open.port.close();
        }
    }

    /// The address of the engine's own; `None` in memory.
    pub(super) fn addr(&self) -> Option<SocketAddr> {
        self.open.get(&PortId::OWN)?.port.addr()
    }

    /// Sets what all ports do, except disabled ones. Returns the first error.
    pub(super) fn set(&mut self, gate: Gate) -> io::Result<()> {
        self.gate = gate;
        let ports = self.open.values().filter(|open| open.enabled);
        ports
            .map(|open| open.port.set(gate))
            .fold(Ok(()), Result::and)
    }

    /// Disables a port, or makes it do what the other ports do.
    pub(super) fn enable(&mut self, id: PortId, enabled: bool) -> io::Result<()> {
        let Some(open) = self.open.get_mut(&id) else {
            return Ok(());
        };
        open.enabled = enabled;
        open.port
            .set(if enabled { self.gate } else { Gate::Refuses })
    }

    /// Closes all ports for good.
    pub(super) fn close(&self) {
        self.open.values().for_each(|open| open.port.close());
    }

    /// Replaces the toxics of a port.
    pub(super) fn lay(&mut self, id: PortId, toxics: Vec<Toxic>) {
        if let Some(open) = self.open.get_mut(&id) {
            open.toxics = toxics;
        }
    }

    /// The toxics of a port.
    pub(super) fn toxics(&self, id: PortId) -> &[Toxic] {
        self.open.get(&id).map_or(&[], |open| &open.toxics)
    }

    /// Adds what its port's toxics do to what a connection's link does.
    pub(super) fn add_conditions(
        &self,
        port: PortId,
        id: ConnId,
        (to_client, from_client): &mut (Conditions, Conditions),
    ) {
        add_conditions(self.toxics(port), id, to_client, from_client);
    }
}
