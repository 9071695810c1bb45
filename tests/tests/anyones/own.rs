//! Rules, a model and a record that any subscriber may bring.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};
use wstape_chaos::{Case, FAULT_KEY, play, shrink};
use wstape_harness::{FunctionSubject, Narrowed, Stage, Subject, subject};
use wstape_oracle::{Fact, Message, OwnName, OwnRule, Rule, RuleSet, Told, What};
use wstape_tape::Tape;

const PRICES: &str = r#"{"tape":1}
{"at_ms":100,"text":"{\"symbol\":\"BTC\",\"price\":2}"}
{"at_ms":200,"text":"nonsense"}
{"at_ms":300,"text":"{\"symbol\":\"ETH\",\"price\":1}"}
{"at_ms":1000,"drop":"fin","x-fault":"fin","x-layer":"faults"}
{"at_ms":4000,"text":"{\"symbol\":\"BTC\",\"price\":1}"}
{"at_ms":5000,"ping":"p","x-fault":"pings","x-layer":"faults"}
{"at_ms":9000,"end":true}
"#;

fn case() -> Case {
    Case::from_tape(Tape::parse("prices", PRICES).expect("a tape")).expect("a case")
}

fn broken(subject: &dyn Subject) -> Vec<String> {
    let violations = play(&case(), subject).verdict.violations;
    violations.iter().map(ToString::to_string).collect()
}

/// A rule: no price of a symbol is ever below the one before it.
#[derive(Debug, Clone, Default)]
struct NeverFalls {
    last: Option<f64>,
    seen: u64,
    broken: Option<String>,
}

/// The rule's name.
const NEVER_FALLS: OwnName = OwnName::new("never-falls", "the price of BTC never falls");

impl OwnRule for NeverFalls {
    fn name(&self) -> OwnName {
        NEVER_FALLS
    }

    fn observe(&mut self, fact: &Fact<'_>) {
        let What::Received(Message::Text(text)) = fact.what else {
            return;
        };
        let message: Value = serde_json::from_str(text).unwrap_or_default();
        if message["symbol"] != "BTC" {
            return;
        }
        self.seen += 1;
        let price = message["price"].as_f64();
        if price < self.last {
            self.broken = Some(format!(
                "expected at least {:?}, found {price:?}",
                self.last
            ));
        }
        self.last = price;
    }

    fn verdict(&self) -> Result<u64, String> {
        self.broken.clone().map_or(Ok(self.seen), Err)
    }
}

/// How the subscriber under test misbehaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Wrong {
    forgets: bool,
    claims: bool,
    miscounts: bool,
}

/// What a subscriber shows about itself.
#[derive(Debug, Clone, Default)]
struct Shown {
    prices: Arc<Mutex<Value>>,
    connected: Arc<AtomicBool>,
    undecodable: Arc<AtomicU64>,
}

/// Returns a subscriber that shows the newest price of each symbol, and a record of its connection.
fn prices(wrong: Wrong) -> FunctionSubject<impl Fn(Stage) -> Fut + Send + Sync + Clone> {
    subject(move |stage: Stage| {
        let shown = Shown::default();
        let mirror = Arc::clone(&shown.prices);
        stage.show_mirror(move || match mirror.lock().expect("no panic").clone() {
            Value::Null => json!({}),
            prices => prices,
        });
        let told = shown.clone();
        stage.show_record(move || Told {
            connected: Some(wrong.claims || told.connected.load(Ordering::Relaxed)),
            undecodable: Some(told.undecodable.load(Ordering::Relaxed)),
            ..Told::default()
        });
        Box::pin(follow(stage.url, shown, wrong)) as Fut
    })
    .model(json!({}), fold)
}

async fn follow(url: String, shown: Shown, wrong: Wrong) {
    loop {
        if let Ok(stream) = wstape_dial::dial("127.0.0.1", 1).await
            && let Ok((mut socket, _)) = tokio_tungstenite::client_async(url.as_str(), stream).await
        {
            shown.connected.store(true, Ordering::Relaxed);
            while let Some(Ok(message)) = socket.next().await {
                if message.is_text() {
                    take(&shown, message.to_text().unwrap_or_default(), wrong);
                }
            }
            shown.connected.store(false, Ordering::Relaxed);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn take(shown: &Shown, text: &str, wrong: Wrong) {
    let mut prices = shown.prices.lock().expect("no panic");
    if !fold(&mut prices, text) && !wrong.miscounts {
        shown.undecodable.fetch_add(1, Ordering::Relaxed);
    }
    if wrong.forgets && prices.get("ETH").is_some() {
        *prices = json!({"ETH": prices["ETH"]});
    }
}

/// A subscriber's future.
type Fut = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

fn fold(mirror: &mut Value, message: &str) -> bool {
    let Ok(message) = serde_json::from_str::<Value>(message) else {
        return false;
    };
    let Some(symbol) = message["symbol"].as_str() else {
        return false;
    };
    mirror[symbol] = message["price"].clone();
    true
}

#[test]
fn a_mirror_and_a_record_that_are_true_break_nothing_and_are_judged() {
    let right = prices(Wrong::default());
    assert_eq!(broken(&right), [""; 0]);
    let held = play(&case(), &right).verdict.coverage.rules;
    for rule in [Rule::R9, Rule::R10, Rule::R12] {
        assert!(held.get(&rule).is_some_and(|n| *n > 0), "{rule}: {held:?}");
    }
}

#[test]
fn a_mirror_a_record_and_a_count_that_are_wrong_break_their_rules_at_the_message() {
    let forgets = prices(Wrong {
        forgets: true,
        ..Wrong::default()
    });
    assert_eq!(
        broken(&forgets),
        ["R9 at 0.300000 on dial 1: mirror.BTC: expected 2, found nothing"]
    );
    let claims = prices(Wrong {
        claims: true,
        ..Wrong::default()
    });
    assert_eq!(
        broken(&claims)[0],
        "R10 at 0.000000 on dial 1: connected: expected false, found true"
    );
    let miscounts = prices(Wrong {
        miscounts: true,
        ..Wrong::default()
    });
    assert!(
        broken(&miscounts)[0].starts_with("R12 at 0.3"),
        "{:?}",
        broken(&miscounts)
    );
}

#[test]
fn what_is_kept_of_a_broken_rule_is_the_mirror_at_that_moment_and_not_at_the_end() {
    let forgets = prices(Wrong {
        forgets: true,
        ..Wrong::default()
    });
    let played = play(&case(), &forgets);
    let json = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    let moment = &played.moments[0];
    assert_eq!(json(&moment.mirror), json!({"ETH":1}));
    // By the end of the case, the price of BTC is 1.
    assert_eq!(json(&moment.model), json!({"BTC":2,"ETH":1}));
    let trace = played.trace.to_string();
    let marked = trace.find("BROKEN R9").expect("the moment is marked");
    let later = trace.find("4.000000").expect("the tape goes on");
    assert!(marked < later, "{trace}");
}

#[test]
fn a_rule_of_ones_own_breaks_under_its_name_is_shrunk_by_it_and_can_be_left_out() {
    let subject = prices(Wrong::default()).rule(NeverFalls::default());
    let rule = Rule::Own(NEVER_FALLS);
    assert_eq!(
        broken(&subject),
        ["never-falls at 4.000000 on dial 2: expected at least Some(2.0), found Some(1.0)"]
    );
    let breaks = |case: &Case| play(case, &subject).verdict.broken();
    let shrunk = shrink(case(), rule, breaks, || true).case;
    assert_eq!(
        shrunk.faults.steps.len(),
        0,
        "no fault is needed: {}",
        shrunk.to_tape()
    );
    assert!(!shrunk.to_tape().to_string().contains(FAULT_KEY));
    assert_eq!(breaks(&shrunk), Some(rule));

    let all = subject.rules();
    let subject: Arc<dyn Subject> = Arc::new(subject);
    let without = all.without(&RuleSet::from_iter([rule]));
    assert_eq!(broken(&Narrowed::new(subject, &without)), [""; 0]);
}
