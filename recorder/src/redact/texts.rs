//! Redacts logins in texts that are not JSON: lines, pairs, words.
//!
//! | text | what is redacted | as in |
//! | --- | --- | --- |
//! | a line that begins with a word for a login | the rest of the line | `PASS oauth:…`, `AUTH user secret` |
//! | lines after one with just such a word | each except numbers | Tradovate's `authorize`, Redis's `AUTH` |
//! | lines of names and values | the values of secret names | STOMP's `passcode:…`, SIP's `Authorization: …` |
//! | pairs of a form | the values of secret names, or all values if one is a word for a login | `op=login&user=…&sign=…` |
//! | FIX | user, password, raw data | `…|553=…|554=…|` |
//! | a word for a login before a comma, a semicolon, a bar, a parenthesis or a slash | what follows | `LOGIN|ada|…`, `authwithtoken/…/ada` |
//! | secrets given by name in other text | see `assigned` | `host=h password=…`, `--token …`, SQL, GraphQL |
//! | instructions of Guacamole, a session of WebRTC | see `guacamole` and `sdp` | `7.connect,…`, `a=ice-pwd:…` |
//! | the words of a wallet's secret | all of them | `legal winner thank …` |
//! | a multipart form | the values of secret names | `form-data; name="password"` |
//! | SCRAM | see `scram` | `n,,n=ada,r=…` |
//! | XML | see `xml` | `<auth mechanism='PLAIN'>…</auth>` |
//! | a token alone or among other text | the token | Questrade's, Proxmox's ticket |

use std::borrow::Cow;

use super::assigned;
use super::fix;
use super::form::{self, decoded};
use super::guacamole;
use super::login::{
    LOGIN, is_bare_token, is_login, is_secret_member, is_secret_parameter, is_signature,
};
use super::mnemonic;
use super::open_value::Value;
use super::pieces;
use super::places::replaced;
use super::registry::SecretRegistry;
use super::scram;
use super::sdp;
use super::url;
use super::xml;

/// What may separate a word for a login from its secret, besides spaces.
const DIVIDES: [char; 4] = [',', ';', '|', '('];

/// Words that log in as the second word of a command or a later one.
const COMMANDS: [&str; 8] = [
    "auth",
    "authenticate",
    "identify",
    "login",
    "logon",
    "pass",
    "setpass",
    "sidentify",
];

/// IRC's command for logging in as an operator of a server.
const OPERATOR: &str = "OPER";

/// How many segments of a path may say that it logs in, as in Loxone's commands.
const MAX_PATH_PURPOSES: usize = 4;

/// Redacts what a text logs in with; `None` if it holds nothing of the kind.
pub(super) fn redact(text: &str, secrets: &mut SecretRegistry) -> Option<String> {
    let begin = text.trim_start();
    if begin.is_empty() || begin.starts_with('[') && !is_section(begin) {
        return None;
    }
    if let Some(inside) = begin.strip_prefix('{') {
        // An unquoted member name is not JSON but EDN or source code.
        let named = inside
            .trim_start()
            .starts_with(|c: char| c == ':' || c.is_ascii_alphabetic());
        return named.then(|| assigned::redact(text, secrets)).flatten();
    }
    if let Some(clean) = scram::redact(text, secrets) {
        return Some(clean);
    }
    let told = told(text, secrets);
    let looks = value(told.as_deref().unwrap_or(text), secrets);
    looks.or(told)
}

/// Whether a text begins with the name of a section, as settings files do: `[auth]`.
pub(super) fn is_section(begin: &str) -> bool {
    let first = begin.lines().next().unwrap_or_default().trim_end();
    let name = first
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    name.is_some_and(|name| begin.len() > first.len() && is_word(name))
}

/// Redacts a text, or the content of a string, by its structure and its look: secrets in a URL,
/// `token:…`, a token among other text.
pub(super) fn value(text: &str, secrets: &mut SecretRegistry) -> Option<String> {
    if let Some(clean) = scram::redact(text, secrets) {
        return Some(clean);
    }
    let mut clean = url::in_text(text, secrets)
        .or_else(|| pair(text, secrets))
        .or_else(|| header(text, secrets));
    for look in [
        plain_of_sasl,
        assigned::redact,
        sdp::redact,
        words,
        pieces::redact,
    ] {
        clean = look(clean.as_deref().unwrap_or(text), secrets).or(clean);
    }
    clean
}

/// Redacts a user and a password as in SASL's PLAIN (RFC 4616): each follows a zero character.
fn plain_of_sasl(text: &str, secrets: &mut SecretRegistry) -> Option<String> {
    let mut parts = text.splitn(3, '\0');
    let (_, user, password) = (parts.next()?, parts.next()?, parts.next()?);
    let is_word = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_control());
    (is_word(user) && is_word(password)).then(|| hidden(text, secrets))
}

/// Redacts the words of a wallet's secret in a text.
fn words(text: &str, secrets: &mut SecretRegistry) -> Option<String> {
    replaced(text, mnemonic::places(text), LOGIN, secrets)
}

/// Redacts a string that is the name of a secret and its value.
fn pair(text: &str, secrets: &mut SecretRegistry) -> Option<String> {
    let at = text.find([':', '='])?;
    let (name, value) = (&text[..at], &text[at + 1..]);
    let of_a_name = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    // The pairs of a form are handled one by one elsewhere.
    let bare =
        name.bytes().all(of_a_name) && !value.contains(|c: char| c.is_whitespace() || c == '&');
    let secret = bare && !value.is_empty() && is_secret_member(name, Value::Text(value));
    secret.then(|| hidden_from(text, at + 1, secrets))?
}

/// Redacts a string that is a header with the name of a secret: some clients pass a list of these.
/// There must be a space after its colon, and no other white space.
fn header(text: &str, secrets: &mut SecretRegistry) -> Option<String> {
    let (name, value) = text.split_once(": ")?;
    let of_a_name = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    let bare = !name.is_empty() && name.bytes().all(of_a_name);
    let word = !value.is_empty() && !value.contains(char::is_whitespace);
    let secret = bare && word && is_secret_parameter(name, value);
    secret.then(|| hidden_from(text, text.len() - value.len(), secrets))?
}

/// Redacts the secrets in a multipart form: `Content-Disposition: form-data; name="password"`, an
/// empty line, and the value (RFC 7578).
fn parts(text: &str, secrets: &mut SecretRegistry) -> Option<String> {
    const PART: &str = "form-data; name=\"";
    let mut places = Vec::new();
    for (at, _) in text.match_indices(PART) {
        let named = &text[at + PART.len()..];
        let Some((name, rest)) = named.split_once('"') else {
            break;
        };
        let Some((head, value)) = rest.split_once("\r\n\r\n") else {
            break;
        };
        let value = value.split("\r\n").next().unwrap_or_default();
        let start = at + PART.len() + name.len() + 1 + head.len() + "\r\n\r\n".len();
        let whole = !head.contains(PART) && !value.is_empty();
        if whole && is_secret_member(name, Value::Text(value)) {
            places.push(start..start + value.len());
        }
    }
    replaced(text, places, LOGIN, secrets)
}

/// Redacts a text by its structure.
fn told(text: &str, secrets: &mut SecretRegistry) -> Option<String> {
    let begin = text.trim_start();
    if begin.starts_with(fix::BEGIN) {
        return fix::redact(text, secrets);
    }
    if guacamole::is_of_instructions(text) {
        return guacamole::redact(text, secrets);
    }
    if begin.starts_with('<') {
        return xml::redact(text, secrets);
    }
    if form::is_one(text) {
        return form::redact(text, secrets);
    }
    let token = text.trim();
    let token = &token[pieces::words_before(token)..];
    if is_bare_token(token) {
        return changed(text, text.replacen(token, &hidden(token, secrets), 1));
    }
    path(text, secrets)
        .or_else(|| parts(text, secrets))
        .or_else(|| lines(text, secrets))
}

/// Redacts a command that is a path: what follows a segment for a login, or a segment that is a
/// hash, of which the shortest in use has 40 digits.
fn path(text: &str, secrets: &mut SecretRegistry) -> Option<String> {
    const MIN_HASH_DIGITS: usize = 40;
    let is_hash =
        |word: &str| word.len() >= MIN_HASH_DIGITS && word.bytes().all(|b| b.is_ascii_hexdigit());
    let mut at = 0;
    for segment in text.split_inclusive('/').take(MAX_PATH_PURPOSES) {
        let word = segment.trim_end_matches('/');
        if at > 0 && word.contains('%') && is_signature(&decoded(word)) {
            let (before, behind) = (&text[..at], &text[at + word.len()..]);
            let word = hidden(&decoded(word), secrets);
            return changed(text, format!("{before}{word}{behind}"));
        }
        if !word.is_empty() && !is_word(word) {
            return None;
        }
        if at > 0 && is_hash(word) {
            let (before, behind) = (&text[..at], &text[at + word.len()..]);
            return changed(text, format!("{before}{}{behind}", hidden(word, secrets)));
        }
        at += segment.len();
        let says = is_login(word) || word.ends_with("jwt");
        if says && at < text.len() && !text[at..].contains(char::is_whitespace) {
            return changed(
                text,
                format!("{}{}", &text[..at], hidden(&text[at..], secrets)),
            );
        }
    }
    None
}

fn changed(before: &str, after: String) -> Option<String> {
    (after != before).then_some(after)
}

/// Redacts the end of a text from this offset on.
fn hidden_from(text: &str, at: usize, secrets: &mut SecretRegistry) -> Option<String> {
    let (before, value) = text.split_at(at);
    changed(text, format!("{before}{}", hidden(value, secrets)))
}

fn hidden(value: &str, secrets: &mut SecretRegistry) -> String {
    secrets.text(value.as_bytes(), LOGIN)
}

/// Redacts lines of names and values, and lines after a word for a login.
fn lines(text: &str, secrets: &mut SecretRegistry) -> Option<String> {
    // After a line with just such a word, everything that follows is part of the login.
    let mut login = false;
    let mut first = true;
    let lines = text.split_inclusive('\n').map(|whole| {
        let line = whole.trim_end_matches(['\r', '\n', '\0']);
        let clean = if login {
            (!is_measure(line)).then(|| hidden(line.trim(), secrets))
        } else {
            login |= is_word(line) && is_login(line);
            rest_of(line, first, secrets)
        };
        first = false;
        match clean {
            Some(clean) => Cow::Owned(format!("{clean}{}", &whole[line.len()..])),
            None => Cow::Borrowed(whole),
        }
    });
    let clean: String = lines.collect();
    changed(text, clean)
}

/// Redacts what a line logs in with, if it is a name and a value, or begins with a word for a
/// login. After the first line the word must be in capitals, as commands write it: otherwise it is
/// a word of a sentence.
fn rest_of(line: &str, first: bool, secrets: &mut SecretRegistry) -> Option<String> {
    if !first && form::is_one(line) {
        return form::redact(line, secrets);
    }
    if let Some((name, value)) = line.split_once(':')
        && is_word(name)
        && is_secret_member(name.trim(), Value::Text(value.trim()))
        && !value.trim().is_empty()
    {
        let gap = value.len() - value.trim_start().len();
        let value = hidden(value.trim(), secrets);
        return Some(format!("{name}:{}{value}", " ".repeat(gap)));
    }
    if let Some((name, value)) = line.split_once('=')
        && is_word(name)
        && !value.trim().is_empty()
        && !value.trim().contains(char::is_whitespace)
        && is_secret_member(name.trim(), Value::Text(value.trim()))
    {
        let gap = value.len() - value.trim_start().len();
        let value = hidden(value.trim(), secrets);
        return Some(format!("{name}={}{value}", " ".repeat(gap)));
    }
    if let Some(at) = line.find(DIVIDES)
        && first
        && is_word(&line[..at])
        && is_login(&line[..at])
        && line.len() > at + 1
    {
        let (word, rest) = line.split_at(at + 1);
        return Some(format!("{word}{}", hidden(rest, secrets)));
    }
    if let Some(clean) = command(line, secrets) {
        return Some(clean);
    }
    let (word, rest) = line.split_once([' ', '\t'])?;
    let rest = rest.trim();
    let command = first || word.bytes().all(|b| b.is_ascii_uppercase());
    // A bot's commands begin with an exclamation mark.
    let bare = word.strip_prefix('!').unwrap_or(word);
    let login = command && is_word(bare) && (is_login(bare) || word == OPERATOR);
    let token =
        first && !rest.contains(' ') && is_word(word) && is_secret_member(word, Value::Text(rest));
    // JSON after any other word is read as JSON.
    let json = rest.starts_with(['{', '[']) && !login;
    if rest.is_empty() || json || !(login || token) {
        return None;
    }
    Some(format!("{word} {}", hidden(rest, secrets)))
}

/// Redacts a command whose second or later word logs in. The word must be in capitals, as in IMAP's
/// `a1 LOGIN ada …`, Redis's `HELLO 3 AUTH ada …` and `PRIVMSG Q :AUTH ada …`; in a chat's command,
/// such as `/msg NickServ identify …`, case does not matter.
fn command(line: &str, secrets: &mut SecretRegistry) -> Option<String> {
    const MAX_WORDS_BEFORE: usize = 3;
    let slash = line.starts_with('/');
    let mut at = 0;
    for (index, whole) in line
        .split_inclusive(' ')
        .take(MAX_WORDS_BEFORE + 1)
        .enumerate()
    {
        at += whole.len();
        let word = whole.trim_end().trim_start_matches(':');
        let capitals = !word.is_empty() && word.bytes().all(|b| b.is_ascii_uppercase());
        let says =
            (capitals || slash) && is_word(word) && COMMANDS.contains(&&*word.to_ascii_lowercase());
        let rest = line[at..].trim_end();
        if index > 0 && says && !rest.is_empty() {
            return Some(format!("{}{}", &line[..at], hidden(rest, secrets)));
        }
    }
    None
}

/// Whether a line is a length or a count, or empty.
fn is_measure(line: &str) -> bool {
    let digits = line.trim().trim_start_matches(['$', '*', ':']);
    digits.bytes().all(|b| b.is_ascii_digit())
}

fn is_word(text: &str) -> bool {
    const MAX_WORD_BYTES: usize = 48;
    let text = text.trim();
    let of_a_word = |b: u8| b.is_ascii_alphanumeric() || b"-_./".contains(&b);
    (1..=MAX_WORD_BYTES).contains(&text.len()) && text.bytes().all(of_a_word)
}

#[cfg(test)]
mod tests {
    use super::super::placeholder;
    use super::*;

    /// The redacted text, with a star for each placeholder.
    fn starred(text: &str) -> String {
        let mut secrets = SecretRegistry::new(&[1; 32]);
        let found = redact(text, &mut secrets).unwrap_or_else(|| text.to_owned());
        // Redacting it again changes nothing.
        assert_eq!(redact(&found, &mut secrets), None, "{found}");
        placeholder::starred(&found)
    }

    #[test]
    fn what_follows_a_login_in_a_text_is_redacted_and_nothing_else() {
        for (text, clean) in [
            ("PASS oauth:abc\r\n", "PASS *\r\n"),
            (
                "CAP REQ :tags\r\nPASS oauth:abc\r\nNICK ada\r\n",
                "CAP REQ :tags\r\nPASS *\r\nNICK ada\r\n",
            ),
            ("authorize\n2\n\nabc def", "authorize\n2\n\n*"),
            (
                "*2\r\n$4\r\nAUTH\r\n$3\r\nabc\r\n",
                "*2\r\n$4\r\nAUTH\r\n$3\r\n*\r\n",
            ),
            ("token abc1", "token *"),
            (
                "CONNECT\nlogin:ada\npasscode:pw\nhost:h\n\n\0",
                "CONNECT\nlogin:*\npasscode:*\nhost:h\n\n\0",
            ),
            (
                "REGISTER sip:h SIP/2.0\r\nAuthorization: Digest a=\"b\"\r\n",
                "REGISTER sip:h SIP/2.0\r\nAuthorization: *\r\n",
            ),
            ("op=login&user=ada&sign=1", "op=login&user=*&sign=*"),
            ("user=ada&pass=b", "user=*&pass=*"),
            (
                "8=FIX.4.4\u{1}35=A\u{1}553=ada\u{1}554=pw\u{1}10=1\u{1}",
                "8=FIX.4.4\u{1}35=A\u{1}553=*\u{1}554=*\u{1}10=1\u{1}",
            ),
            (
                "<auth xmlns='x' mechanism='PLAIN'>AGFkYQBwdw==</auth>",
                "<auth xmlns='x' mechanism='PLAIN'>*</auth>",
            ),
            ("C3lTUKuNQrAAmSDxTPjuVxHI7aNrAwDp0", "*"),
            ("LOGIN|ada|pw", "LOGIN|*"),
            ("!auth pw", "!auth *"),
            (
                "[auth]\nuser=ada\npassword=pw\n",
                "[auth]\nuser=ada\npassword=*\n",
            ),
            (
                "[Interface]\nPrivateKey = pw\nMTU = 5\n",
                "[Interface]\nPrivateKey = *\nMTU = 5\n",
            ),
            ("\0ada\0pw", "*"),
            ("auth(\"ada\",\"pw\")", "auth(*"),
            ("api_key=abc1&queue=1", "api_key=*&queue=1"),
            ("u=ada&p=pw1x&v=2", "u=*&p=*&v=2"),
            (
                "jdev/sys/enc/q7xW2nB5%2BvC9dTx7Q4f8Kz01mQ7xW2nB5vC9dTx7Q4f8%3D",
                "jdev/sys/enc/*",
            ),
            (
                "keyexchange/q7xW2nB5vC9dTx7Q4f8Kz01mQ7xW2nB5vC9dTx7Q4f8=",
                "keyexchange/*",
            ),
            ("7.connect,9.localhost,8.hunter2x;", "7.connect,25.*,25.*;"),
            (
                "a=x\r\na=ice-pwd:asd88fgpdd777uzj\r\n",
                "a=x\r\na=ice-pwd:*\r\n",
            ),
            (
                "restore legal winner thank year wave sausage worth useful legal winner thank yellow",
                "restore *",
            ),
            ("auth;abc;def", "auth;*"),
            ("auth {\"k\":1}", "auth *"),
            ("authwithtoken/0f1e/ada", "authwithtoken/*"),
            ("jdev/sys/getjwt/0f1e/ada", "jdev/sys/getjwt/*"),
            (
                "create_session\r\nLS_user=ada&LS_cid=x&LS_password=pw",
                "create_session\r\nLS_user=*&LS_cid=x&LS_password=*",
            ),
            (
                "PRIVMSG NickServ :IDENTIFY pw\r\n",
                "PRIVMSG NickServ :IDENTIFY *\r\n",
            ),
            ("OPER ada pw", "OPER *"),
            ("X-Api-Key: pw1", "X-Api-Key: *"),
            (
                "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\npw1\r\n--b\r\nContent-Disposition: form-data; name=\"room\"\r\n\r\na\r\n--b--",
                "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n*\r\n--b\r\nContent-Disposition: form-data; name=\"room\"\r\n\r\na\r\n--b--",
            ),
        ] {
            assert_eq!(starred(text), clean, "{text:?}");
        }
        for plain in [
            "ping",
            "hello there, please sign here",
            "SUBSCRIBE\nid:sub-0\ndestination:/topic/trades\n\n\0",
            "symbol=BTCUSDT&interval=1m",
            "u=ada&p=2",
            "[\"a\",\"password=\"]",
            "[2026-11-28]\nkey = BTC-USD",
            "a\0b\0",
            "user=7&p=BTC-USD",
            "8=FIX.4.4\u{1}35=V\u{1}55=BTC/USD\u{1}",
            "<presence/>",
            "<message to='a'>hi</message>",
            "5a1f0b9c-7f0e-4a55-9d0d-2f6d1b7c8e90",
            "btcusdt@trade/ethusdt@trade",
            "40{\"a\":\"b=\"}",
            "time: 12:00\nauthor: ada",
        ] {
            assert_eq!(starred(plain), plain);
        }
    }
}
