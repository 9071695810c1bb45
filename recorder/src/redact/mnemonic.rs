//! Finds a wallet's seed words in BIP-39's format: twelve or more from a list of 2,048.
//!
//! Nothing else needs to mark them. A quarter of the words in an English text are in the list, but
//! words such as `the` and `of` are not: twelve in a row occur about once in ten million words. The
//! checksum in the last word is not checked, because Electrum's phrases differ only in that.

use std::collections::BTreeSet;
use std::ops::Range;

use bip39::Language;

/// The fewest words of a secret.
const MIN_WORDS: usize = 12;

/// The fewest different words of a secret. Of twelve random words two are the same once in thirty
/// times; a text that repeats one or two words again and again is not a secret.
const MIN_DIFFERENT_WORDS: usize = MIN_WORDS / 2;

/// The shortest and the longest word in the list, in letters.
const MIN_LETTERS: usize = 3;
const MAX_LETTERS: usize = 8;

/// The shortest text with a secret, in bytes: the words and what separates them.
const MIN_BYTES: usize = MIN_WORDS * (MIN_LETTERS + 1) - 1;

/// Successive words from the list.
#[derive(Debug, Default)]
pub(super) struct Words {
    count: usize,
    different: BTreeSet<usize>,
}

impl Words {
    /// Takes a word, in any case, if it is in the list. Returns whether it is.
    pub(super) fn take(&mut self, word: &str) -> bool {
        let Some(number) = number(word) else {
            return false;
        };
        self.count += 1;
        self.different.insert(number);
        true
    }

    /// Whether the words are a secret.
    pub(super) fn are_enough(&self) -> bool {
        self.count >= MIN_WORDS && self.different.len() >= MIN_DIFFERENT_WORDS
    }
}

/// The index of a word in the list.
fn number(word: &str) -> Option<usize> {
    if !(MIN_LETTERS..=MAX_LETTERS).contains(&word.len()) {
        return None;
    }
    let word = word.to_ascii_lowercase();
    // The English list is sorted.
    let words = Language::English.word_list();
    words.binary_search(&word.as_str()).ok()
}

/// The positions in a text of successive words that are enough for a secret, separated by spaces,
/// commas or line breaks.
pub(super) fn places(text: &str) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let divided = || memchr::memchr3(b' ', b',', b'\n', text.as_bytes()).is_some();
    if text.len() < MIN_BYTES || !divided() {
        return places;
    }
    let mut run = 0..0;
    let mut words = Words::default();
    let mut at = 0;
    for word in text.split([' ', ',', '\n', '\r', '\t']) {
        let place = at..at + word.len();
        at = place.end + 1;
        if word.is_empty() {
            continue;
        }
        let is_first = words.count == 0;
        if words.take(word) {
            run = if is_first {
                place
            } else {
                run.start..place.end
            };
            continue;
        }
        if std::mem::take(&mut words).are_enough() {
            places.push(run.clone());
        }
    }
    if words.are_enough() {
        places.push(run);
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHRASE: &str =
        "legal winner thank year wave sausage worth useful legal winner thank yellow";

    #[test]
    fn the_list_is_in_its_order() {
        assert!(Language::English.word_list().is_sorted());
        assert!(number("abandon") == Some(0) && number("Zoo") == Some(2047));
        assert_eq!(number("the"), None);
    }

    #[test]
    fn words_of_a_wallet_are_found_alone_and_among_other_text() {
        let found = |text: &str| -> Vec<String> {
            let places = places(text).into_iter();
            places.map(|place| text[place].to_owned()).collect()
        };
        assert_eq!(found(PHRASE), [PHRASE]);
        assert_eq!(places(&PHRASE.replace(' ', ", ")).len(), 1);
        let among = format!("it is {PHRASE} of mine");
        assert_eq!(found(&among), [PHRASE]);
        let capitals = PHRASE.to_ascii_uppercase();
        assert_eq!(found(&capitals), std::slice::from_ref(&capitals));
    }

    #[test]
    fn eleven_words_and_a_sentence_are_none() {
        let eleven = PHRASE.rsplit_once(' ').unwrap().0;
        // Each of these words is in the list.
        let again = "risk order ".repeat(20);
        for text in [
            eleven,
            &again,
            "the quick brown fox jumps over the lazy dog and then it sleeps all the afternoon",
            "please sign the order before the market can open again and the price will rise",
            "BTCUSDT ETHUSDT SOLUSDT XRPUSDT ADAUSDT DOGEUSDT DOTUSDT LTCUSDT BNBUSDT AVAXUSDT LINK UNI",
        ] {
            assert!(places(text).is_empty(), "{text}");
        }
    }
}
