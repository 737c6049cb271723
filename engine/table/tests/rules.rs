//! Rules of providers: three parties keep them as the plain engine does, along whole chains of commands on
//! the shares as they come, and nobody talks his way around them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use vdl_plain::Value;
use vdl_plan::plan;
use vdl_plan::vdl_command::Aggregate::{self, Count, Max, Mean, Min, Sum};
use vdl_plan::vdl_command::*;
use vdl_trio::Message;
use world::ask::*;
use world::kept::*;
use world::*;

/// 40 people, ids 0 to 39, with a wage and a region of 0 to 3, of which 3 has four people only; one in six is
/// ill.
fn people(least: u64, join_only: &[&str]) -> Kept {
    let region = |id: i128| if id < 36 { id % 3 } else { 3 };
    let table = clear(&[
        ("id", (0..40).collect()),
        ("wage", (0..40).map(|id| 1000 + 7 * id).collect()),
        ("region", (0..40).map(region).collect()),
        ("ill", (0..40).map(|id| i128::from(id % 6 == 5)).collect()),
    ]);
    upload(1, &table, rules(least, join_only))
}

/// Refused, and all that was opened is the one bit that says so.
fn too_few(command: &Command, tables: &[&Kept]) {
    let (got, messages) = watch(command, tables);
    assert_eq!(got.unwrap_err(), "too_few_rows", "{command:?}");
    let sent = |message: &&Message| (message.from, message.to) == (0, 1);
    let opened = |message: &&Message| message.step.starts_with("open") && message.length != 8;
    let revealing = messages.iter().filter(sent).filter(opened).filter(|message| message.step != "open ring");
    assert_eq!(revealing.count(), 0, "{messages:?}");
}

#[test]
fn a_mean_over_a_filter_of_one_row_is_refused_before_it_is_made() {
    let people = people(10, &[]);
    too_few(&filter(is("id", 5), None), &[&people]);
    too_few(&filter(below("id", 9), None), &[&people]);
    let ten = ask(&filter(below("id", 10), None), &[&people]).unwrap().table();
    assert_eq!(
        ask(&mean("wage"), &[&ten]).unwrap().opened()[0][0],
        Some(Value::Mean { sum: 10_315, count: 10 })
    );
    too_few(&filter(is("id", 5), None), &[&ten]);
}

#[test]
fn single_rows_are_never_opened_also_not_after_other_commands() {
    let people = people(10, &[]);
    assert_eq!(ask(&open(), &[&people]).unwrap_err(), "rule_rows");
    for command in [
        sort(&[("wage", false)]),
        project(&[("wage", "w"), ("id", "i")]),
        named("new", number(1)),
        filter(below("id", 20), None),
        concat(1),
    ] {
        let after = ask(&command, &[&people]).unwrap().table();
        assert_eq!(ask(&open(), &[&after]).unwrap_err(), "rule_rows", "{command:?}");
    }
    for extreme in [Min, Max] {
        let command = aggregate(&[(extreme, name("wage"))], None);
        assert_eq!(ask(&command, &[&people]).unwrap_err(), "rule_rows");
        let command = group_by(&["region"], &[(extreme, name("wage"))]);
        assert_eq!(ask(&command, &[&people]).unwrap_err(), "rule_rows");
    }
}

#[test]
fn a_truth_value_times_a_column_is_a_filter_in_disguise() {
    let people = people(10, &[]);
    too_few(&total(times(is("id", 5), name("wage"))), &[&people]);
    too_few(&aggregate(&[(Mean, times(is("id", 5), name("wage")))], None), &[&people]);
    too_few(&total(is("ill", 1)), &[&people]);
    too_few(&total(name("ill")), &[&people]);
    too_few(&group_as_total("ill"), &[&people]);
    let healthy = total(binary(BinaryOp::Subtract, number(1), name("ill")));
    assert_eq!(ask(&healthy, &[&people]).unwrap().opened()[0][0], Some(Value::Integer(34)));
}

/// The same question as a filter.
fn group_as_total(column: &str) -> Command {
    filter(is(column, 1), None)
}

#[test]
fn a_group_below_the_minimum_vanishes_with_its_number() {
    let people = people(10, &[]);
    let command = group_by(&["region"], &[(Count, name("id")), (Mean, name("wage"))]);
    let groups = ask(&command, &[&people]).unwrap().table();
    assert_eq!(groups.input.rows, 3, "of the fourth, not even that it is there");
    let opened = ask(&open(), &[&groups]).unwrap().opened();
    assert_eq!(opened[0], ints([0, 1, 2]));
    assert_eq!(opened[1], ints([12, 12, 12]));
    // One of six is ill: no group has ten of those.
    let ill = ask(&group_by(&["region"], &[(Sum, name("ill"))]), &[&people]).unwrap().table();
    assert_eq!(ill.input.rows, 0);
    // A key made for it tells nothing of one row.
    let keyed = named("key", times(is("id", 5), name("wage")));
    let keyed = ask(&keyed, &[&people]).unwrap().table();
    let groups = ask(&group_by(&["key"], &[(Count, name("id"))]), &[&keyed]).unwrap().table();
    assert_eq!(groups.data[0], ints([0]));
}

#[test]
fn copies_appended_do_not_fill_a_group() {
    let people = people(10, &[]);
    let twice = ask(&concat(3), &[&people, &people, &people]).unwrap().table();
    assert_eq!(twice.input.rows, 120);
    too_few(&filter(below("id", 4), None), &[&twice]);
    too_few(&total(times(below("id", 4), name("wage"))), &[&twice]);
    let groups = ask(&group_by(&["region"], &[(Count, name("id"))]), &[&twice]).unwrap().table();
    assert_eq!(groups.data[0], ints([0, 1, 2]), "12 rows of region 3 are those of 4 people");
    ask(&filter(below("id", 10), None), &[&twice]).unwrap();
    assert_eq!(ask(&open(), &[&twice]).unwrap_err(), "rule_rows");
}

#[test]
fn padding_with_own_rows_fills_no_group() {
    let people = people(10, &[]);
    let mine: Vec<i128> = (100..150).collect();
    let padding =
        clear(&[("id", mine.clone()), ("wage", mine.clone()), ("region", vec![3; 50]), ("ill", mine)]);
    // With rules of its own the padding is nothing else.
    for asked in [Rules::default(), rules(2, &[])] {
        let padding = upload(4, &padding, asked);
        for parts in [[&people, &padding], [&padding, &people]] {
            let padded = ask(&concat(2), &parts).unwrap().table();
            let one =
                binary(BinaryOp::Or, is("id", 5), binary(BinaryOp::GreaterOrEqual, name("id"), number(100)));
            too_few(&filter(one.clone(), None), &[&padded]);
            too_few(&total(times(one, name("wage"))), &[&padded]);
            let groups = ask(&group_by(&["region"], &[(Count, name("id"))]), &[&padded]).unwrap().table();
            assert!(!groups.data[0].contains(&Some(Value::Integer(3))), "{:?}", groups.data[0]);
            assert_eq!(ask(&open(), &[&padded]).unwrap_err(), "rule_rows");
            // Whether an own row's key is one of theirs would be told by keys that are not unique.
            let keyed = looked_up(How::Left, "id", "id");
            assert_eq!(ask(&keyed, &[&people, &padded]).unwrap_err(), "rule_key");
        }
    }
}

#[test]
fn a_row_repeated_by_a_merge_counts_once() {
    let people = people(10, &[]);
    // One person, a hundred visits; and every person twice.
    let visits = own(&[("who", vec![7; 100]), ("cost", (0..100).collect())]);
    too_few(&looked_up(How::Inner, "who", "id"), &[&visits, &people]);
    let joined = ask(&looked_up(How::Left, "who", "id"), &[&visits, &people]).unwrap().table();
    too_few(&mean("wage"), &[&joined]);
    too_few(&aggregate(&[(Count, name("cost"))], None), &[&joined]);
    too_few(&filter(below("cost", 50), None), &[&joined]);
    assert_eq!(ask(&group_by(&["who"], &[(Mean, name("wage"))]), &[&joined]).unwrap().table().input.rows, 0);
    let visits = own(&[("who", (0..80).map(|n| n / 2).collect()), ("cost", (0..80).collect())]);
    let joined = ask(&looked_up(How::Inner, "who", "id"), &[&visits, &people]).unwrap().table();
    assert_eq!(joined.input.rows, 80);
    too_few(&filter(below("cost", 18), None), &[&joined]);
    let twenty = ask(&filter(below("cost", 20), None), &[&joined]).unwrap().table();
    assert_eq!(
        ask(&mean("wage"), &[&twenty]).unwrap().opened()[0][0],
        Some(Value::Mean { sum: 20_630, count: 20 })
    );
    // Carried through everything that keeps rows.
    let moved = ask(&sort(&[("cost", false)]), &[&twenty]).unwrap().table();
    let moved = ask(&project(&[("who", "a"), ("wage", "b")]), &[&moved]).unwrap().table();
    let moved = ask(&named("c", number(3)), &[&moved]).unwrap().table();
    too_few(&filter(below("a", 9), None), &[&moved]);
    ask(&filter(below("a", 10), None), &[&moved]).unwrap();
    assert_eq!(ask(&open(), &[&moved]).unwrap_err(), "rule_rows");
}

#[test]
fn a_join_on_a_key_column_made_by_the_analyst_reaches_no_single_row() {
    let people = people(10, &[]);
    let key = own(&[("key", vec![5]), ("copy", vec![5])]);
    too_few(&looked_up(How::Inner, "key", "id"), &[&key, &people]);
    too_few(&merge(How::Inner, Validate::OneToOne, &["key"], &["id"]), &[&key, &people]);
    too_few(&looked_up(How::Inner, "id", "key"), &[&people, &key]);
    // A key of 1 for one row and 0 for all others.
    let marks = own(&[("key", (0..40).collect()), ("mark", (0..40).map(|id| i128::from(id == 5)).collect())]);
    let marked = ask(&looked_up(How::Inner, "id", "key"), &[&people, &marks]).unwrap().table();
    too_few(&filter(is("mark", 1), None), &[&marked]);
    too_few(&total(times(name("mark"), name("wage"))), &[&marked]);
    let groups = ask(&group_by(&["mark"], &[(Sum, name("wage"))]), &[&marked]).unwrap().table();
    assert_eq!(groups.data[0], ints([0]));
    // Who met whom is not told row by row either.
    let left = ask(&looked_up(How::Left, "key", "id"), &[&key, &people]).unwrap().table();
    assert_eq!(ask(&open(), &[&left]).unwrap_err(), "rule_rows");
    too_few(&aggregate(&[(Count, name("wage"))], None), &[&left]);
    for (how, validate) in [
        (How::Outer, Validate::OneToOne),
        (How::Inner, Validate::ManyToMany),
        (How::Left, Validate::OneToMany),
    ] {
        let command = merge(how, validate, &["id"], &["key"]);
        assert_eq!(ask(&command, &[&people, &key]).unwrap_err(), "rule_unchecked");
    }
}

#[test]
fn a_self_join_counts_originals() {
    let people = people(10, &[]);
    for (how, validate) in [
        (How::Inner, Validate::OneToOne),
        (How::Left, Validate::OneToOne),
        (How::Inner, Validate::ManyToOne),
        (How::Right, Validate::OneToOne),
    ] {
        let joined = ask(&merge(how, validate, &["id"], &["id"]), &[&people, &people]).unwrap().table();
        too_few(&filter(below("id", 9), None), &[&joined]);
        ask(&filter(below("id", 10), None), &[&joined]).unwrap();
        assert_eq!(ask(&open(), &[&joined]).unwrap_err(), "rule_rows");
    }
}

#[test]
fn whether_made_up_keys_are_unique_is_not_told() {
    let people = people(10, &[]);
    // 40 ids, all different but for the one whose bit is asked for.
    let secret = times(is("id", 5), name("ill"));
    let keyed = ask(&named("key", binary(BinaryOp::Add, name("id"), secret)), &[&people]).unwrap().table();
    let ids = own(&[("other", (0..41).collect())]);
    assert_eq!(ask(&looked_up(How::Left, "other", "key"), &[&ids, &keyed]).unwrap_err(), "rule_key");
    let renamed = ask(&project(&[("key", "id"), ("wage", "wage")]), &[&keyed]).unwrap().table();
    assert_eq!(ask(&looked_up(How::Left, "other", "id"), &[&ids, &renamed]).unwrap_err(), "rule_key");
    // Nor of keys brought along by a merge, nor of tables that are too small as a whole.
    let marks = own(&[("k", (0..40).collect()), ("m", (0..40).collect())]);
    let marked = ask(&looked_up(How::Left, "id", "k"), &[&people, &marks]).unwrap().table();
    assert_eq!(ask(&looked_up(How::Left, "other", "m"), &[&ids, &marked]).unwrap_err(), "rule_key");
    let few = upload(5, &clear(&[("id", vec![1, 2, 3])]), rules(10, &[]));
    assert_eq!(ask(&looked_up(How::Left, "other", "id"), &[&ids, &few]).unwrap_err(), "rule_rows");
    too_few(&aggregate(&[(Count, name("id"))], None), &[&few]);
}

#[test]
fn whether_two_chosen_rows_have_the_same_value_is_not_told() {
    // Two people have a code, and everybody else no key that could be like another.
    let code = |id: i128| (id == 3 || id == 7).then_some(Value::Integer(5));
    let mut table = clear(&[("id", (0..40).collect()), ("code", vec![0; 40])]);
    table.columns[1].ctype.nullable = true;
    table.data[1] = (0..40).map(code).collect();
    let codes = own(&[("k", (0..20).collect())]);
    let unique = |how| merge(how, Validate::OneToOne, &["code"], &["k"]);
    let people = upload(1, &table, rules(10, &[]));
    let (got, messages) = watch(&unique(How::Left), &[&people, &codes]);
    assert_eq!(got.unwrap_err(), "too_few_rows");
    let opened = messages.iter().filter(|message| message.to == 0 && message.step == "open bits");
    assert!(opened.count() <= 3, "one bit of each message, and no second: {messages:?}");
    // With a code for everybody, two of them are chosen: by a filter, by keys of the analyst's own, by a copy.
    table.data[1] = (0..40).map(|id| Some(Value::Integer(id % 30))).collect();
    let people = upload(1, &table, rules(10, &[]));
    let ids = own(&[("who", (0..12).chain([37]).collect()), ("x", vec![0; 13])]);
    let chosen = [
        ask(&filter(below("id", 12), None), &[&people]).unwrap().table(),
        ask(&merge(How::Inner, Validate::ManyToOne, &["id"], &["who"]), &[&people, &ids]).unwrap().table(),
        ask(&merge(How::Inner, Validate::OneToOne, &["id"], &["who"]), &[&people, &ids]).unwrap().table(),
        ask(&merge(How::Inner, Validate::ManyToOne, &["who"], &["id"]), &[&ids, &people]).unwrap().table(),
    ];
    for table in &chosen {
        let moved = ask(&sort(&[("id", false)]), &[table]).unwrap().table();
        let moved = ask(&project(&[("code", "code"), ("id", "i")]), &[&moved]).unwrap().table();
        for chosen in [table, &moved] {
            for how in [How::Left, How::Inner] {
                assert_eq!(ask(&unique(how), &[chosen, &codes]).unwrap_err(), "rule_key");
            }
            let looked_up = merge(How::Left, Validate::ManyToOne, &["k"], &["code"]);
            assert_eq!(ask(&looked_up, &[&codes, chosen]).unwrap_err(), "rule_key");
            // What needs no promise of theirs is as before.
            ask(&merge(How::Left, Validate::ManyToOne, &["code"], &["k"]), &[chosen, &codes]).unwrap();
        }
    }
}

#[test]
fn a_column_for_joining_only_shows_under_no_name() {
    let people = people(0, &["id"]);
    for command in [
        open(),
        filter(is("id", 5), None),
        named("copy", name("id")),
        named("copy", times(name("wage"), binary(BinaryOp::Add, name("id"), number(0)))),
        named("gone", Expression::IsNull(Box::new(name("id")))),
        aggregate(&[(Count, name("id"))], None),
        group_by(&["region"], &[(Max, name("id"))]),
        sort(&[("wage", true), ("id", true)]),
    ] {
        assert_eq!(ask(&command, &[&people]).unwrap_err(), "rule_column", "{command:?}");
    }
    let renamed = ask(&project(&[("id", "a"), ("wage", "id")]), &[&people]).unwrap().table();
    assert_eq!(ask(&open(), &[&renamed]).unwrap_err(), "rule_column");
    let twice = ask(&concat(2), &[&people, &people]).unwrap().table();
    assert_eq!(ask(&open(), &[&twice]).unwrap_err(), "rule_column");
    let groups = ask(&group_by(&["id"], &[(Count, name("wage"))]), &[&people]).unwrap().table();
    assert_eq!(ask(&open(), &[&groups]).unwrap_err(), "rule_column");
    let shown = ask(&project(&[("wage", "wage"), ("ill", "ill")]), &[&people]).unwrap().table();
    assert_eq!(ask(&open(), &[&shown]).unwrap().opened().len(), 2);
    // A table of the analyst's own, with the key twice: what it brings along could be the key.
    let keys = own(&[("key", (0..40).collect()), ("copy", (0..40).collect())]);
    for (command, tables) in [
        (looked_up(How::Inner, "id", "key"), [&people, &keys]),
        (looked_up(How::Left, "key", "id"), [&keys, &people]),
    ] {
        let joined = ask(&command, &tables).unwrap().table();
        for column in ["key", "copy", "id"] {
            let one = ask(&project(&[(column, "x")]), &[&joined]).unwrap().table();
            assert_eq!(ask(&open(), &[&one]).unwrap_err(), "rule_column", "{column}");
        }
        let wages = ask(&project(&[("wage", "wage")]), &[&joined]).unwrap().table();
        ask(&open(), &[&wages]).unwrap();
    }
    // Two providers who both keep the key for joining.
    let visits =
        upload(6, &clear(&[("who", (0..40).collect()), ("cost", (0..40).collect())]), rules(0, &["who"]));
    let joined = ask(&looked_up(How::Inner, "who", "id"), &[&visits, &people]).unwrap().table();
    assert_eq!(ask(&open(), &[&joined]).unwrap_err(), "rule_column");
    let both = ask(&project(&[("cost", "cost"), ("wage", "wage")]), &[&joined]).unwrap().table();
    ask(&open(), &[&both]).unwrap();
}

#[test]
fn no_command_names_a_hidden_column() {
    let people = people(10, &[]);
    let twice = ask(&concat(2), &[&people, &people]).unwrap().table();
    assert_eq!(twice.input.columns.len(), twice.input.visible().len() + 2);
    for hidden in twice.input.columns.iter().skip(4) {
        for command in [
            project(&[(&hidden.name, "x")]),
            named("x", name(&hidden.name)),
            filter(is(&hidden.name, 1), None),
            sort(&[(&hidden.name, true)]),
            group_by(&[&hidden.name], &[]),
            merge(How::Left, Validate::ManyToOne, &[&hidden.name], &["id"]),
        ] {
            let tables = [&twice, &people];
            let tables = if matches!(command, Command::Merge { .. }) { &tables[..] } else { &tables[..1] };
            assert_eq!(ask(&command, tables).unwrap_err(), "unknown_column");
        }
    }
}

#[test]
fn rules_that_make_no_sense_are_refused() {
    let columns = vec![int("id", 0, 9)];
    for (asked, code) in [
        (rules(1, &[]), "bad_rules"),
        (Rules { min_rows: Some(0), ..Rules::default() }, "bad_rules"),
        (rules(0, &["id", "id"]), "bad_rules"),
        (rules(0, &["name"]), "unknown_column"),
    ] {
        let columns = Slot::Value(columns.clone());
        let command = Command::Upload { columns, name: None, rules: Some(Slot::Value(asked)) };
        assert_eq!(plan(&command, &[]).unwrap_err().code(), code);
    }
}

/// A chain of commands drawn at random, each on tables that came before.
fn chain(seed: u64, round: &[Option<u64>]) {
    let mut random = Random::of(seed);
    let schema = [
        int("k", 0, 40),
        nullable(int("x", -3, 9)),
        column("t", Kind::Boolean, true),
        int("wide", -(1 << 80), 1 << 80),
    ];
    let mut tables: Vec<Kept> = (0..3)
        .map(|_| {
            let rows = random.pick(&[0, 1, 5, 30, 63, 70]);
            let mut table = generate(&mut random, &schema, rows);
            if random.chance(60) {
                table.data[0] = ints((0..rows as i128).map(|row| row % 41));
            }
            let table = if random.chance(40) { table.hidden(&mut random, 40) } else { table };
            let least = random.pick(&[0, 0, 2, 4, 12]);
            let round_counts = random.pick(round);
            upload(random.word(), &table, Rules { round_counts, ..rules(least, &[]) })
        })
        .collect();
    for _ in 0..10 {
        let command = drawn(&mut random);
        let picked: Vec<Kept> = (0..command.inputs().len()).map(|_| random.pick(&tables)).collect();
        let got = ask(&command, &picked.iter().collect::<Vec<_>>());
        if let Ok(Got::Table(table)) = got
            && table.input.rows < 400
        {
            tables.push(*table);
        }
    }
}

fn drawn(random: &mut Random) -> Command {
    let value = random.pick(&[
        name("x"),
        name("t"),
        name("wide"),
        number(2),
        times(name("x"), below("k", 6)),
        binary(BinaryOp::Add, name("x"), name("k")),
    ]);
    let asked = [(random.pick(&[Count, Sum, Mean]), value.clone()), (Sum, name("wide"))];
    let asked = &asked[..random.pick(&[1, 2])];
    match random.below(10) {
        0 => filter(below("k", random.between(0, 45)), random.pick(&[None, Some(3)])),
        1 => filter(name("t"), None),
        2 => sort(&[(random.pick(&["k", "x"]), random.chance(50))]),
        3 => named("x", binary(BinaryOp::Subtract, name("k"), number(3))),
        4 => concat(2),
        5 => aggregate(asked, random.pick(&[None, Some(3)])),
        6 => group_by(random.pick(&[&["t"][..], &["x"], &["k"], &["t", "x"]]), asked),
        _ => {
            let how = random.pick(&[How::Inner, How::Left, How::Right]);
            let validate = match how {
                How::Right => random.pick(&[Validate::OneToMany, Validate::OneToOne]),
                _ => random.pick(&[Validate::ManyToOne, Validate::OneToOne, Validate::ManyToMany]),
            };
            let renamed = merge(how, validate, &["k"], &["k"]);
            let Command::Merge { left, right, how, left_on, right_on, validate, .. } = renamed else {
                panic!()
            };
            let suffixes = (String::new(), "_other".to_owned());
            Command::Merge { left, right, how, left_on, right_on, validate, suffixes }
        }
    }
}

#[test]
fn chains_of_commands_agree_with_the_plain_engine() {
    for seed in 9000..9120 {
        chain(seed, &[None]);
    }
}

#[test]
fn chains_on_tables_whose_counts_are_rounded_agree_with_the_plain_engine() {
    for seed in 9200..9320 {
        chain(seed, &[None, Some(3), Some(3), Some(8)]);
    }
}

#[test]
fn messages_do_not_depend_on_who_repeats() {
    let people = people(4, &[]);
    let shown = [0, 1].map(|twin| {
        // Every one of 30 once, or 6 of them five times.
        let who = (0..30).map(|n| if twin == 0 { n } else { n % 6 }).collect();
        let visits = own(&[("who", who), ("cost", (0..30).collect())]);
        let mut all = Vec::new();
        let (joined, messages) = watch(&looked_up(How::Inner, "who", "id"), &[&visits, &people]);
        let joined = joined.unwrap().table();
        all.extend(messages);
        let asked: [(Aggregate, Expression); 2] = [(Sum, name("wage")), (Count, name("cost"))];
        all.extend(watch(&filter(below("cost", 20), None), &[&joined]).1);
        all.extend(watch(&aggregate(&asked, None), &[&joined]).1);
        all
    });
    assert_eq!(shown[0], shown[1]);
}
