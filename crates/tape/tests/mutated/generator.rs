//! Damages tapes at random, from a seed.

/// Most changes that one tape suffers.
const MAX_CHANGES: u64 = 8;

/// Text that changes put into a tape: the format's own words, numbers at the edges of their types,
/// and unfinished pieces of JSON.
const PIECES: [&str; 30] = [
    "\"at_ms\":",
    "\"on_connect\":\"each\"",
    "\"emit\":{}",
    "\"end\":true",
    "\"b64\":",
    "\"x-\"",
    "null",
    "true",
    "-1",
    "0.0001",
    "1e308",
    "18446744073709551615",
    "18446744073709551616",
    "\\ud800",
    "\\u0000",
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\n",
    "\r",
    "\0",
    "\u{feff}",
    "\u{301}",
    "AP8=",
    "{\"tape\":2,\"needs\":[\"x\"]}",
];

/// `SplitMix64`: the same numbers from a seed on every machine.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `n`, which is not 0.
    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).expect("below a usize")
    }
}

/// This tape, damaged as the seed says.
pub(crate) fn mutated(tape: &[u8], seed: u64) -> Vec<u8> {
    let mut numbers = Numbers(seed);
    let mut tape = tape.to_vec();
    for _ in 0..=numbers.next() % MAX_CHANGES {
        change(&mut tape, &mut numbers);
    }
    tape
}

fn change(tape: &mut Vec<u8>, numbers: &mut Numbers) {
    if tape.is_empty() {
        return;
    }
    let at = numbers.below(tape.len());
    let piece = PIECES[numbers.below(PIECES.len())].as_bytes();
    let until = |numbers: &mut Numbers, most| (at + 1 + numbers.below(most)).min(tape.len());
    match numbers.below(10) {
        0 => tape[at] = numbers.next().to_le_bytes()[0],
        1 => tape[at] ^= 1 << numbers.below(8),
        2 => {
            let until = until(numbers, 40);
            tape.drain(at..until);
        }
        3 => tape.truncate(at),
        4 => {
            let until = until(numbers, 40);
            tape.splice(at..until, piece.iter().copied());
        }
        5 => {
            let until = until(numbers, 400);
            let copied = tape[at..until].to_vec();
            let to = numbers.below(tape.len());
            tape.splice(to..to, copied);
        }
        6 => {
            let mut lines: Vec<&[u8]> = tape.split_inclusive(|b| *b == b'\n').collect();
            let (one, other) = (numbers.below(lines.len()), numbers.below(lines.len()));
            lines.swap(one, other);
            *tape = lines.concat();
        }
        7 => {
            let deep = piece.repeat(1 + numbers.below(2_000));
            tape.splice(at..at, deep);
        }
        _ => {
            tape.splice(at..at, piece.iter().copied());
        }
    }
}
