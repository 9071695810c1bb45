//! A proxy as JSON.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::refusal::Refusal;
use super::toxic::Laid;

/// A request for a proxy, or for a change to one.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object with name, listen and upstream")]
pub(super) struct AskedProxy {
    #[serde(default)]
    pub(super) name: String,
    pub(super) listen: Option<String>,
    pub(super) upstream: Option<String>,
    pub(super) enabled: Option<bool>,
}

/// A proxy, as answers show it.
#[derive(Debug, Serialize)]
pub(super) struct ProxyAnswer<'a> {
    pub(super) name: &'a str,
    pub(super) listen: String,
    pub(super) upstream: &'a str,
    pub(super) enabled: bool,
    pub(super) toxics: &'a [Laid],
}

/// The address on this machine that a proxy is to listen on. A port alone means loopback too.
pub(super) fn loopback(text: &str) -> Result<SocketAddr, Refusal> {
    let (host, port) = host_and_port(text)
        .ok_or_else(|| Refusal::bad(format!("listen must be HOST:PORT, found {text:?}")))?;
    let ip = match host.parse::<IpAddr>() {
        Ok(ip) if ip.is_loopback() => ip,
        Err(_) if host.is_empty() || host.eq_ignore_ascii_case("localhost") => {
            Ipv4Addr::LOCALHOST.into()
        }
        _ => {
            let error =
                format!("{text} can be reached from other machines; only loopback is allowed");
            return Err(Refusal::forbidden(error));
        }
    };
    Ok(SocketAddr::new(ip, port))
}

/// Whether two addresses mean the same: hosts regardless of case, and this machine by any name.
pub(super) fn same_upstream(one: &str, other: &str) -> bool {
    let (Some((host, port)), Some((other, other_port))) =
        (host_and_port(one), host_and_port(other))
    else {
        return false;
    };
    let here = |host: &str| {
        let ip = host.parse::<IpAddr>();
        ip.map_or(host.eq_ignore_ascii_case("localhost"), |ip| {
            ip.is_loopback()
        })
    };
    port == other_port && (host.eq_ignore_ascii_case(other) || here(host) && here(other))
}

fn host_and_port(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    Some((bare.unwrap_or(host), port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_listened_on() {
        for (text, expected) in [
            ("127.0.0.1:80", Some("127.0.0.1:80")),
            ("localhost:0", Some("127.0.0.1:0")),
            (":81", Some("127.0.0.1:81")),
            ("[::1]:80", Some("[::1]:80")),
            ("0.0.0.0:80", None),
            ("10.0.0.1:80", None),
            ("engine.example:80", None),
            ("80", None),
        ] {
            let found = loopback(text).ok().map(|addr| addr.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn an_upstream_is_the_same_by_any_name_of_this_machine() {
        assert!(same_upstream("Engine.example:443", "engine.EXAMPLE:443"));
        assert!(same_upstream("localhost:80", "127.0.0.1:80"));
        assert!(same_upstream("[::1]:80", "LOCALHOST:80"));
        assert!(!same_upstream("engine.example:443", "engine.example:444"));
        assert!(!same_upstream("engine.example:443", "other.example:443"));
        assert!(!same_upstream("engine.example", "engine.example"));
    }
}
