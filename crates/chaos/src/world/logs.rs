//! Searches everything logged on this thread for secrets.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::span;

/// The longest part of a line that is searched, in bytes; lines are cut there.
const MAX_LINE_BYTES: usize = 64 * 1024;

/// Something that must not be logged, and its name.
#[derive(Debug, Clone)]
pub(super) struct Secret {
    pub(super) name: &'static str,
    pub(super) text: String,
}

impl Secret {
    /// Returns a secret in plain text, and as base64.
    pub(super) fn both(name: &'static str, text: &str) -> [Self; 2] {
        [text.to_owned(), BASE64.encode(text)].map(|text| Self { name, text })
    }
}

/// The result of a search.
#[derive(Debug, Default)]
pub(super) struct Searched {
    /// Lines that were logged.
    pub(super) lines: u64,
    /// The first secret found in one of the subject's own lines: its name, and who logged it.
    pub(super) found: Option<(&'static str, String)>,
    /// Secrets in lines of other crates: which, and by which crate.
    pub(super) by_others: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct Search {
    secrets: Vec<Secret>,
    /// The subject's own crates; empty if every line counts as its own.
    crates: Vec<String>,
    searched: Searched,
    /// The current line, reused.
    line: String,
}

/// Whether the process's logger is the one defined here.
static OURS: AtomicBool = AtomicBool::new(false);
/// The number of watches in progress, on all threads; at zero, no log records are even made.
static WATCHES: Mutex<usize> = Mutex::new(0);

thread_local! {
    static SEARCH: RefCell<Option<Search>> = const { RefCell::new(None) };
}

/// Searches what is logged on this thread, at every level, until [`end`](Self::end)ed.
///
/// The `log` crate has one logger for the whole process: the first search installs it. If the
/// program has its own, records are not seen.
pub(super) struct Watch {
    _tracing: tracing::subscriber::DefaultGuard,
}

impl Watch {
    pub(super) fn begin(secrets: Vec<Secret>, crates: Vec<String>) -> Self {
        static LOGGER: Once = Once::new();
        LOGGER.call_once(|| OURS.store(log::set_logger(&Records).is_ok(), Ordering::Relaxed));
        count(|watches| watches + 1);
        SEARCH.set(Some(Search {
            secrets,
            crates,
            ..Search::default()
        }));
        Self {
            _tracing: tracing::subscriber::set_default(Events::default()),
        }
    }

    /// What was found.
    pub(super) fn end(self) -> Searched {
        drop(self);
        SEARCH.take().unwrap_or_default().searched
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        count(|watches| watches - 1);
    }
}

/// Counts watches, and enables records while there are any.
fn count(change: impl FnOnce(usize) -> usize) {
    let mut watches = WATCHES.lock();
    *watches = change(*watches);
    if OURS.load(Ordering::Relaxed) {
        log::set_max_level(match *watches {
            0 => log::LevelFilter::Off,
            _ => log::LevelFilter::Trace,
        });
    }
}

/// Searches a line.
fn search(by: &str, write: impl FnOnce(&mut String)) {
    SEARCH.with(|search| {
        // What is logged while a line is being written is ignored, because the line is borrowed.
        let Ok(mut search) = search.try_borrow_mut() else {
            return;
        };
        let Some(search) = search.as_mut() else {
            return;
        };
        search.line.clear();
        write(&mut search.line);
        let mut cut = search.line.len().min(MAX_LINE_BYTES);
        while !search.line.is_char_boundary(cut) {
            cut -= 1;
        }
        let line = &search.line[..cut];
        let of = by.split("::").next().unwrap_or(by);
        let is_own = search.crates.is_empty() || search.crates.iter().any(|own| own == of);
        search.searched.lines += u64::from(is_own);
        let mut secrets = search.secrets.iter();
        let Some(secret) = secrets.find(|secret| line.contains(&secret.text)) else {
            return;
        };
        if !is_own {
            let what = format!("{}: {by}", secret.name);
            search.searched.by_others.insert(what);
        } else if search.searched.found.is_none() {
            search.searched.found = Some((secret.name, by.to_owned()));
        }
    });
}

/// The subscriber of `tracing`'s spans and events.
#[derive(Debug, Default)]
struct Events {
    spans: AtomicU64,
}

/// Writes every field of a span or an event.
struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        let _ = write!(self.0, "{}={value:?} ", field.name());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, "{}={value} ", field.name());
    }
}

impl tracing::Subscriber for Events {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        search(span.metadata().target(), |line| {
            line.push_str(span.metadata().name());
            line.push(' ');
            span.record(&mut Fields(line));
        });
        span::Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        search("a span", |line| values.record(&mut Fields(line)));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        search(event.metadata().target(), |line| {
            event.record(&mut Fields(line));
        });
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// The logger of the `log` crate's records.
struct Records;

impl log::Log for Records {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        SEARCH.with(|search| search.try_borrow().is_ok_and(|search| search.is_some()))
    }

    fn log(&self, record: &log::Record<'_>) {
        search(record.target(), |line| {
            let _ = write!(line, "{}", record.args());
        });
    }

    fn flush(&self) {}
}

#[cfg(test)]
mod tests {
    use super::{Secret, Watch};

    fn watch() -> Watch {
        Watch::begin(Secret::both("token", "s3cret").into(), Vec::new())
    }

    #[test]
    fn a_secret_is_found_in_an_event_a_field_a_span_and_a_record() {
        let logs: [fn(); 5] = [
            || tracing::trace!("Bearer s3cret"),
            || tracing::info!(header = "s3cret", "sent"),
            || drop(tracing::debug_span!("dial", url = ?"ws://h/?k=s3cret")),
            || log::trace!("Authorization: s3cret"),
            || tracing::warn!("Basic czNjcmV0"),
        ];
        for (n, write) in logs.into_iter().enumerate() {
            let watch = watch();
            write();
            let searched = watch.end();
            assert_eq!(searched.found.expect("found").0, "token", "{n}");
        }
    }

    #[test]
    fn what_a_dependency_logs_is_blamed_on_it_and_not_on_the_subject() {
        let own = vec!["price_feed".to_owned()];
        let watch = Watch::begin(Secret::both("token", "s3cret").into(), own);
        log::info!(target: "tungstenite::client", "GET /?key=s3cret");
        log::info!(target: "price_feed::mended", "connected");
        let searched = watch.end();
        assert_eq!((searched.lines, searched.found), (1, None));
        let others: Vec<_> = searched.by_others.into_iter().collect();
        assert_eq!(others, ["token: tungstenite::client"]);

        let own = vec!["price_feed".to_owned()];
        let watch = Watch::begin(Secret::both("token", "s3cret").into(), own);
        log::info!(target: "price_feed", "dialling ?key=s3cret");
        let found = watch.end().found.expect("found");
        assert_eq!(found, ("token", "price_feed".to_owned()));
    }

    #[test]
    fn what_holds_no_secret_is_counted_and_what_comes_after_the_end_is_not() {
        let watch = watch();
        tracing::info!("connected");
        log::debug!("read 12 bytes");
        let searched = watch.end();
        assert_eq!((searched.lines, searched.found), (2, None));
        tracing::info!("s3cret");
    }
}
