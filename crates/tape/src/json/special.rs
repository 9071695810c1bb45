//! Finds where a string or a number's digits end, eight bytes at a time.
//!
//! This takes fewer steps, and most often a single turn of the loop: the end of a loop over bytes
//! is hard for a processor to predict, since strings and numbers vary in length.

const LANES: usize = 8;
const ONES: u64 = u64::MAX / 0xff;
const HIGH_BITS: u64 = ONES << 7;

/// Returns the place of the first quote, backslash or ASCII control character (below a space) from
/// `at` on, or the length if there is none.
pub(super) fn next_special(text: &[u8], at: usize) -> usize {
    first(text, at, specials, is_special)
}

/// Returns the place of the first byte from `at` on that is not a digit, or the length if there is
/// none.
pub(super) fn behind_digits(text: &[u8], at: usize) -> usize {
    first(text, at, no_digits, |byte| !byte.is_ascii_digit())
}

/// Returns the place of the first matching byte from `at` on, or the length if there is none.
/// `in_lanes` finds the first match in eight bytes, by the high bit of its lane; `is` tests one
/// byte.
#[inline]
fn first(
    text: &[u8],
    mut at: usize,
    in_lanes: impl Fn(u64) -> u64,
    is: impl Fn(u8) -> bool,
) -> usize {
    while let Some(lanes) = text.get(at..at + LANES) {
        let lanes = lanes.try_into().map_or(0, u64::from_le_bytes);
        let found = in_lanes(lanes);
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += LANES;
    }
    let rest = text.get(at..).unwrap_or_default();
    let found = rest.iter().position(|byte| is(*byte));
    found.map_or(text.len(), |found| at + found)
}

/// Returns the high bit of each lane that is not a digit.
fn no_digits(lanes: u64) -> u64 {
    // A digit is at most 9 after the XOR, so the addition doesn't reach its high bit; of any other
    // byte it does, or the high bit was set already.
    let from_zero = lanes ^ (ONES * u64::from(b'0'));
    (((from_zero & !HIGH_BITS) + ONES * (0x80 - 10)) | from_zero) & HIGH_BITS
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..0x20)
}

/// Returns the high bit of the first lane that is special, and perhaps of some after it.
fn specials(lanes: u64) -> u64 {
    // A lane less than `bound` borrows; a borrow may reach the lanes after it, never those before.
    let below = |lanes: u64, bound: u64| lanes.wrapping_sub(ONES * bound) & !lanes;
    let is = |byte: u8| below(lanes ^ (ONES * u64::from(byte)), 1);
    (below(lanes, 0x20) | is(b'"') | is(b'\\')) & HIGH_BITS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_first_special_byte_is_found_wherever_it_stands(
            text in proptest::collection::vec(
                prop_oneof![any::<u8>(), Just(b'a'), 0x1e_u8..0x24, 0x5b_u8..0x5e, 0x7f_u8..0x82],
                0..40,
            ),
            at in 0_usize..12,
        ) {
            let at = at.min(text.len());
            let expected = text[at..].iter().position(|byte| is_special(*byte));
            let expected = expected.map_or(text.len(), |found| at + found);
            prop_assert_eq!(next_special(&text, at), expected);
        }

        #[test]
        fn digits_end_at_the_first_byte_that_is_none(
            text in proptest::collection::vec(
                prop_oneof![4 => b'0'..=b'9', 1 => 0x2e_u8..0x3c, 1 => any::<u8>()],
                0..40,
            ),
            at in 0_usize..12,
        ) {
            let at = at.min(text.len());
            let expected = text[at..].iter().position(|byte| !byte.is_ascii_digit());
            let expected = expected.map_or(text.len(), |found| at + found);
            prop_assert_eq!(behind_digits(&text, at), expected);
        }
    }
}
