//! Redacts logins in XML: attributes and elements with the name of a secret, and the content of
//! SASL's elements.

use super::login::{LOGIN, is_secret_member};
use super::open_value::Value;
use super::registry::SecretRegistry;

/// Elements that log in (RFC 6120, 6.4; XEP-0388).
const LOGINS: [&str; 4] = ["auth", "authenticate", "initial-response", "response"];

/// The beginnings of namespaces for other logins (XEP-0078): all texts in them are part of the
/// login.
const LOGIN_NAMESPACES: [&str; 2] = ["jabber:iq:auth", "jabber:iq:register"];

/// Redacts what a text of XML logs in with; `None` if it holds nothing of the kind.
pub(super) fn redact(text: &str, secrets: &mut SecretRegistry) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let login = LOGIN_NAMESPACES.iter().any(|space| text.contains(space));
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        let end = rest[at..].find('>').map_or(rest.len(), |end| at + end + 1);
        let tag = &rest[at..end];
        rest = &rest[end..];
        attributes(tag, secrets, &mut out);
        let name = tag.trim_start_matches('<');
        let name = name.split(|c: char| !is_of_a_name(c)).next();
        let name = name.unwrap_or_default();
        let content = &rest[..rest.find('<').unwrap_or(rest.len())];
        let value = content.trim();
        let secret = login || LOGINS.contains(&name) || is_secret_member(name, Value::Text(value));
        if secret && !value.is_empty() && !tag.ends_with("/>") {
            out.push_str(&secrets.text(value.as_bytes(), LOGIN));
            rest = &rest[content.len()..];
        }
    }
    out.push_str(rest);
    (out != text).then_some(out)
}

/// Writes a tag with the values of its secret attributes redacted.
fn attributes(tag: &str, secrets: &mut SecretRegistry, out: &mut String) {
    let mut rest = tag;
    while let Some(at) = rest.find(['"', '\'']) {
        let quote = &rest[at..=at];
        let value = &rest[at + 1..];
        let Some(end) = value.find(quote) else {
            break;
        };
        let before = &rest[..at];
        let name = before.trim_end().strip_suffix('=').unwrap_or_default();
        let name = name.trim_end().rsplit(|c: char| !is_of_a_name(c)).next();
        out.push_str(before);
        out.push_str(quote);
        if end > 0 && name.is_some_and(|name| is_secret_member(name, Value::Text(&value[..end]))) {
            out.push_str(&secrets.text(&value.as_bytes()[..end], LOGIN));
        } else {
            out.push_str(&value[..end]);
        }
        out.push_str(quote);
        rest = &value[end + 1..];
    }
    out.push_str(rest);
}

fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.:".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_and_attributes_lose_what_their_names_say_is_secret() {
        let mut secrets = SecretRegistry::new(&[1; 32]);
        let a = secrets.text(b"pw", LOGIN);
        for (text, clean) in [
            (
                "<login><user>ada</user><password>pw</password></login>",
                format!("<login><user>ada</user><password>{a}</password></login>"),
            ),
            (
                "<hello user='ada' password='pw' token=\"pw\"/>x",
                format!("<hello user='ada' password='{a}' token=\"{a}\"/>x"),
            ),
            (
                "<auth xmlns='urn:x' mechanism='PLAIN'>pw</auth>",
                format!("<auth xmlns='urn:x' mechanism='PLAIN'>{a}</auth>"),
            ),
        ] {
            assert_eq!(redact(text, &mut secrets).unwrap(), clean);
            assert_eq!(redact(&clean, &mut secrets), None, "{clean}");
        }
        for text in [
            "<presence/>",
            "<a b='c'>d</a",
            "<message to=\"a'b\">pass</message>",
        ] {
            assert_eq!(redact(text, &mut secrets), None, "{text}");
        }
    }
}
