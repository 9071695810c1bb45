//! Redacts secrets in the heads of HTTP messages.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::login::is_secret_parameter;
use super::names::is_token_like;
use super::registry::SecretRegistry;
use super::shapes;
use super::url;

/// Headers with secret values, besides those that have a word for a secret in their name
/// (`login::is_secret_parameter`): `authorization`, `proxy-authorization`, `cookie`, `set-cookie`,
/// `x-api-key`, `x-auth-token` and the like.
const SECRET_HEADERS: [&str; 12] = [
    "apikey",
    "cb-access-key",
    "cb-access-passphrase",
    "cf-access-client-id",
    "dpop",
    "ok-access-passphrase",
    "private-key",
    "x-amz-security-token",
    "x-key",
    "x-mbx-apikey",
    "x-pass",
    "x-user-key",
];

/// Headers with such a word in their name, but without a secret value.
const OPEN_HEADERS: [&str; 5] = [
    "proxy-authenticate",
    "sec-websocket-accept",
    "sec-websocket-key",
    "www-authenticate",
    "access-control-allow-credentials",
];

/// Words of an offered subprotocol that a token follows: browsers can't send one in any other
/// header.
const TOKEN_FOLLOWS: [&str; 6] = [
    "access_token",
    "auth",
    "authorization",
    "bearer",
    "jwt",
    "token",
];

/// How a subprotocol that is a token begins in Kubernetes.
const TOKEN_SUBPROTOCOL: &str = "base64url.bearer.authorization.";

/// The shortest offered subprotocol that may be a token, in bytes.
const MIN_SUBPROTOCOL_TOKEN_BYTES: usize = 24;

/// The shortest token after a secret's name and a dot, in bytes: a shorter text is a version, as in
/// `auth.v2`.
const MIN_NAMED_TOKEN_BYTES: usize = 6;

/// The shortest value in a cookie that is remembered if it looks like a token, in bytes.
const MIN_COOKIE_TOKEN_BYTES: usize = 12;

/// Redacts headers, including those named in `more`. Returns whether there was anything to redact.
pub(super) fn headers(
    headers: &mut [(String, String)],
    more: &[String],
    secrets: &mut SecretRegistry,
) -> bool {
    let mut changed = false;
    for (name, value) in headers {
        if let Some(clean) = header(name, value, more, secrets) {
            changed |= clean != *value;
            *value = clean;
        }
    }
    changed
}

/// Redacts a header's value; `None` if it has no secrets.
fn header(
    name: &str,
    value: &str,
    more: &[String],
    secrets: &mut SecretRegistry,
) -> Option<String> {
    // An empty value removes a header, and is not a secret.
    if value.is_empty() {
        return None;
    }
    let name = name.to_ascii_lowercase();
    let said = |names: &[&str]| names.contains(&name.as_str());
    let ruled = more.iter().any(|rule| rule.eq_ignore_ascii_case(&name));
    if ruled || said(&SECRET_HEADERS) || is_secret_parameter(&name, value) && !said(&OPEN_HEADERS) {
        return Some(secret(&name, value, secrets));
    }
    if name == "sec-websocket-protocol" {
        return subprotocols(value, secrets);
    }
    let whole = value.starts_with(['/', '?']);
    let clean = if whole {
        url::target(value, secrets)
    } else {
        url::in_text(value, secrets)
    };
    let shaped = shapes::redact(clean.as_deref().unwrap_or(value), secrets);
    shaped.or(clean)
}

/// Replaces a header's value by a placeholder. The scheme before a credential stays.
fn secret(name: &str, value: &str, secrets: &mut SecretRegistry) -> String {
    let what = format!("the value of the header {name}");
    let (scheme, credential) = match value.split_once(' ') {
        Some((scheme, credential)) if is_scheme(scheme) => (Some(scheme), credential.trim_start()),
        _ => (None, value),
    };
    if scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic"))
        && let Ok(pair) = STANDARD.decode(credential)
    {
        // A user and a password, separated by a colon (RFC 7617).
        secrets.remember(&pair, &what);
        if let Some(colon) = pair.iter().position(|b| *b == b':') {
            secrets.remember(&pair[colon + 1..], &what);
        }
    }
    if name.contains("cookie") {
        let values = value.split(';').filter_map(|pair| pair.split_once('='));
        for (_, value) in values {
            let value = value.trim().trim_matches('"');
            if is_token_like(value, MIN_COOKIE_TOKEN_BYTES) {
                secrets.remember(value.as_bytes(), &what);
            }
        }
    }
    let placeholder = secrets.text(credential.as_bytes(), &what);
    match scheme {
        Some(scheme) => format!("{scheme} {placeholder}"),
        None => placeholder,
    }
}

/// Whether a word is an authentication scheme: those of the IANA registry that clients use, and
/// some more that are common.
fn is_scheme(word: &str) -> bool {
    const SCHEMES: [&str; 9] = [
        "apikey",
        "basic",
        "bearer",
        "digest",
        "dpop",
        "negotiate",
        "ntlm",
        "token",
        "hmac",
    ];
    SCHEMES
        .iter()
        .any(|scheme| scheme.eq_ignore_ascii_case(word))
}

/// Redacts the tokens among offered or chosen subprotocols.
fn subprotocols(value: &str, secrets: &mut SecretRegistry) -> Option<String> {
    let mut follows = false;
    let mut changed = false;
    let mut clean = Vec::new();
    for item in value.split(',') {
        let name = item.trim();
        // The token may follow a secret's name and a dot: `openai-insecure-api-key.…`.
        let named = name.split_once('.');
        if let Some((before, value)) = named
            && value.len() >= MIN_NAMED_TOKEN_BYTES
            && is_secret_parameter(before, value)
            && !name.starts_with(TOKEN_SUBPROTOCOL)
        {
            let placeholder = secrets.text(value.as_bytes(), "a token among subprotocols");
            changed |= placeholder != value;
            clean.push(item.replace(value, &placeholder));
            follows = false;
            continue;
        }
        let secret = follows
            || name.starts_with(TOKEN_SUBPROTOCOL)
            || is_token_like(name, MIN_SUBPROTOCOL_TOKEN_BYTES);
        follows = TOKEN_FOLLOWS
            .iter()
            .any(|word| word.eq_ignore_ascii_case(name));
        if secret && !name.is_empty() && !follows {
            let placeholder = secrets.text(name.as_bytes(), "a token among subprotocols");
            changed |= placeholder != name;
            clean.push(item.replace(name, &placeholder));
        } else {
            clean.push(item.to_owned());
        }
    }
    changed.then(|| clean.join(","))
}

/// Redacts the headers in the head of an HTTP message, or in anything else that has such lines;
/// `None` if they have no secrets.
pub(super) fn head(text: &str, more: &[String], secrets: &mut SecretRegistry) -> Option<String> {
    let mut changed = false;
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\r', '\n']);
        let clean = match bare.split_once(':') {
            Some((name, value)) if is_header_name(name) => {
                let value = value.trim();
                header(name, value, more, secrets).map(|clean| format!("{name}: {clean}"))
            }
            _ => request_line(bare, secrets),
        };
        changed |= clean.as_ref().is_some_and(|clean| clean != bare);
        out.push_str(clean.as_deref().unwrap_or(bare));
        out.push_str(&line[bare.len()..]);
    }
    changed.then_some(out)
}

/// Redacts a request line, such as `GET /ws?token=… HTTP/1.1`.
fn request_line(line: &str, secrets: &mut SecretRegistry) -> Option<String> {
    let mut parts = line.split(' ');
    let (method, target, version) = (parts.next()?, parts.next()?, parts.next()?);
    let is_request = version.starts_with("HTTP/") && target.starts_with('/');
    let clean = is_request.then(|| url::target(target, secrets))??;
    Some(format!("{method} {clean} {version}"))
}

/// Whether a name is a token of HTTP (RFC 9110, 5.6.2).
fn is_header_name(name: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !name.is_empty() && name.bytes().all(token)
}

#[cfg(test)]
mod tests {
    use super::super::placeholder::starred;
    use super::*;

    fn clean(name: &str, value: &str) -> String {
        let mut secrets = SecretRegistry::new(&[1; 32]);
        let mut all = [(name.to_owned(), value.to_owned())];
        headers(&mut all, &["x-desk".to_owned()], &mut secrets);
        let [(_, value)] = all;
        starred(&value)
    }

    #[test]
    fn secret_headers_keep_their_scheme_and_nothing_else() {
        for (name, value, expected) in [
            ("Authorization", "Bearer abc", "Bearer *"),
            ("proxy-authorization", "Basic YWRhOnB3", "Basic *"),
            ("authorization", "abc def", "*"),
            ("Cookie", "a=1; b=2", "*"),
            ("Set-Cookie", "a=1; HttpOnly", "*"),
            ("X-Api-Key", "k", "*"),
            ("x-auth-token", "k", "*"),
            ("apikey", "k", "*"),
            ("OK-ACCESS-SIGN", "k", "*"),
            ("CST", "k", "*"),
            ("pass", "k", "*"),
            ("X-Desk", "london", "*"),
        ] {
            assert_eq!(clean(name, value), expected, "{name}");
        }
    }

    #[test]
    fn other_headers_stay_but_for_urls_tokens_and_well_known_secrets() {
        for (name, value, expected) in [
            ("retry-after", "2", "2"),
            (
                "sec-websocket-key",
                "dGhlIHNhbXBsZSBub25jZQ==",
                "dGhlIHNhbXBsZSBub25jZQ==",
            ),
            (
                "www-authenticate",
                "Bearer realm=\"x\"",
                "Bearer realm=\"x\"",
            ),
            ("access-control-allow-credentials", "true", "true"),
            ("set-cookie", "", ""),
            ("location", "wss://a:b@h/x?y=1", "wss://*@h/x?y=1"),
            ("location", "/login?token=abc", "/login?token=*"),
            ("sec-websocket-protocol", "chat", "chat"),
            ("sec-websocket-protocol", "auth.v2", "auth.v2"),
            (
                "sec-websocket-protocol",
                "realtime, openai-insecure-api-key.abcdef, v1",
                "realtime, openai-insecure-api-key.*, v1",
            ),
            ("x-token-type", "spot", "spot"),
            ("sec-websocket-protocol", "bearer, abc", "bearer, *"),
            (
                "sec-websocket-protocol",
                "v1, 4f8Kz01mQ7xW2nB5vC9dTx7Q",
                "v1, *",
            ),
            (
                "x-note",
                concat!("key AK", "IAIOSFODNN7EXAMPLE here"),
                "key * here",
            ),
        ] {
            assert_eq!(clean(name, value), expected, "{name}: {value}");
        }
    }

    #[test]
    fn a_head_is_cleaned_line_by_line() {
        let mut secrets = SecretRegistry::new(&[1; 32]);
        let text = "GET /ws?token=abc HTTP/1.1\r\nHost: h\r\nCookie: a=1\r\n\r\n{\"a\":1}";
        let (token, cookie) = (secrets.text(b"abc", ""), secrets.text(b"a=1", ""));
        assert_eq!(
            head(text, &[], &mut secrets).unwrap(),
            format!(
                "GET /ws?token={token} HTTP/1.1\r\nHost: h\r\nCookie: {cookie}\r\n\r\n{{\"a\":1}}"
            )
        );
        assert_eq!(head("SSH-2.0\r\nx: y\r\n", &[], &mut secrets), None);
    }

    #[test]
    fn what_a_basic_credential_and_a_cookie_hold_is_known_too() {
        let mut secrets = SecretRegistry::new(&[1; 32]);
        let mut all = [
            (
                "authorization".to_owned(),
                format!("Basic {}", STANDARD.encode("ada:correct-horse")),
            ),
            (
                "cookie".to_owned(),
                "theme=darkmode; sid=4f8Kz01mQ7xW2n".to_owned(),
            ),
        ];
        headers(&mut all, &[], &mut secrets);
        for leak in ["the correct-horse", "id 4f8Kz01mQ7xW2n."] {
            assert!(secrets.known.find(leak.as_bytes()).is_some(), "{leak}");
        }
        assert!(secrets.known.find(b"theme darkmode").is_none());
    }
}
