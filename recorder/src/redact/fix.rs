//! FIX in a text, with a bar between its fields where it is shown.

use std::borrow::Cow;

use super::login::LOGIN;
use super::registry::SecretRegistry;

/// What FIX begins with, what divides its fields on the wire and where it is shown, and the tags of
/// what logs in: raw data, user name, password, a new one, and their encrypted forms.
pub(super) const BEGIN: &str = "8=FIX";
const DIVIDES: [char; 2] = ['\u{1}', '|'];
pub(super) const SECRETS: [&str; 6] = ["96", "553", "554", "925", "1402", "1404"];

/// Fields of FIX. The length and the checksum are left as they were.
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
