//! R15: a crowd that was dropped together comes back spread out.

use wstape_tape::Micros;

use super::findings::Findings;
use crate::rule::Rule;

/// The window in which reconnects are counted.
const WINDOW: Micros = Micros::from_ms(100);
/// How many times its share a window may hold at most.
const MAX_SHARES: u64 = 3;

/// Checks a crowd of `crowd` subscribers that was dropped at `dropped`. Each first delay is drawn
/// from a range of `width`; `dials` are their dials, in order, each with the number of its dialler,
/// from 0. The busiest window of reconnects may hold at most three times its share.
pub fn spread(
    width: Micros,
    crowd: usize,
    dropped: Micros,
    dials: &[(Micros, u32)],
    findings: &mut Findings,
) {
    let mut again = vec![None; crowd];
    for (at, number) in dials {
        if *at >= dropped
            && let Some(first) = again.get_mut(*number as usize)
        {
            first.get_or_insert(*at);
        }
    }
    let mut times: Vec<Micros> = again.into_iter().flatten().collect();
    times.sort_unstable();
    if width <= WINDOW || times.len() < crowd {
        if times.len() < crowd {
            findings.broke(Rule::R15, dropped, || {
                format!(
                    "expected all {crowd} that were dropped to dial again, found {}",
                    times.len()
                )
            });
        }
        return;
    }
    findings.held(Rule::R15);
    let (mut from, mut busiest, mut busiest_at) = (0, 0, Micros::ZERO);
    for (to, at) in times.iter().enumerate() {
        while at.0 - times[from].0 >= WINDOW.0 {
            from += 1;
        }
        if to + 1 - from > busiest {
            (busiest, busiest_at) = (to + 1 - from, times[from]);
        }
    }
    let most = (MAX_SHARES * crowd as u64 * WINDOW.0).div_ceil(width.0);
    if busiest as u64 > most {
        findings.broke(Rule::R15, busiest_at, || {
            format!(
                "expected at most {most} of {crowd} reconnects within {WINDOW} s, spread over \
                 {width} s; found {busiest}"
            )
        });
    }
}
