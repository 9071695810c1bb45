//! A cheap check that rules out well-known secrets in nearly every text. Everything that a shape
//! matches contains one of the shape's words, and most messages of feeds contain none of them.
//!
//! Case is ignored in a way that folds more than case: the bit that separates lowercase letters
//! from capitals is set in all bytes. If two other bytes become equal, a text is examined
//! needlessly, but no secret is missed.

use aho_corasick::AhoCorasick;
use aho_corasick::packed::{self, Searcher};

/// How many bytes of a text are folded and searched at once.
const BLOCK_BYTES: usize = 1 << 10;

/// The bit that distinguishes a lowercase ASCII letter from a capital.
const CASE_BIT: u8 = 0x20;

/// Words shorter than this, in bytes, are searched for separately: with longer words only, a search
/// can skip more of the text.
const SHORT_BYTES: usize = 4;

/// The words to search for.
#[derive(Debug)]
pub(super) struct Anchors {
    short: Words,
    long: Words,
    /// How many bytes neighbouring blocks share, so that a word at their border is in one of them.
    overlap: usize,
}

/// Words that are searched for together.
#[derive(Debug)]
enum Words {
    None,
    /// Using the processor's vector instructions.
    Packed(Searcher),
    /// For processors without such instructions.
    Automaton(Box<AhoCorasick>),
}

impl Anchors {
    /// Prepares a search for any of these words.
    ///
    /// # Panics
    /// If a word is empty or longer than half a block.
    pub(super) fn new<'w>(words: impl Iterator<Item = &'w str>) -> Self {
        let folded = words.map(|word| word.bytes().map(fold).collect());
        let mut folded: Vec<Vec<u8>> = folded.collect();
        folded.sort();
        folded.dedup();
        let longest = folded.iter().map(Vec::len).max().unwrap_or(1);
        assert!(longest <= BLOCK_BYTES / 2, "words of a table are short");
        let (short, long): (Vec<_>, Vec<_>) = folded
            .into_iter()
            .partition(|word| word.len() < SHORT_BYTES);
        Self {
            short: Words::new(&short),
            long: Words::new(&long),
            overlap: longest - 1,
        }
    }

    /// Whether the text contains one of the words, or something that folds to one.
    pub(super) fn stand_in(&self, text: &[u8]) -> bool {
        let mut block = [0; BLOCK_BYTES];
        let mut rest = text;
        loop {
            let length = rest.len().min(BLOCK_BYTES);
            let folded = &mut block[..length];
            for (folded, byte) in folded.iter_mut().zip(rest) {
                *folded = fold(*byte);
            }
            if self.short.stand_in(folded) || self.long.stand_in(folded) {
                return true;
            }
            if length == rest.len() {
                return false;
            }
            rest = &rest[length - self.overlap..];
        }
    }
}

impl Words {
    fn new(words: &[Vec<u8>]) -> Self {
        if words.is_empty() {
            return Self::None;
        }
        match packed::Builder::new().extend(words).build() {
            Some(searcher) => Self::Packed(searcher),
            None => Self::Automaton(Box::new(
                AhoCorasick::new(words).expect("so few words make a small automaton"),
            )),
        }
    }

    fn stand_in(&self, folded: &[u8]) -> bool {
        match self {
            Self::None => false,
            Self::Packed(searcher) => searcher.find(folded).is_some(),
            Self::Automaton(automaton) => automaton.is_match(folded),
        }
    }
}

const fn fold(byte: u8) -> u8 {
    byte | CASE_BIT
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_word_is_found_in_either_case_and_wherever_blocks_meet() {
        let anchors = Anchors::new(["hf_", "-----begin", "key"].into_iter());
        for word in ["hf_", "HF_", "-----BEGIN", "kEy"] {
            for before in [0, 1, BLOCK_BYTES - 12, BLOCK_BYTES - 5, BLOCK_BYTES, 2_999] {
                for after in [0, 1, BLOCK_BYTES] {
                    let text = [&" ".repeat(before), word, &" ".repeat(after)].concat();
                    assert!(
                        anchors.stand_in(text.as_bytes()),
                        "{word}, {before}, {after}"
                    );
                }
            }
        }
        assert!(!anchors.stand_in(b"hf-ke y-----BEGI N"));
        assert!(!anchors.stand_in(b""));
    }

    proptest! {
        #[test]
        fn vectors_and_the_automaton_find_the_same(
            words in proptest::collection::vec("[a-c_=]{1,6}", 1..12),
            text in "[a-cA-C_= ]{0,60}",
        ) {
            let anchors = Anchors::new(words.iter().map(String::as_str));
            let folded = |text: &str| text.bytes().map(fold).collect::<Vec<u8>>();
            let words = words.iter().map(|word| folded(word));
            let found = AhoCorasick::new(words).unwrap().is_match(&folded(&text));
            prop_assert_eq!(anchors.stand_in(text.as_bytes()), found);
        }
    }
}
