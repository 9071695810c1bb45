//! Steps of every kind that a recording holds, drawn from a seed: a seed always gives the same
//! steps, so a test knows what a tape should hold without having watched the recording.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use wstape_tape::{Action, CloseFrame, End, Micros, Refusal, Step};

/// What payloads are cut from: quotes and backslashes that a line has to escape, control
/// characters, characters of one to four bytes, braces that look like the end of a line.
const PAYLOAD: &str = "{\"event\":\"risk\"}\\ \u{1}\t\r\n ä€😀 {\"at_ms\":1,\"end\":true}\n";

/// Steps without end, whose payloads have `max_bytes` at most.
pub(crate) fn steps(seed: u64, max_bytes: usize) -> impl Iterator<Item = Step> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut at = Micros::ZERO;
    std::iter::repeat_with(move || {
        at.0 += u64::from(rng.next_u32() % 5_000);
        let payload = payload(&mut rng, max_bytes);
        let action = match rng.next_u32() % 8 {
            0..=2 => {
                let padding = payload
                    .replace(['"', '\\'], "'")
                    .replace(char::is_control, " ");
                let json =
                    format!("{{\"event\":\"risk\", \"data\":{{\"padding\":\"{padding}\"}}}}");
                Action::Emit(json.into())
            }
            3 => Action::Text(payload),
            4 => Action::Binary(payload.into()),
            5 => Action::Ping(payload.into()),
            6 => Action::Drop(End::Reset),
            _ if payload.len().is_multiple_of(2) => Action::Close(Some(CloseFrame {
                code: 1001,
                reason: payload,
            })),
            _ => Action::Refuse(Some(Refusal {
                headers: vec![("retry-after".to_owned(), "7".to_owned())],
                ..Refusal::new(503)
            })),
        };
        Step::at(at, action)
    })
}

/// Some of [`PAYLOAD`], over and over: small ones as often as large ones.
fn payload(rng: &mut ChaCha8Rng, max_bytes: usize) -> String {
    let bits = rng.random_range(0..=max_bytes.ilog2());
    let bytes = rng.random_range(0..=max_bytes >> bits);
    let mut payload = PAYLOAD.repeat(bytes / PAYLOAD.len() + 1);
    while !payload.is_char_boundary(bytes.min(payload.len())) {
        payload.pop();
    }
    payload.truncate(bytes);
    payload
}
