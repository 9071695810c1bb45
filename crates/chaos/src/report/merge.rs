//! The results of several runs as one.

use super::error::MergeError;
use wstape_oracle::RuleSet;

use super::results::{Part, Results};
use crate::judged::Judged;
use crate::seeds::Shard;

impl Results {
    /// Merges the results in `files`, each with its name, into what one run of all their seeds
    /// would have given.
    ///
    /// # Errors
    /// [`MergeError`] if they are from different programs, or overlap.
    pub fn merge(files: Vec<(String, Self)>) -> Result<Self, MergeError> {
        let mut parts: Vec<(String, Part)> = Vec::new();
        let mut merged: Option<Self> = None;
        for (file, results) in files {
            for part in &results.parts {
                if let Some((other, _)) = parts.iter().find(|(_, seen)| seen.overlaps(*part)) {
                    return Err(MergeError::Overlap {
                        file,
                        other: other.clone(),
                        part: part.to_string(),
                    });
                }
            }
            parts.extend(results.parts.iter().map(|part| (file.clone(), *part)));
            match &mut merged {
                None => merged = Some(results),
                Some(merged) => merged.add(&file, results)?,
            }
        }
        let mut merged = merged.ok_or(MergeError::Nothing)?;
        merged.parts.sort_by_key(Part::place);
        merged.missing = missing(&merged.parts);
        merged
            .failures
            .sort_by_key(|failure| failure.violation.rule);
        Ok(merged)
    }

    fn add(&mut self, file: &str, other: Self) -> Result<(), MergeError> {
        let of = |results: &Self| format!("wstape {} and {}", results.version, results.subject);
        if of(self) == of(&other) && self.judged != other.judged {
            return Err(MergeError::Different {
                file: file.to_owned(),
                found: by(&other.judged),
                expected: by(&self.judged),
            });
        }
        if of(self) != of(&other) {
            return Err(MergeError::Different {
                file: file.to_owned(),
                found: of(&other),
                expected: of(self),
            });
        }
        self.parts.extend(other.parts);
        self.tally.merge(&other.tally);
        for failure in other.failures {
            self.broke(failure);
        }
        self.elapsed_ms = self.elapsed_ms.max(other.elapsed_ms);
        self.interrupted |= other.interrupted;
        self.unjudged += other.unjudged;
        self.missed_canary = self.missed_canary.take().or(other.missed_canary);
        Ok(())
    }
}

/// The rules that were judged, in words.
fn by(judged: &Judged) -> String {
    let rules: RuleSet = judged.rules.iter().copied().collect();
    format!("rules {rules}")
}

impl Part {
    /// Whether the two share a seed. Shards of one range share none, however many cases each ran.
    fn overlaps(self, other: Self) -> bool {
        let (Some(seeds), Some(others)) = (self.seeds, other.seeds) else {
            return self == other;
        };
        let apart = seeds == others
            && self.shard.count() == other.shard.count()
            && self.shard.index() != other.shard.index();
        !apart && seeds.overlaps(others)
    }
}

/// The shards missing from the ranges of the others.
fn missing(parts: &[Part]) -> Vec<Part> {
    let mut missing = Vec::new();
    for part in parts {
        for index in 1..=part.shard.count() {
            let same =
                |seen: &&Part| seen.seeds == part.seeds && seen.shard.count() == part.shard.count();
            let mut seen = parts.iter().filter(same);
            let Ok(shard) = Shard::new(index, part.shard.count()) else {
                continue;
            };
            let absent = Part {
                seeds: part.seeds,
                shard,
            };
            if !seen.any(|seen| *seen == absent) && !missing.contains(&absent) {
                missing.push(absent);
            }
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use wstape_oracle::{Edge, Rule, Violation};

    use crate::{Coverage, Judged, Shard, Tally, Verdict};
    use crate::{Ending, Failure, Origin, Part, Results, Smaller};

    fn part(seeds: &str, shard: &str) -> Part {
        Part {
            seeds: Some(seeds.parse().unwrap()),
            shard: shard.parse().unwrap(),
        }
    }

    fn failure(rule: Rule, steps: usize) -> Failure {
        Failure {
            case: Origin::Seed(7),
            violation: Violation {
                rule,
                at_us: 1_500_000,
                dial: Some(2),
                what: "expected 1, found 2".to_owned(),
            },
            asks: String::new(),
            excerpt: Vec::new(),
            family: None,
            times: 1,
            repeats: true,
            shrunk: Some(Smaller {
                from: 90,
                to: steps,
                tries: 300,
                took_ms: 12,
                complete: true,
            }),
            files: vec![format!("out/{rule}-7.jsonl")],
            again: "cargo chaos --seed 7".to_owned(),
        }
    }

    /// Results with one case that saw an end of stream.
    fn results(part: Part) -> Results {
        let mut coverage = Coverage::default();
        coverage.held(Rule::R3, 1);
        coverage.took(Edge::OPEN_FIN, 1);
        let mut tally = Tally::default();
        tally.add(&Verdict {
            coverage,
            ..Verdict::default()
        });
        Results::new("engine-client", Judged::everything(), part, tally)
    }

    fn merge(files: &[&Results]) -> Result<Results, String> {
        let names = ["a", "b", "c", "d"].map(|name| format!("{name}.json"));
        let files = names.into_iter().zip(files.iter().copied().cloned());
        Results::merge(files.collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_merged_shards_are_what_one_run_would_have_been() {
        let (a, b) = (results(part("0..9", "1/2")), results(part("0..9", "2/2")));
        let merged = merge(&[&b, &a]).unwrap();
        assert_eq!(merged.tally.cases, 2);
        assert_eq!(merged.tally.coverage.rules[&Rule::R3], 2);
        assert_eq!(
            merged.parts_text(),
            "shard 1/2 of seeds 0..9, shard 2/2 of seeds 0..9"
        );
        assert_eq!(merged.ending(), Ending::Held);
        assert_eq!(
            merge(&[&a, &b]).unwrap(),
            merged,
            "the order of the files does not matter"
        );
        let again = Results::from_json("merged.json", &merged.to_json()).unwrap();
        assert_eq!(again, merged);
    }

    #[test]
    fn what_one_shard_did_not_see_another_may_have() {
        let (mut a, b) = (results(part("0..9", "1/2")), results(part("0..9", "2/2")));
        a.tally.coverage.edges.insert(Edge::OPEN_FIN, 0);
        assert_eq!(a.ending(), Ending::Inconclusive);
        assert_eq!(a.doubts(), ["never seen: edges open: fin"]);
        assert_eq!(merge(&[&a, &b]).unwrap().ending(), Ending::Held);
    }

    #[test]
    fn a_shard_that_is_missing_leaves_the_whole_inconclusive() {
        let (a, c) = (results(part("0..9", "1/3")), results(part("0..9", "3/3")));
        let merged = merge(&[&a, &c]).unwrap();
        assert_eq!(merged.ending(), Ending::Inconclusive);
        let doubt = "the results of shard 2/3 of seeds 0..9 are missing";
        assert_eq!(merged.doubts(), [doubt]);
        let whole = merge(&[&merged, &results(part("0..9", "2/3"))]).unwrap();
        assert_eq!(whole.ending(), Ending::Held, "merged results merge again");
    }

    #[test]
    fn seeds_that_were_run_twice_are_refused() {
        let table = [
            (part("0..9", "1/2"), part("0..9", "1/2"), true),
            (part("0..9", "1/2"), part("0..9", "2/2"), false),
            (part("0..9", "1/2"), part("0..9", "2/3"), true),
            (part("0..9", "1/1"), part("9..", "1/1"), false),
            (part("0..9", "1/1"), part("8..", "1/1"), true),
        ];
        for (a, b, overlap) in table {
            let merged = merge(&[&results(a), &results(b)]);
            let sentence =
                format!("b.json and a.json both ran {b}: give each shard's results once");
            assert_eq!(merged.err(), overlap.then_some(sentence), "{a} and {b}");
        }
    }

    #[test]
    fn results_of_different_programs_and_other_json_are_refused() {
        let a = results(part("0..9", "1/2"));
        let mut b = results(part("0..9", "2/2"));
        b.version = "9.9.9".to_owned();
        let error = merge(&[&a, &b]).unwrap_err();
        assert!(
            error.starts_with("b.json was made with wstape 9.9.9 and engine-client"),
            "{error}"
        );
        assert!(merge(&[]).unwrap_err().starts_with("no results to merge"));
        for (text, why) in [
            ("", "EOF while parsing"),
            ("[]", "invalid type: sequence"),
            ("{}", "it has no number \"chaos\""),
            (
                r#"{"chaos":2}"#,
                "its format is version 2, this program reads 1",
            ),
            (r#"{"chaos":1}"#, "missing field `version`"),
        ] {
            let error = Results::from_json("x.json", text).unwrap_err().to_string();
            assert!(
                error.starts_with("x.json holds no results of a chaos run: "),
                "{error}"
            );
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn of_failures_of_one_rule_the_smallest_is_kept_and_all_are_counted() {
        let mut results = results(part("0..9", "1/1"));
        for steps in [4, 2, 3] {
            results.broke(failure(Rule::R3, steps));
        }
        results.broke(failure(Rule::R9, 5));
        let kept: Vec<_> = results
            .failures
            .iter()
            .map(|f| (f.times, f.shrunk.unwrap().to))
            .collect();
        assert_eq!(kept, [(3, 2), (1, 5)]);
    }

    #[test]
    fn a_broken_rule_outweighs_a_trace_that_differs_and_both_outweigh_doubt() {
        let mut results = results(part("0..9", "1/1"));
        results.interrupted = true;
        assert_eq!(results.ending(), Ending::Inconclusive);
        results.broke(failure(Rule::R16, 0));
        assert_eq!(results.ending(), Ending::NotDeterministic);
        results.broke(failure(Rule::R3, 1));
        assert_eq!(results.ending(), Ending::Broken);
    }

    #[test]
    fn a_run_of_nothing_proves_nothing() {
        let part = Part {
            seeds: None,
            shard: Shard::WHOLE,
        };
        let results = Results::new(
            "engine-client",
            Judged::everything(),
            part,
            Tally::default(),
        );
        assert_eq!(results.ending(), Ending::Inconclusive);
        assert_eq!(results.doubts(), ["no case was run"]);
    }
}
