//! The tokens of a JSON Pointer (RFC 6901), and the keys that they stand for.

/// The key that a token of a JSON Pointer stands for.
///
/// An invalid escape (`~2`, or a `~` at the end) stays as it is: a caller that wants it to be an
/// error checks first.
///
/// ```
/// assert_eq!(wstape_tape::pointer_key("a~1b~01"), "a/b~1");
/// ```
#[must_use]
pub fn pointer_key(token: &str) -> String {
    // Replaces ~1 first: otherwise ~01 would become ~1, and then / (RFC 6901, 4).
    token.replace("~1", "/").replace("~0", "~")
}

/// The token that stands for a key in a JSON Pointer: the inverse of [`pointer_key`].
///
/// ```
/// assert_eq!(wstape_tape::pointer_token("a/b~1"), "a~1b~01");
/// ```
#[must_use]
pub fn pointer_token(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Whether a text is a token: each `~` of it begins an escape, and it has no `/`.
#[must_use]
pub fn is_pointer_token(token: &str) -> bool {
    let mut escapes = token.split('~').skip(1);
    !token.contains('/') && escapes.all(|after| after.starts_with(['0', '1']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_token_that_leads_back_to_it() {
        for key in ["", "a", "a/b", "m~n", "~1", "~01", "~", "//~~", "é"] {
            let token = pointer_token(key);
            assert!(is_pointer_token(&token), "{token}");
            assert_eq!(pointer_key(&token), key);
        }
        for token in ["~", "a~", "~2", "a/b"] {
            assert!(!is_pointer_token(token), "{token}");
        }
    }
}
