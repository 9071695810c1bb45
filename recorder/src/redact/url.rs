//! Redacts secrets in URLs and request targets: user info, and what looks like a token.

use super::assigned;
use super::escape::percent_decode;
use super::login::{is_code, is_drawn, is_secret_parameter, is_short_password, is_short_user};
use super::names::is_token_like;
use super::pieces;
use super::registry::SecretRegistry;

/// The shortest value in a query that is a token whatever its name, in bytes.
const MIN_QUERY_TOKEN_BYTES: usize = 20;

/// The shortest segment of a path that is a token, in bytes.
const MIN_PATH_TOKEN_BYTES: usize = 32;

/// What errors call these secrets.
const USER_INFO: &str = "the user info of a URL";
const QUERY: &str = "a token-like value of a URL's query";
const PATH: &str = "a token-like segment of a URL's path";

/// Redacts the secrets of all URLs in a text; `None` if there are none.
pub(super) fn in_text(text: &str, secrets: &mut SecretRegistry) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    let mut changed = false;
    while let Some(at) = rest.find("://") {
        let (before, url) = rest.split_at(at + 3);
        out.push_str(before);
        let ends = |c: char| c.is_whitespace() || c.is_control() || "\"'<>`\\{}|^".contains(c);
        let (url, behind) = url.split_at(url.find(ends).unwrap_or(url.len()));
        match after_scheme(url, secrets) {
            Some(clean) => {
                changed |= clean != url;
                out.push_str(&clean);
            }
            None => out.push_str(url),
        }
        rest = behind;
    }
    changed.then(|| out + rest)
}

/// Redacts what follows `://`.
fn after_scheme(url: &str, secrets: &mut SecretRegistry) -> Option<String> {
    let authority = url.find(['/', '?', '#']).unwrap_or(url.len());
    // An unescaped slash in a password makes the authority end early, which shows in an invalid
    // port.
    let port = url[..authority]
        .rsplit_once(':')
        .map_or("", |(_, port)| port);
    let torn = !port.ends_with(']') && port.bytes().any(|b| !b.is_ascii_digit());
    let until = if torn {
        url.find('?').unwrap_or(url.len())
    } else {
        authority
    };
    let (user_info, rest) = match url[..until].rfind('@') {
        Some(at) => (Some(&url[..at]), &url[at..]),
        None => (None, url),
    };
    let host = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let clean = target(&rest[host..], secrets);
    // Once redacted, the user info is one placeholder, which does not change again.
    let user_info = user_info.map(|user_info| {
        for part in [user_info]
            .into_iter()
            .chain(user_info.split_once(':').map(|(_, pw)| pw))
        {
            secrets.remember(&percent_decode(part.as_bytes()), USER_INFO);
        }
        secrets.text(user_info.as_bytes(), USER_INFO)
    });
    if user_info.is_none() && clean.is_none() {
        return None;
    }
    let clean = clean.unwrap_or_else(|| rest[host..].to_owned());
    Some(user_info.unwrap_or_default() + &rest[..host] + &clean)
}

/// Redacts a request target: path, query and fragment. `None` if it has no secrets.
pub(super) fn target(text: &str, secrets: &mut SecretRegistry) -> Option<String> {
    let path_end = text.find(['?', '#']).unwrap_or(text.len());
    let mut out = String::with_capacity(text.len());
    for (at, segment) in text[..path_end].split('/').enumerate() {
        if at > 0 {
            out.push('/');
        }
        match segment.split_once(';') {
            // Parameters of a path segment (RFC 3986, 3.3).
            Some((segment, parameters)) => {
                path_segment(segment, secrets, &mut out);
                out.push(';');
                query(parameters, secrets, &mut out);
            }
            None => path_segment(segment, secrets, &mut out),
        }
    }
    let mut rest = &text[path_end..];
    while !rest.is_empty() {
        // A fragment is read like a query, because OAuth passes tokens in it.
        out.push_str(&rest[..1]);
        let end = rest[1..].find(['?', '#']).map_or(rest.len(), |at| at + 1);
        query(&rest[1..end], secrets, &mut out);
        rest = &rest[end..];
    }
    (out != text).then_some(out)
}

fn path_segment(segment: &str, secrets: &mut SecretRegistry, out: &mut String) {
    if is_token_like(&decoded(segment), MIN_PATH_TOKEN_BYTES) {
        out.push_str(&secrets.text(decoded(segment).as_bytes(), PATH));
    } else {
        out.push_str(segment);
    }
}

fn query(text: &str, secrets: &mut SecretRegistry, out: &mut String) {
    let named = || {
        text.split(['&', ';'])
            .filter_map(|item| item.split_once('='))
    };
    let short = named().any(|(name, _)| is_short_user(name))
        && named().any(|(name, value)| is_short_password(name, &decoded(value)));
    for item in text.split_inclusive(['&', ';']) {
        let (item, end) = match item.strip_suffix(['&', ';']) {
            Some(bare) => item.split_at(bare.len()),
            None => (item, ""),
        };
        let (name, value) = match item.split_once('=') {
            Some((name, value)) => (Some(name), value),
            None => (None, item),
        };
        let value = decoded(value);
        let of_short =
            |name: &str| short && (is_short_user(name) || is_short_password(name, &value));
        // A code in a link from an email or OAuth is a secret, but a stock's number is called a
        // code too.
        let code = |name: &str| is_code(name) && is_drawn(&value);
        let named = |name: &str| {
            is_secret_parameter(&decoded(name), &value) || of_short(name) || code(name)
        };
        let secret = name.is_some_and(named)
            || is_token_like(&value, MIN_QUERY_TOKEN_BYTES)
            || pieces::stand_in(&value)
            || value.starts_with(['{', '[']) && assigned::gives(&value);
        if secret && !value.is_empty() {
            if let Some(name) = name {
                out.push_str(name);
                out.push('=');
            }
            out.push_str(&secrets.text(value.as_bytes(), QUERY));
        } else {
            out.push_str(item);
        }
        out.push_str(end);
    }
}

fn decoded(text: &str) -> String {
    String::from_utf8_lossy(&percent_decode(text.as_bytes())).into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::placeholder::starred;
    use super::*;

    #[test]
    fn urls_lose_user_info_and_what_is_like_a_token_and_nothing_else() {
        for (text, clean) in [
            ("ws://h/ws", "ws://h/ws"),
            ("wss://ada:pw@h:1/ws?x=1", "wss://*@h:1/ws?x=1"),
            ("wss://ada@h", "wss://*@h"),
            ("wss://a:p/w@h/ws", "wss://*@h/ws"),
            ("http://h/@ada", "http://h/@ada"),
            ("http://[::1]:80/@a", "http://[::1]:80/@a"),
            (
                "see ws://h/?token=a&b=2, then",
                "see ws://h/?token=*&b=2, then",
            ),
            (
                "ws://h/?b=2;ApiKey=a%26b#access_token=z",
                "ws://h/?b=2;ApiKey=*#access_token=*",
            ),
            (
                "ws://h/?appkey=a&pass=b&cst=c",
                "ws://h/?appkey=*&pass=*&cst=*",
            ),
            (
                "ws://h/?token=USDT&token_type=spot&session=a",
                "ws://h/?token=USDT&token_type=spot&session=*",
            ),
            ("ws://h/?u=ada&p=pw1x&v=2", "ws://h/?u=*&p=*&v=2"),
            ("ws://h/?u=ada&p=2", "ws://h/?u=ada&p=2"),
            ("ws://h/?code=kQ7xW2nB5vC9dTx7&a=1", "ws://h/?code=*&a=1"),
            ("ws://h/?code=600519&a=1", "ws://h/?code=600519&a=1"),
            (
                "ws://h/?a=%7B%22token%22%3A%22pw1%22%7D&b=1",
                "ws://h/?a=*&b=1",
            ),
            (
                "ws://h/?a=%7B%22token%22%3A%22USDT%22%7D",
                "ws://h/?a=%7B%22token%22%3A%22USDT%22%7D",
            ),
            (
                "ws://h/?port=1&k=PVE%3A67A1%3A%3Aq7xW2nB5vC9dTx7Q4f8Kz01mQ7xW2nB5vC9dTx7Q4f8%3D",
                "ws://h/?port=1&k=*",
            ),
            ("ws://h?t=4f8Kz01mQ7xW2nB5vC9d", "ws://h?t=*"),
            ("ws://h?4f8Kz01mQ7xW2nB5vC9d", "ws://h?*"),
            (
                "ws://h/ws/pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sdf19v8a65a1?x",
                "ws://h/ws/*?x",
            ),
            ("a ws://u:p@h b ws://v@k", "a ws://*@h b ws://*@k"),
            ("no url ?token=1", "no url ?token=1"),
        ] {
            let mut secrets = SecretRegistry::new(&[1; 32]);
            let found = in_text(text, &mut secrets);
            let found = found.as_deref().unwrap_or(text);
            assert_eq!(starred(found), clean, "{text}");
            // Redacting it again changes nothing.
            assert_eq!(in_text(found, &mut secrets), None, "{found}");
        }
    }
}
