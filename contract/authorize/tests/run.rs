//! Runs: each test is an analyst, a thief of recordings or a lying client against one server.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::*;
use vdl_authorize::{
    Admitted, Approval, Refusal, Run, RunState, Terms, find_pattern, match_step, run_id, sign_close,
    sign_command,
};
use vdl_command::{Authority, Command, JobId, Nonce, ReadError, read_command, read_script, write_command};

fn approval_of(script: &str) -> Approval {
    let names = ["survey", "medical"].map(changing).to_vec();
    let terms = Terms { names, ..terms() };
    gate().check_envelope(&signed_by(script, &terms, &[alice(), bob()]), NOW).unwrap()
}

fn started(script: &str) -> Run {
    Run::start(approval_of(script), 1, nonces()[1])
}

fn command(step: usize) -> String {
    write_command(&read_script(SCRIPT.as_bytes()).unwrap().steps[step].command).unwrap()
}

/// Signs `text` as `step` and asks the server; every call is a new job.
fn ask(run: &Run, step: u32, text: &str, number: u8) -> Result<Admitted, Refusal> {
    run.check_step(&gate(), &sign(run.approval().digest(), step, text, number), job(number), text, NOW)
}

/// The run after the first `count` steps went well.
fn after(count: u8) -> Run {
    (0..count).fold(started(SCRIPT), |run, step| {
        let admitted = ask(&run, step.into(), &command(step.into()), step).unwrap();
        admitted.run.succeeded(job(step))
    })
}

/// As the journal has it.
fn steps_done(run: &Run) -> u64 {
    serde_json::to_value(run.state()).unwrap()["next"].as_u64().unwrap()
}

fn refusal(answer: Result<Admitted, Refusal>) -> Refusal {
    answer.map(|admitted| format!("admitted {:?}", admitted.command)).unwrap_err()
}

#[test]
fn the_approved_steps_run_in_order_and_then_no_more() {
    let run = after(5);
    assert_eq!(steps_done(&run), 5);
    assert_eq!(refusal(ask(&run, 5, &command(4), 99)), Refusal::ScriptEnded { of: 5 });
}

#[test]
fn the_admitted_command_is_the_one_that_was_signed_with_its_references() {
    let admitted = ask(&after(2), 2, &command(2), 9).unwrap();
    assert!(matches!(admitted.command.get(), Command::Merge { .. }));
    assert_eq!(write_command(&admitted.command.into_inner()).unwrap(), command(2));
}

#[test]
fn other_spelling_of_the_same_command_is_the_same_command() {
    let spaced = command(0).replace(':', " : ");
    assert!(ask(&started(SCRIPT), 0, &spaced, 1).is_ok());
}

#[test]
fn a_step_is_not_skipped() {
    let refused = refusal(ask(&started(SCRIPT), 1, &command(1), 1));
    assert_eq!(refused, Refusal::OutOfOrder { next: 0, got: 1, of: 5 });
    assert!(refused.to_string().contains("step 1 of 5 is next, not step 2"));
    assert!(matches!(ask(&started(SCRIPT), u32::MAX, &command(1), 1), Err(Refusal::OutOfOrder { .. })));
}

#[test]
fn steps_are_not_reordered_by_lying_about_the_number() {
    let Refusal::Mismatch(mismatch) = refusal(ask(&started(SCRIPT), 0, &command(1), 1)) else { panic!() };
    assert_eq!(mismatch.path, "get.table.handle");
    assert!(mismatch.expected.contains("180A662E") && mismatch.actual.contains("EFC8A915"));
    assert!(mismatch.source.unwrap().starts_with("survey = "));
}

#[test]
fn a_changed_step_is_refused_with_the_place() {
    let run = after(3);
    for (from, to, place) in [
        ("\"threshold\":10", "\"threshold\":9", "filter.threshold"),
        (",\"threshold\":10", "", "filter.threshold"),
        ("\"equal\"", "\"not_equal\"", "filter.condition.binary.op"),
        ("{\"step\":2}", "{\"step\":0}", "filter.table.step"),
        ("\"Stroke\"", "\"stroke\"", "filter.condition.binary.left.column"),
    ] {
        let changed = command(3).replacen(from, to, 1);
        let Refusal::Mismatch(mismatch) = refusal(ask(&run, 3, &changed, 50)) else { panic!("{changed}") };
        assert_eq!(mismatch.path, place);
        assert!(mismatch.side_by_side().lines().any(|line| line.contains(['|', '<', '>'])));
    }
}

#[test]
fn an_extra_step_is_refused() {
    let open = r#"{"open":{"table":{"step":0}}}"#;
    assert!(matches!(ask(&after(1), 1, open, 50), Err(Refusal::Mismatch(_))));
    assert!(matches!(ask(&after(5), 5, open, 50), Err(Refusal::ScriptEnded { of: 5 })));
}

#[test]
fn a_failed_step_may_be_tried_again_as_it_was() {
    let failed = ask(&after(3), 3, &command(3), 10).unwrap().run.failed(job(10));
    let again = ask(&failed, 3, &command(3), 11).unwrap().run;
    assert_eq!(steps_done(&again.succeeded(job(11))), 4);
}

#[test]
fn a_retry_with_other_content_is_refused() {
    let script = SCRIPT.replace("\"threshold\": 10", "\"threshold\": \"##least##\"");
    let run = (0..3).fold(started(&script), |run, step: u8| {
        ask(&run, step.into(), &command(step.into()), step).unwrap().run.succeeded(job(step))
    });
    let failed = ask(&run, 3, &command(3), 10).unwrap().run.failed(job(10));
    let other = command(3).replace("\"threshold\":10", "\"threshold\":2");
    assert_eq!(refusal(ask(&failed, 3, &other, 11)), Refusal::RetryDiffers { step: 3 });
    assert!(ask(&failed, 3, &command(3), 12).is_ok());
}

#[test]
fn a_lost_answer_may_be_asked_for_again_but_nothing_older() {
    let run = after(3);
    let repeated = ask(&run, 2, &command(2), 10).unwrap().run;
    assert_eq!(steps_done(&repeated.succeeded(job(10))), 3);
    let other = command(2).replace("\"inner\"", "\"left\"");
    assert_eq!(refusal(ask(&run, 2, &other, 11)), Refusal::RetryDiffers { step: 2 });
    assert_eq!(refusal(ask(&run, 1, &command(1), 12)), Refusal::OutOfOrder { next: 3, got: 1, of: 5 });
}

#[test]
fn what_changes_something_is_not_repeated() {
    let upload = r#"{"upload":{"columns":[{"name":"a","type":"bool"}],"name":"survey"}}"#;
    let by_name = r#"{"get":{"table":{"name":"survey"}}}"#;
    let steps = format!(r#"{{"command":{upload}}},{{"command":{by_name}}}"#);
    let script = format!(r#"{{"format":"vdl-script/1","ordered":true,"steps":[{steps}]}}"#);
    let uploaded = ask(&started(&script), 0, upload, 1).unwrap().run.succeeded(job(1));
    assert_eq!(refusal(ask(&uploaded, 0, upload, 2)), Refusal::RepeatChanges { step: 0 });
    let got = ask(&uploaded, 1, by_name, 3).unwrap().run.succeeded(job(3));
    assert_eq!(refusal(ask(&got, 1, by_name, 4)), Refusal::RepeatChanges { step: 1 });
}

#[test]
fn two_attempts_do_not_run_at_once() {
    let running = ask(&after(1), 1, &command(1), 10).unwrap().run;
    assert_eq!(refusal(ask(&running, 1, &command(1), 11)), Refusal::StillRunning { step: 1 });
    let unmoved = running.succeeded(job(12)).failed(job(13));
    assert_eq!(unmoved, running, "only the running job moves the run");
}

#[test]
fn a_replayed_request_is_refused() {
    let admitted = ask(&after(1), 1, &command(1), 10).unwrap().run;
    assert_eq!(refusal(ask(&admitted.failed(job(10)), 1, &command(1), 10)), Refusal::Replayed);
    assert_eq!(refusal(ask(&admitted.succeeded(job(10)), 1, &command(1), 10)), Refusal::Replayed);
}

#[test]
fn a_recorded_session_fits_no_other_run() {
    let next_run = Run::start(approval_of(SCRIPT), 1, Nonce([77; 32]));
    assert_eq!(refusal(ask(&next_run, 0, &command(0), 1)), Refusal::OtherRun);

    // The thief writes the new nonce over the old one: then the signature is wrong.
    let mut stolen = sign(next_run.approval().digest(), 0, &command(0), 1);
    stolen.nonces[1] = Nonce([77; 32]);
    let refused = next_run.check_step(&gate(), &stolen, job(1), &command(0), NOW);
    assert_eq!(refusal(refused).code(), "wrong_analyst");
}

#[test]
fn a_servers_own_nonce_counts_only_in_its_own_place() {
    let elsewhere = Run::start(approval_of(SCRIPT), 2, nonces()[1]);
    assert_eq!(refusal(ask(&elsewhere, 0, &command(0), 1)), Refusal::OtherRun);
    let nowhere = Run::start(approval_of(SCRIPT), 3, nonces()[1]);
    assert_eq!(refusal(ask(&nowhere, 0, &command(0), 1)), Refusal::OtherRun);
}

#[test]
fn the_other_servers_nonces_are_fixed_by_the_first_command() {
    let run = after(1);
    let mut changed = nonces();
    changed[2] = Nonce([99; 32]);
    assert_ne!(run_id(&changed), run_id(&nonces()));
    let authority = sign_command(&analyst(), run.approval().digest(), changed, 1, &command(1), job(9));
    assert_eq!(refusal(run.check_step(&gate(), &authority, job(9), &command(1), NOW)), Refusal::OtherRun);
}

#[test]
fn only_the_approved_analyst_runs_the_script() {
    let run = started(SCRIPT);
    for thief in [alice(), bob(), key(9)] {
        let authority = sign_command(&thief, run.approval().digest(), nonces(), 0, &command(0), job(1));
        let refused = refusal(run.check_step(&gate(), &authority, job(1), &command(0), NOW));
        assert_eq!(refused, Refusal::NotTheAnalyst { analyst: analyst().verifying_key().fingerprint() });
    }
}

#[test]
fn the_signature_covers_step_command_job_run_and_approval() {
    let run = started(SCRIPT);
    let good = sign(run.approval().digest(), 0, &command(0), 1);
    let check = |authority: &Authority, job: JobId, text: &str| {
        run.check_step(&gate(), authority, job, text, NOW).map(|_| ()).map_err(|refused| refused.code())
    };
    assert_eq!(check(&good, job(1), &command(0)), Ok(()));
    assert_eq!(check(&Authority { step: 1, ..good.clone() }, job(1), &command(0)), Err("wrong_analyst"));
    assert_eq!(check(&good, job(2), &command(0)), Err("wrong_analyst"));
    assert_eq!(check(&good, job(1), &command(1)), Err("wrong_analyst"));
    assert_eq!(check(&good, job(1), &(command(0) + " ")), Err("wrong_analyst"));
    assert_eq!(
        check(&Authority { approval: run_id(&nonces()), ..good.clone() }, job(1), &command(0)),
        Err("other_run")
    );
    for at in 0..good.signature.len() {
        let mut signature = good.signature.clone().into_bytes();
        signature[at] ^= 1;
        let signature = String::from_utf8(signature).unwrap();
        assert_eq!(
            check(&Authority { signature, ..good.clone() }, job(1), &command(0)),
            Err("wrong_analyst")
        );
    }
    assert_eq!(
        check(&Authority { signature: String::new(), ..good }, job(1), &command(0)),
        Err("wrong_analyst")
    );
}

#[test]
fn a_step_signed_for_one_script_is_none_of_another() {
    let renamed = SCRIPT.replace("Calculate", "Compute");
    let authority = sign(approval_of(&renamed).digest(), 0, &command(0), 1);
    let refused = started(SCRIPT).check_step(&gate(), &authority, job(1), &command(0), NOW);
    assert_eq!(refusal(refused), Refusal::OtherApproval);
}

#[test]
fn a_run_does_not_outlive_its_approval() {
    let run = after(1);
    let authority = sign(run.approval().digest(), 1, &command(1), 9);
    let late = run.check_step(&gate(), &authority, job(9), &command(1), NOW + 61);
    assert_eq!(refusal(late).code(), "approval_expired");
}

#[test]
fn a_recording_is_a_recording_also_when_its_approval_holds_no_longer() {
    let run = after(1);
    let authority = sign(run.approval().digest(), 0, &command(0), 0);
    let late = run.check_step(&gate(), &authority, job(0), &command(0), NOW + 61);
    assert_eq!(refusal(late), Refusal::Replayed);
}

#[test]
fn closing_ends_the_run_and_only_the_analyst_closes() {
    let run = after(2);
    let digest = run.approval().digest();
    assert_eq!(run.check_close(&sign_close(&bob(), digest, nonces())).unwrap_err().code(), "wrong_analyst");
    let mut other = nonces();
    other[0] = Nonce([0; 32]);
    assert_eq!(run.check_close(&sign_close(&analyst(), digest, other)), Err(Refusal::OtherRun));

    let closed = run.check_close(&sign_close(&analyst(), digest, nonces())).unwrap();
    assert_eq!((run.check_open(), closed.check_open()), (Ok(()), Err(Refusal::Closed)));
    assert_eq!(refusal(ask(&closed, 2, &command(2), 9)), Refusal::Closed);
    assert_eq!(closed.check_close(&sign_close(&analyst(), digest, nonces())), Err(Refusal::Closed));
}

#[test]
fn a_command_signature_does_not_close_and_a_close_does_not_command() {
    let run = after(1);
    let mut close = sign_close(&analyst(), run.approval().digest(), nonces());
    close.signature = sign(run.approval().digest(), 1, &command(1), 9).signature;
    assert_eq!(run.check_close(&close).unwrap_err().code(), "wrong_analyst");
}

#[test]
fn the_journal_holds_what_decides() {
    let tried = ask(&after(3), 3, &command(3), 10).unwrap().run;
    let written = serde_json::to_string(tried.state()).unwrap();
    let state: RunState = serde_json::from_str(&written).unwrap();
    let restored = Run::restore(approval_of(SCRIPT), state, tried.jobs().clone());
    assert_eq!(refusal(ask(&restored, 3, &command(3), 10)), Refusal::Replayed);
    assert_eq!(steps_done(&restored), 3);
    assert!(ask(&restored, 3, &command(3), 11).is_ok(), "the restart ended the attempt");
    assert_eq!(restored.nonce(), nonces()[1]);
}

const ANY: &str = r###"{"format":"vdl-script/1","ordered":false,"steps":[
    {"command":{"upload":{"columns":"##columns##"}}},
    {"command":{"merge":{"left":{"handle":"##a##"},"right":{"handle":"##a##"},"how":"inner",
        "left_on":["k"],"right_on":["k"],"validate":"one_to_one","suffixes":["_x","_y"]}}},
    {"command":{"get":{"table":{"name":"##t##"}}}}],
    "holes":[{"hole":"##t##","domain":{"one_of":["survey","medical"]}}]}"###;

fn merge(left: char, right: char) -> String {
    let handle = |digit: char| digit.to_string().repeat(64);
    format!(
        r#"{{"merge":{{"left":{{"handle":"{}"}},"right":{{"handle":"{}"}},"how":"inner","left_on":["k"],
        "right_on":["k"],"validate":"one_to_one","suffixes":["_x","_y"]}}}}"#,
        handle(left),
        handle(right)
    )
}

#[test]
fn commands_in_any_order_match_their_pattern_any_number_of_times() {
    let upload = r#"{"upload":{"columns":[{"name":"a","type":"int[min=0,max=9]"}]}}"#;
    let mut run = started(ANY);
    for number in 1..5 {
        run = ask(&run, 0, upload, number).unwrap().run.succeeded(job(number));
    }
    let run = ask(&run, 1, &merge('A', 'A'), 9).unwrap().run;
    assert!(ask(&run, 1, &merge('B', 'B'), 10).is_ok(), "another use binds anew, also while one runs");
    assert_eq!(refusal(ask(&run, 0, upload, 3)), Refusal::Replayed);
    assert_eq!(refusal(ask(&run, 3, upload, 11)), Refusal::NoSuchPattern { step: 3 });
}

#[test]
fn one_hole_is_one_value() {
    let Refusal::Mismatch(mismatch) = refusal(ask(&started(ANY), 1, &merge('A', 'B'), 1)) else { panic!() };
    assert_eq!(mismatch.path, "merge.right.handle");
    assert!(mismatch.reason.unwrap().contains("##a## stands for another value"));
}

#[test]
fn a_hole_stays_within_its_domain() {
    let named = |name: &str| format!(r#"{{"get":{{"table":{{"name":"{name}"}}}}}}"#);
    assert!(ask(&started(ANY), 2, &named("survey"), 1).is_ok());
    let Refusal::Mismatch(mismatch) = refusal(ask(&started(ANY), 2, &named("salaries"), 2)) else { panic!() };
    assert!(mismatch.reason.unwrap().contains("##t## may not stand for this value"));
}

#[test]
fn a_hole_does_not_become_another_kind_of_thing() {
    let by_handle = format!(r#"{{"get":{{"table":{{"handle":"{}"}}}}}}"#, "A".repeat(64));
    assert!(matches!(ask(&started(ANY), 2, &by_handle, 1), Err(Refusal::Mismatch(_))));
    let named_upload = r#"{"upload":{"columns":[],"name":"survey"}}"#;
    assert!(matches!(ask(&started(ANY), 0, named_upload, 2), Err(Refusal::Mismatch(_))));
}

#[test]
fn an_unfilled_hole_is_not_run() {
    let unfilled = r###"{"get":{"table":{"name":"##t##"}}}"###;
    let Refusal::Mismatch(mismatch) = refusal(ask(&started(ANY), 2, unfilled, 1)) else { panic!() };
    assert!(mismatch.reason.unwrap().contains("nothing was filled into ##t##"));
    let smuggled = r###"{"upload":{"columns":[{"name":"##a##","type":"bool"}]}}"###;
    assert!(matches!(ask(&started(ANY), 0, smuggled, 2), Err(Refusal::Mismatch(_))));
}

#[test]
fn in_a_script_a_hole_is_one_value_for_the_whole_run() {
    let script = r###"{"format":"vdl-script/1","ordered":true,"steps":[
        {"command":{"get":{"table":{"name":"##t##"}}}},{"command":{"get":{"table":{"name":"##t##"}}}}]}"###;
    let named = |name: &str| format!(r#"{{"get":{{"table":{{"name":"{name}"}}}}}}"#);
    let run = ask(&started(script), 0, &named("survey"), 1).unwrap().run.succeeded(job(1));
    let journal = serde_json::to_string(run.state()).unwrap();
    let state = serde_json::from_str(&journal).unwrap();
    let run = Run::restore(approval_of(script), state, run.jobs().clone());
    assert!(matches!(ask(&run, 1, &named("medical"), 2), Err(Refusal::Mismatch(_))));
    assert!(ask(&run, 1, &named("survey"), 3).is_ok());
}

#[test]
fn malformed_commands_are_refused_even_when_signed() {
    for text in ["", "{}", "null", "\u{feff}{}", r#"{"open":{"table":{"step":0},"table":{"step":0}}}"#] {
        assert!(
            matches!(
                ask(&started(SCRIPT), 0, text, 1),
                Err(Refusal::Command(ReadError::At { .. } | ReadError::ByteOrderMark))
            ),
            "{text}"
        );
    }
}

#[test]
fn the_client_finds_the_pattern_the_server_will_accept() {
    let script = read_script(ANY.as_bytes()).unwrap();
    let find = |text: &str| find_pattern(&script, &read_command(text).unwrap());
    assert_eq!(find(&merge('A', 'A')), Some(1));
    assert_eq!(find(&merge('A', 'B')), None);
    assert_eq!(find(r#"{"upload":{"columns":[]}}"#), Some(0));
    assert!(match_step(&script, 99, &read_command(&merge('A', 'A')).unwrap(), &Default::default()).is_err());
}

#[test]
fn side_by_side_lines_up_what_is_equal() {
    let changed = command(3).replace(",\"threshold\":10", "").replace("Stroke", "Gender");
    let Refusal::Mismatch(mismatch) = refusal(ask(&after(3), 3, &changed, 9)) else { panic!() };
    let shown = mismatch.side_by_side();
    assert!(
        shown
            .lines()
            .any(|line| line.contains("\"Stroke\"") && line.contains("| ") && line.contains("\"Gender\"")),
        "{shown}"
    );
    assert!(shown.lines().any(|line| line.contains("\"threshold\": 10") && line.ends_with('<')), "{shown}");
    assert!(shown.lines().any(|line| line.matches("\"op\": \"equal\"").count() == 2), "{shown}");
}
