//! How long a server takes to verify: an approved script of 1,000 steps as a whole, and single steps of it.
//!
//! `cargo run --release -p vdl-authorize --example measure_verify`

use std::error::Error;
use std::time::{Duration, Instant};

use vdl_authorize::{
    Gatekeeper, Policy, Revocations, Run, SigningKey, Terms, add_signature, approve_script, sign_command,
    sign_start,
};
use vdl_command::{JobId, Nonce, Script, write_command, write_script};

type Failed = Box<dyn Error>;

const NOW: i64 = 1_795_000_000;
const STEPS: usize = 1_000;
const ROUNDS: u32 = 21;

/// One table, filtered again and again.
fn script() -> Result<Script, Failed> {
    let first = format!(r#"{{"command":{{"get":{{"table":{{"handle":"{}"}}}}}}}}"#, "A".repeat(64));
    let filter = |step: usize| {
        format!(
            r#"{{"command":{{"filter":{{"table":{{"step":{}}},"condition":{{"binary":{{"op":"less","left":
            {{"column":"age"}},"right":{{"integer":{step}}}}}}},"threshold":10}}}},
            "source":"analysis.py:{step}: young = young[young[\"age\"] < {step}]"}}"#,
            step - 1
        )
    };
    let steps: Vec<String> = [first].into_iter().chain((1..STEPS).map(filter)).collect();
    let text = format!(r#"{{"format":"vdl-script/1","ordered":true,"steps":[{}]}}"#, steps.join(","));
    Ok(vdl_command::read_script(text.as_bytes())?)
}

/// The median and the least of some rounds, in seconds: on a machine that does other things too, the least
/// is closer to what the work takes.
fn times(mut measure: impl FnMut() -> Result<Duration, Failed>) -> Result<[f64; 2], Failed> {
    let mut times = (0..ROUNDS).map(|_| measure()).collect::<Result<Vec<Duration>, _>>()?;
    times.sort();
    Ok([times[times.len() / 2], times[0]].map(|time| time.as_secs_f64()))
}

fn main() -> Result<(), Failed> {
    let key = |number: u8| SigningKey::from_seed([number; 32]);
    let (alice, bob, analyst) = (key(1), key(2), key(3));
    let policy = Policy::pinned(&[alice.verifying_key(), bob.verifying_key()], "production")?;
    let gate = Gatekeeper::authorized(policy, Revocations::default());
    let terms = Terms { environment: "production".into(), not_before: NOW, ..Terms::default() };
    let text = write_script(&script()?)?;
    let once = approve_script(text.as_bytes(), &analyst.verifying_key(), &terms, &alice)?;
    let envelope = add_signature(&once, &bob)?;
    let approval = gate.check_envelope(&envelope, NOW)?;
    println!("{STEPS} steps, 2 approvers, {} KB", envelope.len() / 1000);

    let start = sign_start(&analyst, approval.digest(), Nonce([9; 32]));
    let [median, least] = times(|| {
        let begun = Instant::now();
        gate.check_start(&start, &envelope, NOW)?;
        Ok(begun.elapsed())
    })?;
    println!("start of a run        {:6.2} ms, at least {:6.2}", median * 1e3, least * 1e3);

    let nonces = [Nonce([1; 32]), Nonce([2; 32]), Nonce([3; 32])];
    let mut run = Run::start(approval, 0, nonces[0]);
    let steps = script()?.steps;
    for (at, step) in steps.iter().enumerate() {
        let command = write_command(&step.command)?;
        let step = u32::try_from(at)?;
        let job = JobId(*blake3::hash(&step.to_le_bytes()).as_bytes());
        let authority = sign_command(&analyst, run.approval().digest(), nonces, step, &command, job);
        let check = || run.check_step(&gate, &authority, job, &command, NOW);
        if [0, STEPS / 2 - 1, STEPS - 1].contains(&at) {
            let [median, least] = times(|| {
                let begun = Instant::now();
                check()?;
                Ok(begun.elapsed())
            })?;
            println!("step {:4}             {:6.0} us, at least {:6.0}", at + 1, median * 1e6, least * 1e6);
        }
        run = check()?.run.succeeded(job);
    }
    Ok(())
}
