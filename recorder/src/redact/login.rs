//! How clients say who they are: by which names, in which layouts, in what looks like a signature.
//!
//! Feeds log in by message, and no two of them alike. What they have in common is looked for:
//!
//! | by | what is redacted | as in |
//! | --- | --- | --- |
//! | a name that says secret | its value, whatever it is | `"apiKey"`, `"token"`, `"signature":{"r","s","v"}` |
//! | a member that says what the message is for, and says login | all other members but the message's own number | `{"op":"auth","args":[…]}` |
//! | a list that begins with such a word | the rest of it | `["auth",{…}]` |
//! | the look of a signature or of a token | that string | 64 hexadecimal digits, 40 letters and digits of all kinds |
//! | a text that is no JSON and begins with such a word, or has lines or pairs of secret names | what follows | `PASS …`, `passcode:…`, `op=login&sign=…` |

use super::url::{is_secret_name, is_token_like, words};

/// Words of which one in a message's purpose says that it is to log in, or that it is signed.
const LOGIN_WORDS: [&str; 17] = [
    "auth",
    "authenticate",
    "authentication",
    "authn",
    "authorization",
    "authorize",
    "authkey",
    "identify",
    "login",
    "logon",
    "oauth",
    "pass",
    "reauth",
    "sign",
    "signature",
    "signed",
    "signin",
];

/// Two words that say so together.
const LOGIN_PAIRS: [[&str; 2]; 3] = [["log", "in"], ["log", "on"], ["connection", "init"]];

/// Names of members that say what a message is for, without case and punctuation.
const PURPOSES: [&str; 26] = [
    "a",
    "action",
    "ch",
    "channel",
    "cmd",
    "command",
    "e",
    "event",
    "eventname",
    "kind",
    "message",
    "messagetype",
    "method",
    "msg",
    "msgtype",
    "name",
    "op",
    "operation",
    "optype",
    "procedure",
    "req",
    "request",
    "requesttype",
    "target",
    "topic",
    "type",
];

/// Names of members that number a message: a reply repeats them, and they say nothing of who sent
/// it.
const NUMBERS: [&str; 9] = [
    "cid",
    "id",
    "jsonrpc",
    "messageid",
    "msgid",
    "reqid",
    "requestid",
    "seq",
    "version",
];

/// Words in names of members, beside those of headers and queries, whose values are secret in what
/// a client sends.
const SECRET_WORDS: [&str; 12] = [
    "authenticate",
    "authorize",
    "challenge",
    "login",
    "logon",
    "mnemonic",
    "pass",
    "pin",
    "seed",
    "signed",
    "signin",
    "wif",
];

/// A purpose is said in fewer bytes.
const MAX_PURPOSE_BYTES: usize = 48;

/// Hexadecimal digits from which on a string is a signature or a key.
const MIN_HEX_DIGITS: usize = 64;

/// Letters and digits from which on a string of all kinds of them is one. More than a UUID has.
const MIN_TOKEN_BYTES: usize = 40;

/// A value of the name `key`, which also is what many a map's members are called, is a secret from
/// this length on.
const MIN_KEY_BYTES: usize = 6;

/// Whether that is what a message to log in, or a signed one, says that it is for.
pub(super) fn is_login(purpose: &str) -> bool {
    if purpose.len() > MAX_PURPOSE_BYTES {
        return false;
    }
    let words = words(purpose);
    let pair = |two: &[String]| LOGIN_PAIRS.iter().any(|p| p[0] == two[0] && p[1] == two[1]);
    words
        .iter()
        .any(|word| LOGIN_WORDS.contains(&word.as_str()))
        || words.windows(2).any(pair)
}

/// Whether a member of this name says what a message is for.
pub(super) fn is_purpose(name: &str) -> bool {
    PURPOSES.contains(&plain(name).as_str())
}

/// Whether a member of a login stays: it says what the message is for, or numbers it.
pub(super) fn stays(name: &str, value: &str) -> bool {
    /// A longer purpose or number is neither.
    const MIN_TOKEN_BYTES: usize = 20;
    let name = plain(name);
    let known = PURPOSES.contains(&name.as_str()) || NUMBERS.contains(&name.as_str());
    known && value.len() <= MAX_PURPOSE_BYTES && !is_token_like(value, MIN_TOKEN_BYTES)
}

/// Whether the value of a member of this name is secret in what a client sends. `value` is the
/// string that it is; empty for another.
pub(super) fn is_secret_member(name: &str, value: &str) -> bool {
    let words = words(name);
    if words == ["key"] {
        let of_a_key = |b: u8| b.is_ascii_digit() || b.is_ascii_uppercase();
        return value.len() >= MIN_KEY_BYTES && value.bytes().any(of_a_key);
    }
    is_secret_name(name)
        || words
            .iter()
            .any(|word| SECRET_WORDS.contains(&word.as_str()))
}

/// Whether a string has the look of a signature, a key or a token.
pub(super) fn is_signature(value: &str) -> bool {
    let digits = value.strip_prefix("0x").unwrap_or(value);
    if digits.len() >= MIN_HEX_DIGITS && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return true;
    }
    is_token_like(value, MIN_TOKEN_BYTES)
        && value.bytes().any(|b| b.is_ascii_lowercase())
        && value.bytes().any(|b| b.is_ascii_uppercase())
}

/// A name without case and punctuation.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purpose_is_told_by_its_words() {
        for purpose in [
            "auth",
            "AUTH",
            "login",
            "session.logon",
            "public/auth",
            "authKeyExpires",
            "user.auth",
            "spot.login",
            "authentication_challenge",
            "connection_init",
            "signIn",
            "order.signed",
        ] {
            assert!(is_login(purpose), "{purpose}");
        }
        for purpose in [
            "subscribe",
            "author",
            "order.place",
            "signal",
            "passive",
            "assign",
        ] {
            assert!(!is_login(purpose), "{purpose}");
        }
    }

    #[test]
    fn a_members_name_and_a_values_look_tell_a_secret() {
        for (name, value) in [
            ("apiKey", ""),
            ("AccessKeyId", ""),
            ("api_sign", ""),
            ("original_challenge", "x"),
            ("KEY", "ab12cd34"),
            ("authorize", "a1"),
            ("passphrase", ""),
        ] {
            assert!(is_secret_member(name, value), "{name}");
        }
        for (name, value) in [
            ("key", "trades"),
            ("channel", "auth"),
            ("symbol", ""),
            ("id", "7"),
        ] {
            assert!(!is_secret_member(name, value), "{name}");
        }
        let hex = "0f".repeat(32);
        assert!(is_signature(&hex) && is_signature(&format!("0x{hex}")));
        assert!(is_signature("4f8Kz01mQ7xW2nB5vC9dTx7Q4f8Kz01mQ7xW2nB5vC9="));
        for open in [
            "5a1f0b9c-7f0e-4a55-9d0d-2f6d1b7c8e90",
            "0xc64cc00b46101bd40aa1c3121195e85c0b0918d8",
            "/contractMarket/level2Depth50:XBTUSDTM,ETHUSDTM",
        ] {
            assert!(!is_signature(open), "{open}");
        }
    }
}
