//! Redacts the pairs of a form: `op=login&user=…&sign=…`.

use super::escape::percent_decode;
use super::login::{
    LOGIN, is_bare_token, is_credential, is_login, is_purpose, is_secret_member, is_short_password,
    is_short_user, is_user,
};
use super::open_value::Value;
use super::registry::SecretRegistry;

/// Whether a text is a form: it has a name, an equals sign, and no white space.
pub(super) fn is_one(text: &str) -> bool {
    let of_a_name = |b: u8| b.is_ascii_alphanumeric() || b"-_.%[]".contains(&b);
    let named = text
        .split_once('=')
        .is_some_and(|(name, _)| !name.is_empty() && name.bytes().all(of_a_name));
    named && !text.contains(char::is_whitespace) && !text.contains('"')
}

/// Redacts the values of secret names, or all values if one of the pairs says that it is a login.
pub(super) fn redact(text: &str, secrets: &mut SecretRegistry) -> Option<String> {
    let pairs = || {
        text.split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    };
    let login = pairs().any(|(name, value)| is_purpose(name) && is_login(&decoded(value)));
    let credentials = pairs().any(|(name, _)| is_credential(name));
    let short = pairs().any(|(name, _)| is_short_user(name))
        && pairs().any(|(name, value)| is_short_password(name, &decoded(value)));
    let clean: Vec<String> = text
        .split('&')
        .map(|pair| {
            let Some((name, value)) = pair.split_once('=').filter(|(_, v)| !v.is_empty()) else {
                return pair.to_owned();
            };
            let said = decoded(value);
            let kept = is_purpose(name) && !is_bare_token(&said);
            let user = credentials && is_user(name)
                || short && (is_short_user(name) || is_short_password(name, &said));
            let secret = user
                || is_secret_member(&decoded(name), Value::Text(&said))
                || is_bare_token(&said);
            if secret || login && !kept {
                return format!("{name}={}", secrets.text(said.as_bytes(), LOGIN));
            }
            pair.to_owned()
        })
        .collect();
    let clean = clean.join("&");
    (clean != text).then_some(clean)
}

pub(super) fn decoded(text: &str) -> String {
    String::from_utf8_lossy(&percent_decode(text.as_bytes())).into_owned()
}
