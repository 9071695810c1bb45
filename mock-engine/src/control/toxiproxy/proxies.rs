//! All proxies: ports to the same real engine, and the toxics of each.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use wstape_tape::Micros;

use super::proxy::{AskedProxy, ProxyAnswer, loopback, same_upstream};
use super::refusal::Refusal;
use super::toxic::{Asked, Laid};
use crate::acceptor::Acceptor;
use crate::encryption::Encryption;
use crate::engine::Engine;
use crate::error::cannot_listen;
use crate::hub::Hub;
use crate::ids::PortId;
use crate::port::{Gate, Port, TcpPort};
use crate::tcp;

/// The name of the proxy that is the engine's own port.
pub const OWN_PROXY: &str = "upstream";

/// The most proxies at a time.
pub const MAX_PROXIES: usize = 64;

/// The most toxics on one proxy.
pub const MAX_TOXICS: usize = 64;

/// All proxies, and what it takes to open more.
#[derive(Debug)]
pub(super) struct Proxies {
    hub: Arc<Hub>,
    acceptor: Acceptor,
    encryption: Encryption,
    /// Where the engine's tasks run.
    runtime: Handle,
    /// Where the real engine is.
    upstream: String,
    /// The engine's own port.
    own: SocketAddr,
    list: Mutex<List>,
}

#[derive(Debug, Default)]
struct List {
    proxies: BTreeMap<String, Listed>,
    /// The number of the last toxic laid.
    toxics: u64,
}

#[derive(Debug)]
struct Listed {
    listen: SocketAddr,
    upstream: String,
    enabled: bool,
    toxics: Vec<Laid>,
    port: PortId,
    /// The task that accepts connections on the port; `None` for the engine's own.
    accepting: Option<AbortHandle>,
}

impl Drop for Listed {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

impl Proxies {
    /// The proxies of an engine: at first its own port. `None` if there is no real engine behind
    /// it, or it is in memory.
    pub(super) fn of(engine: &Engine, upstream: &str) -> Option<Self> {
        let hub = engine.hub();
        let own = engine.local_addr().filter(|_| hub.core().is_live())?;
        let (acceptor, encryption, runtime) = engine.more_ports()?;
        let listed = Listed {
            listen: own,
            upstream: upstream.to_owned(),
            enabled: true,
            toxics: Vec::new(),
            port: PortId::OWN,
            accepting: None,
        };
        let proxies = BTreeMap::from([(OWN_PROXY.to_owned(), listed)]);
        Some(Self {
            hub,
            acceptor,
            encryption,
            runtime,
            upstream: upstream.to_owned(),
            own,
            list: Mutex::new(List { proxies, toxics: 0 }),
        })
    }

    /// Returns what `look` makes of all proxies.
    pub(super) fn all<T>(&self, look: impl FnOnce(Vec<ProxyAnswer<'_>>) -> T) -> T {
        let list = self.list.lock();
        let all = list
            .proxies
            .iter()
            .map(|(name, listed)| listed.answer(name));
        look(all.collect())
    }

    /// Returns what `look` makes of one proxy.
    pub(super) fn one<T>(
        &self,
        name: &str,
        look: impl FnOnce(ProxyAnswer<'_>) -> T,
    ) -> Result<T, Refusal> {
        let list = self.list.lock();
        let listed = list.proxies.get(name).ok_or_else(Refusal::no_proxy)?;
        Ok(look(listed.answer(name)))
    }

    /// Opens a proxy.
    pub(super) fn create(&self, asked: &AskedProxy) -> Result<(), Refusal> {
        self.open(&mut self.list.lock(), asked)
    }

    /// Opens each of these proxies, unless it is already there as asked for; another one of its
    /// name is closed. If one can't be opened, those before it stay.
    pub(super) fn populate(&self, asked: &[AskedProxy]) -> Result<(), Refusal> {
        let mut list = self.list.lock();
        for asked in asked {
            let (listen, upstream) = self.place(asked)?;
            let same = list.proxies.get(&asked.name).is_some_and(|had| {
                let listens = had.listen == listen || listen.port() == 0;
                listens && same_upstream(&had.upstream, &upstream)
            });
            if same {
                let enabled = asked.enabled.unwrap_or(true);
                self.enable(&mut list, &asked.name, enabled);
            } else {
                self.close(&mut list, &asked.name);
                self.open(&mut list, asked)?;
            }
        }
        Ok(())
    }

    /// Where a proxy is to listen, and how it names the real engine.
    fn place(&self, asked: &AskedProxy) -> Result<(SocketAddr, String), Refusal> {
        let missing = |field: &str| Refusal::bad(format!("missing required field: {field}"));
        if asked.name.is_empty() {
            return Err(missing("name"));
        }
        let upstream = asked.upstream.as_deref().filter(|text| !text.is_empty());
        let upstream = upstream.ok_or_else(|| missing("upstream"))?;
        self.reach(upstream)?;
        let listen = loopback(asked.listen.as_deref().unwrap_or("127.0.0.1:0"))?;
        Ok((listen, upstream.to_owned()))
    }

    fn reach(&self, upstream: &str) -> Result<(), Refusal> {
        if same_upstream(upstream, &self.upstream) {
            return Ok(());
        }
        let own = &self.upstream;
        let error = format!("{upstream} can't be reached: only the upstream {own} is allowed");
        Err(Refusal::forbidden(error))
    }

    fn open(&self, list: &mut List, asked: &AskedProxy) -> Result<(), Refusal> {
        let (listen, upstream) = self.place(asked)?;
        if list.proxies.contains_key(&asked.name) {
            return Err(Refusal::exists("proxy"));
        }
        if list.proxies.len() >= MAX_PROXIES {
            return Err(Refusal::too_many(format!(
                "there are {MAX_PROXIES} proxies already"
            )));
        }
        let (port, listen, accepting) = if listen == self.own {
            self.take_own(list)?;
            (PortId::OWN, listen, None)
        } else {
            let (port, bound, accepting) = self.listen(listen)?;
            (port, bound, Some(accepting))
        };
        let opened = Listed {
            listen,
            upstream,
            enabled: true,
            toxics: Vec::new(),
            port,
            accepting,
        };
        list.proxies.insert(asked.name.clone(), opened);
        self.enable(list, &asked.name, asked.enabled.unwrap_or(true));
        Ok(())
    }

    /// Frees the engine's own port for a proxy of another name. If the proxy that it began with
    /// still has the port, that one is closed.
    fn take_own(&self, list: &mut List) -> Result<(), Refusal> {
        let holder = list.proxies.iter().find(|(_, had)| had.port == PortId::OWN);
        match holder.map(|(name, _)| name.clone()) {
            None => Ok(()),
            Some(name) if name == OWN_PROXY => {
                self.close(list, &name);
                Ok(())
            }
            Some(name) => {
                let error = format!("the proxy {name:?} listens on {} already", self.own);
                Err(Refusal::new(http::StatusCode::CONFLICT, error))
            }
        }
    }

    /// Opens another port to the same real engine.
    fn listen(&self, addr: SocketAddr) -> Result<(PortId, SocketAddr, AbortHandle), Refusal> {
        let taken = |error: std::io::Error| {
            let error = format!("cannot listen on {addr}: {}", cannot_listen(&error));
            Refusal::new(http::StatusCode::INTERNAL_SERVER_ERROR, error)
        };
        let _runtime = self.runtime.enter();
        let socket = Arc::new(TcpPort::bind(addr).map_err(taken)?);
        socket.set(Gate::Listens).map_err(taken)?;
        let port = Port::Tcp(Arc::clone(&socket));
        let listen = port.addr().unwrap_or(addr);
        let id = self.hub.core().add_port(port);
        let acceptor = self.acceptor.of_port(id);
        let accepting = tcp::accept_all(acceptor, socket, self.encryption.clone());
        let accepting = self.runtime.spawn(accepting);
        Ok((id, listen, accepting.abort_handle()))
    }

    /// Closes a proxy; `false` if there is none of that name.
    fn close(&self, list: &mut List, name: &str) -> bool {
        let Some(closed) = list.proxies.remove(name) else {
            return false;
        };
        let mut core = self.hub.core();
        if !closed.toxics.is_empty() {
            core.lay_toxics(closed.port, Vec::new(), format!("{name}: no toxics"));
        }
        if closed.port == PortId::OWN {
            core.enable_port(closed.port, false);
        } else {
            core.remove_port(closed.port);
        }
        true
    }

    fn enable(&self, list: &mut List, name: &str, enabled: bool) {
        if let Some(listed) = list.proxies.get_mut(name) {
            listed.enabled = enabled;
            self.hub.core().enable_port(listed.port, enabled);
        }
    }

    /// Closes a proxy.
    pub(super) fn delete(&self, name: &str) -> Result<(), Refusal> {
        let closed = self.close(&mut self.list.lock(), name);
        closed.then_some(()).ok_or_else(Refusal::no_proxy)
    }

    /// Enables or disables a proxy; its address can't change.
    pub(super) fn update(&self, name: &str, asked: &AskedProxy) -> Result<(), Refusal> {
        let mut list = self.list.lock();
        let listed = list.proxies.get_mut(name).ok_or_else(Refusal::no_proxy)?;
        if let Some(upstream) = asked.upstream.as_deref().filter(|text| !text.is_empty()) {
            self.reach(upstream)?;
        }
        if let Some(text) = asked.listen.as_deref().filter(|text| !text.is_empty()) {
            let asked = loopback(text)?;
            if asked != listed.listen && asked.port() != 0 {
                let error =
                    "a proxy's listen address can't be changed; delete it and create another";
                return Err(Refusal::bad(error));
            }
        }
        if let Some(enabled) = asked.enabled
            && enabled != listed.enabled
        {
            self.enable(&mut list, name, enabled);
        }
        Ok(())
    }

    /// Enables every proxy and removes all toxics.
    pub(super) fn reset(&self) {
        let mut list = self.list.lock();
        let names: Vec<String> = list.proxies.keys().cloned().collect();
        for name in names {
            if let Some(listed) = list.proxies.get_mut(&name)
                && !std::mem::take(&mut listed.toxics).is_empty()
            {
                self.lay(listed, format!("{name}: no toxics"));
            }
            self.enable(&mut list, &name, true);
        }
    }

    fn lay(&self, listed: &Listed, text: String) {
        let toxics = listed.toxics.iter().map(Laid::toxic).collect();
        self.hub.core().lay_toxics(listed.port, toxics, text);
    }

    fn now(&self) -> Micros {
        self.hub.log().now()
    }

    /// Lays a toxic over a proxy.
    pub(super) fn lay_toxic(&self, name: &str, asked: &Asked) -> Result<Laid, Refusal> {
        let mut list = self.list.lock();
        list.toxics += 1;
        let number = list.toxics;
        let listed = list.proxies.get_mut(name).ok_or_else(Refusal::no_proxy)?;
        let laid = Laid::of(asked, number, self.now())?;
        if listed.toxics.iter().any(|had| had.name == laid.name) {
            return Err(Refusal::exists("toxic"));
        }
        if listed.toxics.len() >= MAX_TOXICS {
            return Err(Refusal::too_many(format!(
                "there are {MAX_TOXICS} toxics already"
            )));
        }
        listed.toxics.push(laid.clone());
        self.lay(listed, format!("{name}: toxic {}", laid.words()));
        Ok(laid)
    }

    /// Changes a toxic.
    pub(super) fn change_toxic(
        &self,
        name: &str,
        of: &str,
        asked: &Asked,
    ) -> Result<Laid, Refusal> {
        let mut list = self.list.lock();
        list.toxics += 1;
        let number = list.toxics;
        let listed = list.proxies.get_mut(name).ok_or_else(Refusal::no_proxy)?;
        let mut toxics = listed.toxics.iter_mut();
        let laid = toxics
            .find(|laid| laid.name == of)
            .ok_or_else(Refusal::no_toxic)?;
        laid.change(asked, number, self.now())?;
        let laid = laid.clone();
        self.lay(listed, format!("{name}: toxic {}", laid.words()));
        Ok(laid)
    }

    /// Removes a toxic.
    pub(super) fn remove_toxic(&self, name: &str, of: &str) -> Result<(), Refusal> {
        let mut list = self.list.lock();
        let listed = list.proxies.get_mut(name).ok_or_else(Refusal::no_proxy)?;
        let before = listed.toxics.len();
        listed.toxics.retain(|laid| laid.name != of);
        if listed.toxics.len() == before {
            return Err(Refusal::no_toxic());
        }
        self.lay(listed, format!("{name}: no toxic {of}"));
        Ok(())
    }
}

impl Listed {
    fn answer<'a>(&'a self, name: &'a str) -> ProxyAnswer<'a> {
        ProxyAnswer {
            name,
            listen: self.listen.to_string(),
            upstream: &self.upstream,
            enabled: self.enabled,
            toxics: &self.toxics,
        }
    }
}
