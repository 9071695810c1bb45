//! A file's tokens, without comments, strings and tests.

/// What Rust source consists of, as far as imports matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// A name, a keyword or a number.
    Word(String),
    /// `::`.
    Colons,
    /// Any other character.
    Mark(char),
}

impl Token {
    pub(crate) fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            Self::Colons | Self::Mark(_) => None,
        }
    }
}

/// The words of a file that matter outside of tests.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let len = if let Some(comment) = comment(rest) {
            comment
        } else if let Some(literal) = literal(rest) {
            literal
        } else if next.is_alphanumeric() || next == '_' {
            let word: String = rest
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            let len = word.len();
            tokens.push(Token::Word(word));
            len
        } else if rest.starts_with("::") {
            tokens.push(Token::Colons);
            2
        } else {
            if !next.is_whitespace() {
                tokens.push(Token::Mark(next));
            }
            next.len_utf8()
        };
        rest = &rest[len..];
    }
    without_tests(&tokens)
}

/// Returns the length of the comment at the start of `text`.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    let mut rest = text.strip_prefix("/*")?;
    let mut depth = 1;
    while depth > 0 {
        let at = rest.find(['*', '/'])?;
        rest = &rest[at..];
        let step = match rest.get(..2)? {
            "/*" => 1,
            "*/" => -1,
            _ => 0,
        };
        depth += step;
        rest = &rest[if step == 0 { 1 } else { 2 }..];
    }
    Some(text.len() - rest.len())
}

/// Returns the length of the string or character at the start of `text`.
fn literal(text: &str) -> Option<usize> {
    let quoted = text.trim_start_matches(['b', 'c', 'r']);
    let prefix = text.len() - quoted.len();
    if prefix <= 2 && text[..prefix].contains('r') {
        let body = quoted.trim_start_matches('#');
        let end = format!("\"{}", &quoted[..quoted.len() - body.len()]);
        if let Some(body) = body.strip_prefix('"') {
            let at = body.find(&end)?;
            return Some(text.len() - body.len() + at + end.len());
        }
    }
    if prefix <= 1 && quoted.starts_with('"') {
        return Some(prefix + quoted_len(quoted, '"')?);
    }
    // A lifetime has no closing quote after its first character.
    let is_char = |rest: &str| {
        let mut chars = rest.chars().skip(1);
        chars.next() == Some('\\') || chars.next() == Some('\'')
    };
    (prefix <= 1 && quoted.starts_with('\'') && is_char(quoted))
        .then(|| quoted_len(quoted, '\'').map(|len| prefix + len))?
}

/// Returns the length of a text from its opening quote to its closing one.
fn quoted_len(text: &str, quote: char) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if c == quote {
            return Some(at + 1);
        }
    }
    None
}

/// Returns everything but items under `#[cfg(test)]`.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let test: Vec<Token> = ["#", "[", "cfg", "(", "test", ")", "]"]
        .iter()
        .map(|word| match word.chars().next() {
            Some(c) if !c.is_alphabetic() => Token::Mark(c),
            _ => Token::Word((*word).to_owned()),
        })
        .collect();
    let mut kept = Vec::new();
    let mut rest = tokens;
    while let Some((first, after)) = rest.split_first() {
        if rest.starts_with(&test) {
            rest = after_item(&rest[test.len()..]);
        } else {
            kept.push(first.clone());
            rest = after;
        }
    }
    kept
}

/// Returns what follows the item that `tokens` begin with.
fn after_item(tokens: &[Token]) -> &[Token] {
    let mut depth = 0_u32;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Mark('{') => depth += 1,
            Token::Mark('}') if depth <= 1 => return &tokens[at + 1..],
            Token::Mark('}') => depth -= 1,
            Token::Mark(';') if depth == 0 => return &tokens[at + 1..],
            _ => {}
        }
    }
    &[]
}
