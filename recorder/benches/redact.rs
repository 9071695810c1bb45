//! What redaction and the scan cost, per step and per byte.

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use wstape_recorder::{Redactor, Rules};
use wstape_tape::{Header, Step};

const STEPS: usize = 1_000;

fn main() {
    divan::main();
}

/// An event about as long as the production engine's.
fn event(step: usize) -> String {
    format!(
        "{{\"event\":\"positions\",\"ts\":\"2026-04-21T19:05:36.821259+00:00\",\"data\":{{\
         \"account_value\":{}.56,\"positions\":[{{\"symbol\":\"BTC\",\"side\":\"long\",\
         \"size\":0.25,\"entry\":64000.5,\"mark\":64123.0,\"unrealized_pnl\":30.62,\
         \"stop\":63000.0,\"target\":66000.0,\"lens_id\":\"trend\",\"age_s\":3600.5}}]}}}}",
        10_000 + step
    )
}

/// The steps of a recording: events, or the same as texts, which are JSON in JSON.
fn recording(events: bool) -> Vec<Step> {
    let line = |step| {
        let event = event(step);
        if events {
            format!("{{\"at_ms\":{step}.125,\"emit\":{event}}}")
        } else {
            let text = serde_json::to_string(&event).unwrap();
            format!("{{\"at_ms\":{step}.125,\"text\":{text}}}")
        }
    };
    (0..STEPS)
        .map(|step| Step::parse("bench", 2, &line(step)).unwrap())
        .collect()
}

fn text(steps: &[Step]) -> String {
    let lines: Vec<String> = steps.iter().map(Step::to_line).collect();
    "{\"tape\":1}\n".to_owned() + &lines.join("\n") + "\n"
}

/// A redactor that knows so many secrets.
fn redactor(known: usize) -> Redactor {
    let mut redactor = Redactor::new(Rules::default(), [7; 32]);
    for secret in 0..known {
        redactor.remember("a secret", &format!("0x{secret:08x}c0ffee{secret:08x}"));
    }
    redactor
}

#[divan::bench(args = [0, 100, 10_000])]
fn scan_events(bencher: Bencher<'_, '_>, known: usize) {
    scan(bencher, &text(&recording(true)), known);
}

#[divan::bench(args = [0, 100, 10_000])]
fn scan_texts(bencher: Bencher<'_, '_>, known: usize) {
    scan(bencher, &text(&recording(false)), known);
}

fn scan(bencher: Bencher<'_, '_>, text: &str, known: usize) {
    let redactor = redactor(known);
    bencher
        .counter(ItemsCount::new(STEPS))
        .counter(BytesCount::of_str(text))
        .bench_local(|| {
            let hit = redactor.scan(black_box(text.as_bytes())).unwrap();
            assert_eq!(hit, None);
        });
}

#[divan::bench]
fn step_without_rules(bencher: Bencher<'_, '_>) {
    steps(bencher, Rules::default());
}

#[divan::bench]
fn step_with_a_key_that_is_not_there(bencher: Bencher<'_, '_>) {
    steps(bencher, Rules::default().key("wallet"));
}

#[divan::bench]
fn step_with_a_number_at_a_pointer(bencher: Bencher<'_, '_>) {
    steps(
        bencher,
        Rules::default().pointer("/data/account_value").unwrap(),
    );
}

#[divan::bench]
fn step_with_a_string_by_its_key(bencher: Bencher<'_, '_>) {
    steps(bencher, Rules::default().key("lens_id"));
}

fn steps(bencher: Bencher<'_, '_>, rules: Rules) {
    let mut recording = recording(true);
    for step in &mut recording {
        *step = Step::from(step.clone().into_fields());
    }
    let size = BytesCount::of_str(&text(&recording));
    let mut redactor = Redactor::new(rules, [7; 32]);
    redactor.header(Header::new("bench"));
    bencher
        .counter(ItemsCount::new(STEPS))
        .counter(size)
        .with_inputs(|| recording.clone())
        .bench_local_values(|steps| {
            for step in steps {
                black_box(redactor.step(step));
            }
        });
}

/// Texts that draw the scan's attention again and again and hold no secret.
const HARD: [&str; 6] = [
    "secret",
    "secret=\"",
    "eyJ-",
    "eyJaaaaa.a.",
    "://a:",
    "c2VjcmV0",
];

/// Each of them at each size: the time has to grow as the size does.
fn hard_texts() -> Vec<(&'static str, usize)> {
    let sizes = |unit| [1, 4, 16, 64].map(|mib| (unit, mib));
    HARD.into_iter().flat_map(sizes).collect()
}

struct Hard(&'static str, usize);

impl std::fmt::Display for Hard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} MiB of {}", self.1, self.0)
    }
}

/// One value of that text, as `check` finds it in a line.
#[divan::bench(args = hard_texts().into_iter().map(|(unit, mib)| Hard(unit, mib)), sample_count = 3, sample_size = 1)]
fn scan_one_value(bencher: Bencher<'_, '_>, text: &Hard) {
    let Hard(unit, mib) = *text;
    let value = unit.replace('"', "\\\"").repeat((mib << 20) / unit.len());
    let line = format!("{{\"at_ms\":1,\"text\":\"{value}\"}}\n");
    let redactor = redactor(0);
    bencher.counter(BytesCount::of_str(&line)).bench_local(|| {
        let hit = redactor.scan(black_box(line.as_bytes())).unwrap();
        assert_eq!(hit, None);
    });
}
