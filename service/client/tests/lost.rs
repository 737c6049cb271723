//! Answers that get lost on their way, after the server has done what was asked.

#![allow(clippy::unwrap_used, clippy::panic)]

mod world;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use vdl_authorize::{Terms, template_any_upload};
use vdl_client::{CallError, ClientError, Endpoint, Session};
use vdl_command::{Route, write_script};
use vdl_node::Node;
use world::{Analysis, Production, integers, terms};

const UPLOAD: &str = r#"{"format":"vdl-script/1","ordered":true,"steps":[{"command":{"upload":{"columns":
    [{"name":"a","type":"int[min=0,max=9]"}]}}}]}"#;

/// A server whose answers to the first so many starts are lost.
struct Lossy {
    node: Arc<Node>,
    to_lose: AtomicUsize,
}

impl Endpoint for Lossy {
    fn call(&self, route: Route, body: Vec<u8>) -> Result<Vec<u8>, CallError> {
        let answer = self.node.answer(route, &body).map_err(CallError::Refused)?;
        let lose = |left: usize| left.checked_sub(1);
        let lost = route == Route::StartRun
            && self.to_lose.fetch_update(Ordering::AcqRel, Ordering::Acquire, lose).is_ok();
        if lost { Err(CallError::Unreachable("the connection broke".into())) } else { Ok(answer) }
    }

    fn address(&self) -> &str {
        "lossy"
    }
}

/// An analyst who loses so many answers of each server.
fn analyst(production: &Production, to_lose: [usize; 3]) -> Session {
    let lossy = |node: usize| -> Arc<dyn Endpoint> {
        let (node, to_lose) = (production.nodes[node].clone(), AtomicUsize::new(to_lose[node]));
        Arc::new(Lossy { node, to_lose })
    };
    let session = Session::over([0, 1, 2].map(lossy)).unwrap();
    session.set_analyst_key(&production.key_file("analyst.sk", [3; 32])).unwrap();
    session
}

fn approved(production: &Production, name: &str, script: &str, max_runs: u64) -> PathBuf {
    let terms = Terms { max_runs: Some(max_runs), ..terms() };
    production.approve_with(script.as_bytes(), name, 2, &terms)
}

#[test]
fn a_lost_answer_uses_up_no_second_run() {
    let production = Production::start();
    for (number, to_lose) in [[1, 0, 0], [0, 1, 0], [0, 0, 1], [2, 1, 0], [1, 1, 1]].into_iter().enumerate() {
        let script = UPLOAD.replace("\"a\"", &format!("\"a{number}\""));
        let approved = approved(&production, &format!("once{number}.approved"), &script, 1);
        let session = analyst(&production, to_lose);
        for _ in 0..*to_lose.iter().max().unwrap() {
            let lost = session.load(&approved).unwrap_err();
            assert!(matches!(lost, ClientError::Unreachable { .. }), "{lost}");
        }
        session.load(&approved).unwrap();
        session.upload(vec![integers(&format!("a{number}"), &[1, 2])]);
        session.close().unwrap();
        assert_eq!(session.load(&approved).unwrap_err().code(), "runs_used_up", "that was the only run");
    }
}

#[test]
fn an_answered_start_is_followed_by_another_run() {
    let production = Production::start();
    let approved = approved(&production, "twice.approved", UPLOAD, 2);
    let session = analyst(&production, [1, 0, 0]);
    session.load(&approved).unwrap_err();
    for _ in 0..2 {
        session.load(&approved).unwrap();
        session.upload(vec![integers("a", &[1])]);
        session.close().unwrap();
    }
    assert_eq!(session.load(&approved).unwrap_err().code(), "runs_used_up");
}

#[test]
fn an_authorization_outside_scripts_starts_once_too() {
    let production = Production::start();
    let any = write_script(&template_any_upload()).unwrap();
    let session = analyst(&production, [0, 1, 0]);
    session.load_authorization(&approved(&production, "any.approved", &any, 1)).unwrap();
    let lost = session.try_upload(vec![integers("a", &[1])], None).unwrap_err();
    assert!(matches!(lost, ClientError::Unreachable { .. }), "{lost}");
    assert_eq!(session.upload(vec![integers("a", &[1, 2, 3])]).rows, 3);
}
