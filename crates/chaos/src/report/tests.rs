//! One run's results, in each report.

use wstape_oracle::{Edge, Rule, Violation};

use super::{Ending, Failure, MAX_ANNOTATIONS, Part, Results, Smaller};
use crate::{Coverage, Family, FaultKind, Judged, Origin, Shard, Tally, Verdict};

/// A run that broke R3 under a FIN; the failure's name must be escaped everywhere.
fn broken() -> Results {
    let mut results = held();
    results.broke(Failure {
        case: Origin::Seed(1234),
        violation: Violation {
            rule: Rule::R3,
            at_us: 1_500_000,
            dial: Some(2),
            what: "expected a gap of 0.5 s, found <0.25> s & 100%, or so".to_owned(),
        },
        asks: "Each gap is what the backoff gives.".to_owned(),
        excerpt: vec![
            "      1.000000  #1    read fin".to_owned(),
            "►     1.250000  #2    dial".to_owned(),
        ],
        family: Some(Family::Network),
        times: 1_204,
        repeats: true,
        shrunk: Some(Smaller {
            from: 41,
            to: 2,
            tries: 310,
            took_ms: 1_250,
            complete: true,
        }),
        files: vec![
            "out/R3-1234.jsonl".to_owned(),
            "out/R3-1234.trace.txt".to_owned(),
        ],
        again: "cargo chaos --tape out/R3-1234.jsonl".to_owned(),
    });
    results
}

/// A run in which everything enabled was seen.
fn held() -> Results {
    let mut coverage = Coverage::default();
    coverage.held(Rule::R3, 1_234_567);
    coverage.took(Edge::OPEN_FIN, 1);
    coverage.took(Edge::WAIT_DIAL, 1);
    coverage.faults.insert(FaultKind::Fin, 12);
    coverage.calls.insert("shutdown".to_owned(), 3);
    let mut tally = Tally::default();
    tally.add(&Verdict {
        coverage,
        virtual_us: 7_200_000_000,
        reconnects: 61_000,
        messages: 9,
        ..Verdict::default()
    });
    let part = Part {
        seeds: Some("0..500".parse().unwrap()),
        shard: Shard::WHOLE,
    };
    let mut results = Results::new("engine-client", Judged::everything(), part, tally);
    results.elapsed_ms = 2_000;
    results
}

/// A run that never saw an end of stream.
fn inconclusive() -> Results {
    let mut results = held();
    results.tally.coverage.edges.insert(Edge::OPEN_FIN, 0);
    results
}

#[test]
fn a_run_in_real_time_says_how_much_of_that_its_cases_took_and_claims_no_virtual_hours() {
    let mut results = held();
    let virtual_run = results.figures();
    assert!(
        virtual_run.contains(": 2.0 virtual hours, "),
        "{virtual_run}"
    );
    results.judged = results.judged.in_real_time();
    results.tally.virtual_us = 90_000_000;
    let real_run = results.conclusion();
    let said = "in 2.0 s: 1.5 minutes of real time, added up, 61,000 reconnects";
    assert!(real_run.contains(said), "{real_run}");
    assert!(!real_run.contains("virtual"), "{real_run}");
}

#[test]
fn a_person_reads_the_tables_then_the_failures_complete_and_last_how_it_ended() {
    assert_eq!(
        broken().summary(),
        "\
rules, and how often each one's precondition held
   1,234,567  R3   each gap as the backoff gives it

faults of network that fired
          12  fin

calls of the subscriber's user
           3  shutdown

edges of the connection's state machine
           1  open: fin                          1  wait: dial

1 cases in 2.0 s: 2.0 virtual hours, 61,000 reconnects, 9 messages
judged: R1, R2, R3, R4, R5, R6, R7, R8, R9, R10, R11, R12, R13, R14, R15, R16

R3 (each gap as the backoff gives it) broke, seed 1234, at 1.500000 s on dial 2: expected a gap of 0.5 s, found <0.25> s & 100%, or so
  it asks: Each gap is what the backoff gives.

        1.000000  #1    read fin
  ►     1.250000  #2    dial

  look at: the `sleep` before a dial: does every path back to the dial go through it, and does the delay grow as it should?
  broken in 1,204 cases
  shrunk from 41 faults and calls to 2 in 1.2 s, 310 tries
  out/R3-1234.jsonl
  out/R3-1234.trace.txt
  again: cargo chaos --tape out/R3-1234.jsonl

BROKEN: R3
"
    );
    assert!(
        held()
            .summary()
            .ends_with("held: all rules, in all that was seen\n")
    );
    let summary = inconclusive().summary();
    assert_eq!(
        summary.matches("open: fin").count(),
        1,
        "said once: {summary}"
    );
    let ending = "INCONCLUSIVE: no rule broke, but\n  never seen: edges open: fin\n";
    assert!(summary.ends_with(ending), "{summary}");
}

#[test]
fn junit_has_the_same_cases_in_every_run_and_says_which_failed_and_which_were_skipped() {
    let xml = broken().junit().unwrap();
    let per_rule = Family::ALL.len() + 1;
    assert_eq!(
        xml.matches("<testcase ").count(),
        Rule::ALL.len() * per_rule + 1
    );
    assert_eq!(xml.matches("<testsuite ").count(), Rule::ALL.len() + 1);
    assert_eq!(xml.matches("<failure ").count(), 1);
    // Only R3 under network faults was tested.
    assert_eq!(
        xml.matches("<skipped ").count(),
        Rule::ALL.len() * per_rule - 1
    );
    let failure = concat!(
        "<testcase name=\"network\" classname=\"chaos.R3 each gap as the backoff gives it\" ",
        "assertions=\"1234567\">\n            ",
        "<failure message=\"R3 at 1.500000 on dial 2: expected a gap of 0.5 s, found ",
        "&lt;0.25&gt; s &amp; 100%, or so\" type=\"R3\">"
    );
    assert!(xml.contains(failure), "{xml}");
    assert!(
        xml.contains("again: cargo chaos --tape out/R3-1234.jsonl"),
        "{xml}"
    );
    let names = |xml: &str| -> Vec<String> {
        let cases = xml.lines().filter(|line| line.contains("<testcase "));
        cases
            .map(|line| {
                line.split(" assertions")
                    .next()
                    .unwrap_or(line)
                    .trim_end_matches(['>', '/'])
                    .to_owned()
            })
            .collect()
    };
    assert_eq!(names(&xml), names(&held().junit().unwrap()));
    let xml = inconclusive().junit().unwrap();
    assert!(
        xml.contains("type=\"inconclusive\">never seen: edges open: fin</error>"),
        "{xml}"
    );
}

#[test]
fn github_gets_an_annotation_a_failure_on_one_line_with_what_would_end_it_escaped() {
    assert_eq!(
        broken().annotations(),
        [
            "::error file=out/R3-1234.jsonl,title=R3%3A each gap as the backoff gives it::\
             R3 (each gap as the backoff gives it) broke, seed 1234, at 1.500000 s on dial 2: \
             expected a gap of 0.5 s, found <0.25> s & 100%25, or so%0A  it asks: Each gap is \
             what the backoff gives.%0A%0A        1.000000  #1    read fin%0A  ►     1.250000  #2    \
             dial%0A%0A  look at: the `sleep` before a dial: does every path back to the dial \
             go through it, and does the delay grow as it should?%0A  broken in 1,204 cases%0A  \
             shrunk from 41 faults and calls to 2 in 1.2 s, 310 tries%0A  out/R3-1234.jsonl%0A  \
             out/R3-1234.trace.txt%0A  again: cargo chaos --tape out/R3-1234.jsonl"
        ]
    );
    assert_eq!(held().annotations(), [""; 0]);
    let warning = "::warning title=chaos is inconclusive::never seen: edges open: fin";
    assert_eq!(inconclusive().annotations(), [warning]);
}

#[test]
fn github_gets_ten_annotations_at_most_and_the_last_says_how_many_more_there_are() {
    let mut results = broken();
    for rule in Rule::ALL {
        let mut failure = results.failures[0].clone();
        failure.violation.rule = rule;
        results.broke(failure);
    }
    let annotations = results.annotations();
    assert_eq!(annotations.len(), MAX_ANNOTATIONS);
    let last = "::error title=chaos::7 more rules broke; see the step's summary";
    assert_eq!(annotations.last().map(String::as_str), Some(last));
}

#[test]
fn the_step_summary_is_markdown_with_the_failures_whole() {
    let text = broken().markdown();
    assert!(
        text.starts_with(
            "## Chaos: **broken**\n\nengine-client: seeds 0..500, wstape 0.1.0. 1 cases in 2.0 s"
        ),
        "{text}"
    );
    assert!(text.contains("### R3\n\n```text\nR3 (each gap"), "{text}");
    assert!(
        text.contains("| R3 | each gap as the backoff gives it | 1,234,567 |"),
        "{text}"
    );
    let text = inconclusive().markdown();
    assert!(text.contains("\n- never seen: edges open: fin\n"), "{text}");
}

#[test]
fn a_run_over_recordings_misses_nothing_that_is_never_drawn_there_and_every_report_says_so() {
    let mut results = held();
    results.judged = Judged::everything().over_recordings();
    let seen = std::mem::take(&mut results.tally);
    let terms = wstape_harness::Terms::Settings;
    results.tally = Tally::of_everything(&results.judged, &terms);
    results.tally.merge(&seen);
    let doubts = results.doubts().join("\n");
    assert!(
        doubts.contains("rules R1, ") && doubts.contains(" R16"),
        "{doubts}"
    );
    assert!(
        !doubts.contains("R11") && !doubts.contains("R15"),
        "{doubts}"
    );

    results.tally = seen;
    let line = "\nnot exercised: R11 (needs a calm end), R15 (needs a crowd): \
                no case over a recording has one\n";
    let said = results.conclusion();
    assert!(said.contains(line), "{said}");
    let end = "held: all 14 rules that could be exercised, in all that was seen\n";
    assert!(said.ends_with(end), "{said}");
    let why = "it needs a crowd, and no case over a recording has one";
    let markdown = results.markdown();
    let row = "| not exercised | why |\n| --- | --- |\n| R11 | it needs a calm end";
    assert!(markdown.contains(row), "{markdown}");
    assert!(markdown.contains(&format!("| R15 | {why} |")), "{markdown}");
    let xml = results.junit().unwrap();
    let skipped = format!("<skipped message=\"not exercised: {why}\"/>");
    assert_eq!(
        xml.matches(&skipped).count(),
        Family::ALL.len() + 1,
        "{xml}"
    );
    let again = Results::from_json("r.json", &results.to_json()).unwrap();
    assert_eq!(again, results);
}

/// A run in which every rule held, but a mutant was missed.
fn blind() -> Results {
    let mut results = held();
    results.missed_canary = Some("hot-loop".to_owned());
    results
}

#[test]
fn a_run_that_missed_a_mutant_says_so_in_every_output_and_holds_in_none() {
    let results = blind();
    let sentence = "chaos is broken: it did not find hot-loop, a mutant that 64 seeds are sure to \
                    show; rules that hold in this run may not hold";
    assert_eq!(results.ending(), Ending::Blind);
    for text in [
        results.summary(),
        results.conclusion(),
        results.markdown(),
        results.annotations().join("\n"),
        results.junit().unwrap(),
    ] {
        assert!(text.contains(sentence), "{text}");
        assert!(!text.contains("held: all rules"), "{text}");
    }
    let again = Results::from_json("r.json", &results.to_json()).unwrap();
    let merged = Results::merge(vec![("r.json".to_owned(), again)]).unwrap();
    assert_eq!(merged.ending(), Ending::Blind);

    let mut results = broken();
    results.missed_canary = Some("hot-loop".to_owned());
    assert_eq!(results.ending(), Ending::Broken);
    assert!(results.conclusion().contains(sentence), "both are said");
}

#[test]
fn a_run_of_few_cases_that_broke_a_rule_lists_nothing_that_was_never_seen() {
    let mut results = broken();
    // The length of the excerpt is not what is tested here.
    results.failures[0].excerpt.clear();
    let seen = std::mem::take(&mut results.tally);
    results.tally = Tally::of_everything(&Judged::everything(), &wstape_harness::Terms::Settings);
    results.tally.merge(&seen);
    let summary = results.summary();
    assert!(!summary.contains("never"), "{summary}");
    assert!(summary.lines().count() < 25, "{summary}");
    assert!(summary.ends_with("\nBROKEN: R3\n"), "{summary}");
}

#[test]
fn a_failure_that_did_not_repeat_says_so_and_why_it_was_not_made_smaller() {
    let mut results = broken();
    let failure = &mut results.failures[0];
    (failure.repeats, failure.shrunk) = (false, None);
    let text = failure.complete();
    assert!(
        text.contains("the same case did not break it when played again, so it was not shrunk"),
        "{text}"
    );
    assert!(!text.contains("shrunk from"), "{text}");
    assert!(
        !broken().failures[0]
            .complete()
            .contains("did not break it when played again")
    );
}
