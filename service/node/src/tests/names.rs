//! Names: a provider gives one to several tables in turn and compares what an approved analysis says.

use vdl_authorize::audit::{Event, read_log};
use vdl_authorize::{NameRule, Terms, read_envelope};
use vdl_command::{Aggregate, Aggregation, Command, Handle, HoleName, Request, Slot, TableMeta, TableRef};
use vdl_share::Opened;

use super::journal::Ground;
use super::runs::{
    Run, begin, envelope_in_any_order, envelope_of, keys, refused_by_each, start, terms, world,
};
use super::{Answered, World, body, codes, column, opened, table, upload};
use crate::node::Node;

const SURVEY: &str = "survey";
/// Everybody's, and everybody's but one.
const ALL: &[u64] = &[1, 5, 9, 12];
const ALL_BUT_ONE: &[u64] = &[1, 5, 9];

fn hole<T>(name: &str) -> Slot<T> {
    Slot::Hole(HoleName::parse(name).unwrap())
}

/// A run in which its owner uploads and stores what they like, under whatever name.
fn provider(world: &World) -> Run {
    let upload = Command::Upload { columns: hole("##columns##"), name: Some(hole("##name##")), rules: None };
    let save = Command::Save { table: TableRef::Handle(hole("##table##")), name: Some(hole("##name##")) };
    begin(world, &envelope_in_any_order(&[upload, save], &Terms { max_runs: None, ..terms() }))
}

fn provide(world: &World, provider: &Run, values: &[u64], name: &str) -> TableMeta {
    let (command, rows, payloads) = upload(&[("a", "int[min=0,max=15]", values)], Some(name));
    let request = Request { rows: Some(rows), ..provider.signed(&keys().analyst, 0, &command) };
    table(world.ask(payloads.map(|payload| body(&request, &payload))))
}

fn mean(name: Slot<String>) -> Command {
    let mean = Aggregation { name: "m".into(), aggregate: Aggregate::Mean, value: column("a") };
    Command::Aggregate { table: TableRef::Name(name), aggregations: vec![mean], threshold: None }
}

fn survey() -> Slot<String> {
    SURVEY.to_owned().into()
}

/// The survey is whichever table has the name when it is first used.
fn first_use() -> NameRule {
    NameRule { name: SURVEY.into(), table: None, may_change: false }
}

fn approved(steps: &[Command], rule: NameRule) -> Vec<u8> {
    envelope_of(steps, &Terms { names: vec![rule], max_runs: Some(9), ..terms() })
}

fn ask(world: &World, run: &Run, step: u32) -> [Answered; 3] {
    run.ask(world, &run.signed(&keys().analyst, step, &mean(survey())))
}

fn sum(answers: [Answered; 3]) -> u64 {
    let Opened::Mean { sum, .. } = &opened(answers)[0].data else { panic!("no mean") };
    sum[0]
}

/// Nobody opened anything, and it was the name that stopped them.
fn assert_rebound(answers: &[Answered; 3]) {
    let codes = codes(answers);
    assert!(codes.iter().all(|code| ["name_rebound", "peer_stopped"].contains(&code.as_str())), "{codes:?}");
    assert!(codes.iter().any(|code| code == "name_rebound"), "{codes:?}");
}

/// Servers on which the approval has ended, each of which is enough to stop it.
fn ended<'a>(world: &'a World, envelope: &[u8]) -> Vec<&'a Node> {
    let digest = read_envelope(envelope).unwrap().digest;
    let ended = |node: &&Node| node.store.ended(digest).unwrap().as_deref() == Some(SURVEY);
    world.nodes.iter().map(|node| &**node).filter(ended).collect()
}

/// What the approvers were warned of: whoever may upload under a name sees what one row adds to the answer.
#[test]
fn the_named_upload_attack() {
    let world = world();
    let provider = provider(&world);
    let envelope = approved(&[mean(survey())], first_use());
    provide(&world, &provider, ALL, SURVEY);
    let [first, other] = [0, 1].map(|_| begin(&world, &envelope));
    assert_eq!(sum(ask(&world, &first, 0)), 27);
    // Another run of the same data is no attack.
    assert_eq!(sum(ask(&world, &other, 0)), 27);
    let [second, third] = [0, 1].map(|_| begin(&world, &envelope));
    provide(&world, &provider, ALL_BUT_ONE, SURVEY);
    assert_rebound(&ask(&world, &second, 0));
    let ended = ended(&world, &envelope);
    assert!(!ended.is_empty());
    for node in ended {
        // Neither this run goes on there, nor another, nor does one begin.
        for run in [&second, &third] {
            let request = run.signed(&keys().analyst, 0, &mean(survey()));
            let refused = node.answer(vdl_command::Route::Command, &body(&request, &[])).unwrap_err();
            assert_eq!(refused.code, "approval_void");
        }
        let (log, _) = read_log(&node.store.log_end(u64::MAX).unwrap());
        let void = |event: &Event| matches!(event, Event::Void { name, .. } if name == SURVEY);
        assert_eq!(log.entries.iter().filter(|line| void(&line.entry.event)).count(), 1);
    }
    assert!(start(&world, &envelope).iter().any(Result::is_err));
    // To give the name back does not help.
    provide(&world, &provider, ALL, SURVEY);
    assert!(ask(&world, &second, 0).iter().all(Result::is_err));
}

/// Two servers that forgot, or lie, cannot talk the third into it.
#[test]
fn each_server_alone_stops_the_named_upload_attack() {
    for honest in 0..3 {
        let world = world();
        let provider = provider(&world);
        let envelope = approved(&[mean(survey())], first_use());
        let digest = read_envelope(&envelope).unwrap().digest;
        let before = provide(&world, &provider, ALL, SURVEY);
        world.nodes[honest].store.fix(digest, &[(SURVEY, before.handle)], None).unwrap();
        provide(&world, &provider, ALL_BUT_ONE, SURVEY);
        let run = begin(&world, &envelope);
        let codes = codes(&ask(&world, &run, 0));
        for (node, code) in codes.iter().enumerate() {
            assert_eq!(code, if node == honest { "name_rebound" } else { "peer_stopped" });
            let fixed = world.nodes[node].store.fixed(digest, SURVEY).unwrap();
            assert_eq!(fixed, (node == honest).then_some(before.handle), "the others fixed what nobody used");
        }
        assert_eq!(start_codes(&world, &envelope)[honest], "approval_void");
    }
}

fn start_codes(world: &World, envelope: &[u8]) -> [String; 3] {
    start(world, envelope).map(|started| started.err().unwrap_or_default())
}

#[test]
fn a_name_does_not_move_within_a_run() {
    let world = world();
    let provider = provider(&world);
    let envelope = approved(&[mean(survey()), mean(survey())], first_use());
    provide(&world, &provider, ALL, SURVEY);
    let run = begin(&world, &envelope);
    assert_eq!(sum(ask(&world, &run, 0)), 27);
    provide(&world, &provider, ALL_BUT_ONE, SURVEY);
    assert_rebound(&ask(&world, &run, 1));
}

#[test]
fn to_save_another_table_under_the_name_is_the_same_attack() {
    let world = world();
    let provider = provider(&world);
    let envelope = approved(&[mean(survey())], first_use());
    let other = provide(&world, &provider, ALL_BUT_ONE, "other");
    provide(&world, &provider, ALL, SURVEY);
    assert_eq!(sum(ask(&world, &begin(&world, &envelope), 0)), 27);
    let save = Command::Save { table: TableRef::Handle(other.handle.into()), name: Some(survey()) };
    let second = begin(&world, &envelope);
    table(provider.ask(&world, &provider.signed(&keys().analyst, 1, &save)));
    assert_rebound(&ask(&world, &second, 0));
}

#[test]
fn a_name_that_fills_a_hole_is_held_to_its_table_too() {
    let world = world();
    let provider = provider(&world);
    let envelope = approved(&[mean(hole("##which##"))], first_use());
    provide(&world, &provider, ALL, SURVEY);
    provide(&world, &provider, ALL, "salaries");
    let [first, second] = [0, 1].map(|_| begin(&world, &envelope));
    let unlisted = first.signed(&keys().analyst, 0, &mean("salaries".to_owned().into()));
    refused_by_each(&world, &unlisted, "name_not_approved");
    assert_eq!(sum(ask(&world, &first, 0)), 27);
    provide(&world, &provider, ALL_BUT_ONE, SURVEY);
    assert_rebound(&ask(&world, &second, 0));
}

#[test]
fn where_the_approvers_say_so_a_name_may_change() {
    let world = world();
    let provider = provider(&world);
    let envelope = approved(&[mean(survey())], NameRule { may_change: true, ..first_use() });
    for (values, expected) in [(ALL, 27), (ALL_BUT_ONE, 15)] {
        provide(&world, &provider, values, SURVEY);
        assert_eq!(sum(ask(&world, &begin(&world, &envelope), 0)), expected);
    }
    assert!(ended(&world, &envelope).is_empty());
}

#[test]
fn a_table_that_the_approvers_named_is_waited_for() {
    let world = world();
    let provider = provider(&world);
    let meant = provide(&world, &provider, ALL, SURVEY);
    let rule = NameRule { table: Some(meant.handle), ..first_use() };
    let envelope = approved(&[mean(survey())], rule);
    provide(&world, &provider, ALL_BUT_ONE, SURVEY);
    let run = begin(&world, &envelope);
    assert_rebound(&ask(&world, &run, 0));
    // Nothing else can ever be opened under it, so nothing has to end.
    assert!(ended(&world, &envelope).is_empty());
    let back = Command::Save { table: TableRef::Handle(meant.handle.into()), name: Some(survey()) };
    table(provider.ask(&world, &provider.signed(&keys().analyst, 1, &back)));
    assert_eq!(sum(ask(&world, &run, 0)), 27);
}

#[test]
fn servers_that_see_different_tables_fix_nothing() {
    let world = world();
    let provider = provider(&world);
    let envelope = approved(&[mean(survey())], first_use());
    let digest = read_envelope(&envelope).unwrap().digest;
    let other = provide(&world, &provider, ALL_BUT_ONE, "other");
    let meant = provide(&world, &provider, ALL, SURVEY);
    let run = begin(&world, &envelope);
    let fixed = |node: &Node| node.store.fixed(digest, SURVEY).unwrap();
    world.nodes[2].store.rename(other.handle, Some(SURVEY)).unwrap();
    let refused = codes(&ask(&world, &run, 0));
    assert!(refused.iter().any(|code| code == "servers_disagree"), "{refused:?}");
    assert!(world.nodes.iter().all(|node| fixed(node).is_none()));
    world.nodes[2].store.rename(meant.handle, Some(SURVEY)).unwrap();
    assert_eq!(sum(ask(&world, &run, 0)), 27);
    assert!(world.nodes.iter().all(|node| fixed(node) == Some(meant.handle)));
}

#[test]
fn a_loss_of_power_right_after_the_answer_does_not_free_a_name() {
    let grounds = [0, 1, 2].map(|_| Ground::default());
    let world = super::journal::world_on(&grounds);
    let provider = provider(&world);
    let envelope = approved(&[mean(survey())], first_use());
    let digest = read_envelope(&envelope).unwrap().digest;
    let meant = provide(&world, &provider, ALL, SURVEY);
    assert_eq!(sum(ask(&world, &begin(&world, &envelope), 0)), 27);
    for ground in &grounds {
        let store = ground.after_power_loss().store();
        assert_eq!(store.fixed(digest, SURVEY).unwrap(), Some(meant.handle));
    }
}

/// What opens nothing fixes nothing of other approvals.
#[test]
fn each_approval_has_its_own_first_use() {
    let world = world();
    let provider = provider(&world);
    let rule = first_use();
    let [one, other] = [8, 9].map(|runs| {
        let terms = Terms { names: vec![rule.clone()], max_runs: Some(runs), ..terms() };
        envelope_of(&[mean(survey())], &terms)
    });
    let mut handles: Vec<Handle> = Vec::new();
    for (envelope, values, expected) in [(&one, ALL, 27), (&other, ALL_BUT_ONE, 15)] {
        handles.push(provide(&world, &provider, values, SURVEY).handle);
        assert_eq!(sum(ask(&world, &begin(&world, envelope), 0)), expected);
    }
    let digests = [&one, &other].map(|envelope| read_envelope(envelope).unwrap().digest);
    let fixed = digests.map(|digest| world.nodes[0].store.fixed(digest, SURVEY).unwrap().unwrap());
    assert_eq!(fixed.as_slice(), handles);
}
