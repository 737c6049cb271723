//! A mismatch as the analyst reads it: what was approved and what came, side by side.

use std::fmt;

use vdl_authorize::Mismatch;
use vdl_command::{Command, Step, write_command};

/// A command that is not the next step of the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatched {
    /// From 1; one more than `steps` where the script is at its end.
    pub step: usize,
    pub steps: usize,
    /// Where they differ first: `filter.threshold`.
    pub path: String,
    /// What stands there, in compact JSON.
    pub expected_field: Option<String>,
    pub actual_field: Option<String>,
    /// The Python lines they come from.
    pub expected_source: Option<String>,
    pub actual_source: Option<String>,
    /// What may have happened.
    pub hint: Option<String>,
    /// All of it for reading.
    text: String,
}

impl fmt::Display for Mismatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Names the first place where they differ with both values and both source lines, and shows both
/// commands whole.
pub(crate) fn mismatch(
    steps: usize,
    mismatch: &Mismatch,
    source: Option<&str>,
    hint: Option<String>,
) -> Mismatched {
    let step = mismatch.step + 1;
    let heading = format!("this is not step {step} of {steps} of the script; nothing was sent");
    differing(&heading, ["approved", "this"], steps, mismatch, source, hint)
}

/// The same of two recordings that should have been one.
pub(crate) fn dependent(steps: usize, mismatch: &Mismatch, source: Option<&str>) -> Mismatched {
    let heading = format!("with other data step {} of {steps} is another one", mismatch.step + 1);
    differing(&heading, ["recorded", "then"], steps, mismatch, source, None)
}

fn differing(
    heading: &str,
    [mine, theirs]: [&str; 2],
    steps: usize,
    mismatch: &Mismatch,
    source: Option<&str>,
    hint: Option<String>,
) -> Mismatched {
    let Mismatch { step, source: recorded, path, reason, .. } = mismatch;
    let [expected, actual] = mismatch.fields();
    let width = expected.chars().count().max(actual.chars().count()).max(8);
    let reason = reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let shown = hint.as_deref().map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
    let text = format!(
        "{heading}\nfirst difference   {path}{reason}\n  \
         {mine:<16} {expected:width$}   {}\n  {theirs:<16} {actual:width$}   {}\n{shown}\n{}",
        recorded.as_deref().unwrap_or("(line not known)"),
        source.unwrap_or("(line not known)"),
        mismatch.side_by_side().trim_end()
    );
    Mismatched {
        step: *step as usize + 1,
        steps,
        path: path.clone(),
        expected_field: mismatch.expected_field.clone(),
        actual_field: mismatch.actual_field.clone(),
        expected_source: recorded.clone(),
        actual_source: source.map(str::to_owned),
        hint,
        text,
    }
}

/// A recording goes on where another one ended, or ends where that goes on: `expected` or `actual` is what
/// only one of them has.
pub(crate) fn longer(steps: usize, at: usize, expected: Option<&Step>, actual: Option<&Step>) -> Mismatched {
    let command = |step: Option<&Step>| step.and_then(|step| write_command(&step.command).ok());
    let source = |step: Option<&Step>| step.and_then(|step| step.source.clone());
    let what = match actual {
        Some(_) => format!("with other data there is a step behind the last of {steps}"),
        None => format!("with other data the script ends before step {} of {steps}", at + 1),
    };
    let only = expected.or(actual);
    let text = format!(
        "{what}\n  {}   {}",
        source(only).as_deref().unwrap_or("(line not known)"),
        command(only).unwrap_or_default()
    );
    Mismatched {
        step: at + 1,
        steps,
        path: "the top".to_owned(),
        expected_field: command(expected),
        actual_field: command(actual),
        expected_source: source(expected),
        actual_source: source(actual),
        hint: None,
        text,
    }
}

/// An extra command after the last step.
pub(crate) fn beyond(
    steps: usize,
    actual: &Command,
    source: Option<&str>,
    hint: Option<String>,
) -> Mismatched {
    let shown = hint.as_deref().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    let actual = write_command(actual).ok();
    let text = format!(
        "all {steps} steps of the script are done and this is one more; nothing was sent\n\
         expected: (the end; script.close())\n\
         actual:   {}\n\
         this comes from: {}{shown}",
        actual.as_deref().unwrap_or_default(),
        source.unwrap_or("(line not known)")
    );
    Mismatched {
        step: steps + 1,
        steps,
        path: "the top".to_owned(),
        expected_field: None,
        actual_field: actual,
        expected_source: None,
        actual_source: source.map(str::to_owned),
        hint,
        text,
    }
}

/// What happened if the command is not step `due` but step `is` (both from 0).
pub(crate) fn out_of_place(due: usize, is: usize) -> String {
    let this = format!("this is step {}", is + 1);
    match is {
        _ if is < due => {
            format!("{this} again: was a cell run twice? Run everything from the top, each cell once")
        }
        _ if is == due + 1 => format!("{this}: step {} was left out", due + 1),
        _ => format!("{this}: steps {} to {is} were left out", due + 1),
    }
}

/// A missing step, as `close` names it.
pub(crate) fn missing(number: usize, steps: usize, step: &Step) -> String {
    let source = step.source.as_deref().map(|source| format!(", recorded at {source}")).unwrap_or_default();
    let command = write_command(&step.command).unwrap_or_default();
    format!("step {number} of {steps} is next{source}: {command}")
}
