//! A mismatch as the analyst reads it: what was approved and what came, side by side.

use vdl_authorize::Mismatch;
use vdl_command::{Command, Step, write_command};

/// Names the first place where they differ, both source lines, and shows both commands whole.
pub(crate) fn mismatch(steps: usize, mismatch: &Mismatch, source: Option<&str>) -> String {
    let Mismatch { step, source: recorded, path, reason, .. } = mismatch;
    let reason = reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    format!(
        "this is not step {} of {steps} of the script; nothing was sent\n\
         first difference: {path}{reason}\n\
         recorded at: {}\n\
         this comes from: {}\n\n{}",
        step + 1,
        recorded.as_deref().unwrap_or("(not known)"),
        source.unwrap_or("(not known)"),
        mismatch.side_by_side().trim_end()
    )
}

/// An extra command after the last step.
pub(crate) fn beyond(steps: usize, actual: &Command, source: Option<&str>) -> String {
    format!(
        "all {steps} steps of the script are done and this is one more; nothing was sent\n\
         expected: (the end; script.close())\n\
         actual:   {}\n\
         this comes from: {}",
        write_command(actual).unwrap_or_default(),
        source.unwrap_or("(not known)")
    )
}

/// A missing step, as `close` names it.
pub(crate) fn missing(number: usize, steps: usize, step: &Step) -> String {
    let source = step.source.as_deref().map(|source| format!(", recorded at {source}")).unwrap_or_default();
    let command = write_command(&step.command).unwrap_or_default();
    format!("step {number} of {steps} is next{source}: {command}")
}
