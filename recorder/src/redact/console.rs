//! Redacts commands that a person typed, in a member of a message: `{"cmd":"Password hunter2"}`.
//!
//! The first word says that the command logs in, and only a few words follow. In a member with
//! another name than a command's the text counts as a sentence, unless only one word follows and
//! that has both letters and digits.

use super::login::LOGIN;
use super::names::plain;
use super::registry::SecretRegistry;

/// First words that log in, in lower case, and how many words may follow each.
const WORDS: [(&str, usize); 11] = [
    ("auth", 3),
    ("authenticate", 3),
    ("identify", 3),
    ("login", 3),
    ("logon", 3),
    ("pass", 1),
    ("passwd", 2),
    ("password", 2),
    ("pwd", 1),
    ("setpass", 2),
    ("sidentify", 3),
];

/// Names of members that hold what is typed at a prompt, in lower case and without punctuation.
const COMMANDS: [&str; 8] = [
    "cmd",
    "command",
    "commandline",
    "commandtext",
    "console",
    "exec",
    "input",
    "line",
];

/// Words that may follow without being a secret, as in a help text or a menu.
const OPEN: [&str; 16] = [
    "change", "failed", "help", "info", "list", "me", "off", "ok", "on", "page", "required",
    "reset", "show", "status", "test", "timeout",
];

/// Redacts what a command logs in with; `None` if it is not such a command. `name` is the name of
/// the member that contains it.
pub(super) fn redact(
    name: Option<&str>,
    text: &str,
    secrets: &mut SecretRegistry,
) -> Option<String> {
    let (first, rest) = text.trim_start().split_once([' ', '\t'])?;
    let first = first.trim_start_matches(['/', '!', '.']);
    let rest = rest.trim();
    let known = |word: &&(&str, usize)| first.eq_ignore_ascii_case(word.0);
    let (_, most) = WORDS.iter().find(known)?;
    let count = rest.split_whitespace().count();
    let typed = name.is_some_and(|name| COMMANDS.contains(&plain(name).as_str()));
    let given = if typed {
        (1..=*most).contains(&count) && !OPEN.contains(&&*rest.to_ascii_lowercase())
    } else {
        count == 1 && is_mixed(rest)
    };
    if !given {
        return None;
    }
    let at = text.rfind(rest)?;
    let hidden = secrets.text(rest.as_bytes(), LOGIN);
    let clean = format!("{}{hidden}{}", &text[..at], &text[at + rest.len()..]);
    (clean != text).then_some(clean)
}

/// Whether a word has both letters and digits, which few words of a sentence have.
fn is_mixed(word: &str) -> bool {
    const MIN_BYTES: usize = 6;
    word.len() >= MIN_BYTES
        && word.bytes().any(|b| b.is_ascii_digit())
        && word.bytes().any(|b| b.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::super::placeholder;
    use super::*;

    #[test]
    fn what_follows_a_word_that_logs_in_is_redacted_in_a_command() {
        for (name, text, clean) in [
            ("cmd", "Password hunter2", "Password *"),
            ("cmd", "Password hunter2…", "Password *"),
            ("commandLine", "/login ada hunter\n", "/login *\n"),
            ("line", "AUTH letmein", "AUTH *"),
            ("Message", "auth hunter2", "auth *"),
            ("cmd", "pass pass", "pass *"),
        ] {
            let mut secrets = SecretRegistry::new(&[1; 32]);
            let found = redact(Some(name), text, &mut secrets).expect(text);
            assert_eq!(redact(Some(name), &found, &mut secrets), None, "{found}");
            assert_eq!(placeholder::starred(&found), clean);
        }
    }

    #[test]
    fn other_commands_and_sentences_stay() {
        for (name, text) in [
            ("cmd", "subscribe trades"),
            ("cmd", "login"),
            ("cmd", "login "),
            ("cmd", "auth status"),
            ("cmd", "pass the ball"),
            ("cmd", "token list"),
            ("cmd", "log in ada"),
            ("text", "password required"),
            ("text", "login ada"),
            ("text", "login page 2b"),
            ("text", "pass 12"),
            ("message", "Password: the one you chose in 2019a, he said"),
        ] {
            let mut secrets = SecretRegistry::new(&[1; 32]);
            assert_eq!(redact(Some(name), text, &mut secrets), None, "{text}");
        }
    }
}
