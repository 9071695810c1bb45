//! What a tape holds, in a few lines.

use std::collections::BTreeMap;
use std::fmt;
use std::io::BufRead;

use crate::{Action, Header, Micros, TapeError, TapeReader, Torn, Trigger};

/// What a tape holds, counted by [`check`]. Displays as a few lines for a person.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Line 1.
    pub header: Header,
    /// Lines after the first, not counting a torn one.
    pub steps: u64,
    /// Time of the `end` step, else of the last `at_ms` step.
    pub duration: Micros,
    /// Whether there is an `end` step.
    pub ended: bool,
    /// How many of the steps are `on_connect` steps; one that waits for a matching message counts
    /// as a step of a dialogue.
    pub prologue_steps: u64,
    /// How many are triggered by a client's message, its silence or a scene.
    pub dialogue_steps: u64,
    /// How many steps each action has, by its key.
    pub actions: BTreeMap<&'static str, u64>,
    /// The unfinished last line, if there is one.
    pub torn: Option<Torn>,
}

/// Reads a tape to its end, in constant memory, and counts what it holds.
///
/// ```
/// let text = "{\"tape\":1}\n{\"at_ms\":5,\"hang\":true}\n{\"at_ms\":7.5,\"end\":true}\n";
/// let summary = wstape_tape::check(wstape_tape::TapeReader::new("x.jsonl", text.as_bytes())?)?;
/// assert_eq!(summary.to_string(), "2 steps, 0 of them on connect; 0.007500 s\n  end 1\n  hang 1\n");
/// # Ok::<(), wstape_tape::TapeError>(())
/// ```
///
/// # Errors
/// The tape's first flaw.
pub fn check<R: BufRead>(mut reader: TapeReader<R>) -> Result<Summary, TapeError> {
    let mut summary = Summary {
        header: reader.header().clone(),
        ..Summary::default()
    };
    for step in reader.by_ref() {
        let step = step?;
        summary.steps += 1;
        *summary.actions.entry(step.key()).or_default() += 1;
        match step.trigger {
            Trigger::At(at) => summary.duration = at,
            Trigger::OnConnect { .. } => summary.prologue_steps += 1,
            _ => summary.dialogue_steps += 1,
        }
        summary.ended |= step.action == Action::End;
    }
    summary.torn = reader.torn().cloned();
    Ok(summary)
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = if self.steps == 1 { "" } else { "s" };
        write!(
            f,
            "{} step{s}, {} of them on connect; ",
            self.steps, self.prologue_steps
        )?;
        if self.dialogue_steps > 0 {
            write!(f, "{} of a dialogue; ", self.dialogue_steps)?;
        }
        write!(f, "{} s", self.duration)?;
        if !self.ended {
            f.write_str(", no end step")?;
        }
        if let Some(Torn { line, bytes }) = &self.torn {
            write!(f, "; line {line} is torn after {} bytes", bytes.len())?;
        }
        f.write_str("\n")?;
        self.actions
            .iter()
            .try_for_each(|(key, count)| writeln!(f, "  {key} {count}"))
    }
}
