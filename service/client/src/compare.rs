//! Two recordings of one analysis, made with other dummies: they must be the same script.

use std::path::Path;

use vdl_authorize::{Bindings, match_step};

use crate::approval::read_any_script;
use crate::error::ClientError;
use crate::report::{self, Mismatched};

/// The first step of `second` that is not the one of `first`. Source lines are not compared.
pub fn compare_scripts(first: &Path, second: &Path) -> Result<Option<Mismatched>, ClientError> {
    let (first, second) = (read_any_script(first)?, read_any_script(second)?);
    let steps = first.steps.len();
    for (at, step) in second.steps.iter().enumerate() {
        if at >= steps {
            return Ok(Some(report::longer(steps, at, None, Some(step))));
        }
        let number = u32::try_from(at).unwrap_or(u32::MAX);
        if let Err(mismatch) = match_step(&first, number, &step.command, &Bindings::new()) {
            return Ok(Some(report::dependent(steps, &mismatch, step.source.as_deref())));
        }
    }
    let at = second.steps.len();
    Ok(first.steps.get(at).map(|step| report::longer(steps, at, Some(step), None)))
}
