//! The events that are sent: positions as a trading engine sends them, no two alike.
//!
//! Their numbers differ, also in length, as a real feed's do. If the same event were read again and
//! again, the processor would soon predict every branch, and the reader would look faster than it
//! is.

/// The size of every event, in bytes.
pub(crate) const EVENT_BYTES: usize = 331;

/// The bytes that the numbers of an event take together, so that all events have the same size.
const NUMBERS_BYTES: usize = 42;
/// The fewest and the most bytes of one number.
const MIN_NUMBER_BYTES: usize = 3;
const MAX_NUMBER_BYTES: usize = 11;

/// Numbers from Lehmer's generator, the same in each run.
struct Drawn(u64);

impl Drawn {
    /// Draws a number from `least` to `most`.
    fn between(&mut self, least: usize, most: usize) -> usize {
        // Park and Miller, Communications of the ACM 31 (10).
        self.0 = self.0 * 48_271 % 0x7fff_ffff;
        let span = (most - least + 1) as u64;
        least + usize::try_from(self.0 % span).expect("a small number")
    }

    fn digit(&mut self, least: usize) -> char {
        char::from(b'0' + u8::try_from(self.between(least, 9)).expect("a digit"))
    }

    /// Draws a decimal number of this many bytes.
    fn number(&mut self, bytes: usize) -> String {
        let point = self.between(1, bytes - 2);
        let digits = (0..bytes).map(|at| match at {
            0 => self.digit(1),
            at if at == point => '.',
            _ => self.digit(0),
        });
        digits.collect()
    }

    fn numbers(&mut self) -> [String; 6] {
        loop {
            let mut bytes = [0; 6].map(|_| self.between(MIN_NUMBER_BYTES, MAX_NUMBER_BYTES));
            let rest = NUMBERS_BYTES.saturating_sub(bytes[1..].iter().sum());
            if (MIN_NUMBER_BYTES..=MAX_NUMBER_BYTES).contains(&rest) {
                bytes[0] = rest;
                return bytes.map(|bytes| self.number(bytes));
            }
        }
    }

    fn event(&mut self) -> String {
        let [price, size, other_price, other_size, usd, account] = self.numbers();
        let micros: String = (0..6).map(|_| self.digit(0)).collect();
        format!(
            "{{\"event\": \"positions\", \"ts\": \"2026-04-22T12:19:29.{micros}+00:00\", \"data\": \
             {{\"positions\": [{{\"coin\": \"TRX\", \"direction\": \"LONG\", \"entry_price\": {price}, \
             \"size_coins\": {size}, \"lens_id\": \"lens_flow\"}}, {{\"coin\": \"BTC\", \"direction\": \
             \"SHORT\", \"entry_price\": {other_price}, \"size_coins\": {other_size}, \"size_usd\": \
             {usd}}}], \"account_value\": {account}}}}}"
        )
    }
}

/// The size of every frame, in bytes.
pub(crate) const FRAME_BYTES: usize = EVENT_BYTES + 4;

/// Returns this many of a server's frames, with an event in each.
pub(crate) fn frames(count: usize) -> Vec<u8> {
    let mut drawn = Drawn(1);
    let mut frames = Vec::with_capacity(count * FRAME_BYTES);
    for _ in 0..count {
        let event = drawn.event();
        assert_eq!(event.len(), EVENT_BYTES, "{event}");
        let bytes = u16::try_from(EVENT_BYTES).expect("a short event");
        frames.extend([0x81, 126]);
        frames.extend(bytes.to_be_bytes());
        frames.extend(event.as_bytes());
    }
    frames
}
