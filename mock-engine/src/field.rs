//! What real servers and proxies were seen to do, as overlays that are built into the program.
//!
//! Each is in the package's folder `field`, named after a program, its version and what happens to
//! it, and was made with that program by the scripts in `field/record`. Whatever ends by itself
//! begins at second 20 of the tape underneath.

use std::fmt::Write as _;
use std::io::{self, BufReader, Read};
use std::path::{Component, Path};

use wstape_tape::{Tape, TapeError, TapeReader};

/// The folder in front of each name, as in `field/caddy-2.11-reload`.
pub const FOLDER: &str = "field";

/// The ending of an overlay's file name.
const SUFFIX: &str = ".jsonl";

/// How many leading bytes of two names must agree to be worth a hint.
const MIN_ALIKE_BYTES: usize = 3;

/// Makes the table of overlays: each name, with the text of its file.
macro_rules! overlays {
    ($($name:literal),+ $(,)?) => {
        /// Every overlay, by name.
        const ALL: &[Overlay] = &[$(Overlay {
            name: $name,
            text: include_str!(concat!("../field/", $name, ".jsonl")),
        }),+];
    };
}

overlays![
    "aiohttp-3.14-sigterm",
    "caddy-2.11-reload",
    "caddy-2.11-reload-mid-frame",
    "caddy-2.11-stream-timeout",
    "caddy-2.11-unknown-host",
    "caddy-2.11-upstream-down",
    "daphne-4.2-pings",
    "daphne-4.2-sigterm",
    "envoy-1.40-upstream-down",
    "granian-2.8-handler-ends",
    "granian-2.8-sigterm",
    "granian-2.8-sigterm-lagging",
    "haproxy-2.8-back-but-refused",
    "haproxy-2.8-upstream-down",
    "httpd-2.4-sighup",
    "httpd-2.4-upstream-down",
    "hypercorn-0.18-sigterm",
    "nginx-1.31-back-but-refused",
    "nginx-1.31-no-upgrade",
    "nginx-1.31-upstream-down",
    "sanic-25.12-sigterm",
    "uvicorn-0.54-handler-raises",
    "uvicorn-0.54-pings",
    "uvicorn-0.54-sigterm",
    "uvicorn-0.54-slow-reader",
    "ws-8-server-closed",
];

/// An overlay that the program holds.
#[derive(Debug, Clone, Copy)]
pub struct Overlay {
    name: &'static str,
    text: &'static str,
}

impl Overlay {
    /// Every overlay, sorted by name.
    pub fn all() -> impl Iterator<Item = Self> {
        ALL.iter().copied()
    }

    /// Its name, without the folder: program, version, what happens.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.name
    }

    /// The text of the tape's file.
    #[must_use]
    pub fn text(self) -> &'static str {
        self.text
    }

    /// The tape.
    ///
    /// # Errors
    /// If it is flawed, which no overlay in the program is.
    pub fn tape(self) -> Result<Tape, TapeError> {
        Tape::parse(format!("{FOLDER}/{}", self.name), self.text)
    }
}

/// Finds the overlay at `path`, if that is `field/NAME`, with or without `.jsonl`, and no such file
/// exists; `None` for any other path.
///
/// ```
/// use wstape_mock_engine::field;
/// let tape = field::find("field/caddy-2.11-reload").unwrap().unwrap();
/// assert!(tape.header.title.as_deref().unwrap().starts_with("Caddy 2.11.7 reloads"));
/// assert!(field::find("fixtures/overlays/drops.jsonl").is_none());
///
/// let unknown = field::find("field/caddy-3").unwrap().unwrap_err();
/// assert!(unknown.message().contains("did you mean field/caddy-2.11-reload"), "{unknown}");
/// ```
///
/// # Errors
/// If no overlay has that name; the error lists those that exist.
pub fn find(path: impl AsRef<Path>) -> Option<Result<Tape, TapeError>> {
    let path = path.as_ref();
    let mut parts = path.components();
    let (Some(Component::Normal(folder)), Some(Component::Normal(name)), None) =
        (parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    if folder != FOLDER || path.exists() {
        return None;
    }
    let name = name.to_str()?;
    let name = name.strip_suffix(SUFFIX).unwrap_or(name);
    let found = Overlay::all().find(|overlay| overlay.name == name);
    Some(match found {
        Some(overlay) => overlay.tape(),
        None => Err(unknown(path, name)),
    })
}

/// The error for a name that no overlay has.
fn unknown(path: &Path, name: &str) -> TapeError {
    let missing = BufReader::new(Missing(sentence(name)));
    let reader = TapeReader::new(path.display().to_string(), missing);
    reader.err().expect("nothing can be read")
}

fn sentence(name: &str) -> String {
    let mut text = "there is no field overlay of this name".to_owned();
    let alike = |overlay: &Overlay| {
        let same = overlay.name.bytes().zip(name.bytes());
        same.take_while(|(a, b)| a == b).count()
    };
    // Of several equally near ones, the first.
    let nearest = Overlay::all().reduce(|best, other| {
        if alike(&other) > alike(&best) {
            other
        } else {
            best
        }
    });
    if let Some(nearest) = nearest.filter(|nearest| alike(nearest) >= MIN_ALIKE_BYTES) {
        let _ = write!(text, " (did you mean {FOLDER}/{}?)", nearest.name);
    }
    text.push_str("; there are ");
    let names = Overlay::all().map(|overlay| format!("{FOLDER}/{}", overlay.name));
    text.push_str(&names.collect::<Vec<_>>().join(", "));
    text
}

/// Fails every read with its text, so that the error is about an overlay, not about a missing file.
struct Missing(String);

impl Read for Missing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::new(io::ErrorKind::InvalidInput, self.0.clone()))
    }
}
