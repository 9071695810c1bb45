//! Redacts FIX in a text, where fields may be separated by vertical bars.

use std::borrow::Cow;

use super::login::LOGIN;
use super::registry::SecretRegistry;

/// The beginning of a FIX message, the separators of its fields on the wire and in print, and the
/// tags of login fields: raw data, user name, password, new password, and their encrypted forms.
pub(super) const BEGIN: &str = "8=FIX";
const DIVIDES: [char; 2] = ['\u{1}', '|'];
pub(super) const SECRETS: [&str; 6] = ["96", "553", "554", "925", "1402", "1404"];

/// Redacts the fields of a FIX message. Its length and checksum stay as they were.
pub(super) fn redact(text: &str, secrets: &mut SecretRegistry) -> Option<String> {
    let fields = text.split_inclusive(DIVIDES).map(|whole| {
        let field = whole.trim_end_matches(DIVIDES);
        match field.split_once('=') {
            Some((tag, value)) if SECRETS.contains(&tag) && !value.is_empty() => {
                let value = secrets.text(value.as_bytes(), LOGIN);
                Cow::Owned(format!("{tag}={value}{}", &whole[field.len()..]))
            }
            _ => Cow::Borrowed(whole),
        }
    });
    let clean: String = fields.collect();
    (clean != text).then_some(clean)
}
