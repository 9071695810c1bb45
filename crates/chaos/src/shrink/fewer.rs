//! Fewer things: delta debugging on a list, chunks first.

/// Lists up to this long are also searched for pairs that can only go together.
const MAX_PAIRED: usize = 12;

/// Removes from `things` what can go while the rest `will_do`: all, then halves, quarters and so on
/// down to single ones, repeated until none can go; in a short list also any two at once. `will_do`
/// must hold for `things` themselves.
///
/// The result is as short as single removals can make it, and depends only on the arguments. With n
/// things of which k matter, about k · log n lists are tried.
pub(super) fn fewest<T: Clone>(
    mut things: Vec<T>,
    mut will_do: impl FnMut(&[T]) -> bool,
) -> Vec<T> {
    if things.is_empty() || will_do(&[]) {
        return Vec::new();
    }
    loop {
        let before = things.len();
        let mut chunk = things.len().div_ceil(2);
        loop {
            without_chunks(&mut things, chunk, &mut will_do);
            if chunk <= 1 {
                break;
            }
            chunk = chunk.div_ceil(2).min(things.len().max(1));
        }
        without_pairs(&mut things, &mut will_do);
        if things.len() == before || things.len() < 2 {
            return things;
        }
    }
}

/// Removes each run of `chunk` things that can go, from the back: late things depend on early ones,
/// seldom the reverse.
fn without_chunks<T: Clone>(
    things: &mut Vec<T>,
    chunk: usize,
    will_do: &mut impl FnMut(&[T]) -> bool,
) {
    let mut end = things.len();
    while end > 0 {
        let start = end.saturating_sub(chunk);
        // The empty list is already known not to do.
        if end - start < things.len() {
            let rest = [&things[..start], &things[end..]].concat();
            if will_do(&rest) {
                *things = rest;
            }
        }
        end = start;
    }
}

/// Removes two things that can only go together, such as a fault and its undoing.
fn without_pairs<T: Clone>(things: &mut Vec<T>, will_do: &mut impl FnMut(&[T]) -> bool) {
    let mut first = 0;
    while things.len() > 2 && things.len() <= MAX_PAIRED && first < things.len() {
        let pair = (first + 1..things.len()).find_map(|second| {
            let mut rest = things.clone();
            rest.remove(second);
            rest.remove(first);
            will_do(&rest).then_some(rest)
        });
        match pair {
            Some(rest) => *things = rest,
            None => first += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fewest;

    #[test]
    fn only_what_matters_is_left_wherever_it_stands() {
        for needed in [&[][..], &[0], &[999], &[500, 501], &[0, 333, 666, 999]] {
            let mut tries = 0;
            let left = fewest((0..1_000).collect(), |things: &[i32]| {
                tries += 1;
                needed.iter().all(|one| things.contains(one))
            });
            assert_eq!(left, needed);
            assert!(tries < 200, "{needed:?}: {tries} tries");
        }
    }

    #[test]
    fn two_that_can_only_go_together_go_together() {
        let balanced =
            |things: &[i32]| things.contains(&7) && things.contains(&1) == things.contains(&-1);
        assert_eq!(fewest(vec![1, 7, -1], balanced), [7]);
    }

    #[test]
    fn of_many_that_would_do_one_is_left() {
        assert_eq!(
            fewest((0..64).collect(), |things: &[i32]| !things.is_empty()).len(),
            1
        );
    }

    #[test]
    fn what_can_not_be_shortened_stays_whole_and_in_order() {
        let all: Vec<i32> = (0..9).collect();
        assert_eq!(fewest(all.clone(), |things| things == all), all);
    }
}
