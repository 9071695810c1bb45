//! The redactor: redacts steps on their way to a tape, and then searches the tape for what remains.

use std::io::{self, BufRead};

use bytes::Bytes;
use wstape_tape::{Action, Conn, Header, Step, StepFields};

use super::fragment::Fragments;
use super::json::JsonRedactor;
use super::registry::SecretRegistry;
use super::rescue::{self, Hit};
use super::rules::Rules;
use super::{scan, url};

/// What a header's `redacted` says about what is always redacted.
const ALWAYS: [&str; 4] = [
    "secret headers",
    "url user info",
    "token-like values of urls",
    "logins of clients",
];

/// Replaces secrets by placeholders, and remembers them to search for remaining copies.
///
/// ```
/// use wstape_tape::{Header, Step};
/// use wstape_recorder::{Redactor, Rules};
///
/// let rules = Rules::default().key("wallet");
/// let mut redactor = Redactor::new(rules, [7; 32]);
/// let header = redactor.header(Header::new("from wss://ada:pw@engine/ws"));
/// assert_eq!(header.title.as_deref(), Some("from wss://redacted-98c3af62b71ede2c@engine/ws"));
///
/// let line = r#"{"at_ms":1,"emit":{"event":"fill", "wallet" : "0xc0ffee00"}}"#;
/// let step = redactor.step(Step::parse("tape", 2, line)?);
/// assert_eq!(
///     step.to_line(),
///     r#"{"at_ms":1,"emit":{"event":"fill", "wallet" : "redacted-261a44f73f34dd4c"}}"#
/// );
///
/// let leak = r#"{"at_ms":2,"text":"paid to 0xc0ffee00"}"#;
/// let hit = redactor.scan(leak.as_bytes())?.expect("it still stands there");
/// assert_eq!((hit.line, &*hit.what), (1, "the value of the key \"wallet\", redacted elsewhere"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Redactor {
    pub(super) rules: Rules,
    pub(super) messages: JsonRedactor,
    pub(super) bodies: JsonRedactor,
    pub(super) secrets: SecretRegistry,
    pub(super) fragments: Fragments,
    /// The rules that a header lists; `None` for all.
    claimed: Option<Vec<String>>,
}

impl Redactor {
    /// Redacts by these rules. The key must be drawn at random for each tape and not be stored. It
    /// makes the placeholders unique to this tape: without it they reveal nothing about what they
    /// replace.
    #[must_use]
    pub fn new(rules: Rules, key: [u8; 32]) -> Self {
        Self {
            messages: JsonRedactor::new(&rules, false),
            bodies: JsonRedactor::new(&rules, true),
            rules,
            secrets: SecretRegistry::new(&key),
            fragments: Fragments::default(),
            claimed: None,
        }
    }

    /// The rules that have matched nothing so far, as written in a header.
    #[must_use]
    pub fn unmatched(&self) -> Vec<String> {
        let said = self.rules.said().enumerate();
        said.filter(|(number, _)| self.secrets.matches(*number) == 0)
            .map(|(_, rule)| rule)
            .collect()
    }

    /// Whether there are rules besides what is always redacted.
    #[must_use]
    pub fn has_rules(&self) -> bool {
        !self.rules.is_empty()
    }

    /// How many values have been replaced so far.
    #[must_use]
    pub fn replaced(&self) -> u64 {
        self.secrets.replaced()
    }

    /// Makes headers from here on list only rules that have matched so far: for a tape that is read
    /// once before it is written.
    pub fn claim_what_matched(&mut self) {
        let unmatched = self.unmatched();
        let matched = self.rules.said().filter(|rule| !unmatched.contains(rule));
        self.claimed = Some(matched.collect());
    }

    /// Remembers a secret known beforehand, such as the token given to a command, so that a tape
    /// that contains it is detected. Errors call it `what`.
    pub fn remember(&mut self, what: &str, secret: &str) {
        self.secrets.remember(secret.as_bytes(), what);
    }

    /// Remembers the secrets in a URL, such as the one given to a command.
    pub fn remember_url(&mut self, url: &str) {
        url::in_text(url, &mut self.secrets);
    }

    /// Redacts a text for people, such as an error message: secrets in URLs and well-known secrets.
    pub fn text(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        self.free_text(&mut text);
        text
    }

    /// Redacts a header and lists in it what is redacted in the tape. Called at the beginning of a
    /// tape.
    pub fn header(&mut self, mut header: Header) -> Header {
        self.fragments.ended(Conn::All);
        let fields = &mut *header;
        for text in [&mut fields.title, &mut fields.source, &mut fields.note]
            .into_iter()
            .flatten()
        {
            self.free_text(text);
        }
        self.extensions(&mut header.extensions);
        let always = ALWAYS.iter().map(ToString::to_string);
        let rules = self.claimed.clone();
        let rules = rules.unwrap_or_else(|| self.rules.said().collect());
        for what in always.chain(rules) {
            if !header.redacted.contains(&what) {
                header.redacted.push(what);
            }
        }
        header
    }

    /// Redacts a step. A step without secrets is returned unchanged, byte for byte; if only an
    /// event's value is redacted, the rest of its line stays as it was.
    pub fn step(&mut self, mut step: Step) -> Step {
        if self.leaves_events()
            && matches!(step.action, Action::Emit(_))
            && step.note.is_none()
            && step.extensions.is_empty()
        {
            // By far the most common case: nothing is redacted.
            return step;
        }
        // A copy is edited, because a step forgets its line once its fields are borrowed mutably.
        let mut edited = StepFields::clone(&step);
        let mut around = match &mut edited.note {
            Some(note) => self.free_text(note),
            None => false,
        };
        around |= !edited.extensions.is_empty() && self.extensions(&mut edited.extensions);
        let changed = if let Action::Emit(json) = &step.action {
            let message = self.message(json);
            if let Some(message) = &message
                && !around
                && let Some(in_line) = in_line(&step, json, message)
            {
                return in_line;
            }
            let changed = message.is_some();
            edited.action = message.map_or(edited.action, Action::Emit);
            changed
        } else {
            self.action(&mut edited.action, step.conn)
        };
        if changed || around {
            *step = edited;
        }
        step
    }

    /// Whether events are written unchanged, whatever they contain.
    pub(crate) fn leaves_events(&self) -> bool {
        !self.rules.touch_messages()
    }

    /// Checks one line of the tape as written. Values that are redacted only later are not found
    /// yet: [`scan`](Self::scan) the complete tape for them.
    ///
    /// Returns the kind of secret and how it is written, never the secret.
    pub fn line(&self, text: &[u8]) -> Option<String> {
        scan::line(text, &self.secrets.known)
    }

    /// Whether [`line`](Self::line) may find anything in these lines, checked together: `false` for
    /// most, at less cost than checking each.
    pub fn may_find(&self, lines: &[u8]) -> bool {
        scan::may_hold(lines, &self.secrets.known)
    }

    /// Checks lines of the tape as written, like [`line`](Self::line); the first one has this
    /// number. Returns the offset of the first line with a secret, and the hit with the key and the
    /// rule that covers it.
    pub(crate) fn hit_in(&self, first: u64, text: &[u8]) -> Option<(usize, Hit)> {
        let (at, what) = scan::lines(text, &self.secrets.known)?;
        let before = memchr::memchr_iter(b'\n', &text[..at]).count();
        let length = memchr::memchr(b'\n', &text[at..]).unwrap_or(text.len() - at);
        let hit = self.placed(first + before as u64, what, &text[at..at + length]);
        Some((at, hit))
    }

    /// How many secrets lines are checked for, besides well-known ones. While the count stays the
    /// same, so do the secrets.
    pub(crate) fn known(&self) -> usize {
        self.secrets.known.count()
    }

    fn placed(&self, line: u64, what: String, text: &[u8]) -> Hit {
        let known = &self.secrets.known;
        let key = rescue::key_of(text, &|part| scan::line(part, known).is_some());
        let step = std::str::from_utf8(text).ok();
        let step = step.and_then(|text| Step::parse("scanned", line, text.trim_end()).ok());
        let covers = |rules: Rules| {
            let mut redactor = Self::new(rules, [0; 32]);
            redactor.secrets.known = known.clone();
            let clean = redactor.step(step.clone()?).to_line();
            scan::line(clean.as_bytes(), known).is_none().then_some(())
        };
        let mut rules = rescue::rules(key.as_ref()).into_iter();
        let options = rules.find_map(|(said, rules)| covers(rules).map(|()| said));
        let key = key.map(|(key, _)| key);
        Hit {
            line,
            what,
            key,
            options,
        }
    }

    /// Searches a tape's whole text for what was redacted and for well-known secrets. Returns the
    /// first one found. Only a part of the text is in memory at a time.
    ///
    /// # Errors
    /// The errors of the reader.
    pub fn scan(&self, reader: impl BufRead) -> io::Result<Option<Hit>> {
        let found = scan::read(reader, &self.secrets.known)?;
        Ok(found.map(|(line, what, text)| self.placed(line, what, &text)))
    }

    /// How many redacted values are not searched for, because there were too many.
    pub fn left_out(&self) -> u64 {
        self.secrets.known.left_out()
    }
}

/// A step as it was read, with its event changed within its line.
fn in_line(step: &Step, json: &Bytes, edited: &Bytes) -> Option<Step> {
    let raw = step.raw()?;
    let at = json.as_ptr().addr().checked_sub(raw.as_ptr().addr())?;
    let (before, rest) = raw.split_at_checked(at)?;
    let after = rest.strip_prefix(&json[..])?;
    let line = String::from_utf8([before, &edited[..], after].concat()).ok()?;
    Step::parse("redacted", step.line, &line).ok()
}
