//! How a client is started, and what it is told.

use std::env;
use std::ffi::OsString;
use std::fmt;

/// What a client is told: where to connect, and with which token. Nothing else.
#[derive(Clone)]
pub(crate) struct Told {
    /// Where to connect: `ws://127.0.0.1:PORT/ws`, or with the healthy tape's own path.
    url: String,
    /// Where plain requests go: `http://127.0.0.1:PORT`.
    http_url: String,
    /// The bearer token that it may bring.
    pub(super) token: String,
}

impl fmt::Debug for Told {
    /// Leaves out the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Told")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Told {
    /// What to tell about an engine at this `ws` URL.
    pub(crate) fn new(url: String, token: String) -> Self {
        // The path, whichever it is, is the WebSocket's.
        let origin: Vec<&str> = url.splitn(4, '/').take(3).collect();
        let http_url = origin.join("/").replacen("ws:", "http:", 1);
        Self {
            url,
            http_url,
            token,
        }
    }

    /// The environment variables: `ENGINE_URL`, `ENGINE_URLS`, `ENGINE_HTTP_URL`, `ENGINE_TOKEN`.
    ///
    /// A proxy set in the user's shell must not apply to the engine, which is on this machine: the
    /// client would meet the proxy instead. So [`NO_PROXY`] adds the engine's host to those the
    /// user has already excepted.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let mut told = vec![
            ("ENGINE_URL", self.url.clone()),
            ("ENGINE_URLS", self.url.clone()),
            ("ENGINE_HTTP_URL", self.http_url.clone()),
            ("ENGINE_TOKEN", self.token.clone()),
        ];
        told.extend(NO_PROXY.map(|name| {
            let excepted = env::var(name).unwrap_or_default();
            (name, beside(&excepted))
        }));
        told
    }
}

/// The variables for hosts that bypass the proxy, in both spellings that programs look for.
const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];
/// The engine's host names.
const THIS_MACHINE: &str = "127.0.0.1,localhost";

/// Adds this machine to the hosts already excepted. `*` excepts all, but only if it stands alone.
fn beside(excepted: &str) -> String {
    match excepted.trim() {
        "" => THIS_MACHINE.to_owned(),
        "*" => "*".to_owned(),
        others => format!("{others},{THIS_MACHINE}"),
    }
}

/// A client: the command that starts it, in which `{url}` means where to connect.
///
/// ```
/// use wstape_referee::ClientCommand;
///
/// let client = ClientCommand::new(["python3", "client.py", "--to={url}"]).expect("a command");
/// assert_eq!(client.to_string(), "python3 client.py --to={url}");
/// assert!(ClientCommand::new([""; 0]).is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCommand {
    words: Vec<OsString>,
}

impl ClientCommand {
    /// The program and its arguments; `None` if there are no words.
    pub fn new<W: Into<OsString>>(words: impl IntoIterator<Item = W>) -> Option<Self> {
        let words: Vec<OsString> = words.into_iter().map(Into::into).collect();
        (!words.is_empty()).then_some(Self { words })
    }

    /// The program.
    pub(crate) fn program(&self) -> String {
        let program = self.words.first().map(|it| it.to_string_lossy());
        program.unwrap_or_default().into_owned()
    }

    /// The words with `{url}` filled in.
    pub(crate) fn words_for(&self, told: &Told) -> impl Iterator<Item = OsString> {
        self.words.iter().map(|word| match word.to_str() {
            Some(text) => OsString::from(text.replace("{url}", &told.url)),
            None => word.clone(),
        })
    }
}

impl fmt::Display for ClientCommand {
    /// As a shell takes it, quoted where needed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, word) in self.words.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            let word = word.to_string_lossy();
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:{}@%+,".contains(c);
            if !word.is_empty() && word.chars().all(plain) {
                f.write_str(&word)?;
            } else {
                write!(f, "'{}'", word.replace('\'', r"'\''"))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_requests_go_to_the_port_itself_whatever_path_the_websocket_has() {
        for path in ["", "/ws", "/stream", "/v5/public/ws"] {
            let url = format!("ws://127.0.0.1:9000{path}");
            let told = Told::new(url.clone(), "token".to_owned()).environment();
            let of = |name: &str| told.iter().find(|(it, _)| *it == name).unwrap().1.clone();
            assert_eq!(of("ENGINE_URL"), url);
            assert_eq!(of("ENGINE_HTTP_URL"), "http://127.0.0.1:9000", "{path}");
        }
    }

    #[test]
    fn the_engine_is_excepted_from_proxies_beside_what_is_excepted_already() {
        for (excepted, expected) in [
            ("", "127.0.0.1,localhost"),
            (" ", "127.0.0.1,localhost"),
            ("*", "*"),
            (
                ".example.org,10.0.0.1",
                ".example.org,10.0.0.1,127.0.0.1,localhost",
            ),
        ] {
            assert_eq!(beside(excepted), expected, "{excepted:?}");
        }
    }
}
