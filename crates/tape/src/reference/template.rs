//! A string, or JSON, with references in it.

use super::kind::{BadReference, Reference};

/// A text with references in it, taken apart once.
///
/// ```
/// use wstape_tape::{Part, Reference, Template};
/// let template = Template::json(r##"{"id":"${/id}","text":"#${count}"}"##)?;
/// assert_eq!(template.parts()[1], Part::Whole(Reference::Pointer(vec!["id".into()])));
/// assert_eq!(template.parts()[3], Part::Inside(Reference::Count));
/// assert!(Template::text("$${now} costs 5$")?.references().next().is_none());
/// assert!(Template::text("${never").is_err());
/// # Ok::<(), wstape_tape::BadReference>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
    json: bool,
}

/// A part of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text as it stands.
    Literal(String),
    /// A string that is nothing but a reference, with its quotes if it is in JSON: it takes the
    /// value as it is.
    Whole(Reference),
    /// A reference inside a longer string: it becomes text.
    Inside(Reference),
}

/// A piece of a string.
enum Piece {
    Text(String),
    Reference(Reference),
}

impl Template {
    /// Takes a string apart at its references.
    ///
    /// # Errors
    /// If one of them is invalid.
    pub fn text(text: &str) -> Result<Self, BadReference> {
        let mut parts = Vec::new();
        push_string(&mut parts, pieces(text, false)?, "");
        Ok(Self { parts, json: false })
    }

    /// Takes JSON text apart at the references in its strings, but not in its keys. Everything else
    /// stays byte for byte.
    ///
    /// # Errors
    /// If one of them is invalid.
    pub fn json(json: &str) -> Result<Self, BadReference> {
        let mut parts = Vec::new();
        let mut done = 0;
        for (start, end) in value_strings(json) {
            let content = &json[start + 1..end - 1];
            if !content.contains("${") {
                continue;
            }
            push_text(&mut parts, &json[done..start]);
            let pieces = pieces(content, true).map_err(|mut bad| {
                bad.at += start + 1;
                bad
            })?;
            push_string(&mut parts, pieces, "\"");
            done = end;
        }
        push_text(&mut parts, &json[done..]);
        Ok(Self { parts, json: true })
    }

    /// Its parts in their order; literals never touch.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Whether it is JSON, so that what replaces a reference must be JSON too.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Its references, in their order.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.parts.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Whole(reference) | Part::Inside(reference) => Some(reference),
        })
    }
}

/// Adds a string's pieces; `quote` is what encloses it.
fn push_string(parts: &mut Vec<Part>, pieces: Vec<Piece>, quote: &str) {
    if let [Piece::Reference(_)] = &pieces[..] {
        parts.extend(pieces.into_iter().filter_map(|piece| match piece {
            Piece::Reference(reference) => Some(Part::Whole(reference)),
            Piece::Text(_) => None,
        }));
        return;
    }
    push_text(parts, quote);
    for piece in pieces {
        match piece {
            Piece::Text(text) => push_text(parts, &text),
            Piece::Reference(reference) => parts.push(Part::Inside(reference)),
        }
    }
    push_text(parts, quote);
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(Part::Literal(before)) => before.push_str(text),
        _ => parts.push(Part::Literal(text.to_owned())),
    }
}

/// Takes a string apart. If `escaped`, it is the inside of a JSON string, whose text stays as it
/// is.
fn pieces(text: &str, escaped: bool) -> Result<Vec<Piece>, BadReference> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        plain.push_str(&rest[..dollar]);
        let at = text.len() - rest.len() + dollar;
        rest = &rest[dollar..];
        if let Some(behind) = rest.strip_prefix("$${") {
            plain.push_str("${");
            rest = behind;
        } else if let Some(body) = rest.strip_prefix("${") {
            let bad = |len, message| BadReference { at, len, message };
            let Some(end) = body.find('}') else {
                let message = "a reference must end with \"}\"; for a literal ${ write $${";
                return Err(bad(rest.len(), message.to_owned()));
            };
            let whole = end + "${}".len();
            let reference = unescaped(&body[..end], escaped)
                .and_then(|body| Reference::parse(&body))
                .map_err(|message| bad(whole, message))?;
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(Piece::Reference(reference));
            rest = &rest[whole..];
        } else {
            plain.push('$');
            rest = &rest[1..];
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(pieces)
}

/// A reference's body, unescaped if it is in a JSON string.
fn unescaped(body: &str, escaped: bool) -> Result<String, String> {
    if !escaped || !body.contains('\\') {
        return Ok(body.to_owned());
    }
    serde_json::from_str(&format!("\"{body}\""))
        .map_err(|_| "an escape that is cut off inside a reference".to_owned())
}

/// The places of all strings of valid JSON text that are values rather than keys, including their
/// quotes.
pub(crate) fn value_strings(json: &str) -> impl Iterator<Item = (usize, usize)> {
    let bytes = json.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at + bytes.get(at..)?.iter().position(|b| *b == b'"')?;
            let mut end = start + 1;
            loop {
                match bytes.get(end)? {
                    b'"' => break,
                    b'\\' => end += 2,
                    _ => end += 1,
                }
            }
            at = end + 1;
            let behind = bytes[at..].iter().find(|b| !b.is_ascii_whitespace());
            if behind != Some(&b':') {
                return Some((start, at));
            }
        }
    })
}
