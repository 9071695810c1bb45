//! `latency_ms`: a link's one-way delay.

use std::borrow::Cow;

use bytes::Bytes;

use super::spec::{Class, Spec};
use crate::Micros;
use crate::error::Flaw;
use crate::json::{Field, Pen, Type, words};

/// One-way delay of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// The delay, or the mean of the distribution.
    pub base: Micros,
    /// Spread of the distribution: half-width (uniform), standard deviation (normal), scale
    /// (Pareto). Zero is a fixed delay.
    pub jitter: Micros,
    /// How the jitter is drawn.
    pub distribution: Distribution,
}

/// Distribution of a link's jitter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Distribution {
    /// `"uniform"`: base ± jitter.
    #[default]
    Uniform,
    /// `"normal"`: mean base, standard deviation jitter, cut at zero.
    Normal,
    /// `"pareto"`: base plus a Pareto draw of scale jitter and shape 3 (a long tail).
    Pareto,
}

words!(Distribution {
    Uniform = "uniform",
    Normal = "normal",
    Pareto = "pareto",
});

impl Spec for Latency {
    type Value = Self;
    const KEY: &'static str = "latency_ms";
    const CLASS: Class = Class::Link;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Self, Flaw> {
        if !field.is(Type::Object) {
            let distribution = Distribution::default();
            return Ok(Self {
                base: field.ms()?,
                jitter: Micros::ZERO,
                distribution,
            });
        }
        let object = field.object(&["base_ms", "jitter_ms", "distribution"])?;
        Ok(Self {
            base: object
                .demand("base_ms", r#"{"base_ms":40,"jitter_ms":5}"#)?
                .ms()?,
            jitter: object
                .get("jitter_ms")
                .map_or(Ok(Micros::ZERO), Field::ms)?,
            distribution: object
                .get("distribution")
                .map_or(Ok(Distribution::default()), Field::word)?,
        })
    }

    fn write(latency: &Self, pen: &mut Pen) {
        if latency.jitter == Micros::ZERO && latency.distribution == Distribution::default() {
            return pen.ms(Self::KEY, latency.base);
        }
        pen.object(Self::KEY);
        pen.ms("base_ms", latency.base);
        pen.ms("jitter_ms", latency.jitter);
        if latency.distribution != Distribution::default() {
            pen.string("distribution", latency.distribution.word());
        }
        pen.close();
    }

    fn words(latency: &Self) -> Cow<'static, str> {
        let base = latency.base.to_ms_text();
        if latency.jitter == Micros::ZERO {
            return format!("latency {base} ms").into();
        }
        let (jitter, word) = (latency.jitter.to_ms_text(), latency.distribution.word());
        format!("latency {base} ms ± {jitter} ms {word}").into()
    }

    fn clears(latency: &Self) -> bool {
        latency.base == Micros::ZERO && latency.jitter == Micros::ZERO
    }

    fn is_drawn(latency: &Self) -> bool {
        latency.jitter > Micros::ZERO
    }

    fn simpler(latency: &Self) -> Vec<Self> {
        if !Self::is_drawn(latency) {
            return Vec::new();
        }
        let jitter = Micros::ZERO;
        vec![Self { jitter, ..*latency }]
    }
}
