//! Finds the simplest number that will do: the roundest, and of those the smallest.

/// Units of time to round to, in microseconds, the roundest first.
pub(super) const TIME_UNITS: &[u64] = &[1_000_000, 100_000, 10_000, 1_000, 1];

/// Units to round counts, bytes and statuses to.
pub(super) const COUNT_UNITS: &[u64] = &[1];

/// Searches for a simpler number than `now` that `will_do`, in `least..`; `None` if there is none.
///
/// For each unit, the roundest first, bisects for the smallest multiple that will do, in a little
/// more than log2 of the number of multiples. A number is simpler if it is a multiple of a rounder
/// unit, or of the same unit and smaller, so that repeated searches end. `units` must end with 1.
pub(super) fn simplest(
    now: u64,
    least: u64,
    units: &[u64],
    mut will_do: impl FnMut(u64) -> bool,
) -> Option<u64> {
    if now <= least {
        return None;
    }
    if will_do(least) {
        return Some(least);
    }
    // A unit larger than the number would make it larger, not simpler.
    for &unit in units.iter().filter(|unit| **unit <= now) {
        let round_already = now.is_multiple_of(unit);
        // Exclusive lower bound: known not to do, or too small.
        let mut below = least / unit;
        let mut found = if round_already {
            now / unit
        } else {
            let up = now / unit + 1;
            let Some(rounded) = up.checked_mul(unit) else {
                continue;
            };
            let down = now / unit;
            if will_do(rounded) {
                up
            } else if down > below && will_do(down * unit) {
                // If the next one above won't do, the one below may.
                down
            } else {
                continue;
            }
        };
        while found - below > 1 {
            let middle = below + (found - below) / 2;
            if will_do(middle * unit) {
                found = middle;
            } else {
                below = middle;
            }
        }
        let found = found * unit;
        return (found != now).then_some(found);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{COUNT_UNITS, TIME_UNITS, simplest};

    #[test]
    fn the_roundest_number_wins_and_of_the_round_ones_the_smallest() {
        type WillDo = fn(u64) -> bool;
        let table: &[(u64, WillDo, Option<u64>)] = &[
            (29_999_001, |_| true, Some(0)),
            (29_999_001, |n| n >= 29_999_001, Some(30_000_000)),
            (29_999_001, |n| n > 4_200_000, Some(5_000_000)),
            (29_999_001, |n| n > 4_200_000 && n < 4_900_000, None),
            (
                4_321_987,
                |n| n > 4_200_000 && n < 4_900_000,
                Some(4_300_000),
            ),
            (
                4_321_987,
                |n| n == 4_321_987 || n == 4_321_000,
                Some(4_321_000),
            ),
            (4_321_987, |n| n == 4_321_987, None),
            (30_000_000, |n| n == 30_000_000, None),
            (1, |n| n > 0, None),
            (0, |_| true, None),
        ];
        for (now, will_do, simpler) in table {
            assert_eq!(simplest(*now, 0, TIME_UNITS, will_do), *simpler, "{now}");
        }
    }

    #[test]
    fn no_number_below_the_least_is_tried() {
        let mut tried = Vec::new();
        let found = simplest(1_000, 10, COUNT_UNITS, |n| {
            tried.push(n);
            n >= 700
        });
        assert_eq!(found, Some(700));
        assert!(tried.iter().all(|n| *n >= 10), "{tried:?}");
        assert!(tried.len() < 14, "{tried:?}");
    }

    #[test]
    fn a_search_repeated_comes_to_an_end_at_once() {
        for limit in [1, 999, 1_000, 1_234_567, 59_999_999] {
            let mut now = 98_765_432;
            let mut rounds = 0;
            while let Some(simpler) = simplest(now, 0, TIME_UNITS, |n| n >= limit) {
                now = simpler;
                rounds += 1;
            }
            assert!(now >= limit && rounds <= 1, "{limit}: {now} after {rounds}");
        }
    }

    #[test]
    fn the_largest_number_there_is_does_not_overflow() {
        assert_eq!(simplest(u64::MAX, 0, TIME_UNITS, |n| n == u64::MAX), None);
    }
}
