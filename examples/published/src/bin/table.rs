//! Prints the results of several chaos runs as one Markdown table: the rules that were judged for
//! each subscriber, and whether each held.

use std::collections::BTreeMap;
use std::{env, fs};

use serde_json::Value;

const RULES: usize = 16;

fn main() {
    let mut rows = Vec::new();
    for file in env::args().skip(1) {
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        let results: Value = serde_json::from_str(&text).expect("results");
        let subject = results["subject"].as_str().unwrap_or_default().to_owned();
        let held = &results["tally"]["coverage"]["rules"];
        let failures = results["failures"].as_array().cloned().unwrap_or_default();
        let broken: BTreeMap<String, Value> = failures
            .iter()
            .map(|failure| {
                let rule = failure["violation"]["rule"].as_str().unwrap_or_default();
                (rule.to_owned(), failure.clone())
            })
            .collect();
        let judged: Vec<&str> = results["judged"]["rules"]
            .as_array()
            .map(|rules| rules.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let cell = |rule: String| {
            if broken.contains_key(&rule) {
                "**broken**"
            } else if !judged.contains(&&*rule) {
                "·"
            } else if held[&rule].as_u64().unwrap_or(0) > 0 {
                "held"
            } else {
                "not seen"
            }
        };
        let cells: Vec<&str> = (1..=RULES).map(|n| cell(format!("R{n}"))).collect();
        let cases = &results["tally"]["cases"];
        rows.push(format!("| {subject} | {cases} | {} |", cells.join(" | ")));
        for (rule, failure) in &broken {
            let what = failure["violation"]["what"].as_str().unwrap_or_default();
            let times = &failure["times"];
            eprintln!("- {subject}, {rule}, in {times} cases: {what}");
        }
    }
    let heads: Vec<String> = (1..=RULES).map(|n| format!("R{n}")).collect();
    println!("| subscriber | cases | {} |", heads.join(" | "));
    println!("| --- | ---: |{}", " --- |".repeat(RULES));
    for row in rows {
        println!("{row}");
    }
}
