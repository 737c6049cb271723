//! What the books say, asked of three servers.

use vdl_authorize::audit::{Event, read_log};
use vdl_authorize::{Terms, read_envelope};
use vdl_command::wire::{decode, encode};
use vdl_command::{AskLog, AskUsed, Digest, ErrorAnswer, LONGEST_LOG_PART, LogPart, MOST_ASKED, Route, Used};

use super::World;
use super::runs::{begin, envelope, start, terms, world};
use crate::node::Node;

fn used(node: &Node, approvals: Vec<Digest>) -> Result<Vec<Used>, ErrorAnswer> {
    let body = encode(&AskUsed { approvals }, &[]).unwrap();
    Ok(decode(&node.answer(Route::Runs, &body)?).unwrap().0)
}

fn part(node: &Node, from: u64) -> Result<(u64, Vec<u8>), ErrorAnswer> {
    let answer = node.answer(Route::Audit, &encode(&AskLog { from }, &[]).unwrap())?;
    let (LogPart { next }, lines) = decode(&answer).unwrap();
    Ok((next, lines.to_vec()))
}

#[test]
fn each_server_says_how_many_runs_of_an_approval_are_used() {
    let world = world();
    let envelope = envelope(&Terms { max_runs: Some(2), ..terms() });
    let approval = read_envelope(&envelope).unwrap().digest;
    let unseen = Digest([9; 32]);
    for runs in 0..=2 {
        for node in &world.nodes {
            let counted = |approval, runs| Used { approval, runs, uses: 0 };
            let expected = [counted(unseen, 0), counted(approval, runs), counted(approval, runs)];
            assert_eq!(used(node, vec![unseen, approval, approval]).unwrap(), expected);
        }
        if runs < 2 {
            begin(&world, &envelope);
        }
    }
    // A start that was refused is no run.
    assert!(start(&world, &envelope).iter().all(Result::is_err));
    assert_eq!(used(&world.nodes[0], vec![approval]).unwrap()[0].runs, 2);
}

#[test]
fn nobody_asks_about_more_than_a_thousand_approvals_at_once() {
    let world = world();
    assert_eq!(used(&world.nodes[0], vec![Digest([1; 32]); MOST_ASKED]).unwrap().len(), 1000);
    let refused = used(&world.nodes[0], vec![Digest([1; 32]); MOST_ASKED + 1]).unwrap_err();
    assert_eq!((refused.code.as_str(), refused.node), ("bad_request", Some(0)));
    assert_eq!(world.nodes[0].answer(Route::Runs, b"").unwrap_err().code, "bad_request");
}

#[test]
fn the_audit_log_is_read_on_from_where_a_reader_stopped() {
    let world = world();
    for node in &world.nodes {
        let (next, lines) = part(node, 0).unwrap();
        assert_eq!(next, lines.len() as u64);
        let (log, findings) = read_log(&lines);
        assert_eq!(findings, []);
        assert!(matches!(log.entries[0].entry.event, Event::Opened { .. }));
    }
    let (seen, first) = part(&world.nodes[0], 0).unwrap();
    begin(&world, &envelope(&terms()));
    let (_, more) = part(&world.nodes[0], seen).unwrap();
    let (log, findings) = read_log(&[first, more].concat());
    assert_eq!(findings, []);
    assert!(log.entries.iter().any(|line| matches!(line.entry.event, Event::Run { .. })));
}

#[test]
fn a_long_log_comes_in_parts_of_whole_lines() {
    let world = world();
    let node = &world.nodes[1];
    let code = "x".repeat(50_000);
    for _ in 0..100 {
        let event = Event::Refused { approval: Digest([0; 32]), code: code.clone() };
        node.authorities.ledger.note(&node.store, event).unwrap();
    }
    let (middle, mut lines) = part(node, 0).unwrap();
    assert!(middle <= LONGEST_LOG_PART && lines.ends_with(b"\n"));
    let (end, rest) = part(node, middle).unwrap();
    lines.extend_from_slice(&rest);
    assert_eq!(end, lines.len() as u64);
    let (log, findings) = read_log(&lines);
    assert_eq!(findings, []);
    assert!(log.entries.len() > 100);
    // At its end there is nothing, until there is more; past it and within a line nothing begins.
    let (after, nothing) = part(node, end).unwrap();
    assert!(nothing.is_empty() && after == end);
    for from in [1, end - 1, end + 1, u64::MAX] {
        assert_eq!(part(node, from).unwrap_err().code, "bad_request", "{from}");
    }
}

#[test]
fn in_design_mode_nothing_is_counted_and_nothing_logged() {
    for node in &World::new().nodes {
        assert_eq!(used(node, vec![]).unwrap_err().code, "design_mode");
        assert_eq!(part(node, 0).unwrap_err().code, "design_mode");
    }
}
