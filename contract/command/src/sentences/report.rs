//! What `explain` says, for programs: the approver's portal, and whoever keeps lists of approvals.

use serde::Serialize;

use super::risks::{Risk, own_minimum};
use super::trace::Traces;
use super::words::domain;
use super::{Opens, explain_steps};
use crate::command::Command;
use crate::holes::holes;
use crate::script::{Script, Step};
use crate::slot::HoleName;

pub const REPORT_FORMAT: &str = "vdl-report/1";

/// A script step by step, what it opens, what it leaves open, and what to think about twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    pub format: &'static str,
    pub name: Option<String>,
    pub ordered: bool,
    pub steps: Vec<ReportStep>,
    pub opened: Vec<OpenedThing>,
    pub holes: Vec<ReportHole>,
    /// Gravest first.
    pub risks: Vec<Risk>,
}

/// Steps count from 1 in all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReportStep {
    pub step: u32,
    pub sentence: String,
    /// `nothing`, `count`, `values`, `groups` or `rows`.
    pub opens: &'static str,
    pub opening: String,
    /// The analyst's own line, which decides nothing.
    pub source: Option<String>,
}

/// What becomes readable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenedThing {
    pub step: u32,
    pub what: &'static str,
    /// `everybody` for counts, which the servers learn as well; otherwise `analyst`.
    pub to: &'static str,
    /// How many single values.
    pub values: Option<usize>,
    /// Of rows and groups, where they can be known from the script.
    pub columns: Option<Vec<String>>,
    /// Fewer rows than these open nothing else.
    pub fewest_rows: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReportHole {
    pub hole: HoleName,
    /// What may be filled in; without it anything.
    pub domain: Option<String>,
    pub steps: Vec<u32>,
}

/// Everything `explain_script` says, piece by piece.
pub fn report(script: &Script) -> Report {
    let explained = explain_steps(script);
    let traces = Traces::new(script);
    let mut report = Report {
        format: REPORT_FORMAT,
        name: script.name.clone(),
        ordered: script.ordered,
        steps: Vec::new(),
        opened: Vec::new(),
        holes: Vec::new(),
        risks: explained.iter().flat_map(|one| &one.risks).cloned().collect(),
    };
    for ((at, Step { command, source }), one) in (1u32..).zip(&script.steps).zip(explained) {
        report.opened.extend(opened_thing(at, command, &one.opens, &traces));
        for hole in holes(command) {
            add_hole(&mut report.holes, script, hole, at);
        }
        let (sentence, opens, opening) = (one.sentence, one.opens.word(), one.opening);
        report.steps.push(ReportStep { step: at, sentence, opens, opening, source: source.clone() });
    }
    sort_risks(&mut report.risks);
    report
}

/// Gravest first, and then as the steps come.
pub fn sort_risks(risks: &mut [Risk]) {
    risks.sort_by_key(|risk| (risk.level, risk.code, risk.step));
}

fn opened_thing(step: u32, command: &Command, opens: &Opens, traces: &Traces) -> Option<OpenedThing> {
    let (values, to) = match opens {
        Opens::Nothing => return None,
        Opens::Count => (None, "everybody"),
        Opens::Values(count) => (Some(*count), "analyst"),
        Opens::Groups | Opens::Rows => (None, "analyst"),
    };
    let columns = match command {
        Command::Open { table } => traces.of(table).columns,
        _ => None,
    };
    Some(OpenedThing { step, what: opens.word(), to, values, columns, fewest_rows: own_minimum(command) })
}

fn add_hole(found: &mut Vec<ReportHole>, script: &Script, hole: HoleName, step: u32) {
    if let Some(known) = found.iter_mut().find(|known| known.hole == hole) {
        known.steps.push(step);
        return;
    }
    let declared = script.holes.iter().find(|declared| declared.hole == hole);
    let domain = declared.map(|declared| domain(&declared.domain));
    found.push(ReportHole { hole, domain, steps: vec![step] });
}

/// A section for texts: each kind of risk once, with its steps.
pub fn explain_risks(risks: &[Risk]) -> String {
    let mut risks: Vec<&Risk> = risks.iter().collect();
    risks.sort_by_key(|risk| (risk.level, risk.code, risk.step));
    if risks.is_empty() {
        return "Risks: none that are known here.\n".to_owned();
    }
    let mut text = "Risks, gravest first:\n".to_owned();
    for alike in risks.chunk_by(|a, b| a.code == b.code) {
        let Some(first) = alike.first() else { continue };
        let mut steps: Vec<u32> = alike.iter().filter_map(|risk| risk.step).collect();
        steps.dedup();
        let level = format!("{:?}", first.level).to_lowercase();
        let steps: Vec<String> = steps.iter().map(u32::to_string).collect();
        let place =
            if steps.is_empty() { String::new() } else { format!(", in step(s) {}", super::list(&steps)) };
        text.push_str(&format!("  {level:<6}  {}{place}\n", first.code.title()));
    }
    text
}
