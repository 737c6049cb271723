//! What changed between two scripts, and which scripts ask nearly the same.

#![allow(clippy::unwrap_used)]

use vdl_command::{
    Command, FieldDiff, Script, Step, StepDiff, TableRef, diff_scripts, near_identical, read_script,
};

const SCRIPT: &str = include_str!("../../../vectors/scripts/mean-stroke-age.json");
const GROUPS: &str = include_str!("../../../vectors/scripts/groups.json");

fn mean() -> Script {
    read_script(SCRIPT.as_bytes()).unwrap()
}

fn changed(from: &str, to: &str) -> Script {
    let text = serde_json::to_string(&mean()).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    read_script(text.replace(from, to).as_bytes()).unwrap()
}

/// Puts a step in, and moves all references behind it.
fn inserted(script: &Script, at: usize, command: Command) -> Script {
    let mut script = script.clone();
    for step in script.steps.iter_mut().skip(at) {
        for input in step.command.inputs_mut() {
            if let TableRef::Step(step) = input {
                *step += u32::from(*step as usize >= at);
            }
        }
    }
    script.steps.insert(at, Step { command, source: None });
    script
}

fn field(path: &str, left: Option<&str>, right: Option<&str>) -> FieldDiff {
    FieldDiff { path: path.to_owned(), left: left.map(str::to_owned), right: right.map(str::to_owned) }
}

#[test]
fn a_script_is_the_same_as_itself_whatever_its_source_lines_say() {
    let mut other = mean();
    other.steps[0].source = Some("elsewhere".to_owned());
    assert!(diff_scripts(&mean(), &other).is_empty());
    assert_eq!(near_identical(&mean(), &other), None);
}

#[test]
fn an_inserted_step_does_not_change_those_after_it() {
    for at in 0..=mean().steps.len() {
        let command = Command::Remove { table: TableRef::Name("old".to_owned().into()) };
        let longer = inserted(&mean(), at, command);
        let mut steps = diff_scripts(&mean(), &longer).steps;
        assert_eq!(steps.remove(at), StepDiff::Added { right: at + 1 });
        assert!(steps.iter().all(|step| matches!(step, StepDiff::Same { .. })), "{at}: {steps:?}");
        let mut steps = diff_scripts(&longer, &mean()).steps;
        assert_eq!(steps.remove(at), StepDiff::Removed { left: at + 1 });
        assert!(steps.iter().all(|step| matches!(step, StepDiff::Same { .. })), "{at}: {steps:?}");
    }
}

#[test]
fn a_changed_constant_is_one_field_and_what_rests_on_it_is_the_same() {
    let diff = diff_scripts(&mean(), &changed(r#""integer":1"#, r#""integer":0"#));
    let fields = vec![field("filter.condition.binary.right.integer", Some("1"), Some("0"))];
    assert_eq!(diff.steps[3], StepDiff::Changed { left: 4, right: 4, fields });
    assert_eq!(diff.steps[4], StepDiff::Same { left: 5, right: 5 });
}

#[test]
fn a_reference_to_another_step_is_a_change_even_with_the_same_number() {
    // Steps 1 and 2 change places, and the join still says 0 and 1: it joins the other way round.
    let mut swapped = mean();
    swapped.steps.swap(0, 1);
    let diff = diff_scripts(&mean(), &swapped);
    let merge = diff.steps.iter().find_map(|step| match step {
        StepDiff::Changed { left: 3, fields, .. } => Some(fields.clone()),
        _ => None,
    });
    assert!(!merge.unwrap().is_empty(), "{diff:?}");
}

#[test]
fn a_handle_cannot_pass_for_a_step() {
    let mut other = mean();
    let TableRef::Handle(handle) = other.steps[0].command.inputs()[0].clone() else { panic!() };
    *other.steps[2].command.inputs_mut()[0] = TableRef::Handle(handle);
    let diff = diff_scripts(&mean(), &other);
    let StepDiff::Changed { fields, .. } = &diff.steps[2] else { panic!("{diff:?}") };
    assert_eq!(fields[0].path, "merge.left.step");
    assert_eq!((fields[0].left.as_deref(), &fields[0].right), (Some("0"), &None));
}

#[test]
fn names_and_holes_are_compared_as_well() {
    let diff = diff_scripts(&mean(), &changed("Calculate the mean", "Calculate a mean"));
    assert_eq!(diff.fields[0].path, "name");
    assert!(!diff.is_empty());
    let all_else = diff_scripts(&mean(), &read_script(GROUPS.as_bytes()).unwrap());
    let told = all_else.steps.iter().filter(|step| !matches!(step, StepDiff::Added { .. })).count();
    assert_eq!(told, mean().steps.len(), "every step of the left script is told of once");
}

#[test]
fn one_row_more_or_less_is_near_identical() {
    let near = |other: &Script| near_identical(&mean(), other).is_some();
    assert!(near(&changed(r#""integer":1"#, r#""integer":0"#)), "another constant");
    assert!(near(&changed(r#""threshold":10"#, r#""threshold":9"#)), "another minimum");
    assert!(near(&changed(r#","threshold":10"#, "")), "no minimum");
    let condition = r#"{"binary":{"op":"equal","left":{"column":"Stroke"},"right":{"integer":1}}}"#;
    let more = format!(r#"{{"binary":{{"op":"and","left":{condition},"right":{{"column":"me"}}}}}}"#);
    assert!(near(&changed(condition, &more)), "one comparison more");
}

#[test]
fn another_question_is_not_near_identical() {
    let near = |other: &Script| near_identical(&mean(), other).is_some();
    assert!(!near(&changed(r#""column":"Age""#, r#""column":"Income""#)), "another column");
    assert!(!near(&changed("180A", "280A")), "another table");
    assert!(!near(&changed(r#""how":"inner""#, r#""how":"left""#)), "another join");
    assert!(!near(&read_script(GROUPS.as_bytes()).unwrap()));
}

#[test]
fn scripts_too_long_for_a_table_are_still_compared() {
    let step = |number: u32| {
        let name = format!("table {number}").into();
        Step { command: Command::Get { table: TableRef::Name(name) }, source: None }
    };
    let long = |from: u32| Script::new(None, (from..from + 3_000).map(step).collect());
    assert!(diff_scripts(&long(0), &long(0)).is_empty());
    assert_eq!(diff_scripts(&long(0), &long(10_000)).steps.len(), 3_000);
}
