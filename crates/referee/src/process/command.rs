//! How a client is started, and what it is told.

use std::ffi::OsString;
use std::fmt;

/// What a client is told: where to connect, and with which token. Nothing else.
#[derive(Clone)]
pub(crate) struct Told {
    /// Where to connect: `ws://127.0.0.1:PORT/ws`.
    pub(crate) url: String,
    /// Where a plain request goes: `http://127.0.0.1:PORT`.
    pub(crate) http_url: String,
    /// The bearer token that it may bring.
    pub(crate) token: String,
}

impl fmt::Debug for Told {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Told")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Told {
    /// The environment that says so: `ENGINE_URL`, `ENGINE_URLS`, `ENGINE_HTTP_URL`, `ENGINE_TOKEN`.
    pub(crate) fn environment(&self) -> [(&'static str, &str); 4] {
        [
            ("ENGINE_URL", &self.url),
            ("ENGINE_URLS", &self.url),
            ("ENGINE_HTTP_URL", &self.http_url),
            ("ENGINE_TOKEN", &self.token),
        ]
    }
}

/// A client: the command that starts it, in which `{url}` stands for where to connect.
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
    /// The program and its arguments; `None` where there is no word at all.
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
    /// As a shell takes it, as far as a word needs quotes.
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
