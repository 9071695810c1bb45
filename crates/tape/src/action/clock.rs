//! `clock`: the engine's wall clock is wrong.

use std::borrow::Cow;

use bytes::Bytes;

use super::spec::{Class, Spec};
use crate::Micros;
use crate::error::Flaw;
use crate::json::{Field, Pen};

/// The most that a clock may drift, in parts per million: it then runs at twice its speed, or
/// stands still.
const MAX_DRIFT_PPM: u32 = 1_000_000;

/// How an engine's wall clock differs from the right time. The skew doesn't change when steps
/// happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockSkew {
    /// How far off the clock is at the step.
    pub by: Micros,
    /// Whether the clock is behind the right time rather than ahead of it.
    pub behind: bool,
    /// `drift_ppm`: how many more microseconds off it gets each second, in the same direction.
    pub drift_ppm: u32,
}

impl Spec for ClockSkew {
    type Value = Option<Self>;
    const KEY: &'static str = "clock";
    const CLASS: Class = Class::State;
    const ENGINE_WIDE: bool = true;

    fn read(field: &Field<'_>, _line: &Bytes) -> Result<Option<Self>, Flaw> {
        field.unless_null(|field| {
            let object = field.object(&["ahead_ms", "behind_ms", "drift_ppm"])?;
            let (by, behind) = match (object.get("ahead_ms"), object.get("behind_ms")) {
                (Some(_), Some(behind)) => return Err(behind.either("ahead_ms", "behind_ms")),
                (None, Some(behind)) => (behind.ms()?, true),
                (_, None) => {
                    let ahead = object.demand("ahead_ms", r#"{"ahead_ms":3600000}"#)?;
                    (ahead.ms()?, false)
                }
            };
            let drift = object.get("drift_ppm");
            Ok(Self {
                by,
                behind,
                drift_ppm: drift.map_or(Ok(0), |field| field.whole(0..=MAX_DRIFT_PPM))?,
            })
        })
    }

    fn write(skew: &Option<Self>, pen: &mut Pen) {
        let Some(skew) = skew else {
            return pen.json(Self::KEY, "null");
        };
        pen.object(Self::KEY);
        pen.ms(if skew.behind { "behind_ms" } else { "ahead_ms" }, skew.by);
        if skew.drift_ppm > 0 {
            pen.json("drift_ppm", skew.drift_ppm);
        }
        pen.close();
    }

    fn words(skew: &Option<Self>) -> Cow<'static, str> {
        let Some(skew) = skew else {
            return "clock right".into();
        };
        let (by, way) = (skew.by.to_ms_text(), way(skew.behind));
        match skew.drift_ppm {
            0 => format!("clock {by} ms {way}").into(),
            drift => format!("clock {by} ms {way}, and {drift} ppm more").into(),
        }
    }

    fn clears(skew: &Option<Self>) -> bool {
        skew.is_none()
    }

    fn simpler(skew: &Option<Self>) -> Vec<Option<Self>> {
        match skew {
            Some(skew) if skew.drift_ppm > 0 => vec![Some(Self {
                drift_ppm: 0,
                ..*skew
            })],
            _ => Vec::new(),
        }
    }
}

fn way(behind: bool) -> &'static str {
    if behind { "behind" } else { "ahead" }
}
