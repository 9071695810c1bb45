//! A toxic as JSON, and its effect.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wstape_tape::Micros;

use super::refusal::Refusal;
use crate::toxics::{Poison, Stream, Toxic};

/// The types of toxics, and the attributes of each.
const TYPES: [(&str, &[&str]); 7] = [
    ("latency", &["latency", "jitter"]),
    ("bandwidth", &["rate"]),
    ("slow_close", &["delay"]),
    ("timeout", &["timeout"]),
    ("reset_peer", &["timeout"]),
    ("slicer", &["average_size", "size_variation", "delay"]),
    ("limit_data", &["bytes"]),
];

/// The bytes per second in one KB/s, which is the unit of a bandwidth's `rate`.
const KILO: u64 = 1_000;

/// A toxic laid over a proxy.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Laid {
    pub(super) name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    stream: &'static str,
    toxicity: f64,
    attributes: BTreeMap<&'static str, u64>,
    #[serde(skip)]
    number: u64,
    #[serde(skip)]
    since: Micros,
}

/// A request for a toxic, or for a change to one.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object with type, stream, toxicity and attributes")]
pub(super) struct Asked {
    name: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    stream: Option<String>,
    toxicity: Option<f64>,
    /// Go's clients send null where a toxic is laid without any.
    attributes: Option<BTreeMap<String, f64>>,
}

impl Laid {
    /// Makes the toxic that is asked for, as the `number`th one laid, at this time.
    pub(super) fn of(asked: &Asked, number: u64, now: Micros) -> Result<Self, Refusal> {
        let kind = asked.kind.as_deref().unwrap_or_default();
        let known = TYPES.iter().find(|(name, _)| *name == kind);
        let Some(&(kind, attributes)) = known else {
            return Err(Refusal::bad(format!("invalid toxic type: {kind:?}")));
        };
        let stream = match asked.stream.as_deref() {
            None | Some("" | "downstream") => "downstream",
            Some("upstream") => "upstream",
            Some(_) => {
                let error = "stream was invalid, can be either upstream or downstream";
                return Err(Refusal::bad(error));
            }
        };
        let name = asked.name.clone().filter(|name| !name.is_empty());
        let mut laid = Self {
            name: name.unwrap_or_else(|| format!("{kind}_{stream}")),
            kind,
            stream,
            toxicity: 1.0,
            attributes: attributes.iter().map(|name| (*name, 0)).collect(),
            number,
            since: now,
        };
        laid.take(asked)?;
        Ok(laid)
    }

    /// Applies a change; whatever it does not name stays.
    pub(super) fn change(
        &mut self,
        asked: &Asked,
        number: u64,
        now: Micros,
    ) -> Result<(), Refusal> {
        let mut changed = self.clone();
        (changed.number, changed.since) = (number, now);
        changed.take(asked)?;
        *self = changed;
        Ok(())
    }

    fn take(&mut self, asked: &Asked) -> Result<(), Refusal> {
        if let Some(toxicity) = asked.toxicity {
            if !(0.0..=1.0).contains(&toxicity) {
                return Err(Refusal::bad("toxicity must be from 0 to 1"));
            }
            self.toxicity = toxicity;
        }
        for (name, value) in asked.attributes.iter().flatten() {
            // An attribute that this type doesn't have is ignored, as in Toxiproxy.
            if let Some(had) = self.attributes.get_mut(name.as_str()) {
                *had = whole(*value).ok_or_else(|| {
                    Refusal::bad(format!("{name} must be a whole number from 0 to 2^53"))
                })?;
            }
        }
        if self.kind == "slicer" && self.attribute("average_size") == 0 {
            return Err(Refusal::bad("average_size must be 1 or more"));
        }
        Ok(())
    }

    fn attribute(&self, name: &str) -> u64 {
        self.attributes.get(name).copied().unwrap_or_default()
    }

    /// Its effect.
    pub(super) fn toxic(&self) -> Toxic {
        let ms = |name| Micros(self.attribute(name).saturating_mul(1_000));
        let bytes = |name| u32::try_from(self.attribute(name)).unwrap_or(u32::MAX);
        let poison = match self.kind {
            "latency" => Poison::Latency {
                base: ms("latency"),
                jitter: ms("jitter"),
            },
            "bandwidth" => {
                let rate = Some(self.attribute("rate")).filter(|&rate| rate > 0);
                Poison::Bandwidth(rate.map(|rate| rate.saturating_mul(KILO)))
            }
            "slow_close" => Poison::SlowClose(ms("delay")),
            "timeout" => Poison::Timeout(Some(ms("timeout")).filter(|&span| span > Micros::ZERO)),
            "reset_peer" => Poison::ResetPeer(ms("timeout")),
            "slicer" => Poison::Slicer {
                bytes: bytes("average_size"),
                variation: bytes("size_variation"),
                gap: Micros(self.attribute("delay")),
            },
            _ => Poison::LimitData(self.attribute("bytes")),
        };
        let stream = match self.stream {
            "upstream" => Stream::Upstream,
            _ => Stream::Downstream,
        };
        Toxic {
            number: self.number,
            stream,
            toxicity: self.toxicity,
            poison,
            since: self.since,
        }
    }

    /// What the journal says of it.
    pub(super) fn words(&self) -> String {
        let attributes = self.attributes.iter();
        let attributes: Vec<String> = attributes
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        let (name, kind, stream) = (&self.name, self.kind, self.stream);
        format!("{name} ({kind}, {stream}, {})", attributes.join(", "))
    }
}

/// A JSON number as a whole number, if it is one. Clients in some languages have only floats.
fn whole(value: f64) -> Option<u64> {
    const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
    let fits = value.fract() == 0.0 && (0.0..=MAX_EXACT).contains(&value);
    fits.then(|| format!("{value}").parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid(json: &str) -> Result<Laid, Refusal> {
        Laid::of(&serde_json::from_str(json).unwrap(), 3, Micros(9))
    }

    #[test]
    fn every_type_is_read_with_its_units_and_written_as_it_came() {
        let table = [
            (
                r#""latency","attributes":{"latency":100,"jitter":5}"#,
                Poison::Latency {
                    base: Micros(100_000),
                    jitter: Micros(5_000),
                },
            ),
            (
                r#""bandwidth","attributes":{"rate":32}"#,
                Poison::Bandwidth(Some(32_000)),
            ),
            (r#""bandwidth""#, Poison::Bandwidth(None)),
            (
                r#""slow_close","attributes":{"delay":7}"#,
                Poison::SlowClose(Micros(7_000)),
            ),
            (
                r#""timeout","attributes":{"timeout":2.0}"#,
                Poison::Timeout(Some(Micros(2_000))),
            ),
            (r#""timeout""#, Poison::Timeout(None)),
            (r#""reset_peer""#, Poison::ResetPeer(Micros(0))),
            (
                r#""slicer","attributes":{"average_size":64,"size_variation":8,"delay":50}"#,
                Poison::Slicer {
                    bytes: 64,
                    variation: 8,
                    gap: Micros(50),
                },
            ),
            (
                r#""limit_data","attributes":{"bytes":9,"rate":1}"#,
                Poison::LimitData(9),
            ),
        ];
        for (kind, poison) in table {
            let toxic = laid(&format!(r#"{{"type":{kind},"stream":"upstream"}}"#)).unwrap();
            assert_eq!(toxic.toxic().poison, poison, "{kind}");
            assert_eq!(toxic.toxic().stream, Stream::Upstream);
        }
        let toxic =
            laid(r#"{"type":"latency","toxicity":0.5,"attributes":{"latency":1}}"#).unwrap();
        assert_eq!(
            serde_json::to_string(&toxic).unwrap(),
            r#"{"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":0.5,"attributes":{"jitter":0,"latency":1}}"#
        );
    }

    #[test]
    fn a_change_keeps_what_it_does_not_name_and_is_all_or_none() {
        let mut toxic =
            laid(r#"{"type":"latency","attributes":{"latency":1,"jitter":2}}"#).unwrap();
        let change = |toxic: &mut Laid, json: &str| {
            toxic.change(&serde_json::from_str(json).unwrap(), 4, Micros(10))
        };
        change(&mut toxic, r#"{"attributes":{"latency":8}}"#).unwrap();
        let poison = Poison::Latency {
            base: Micros(8_000),
            jitter: Micros(2_000),
        };
        assert_eq!(toxic.toxic().poison, poison);
        assert!(
            change(
                &mut toxic,
                r#"{"toxicity":0.1,"attributes":{"latency":-1}}"#
            )
            .is_err()
        );
        assert_eq!((toxic.toxic().toxicity, toxic.toxic().number), (1.0, 4));
    }

    #[test]
    fn what_is_no_toxic_is_refused() {
        for json in [
            r#"{"type":"lateness"}"#,
            "{}",
            r#"{"type":"latency","stream":"sideways"}"#,
            r#"{"type":"latency","toxicity":1.5}"#,
            r#"{"type":"latency","attributes":{"latency":0.5}}"#,
            r#"{"type":"slicer"}"#,
        ] {
            assert!(laid(json).is_err(), "{json}");
        }
    }
}
