//! What a command's tape must not contain.

use std::fmt;

use clap::Args;
use ring::rand::{SecureRandom, SystemRandom};
use wstape_recorder::{Redactor, RuleError, Rules};

/// The help section for these options.
const HEADING: &str = "Redaction";

/// What the tape is not to hold.
#[derive(Debug, Args)]
pub(crate) struct RedactionArgs {
    /// Redact the value at this JSON Pointer (RFC 6901) in every message. May be repeated.
    ///
    /// For example, `/data/account_value` replaces that value in each event's data by a placeholder
    /// of the same type; equal values get equal placeholders. In an object or a list, each value is
    /// replaced. Always redacted, without any rule: Authorization, cookies and similar headers, the
    /// user info of URLs, and tokens in their queries and paths.
    #[arg(long = "redact", value_name = "POINTER", value_parser = pointer, help_heading = HEADING)]
    pointers: Vec<String>,

    /// Redact the value of each key of this name, wherever it occurs. May be repeated.
    #[arg(long = "redact-key", value_name = "NAME", help_heading = HEADING)]
    keys: Vec<String>,

    /// Redact the value of this HTTP header. May be repeated.
    #[arg(long = "redact-header", value_name = "NAME", help_heading = HEADING)]
    headers: Vec<String>,

    /// Also redact anything in a message that looks like a well-known secret, such as a GitHub
    /// token or a private key. Without this option, such a secret in a message fails the command.
    #[arg(long, help_heading = HEADING)]
    redact_shapes: bool,
}

/// The operating system has no random bytes to give.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the operating system gave no random bytes for the placeholders of secrets")]
pub(crate) struct NoRandomBytes;

/// Why redaction can't start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RedactionError {
    #[error(transparent)]
    Rule(#[from] RuleError),
    #[error(transparent)]
    Random(#[from] NoRandomBytes),
}

impl RedactionArgs {
    /// The redactor for these options, with a key drawn for this tape.
    pub(crate) fn redactor(&self) -> Result<Redactor, RedactionError> {
        let mut rules = Rules::default();
        for pointer in &self.pointers {
            rules = rules.pointer(pointer)?;
        }
        rules = self.keys.iter().fold(rules, Rules::key);
        rules = self.headers.iter().fold(rules, Rules::header);
        if self.redact_shapes {
            rules = rules.shapes();
        }
        Ok(Redactor::new(rules, draw_key()?))
    }
}

impl RedactionArgs {
    /// Remarks once a tape was processed: on each rule that matched nothing, and on a tape that was
    /// to be redacted without rules but holds nothing that always is.
    pub(crate) fn unmatched(&self, redactor: &Redactor) -> Vec<String> {
        let none = self.pointers.is_empty() && self.keys.is_empty() && self.headers.is_empty();
        if none && !self.redact_shapes {
            if redactor.replaced() > 0 {
                return Vec::new();
            }
            let sentence = "nothing was redacted: no rule was given (--redact, --redact-key, \
                            --redact-header, --redact-shapes), and nothing was found that is \
                            always redacted";
            return vec![sentence.to_owned()];
        }
        unmatched_rules(redactor)
    }
}

/// A remark on each rule that matched nothing.
pub(crate) fn unmatched_rules(redactor: &Redactor) -> Vec<String> {
    let unmatched = redactor.unmatched().into_iter();
    let sentence = |rule: String| format!("the rule {rule:?} matched nothing; is it misspelt?");
    unmatched.map(sentence).collect()
}

/// The key for one tape's placeholders.
pub(crate) fn draw_key() -> Result<[u8; 32], NoRandomBytes> {
    let mut key = [0; 32];
    let drawn = SystemRandom::new().fill(&mut key);
    drawn.map(|()| key).map_err(|_| NoRandomBytes)
}

fn pointer(
    text: &str,
) -> Result<String, impl fmt::Display + Into<Box<dyn std::error::Error + Send + Sync>> + use<>> {
    Rules::default().pointer(text).map(|_| text.to_owned())
}
