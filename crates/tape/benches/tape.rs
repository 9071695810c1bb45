//! Throughput of reading and writing, per step and per byte.

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use wstape_tape::{Tape, TapeReader, TapeWriter, check};

const STEPS: usize = 1_000;

fn main() {
    divan::main();
}

/// A recording of similar events, each about as long as the production engine's.
fn recording() -> String {
    let mut text = String::from("{\"tape\":1,\"title\":\"bench\"}\n");
    for step in 0..STEPS {
        let event = format!(
            "{{\"at_ms\":{step}.125,\"emit\":{{\"event\":\"positions\",\
             \"ts\":\"2026-04-21T19:05:36.821259+00:00\",\"data\":{{\"account_value\":10234.56,\
             \"positions\":[{{\"symbol\":\"BTC\",\"side\":\"long\",\"size\":0.25,\"entry\":64000.5,\
             \"mark\":64123.0,\"unrealized_pnl\":30.62,\"stop\":63000.0,\"target\":66000.0,\
             \"lens_id\":\"trend\",\"age_s\":3600.5}}]}}}}}}\n"
        );
        text.push_str(&event);
    }
    text
}

#[divan::bench]
fn read(bencher: Bencher<'_, '_>) {
    let text = recording();
    bencher
        .counter(ItemsCount::new(STEPS))
        .counter(BytesCount::of_str(&text))
        .bench_local(|| {
            let reader = TapeReader::new("bench", black_box(text.as_bytes())).unwrap();
            check(reader).unwrap()
        });
}

#[divan::bench]
fn write_as_read(bencher: Bencher<'_, '_>) {
    write(bencher, &Tape::parse("bench", &recording()).unwrap());
}

#[divan::bench]
fn write_canonical(bencher: Bencher<'_, '_>) {
    let mut tape = Tape::parse("bench", &recording()).unwrap();
    for step in &mut tape.steps {
        *step = wstape_tape::Step::from(step.clone().into_fields());
    }
    write(bencher, &tape);
}

fn write(bencher: Bencher<'_, '_>, tape: &Tape) {
    let size = BytesCount::of_str(&tape.to_string());
    bencher
        .counter(ItemsCount::new(STEPS))
        .counter(size)
        .bench_local(|| {
            let mut writer = TapeWriter::new(std::io::sink(), &tape.header).unwrap();
            for step in black_box(&tape.steps) {
                writer.write(step).unwrap();
            }
        });
}
