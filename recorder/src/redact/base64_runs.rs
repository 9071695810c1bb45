//! Decodes the base64 in a text, wherever it begins and in either alphabet.
//!
//! Most runs of base64 digits are words and numbers of the text itself, and decode to noise.
//! Everything that is searched for contains at least [`MIN_ASCII_BYTES`] of ASCII in one piece, so
//! a run is only decoded if it may contain that, whichever digit its groups begin at. Single bits
//! of its digits show whether it may.

/// Shorter runs of base64 digits can't contain anything that is searched for.
const MIN_RUN_DIGITS: usize = 12;

/// The fewest bytes of ASCII in one piece in anything that is searched for: `://:p@` has no more.
const MIN_ASCII_BYTES: u32 = 6;

/// How many digits that many bytes take at least, wherever they begin in a group.
const MIN_ASCII_DIGITS: u32 = MIN_ASCII_BYTES * 8 / 6;

/// Separates the decoded runs.
const BETWEEN: u8 = b'\n';

/// The value of each byte as a base64 digit, or [`NO_DIGIT`].
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut at = 0;
    while at < 26 {
        digits[b'A' as usize + at as usize] = at;
        digits[b'a' as usize + at as usize] = at + 26;
        if at < 10 {
            digits[b'0' as usize + at as usize] = at + 52;
        }
        at += 1;
    }
    digits[b'+' as usize] = 62;
    digits[b'-' as usize] = 62;
    digits[b'/' as usize] = 63;
    digits[b'_' as usize] = 63;
    digits
};

const NO_DIGIT: u8 = 0xff;

/// Decodes each run of base64 digits from each of the four digits at which its groups may begin,
/// which gives at most three bytes for each byte of the text. Runs that can't contain ASCII are
/// left out.
pub(super) fn decoded(text: &[u8]) -> Vec<u8> {
    let mut said = Vec::new();
    for run in runs(text).filter(|run| may_say_ascii(run)) {
        for start in 0..4 {
            decode(&run[start..], &mut said);
            said.push(BETWEEN);
        }
    }
    said
}

/// Whether any run in a text may contain ASCII.
pub(super) fn may_say_something(text: &[u8]) -> bool {
    runs(text).any(may_say_ascii)
}

/// The runs of base64 digits that are long enough.
fn runs(text: &[u8]) -> Runs<'_> {
    Runs {
        text,
        block: 0,
        digits: digits_in(block_at(text, 0)),
        open: None,
    }
}

/// The iterator of [`runs`]. It finds the digits in a block of bytes at once, as one bit for each
/// byte: most blocks have no run that is long enough, which a few shifts show.
struct Runs<'t> {
    text: &'t [u8],
    /// The offset of the current block. After the text there is one more block, without digits.
    block: usize,
    /// The digits of the block that have not been passed yet.
    digits: u64,
    /// Where a run began that continues from the block before, if one does.
    open: Option<usize>,
}

/// The length of a block: one bit of a word for each byte.
const BLOCK_BYTES: usize = u64::BITS as usize;

impl<'t> Runs<'t> {
    /// Passes the digits up to `place` in the block, where the run that began at `start` ends.
    /// Returns the run if it is long enough.
    fn pass(&mut self, start: usize, place: u32) -> Option<&'t [u8]> {
        self.digits &= !(u64::MAX.unbounded_shr(u64::BITS - place));
        let end = self.block + place as usize;
        (end - start >= MIN_RUN_DIGITS).then(|| &self.text[start..end])
    }
}

impl<'t> Iterator for Runs<'t> {
    type Item = &'t [u8];

    fn next(&mut self) -> Option<&'t [u8]> {
        while self.block <= self.text.len() {
            if let Some(start) = self.open {
                let place = self.digits.trailing_ones();
                if place < u64::BITS {
                    self.open = None;
                    if let Some(run) = self.pass(start, place) {
                        return Some(run);
                    }
                }
            }
            let long = long_runs(self.digits);
            if self.open.is_none() && long != 0 {
                let first = long.trailing_zeros();
                let place = first + (self.digits >> first).trailing_ones();
                if place < u64::BITS {
                    return self.pass(self.block + first as usize, place);
                }
            }
            let reaching = self.digits.leading_ones() as usize;
            self.block += BLOCK_BYTES;
            if reaching > 0 && self.open.is_none() {
                self.open = Some(self.block - reaching);
            }
            self.digits = digits_in(block_at(self.text, self.block));
        }
        None
    }
}

/// A bit for each position at which as many digits follow as make a run long enough.
fn long_runs(digits: u64) -> u64 {
    const { assert!(MIN_RUN_DIGITS == 12, "twice four of eight, and four") };
    let two = digits & digits >> 1;
    let four = two & two >> 2;
    let eight = four & four >> 4;
    eight & four >> 8
}

/// The block of the text at an offset, filled up with zeros, which are not digits.
fn block_at(text: &[u8], at: usize) -> [u8; BLOCK_BYTES] {
    let rest = text.get(at..).unwrap_or_default();
    rest.first_chunk().copied().unwrap_or_else(|| {
        let mut block = [0; BLOCK_BYTES];
        block[..rest.len()].copy_from_slice(rest);
        block
    })
}

/// A bit for each byte of a block, the first one lowest: set if the byte is a digit.
///
/// Written without tables and branches, so that the compiler can vectorize it.
fn digits_in(block: [u8; BLOCK_BYTES]) -> u64 {
    /// Multiplying by this moves the lowest bits of eight bytes into the highest byte.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let is_digit = block.map(|byte| {
        let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
        // The slash comes right before the digits in ASCII.
        let slash_or_digit = byte.wrapping_sub(b'/') < 11;
        u8::from(letter || slash_or_digit || matches!(byte, b'+' | b'-' | b'_'))
    });
    let (eights, _) = is_digit.as_chunks();
    eights.iter().rev().fold(0, |digits, eight| {
        digits << 8 | u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56
    })
}

/// Whether a run may contain [`MIN_ASCII_BYTES`] of ASCII in one piece, wherever its groups begin.
///
/// The highest bit of an ASCII byte is zero. In the three bytes that a group of four digits
/// encodes, the highest bits come from the first, the second and the third digit, one from each.
fn may_say_ascii(run: &[u8]) -> bool {
    // Counts how many digits in a row allow for ASCII: one byte for each of the four digits at
    // which groups may begin.
    const ONE_EACH: u32 = 0x0101_0101;
    const ENOUGH: u32 = MIN_ASCII_DIGITS * ONE_EACH;
    const {
        assert!(
            MIN_ASCII_DIGITS.is_power_of_two(),
            "a bit says that a count is enough"
        );
    };
    let mut in_a_row = 0_u32;
    let mut turn = 0;
    for byte in run {
        let allowed = ALLOWED[*byte as usize].rotate_left(turn);
        turn = (turn + u8::BITS) % u32::BITS;
        in_a_row = (in_a_row + ONE_EACH) & allowed;
        if in_a_row & ENOUGH != 0 {
            return true;
        }
    }
    false
}

/// For each byte as the first base64 digit of a run: a byte of ones for each start of the groups
/// with which the digit allows for ASCII, otherwise a byte of zeros. For each following digit these
/// bytes rotate by one start.
const ALLOWED: [u32; 256] = {
    /// The bit of a group's first, second and third digit that is the highest of a byte; the fourth
    /// digit has none.
    const HIGHEST: [u8; 4] = [0b10_0000, 0b00_1000, 0b00_0010, 0];
    let mut allowed = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut begin = 0;
        while begin < 4 {
            if DIGITS[byte] & HIGHEST[(4 - begin) % 4] == 0 {
                allowed[byte] |= 0xff << (begin * 8);
            }
            begin += 1;
        }
        byte += 1;
    }
    allowed
};

/// Like [`decoded`], but without leaving out any run.
#[cfg(test)]
pub(super) fn decoded_whatever_it_says(text: &[u8]) -> Vec<u8> {
    let mut said = Vec::new();
    for run in text.split(|b| DIGITS[*b as usize] == NO_DIGIT) {
        for start in 0..4.min(run.len() / MIN_RUN_DIGITS * 4) {
            decode(&run[start..], &mut said);
            said.push(BETWEEN);
        }
    }
    said
}

fn decode(digits: &[u8], said: &mut Vec<u8>) {
    let (mut bits, mut count) = (0_u32, 0);
    for byte in digits {
        bits = bits << 6 | u32::from(DIGITS[*byte as usize]);
        count += 6;
        if count >= 8 {
            count -= 8;
            said.push((bits >> count).to_le_bytes()[0]);
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use proptest::prelude::*;

    use super::*;

    /// All runs of a text, found byte by byte.
    fn each_run(text: &[u8]) -> Vec<&[u8]> {
        let runs = text.split(|b| DIGITS[*b as usize] == NO_DIGIT);
        runs.filter(|run| run.len() >= MIN_RUN_DIGITS).collect()
    }

    /// The length of the longest piece of ASCII in a text.
    fn longest_ascii(text: &[u8]) -> usize {
        let pieces = text.split(|b| !b.is_ascii());
        pieces.map(<[u8]>::len).max().unwrap_or_default()
    }

    #[test]
    fn a_byte_is_a_digit_in_a_block_where_the_table_says_so() {
        for byte in 0..=u8::MAX {
            for place in [0, 7, 8, 40, 63] {
                let mut block = [b'.'; BLOCK_BYTES];
                block[place] = byte;
                let expected = u64::from(DIGITS[byte as usize] != NO_DIGIT) << place;
                assert_eq!(digits_in(block), expected, "{byte} at {place}");
            }
        }
    }

    #[test]
    fn a_run_is_whole_wherever_blocks_end_within_it() {
        for before in 0..140 {
            for length in [11, 12, 13, 52, 64, 65, 128, 200] {
                for behind in ["", ".", ". and more, and so on"] {
                    let run = "Ab0+".repeat(length)[..length].to_owned();
                    let text = format!("{}{run}{behind}", ".".repeat(before));
                    let found: Vec<&[u8]> = runs(text.as_bytes()).collect();
                    assert_eq!(found, each_run(text.as_bytes()), "{text}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn no_run_that_is_long_enough_is_passed_over(
            text in "([a-zA-Z0-9+/_-]{0,30}[ .\"]{0,14}){0,9}",
        ) {
            let found: Vec<&[u8]> = runs(text.as_bytes()).collect();
            prop_assert_eq!(found, each_run(text.as_bytes()));
        }

        #[test]
        fn no_run_that_says_ascii_is_left_out(run in "[a-zA-Z0-9+/]{12,40}") {
            let longest = (0..4).map(|start| {
                let mut said = Vec::new();
                decode(&run.as_bytes()[start..], &mut said);
                longest_ascii(&said)
            });
            if longest.max() >= usize::try_from(MIN_ASCII_BYTES).ok() {
                prop_assert!(may_say_ascii(run.as_bytes()));
            }
        }

        #[test]
        fn a_text_in_base64_is_read_wherever_it_begins(
            text in "[ -~]{12,60}",
            before in "[a-z]{0,5}",
        ) {
            for encoded in [STANDARD.encode(&text), URL_SAFE.encode(&text)] {
                let said = decoded(format!("\"{before}{encoded}\"").as_bytes());
                prop_assert!(memchr::memmem::find(&said, text.as_bytes()).is_some());
            }
        }
    }
}
