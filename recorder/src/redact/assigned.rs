//! Redacts secrets that are given by name in a text that is neither JSON nor a form: a shell line,
//! a connection string, SQL, GraphQL, protobuf text, source code.
//!
//! | how | as in |
//! | --- | --- |
//! | an equals sign between name and value | `host=h password=…`, `--token=…`, `os.environ['API_KEY']='…'` |
//! | a colon before a quoted value | `password: "…"`, `login(token: "…")` |
//! | a quoted header | `-H 'X-Api-Key: …'` |
//! | a space after an option | `--password …`, curl's `-u ada:…` |
//! | a space between a word for a password and a quoted value | `IDENTIFIED BY '…'`, `:password "…"` |

use std::ops::Range;

use super::login::{LOGIN, is_password, is_secret_member};
use super::open_value::Value;
use super::places::replaced;
use super::registry::SecretRegistry;

/// The longest name of a secret, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// What ends an unquoted value, besides white space.
const ENDS: &[u8] = b";,&\"'`<>(){}[]|\\";

/// Options with a user and a password as their value, separated by a colon.
const USER_OPTIONS: [&str; 3] = ["u", "user", "proxy-user"];

/// Whether a text gives a secret by name; members of JSON count too.
pub(super) fn gives(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let length = bytes[at..].iter().take_while(|b| of_a_name(**b)).count();
        if length > 0 && value_of(text, &(at..at + length), b"'\"]").is_some() {
            return true;
        }
        at += length + 1;
    }
    false
}

/// Redacts such secrets in a text; `None` if it holds none.
pub(super) fn redact(text: &str, secrets: &mut SecretRegistry) -> Option<String> {
    let bytes = text.as_bytes();
    let is_option = || text.starts_with('-') || text.contains(" -");
    if memchr::memchr3(b'=', b'\'', b'"', bytes).is_none() && !is_option() {
        return None;
    }
    replaced(text, places(text), LOGIN, secrets)
}

/// The positions of such secrets.
fn places(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut places = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !of_a_name(bytes[at]) {
            at += 1;
            continue;
        }
        let length = bytes[at..].iter().take_while(|b| of_a_name(**b)).count();
        let name = at..at + length;
        at = name.end;
        // A quoted JSON name's value is read as JSON elsewhere.
        let Some(value) = value_of(text, &name, b"']") else {
            continue;
        };
        at = value.end;
        places.push(value);
    }
    places
}

fn of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)
}

/// The position of the secret that a name gives, if it does. `closers` may follow the name.
fn value_of(text: &str, whole: &Range<usize>, closers: &[u8]) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let name = text[whole.clone()].trim_start_matches('-');
    let is_option = whole.len() > name.len();
    let rest = &bytes[whole.end..];
    if name.is_empty() || name.len() > MAX_NAME_BYTES {
        return None;
    }
    let secret = |value: Range<usize>| {
        let said = &text[value.clone()];
        let is_secret = !said.is_empty() && is_secret_member(name, Value::Text(said));
        is_secret.then_some(value)
    };
    if is_option && rest.first() == Some(&b' ') {
        let value = bare(bytes, whole.end + 1);
        if USER_OPTIONS.contains(&name) {
            return Some(value).filter(|value| has_password(&text[value.clone()]));
        }
        return secret(value);
    }
    // A name may also be in quotes or brackets.
    let closed = rest.iter().take_while(|b| closers.contains(b)).count();
    let before_quotes = whole.end + closed;
    let blanks = blanks(bytes, before_quotes);
    let quoted = |at: usize| quoted(bytes, at);
    match &bytes[before_quotes + blanks..] {
        [b'=', b'=', ..] => None,
        [b'=' | b':', b'>' | b'=', ..] => {
            secret(quoted(behind(bytes, before_quotes + blanks + 2))?)
        }
        [b'=', ..] => {
            let at = before_quotes + blanks + 1;
            match quoted(behind(bytes, at)) {
                Some(value) => secret(value),
                None if blanks == 0 => secret(bare(bytes, at)),
                None => None,
            }
        }
        [b':', ..] => {
            let at = behind(bytes, before_quotes + blanks + 1);
            secret(quoted(at).or_else(|| in_header(bytes, whole.start, at))?)
        }
        [b'\'' | b'"', ..] if blanks > 0 && closed == 0 => {
            let keyword = whole.start > 0 && bytes[whole.start - 1] == b':';
            let by = name.eq_ignore_ascii_case("by")
                && ends_with_word(&text[..whole.start], "identified");
            let value = quoted(before_quotes + blanks)?;
            if by {
                return Some(value).filter(|value| !value.is_empty());
            }
            secret(value).filter(|_| keyword || is_password(name))
        }
        _ => None,
    }
}

fn blanks(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().take_while(|b| **b == b' ').count()
}

fn behind(bytes: &[u8], at: usize) -> usize {
    at + blanks(bytes, at)
}

/// The position of an unquoted value.
fn bare(bytes: &[u8], at: usize) -> Range<usize> {
    let more = |b: &&u8| !b.is_ascii_whitespace() && !b.is_ascii_control() && !ENDS.contains(b);
    at..at + bytes[at..].iter().take_while(more).count()
}

/// The position of the text between the quotes that open here.
fn quoted(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let quote = *bytes.get(at).filter(|b| b"'\"".contains(b))?;
    let mut end = at + 1;
    while let Some(byte) = bytes.get(end) {
        match *byte {
            b'\\' => end += 1,
            b'\n' => return None,
            byte if byte == quote => return Some(at + 1..end),
            _ => {}
        }
        end += 1;
    }
    None
}

/// The value of a header in quotes: a single word up to the quote that also stands before the name.
fn in_header(bytes: &[u8], name: usize, at: usize) -> Option<Range<usize>> {
    let quote = *bytes
        .get(name.checked_sub(1)?)
        .filter(|b| b"'\"".contains(b))?;
    let value = bare(bytes, at);
    (bytes.get(value.end) == Some(&quote)).then_some(value)
}

/// Whether a text is a user and a password, separated by a colon.
fn has_password(text: &str) -> bool {
    let password = text.split_once(':').map(|(_, password)| password);
    password.is_some_and(|password| !password.is_empty() && !password.starts_with("//"))
}

fn ends_with_word(text: &str, word: &str) -> bool {
    let last = text.split_ascii_whitespace().next_back();
    last.is_some_and(|last| last.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::super::placeholder;
    use super::*;

    /// The redacted text, with a star for each placeholder.
    fn starred(text: &str) -> String {
        let mut secrets = SecretRegistry::new(&[1; 32]);
        let found = redact(text, &mut secrets).unwrap_or_else(|| text.to_owned());
        assert_eq!(redact(&found, &mut secrets), None, "{found}");
        placeholder::starred(&found)
    }

    #[test]
    fn what_a_text_gives_by_a_secrets_name_goes_and_nothing_else() {
        for (text, clean) in [
            (
                "host=h user=ada password=pw1 db=d",
                "host=h user=ada password=* db=d",
            ),
            ("Server=h;Password=pw1;", "Server=h;Password=*;"),
            (
                "connect --password pw1 --host h",
                "connect --password * --host h",
            ),
            ("connect --token=pw1 --host=h", "connect --token=* --host=h"),
            ("os.environ['API_KEY']='pw1'", "os.environ['API_KEY']='*'"),
            (
                "os.environ['API_KEY'] = \"pw1\"",
                "os.environ['API_KEY'] = \"*\"",
            ),
            (
                "export AWS_SECRET_ACCESS_KEY=pw1\nexport PATH=/bin",
                "export AWS_SECRET_ACCESS_KEY=*\nexport PATH=/bin",
            ),
            (
                "ALTER USER ada WITH PASSWORD 'pw1'",
                "ALTER USER ada WITH PASSWORD '*'",
            ),
            (
                "CREATE USER ada IDENTIFIED BY 'pw1'",
                "CREATE USER ada IDENTIFIED BY '*'",
            ),
            (
                "{:op :hello :password \"pw1\"}",
                "{:op :hello :password \"*\"}",
            ),
            ("{op:'hello',password:'pw1'}", "{op:'hello',password:'*'}"),
            (
                "subscription { me(token: \"pw1\") { id } }",
                "subscription { me(token: \"*\") { id } }",
            ),
            (
                "user_name: \"ada\" password: \"p\\\"w\" n: 3",
                "user_name: \"ada\" password: \"*\" n: 3",
            ),
            ("curl -u ada:pw1 https://h/x", "curl -u * https://h/x"),
            (
                "curl -H 'X-Api-Key: pw1' https://h/x",
                "curl -H 'X-Api-Key: *' https://h/x",
            ),
            ("secret := \"pw1\"", "secret := \"*\""),
            ("'secret' => 'pw1'", "'secret' => '*'"),
        ] {
            assert_eq!(starred(text), clean);
        }
    }

    #[test]
    fn a_member_of_json_gives_a_secret_too() {
        assert!(gives("{\"a\":1,\"token\":\"pw1\"}") && gives("password=pw1"));
        assert!(!gives("{\"token\":\"USDT\",\"b\":\"pw1\"}") && !gives(""));
    }

    #[test]
    fn what_only_names_a_secret_stays() {
        for text in [
            "token=USDT session=RTH key=BTC-USD",
            "if password == \"\" { ask() }",
            "query Q($token: String!) { me(token: $token) { id } }",
            "tm.event='Tx' AND transfer.sender='cosmos1x'",
            "the password is 'required'",
            "pass \"the ball\" to Ada, sign 'here'",
            "he said: \"the key is: under the mat\"",
            "a - b = c",
            "--key",
            "-u ada",
            "password=",
            "password='",
            "{\"price\":1}",
        ] {
            assert_eq!(starred(text), text);
        }
    }
}
