//! Tests whether a message is what a step wants.

use std::collections::HashMap;

use wstape_tape::{Match, MessageKind};

use super::decimal::Decimal;
use super::document::{Document, Kind, Value};
use super::message::{MAX_JSONPATH_STEPS, Message, Part};

/// The most members of a message's object that are searched one by one; of more, a table is made.
const FEW_MEMBERS: usize = 16;

/// A step's match, ready to be tested.
#[derive(Debug)]
pub(crate) struct Matcher {
    wanted: Match,
    json: Option<Document>,
    /// What its JSON path may cost.
    effort: Effort,
}

/// The most that a JSON path costs in a message of `n` values and depth `d`, as the exponents of
/// `n^values × d^depths`.
#[derive(Debug, Clone, Copy, Default)]
struct Effort {
    values: u32,
    depths: u32,
}

/// The result of testing a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Yes,
    No,
    /// A JSON path that would take too long.
    TooMuch,
}

impl Matcher {
    pub(crate) fn new(wanted: Match) -> Self {
        let json = wanted.json.as_ref();
        Self {
            json: json.and_then(|json| Document::parse(json.text())),
            effort: wanted
                .jsonpath
                .as_ref()
                .map(|path| Effort::of(path.text()))
                .unwrap_or_default(),
            wanted,
        }
    }

    pub(crate) fn wanted(&self) -> &Match {
        &self.wanted
    }

    /// The JSON that a message must contain.
    pub(super) fn json(&self) -> Option<&Document> {
        self.json.as_ref()
    }

    /// Whether it wants control frames.
    pub(super) fn is_of_control(&self) -> bool {
        self.wanted.kind.is_some_and(MessageKind::is_control)
    }

    /// Whether the message is certainly what is wanted, apart from `nth` and from `unmatched`.
    pub(crate) fn is(&self, message: &Message) -> bool {
        self.holds(message) == Found::Yes
    }

    /// Whether the message is what is wanted, apart from `nth` and from `unmatched`.
    pub(super) fn holds(&self, message: &Message) -> Found {
        let wanted = &self.wanted;
        let of_json = wanted.json.is_some() || wanted.jsonpath.is_some();
        let of_part = match message.part() {
            Part::Whole => true,
            // For `unmatched`, it is its records that count, one by one.
            Part::OfRecords => !wanted.unmatched,
            Part::Record => of_json || wanted.unmatched,
        };
        if !of_part {
            return Found::No;
        }
        let of_kind = match wanted.kind {
            Some(kind) => kind == message.kind(),
            None => !message.kind().is_control(),
        };
        if !of_kind {
            return Found::No;
        }
        let of_text = wanted.text.is_some() || wanted.contains.is_some() || wanted.regex.is_some();
        let looks = of_text
            || wanted.json.is_some()
            || wanted.jsonpath.is_some()
            || wanted.binary.is_some();
        if !looks {
            return Found::Yes;
        }
        if message.is_long() {
            return Found::No;
        }
        if let Some(binary) = &wanted.binary
            && binary != message.payload()
        {
            return Found::No;
        }
        if of_text && !message.text().is_some_and(|text| self.text_holds(text)) {
            return Found::No;
        }
        if wanted.json.is_some() {
            let both = self.json.as_ref().zip(message.document());
            if !both.is_some_and(|(wanted, found)| contains(wanted.root(), found.root())) {
                return Found::No;
            }
        }
        self.path_holds(message)
    }

    fn text_holds(&self, text: &str) -> bool {
        let wanted = &self.wanted;
        wanted.text.as_ref().is_none_or(|wanted| wanted == text)
            && wanted
                .contains
                .as_ref()
                .is_none_or(|part| text.contains(part.as_str()))
            && wanted
                .regex
                .as_ref()
                .is_none_or(|regex| regex.regex().is_match(text))
    }

    fn path_holds(&self, message: &Message) -> Found {
        let Some(path) = &self.wanted.jsonpath else {
            return Found::Yes;
        };
        let Some(document) = message.document() else {
            return Found::No;
        };
        if self.effort.steps(document) > MAX_JSONPATH_STEPS {
            return Found::TooMuch;
        }
        match message.value() {
            Some(value) if !path.path().query(value).is_empty() => Found::Yes,
            Some(_) => Found::No,
            None => Found::TooMuch,
        }
    }
}

impl Effort {
    /// Estimates the cost from the pattern's text, strings left out: each `$` but the first goes
    /// through the whole message again; each `..`, `*` and filter goes through everything within a
    /// value.
    fn of(path: &str) -> Self {
        let (mut roots, mut within) = (0, 0_u32);
        let (mut quote, mut escaped, mut before) = (None, false, ' ');
        for c in path.chars() {
            match (quote, c) {
                _ if escaped => escaped = false,
                (Some(_), '\\') => escaped = true,
                (Some(open), _) if open == c => quote = None,
                (None, '"' | '\'') => quote = Some(c),
                (None, '$') => roots += 1,
                (None, '.') if before == '.' => within += 1,
                (None, '?' | '*') => within += 1,
                _ => {}
            }
            before = c;
        }
        Self {
            values: roots,
            // The first goes through values that are already counted.
            depths: within.saturating_sub(1),
        }
    }

    fn steps(self, document: &Document) -> usize {
        let values = document.values().saturating_pow(self.values);
        values.saturating_mul(document.depth().max(1).saturating_pow(self.depths))
    }
}

/// Whether `found` contains `wanted`: objects by their members, arrays whole, numbers as exact
/// decimals. Keeps a list of pairs instead of recursing, because a tape's JSON may be nested very
/// deep.
pub(super) fn contains(wanted: Value<'_>, found: Value<'_>) -> bool {
    let mut pairs = vec![(wanted, found, false)];
    while let Some((wanted, found, whole)) = pairs.pop() {
        if wanted.kind() != found.kind() {
            return false;
        }
        let same = match wanted.kind() {
            Kind::Object => members(wanted, found, whole, &mut pairs),
            Kind::Array => {
                let (mut left, mut right) = (wanted.children(), found.children());
                loop {
                    match (left.next(), right.next()) {
                        (Some(wanted), Some(found)) => pairs.push((wanted, found, true)),
                        (None, None) => break true,
                        _ => break false,
                    }
                }
            }
            Kind::String => wanted.string() == found.string(),
            Kind::Number => Decimal::of(wanted.raw()) == Decimal::of(found.raw()),
            Kind::Bool | Kind::Null => wanted.raw() == found.raw(),
        };
        if !same {
            return false;
        }
    }
    true
}

/// Pairs the members of two objects; `false` if one is missing or, with `whole`, if there is one
/// too many.
fn members<'w, 'f>(
    wanted: Value<'w>,
    found: Value<'f>,
    whole: bool,
    pairs: &mut Vec<(Value<'w>, Value<'f>, bool)>,
) -> bool {
    let few = found.children().nth(FEW_MEMBERS).is_none();
    if few && !whole {
        return wanted.children().all(|member| {
            let key = member.key();
            // If a key comes twice the last one counts, on both sides.
            let (Some(last), Some(other)) = (wanted.member(&key), found.member(&key)) else {
                return false;
            };
            pairs.push((last, other, false));
            true
        });
    }
    let table = |value: Value<'f>| -> HashMap<_, _> {
        value
            .children()
            .map(|member| (member.key(), member))
            .collect()
    };
    let others = table(found);
    let own: HashMap<_, _> = wanted
        .children()
        .map(|member| (member.key(), member))
        .collect();
    if whole && own.len() != others.len() {
        return false;
    }
    own.into_iter()
        .all(|(key, member)| match others.get(&*key) {
            Some(other) => {
                pairs.push((member, *other, whole));
                true
            }
            None => false,
        })
}
