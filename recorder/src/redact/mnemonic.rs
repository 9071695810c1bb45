//! The words of a wallet's secret, as BIP-39 writes them: twelve and more of a list of 2,048.
//!
//! Nothing has to say that they are one. Of a text in English, a quarter of the words stand in the
//! list, and such as `the` and `of` do not: that twelve of it follow one another comes about once
//! in ten million words. The checksum in the last word is not asked for, as Electrum's differ in
//! that alone.

use std::ops::Range;

use bip39::Language;

/// Fewest words of a secret.
const MIN_WORDS: usize = 12;

/// Fewest letters of a word of the list, and most.
const MIN_LETTERS: usize = 3;
const MAX_LETTERS: usize = 8;

/// A shorter text holds no secret: so many words and what divides them.
const MIN_BYTES: usize = MIN_WORDS * (MIN_LETTERS + 1) - 1;

/// Whether a word stands in the list, in whatever letters.
pub(super) fn is_word(word: &str) -> bool {
    let letters = (MIN_LETTERS..=MAX_LETTERS).contains(&word.len());
    letters && {
        let word = word.to_ascii_lowercase();
        // The English list is in the alphabet's order.
        let words = Language::English.word_list();
        words.binary_search(&word.as_str()).is_ok()
    }
}

/// Whether so many words of the list in a row are a secret.
pub(super) fn are_enough(words: usize) -> bool {
    words >= MIN_WORDS
}

/// Where in a text words of the list follow one another that are enough, with blanks, commas or
/// line's ends between them.
pub(super) fn places(text: &str) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let divided = || memchr::memchr3(b' ', b',', b'\n', text.as_bytes()).is_some();
    if text.len() < MIN_BYTES || !divided() {
        return places;
    }
    let mut run = 0..0;
    let mut words = 0;
    let mut at = 0;
    for word in text.split([' ', ',', '\n', '\r', '\t']) {
        let place = at..at + word.len();
        at = place.end + 1;
        if word.is_empty() {
            continue;
        }
        if is_word(word) {
            run = if words == 0 {
                place
            } else {
                run.start..place.end
            };
            words += 1;
            continue;
        }
        if are_enough(words) {
            places.push(run.clone());
        }
        words = 0;
    }
    if are_enough(words) {
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
        assert!(is_word("abandon") && is_word("Zoo") && !is_word("the"));
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
        for text in [
            eleven,
            "the quick brown fox jumps over the lazy dog and then it sleeps all the afternoon",
            "please sign the order before the market can open again and the price will rise",
            "BTCUSDT ETHUSDT SOLUSDT XRPUSDT ADAUSDT DOGEUSDT DOTUSDT LTCUSDT BNBUSDT AVAXUSDT LINK UNI",
        ] {
            assert!(places(text).is_empty(), "{text}");
        }
    }
}
