//! Commands as people type them, in a member of a message: `{"cmd":"Password hunter2"}`.
//!
//! The first word says that it logs in, and what follows is as short as what one types to. In a
//! member of another name than a command's it is a sentence, unless it is one word alone, of letters
//! and digits.

use super::login::LOGIN;
use super::names::plain;
use super::registry::SecretRegistry;

/// First words that log in, without case, and most words that follow each.
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

/// Names of members that hold what is typed at a prompt, without case and punctuation.
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

/// What follows such a word where nothing is given: the word is one of a help text or a menu.
const OPEN: [&str; 16] = [
    "change", "failed", "help", "info", "list", "me", "off", "ok", "on", "page", "required",
    "reset", "show", "status", "test", "timeout",
];

/// A command without what it logs in with; `None` where it is no such command. `name` is that of the
/// member it stands in.
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

/// Whether a word has letters and digits, as few words of a sentence have.
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
