//! Recognizes names that mark a value as a secret, and values that look like a token.

/// Words in a name that mark its value as a secret.
const SECRET_WORDS: [&str; 35] = [
    "accesskey",
    "apikey",
    "auth",
    "authentication",
    "authkey",
    "authorization",
    "bearer",
    "cookie",
    "cookie2",
    "credential",
    "credentials",
    "csrf",
    "hmac",
    "jwt",
    "listenkey",
    "otp",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "pwd",
    "secret",
    "secretkey",
    "session",
    "sessionid",
    "sid",
    "sig",
    "sign",
    "signature",
    "ticket",
    "token",
    "tokens",
    "totp",
    "xsrf",
    "passcode",
];

/// Words that do so if `key` follows them.
const KEY_WORDS: [&str; 10] = [
    "access",
    "api",
    "auth",
    "client",
    "function",
    "functions",
    "listen",
    "private",
    "secret",
    "subscription",
];

/// Whether the name of a header or of a parameter in a query marks its value as a secret: `token`,
/// `X-Api-Key`, `clientSecret`, or just `key`.
pub(super) fn is_secret_name(name: &str) -> bool {
    say_secret(&words(name))
}

/// Like [`is_secret_name`], for a name that is already split into words.
pub(super) fn say_secret(words: &[String]) -> bool {
    let secret = |word: &String| SECRET_WORDS.contains(&word.as_str());
    let key = |pair: &[String]| pair[1] == "key" && KEY_WORDS.contains(&pair[0].as_str());
    words.iter().any(secret) || words.windows(2).any(key) || *words == ["key"]
}

/// A name's words in lower case, split at punctuation and where a capital follows a lowercase
/// letter.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut small = false;
    for c in name.chars() {
        let divides = !c.is_alphanumeric() || small && c.is_uppercase();
        small = c.is_lowercase() || c.is_ascii_digit();
        if divides {
            words.push(String::new());
        }
        if c.is_alphanumeric() {
            words
                .last_mut()
                .expect("it is never empty")
                .extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A name in lower case and without punctuation.
pub(super) fn plain(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether a text looks like a token: long, with only a token's characters, and with both letters
/// and digits.
pub(super) fn is_token_like(text: &str, min_bytes: usize) -> bool {
    let of_a_token = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    let many = |of: fn(&u8) -> bool| text.as_bytes().iter().filter(|b| of(b)).count() >= 2;
    text.len() >= min_bytes
        && text.bytes().all(of_a_token)
        && many(u8::is_ascii_digit)
        && many(u8::is_ascii_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_secret_by_its_words() {
        for name in [
            "token",
            "access_token",
            "X-Api-Key",
            "clientSecret",
            "key",
            "apiKey",
            "X-Amz-Signature",
            "PHPSESSION-session",
            "OK-ACCESS-KEY",
            "auth",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "tokenizer",
            "author",
            "keyboard",
            "monkey",
            "symbol",
            "sec-websocket-key",
            "design",
            "side",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}
