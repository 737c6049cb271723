//! A mismatch as the analyst reads it: what was approved and what came, side by side.

use vdl_command::{Command, Step};

/// Characters of one of the two sides.
const SIDE: usize = 48;

/// Names the first place where they differ, the source lines of both, and shows both whole.
pub(crate) fn mismatch(
    number: usize,
    of: usize,
    expected: &Step,
    actual: &Command,
    source: Option<&str>,
    place: &str,
) -> String {
    let left = lines(&expected.command);
    let right = lines(actual);
    let mut report = format!("this command is not step {number} of {of} of the script; nothing was sent\n");
    report += &format!("first difference at {place}\n\n");
    report += &row(' ', "expected", "actual");
    report += &row(' ', expected.source.as_deref().unwrap_or(""), source.unwrap_or(""));
    for line in 0..left.len().max(right.len()) {
        let (left, right) = (text(&left, line), text(&right, line));
        report += &row(if left == right { ' ' } else { '!' }, left, right);
    }
    report
}

/// An extra command after the last step.
pub(crate) fn beyond(of: usize, actual: &Command, source: Option<&str>) -> String {
    let mut report =
        format!("all {of} steps of the script are done, and this is one more; nothing was sent\n\n");
    report += &row(' ', "expected", "actual");
    report += &row(' ', "(the end)", source.unwrap_or(""));
    for line in lines(actual) {
        report += &row('!', "", &line);
    }
    report
}

/// A missing step, as `close` names it.
pub(crate) fn step(number: usize, of: usize, step: &Step) -> String {
    let source = step.source.as_deref().map(|source| format!(" ({source})")).unwrap_or_default();
    format!("step {number} of {of}{source} is next:\n{}", lines(&step.command).join("\n"))
}

fn lines(command: &Command) -> Vec<String> {
    // Writing a command as JSON cannot fail: it has no maps with keys that are not strings.
    let text = serde_json::to_string_pretty(command).unwrap_or_default();
    text.lines().flat_map(folded).collect()
}

/// Long lines go on in the next one.
fn folded(line: &str) -> Vec<String> {
    let characters: Vec<char> = line.chars().collect();
    characters.chunks(SIDE).map(|chunk| chunk.iter().collect()).collect()
}

fn text(lines: &[String], line: usize) -> &str {
    lines.get(line).map_or("", String::as_str)
}

fn row(mark: char, left: &str, right: &str) -> String {
    format!("{mark} {left:<SIDE$} | {right}").trim_end().to_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step_of(json: &str) -> Step {
        Step { command: serde_json::from_str(json).unwrap(), source: Some("a.py:3: df.open()".into()) }
    }

    #[test]
    fn both_sides_are_shown_with_their_source_lines() {
        let expected = step_of(r#"{"open":{"table":{"step":0}}}"#);
        let actual = step_of(r#"{"open":{"table":{"step":1}}}"#).command;
        let report = mismatch(2, 5, &expected, &actual, Some("b.py:9: x.open()"), "open.table.step");
        for part in ["step 2 of 5", "open.table.step", "a.py:3", "b.py:9", "\"step\": 0", "\"step\": 1"] {
            assert!(report.contains(part), "{report}");
        }
        assert_eq!(report.lines().filter(|line| line.starts_with('!')).count(), 1);
    }
}
