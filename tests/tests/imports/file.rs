//! What one file imports, names and defines.

use std::collections::{BTreeMap, BTreeSet};

use crate::token::{Token, tokens};

/// The words of a path: `crate::a::B`.
pub(crate) type Names = Vec<String>;

/// Words after which comes the name of something that the file defines.
const DEFINING: [&str; 8] = [
    "struct", "enum", "union", "fn", "trait", "const", "static", "type",
];

/// One file.
#[derive(Debug, Default)]
pub(crate) struct File {
    /// Files that are parts of this file's module.
    pub(crate) parts: Vec<String>,
    /// Modules that are defined in the file itself.
    pub(crate) inline: BTreeSet<String>,
    /// What is imported, by the name that it has here.
    pub(crate) imports: BTreeMap<String, Names>,
    /// The paths from which everything is imported.
    pub(crate) globs: Vec<Names>,
    /// Every path that is written out.
    pub(crate) paths: BTreeSet<Names>,
    pub(crate) defines: BTreeSet<String>,
}

impl File {
    pub(crate) fn read(text: &str) -> Self {
        let mut file = Self::default();
        let tokens = tokens(text);
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += match (token.word(), tokens.get(at + 1)) {
                (Some("use"), _) => file.take_use(&tokens[at + 1..]) + 1,
                (Some("pub"), Some(Token::Mark('('))) => {
                    let end = tokens[at..].iter().position(|t| *t == Token::Mark(')'));
                    end.unwrap_or(0) + 1
                }
                (Some("mod"), Some(Token::Word(name))) => {
                    if tokens.get(at + 2) == Some(&Token::Mark(';')) {
                        file.parts.push(name.clone());
                    } else {
                        file.inline.insert(name.clone());
                    }
                    2
                }
                (Some("macro_rules"), _) => {
                    file.defines.extend(tokens.get(at + 2).and_then(name));
                    3
                }
                (Some(word), Some(Token::Word(name))) if DEFINING.contains(&word) => {
                    file.defines.insert(name.clone());
                    2
                }
                (Some(_), Some(Token::Colons)) => file.take_path(&tokens[at..]),
                _ => 1,
            };
        }
        file
    }

    /// Takes in a path that is written out; returns how many words it has.
    fn take_path(&mut self, tokens: &[Token]) -> usize {
        let mut names = Vec::new();
        let mut at = 0;
        while let Some(word) = tokens.get(at).and_then(Token::word) {
            names.push(word.to_owned());
            at += 1;
            if tokens.get(at) != Some(&Token::Colons) {
                break;
            }
            at += 1;
        }
        self.paths.insert(names);
        at.max(1)
    }

    /// Takes in what follows `use`, up to its semicolon; returns how many words that is.
    fn take_use(&mut self, tokens: &[Token]) -> usize {
        let end = tokens.iter().position(|t| *t == Token::Mark(';'));
        let end = end.unwrap_or(tokens.len());
        self.take_tree(&tokens[..end], &[]);
        end
    }

    /// Takes in one tree of a `use`, below `above`; returns what follows it.
    fn take_tree<'t>(&mut self, tokens: &'t [Token], above: &[String]) -> &'t [Token] {
        let mut path = above.to_vec();
        let mut rest = tokens;
        let mut called = None;
        while let Some(first) = rest.first() {
            if matches!(first, Token::Mark(',' | '}')) {
                break;
            }
            rest = &rest[1..];
            match first {
                Token::Mark('{') => {
                    while !rest.is_empty() && rest[0] != Token::Mark('}') {
                        rest = self.take_tree(rest, &path);
                        rest = rest.strip_prefix(&[Token::Mark(',')]).unwrap_or(rest);
                    }
                    return rest.get(1..).unwrap_or_default();
                }
                Token::Mark('*') => {
                    self.globs.push(path);
                    return rest;
                }
                Token::Word(word) if word == "as" => {
                    called = rest.first().and_then(name);
                    rest = rest.get(1..).unwrap_or_default();
                }
                Token::Word(word) => path.push(word.clone()),
                Token::Colons | Token::Mark(_) => {}
            }
        }
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        if let Some(name) = called.or_else(|| path.last().cloned()) {
            self.paths.insert(path.clone());
            // Several things may be imported as `_`; only the last of them is kept here.
            self.imports.insert(name, path);
        }
        rest
    }
}

fn name(token: &Token) -> Option<String> {
    token.word().map(str::to_owned)
}
