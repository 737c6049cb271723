//! What a provider asks holds on three nodes, for whatever is made of the table, and after a restart.

use std::path::Path;

use vdl_command::{
    Aggregate, Aggregation, BinaryOp, Command, Expression, How, Integer, Request, Rules, Slot, TableMeta,
    TableRef, Validate,
};
use vdl_share::Opened;
use vdl_store::Store;

use super::runs::wait_for_release;
use super::{World, body, codes, column, handle_of, job, opened, request, table, upload, wait_until_settled};

fn world_in(folders: [&Path; 3]) -> World {
    World::with(&[], folders.map(|folder| Store::open(folder).unwrap()), |_, wire| wire)
}

fn with_rules(min_rows: Option<u64>, join_only: &[&str]) -> (Command, u64, [Vec<u8>; 3]) {
    let ids: Vec<u64> = (0..20).collect();
    let wages: Vec<u64> = (0..20).map(|id| 3 * id).collect();
    let columns = [("id", "int[min=0,max=31]", &ids[..]), ("wage", "int[min=0,max=63]", &wages[..])];
    let (mut command, rows, payloads) = upload(&columns, None);
    let join_only = join_only.iter().map(|name| (*name).into()).collect();
    let asked = Rules { min_rows, join_only, ..Rules::default() };
    if let Command::Upload { rules, .. } = &mut command {
        *rules = Some(Slot::Value(asked));
    }
    (command, rows, payloads)
}

fn people(world: &World) -> TableMeta {
    let (command, rows, payloads) = with_rules(Some(5), &[]);
    let request = Request { rows: Some(rows), ..request(&command, job(), None) };
    table(world.ask(payloads.map(|payload| body(&request, &payload))))
}

fn below(of: TableRef, name: &str, limit: i128) -> Command {
    let right = Box::new(Expression::Integer(Integer(limit).into()));
    let condition = Expression::Binary { op: BinaryOp::Less, left: Box::new(column(name)), right };
    Command::Filter { table: of, condition, threshold: None }
}

fn sum(of: TableRef, name: &str) -> Command {
    let aggregation = Aggregation { name: "s".into(), aggregate: Aggregate::Sum, value: column(name) };
    Command::Aggregate { table: of, aggregations: vec![aggregation], threshold: None }
}

fn refused(world: &World, command: &Command, code: &str) {
    let codes = codes(&world.run(command));
    assert!(codes.iter().any(|found| found == code), "{codes:?}");
    assert!(codes.iter().all(|found| found == code || found == "peer_stopped"), "{codes:?}");
}

#[test]
fn rules_hold_for_a_joined_table_that_was_saved_under_a_name_before_a_restart() {
    let folders = [0, 1, 2].map(|_| tempfile::tempdir().unwrap());
    let paths = [folders[0].path(), folders[1].path(), folders[2].path()];
    let world = world_in(paths);
    let people = people(&world);
    let guards = people.rules.as_ref().map(|rules| rules.guards.clone()).unwrap();
    assert_eq!((guards[0].source, guards[0].min_rows, guards[0].rows_in), (Some(people.handle), 5, None));
    // Every one of ten has three visits.
    let who: Vec<u64> = (0..30).map(|visit| visit / 3).collect();
    let visits = world.upload(&[("who", "int[min=0,max=31]", &who)], None);
    let merged = table(world.run(&Command::Merge {
        left: handle_of(&visits),
        right: handle_of(&people),
        how: How::Left,
        left_on: vec!["who".into()],
        right_on: vec!["id".into()],
        validate: Validate::ManyToOne,
        suffixes: ("_x".into(), "_y".into()),
    }));
    let names: Vec<&str> = merged.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["who", "id", "wage"], "no more than was asked for");
    let saved = Command::Save { table: handle_of(&merged), name: Some(Slot::Value("joined".into())) };
    table(world.run(&saved));
    world.nodes.iter().for_each(|node| node.stop());
    drop(world);
    wait_for_release(paths);

    let world = world_in(paths);
    let joined = || TableRef::Name(Slot::Value("joined".into()));
    assert_eq!(table(world.run(&Command::Get { table: joined() })).rules, merged.rules);
    refused(&world, &Command::Open { table: joined() }, "rule_rows");
    // Four people, twelve rows.
    refused(&world, &below(joined(), "who", 4), "too_few_rows");
    let five = table(world.run(&below(joined(), "who", 6)));
    assert_eq!(five.rows, 18);
    let columns = opened(world.run(&sum(handle_of(&five), "wage")));
    assert!(matches!(&columns[0].data, Opened::Ring(_) | Opened::Bits(_)));
    refused(&world, &below(handle_of(&people), "id", 4), "too_few_rows");
}

#[test]
fn servers_that_were_told_different_rules_keep_nothing() {
    let world = World::new();
    let (lax, rows, payloads) = with_rules(None, &["id"]);
    let (strict, ..) = with_rules(Some(5), &["id"]);
    let job = job();
    let commands = [&strict, &strict, &lax];
    let bodies = [0, 1, 2].map(|node: usize| {
        let request = Request { rows: Some(rows), ..request(commands[node], job, None) };
        body(&request, &payloads[node])
    });
    let found = codes(&world.ask(bodies));
    assert!(found.iter().any(|code| code == "servers_disagree"), "{found:?}");
    wait_until_settled(&world);
    assert!(world.nodes.iter().all(|node| node.store.tables().unwrap().is_empty()));
    // Told the same, they keep it.
    people(&world);
    assert!(world.nodes.iter().all(|node| node.store.tables().unwrap().len() == 1));
}

#[test]
fn rules_that_cannot_be_kept_are_no_upload() {
    let world = World::new();
    for (asked, code) in [
        (with_rules(Some(1), &[]), "bad_rules"),
        (with_rules(None, &["id", "id"]), "bad_rules"),
        (with_rules(None, &["name"]), "unknown_column"),
    ] {
        let (command, rows, payloads) = asked;
        let request = Request { rows: Some(rows), ..request(&command, job(), None) };
        let found = codes(&world.ask(payloads.map(|payload| body(&request, &payload))));
        assert!(found.iter().all(|found| found == code || found == "peer_stopped"), "{found:?}");
    }
}

#[test]
fn a_saved_table_still_tells_its_rows_as_a_multiple_only() {
    let world = World::new();
    let (mut command, rows, payloads) = with_rules(None, &[]);
    if let Command::Upload { rules, .. } = &mut command {
        *rules = Some(Slot::Value(Rules { round_counts: Some(5), ..Rules::default() }));
    }
    let request = Request { rows: Some(rows), ..request(&command, job(), None) };
    let people = table(world.ask(payloads.map(|payload| body(&request, &payload))));
    let kept = table(world.run(&below(handle_of(&people), "id", 14)));
    assert_eq!(kept.rows, 10);
    let saved = Command::Save { table: handle_of(&kept), name: Some(Slot::Value("kept".into())) };
    table(world.run(&saved));
    let again = table(world.run(&Command::Get { table: TableRef::Name(Slot::Value("kept".into())) }));
    assert_eq!(again.rows, 10);
    assert_eq!(again.rules.as_ref().and_then(|rules| rules.round_counts), Some(5));
    assert_eq!(again.rules, kept.rules);
    refused(&world, &Command::Open { table: handle_of(&again) }, "rule_rows");
    refused(&world, &below(handle_of(&again), "id", 4), "too_few_rows");
    assert_eq!(table(world.run(&below(handle_of(&again), "id", 9))).rows, 5);
}
